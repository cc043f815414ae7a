"""Values: has their level or their distribution moved?

Two tests share the error: Mann and Whitney's for the level (a shift of 0.3 standard deviations is found in 500 and 500
values almost always), Kolmogorov and Smirnov's for any other change of the distribution. The effect is the larger of
Cliff's delta (N. Cliff, Dominance statistics, Psychological Bulletin 114, 1993) and the largest distance of the
distributions; both go from 0 to 1 and do not care about units.

The population stability index is reported beside them with a limit for these sample sizes. By itself it says little:
under no change it is about (1/n + 1/m) times chi-square with one degree of freedom less than there are bins
(B. Yurdakul, J. Naranjo, Statistical properties of the population stability index, Journal of Risk Model Validation
14, 2020), so that a fixed limit alarms all the time in small samples and never in large ones.
"""

from collections.abc import Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, cast

from qms_mcp.errors import InvalidInputError
from qms_mcp.statistics.drift.model import Shift, too_few

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

METHOD = "Mann-Whitney and Kolmogorov-Smirnov"
LEAST = 30
_BINS = 10
_TESTS = 2


def shift_of_values(reference: Sequence[float], current: Sequence[float], *, least: int = LEAST) -> Shift:
    """Compare values with those of a reference.

    Raises:
        InvalidInputError: A value is not finite.
    """
    import numpy as np  # noqa: PLC0415 - heavy

    before, now = _finite(reference), _finite(current)
    if (few := too_few(METHOD, before.tolist(), now.tolist(), least)) is not None:
        return few
    delta, level = _level(before, now)
    distance, distribution = _distribution(before, now)
    stability, limit = stability_index(before, now)
    return Shift(
        METHOD, len(before), len(now),
        baseline=float(np.mean(before)), current=float(np.mean(now)), statistic=delta,
        p=min(1.0, _TESTS * min(level, distribution)), effect=delta, severity=max(abs(delta), distance),
        details=MappingProxyType({
            "p_level": level, "p_distribution": distribution, "cliffs_delta": delta, "ks_distance": distance,
            "psi": stability, "psi_limit": limit,
            "median_before": float(np.median(before)), "median_now": float(np.median(now)),
        }),
    )  # fmt: skip


def stability_index(
    reference: "NDArray[np.float64]", current: "NDArray[np.float64]", *, error: float = 0.01
) -> tuple[float, float]:
    """Return the population stability index, and the limit it stays below with this probability of error.

    The bins hold equal shares of both samples together: bins of the reference alone are unequal by chance, and the
    index is then larger than the approximation says. Tied values share a bin.
    """
    import numpy as np  # noqa: PLC0415 - heavy
    from scipy import stats  # noqa: PLC0415 - heavy

    both = np.concatenate([reference, current])
    edges = np.unique(np.quantile(both, np.linspace(0, 1, _BINS + 1)[1:-1]))
    before = np.bincount(np.searchsorted(edges, reference, side="left"), minlength=len(edges) + 1) + 0.5
    now = np.bincount(np.searchsorted(edges, current, side="left"), minlength=len(edges) + 1) + 0.5
    used = (before + now) > 1
    p, q = before[used] / before[used].sum(), now[used] / now[used].sum()
    index = float(((q - p) * np.log(q / p)).sum())
    freedom = max(1, int(used.sum()) - 1)
    limit = (1 / len(reference) + 1 / len(current)) * float(cast("Any", stats).chi2.ppf(1 - error, freedom))
    return index, limit


def _level(before: "NDArray[np.float64]", now: "NDArray[np.float64]") -> tuple[float, float]:
    """Return Cliff's delta, and p of no difference in level."""
    from scipy import stats  # noqa: PLC0415 - heavy

    if before.min() == before.max() == now.min() == now.max():
        return 0.0, 1.0  # all alike: there is nothing to rank
    found: Any = cast("Any", stats).mannwhitneyu(now, before, alternative="two-sided", method="asymptotic")
    return 2 * float(found.statistic) / (len(before) * len(now)) - 1, float(found.pvalue)


def _distribution(before: "NDArray[np.float64]", now: "NDArray[np.float64]") -> tuple[float, float]:
    from scipy import stats  # noqa: PLC0415 - heavy

    found: Any = cast("Any", stats).ks_2samp(before, now, method="asymp")
    return float(found.statistic), float(found.pvalue)


def _finite(values: Sequence[float]) -> "NDArray[np.float64]":
    import numpy as np  # noqa: PLC0415 - heavy

    found = np.asarray(values, dtype=np.float64)
    if found.size and not np.isfinite(found).all():
        raise InvalidInputError("A value is not finite.", hint="Leave out what was not measured.")
    return found
