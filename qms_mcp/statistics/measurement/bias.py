"""Bias: does the average of repeated readings differ from the known value of the part?

    bias([5.8, 5.7, 5.9, ...], 6.0)       # t test of mean - reference, interval of the bias

Source: AIAG manual, chapter III, section B (independent sample method). The repeatability is the standard deviation of
the readings; `method="range"` takes their range by d2* instead, with its degrees of freedom, as the manual's example.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

from qms_mcp.errors import InvalidInputError
from qms_mcp.statistics.flags import Flag
from qms_mcp.statistics.measurement.constants import d2_star, df_of_range
from qms_mcp.statistics.numbers import LARGEST, clean
from qms_mcp.statistics.quantiles import t_probability, t_quantile
from qms_mcp.statistics.spc.constants import exact_d2

BiasMethod: TypeAlias = Literal["sd", "range"]
_ADVISED = 10


@dataclass(frozen=True, slots=True)
class Bias:
    """A bias study of one part.

    Attributes:
        bias: Mean less reference, in the unit of the readings.
        repeatability: Standard deviation of a reading.
        standard_error: Of the mean.
        df: Degrees of freedom of the t test.
        t: bias / standard_error; None if every reading is the same.
        p: Two-sided; None likewise.
        low: Of the interval of the bias.
        high: Of the interval.
        of_tolerance: |bias| as per cent of the tolerance; None if not given.
        of_process: |bias| as per cent of the process variation (multiplier times sd); None if not given.
    """

    n: int
    reference: float
    mean: float
    bias: float
    repeatability: float
    standard_error: float
    df: float
    t: float | None
    p: float | None
    low: float
    high: float
    level: float
    of_tolerance: float | None
    of_process: float | None
    flags: tuple[Flag, ...] = ()


def bias(
    values: Sequence[Any],
    reference: float,
    *,
    method: BiasMethod = "sd",
    level: float = 0.95,
    tolerance: float | None = None,
    process_variation: float | None = None,
) -> Bias:
    """Return the bias of readings of one part of known value.

    Args:
        values: Readings; a missing one is left out and said.
        reference: The known value.
        method: Repeatability by standard deviation or by range.
        level: Of the interval.
        tolerance: Width of the tolerance.
        process_variation: Width of the process, 6 standard deviations.

    Raises:
        InvalidInputError: Fewer than two readings, one that is no number, or no finite reference.
    """
    import numpy as np  # noqa: PLC0415

    if not abs(reference) <= LARGEST:
        raise InvalidInputError(f"The reference has to be a number; given: {reference:g}.", hint="Give its value.")
    found = clean(values, "the readings")
    x = found[~np.isnan(found)]
    n, flags = int(x.size), _missing(found.size - x.size, found.size)
    if n < 2:  # noqa: PLR2004 - a spread
        raise InvalidInputError(
            f"A bias study needs repeated readings; there {'is one' if n == 1 else 'are none'}.",
            hint="Measure the part at least ten times.",
        )
    deviation = x - x[0]
    offset = float(deviation.mean())
    shift = (float(x[0]) - reference) + offset
    sd, df, scale = _repeatability(float(deviation.std(ddof=1)), float(np.ptp(x)), n, method)
    error = sd / math.sqrt(n)
    half = scale * t_quantile((1 + level) / 2, df) * error
    t = shift / error if error else None
    return Bias(
        n=n,
        reference=reference,
        mean=reference + shift,
        bias=shift,
        repeatability=sd,
        standard_error=error,
        df=df,
        t=t,
        p=None if t is None else 2 * t_probability(-abs(t), df),
        low=shift - half,
        high=shift + half,
        level=level,
        of_tolerance=_share(shift, tolerance, "tolerance"),
        of_process=_share(shift, process_variation, "process variation"),
        flags=flags + _flags(n, sd),
    )


def _repeatability(sd: float, spread: float, n: int, method: BiasMethod) -> tuple[float, float, float]:
    """Return the standard deviation, its degrees of freedom and the factor of the interval."""
    if method == "sd":
        return sd, n - 1, 1.0
    df = df_of_range(n)
    if df is None:
        raise InvalidInputError(
            f"The range of {n} readings wastes most of them, and the manual has no degrees of freedom for it.",
            hint="Use the standard deviation (method sd).",
        )
    return spread / d2_star(n), df, exact_d2(n) / d2_star(n)


def _share(shift: float, width: float | None, name: str) -> float | None:
    if width is None:
        return None
    if not 0 < width < math.inf:
        raise InvalidInputError(f"The {name} must be positive; given: {width:g}.", hint="Give its full width.")
    return 100 * abs(shift) / width


def _missing(missing: int, n: int) -> tuple[Flag, ...]:
    return (Flag("missing", f"{missing} of {n} readings are missing and were left out."),) if missing else ()


def _flags(n: int, sd: float) -> tuple[Flag, ...]:
    flags = list[Flag]()
    if n < _ADVISED:
        flags.append(Flag("few", f"There are {n} readings; the AIAG manual advises 10 or more.", "Measure again."))
    if sd == 0:
        flags.append(
            Flag(
                "no_variation",
                "Every reading is the same, so there is no test: the interval is the one value.",
                "The resolution is too coarse to see its own spread: use a finer one.",
            )
        )
    return tuple(flags)
