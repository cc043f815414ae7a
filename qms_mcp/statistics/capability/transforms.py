"""Transformations that make values normal: Box-Cox for positive values, Yeo-Johnson for any.

Specification limits go the same way. Both functions grow, so a limit stays on its side; what matters afterwards are
the indices, which don't depend on the scale the transformed values have.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

from qms_mcp.errors import InvalidInputError
from qms_mcp.statistics.intervals import Interval
from qms_mcp.statistics.quantiles import chi2_quantile

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_WIDEST = 5.0
_NEAR_ZERO = 1e-12


@dataclass(frozen=True, slots=True)
class Transformation:
    """A growing function of the values.

    Attributes:
        says: Which, with its parameters.
        apply: Of an array; nan where the function is not defined.
        power: Lambda, where it has one.
        power_interval: Of lambda, by likelihood ratio.
        lowest: Where the function begins to be defined; -inf if everywhere.
        highest: Where it ends.
    """

    says: str
    apply: "Callable[[NDArray[np.float64]], NDArray[np.float64]]"
    power: float | None = None
    power_interval: Interval | None = None
    lowest: float = -math.inf
    highest: float = math.inf

    def at(self, value: float) -> float | None:
        """Return the transformed value; None outside of where the function is defined."""
        import numpy as np  # noqa: PLC0415

        if not self.lowest < value < self.highest:
            return None
        made = float(self.apply(np.array([value]))[0])
        return made if math.isfinite(made) else None


def box_cox(values: "NDArray[np.float64]", level: float, power: float | None = None) -> Transformation:
    """Return the Box-Cox transformation (y^lambda - 1)/lambda with the most likely lambda, or a given one.

    The interval holds every lambda whose log-likelihood is within half a chi-square quantile of the best. Values are
    divided by their geometric mean first, which changes no index. Source: Box and Cox, JRSS B 26 (1964); NIST
    e-Handbook 6.5.2.

    Raises:
        InvalidInputError: A value is not positive, or the given lambda is not within -5..5.
    """
    import numpy as np  # noqa: PLC0415

    if float(values.min()) <= 0.0:
        raise InvalidInputError(
            f"Box-Cox needs positive values; {int((values <= 0).sum())} are not, the smallest is {values.min():g}.",
            hint="Use distribution johnson, which takes any values.",
        )
    if power is not None and not -_WIDEST <= power <= _WIDEST:
        raise InvalidInputError(f"lambda is {power:g}.", hint="It lies between -5 and 5; 0 is the logarithm.")
    logs = np.log(values)
    middle = float(logs.mean())
    centred = logs - middle

    def likelihood(lam: float) -> float:
        made = _of_log(centred, lam)
        return -0.5 * values.size * math.log(float(made.var())) + (lam - 1.0) * float(centred.sum())

    best = _best(likelihood) if power is None else power
    interval = None if power is not None else _within_chi2(likelihood, best, level)
    return Transformation(
        f"Box-Cox with lambda {best:.4g}",
        lambda given: _of_log(np.log(given) - middle, best),
        best,
        interval,
        lowest=0.0,
    )


def yeo_johnson(values: "NDArray[np.float64]", level: float) -> Transformation:
    """Return the Yeo-Johnson transformation with the most likely lambda; it takes zero and negative values.

    Values are brought to mean 0 and standard deviation 1 first, on which lambda depends. Source: Yeo and Johnson,
    Biometrika 87 (2000).
    """
    import numpy as np  # noqa: PLC0415
    import scipy.stats  # noqa: PLC0415

    centre, scale = float(values.mean()), float(values.std())
    stats = cast("Any", scipy.stats)
    scaled = (values - centre) / scale
    best = float(stats.yeojohnson_normmax(scaled))
    interval = _within_chi2(lambda lam: float(stats.yeojohnson_llf(lam, scaled)), best, level)

    def apply(given: "NDArray[np.float64]") -> "NDArray[np.float64]":
        return np.asarray(stats.yeojohnson((given - centre) / scale, lmbda=best), dtype=np.float64)

    return Transformation(f"Yeo-Johnson with lambda {best:.4g}", apply, best, interval)


def _of_log(logs: "NDArray[np.float64]", lam: float) -> "NDArray[np.float64]":
    import numpy as np  # noqa: PLC0415

    return logs if abs(lam) < _NEAR_ZERO else np.expm1(np.clip(lam * logs, -700.0, 300.0)) / lam


def _best(likelihood: Callable[[float], float]) -> float:
    import scipy.optimize  # noqa: PLC0415

    def unlikely(lam: float) -> float:
        return -likelihood(lam)

    found = cast("Any", scipy.optimize).minimize_scalar(
        unlikely, bounds=(-_WIDEST, _WIDEST), method="bounded", options={"xatol": 1e-10}
    )
    return float(found.x)


def _within_chi2(likelihood: Callable[[float], float], best: float, level: float) -> Interval:
    lowest = likelihood(best) - chi2_quantile(level, 1.0) / 2.0
    return Interval(_edge(likelihood, lowest, best, -1.0), _edge(likelihood, lowest, best, 1.0))


def _edge(likelihood: Callable[[float], float], lowest: float, best: float, direction: float) -> float:
    """Return where the likelihood falls to `lowest`, at most 4 * 5 away."""
    step = 0.1
    while likelihood(best + direction * step) > lowest and step < 4 * _WIDEST:
        step *= 2.0
    near, far = 0.0, step
    for _ in range(60):
        middle = (near + far) / 2.0
        near, far = (middle, far) if likelihood(best + direction * middle) > lowest else (near, middle)
    return best + direction * near
