"""Sums of squares of a crossed or nested study, each with its degrees of freedom, tested by F.

Means are taken relative to the first value, so that equal readings give a spread of exactly zero and a large offset
costs no digits.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from qms_mcp.statistics.quantiles import f_tail

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Source:
    """A row of an ANOVA table; F and p are None where there is no test."""

    name: str
    df: int
    ss: float
    ms: float
    f: float | None = None
    p: float | None = None


def source(name: str, df: int, ss: float, against: "Source | None" = None) -> Source:
    """Return a row; tested against another one when that has degrees of freedom and is not zero."""
    ms = ss / df if df else 0.0
    if against is None or not against.df or against.ms == 0.0 or not df:
        return Source(name, df, ss, ms)
    f = ms / against.ms
    return Source(name, df, ss, ms, f, f_tail(f, df, against.df))


def crossed_squares(x: "NDArray[np.float64]") -> tuple[Source, Source, Source, Source]:
    """Return part, operator, interaction and repeatability of parts x operators x trials.

    With one trial the interaction takes the place of repeatability, which then has no degrees of freedom. Source: AIAG
    manual, appendix A; Montgomery, Design and Analysis of Experiments, 13.3 (two factors, random).
    """
    p, o, r = x.shape
    centred = x - x.flat[0]
    cell = _mean(centred, 2)
    part, operator, grand = _mean(cell, 1), _mean(cell, 0), float(_mean(_mean(cell, 1), 0))
    ss_part = o * r * float(((part - grand) ** 2).sum())
    ss_operator = p * r * float(((operator - grand) ** 2).sum())
    ss_both = r * float(((cell - part[:, None] - operator[None, :] + grand) ** 2).sum())
    ss_error = float(((centred - cell[:, :, None]) ** 2).sum())
    error = source("repeatability", p * o * (r - 1), ss_error)
    both = source("operator_by_part", (p - 1) * (o - 1), ss_both, error)
    against = both if both.df else error
    return (
        source("part", p - 1, ss_part, against),
        source("operator", o - 1, ss_operator, against),
        both,
        error,
    )


def nested_squares(x: "NDArray[np.float64]") -> tuple[Source, Source, Source]:
    """Return operator, part within operator and repeatability of operators x parts x trials."""
    o, p, r = x.shape
    centred = x - x.flat[0]
    cell = _mean(centred, 2)
    operator = _mean(cell, 1)
    grand = float(_mean(operator, 0))
    error = source("repeatability", o * p * (r - 1), float(((centred - cell[:, :, None]) ** 2).sum()))
    part = source("part", o * (p - 1), r * float(((cell - operator[:, None]) ** 2).sum()), error)
    return source("operator", o - 1, p * r * float(((operator - grand) ** 2).sum()), part), part, error


def _mean(x: "NDArray[np.float64]", axis: int) -> "NDArray[np.float64]":
    import numpy as np  # noqa: PLC0415

    first = np.take(x, [0], axis=axis)
    return np.squeeze(first, axis=axis) + (x - first).mean(axis=axis)
