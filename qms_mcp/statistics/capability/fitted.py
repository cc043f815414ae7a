"""Distributions fitted by maximum likelihood, all starting at zero; and the percentiles of the values themselves.

They are fitted to many samples at once (one a row), because the intervals of the percentile method are bootstrapped.
"""

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias, cast

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

Family: TypeAlias = Literal["normal", "lognormal", "weibull", "gamma", "empirical"]
FITTED: Final[tuple[Family, ...]] = ("lognormal", "weibull", "gamma")
# The 5 % points of A2 of each family when its parameters are estimated, after Stephens in D'Agostino and Stephens
# (1986): table 4.7 (normal, lognormal), 4.17 (Weibull), 4.21 (gamma, for a shape of 1 to infinity the middle one).
_CRITICAL: Final[dict[Family, float]] = {"normal": 0.752, "lognormal": 0.752, "weibull": 0.757, "gamma": 0.759}
_NEWTON = 40
_LARGEST_LOG = 300.0
_SMALLEST = 1e-130


@dataclass(frozen=True, slots=True)
class Fitted:
    """A fitted distribution.

    Attributes:
        family: Which.
        shape: sigma of the logarithm, shape of Weibull or gamma; one a sample.
        scale: exp(mean of the logarithm), scale of Weibull or gamma; one a sample.
    """

    family: Family
    shape: "NDArray[np.float64]"
    scale: "NDArray[np.float64]"

    def says(self) -> str:
        """Return it in words."""
        shape = "sigma of the logarithm" if self.family == "lognormal" else "shape"
        scale = "median" if self.family == "lognormal" else "scale"
        return f"{self.family} ({shape} {float(self.shape[0]):.4g}, {scale} {float(self.scale[0]):.6g})"

    def percentile(self, probability: float) -> "NDArray[np.float64]":
        """Return the percentile, one a sample."""
        special = _special()
        if self.family == "lognormal":
            unit = _exp(self.shape * float(special.ndtri(probability)))
        elif self.family == "weibull":
            unit = (-math.log1p(-probability)) ** (1.0 / self.shape)
        else:
            unit = special.gammaincinv(self.shape, probability)
        return cast("NDArray[np.float64]", self.scale * unit)

    def draw(self, rng: "np.random.Generator", size: tuple[int, int]) -> "NDArray[np.float64]":
        """Return samples, one a row, of the fit to the first sample."""
        import numpy as np  # noqa: PLC0415

        shape, scale = float(self.shape[0]), float(self.scale[0])
        if self.family == "lognormal":
            return scale * np.exp(np.clip(shape * rng.normal(size=size), -_LARGEST_LOG, _LARGEST_LOG))
        made = rng.weibull(shape, size) if self.family == "weibull" else rng.gamma(shape, 1.0, size)
        return scale * np.maximum(made, _SMALLEST)

    def below(self, values: "NDArray[np.float64]") -> "NDArray[np.float64]":
        """Return P(X <= value) under the fit of the first sample; 0 for what is not positive."""
        return self._probability(values, upper=False)

    def above(self, values: "NDArray[np.float64]") -> "NDArray[np.float64]":
        """Return P(X > value) under the fit of the first sample, accurate far out."""
        return self._probability(values, upper=True)

    def _probability(self, values: "NDArray[np.float64]", *, upper: bool) -> "NDArray[np.float64]":
        import numpy as np  # noqa: PLC0415

        special, shape, scale = _special(), float(self.shape[0]), float(self.scale[0])
        ratio = np.maximum(values / scale, 1e-300)
        if self.family == "lognormal":
            made = special.ndtr((-1.0 if upper else 1.0) * np.log(ratio) / shape)
        elif self.family == "weibull":
            powered = np.exp(np.minimum(shape * np.log(ratio), 700.0))
            made = np.exp(-powered) if upper else -np.expm1(-powered)
        else:
            made = (special.gammaincc if upper else special.gammainc)(shape, ratio)
        return np.where(values <= 0.0, 1.0 if upper else 0.0, made)


def fit(family: Family, samples: "NDArray[np.float64]") -> Fitted:
    """Return the fit to each row of positive values, by maximum likelihood with the origin at zero.

    Lognormal in closed form (with n - 1); Weibull and gamma by Newton's method for the shape. Sources: NIST e-Handbook
    8.4.1.2; Minka, Estimating a Gamma distribution (2002), for the start and the step.
    """
    import numpy as np  # noqa: PLC0415

    logs = np.log(samples)
    middle = logs.mean(axis=1)
    if family == "lognormal":
        return Fitted(family, logs.std(axis=1, ddof=1), np.exp(middle))
    centred = logs - middle[:, None]
    shape, scale = _weibull(centred) if family == "weibull" else _gamma(centred)
    return Fitted(family, shape, scale * np.exp(middle))


def goodness(family: Family, fitted: Fitted, values: "NDArray[np.float64]") -> tuple[float, bool]:
    """Return Anderson-Darling's A2, adjusted for n, and whether it is below its 5 % point (about, for gamma)."""
    import numpy as np  # noqa: PLC0415

    ordered = np.sort(values)
    n = int(ordered.size)
    floor = 1e-300
    low, high = np.maximum(fitted.below(ordered), floor), np.maximum(fitted.above(ordered), floor)
    weight = 2.0 * np.arange(1, n + 1) - 1.0
    a2 = float(-n - np.sum(weight * (np.log(low) + np.log(high[::-1]))) / n)
    factor = 1.0 + 0.75 / n + 2.25 / n**2 if family == "lognormal" else 1.0 + 0.2 / math.sqrt(n)
    adjusted = a2 * (factor if family != "gamma" else 1.0)
    return adjusted, adjusted < _CRITICAL[family]


def empirical_percentile(samples: "NDArray[np.float64]", probability: float) -> "NDArray[np.float64]":
    """Return a percentile of each row: linear between order statistics i/(n + 1) (Hyndman and Fan's type 6)."""
    import numpy as np  # noqa: PLC0415

    return np.asarray(np.quantile(samples, probability, axis=1, method="weibull"), dtype=np.float64)


def _weibull(centred: "NDArray[np.float64]") -> "tuple[NDArray[np.float64], NDArray[np.float64]]":
    """Return shape and scale of rows of logarithms with mean 0: sum(w x)/sum(w) - 1/k = 0 with w = exp(k x)."""
    import numpy as np  # noqa: PLC0415

    shape = math.pi / math.sqrt(6.0) / centred.std(axis=1)
    largest = centred.max(axis=1, keepdims=True)
    for _ in range(_NEWTON):
        weights = np.exp(shape[:, None] * (centred - largest))
        total = weights.sum(axis=1)
        first = (weights * centred).sum(axis=1) / total
        second = (weights * centred**2).sum(axis=1) / total
        value, slope = first - 1.0 / shape, second - first**2 + 1.0 / shape**2
        step = value / slope
        shape = np.maximum(shape - step, shape / 3.0)
        if float(np.abs(step / shape).max()) < 1e-13:  # noqa: PLR2004 - as near as doubles go
            break
    weights = np.exp(shape[:, None] * (centred - largest))
    return shape, np.exp(np.log(weights.mean(axis=1)) / shape + largest[:, 0])


def _gamma(centred: "NDArray[np.float64]") -> "tuple[NDArray[np.float64], NDArray[np.float64]]":
    """Return shape and scale of rows of logarithms with mean 0: ln k - psi(k) = ln(mean)."""
    import numpy as np  # noqa: PLC0415

    special = _special()
    mean = np.exp(centred).mean(axis=1)
    gap = np.log(mean)
    shape = (3.0 - gap + np.sqrt((gap - 3.0) ** 2 + 24.0 * gap)) / (12.0 * gap)
    for _ in range(_NEWTON):
        step = (np.log(shape) - special.psi(shape) - gap) / (1.0 / shape - special.polygamma(1, shape))
        shape = np.maximum(shape - step, shape / 3.0)
        if float(np.abs(step / shape).max()) < 1e-10:  # noqa: PLR2004 - the gap itself is not known better
            break
    return shape, mean / shape


def _exp(values: "NDArray[np.float64]") -> "NDArray[np.float64]":
    import numpy as np  # noqa: PLC0415

    return np.exp(np.clip(values, -700.0, 700.0))


def _special() -> Any:
    import scipy.special  # noqa: PLC0415

    return cast("Any", scipy.special)
