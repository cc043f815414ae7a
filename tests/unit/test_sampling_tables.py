"""The master tables for single sampling: every cell, its arrow followed, as the standards print them.

Rows are by code letter. First the letters whose plan with Ac = 0 applies, one for each AQL from 0.010; then the plans
that follow, as letter and Ac, the letter left out where it is the row's own. `J 0/2` stands for Ac = 0, Re = 2. The
values are those of ISO 2859-1:1999 (GB/T 2828.1-2012, IS 2500-1) tables 2-A, 2-B, 2-C and MIL-STD-105E (ANSI/ASQ
Z1.4) table II-C, compared with two independent public transcriptions.
"""

import pytest

from qms_mcp.errors import InvalidInputError
from qms_mcp.statistics.quantiles import binomial_probability
from qms_mcp.statistics.sampling.tables import (
    AQLS,
    LETTERS,
    Level,
    Severity,
    Standard,
    code_letter,
    plan_of_letter,
    standard_plan,
)

NORMAL = """
A QPNMLKJHGFEDCBA C1 B1 1 2 3 5 7 10 14 21 30
B QPNMLKJHGFEDCBA C1 1 2 3 5 7 10 14 21 30 44
C QPNMLKJHGFEDCB D1 1 2 3 5 7 10 14 21 30 44 B44
D QPNMLKJHGFEDC E1 1 2 3 5 7 10 14 21 30 44 C44 B44
E QPNMLKJHGFED F1 1 2 3 5 7 10 14 21 30 44 D44 C44 B44
F QPNMLKJHGFE G1 1 2 3 5 7 10 14 21 E21 E30 E44 D44 C44 B44
G QPNMLKJHGF H1 1 2 3 5 7 10 14 21 F21 E21 E30 E44 D44 C44 B44
H QPNMLKJHG J1 1 2 3 5 7 10 14 21 G21 F21 E21 E30 E44 D44 C44 B44
J QPNMLKJH K1 1 2 3 5 7 10 14 21 H21 G21 F21 E21 E30 E44 D44 C44 B44
K QPNMLKJ L1 1 2 3 5 7 10 14 21 J21 H21 G21 F21 E21 E30 E44 D44 C44 B44
L QPNMLK M1 1 2 3 5 7 10 14 21 K21 J21 H21 G21 F21 E21 E30 E44 D44 C44 B44
M QPNML N1 1 2 3 5 7 10 14 21 L21 K21 J21 H21 G21 F21 E21 E30 E44 D44 C44 B44
N QPNM P1 1 2 3 5 7 10 14 21 M21 L21 K21 J21 H21 G21 F21 E21 E30 E44 D44 C44 B44
P QPN Q1 1 2 3 5 7 10 14 21 N21 M21 L21 K21 J21 H21 G21 F21 E21 E30 E44 D44 C44 B44
Q QP R1 1 2 3 5 7 10 14 21 P21 N21 M21 L21 K21 J21 H21 G21 F21 E21 E30 E44 D44 C44 B44
R QP 1 2 3 5 7 10 14 21 Q21 P21 N21 M21 L21 K21 J21 H21 G21 F21 E21 E30 E44 D44 C44 B44
"""
TIGHTENED = """
A RQPNMLKJHGFEDCBA C1 B1 1 2 3 5 8 12 18 27
B RQPNMLKJHGFEDCB D1 C1 1 2 3 5 8 12 18 27 41
C RQPNMLKJHGFEDC E1 D1 1 2 3 5 8 12 18 27 41 B41
D RQPNMLKJHGFED F1 E1 1 2 3 5 8 12 18 27 41 C41 B41
E RQPNMLKJHGFE G1 F1 1 2 3 5 8 12 18 27 41 D41 C41 B41
F RQPNMLKJHGF H1 G1 1 2 3 5 8 12 18 E18 E27 E41 D41 C41 B41
G RQPNMLKJHG J1 H1 1 2 3 5 8 12 18 F18 E18 E27 E41 D41 C41 B41
H RQPNMLKJH K1 J1 1 2 3 5 8 12 18 G18 F18 E18 E27 E41 D41 C41 B41
J RQPNMLKJ L1 K1 1 2 3 5 8 12 18 H18 G18 F18 E18 E27 E41 D41 C41 B41
K RQPNMLK M1 L1 1 2 3 5 8 12 18 J18 H18 G18 F18 E18 E27 E41 D41 C41 B41
L RQPNML N1 M1 1 2 3 5 8 12 18 K18 J18 H18 G18 F18 E18 E27 E41 D41 C41 B41
M RQPNM P1 N1 1 2 3 5 8 12 18 L18 K18 J18 H18 G18 F18 E18 E27 E41 D41 C41 B41
N RQPN Q1 P1 1 2 3 5 8 12 18 M18 L18 K18 J18 H18 G18 F18 E18 E27 E41 D41 C41 B41
P RQP R1 Q1 1 2 3 5 8 12 18 N18 M18 L18 K18 J18 H18 G18 F18 E18 E27 E41 D41 C41 B41
Q RQ S1 R1 1 2 3 5 8 12 18 P18 N18 M18 L18 K18 J18 H18 G18 F18 E18 E27 E41 D41 C41 B41
R RQ S1 1 2 3 5 8 12 18 Q18 P18 N18 M18 L18 K18 J18 H18 G18 F18 E18 E27 E41 D41 C41 B41
"""
REDUCED_ISO = """
A QPNMLKJHGFEDCBA D1 C1 1 2 3 5 7 10 14 21 30
B QPNMLKJHGFEDCBA D1 C1 1 2 3 5 7 10 14 21 30
C QPNMLKJHGFEDCB E1 D1 1 2 3 5 6 8 10 14 21 B30
D QPNMLKJHGFEDC F1 E1 1 2 3 5 6 8 10 14 21 C21 B30
E QPNMLKJHGFED G1 F1 1 2 3 5 6 8 10 14 21 D21 C21 B30
F QPNMLKJHGFE H1 G1 1 2 3 5 6 8 10 E10 E14 E21 D21 C21 B30
G QPNMLKJHGF J1 H1 1 2 3 5 6 8 10 F10 E10 E14 E21 D21 C21 B30
H QPNMLKJHG K1 J1 1 2 3 5 6 8 10 G10 F10 E10 E14 E21 D21 C21 B30
J QPNMLKJH L1 K1 1 2 3 5 6 8 10 H10 G10 F10 E10 E14 E21 D21 C21 B30
K QPNMLKJ M1 L1 1 2 3 5 6 8 10 J10 H10 G10 F10 E10 E14 E21 D21 C21 B30
L QPNMLK N1 M1 1 2 3 5 6 8 10 K10 J10 H10 G10 F10 E10 E14 E21 D21 C21 B30
M QPNML P1 N1 1 2 3 5 6 8 10 L10 K10 J10 H10 G10 F10 E10 E14 E21 D21 C21 B30
N QPNM Q1 P1 1 2 3 5 6 8 10 M10 L10 K10 J10 H10 G10 F10 E10 E14 E21 D21 C21 B30
P QPN R1 Q1 1 2 3 5 6 8 10 N10 M10 L10 K10 J10 H10 G10 F10 E10 E14 E21 D21 C21 B30
Q QPN R1 1 2 3 5 6 8 10 P10 N10 M10 L10 K10 J10 H10 G10 F10 E10 E14 E21 D21 C21 B30
R QPN 1 2 3 5 6 8 10 Q10 P10 N10 M10 L10 K10 J10 H10 G10 F10 E10 E14 E21 D21 C21 B30
"""
REDUCED_Z14 = """
A QPNMLKJHGFEDCBA C0/2 B0/2 1/2 2/3 3/4 5/6 7/8 10/11 14/15 21/22 30/31
B QPNMLKJHGFEDCBA C0/2 0/2 1/3 2/4 3/5 5/6 7/8 10/11 14/15 21/22 30/31
C QPNMLKJHGFEDCB D0/2 0/2 1/3 1/4 2/5 3/6 5/8 7/10 10/13 14/17 21/24 B30/31
D QPNMLKJHGFEDC E0/2 0/2 1/3 1/4 2/5 3/6 5/8 7/10 10/13 14/17 21/24 C21/24 B30/31
E QPNMLKJHGFED F0/2 0/2 1/3 1/4 2/5 3/6 5/8 7/10 10/13 14/17 21/24 D21/24 C21/24 B30/31
F QPNMLKJHGFE G0/2 0/2 1/3 1/4 2/5 3/6 5/8 7/10 10/13 E10/13 E14/17 E21/24 D21/24 C21/24 B30/31
J QPNMLKJH K0/2 0/2 1/3 1/4 2/5 3/6 5/8 7/10 10/13 H10/13 G10/13 F10/13 E10/13 E14/17 E21/24 D21/24 C21/24 B30/31
Q QP R0/2 0/2 1/3 1/4 2/5 3/6 5/8 7/10 10/13 P10/13 N10/13 M10/13 L10/13 K10/13 J10/13 H10/13 G10/13 F10/13 \
E10/13 E14/17 E21/24 D21/24 C21/24 B30/31
R QP 0/2 1/3 1/4 2/5 3/6 5/8 7/10 10/13 Q10/13 P10/13 N10/13 M10/13 L10/13 K10/13 J10/13 H10/13 G10/13 F10/13 \
E10/13 E14/17 E21/24 D21/24 C21/24 B30/31
"""
SIZES = dict(
    zip("ABCDEFGHJKLMNPQRS", (2, 3, 5, 8, 13, 20, 32, 50, 80, 125, 200, 315, 500, 800, 1250, 2000, 3150), strict=True)
)
REDUCED_SIZES = dict(
    zip("ABCDEFGHJKLMNPQR", (2, 2, 2, 3, 5, 8, 13, 20, 32, 50, 80, 125, 200, 315, 500, 800), strict=True)
)

TABLES: list[tuple[str, Severity, Standard]] = [
    (NORMAL, "normal", "ISO 2859-1"),
    (NORMAL, "normal", "ANSI/ASQ Z1.4"),
    (TIGHTENED, "tightened", "ISO 2859-1"),
    (TIGHTENED, "tightened", "ANSI/ASQ Z1.4"),
    (REDUCED_ISO, "reduced", "ISO 2859-1"),
    (REDUCED_Z14, "reduced", "ANSI/ASQ Z1.4"),
]


def printed(table: str) -> list[tuple[str, float, str, int, int]]:
    """Return (row letter, AQL, letter used, Ac, Re) for each cell."""
    cells = list[tuple[str, float, str, int, int]]()
    for row in table.strip().splitlines():
        letter, zeros, *rest = row.split()
        plans = [(zero, 0, 1) for zero in zeros]
        for token in rest:
            used, numbers = (token[0], token[1:]) if token[0].isalpha() else (letter, token)
            ac, _, re = numbers.partition("/")
            plans.append((used, int(ac), int(re or int(ac) + 1)))
        assert len(plans) == len(AQLS), row
        cells += [(letter, aql, *plan) for aql, plan in zip(AQLS, plans, strict=True)]
    return cells


@pytest.mark.parametrize(("table", "severity", "standard"), TABLES)
def test_every_cell_of_the_master_tables_is_as_printed(table: str, severity: Severity, standard: Standard) -> None:
    sizes = REDUCED_SIZES if severity == "reduced" else SIZES
    for letter, aql, used, ac, re in printed(table):
        plan = plan_of_letter(letter, aql, severity=severity, standard=standard)
        assert (plan.letter, plan.n, plan.ac, plan.re) == (used, sizes[used], ac, re), (letter, aql)


# Table 1, by the largest lot of each row; as printed.
LETTERS_BY_LOT = """
8 A A A A A A B
15 A A A A A B C
25 A A B B B C D
50 A B B C C D E
90 B B C C C E F
150 B B C D D F G
280 B C D E E G H
500 B C D E F H J
1200 C C E F G J K
3200 C D E G H K L
10000 C D F G J L M
35000 C D F H K M N
150000 D E G J L N P
500000 D E G J M P Q
9999999 D E H K N Q R
"""
LEVELS: tuple[Level, ...] = ("S-1", "S-2", "S-3", "S-4", "I", "II", "III")


def test_every_code_letter_is_as_printed_at_both_ends_of_its_lot_sizes() -> None:
    smallest = 2
    for row in LETTERS_BY_LOT.strip().splitlines():
        largest, *letters = row.split()
        for level, letter in zip(LEVELS, letters, strict=True):
            assert code_letter(smallest, level) == letter
            assert code_letter(int(largest), level) == letter
        smallest = int(largest) + 1


@pytest.mark.parametrize(
    ("lot", "aql", "level", "severity", "expected"),
    [
        # Montgomery, 7th ed., 15.4.2: N = 2000, AQL 0.65 %, level II: letter K, n = 125, accept with 2.
        (2000, 0.65, "II", "normal", ("K", "K", 125, 2, 3)),
        (2000, 0.65, "II", "tightened", ("K", "K", 125, 1, 2)),
        (1000, 1.0, "II", "normal", ("J", "J", 80, 2, 3)),
        (1000, 1.0, "II", "tightened", ("J", "J", 80, 1, 2)),
        (1000, 1.0, "II", "reduced", ("J", "J", 32, 1, 2)),
        (1000, 0.40, "II", "normal", ("J", "K", 125, 1, 2)),
        (1000, 0.25, "II", "normal", ("J", "H", 50, 0, 1)),
    ],
)
def test_a_lot_gets_its_plan(
    lot: int, aql: float, level: Level, severity: Severity, expected: tuple[str, str, int, int, int]
) -> None:
    plan = standard_plan(lot, aql, level=level, severity=severity)
    assert (plan.letter, plan.used_letter, plan.n, plan.ac, plan.re) == expected


def test_normal_plans_accept_lots_at_their_aql_nearly_always() -> None:
    # What the structure is for: the risk of the producer at the AQL is small, and largest where Ac is 0.
    for aql in (each for each in AQLS if each <= 6.5):
        for letter in LETTERS:
            plan = plan_of_letter(letter, aql)
            assert binomial_probability(plan.ac, plan.n, aql / 100) >= 0.87, (letter, aql)


def test_tightened_never_accepts_more_at_the_aql_than_normal() -> None:
    for aql in (each for each in AQLS if each <= 10):
        for letter in LETTERS:
            normal = plan_of_letter(letter, aql)
            tightened = plan_of_letter(letter, aql, severity="tightened")
            risks = [1 - binomial_probability(plan.ac, plan.n, aql / 100) for plan in (normal, tightened)]
            assert risks[0] <= risks[1], (letter, aql)


def test_a_sample_not_smaller_than_the_lot_means_every_item() -> None:
    assert standard_plan(20, 0.10).whole_lot
    assert standard_plan(125, 0.10).n == 125
    assert standard_plan(125, 0.10).whole_lot
    assert not standard_plan(126, 0.10).whole_lot


def test_an_aql_that_is_none_names_the_nearest() -> None:
    with pytest.raises(InvalidInputError, match=r"1\.2 is no AQL") as refused:
        standard_plan(1000, 1.2)
    assert "1 and 1.5" in refused.value.hint


@pytest.mark.parametrize("lot", [-5, 0, 1, 10.5])
def test_a_lot_without_a_plan_is_refused(lot: float) -> None:
    with pytest.raises(InvalidInputError, match="no sampling plan"):
        standard_plan(lot, 1.0)  # type: ignore[arg-type] - on purpose
