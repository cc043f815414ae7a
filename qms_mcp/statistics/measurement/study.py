"""A crossed study as it was measured: every reading by part and operator.

Readings of the same part by the same operator are its trials, in the order they came. A missing reading is left out and
said; then the cells are of unequal size, which the ANOVA can take and the method of ranges can't.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from qms_mcp.errors import InvalidInputError
from qms_mcp.statistics.flags import Flag
from qms_mcp.statistics.numbers import clean

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_LEAST_PARTS = 2
_GUIDE = {"parts": 10, "operators": 3, "trials": 2}
_MOST_LEVELS = 500
_NAMED = 6
_RESOLUTION_SHARE = 0.25
_FEW_STEPS = 5


@dataclass(frozen=True, slots=True)
class Study:
    """Readings by part and operator.

    Attributes:
        cells: `cells[part][operator]`: the trials, as many as there are.
        parts: Names, in the order they came.
        operators: Names; one empty name if operators were not told apart.
        flags: What was seen in sorting them.
    """

    cells: tuple[tuple[tuple[float, ...], ...], ...]
    parts: tuple[str, ...]
    operators: tuple[str, ...]
    flags: tuple[Flag, ...] = field(default=())

    @property
    def n(self) -> int:
        """Return how many readings there are."""
        return sum(len(cell) for row in self.cells for cell in row)

    @property
    def trials(self) -> int | None:
        """Return how many trials each cell has; None if that differs."""
        sizes = {len(cell) for row in self.cells for cell in row}
        return sizes.pop() if len(sizes) == 1 else None

    @property
    def empty(self) -> list[str]:
        """Return the cells without a reading, by name."""
        return [
            f"part {part} by {operator or 'the operator'}"
            for part, row in zip(self.parts, self.cells, strict=True)
            for operator, cell in zip(self.operators, row, strict=True)
            if not cell
        ]

    def array(self) -> "NDArray[np.float64]":
        """Return the readings as parts x operators x trials.

        Raises:
            InvalidInputError: The cells are of unequal size.
        """
        import numpy as np  # noqa: PLC0415

        if self.trials is None:
            raise InvalidInputError(*self.unequal())
        return np.array(self.cells, dtype=np.float64)

    def unequal(self) -> tuple[str]:
        """Return in words which cells have another number of trials than most."""
        sizes = [len(cell) for row in self.cells for cell in row]
        usual = max(set(sizes), key=sizes.count)
        odd = [
            f"part {part} by {operator or 'the operator'}: {len(cell)}"
            for part, row in zip(self.parts, self.cells, strict=True)
            for operator, cell in zip(self.operators, row, strict=True)
            if len(cell) != usual
        ]
        more = f" and {len(odd) - _NAMED} more" if len(odd) > _NAMED else ""
        return (f"Not every operator measured every part {usual} times: {'; '.join(odd[:_NAMED])}{more}.",)


def crossed_study(
    values: "Sequence[Any] | NDArray[np.float64]",
    parts: Sequence[Any],
    operators: Sequence[Any] | None = None,
    trials: Sequence[Any] | None = None,
) -> Study:
    """Sort readings into a study.

    Args:
        values: Readings; a missing one is left out.
        parts: The part of each reading.
        operators: Who (or what) took it; left out when there was one.
        trials: Which trial it was; only looked at to find a reading entered twice.

    Raises:
        InvalidInputError: A reading is no number, has no part or operator, or is there twice; there are fewer than two
            parts; or no cell has a second trial and there is only one operator.
    """
    import numpy as np  # noqa: PLC0415

    numbers = clean(values, "the readings")
    who = [""] * len(numbers) if operators is None else _names(operators, "operator", numbers.size)
    which = _names(parts, "part", numbers.size)
    if trials is not None:
        _refuse_twice(which, who, _names(trials, "trial", numbers.size))
    cells = defaultdict[tuple[str, str], list[float]](list)
    for at in np.flatnonzero(~np.isnan(numbers)):
        cells[which[at], who[at]].append(float(numbers[at]))
    part_names, operator_names = tuple(dict.fromkeys(which)), tuple(dict.fromkeys(who))
    _refuse_too_few(part_names, operator_names, max((len(cell) for cell in cells.values()), default=0))
    missing = int(np.isnan(numbers).sum())
    found = (
        (Flag("missing", f"{missing} of {numbers.size} readings are missing and were left out."),) if missing else ()
    )
    table = tuple(tuple(tuple(cells[part, operator]) for operator in operator_names) for part in part_names)
    study = Study(table, part_names, operator_names)
    return Study(table, part_names, operator_names, found + _size_flags(study) + _resolution_flags(study))


def _names(column: Sequence[Any], kind: str, n: int) -> list[str]:
    if len(column) != n:
        raise InvalidInputError(
            f"There are {n} readings, but {len(column)} names of a {kind}.", hint="Give one for each reading."
        )
    names = ["" if name is None else _name(name) for name in column]
    if "" in names:
        raise InvalidInputError(
            f"Row {names.index('') + 1} has no {kind}.", hint=f"Name the {kind} of each reading, or leave the row out."
        )
    return names


def _name(value: Any) -> str:
    return f"{value:g}" if isinstance(value, float) and value.is_integer() else str(value).strip()


def _refuse_twice(parts: list[str], operators: list[str], trials: list[str]) -> None:
    seen = dict[tuple[str, str, str], int]()
    for at, key in enumerate(zip(parts, operators, trials, strict=True)):
        if key in seen:
            raise InvalidInputError(
                f"Trial {key[2]} of part {key[0]}{f' by {key[1]}' if key[1] else ''} is there twice: "
                f"rows {seen[key] + 1} and {at + 1}.",
                hint="Leave one out, or number the trials.",
            )
        seen[key] = at


def _refuse_too_few(parts: tuple[str, ...], operators: tuple[str, ...], trials: int) -> None:
    if len(parts) < _LEAST_PARTS:
        raise InvalidInputError(
            f"There is one part ({parts[0]}); a study compares the spread of measuring with that of parts.",
            hint="Measure at least two parts, better ten; for one part with a known value use the bias study.",
        )
    if max(len(parts), len(operators)) > _MOST_LEVELS:
        raise InvalidInputError(
            f"{len(parts)} parts and {len(operators)} operators are no gauge study (at most {_MOST_LEVELS} of each).",
            hint="Check which columns are the part and the operator.",
        )
    if trials < 2 and len(operators) < 2:  # noqa: PLR2004 - repetition needs two
        raise InvalidInputError(
            "Each part was measured once by one operator: nothing was repeated.", hint="Measure each part again."
        )


def _size_flags(study: Study) -> tuple[Flag, ...]:
    trials = study.trials or max(len(cell) for row in study.cells for cell in row)
    sizes = {"parts": len(study.parts), "operators": len(study.operators), "trials": trials}
    small = [f"{size} {kind} (at least {_GUIDE[kind]})" for kind, size in sizes.items() if size < _GUIDE[kind]]
    if not small:
        return ()
    return (
        Flag(
            "few",
            f"The study is smaller than the AIAG manual advises: {', '.join(small)}.",
            "Read the intervals rather than the estimates; repeat it with more.",
        ),
    )


def _resolution_flags(study: Study) -> tuple[Flag, ...]:
    cells = [cell for row in study.cells for cell in row if len(cell) > 1]
    if not cells:
        return ()
    ranges = [max(cell) - min(cell) for cell in cells]
    zero = sum(spread == 0 for spread in ranges)
    if zero == len(ranges):
        return (
            Flag(
                "no_variation",
                "Every repetition gave the same reading: repeatability shows as zero.",
                "The gauge does not resolve its own spread, or readings were copied: use one with a finer resolution.",
            ),
        )
    if zero > _RESOLUTION_SHARE * len(ranges) or len(set(ranges)) < _FEW_STEPS < len(ranges):
        return (
            Flag(
                "resolution",
                f"{zero} of {len(ranges)} ranges are zero and only {len(set(ranges))} different values of the range "
                "occur: the resolution is coarse against the spread of measuring.",
                "Read to one more digit, or use a gauge with a finer resolution (a tenth of the process spread).",
            ),
        )
    return ()
