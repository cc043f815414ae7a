"""Which groups differ: every pair, or with many groups each against all others, never without a correction for it."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING

from qms_mcp.errors import InvalidInputError
from qms_mcp.statistics.comparing.effects import standardized
from qms_mcp.statistics.comparing.means import difference, standard_error
from qms_mcp.statistics.comparing.samples import Sample, sample_of
from qms_mcp.statistics.comparing.tails import studentized_range_above, studentized_range_quantile

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

MOST_TUKEY = 12
MOST_PAIRED = 50
REST = "all others"


@dataclass(frozen=True, slots=True)
class Pair:
    """First minus second: the interval is for all pairs at once, p is adjusted for their number."""

    first: str
    second: str
    difference: float
    low: float
    high: float
    p: float
    g: float | None


@dataclass(frozen=True, slots=True)
class PostHoc:
    """The pairs, smallest p first, by what they were compared, and which groups could not be."""

    how: str
    pairs: tuple[Pair, ...]
    left_out: tuple[str, ...]


def post_hoc(samples: Sequence[Sample], level: float = 0.95) -> PostHoc:
    """Return which groups differ.

    Up to 12 groups: Games and Howell (Journal of Educational Statistics 1, 1976). Up to 50: Welch's t for every pair,
    with Holm's correction (1979) of p and Bonferroni's of the intervals. Above: each group against all others.

    Raises:
        InvalidInputError: Fewer than two groups have the two values a comparison needs.
    """
    usable = [sample for sample in samples if sample.n > 1]
    left_out = tuple(sample.name for sample in samples if sample.n < 2)  # noqa: PLR2004
    if len(usable) > MOST_PAIRED:
        how, pairs = f"Welch t of each group against {REST}, Holm", _each_against_rest(usable, level)
    elif len(usable) > MOST_TUKEY:
        how, pairs = "Welch t of every pair, Holm", _holm_pairs(list(combinations(usable, 2)), level)
    else:
        how, pairs = "Games-Howell", _games_howell(usable, level)
    return PostHoc(how, tuple(sorted(pairs, key=lambda pair: (pair.p, -abs(pair.difference)))), left_out)


def holm(p_values: Sequence[float]) -> list[float]:
    """Return p-values adjusted so that any false one among them has at most the level's chance (Holm 1979)."""
    order = sorted(range(len(p_values)), key=lambda at: p_values[at])
    adjusted, largest = [1.0] * len(p_values), 0.0
    for rank, at in enumerate(order):
        largest = max(largest, min(1.0, (len(p_values) - rank) * p_values[at]))
        adjusted[at] = largest
    return adjusted


def benjamini_hochberg(p_values: "NDArray[np.float64]") -> "NDArray[np.float64]":
    """Return p-values adjusted for the share of false ones among those called (Benjamini and Hochberg 1995)."""
    import numpy as np  # noqa: PLC0415

    n = len(p_values)
    order = np.argsort(-p_values, kind="stable")
    scaled = p_values[order] * n / np.arange(n, 0, -1)
    adjusted = np.empty(n)
    adjusted[order] = np.minimum(1.0, np.minimum.accumulate(scaled))
    return adjusted


def _games_howell(samples: Sequence[Sample], level: float) -> list[Pair]:
    found, k = list[Pair](), len(samples)
    for a, b in combinations(samples, 2):
        try:
            error, df = standard_error(a, b)
        except InvalidInputError:
            continue  # neither varies: said by the caller, who sees the variances
        value = a.centre - b.centre
        p = studentized_range_above(math.sqrt(2) * abs(value) / error, k, df)
        reach = studentized_range_quantile(level, k, df) / math.sqrt(2) * error
        found.append(Pair(a.name, b.name, value, value - reach, value + reach, p, standardized(a, b)))
    return found


def _holm_pairs(pairs: Sequence[tuple[Sample, Sample]], level: float) -> list[Pair]:
    able = [(a, b) for a, b in pairs if a.variance + b.variance > 0]
    seen = [difference(a, b, 1 - (1 - level) / len(able)) for a, b in able]
    adjusted = holm([one.p for one in seen])
    return [
        Pair(a.name, b.name, one.value, one.low, one.high, p, standardized(a, b))
        for (a, b), one, p in zip(able, seen, adjusted, strict=True)
    ]


def _each_against_rest(samples: Sequence[Sample], level: float) -> list[Pair]:
    import numpy as np  # noqa: PLC0415

    every = np.concatenate([sample.deviations for sample in samples])
    ends = np.cumsum([0, *(sample.n for sample in samples)])
    base = samples[0].mean - samples[0].centre
    pairs = list[tuple[Sample, Sample]]()
    for at, sample in enumerate(samples):
        others = np.concatenate([every[: ends[at]], every[ends[at + 1] :]])
        pairs.append((sample, sample_of(REST, others, others, base)))
    return _holm_pairs(pairs, level)
