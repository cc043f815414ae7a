"""What is odd about the values, or about how they stand to the specification, before anything is computed of them."""

import math
from typing import TYPE_CHECKING, Final

from qms_mcp.errors import InvalidInputError
from qms_mcp.statistics.capability.specification import Specification
from qms_mcp.statistics.capability.subgroups import Subgrouped
from qms_mcp.statistics.flags import Flag
from qms_mcp.statistics.moments import Moments

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_VERY_FEW, _FEW = 30, 100
_LEAST_DISTINCT = 5
_FEW_SUBGROUPS = 20
_TOO_GOOD = 20.0
_REPEATED = 10
_ROUNDING = 4e-15
_EXTREME = 1e100
_HOPELESS = 1e9
_NEAR = 0.05
_FACTORS: Final = {
    25.4: "inch and mm",
    10.0: "cm and mm",
    100.0: "%",
    1000.0: "a prefix such as milli",
    2.54: "inch and cm",
}


def refuse_unusable(values: "NDArray[np.float64]", found: Moments, specification: Specification) -> None:
    """Refuse what can't be computed with.

    Raises:
        InvalidInputError: There are fewer than two values, they do not vary, or by no more than doubles are rounded;
            or sizes are so far apart that the digits of one are lost in the other.
    """
    import numpy as np  # noqa: PLC0415

    if found.n < 2:  # noqa: PLR2004 - one value has no spread
        raise InvalidInputError(
            "One value says nothing about how a process varies.", hint="Give at least 30, better 100."
        )
    largest = float(np.abs(values).max())
    if found.sd <= _ROUNDING * largest:
        raise InvalidInputError(
            f"All {found.n} values are {found.mean:g}: nothing varies, so no index can be computed.",
            hint="Check the resolution of the measurement, and whether the right column was read.",
        )
    if found.sd < 1.0 / _EXTREME or largest > _EXTREME:
        raise InvalidInputError(
            f"The values are of a size ({largest:.3g}, sd {found.sd:.3g}) that no unit of measurement gives.",
            hint="Check the column; give the values in a larger or smaller unit.",
        )
    limits = [limit for limit in (specification.lsl, specification.usl) if limit is not None]
    for limit in limits:
        if abs(limit - found.mean) > _HOPELESS * found.sd:
            raise InvalidInputError(
                f"A limit ({limit:g}) is {abs(limit - found.mean) / found.sd:.2g} standard deviations from the mean.",
                hint="Are values and limits of the same characteristic, in the same unit?",
            )


def sanity(grouped: Subgrouped, found: Moments, specification: Specification) -> tuple[Flag, ...]:
    """Return what should be looked at first."""
    flags = [*_few(grouped), *_coarse(grouped.values, found.sd), *_repeated(grouped.values)]
    flags += _elsewhere(grouped.values, found, specification)
    width = specification.width
    if width is not None and width > 6.0 * _TOO_GOOD * found.sd:
        says = f"The specification is {width / found.sd:.0f} standard deviations wide, which no real process needs."
        flags.append(Flag("implausible", says, "Check the units, and whether averages were given for single values."))
    return tuple(flags)


def _few(grouped: Subgrouped) -> list[Flag]:
    n, flags = int(grouped.values.size), list[Flag]()
    if n < _VERY_FEW:
        says = f"Only {n} values: the indices are hardly known, see their intervals."
        flags.append(
            Flag("few", says, "Collect at least 100, over the time and the conditions the process runs under.")
        )
    elif n < _FEW:
        flags.append(Flag("few", f"{n} values: the intervals are wide.", "100 and more are usual."))
    if not grouped.individuals and grouped.sizes.size < _FEW_SUBGROUPS:
        flags.append(Flag("few", f"{grouped.sizes.size} subgroups; 20 to 25 are usual."))
    return flags


def _coarse(values: "NDArray[np.float64]", sd: float) -> list[Flag]:
    import numpy as np  # noqa: PLC0415

    ordered = np.unique(values)
    steps = np.diff(ordered)
    steps = steps[steps > 1e-9 * float(ordered[-1] - ordered[0])]
    distinct = int(steps.size) + 1
    step = float(steps.min())
    if distinct >= min(_LEAST_DISTINCT, values.size) and step <= sd:
        return []
    says = f"The measurement is coarse: {distinct} different values, {step:g} apart, where sd is {sd:.3g}."
    return [Flag("coarse", says, "Measure with a finer resolution (a tenth of sigma), or record more digits.")]


def _repeated(values: "NDArray[np.float64]") -> list[Flag]:
    import numpy as np  # noqa: PLC0415

    half = values.size // 2
    if half >= _REPEATED and values.size == 2 * half and bool(np.array_equal(values[:half], values[half:])):
        return [Flag("duplicates", f"The second {half} values repeat the first {half}.", "Was a table joined twice?")]
    return []


def _elsewhere(values: "NDArray[np.float64]", found: Moments, specification: Specification) -> list[Flag]:
    import numpy as np  # noqa: PLC0415

    below = specification.lsl is not None and bool(np.all(values < specification.lsl))
    above = specification.usl is not None and bool(np.all(values > specification.usl))
    if not below and not above:
        return []
    side = "below lsl" if below else "above usl"
    says = f"All values are {side} (mean {found.mean:g}, specification {specification.words()})."
    return [Flag("all_outside", says + _factor(found.mean, specification), "Are values and limits in the same unit?")]


def _factor(mean: float, specification: Specification) -> str:
    limits = [limit for limit in (specification.lsl, specification.usl) if limit is not None]
    middle = specification.target if specification.target is not None else sum(limits) / len(limits)
    if mean == 0.0 or middle == 0.0 or (mean > 0) is not (middle > 0):
        return ""
    ratio = abs(math.log(mean / middle))
    near = [(abs(ratio - math.log(factor)), factor, words) for factor, words in _FACTORS.items()]
    distance, factor, words = min(near)
    return f" The ratio is about {factor:g}: {words}?" if distance < _NEAR * math.log(factor) else ""
