"""Comparing within pairs: the same part before and after, two gauges on one part; pairs are what varies, not values."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

from qms_mcp.errors import InvalidInputError
from qms_mcp.statistics.comparing.effects import small_sample
from qms_mcp.statistics.comparing.means import Difference, Outcome
from qms_mcp.statistics.comparing.samples import NONE, Sample, measured_from_first, natural, sample_of
from qms_mcp.statistics.comparing.tails import t_beyond, t_quantile
from qms_mcp.statistics.flags import Flag

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Pairs:
    """Two groups of values, matched.

    Attributes:
        first: Name of the first group.
        second: Of the second.
        keys: What pairs them.
        a: Values of the first.
        b: Of the second.
        flags: What was left out.
    """

    first: str
    second: str
    keys: tuple[str, ...]
    a: "Floats"
    b: "Floats"
    flags: tuple[Flag, ...]


def matched(keys: Sequence[str], groups: Sequence[str], values: "Floats") -> Pairs:
    """Return the pairs of rows with one key, one in each group.

    Raises:
        InvalidInputError: There are not two groups, a key has two values in one group, or there are too few pairs.
    """
    import numpy as np  # noqa: PLC0415

    names = sorted({group.strip() or NONE for group in groups}, key=natural)
    if len(names) != 2:  # noqa: PLR2004
        raise InvalidInputError(
            f"Pairs need two groups; there are {len(names)}: {', '.join(map(repr, names[:6]))}.",
            hint="Filter to two of them, or compare without pairing.",
        )
    found: dict[str, dict[str, float]] = {}
    for key, group, value in zip(keys, groups, values.tolist(), strict=True):
        side = found.setdefault(key.strip(), {})
        name = group.strip() or NONE
        if name in side:
            raise InvalidInputError(
                f"The pair {key!r} has several values in group {name!r}.",
                hint="Give one row a pair and group (a mean of repeats), or another column that pairs.",
            )
        side[name] = value
    found.pop("", None)
    full = [key for key, side in found.items() if len(side) == 2 and not any(map(math.isnan, side.values()))]  # noqa: PLR2004
    if len(full) < 2:  # noqa: PLR2004
        raise InvalidInputError(f"There are {len(full)} full pairs; at least 2 are needed.", hint="Check the pairing.")
    flags = list[Flag]()
    if len(full) < len(found):
        flags.append(Flag("missing", f"{len(found) - len(full)} of {len(found)} pairs are not full and are left out."))
    a, b = (np.array([found[key][name] for key in full]) for name in names)
    return Pairs(names[0], names[1], tuple(full), a, b, tuple(flags))


def differences(pairs: Pairs) -> Sample:
    """Return first minus second of each pair, as a sample."""
    import numpy as np  # noqa: PLC0415

    every, _ = measured_from_first(np.concatenate([pairs.a, pairs.b]))
    values = every[: len(pairs.a)] - every[len(pairs.a) :]
    return sample_of(f"{pairs.first} - {pairs.second}", values, values, 0.0)


def paired_t(of: Sample, level: float = 0.95) -> Difference:
    """Return the mean difference with Student's interval and test (NIST e-Handbook 7.3.1.1).

    Raises:
        InvalidInputError: All differences are equal.
    """
    if of.variance == 0:
        raise InvalidInputError(
            f"All {of.n} pairs differ by the same ({of.mean:g}): nothing varies, so nothing can be tested.",
            hint="Check whether one column was computed from the other, or the resolution.",
        )
    error, df = of.sd / math.sqrt(of.n), of.n - 1
    reach, t = t_quantile((1 + level) / 2, df) * error, of.centre / error
    return Difference(of.centre, of.centre - reach, of.centre + reach, t, df, t_beyond(t, df))


def signed_rank(of: Sample) -> Outcome | None:
    """Return Wilcoxon's signed-rank test (1945), two-sided; pairs without a difference are left out, None if all are.

    Exact for up to 50 differences without ties, else normal.
    """
    import numpy as np  # noqa: PLC0415
    from scipy import stats  # noqa: PLC0415

    values = of.values[of.values != 0]
    if not values.size:
        return None
    ties = len(np.unique(np.abs(values))) < values.size
    how = "approx" if ties or values.size > 50 else "exact"  # noqa: PLR2004
    found = cast("Any", stats).wilcoxon(values, method=how, correction=False)
    return Outcome("Wilcoxon signed-rank", float(found.statistic), None, None, min(1.0, float(found.pvalue)))


def standardized(of: Sample) -> float:
    """Return the mean difference in standard deviations of the differences, corrected for small samples."""
    return of.centre / of.sd * small_sample(of.n - 1)
