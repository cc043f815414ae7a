"""Vectors, such as embeddings of requests: can one tell which sample a vector is from?

Two tests share the error. A linear discriminant is learned from one half of both samples and tells apart the other
half, of which it has seen nothing: the ranks of its scores give an exact test (D. Lopez-Paz, M. Oquab, Revisiting
classifier two-sample tests, ICLR 2017). Scored crosswise, with every half used for both, the same test raises a false
alarm ten times in a hundred at a level of five, so that is not done. The other is the maximum mean discrepancy with a
Gaussian kernel as wide as the median distance, tested by permutation (A. Gretton et al., A kernel two-sample test,
Journal of Machine Learning Research 13, 2012). The effect is how much better than chance the discriminant tells them
apart, from 0 to 1.
"""

from collections.abc import Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, cast

from qms_mcp.statistics.drift.model import Shift, too_few

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

METHOD = "discriminant and maximum mean discrepancy"
LEAST = 40
_PERMUTATIONS = 999
_MOST = 400  # of each sample: the kernel is a matrix of all pairs
_SHRINKAGE = 0.1


def shift_of_vectors(
    reference: Sequence[Sequence[float]], current: Sequence[Sequence[float]], *, least: int = LEAST, seed: int = 0
) -> Shift:
    """Compare vectors with those of a reference; the same seed gives the same answer."""
    import numpy as np  # noqa: PLC0415 - heavy

    if (few := too_few(METHOD, reference, current, least)) is not None:
        return few
    rng = np.random.default_rng(seed)
    before, now = (_some(np.asarray(one, dtype=np.float64), rng) for one in (reference, current))
    advantage, apart = _told_apart(before, now, rng)
    discrepancy, p_discrepancy = _discrepancy(before, now, rng)
    return Shift(
        METHOD, len(reference), len(current), statistic=advantage, p=min(1.0, 2 * min(apart, p_discrepancy)),
        effect=advantage, severity=max(0.0, advantage),
        details=MappingProxyType({"p_discriminant": apart, "p_mmd": p_discrepancy, "mmd": discrepancy, "seed": seed}),
    )  # fmt: skip


def _some(vectors: "NDArray[np.float64]", rng: "np.random.Generator") -> "NDArray[np.float64]":
    return vectors if len(vectors) <= _MOST else vectors[rng.permutation(len(vectors))[:_MOST]]


def _told_apart(
    before: "NDArray[np.float64]", now: "NDArray[np.float64]", rng: "np.random.Generator"
) -> tuple[float, float]:
    """Return how much better than chance a discriminant is on what it has not seen, and p of chance."""
    import numpy as np  # noqa: PLC0415 - heavy
    from scipy import stats  # noqa: PLC0415 - heavy

    halves = [np.array_split(one[rng.permutation(len(one))], 2) for one in (before, now)]
    (seen_before, held_before), (seen_now, held_now) = halves
    difference = seen_now.mean(axis=0) - seen_before.mean(axis=0)
    spread = np.cov(np.concatenate([seen_before - seen_before.mean(axis=0), seen_now - seen_now.mean(axis=0)]).T)
    spread = np.atleast_2d(spread)
    size = len(spread)
    ridge = spread + np.eye(size) * (1e-12 + _SHRINKAGE * float(np.trace(spread)) / size)
    weights: NDArray[np.float64] = cast("Any", np.linalg).solve(ridge, difference)
    scores_before, scores_now = held_before @ weights, held_now @ weights
    if np.ptp(np.concatenate([scores_before, scores_now])) == 0:
        return 0.0, 1.0
    found: Any = cast("Any", stats).mannwhitneyu(scores_now, scores_before, alternative="greater", method="asymptotic")
    return 2 * float(found.statistic) / (len(held_before) * len(held_now)) - 1, float(found.pvalue)


def _discrepancy(
    before: "NDArray[np.float64]", now: "NDArray[np.float64]", rng: "np.random.Generator"
) -> tuple[float, float]:
    """Return the squared maximum mean discrepancy (biased), and its p by permutation."""
    import numpy as np  # noqa: PLC0415 - heavy
    from scipy.spatial.distance import cdist  # noqa: PLC0415 - heavy

    both = np.concatenate([before, now])
    distances = cdist(both, both, "sqeuclidean")
    apart = distances[distances > 0]
    if apart.size == 0:
        return 0.0, 1.0
    kernel = np.exp(-distances / float(np.median(apart)))
    weights = np.concatenate([np.full(len(before), 1 / len(before)), np.full(len(now), -1 / len(now))])
    seen = float(weights @ kernel @ weights)
    dealt = np.stack([rng.permutation(weights) for _ in range(_PERMUTATIONS)])
    beyond = int((np.einsum("ij,ij->i", dealt @ kernel, dealt) >= seen - 1e-15).sum())
    return seen, (1 + beyond) / (_PERMUTATIONS + 1)
