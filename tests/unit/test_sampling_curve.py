"""Operating characteristics, outgoing quality and designed plans against printed values and closed forms."""

import math

import pytest
from capstat_core import acceptance_sampling as elsewhere

from qms_mcp.errors import InvalidInputError
from qms_mcp.statistics.sampling.curve import Curve, Model, hypergeometric_at_most
from qms_mcp.statistics.sampling.design import designed, zero_acceptance
from qms_mcp.statistics.sampling.switching import switching_rules
from qms_mcp.statistics.sampling.tables import plan_of_letter


def test_montgomerys_plan_has_his_chances_of_acceptance() -> None:
    # Montgomery, Introduction to Statistical Quality Control, table 15.2 (7th ed.): n = 89, c = 2.
    printed = {
        0.005: 0.9897,
        0.010: 0.9397,
        0.020: 0.7366,
        0.030: 0.4985,
        0.040: 0.3042,
        0.050: 0.1721,
        0.060: 0.0919,
        0.070: 0.0468,
        0.080: 0.0230,
        0.090: 0.0109,
    }
    curve = Curve(89, 2)
    assert {quality: round(curve.acceptance(quality), 4) for quality in printed} == printed


def test_montgomerys_plan_has_his_outgoing_quality() -> None:
    # The same, 15.2.2: N = 10,000, p = 0.01: AOQ 0.0093, ATI 687; AOQL about 0.0155, read from a figure.
    curve = Curve(89, 2, lot_size=10_000)
    assert round(curve.outgoing(0.01), 4) == 0.0093
    assert round(curve.total_inspection(0.01)) == 687
    assert curve.outgoing_limit().limit == pytest.approx(0.0155, abs=0.0004)


def test_aoql_is_that_of_the_poisson_formula() -> None:
    # Dodge and Romig: AOQL = y (1/n - 1/N), with y = 0.3679, 0.8400, 1.371, 1.942 for c = 0, 1, 2, 3.
    for ac, y in enumerate((0.3679, 0.8400, 1.371, 1.942)):
        limit = Curve(100, ac, "poisson").outgoing_limit()
        assert limit.limit * 100 == pytest.approx(y, rel=5e-4)


def test_the_poisson_points_are_the_tabled_ones() -> None:
    # Unity values np (Cameron 1952): Pa = 0.95 at 0.0513, 0.355, 0.818, 1.366; Pa = 0.10 at 2.303, 3.890, 5.322, 6.681.
    for ac, (good, bad) in enumerate(zip((0.0513, 0.355, 0.818, 1.366), (2.303, 3.890, 5.322, 6.681), strict=True)):
        curve = Curve(1, ac, "poisson")
        assert curve.quality_accepted(0.95) == pytest.approx(good, abs=6e-4)
        assert curve.quality_accepted(0.10) == pytest.approx(bad, abs=6e-4)


def test_iso_2859_prints_these_points_for_code_letter_j() -> None:
    # ISO 2859-1 and MIL-STD-105E, table X-J-1, AQL 1.0 (n = 80, Ac = 2): 95 % at 1.03, 50 % at 3.33, 10 % at 6.52.
    plan = plan_of_letter("J", 1.0)
    curve = Curve(plan.n, plan.ac)
    points = [round(100 * curve.quality_accepted(chance), 2) for chance in (0.95, 0.50, 0.10)]
    assert points == [1.03, 3.33, 6.52]


def test_a_binomial_curve_is_the_closed_sum() -> None:
    curve = Curve(50, 1)
    for quality in (0.0, 1e-9, 0.02, 0.5, 1.0):
        closed = (1 - quality) ** 50 + 50 * quality * (1 - quality) ** 49
        assert curve.acceptance(quality) == pytest.approx(closed, rel=1e-12, abs=1e-300)


def test_a_hypergeometric_chance_is_the_ratio_of_counts() -> None:
    ways = math.comb(95, 10) + 5 * math.comb(95, 9)
    assert hypergeometric_at_most(1, 100, 5, 10) == pytest.approx(ways / math.comb(100, 10), rel=1e-12)
    curve = Curve(10, 1, "hypergeometric", 100)
    assert curve.acceptance(0.05) == pytest.approx(ways / math.comb(100, 10), rel=1e-12)
    between = (hypergeometric_at_most(1, 100, 5, 10) + hypergeometric_at_most(1, 100, 6, 10)) / 2
    assert curve.acceptance(0.055) == pytest.approx(between, rel=1e-9)
    assert curve.acceptance(1.0) == 0
    assert curve.acceptance(0.01) == 1


def test_a_hypergeometric_chance_of_a_large_lot_keeps_its_digits() -> None:
    ways = sum(math.comb(50, x) * math.comb(99_950, 20_000 - x) for x in range(8))
    assert hypergeometric_at_most(7, 100_000, 50, 20_000) == pytest.approx(ways / math.comb(100_000, 20_000), rel=1e-9)


@pytest.mark.parametrize("model", ["binomial", "hypergeometric", "poisson"])
def test_an_independent_program_finds_the_same_chances(model: Model) -> None:
    plan = elsewhere.SamplingPlan(sample_size=50, acceptance_number=2, lot_size=500)
    ours = Curve(50, 2, model, 500)
    for quality in (0.01, 0.02, 0.05, 0.1):
        theirs = elsewhere.probability_of_acceptance(plan, quality, model=model)
        assert ours.acceptance(quality) == pytest.approx(theirs, rel=1e-9)


@pytest.mark.parametrize(("n", "ac"), [(1, 0), (13, 1), (89, 2), (2000, 21)])
def test_a_quality_accepted_is_the_one_with_this_chance(n: int, ac: int) -> None:
    if ac >= n:
        pytest.skip("no plan")
    for curve in (Curve(n, ac), Curve(n, ac, "poisson"), Curve(n, ac, "hypergeometric", 10 * n + 90)):
        for chance in (0.99, 0.5, 0.1, 0.01):
            assert curve.acceptance(curve.quality_accepted(chance)) == pytest.approx(chance, abs=1e-9)


def test_a_designed_plan_holds_both_risks_and_none_smaller_does() -> None:
    curve = designed(0.01, 0.05, 0.06, 0.10)
    assert curve.acceptance(0.01) >= 0.95
    assert curve.acceptance(0.06) <= 0.10
    for n in range(1, curve.n):
        for ac in range(min(n, 8)):
            smaller = Curve(n, ac)
            assert smaller.acceptance(0.01) < 0.95 or smaller.acceptance(0.06) > 0.10


@pytest.mark.parametrize(
    ("rql", "confidence", "n"),
    # n = ln(1 - confidence) / ln(1 - rql), rounded up: the sizes in general use for 95/95, 95/99, 90/95, 95/90.
    [(0.05, 0.95, 59), (0.01, 0.95, 299), (0.05, 0.90, 45), (0.10, 0.95, 29), (0.01, 0.99, 459), (0.001, 0.95, 2995)],
)
def test_zero_acceptance_plans_have_the_known_sizes(rql: float, confidence: float, n: int) -> None:
    assert zero_acceptance(rql, confidence).n == n
    assert n == math.ceil(math.log(1 - confidence) / math.log(1 - rql))


def test_a_finite_lot_needs_a_smaller_sample() -> None:
    curve = zero_acceptance(0.05, 0.95, lot_size=100)
    assert curve.n == 45
    assert curve.acceptance(0.05) <= 0.05
    assert Curve(44, 0, "hypergeometric", 100).acceptance(0.05) > 0.05


def test_what_is_no_plan_is_refused() -> None:
    for n, ac in ((0, 0), (5, -1), (5, 5)):
        with pytest.raises(InvalidInputError):
            Curve(n, ac)
    with pytest.raises(InvalidInputError, match="larger than the lot"):
        Curve(50, 1, lot_size=20)
    with pytest.raises(InvalidInputError, match="needs the lot size"):
        Curve(50, 1, "hypergeometric")
    with pytest.raises(InvalidInputError, match="depends on the lot size"):
        Curve(50, 1).total_inspection(0.01)


@pytest.mark.parametrize("quality", [-0.01, 1.5, math.nan, math.inf])
def test_a_quality_that_is_none_is_refused(quality: float) -> None:
    with pytest.raises(InvalidInputError, match="no fraction nonconforming"):
        Curve(50, 1).acceptance(quality)


@pytest.mark.parametrize(("aql", "rql"), [(0.05, 0.01), (0.0, 0.1), (0.1, 1.0), (0.02, 0.02)])
def test_qualities_in_the_wrong_order_are_refused(aql: float, rql: float) -> None:
    with pytest.raises(InvalidInputError, match="has to be better"):
        designed(aql, 0.05, rql, 0.10)


def test_risks_that_no_plan_holds_are_refused() -> None:
    with pytest.raises(InvalidInputError, match="leave no plan"):
        designed(0.01, 0.6, 0.05, 0.6)
    with pytest.raises(InvalidInputError, match="within a lot of 20"):
        designed(0.01, 0.001, 0.02, 0.001, model="hypergeometric", lot_size=20)


def test_every_severity_has_its_switching_rules() -> None:
    assert any("2 of 5" in rule for rule in switching_rules("normal", "ISO 2859-1"))
    assert any("score reaches 30" in rule for rule in switching_rules("normal", "ISO 2859-1"))
    assert any("10 consecutive lots" in rule for rule in switching_rules("normal", "ANSI/ASQ Z1.4"))
    assert any("5 consecutive lots were accepted" in rule for rule in switching_rules("tightened", "ISO 2859-1"))
    assert any("between Ac and Re" in rule for rule in switching_rules("reduced", "ANSI/ASQ Z1.4"))
