"""Single sampling plans by lot size, inspection level and AQL: the master tables of ISO 2859-1 and ANSI/ASQ Z1.4.

The tables have one structure. Code letters A, B, ... R and the AQLs 0.010, 0.015, ... 1000 are both steps of a series
of preferred numbers (five to the decade), so one letter up and one AQL down leave n times AQL, and with it the
acceptance number, as they were: a plan depends on (number of letter + number of AQL) alone. The cells give the
acceptance number by this sum; where there is none the table prints an arrow, up or down, to the next letter that has a
plan. Nonconformities per 100 units (AQL above 10) have plans up to 44 nonconformities for the letters A to E only.

Sources: ISO 2859-1:1999 tables 1, 2-A, 2-B, 2-C; ANSI/ASQ Z1.4-2003 and MIL-STD-105E tables I, II-A, II-B, II-C. Normal
and tightened plans are the same in all; reduced ones are not: Z1.4 leaves a gap between Ac and Re (a result in it
accepts the lot and ends reduced inspection), ISO 2859-1 has had none since 1999.
"""

from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

from qms_mcp.errors import InvalidInputError

Level: TypeAlias = Literal["I", "II", "III", "S-1", "S-2", "S-3", "S-4"]
Severity: TypeAlias = Literal["normal", "tightened", "reduced"]
Standard: TypeAlias = Literal["ISO 2859-1", "ANSI/ASQ Z1.4"]

LETTERS: Final = "ABCDEFGHJKLMNPQR"
_LETTERS_WITH_S: Final = f"{LETTERS}S"
AQLS: Final = (
    *(0.010, 0.015, 0.025, 0.040, 0.065, 0.10, 0.15, 0.25, 0.40, 0.65, 1.0, 1.5, 2.5),
    *(4.0, 6.5, 10.0, 15.0, 25.0, 40.0, 65.0, 100.0, 150.0, 250.0, 400.0, 650.0, 1000.0),
)
PER_CENT_UP_TO: Final = 10.0
_LARGEST_LOTS: Final = (8, 15, 25, 50, 90, 150, 280, 500, 1200, 3200, 10_000, 35_000, 150_000, 500_000)
_LETTERS_BY_LEVEL: Final[dict[str, str]] = {
    "S-1": "AAAABBBBCCCCDDD",
    "S-2": "AAABBBCCCDDDEEE",
    "S-3": "AABBCCDDEEFFGGH",
    "S-4": "AABCCDEEFGGHJJK",
    "I": "AABCCDEFGHJKLMN",
    "II": "ABCDEFGHJKLMNPQ",
    "III": "BCDEFGHJKLMNPQR",
}
_SIZES: Final = (2, 3, 5, 8, 13, 20, 32, 50, 80, 125, 200, 315, 500, 800, 1250, 2000, 3150)
_REDUCED_SIZES: Final = (2, 2, 2, 3, 5, 8, 13, 20, 32, 50, 80, 125, 200, 315, 500, 800)
_Cell: TypeAlias = tuple[int, int] | Literal["up", "down"]


def _numbers(first: int, arrows: str, acceptance: tuple[int, ...], gap: tuple[int, ...] = ()) -> dict[int, _Cell]:
    """Return cells by sum: Ac 0 at `first`, then the arrows, then the acceptance numbers."""
    cells: dict[int, _Cell] = {first: (0, 1)}
    for at, arrow in enumerate(arrows, first + 1):
        cells[at] = "up" if arrow == "^" else "down"
    start = first + 1 + len(arrows)
    for at, ac in enumerate(acceptance):
        cells[start + at] = (ac, gap[at] if gap else ac + 1)
    return cells


_NORMAL: Final = _numbers(14, "^v", (1, 2, 3, 5, 7, 10, 14, 21, 30, 44))
_TIGHTENED: Final = _numbers(15, "vv", (1, 2, 3, 5, 8, 12, 18, 27, 41))
_REDUCED_ISO: Final = _numbers(14, "^vv", (1, 2, 3, 5, 6, 8, 10, 14, 21))
_REDUCED_Z14: Final = _numbers(14, "^v", (0, 1, 1, 2, 3, 5, 7, 10, 14, 21), gap=(2, 3, 4, 5, 6, 8, 10, 13, 17, 24))
# The samples of A and B can't be made smaller for reduced inspection, so their plans are near those of normal.
_SMALLEST: Final[dict[tuple[str, int], dict[int, _Cell]]] = {
    ("ISO 2859-1", 0): _numbers(14, "vv", (1, 2, 3, 5, 7, 10, 14, 21, 30)),
    ("ISO 2859-1", 1): _numbers(14, "^vv", (1, 2, 3, 5, 7, 10, 14, 21, 30)),
    ("ANSI/ASQ Z1.4", 0): _numbers(14, "vv", (1, 2, 3, 5, 7, 10, 14, 21, 30)),
    ("ANSI/ASQ Z1.4", 1): _numbers(
        14, "^v", (0, 1, 2, 3, 5, 7, 10, 14, 21, 30), gap=(2, 3, 4, 5, 6, 8, 11, 15, 22, 31)
    ),
}
_PER_HUNDRED_FROM: Final = 25
_COLUMN_OF_S: Final = 2
_LAST_PER_HUNDRED_LETTER: Final = 4


@dataclass(frozen=True, slots=True)
class StandardPlan:
    """A single sampling plan of the standard.

    Attributes:
        letter: The code letter of lot size and level.
        used_letter: The one whose plan applies, after the arrows.
        n: Sample size.
        ac: Accept with so many nonconforming items (or nonconformities), or fewer.
        re: Do not accept with so many, or more.
        whole_lot: The sample is not smaller than the lot: inspect all of it.
    """

    standard: Standard
    lot_size: int
    level: Level
    severity: Severity
    aql: float
    letter: str
    used_letter: str
    n: int
    ac: int
    re: int
    whole_lot: bool


@dataclass(frozen=True, slots=True)
class LetterPlan:
    """A cell of a master table: the letter it leads to, n, Ac and Re."""

    letter: str
    n: int
    ac: int
    re: int


def code_letter(lot_size: int, level: Level = "II") -> str:
    """Return the sample size code letter (table 1).

    Raises:
        InvalidInputError: The lot has fewer than two items, or the level is unknown.
    """
    if lot_size < 2 or lot_size != int(lot_size):  # noqa: PLR2004 - the first lot size of the table
        raise InvalidInputError(f"A lot of {lot_size:g} items has no sampling plan.", hint="Inspect every item.")
    if level not in _LETTERS_BY_LEVEL:
        raise InvalidInputError(
            f"There is no inspection level {level!r}.", hint=f"One of {', '.join(_LETTERS_BY_LEVEL)}; II is the usual."
        )
    row = sum(lot_size > largest for largest in _LARGEST_LOTS)
    return _LETTERS_BY_LEVEL[level][row]


def standard_plan(
    lot_size: int,
    aql: float,
    *,
    level: Level = "II",
    severity: Severity = "normal",
    standard: Standard = "ISO 2859-1",
) -> StandardPlan:
    """Return the single sampling plan for a lot.

    Args:
        lot_size: Items in the lot.
        aql: In per cent nonconforming, or nonconformities per 100 units (above 10 only these); one of `AQLS`.
        level: Inspection level.
        severity: Normal, tightened or reduced.
        standard: Whose reduced plans; normal and tightened ones are the same.

    Raises:
        InvalidInputError: The lot is smaller than two, or the AQL is not one of the standard's.
    """
    letter = code_letter(lot_size, level)
    row = plan_of_letter(letter, aql, severity=severity, standard=standard)
    return StandardPlan(
        standard, lot_size, level, severity, aql, letter, row.letter, row.n, row.ac, row.re, whole_lot=row.n >= lot_size
    )


def plan_of_letter(
    letter: str, aql: float, *, severity: Severity = "normal", standard: Standard = "ISO 2859-1"
) -> LetterPlan:
    """Return what the master table has for a code letter and an AQL, its arrows followed.

    Raises:
        InvalidInputError: There is no such letter, or the AQL is not one of the standard's.
    """
    if len(letter) != 1 or letter not in LETTERS:
        raise InvalidInputError(f"There is no code letter {letter!r}.", hint=f"One of {', '.join(LETTERS)}.")
    column = _column(aql)
    used = _followed(LETTERS.index(letter), column, severity, standard)
    cell = _cell(used, column, severity, standard)
    ac, re = cell if isinstance(cell, tuple) else (0, 1)
    size = _REDUCED_SIZES[used] if severity == "reduced" else _SIZES[used]
    return LetterPlan(_LETTERS_WITH_S[used], size, ac, re)


def _table_of(letter: int, severity: Severity, standard: Standard) -> dict[int, _Cell]:
    if severity == "normal":
        return _NORMAL
    if severity == "tightened":
        return _TIGHTENED
    if (standard, letter) in _SMALLEST:
        return _SMALLEST[standard, letter]
    return _REDUCED_ISO if standard == "ISO 2859-1" else _REDUCED_Z14


def _column(aql: float) -> int:
    for at, preferred in enumerate(AQLS):
        if abs(aql - preferred) <= 1e-9 * preferred:
            return at
    near = sorted(AQLS, key=lambda preferred: abs(preferred - aql))[:2]
    raise InvalidInputError(
        f"{aql:g} is no AQL of the standard.",
        hint=f"The nearest are {min(near):g} and {max(near):g}; per cent nonconforming, so 1 % is 1.0.",
    )


def _cell(letter: int, column: int, severity: Severity, standard: Standard) -> _Cell:
    """Return what the master table has for a letter (by number) and an AQL (by column): (Ac, Re) or an arrow."""
    cells = _table_of(letter, severity, standard)
    total = letter + column
    if total < min(cells):
        return "down"
    if total > max(cells) or (total >= _PER_HUNDRED_FROM and letter > _LAST_PER_HUNDRED_LETTER):
        return "up"
    return cells[total]


def _followed(letter: int, column: int, severity: Severity, standard: Standard) -> int:
    """Return the letter (by number) that has a plan: the first one in the direction of the arrow.

    At the last letter an arrow down turns round, and at A an arrow up (the tables print them turned); S has the one
    plan of tightened inspection that R has not.
    """
    last = len(LETTERS) if severity == "tightened" and column == _COLUMN_OF_S else len(LETTERS) - 1
    down = _cell(letter, column, severity, standard) == "down"
    at = letter
    while isinstance(_cell(at, column, severity, standard), str):
        if at == (last if down else 0):
            down = not down
        at += 1 if down else -1
    return at
