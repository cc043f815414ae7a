"""Linearity: does the bias change over the range of the gauge?

    linearity(values, references)         # bias regressed on reference, every reading a point

y = reading - reference = slope * reference + intercept + error. The gauge is linear as far as the line "bias = 0" lies
within the band of the fitted line, and slope and intercept can't be told from zero. Source: AIAG manual, chapter III,
section B; NIST e-Handbook 4.1.4 and 2.3.6 for the line and its bands.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from qms_mcp.errors import InvalidInputError
from qms_mcp.statistics.flags import Flag
from qms_mcp.statistics.measurement.bias import Bias, bias
from qms_mcp.statistics.numbers import clean
from qms_mcp.statistics.quantiles import t_probability, t_quantile

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_ADVISED_PARTS, _ADVISED_READINGS = 5, 10
_LEAST_READINGS = 3


@dataclass(frozen=True, slots=True)
class Coefficient:
    """An estimate of the line with its t test against zero; t and p are None when every point lies on the line."""

    value: float
    standard_error: float
    t: float | None
    p: float | None
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class BandPoint:
    """The fitted bias at a reference, with the confidence band of the line."""

    reference: float
    fit: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Linearity:
    """A linearity study.

    Attributes:
        s: Standard deviation of the readings about the line.
        r_squared: Share of the variation of the bias that the line explains.
        linearity: |slope| times the process variation, in the unit of the readings; None without one.
        percent: 100 |slope|, the linearity as per cent of the process variation.
        parts: The bias study of each reference, in ascending order; those measured once are left out.
        band: The line and its band at each reference, in ascending order.
        zero_within: Whether the line of no bias lies within the band at every reference.
        average_bias: Over all readings.
    """

    n: int
    slope: Coefficient
    intercept: Coefficient
    s: float
    r_squared: float | None
    linearity: float | None
    percent: float
    average_bias: float
    parts: tuple[Bias, ...]
    band: tuple[BandPoint, ...]
    zero_within: bool
    level: float
    flags: tuple[Flag, ...] = ()


def linearity(
    values: Sequence[Any],
    references: Sequence[Any],
    *,
    level: float = 0.95,
    process_variation: float | None = None,
    tolerance: float | None = None,
) -> Linearity:
    """Return the regression of bias on reference.

    Args:
        values: Readings; a missing one is left out and said.
        references: The known value of the part of each reading.
        level: Of intervals and band.
        process_variation: Width of the process, 6 standard deviations.
        tolerance: Width of the tolerance, for the bias of each part.

    Raises:
        InvalidInputError: The columns differ in length, a value is no number, there are fewer than three readings, or
            all references are equal.
    """
    import numpy as np  # noqa: PLC0415

    found, known = clean(values, "the readings"), clean(references, "the references", missing=False)
    if found.size != known.size:
        raise InvalidInputError(
            f"There are {found.size} readings and {known.size} references.", hint="Give one for each reading."
        )
    there = ~np.isnan(found)
    x, y = known[there], found[there] - known[there]
    if x.size < _LEAST_READINGS or float(x.min()) == float(x.max()):
        raise InvalidInputError(
            f"A line needs at least two different references and three readings; there are {np.unique(x).size} and "
            f"{x.size}.",
            hint="Measure five parts over the range of the gauge, ten times or more; for one part use the bias study.",
        )
    line = _Line.fitted(x, y, level)
    steps = [float(step) for step in np.unique(x)]
    band = tuple(line.at(step) for step in steps)
    parts = tuple(
        bias(list(found[there][x == step]), step, level=level, tolerance=tolerance, process_variation=process_variation)
        for step in steps
        if int((x == step).sum()) > 1
    )
    return Linearity(
        n=int(x.size),
        slope=line.slope(),
        intercept=line.intercept(),
        s=line.s,
        r_squared=line.r_squared,
        linearity=None if process_variation is None else abs(line.value) * process_variation,
        percent=100 * abs(line.value),
        average_bias=float(y.mean()),
        parts=parts,
        band=band,
        zero_within=all(point.low <= 0 <= point.high for point in band),
        level=level,
        flags=_flags(x, int((~there).sum()), line),
    )


@dataclass(frozen=True, slots=True)
class _Line:
    """A least-squares line, computed from deviations from the means."""

    n: int
    centre: float
    height: float
    sxx: float
    value: float
    s: float
    r_squared: float | None
    reach: float
    lack: float | None

    @classmethod
    def fitted(cls, x: "NDArray[np.float64]", y: "NDArray[np.float64]", level: float) -> "_Line":
        centre, height = float(x.mean()), float(y.mean())
        dx, dy = x - centre, y - height
        sxx, syy = float(dx @ dx), float(dy @ dy)
        value = float(dx @ dy) / sxx
        rest = dy - value * dx
        sse = float(rest @ rest)
        df = int(x.size) - 2
        s = math.sqrt(sse / df) if sse > 1e-24 * syy else 0.0
        reach = t_quantile((1 + level) / 2, df)
        return cls(
            int(x.size), centre, height, sxx, value, s, 1 - sse / syy if syy else None, reach, _curved(x, y, sse)
        )

    def slope(self) -> Coefficient:
        return self._coefficient(self.value, self.s / math.sqrt(self.sxx))

    def intercept(self) -> Coefficient:
        return self._coefficient(
            self.height - self.value * self.centre, self.s * math.sqrt(1 / self.n + self.centre**2 / self.sxx)
        )

    def at(self, reference: float) -> BandPoint:
        fit = self.height + self.value * (reference - self.centre)
        half = self.reach * self.s * math.sqrt(1 / self.n + (reference - self.centre) ** 2 / self.sxx)
        return BandPoint(reference, fit, fit - half, fit + half)

    def _coefficient(self, value: float, error: float) -> Coefficient:
        t = value / error if error else None
        p = None if t is None else 2 * t_probability(-abs(t), self.n - 2)
        return Coefficient(value, error, t, p, value - self.reach * error, value + self.reach * error)


def _curved(x: "NDArray[np.float64]", y: "NDArray[np.float64]", sse: float) -> float | None:
    """Return the p of the lack of fit: whether the averages leave the line by more than readings of a part scatter."""
    import numpy as np  # noqa: PLC0415

    from qms_mcp.statistics.quantiles import f_tail  # noqa: PLC0415

    steps = np.unique(x)
    pure = sum(float(((y[x == step] - y[x == step].mean()) ** 2).sum()) for step in steps)
    df_lack, df_pure = int(steps.size) - 2, int(x.size) - int(steps.size)
    if df_lack < 1 or df_pure < 1 or pure <= 1e-24 * max(sse, 1e-300):
        return None
    return f_tail(max(0.0, sse - pure) / df_lack / (pure / df_pure), df_lack, df_pure)


def _flags(x: "NDArray[np.float64]", missing: int, line: _Line) -> tuple[Flag, ...]:
    import numpy as np  # noqa: PLC0415

    flags = list[Flag]()
    if missing:
        flags.append(Flag("missing", f"{missing} of {x.size + missing} readings are missing and were left out."))
    steps, counts = np.unique(x, return_counts=True)
    if steps.size < _ADVISED_PARTS or int(counts.min()) < _ADVISED_READINGS:
        flags.append(
            Flag(
                "few",
                f"{steps.size} references, measured {counts.min()} times or more; the AIAG manual advises 5 and 10.",
                "Read the band rather than the line.",
            )
        )
    if line.lack is not None and line.lack < 0.05:  # noqa: PLR2004 - the usual level
        flags.append(
            Flag(
                "not_a_line",
                f"The averages leave the line by more than chance allows (lack of fit, p = {line.lack:.3g}).",
                "Look at the bias part by part: slope and intercept alone do not describe it.",
            )
        )
    if line.s == 0:
        flags.append(
            Flag(
                "no_variation",
                "Every reading lies on the line, so there are no tests.",
                "Check that these are readings, not values computed from the reference.",
            )
        )
    return tuple(flags)
