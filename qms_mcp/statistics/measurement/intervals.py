"""Intervals of components of variance from independent mean squares.

`combined`: of a sum or difference of expected mean squares, by the modified large-sample method: Graybill and Wang,
JASA 75 (1980), for sums; Ting, Burdick, Graybill, Jeyaratnam and Lu, J. Statist. Comput. Simul. 35 (1990), for
differences; both as in Burdick, Borror and Montgomery, Design and Analysis of Gauge R&R Studies (2005), chapters 2-3.
`pivotal`: of any function of them, by generalized pivotal quantities (the same book, appendix B): every expected mean
square is drawn as df * ms / chi-square and the function taken; the ends are quantiles of 100,000 draws with a fixed
seed.
"""

import math
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from qms_mcp.statistics.measurement.squares import Source
from qms_mcp.statistics.quantiles import chi2_quantile, f_quantile

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_DRAWS = 100_000
Term = tuple[float, Source]


def combined(plus: Sequence[Term], minus: Sequence[Term], level: float) -> tuple[float, float]:
    """Return the interval of sum(c * E[ms]) - sum(c * E[ms]); the lower end is not below zero.

    Args:
        plus: Coefficients, not negative, and mean squares that are added.
        minus: Those that are subtracted (cross terms among the added are left out, as in the book).
        level: Of confidence.
    """
    tail = (1 - level) / 2
    # In units of the largest, so that no square of a mean square is too large or too small to be represented.
    unit = max(s.ms for _, s in (*plus, *minus)) or 1.0
    added, taken = _scaled(plus, unit), _scaled(minus, unit)
    estimate = sum(value for value, _ in added) - sum(value for value, _ in taken)
    low = sum((_g(df, tail) * value) ** 2 for value, df in added)
    low += sum((_h(df, tail) * value) ** 2 for value, df in taken)
    high = sum((_h(df, tail) * value) ** 2 for value, df in added)
    high += sum((_g(df, tail) * value) ** 2 for value, df in taken)
    for value, df in added:
        for other, other_df in taken:
            low += _g_cross(df, other_df, tail) * value * other
            high += _h_cross(df, other_df, tail) * value * other
    below, above = math.sqrt(max(0.0, low)), math.sqrt(max(0.0, high))
    return unit * max(0.0, estimate - below), unit * max(0.0, estimate + above)


def _scaled(terms: Sequence[Term], unit: float) -> list[tuple[float, int]]:
    """Return coefficient times mean square, in `unit`, with its degrees of freedom."""
    return [(coefficient * (row.ms / unit), row.df) for coefficient, row in terms]


def _g(df: int, tail: float) -> float:
    return 1 - df / chi2_quantile(1 - tail, df)


def _h(df: int, tail: float) -> float:
    return df / chi2_quantile(tail, df) - 1


def _g_cross(first: int, second: int, tail: float) -> float:
    f = f_quantile(1 - tail, first, second)
    return ((f - 1) ** 2 - (_g(first, tail) * f) ** 2 - _h(second, tail) ** 2) / f


def _h_cross(first: int, second: int, tail: float) -> float:
    f = f_quantile(tail, first, second)
    return ((1 - f) ** 2 - (_h(first, tail) * f) ** 2 - _g(second, tail) ** 2) / f


def pivotal(
    rows: Sequence[Source],
    function: "Callable[[list[NDArray[np.float64]]], NDArray[np.float64]]",
    level: float,
    seed: int = 1,
) -> tuple[float, float]:
    """Return the interval of a function of the expected mean squares of `rows`."""
    import numpy as np  # noqa: PLC0415

    random = np.random.default_rng(seed)
    drawn = [row.ss / random.chisquare(row.df, _DRAWS) for row in rows]
    tail = (1 - level) / 2
    low, high = np.quantile(function(drawn), [tail, 1 - tail])
    return float(low), float(high)
