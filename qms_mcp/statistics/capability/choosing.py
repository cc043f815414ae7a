"""Which distribution the values are taken to have, and why.

    choose(values, "auto", 0.95).says       # "lognormal (...)"; .why says that the normal distribution does not hold

`auto` takes the normal distribution unless Anderson-Darling refuses it at 5 %. Then, of lognormal, Weibull and gamma,
the one that fits best, if it fits; then a Johnson curve, from 100 values; then the percentiles of the values, from
1,000 of them; and if nothing holds, the normal one with a flag.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, cast

from qms_mcp.errors import InvalidInputError
from qms_mcp.statistics.capability.fitted import FITTED, Family, Fitted, fit, goodness
from qms_mcp.statistics.capability.johnson import johnson
from qms_mcp.statistics.capability.transforms import Transformation, box_cox, yeo_johnson
from qms_mcp.statistics.flags import Flag
from qms_mcp.statistics.moments import moments
from qms_mcp.statistics.normality import NormalityTest, anderson_darling

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Scores: TypeAlias = Callable[[NDArray[np.float64]], NDArray[np.float64]]

Distribution: TypeAlias = Literal[
    "auto",
    "normal",
    "box_cox",
    "yeo_johnson",
    "johnson",
    "percentile",
    "lognormal",
    "weibull",
    "gamma",
    "empirical",
]
SIGNIFICANT = 0.05
ENOUGH_FOR_PERCENTILES = 1_000
_LEAST_FOR_PERCENTILES = 100
_ENOUGH_FOR_JOHNSON = 100
_TESTABLE = 8
_FARTHEST = 37.0
_NARROWEST, _WIDEST = 1e-4, 10.0


@dataclass(frozen=True, slots=True)
class Model:
    """The distribution the values are taken to have.

    Attributes:
        distribution: Which; never `auto` or `percentile`.
        says: It in words, with its parameters.
        why: Why this one.
        scores: What the standard normal distribution has in the place of a value; None for the empirical one.
        transformation: To normal values, if it is one.
        fitted: The fit, if it is one of lognormal, Weibull and gamma.
        flags: What to know of it.
    """

    distribution: Distribution
    says: str
    why: str
    scores: "Scores | None"
    transformation: Transformation | None = None
    fitted: Fitted | None = None
    flags: tuple[Flag, ...] = ()


def normality_of(values: "NDArray[np.float64]") -> NormalityTest | None:
    """Return Anderson-Darling's test; None for fewer than 8 values, of which it tells nothing."""
    return anderson_darling(values) if values.size >= _TESTABLE else None


def choose(values: "NDArray[np.float64]", wanted: Distribution, level: float, power: float | None = None) -> Model:
    """Return the distribution that was asked for, or the one that holds.

    Raises:
        InvalidInputError: The values can't have the distribution that was asked for.
    """
    tested = normality_of(values)
    if wanted == "normal":
        return _normal(values, "asked for", _refused(tested))
    if wanted == "auto":
        return _automatic(values, tested, level)
    if wanted == "percentile":
        return _percentile(values)
    if wanted == "empirical":
        return _empirical(values, "asked for")
    if wanted in FITTED:
        return _of_family(values, cast("Family", wanted), "asked for")
    return _transformed(values, wanted, level, power)


def _automatic(values: "NDArray[np.float64]", tested: NormalityTest | None, level: float) -> Model:
    if tested is None:
        return _normal(values, f"{values.size} values are too few to tell; the normal distribution is assumed", ())
    found = f"Anderson-Darling A2 {tested.statistic:.3f}, p {_p(tested.p)}"
    if tested.p >= SIGNIFICANT:
        return _normal(values, f"nothing speaks against it ({found})", ())
    flag = Flag("not_normal", f"The values are not normal: {found}.", "Another distribution was taken, see `method`.")
    best = _best_family(values)
    if best is not None and _fits(best, values):
        return _of_family(values, best.family, f"the normal one does not hold ({found}); this one fits best", (flag,))
    if values.size >= _ENOUGH_FOR_JOHNSON:
        made = _transformed(values, "johnson", level, None, (flag,))
        if made.transformation is not None and anderson_darling(made.transformation.apply(values)).p >= SIGNIFICANT:
            return made
    if values.size >= ENOUGH_FOR_PERCENTILES:
        return _empirical(values, f"no usual distribution holds ({found}), and there are values enough", (flag,))
    return _normal(values, "no usual distribution holds", _refused(tested))


def _normal(values: "NDArray[np.float64]", why: str, flags: tuple[Flag, ...]) -> Model:
    mean, sd, _ = moments(values)
    return Model("normal", "normal", why, lambda given: (given - mean) / sd, flags=flags)


def _refused(tested: NormalityTest | None) -> tuple[Flag, ...]:
    if tested is None or tested.p >= SIGNIFICANT:
        return ()
    says = f"The values are not normal (Anderson-Darling A2 {tested.statistic:.3f}, p {_p(tested.p)}): indices and ppm "
    return (
        Flag(
            "not_normal",
            says + "by the normal distribution may be far off in the tails.",
            "Look at the probability plot; use distribution auto, or find out whether several processes are mixed.",
        ),
    )


def _percentile(values: "NDArray[np.float64]") -> Model:
    best = _best_family(values)
    if best is not None and (_fits(best, values) or values.size < ENOUGH_FOR_PERCENTILES):
        return _of_family(values, best.family, "of lognormal, Weibull and gamma it fits best")
    return _empirical(values, "none of lognormal, Weibull and gamma holds")


def _best_family(values: "NDArray[np.float64]") -> Fitted | None:
    if float(values.min()) <= 0.0 or not _spread_of_logarithms(values)[1]:
        return None
    fits = [fit(family, values[None, :]) for family in FITTED]
    return min(fits, key=lambda fitted: goodness(fitted.family, fitted, values)[0])


def _spread_of_logarithms(values: "NDArray[np.float64]") -> tuple[float, bool]:
    """Return the sd of the logarithms, and whether a distribution that starts at zero can be fitted to such values."""
    import numpy as np  # noqa: PLC0415

    spread = float(np.log(values).std())
    return spread, _NARROWEST < spread < _WIDEST


def _fits(fitted: Fitted, values: "NDArray[np.float64]") -> bool:
    return goodness(fitted.family, fitted, values)[1]


def _of_family(values: "NDArray[np.float64]", family: Family, why: str, flags: tuple[Flag, ...] = ()) -> Model:
    if float(values.min()) <= 0.0:
        raise InvalidInputError(
            f"A {family} distribution has positive values only; the smallest is {values.min():g}.",
            hint="Use distribution johnson or empirical.",
        )
    spread, usable = _spread_of_logarithms(values)
    if not usable:
        raise InvalidInputError(
            f"The logarithms of the values have a standard deviation of {spread:.2g}: no {family} distribution that "
            "starts at zero can be told from them.",
            hint="Use distribution normal or johnson.",
        )
    fitted = fit(family, values[None, :])
    a2, holds = goodness(family, fitted, values)
    if not holds:
        says = f"The {family} distribution does not fit at 5 % (adjusted A2 {a2:.3f})."
        flags = (*flags, Flag("poor_fit", says, "Look at the probability plot; several processes may be mixed."))
    return Model(family, fitted.says(), f"{why}; adjusted A2 {a2:.3f}", _scores_of(fitted), fitted=fitted, flags=flags)


def _scores_of(fitted: Fitted) -> "Scores":
    import numpy as np  # noqa: PLC0415
    import scipy.special  # noqa: PLC0415

    ndtri = cast("Any", scipy.special).ndtri

    def scores(given: "NDArray[np.float64]") -> "NDArray[np.float64]":
        low, high = fitted.below(given), fitted.above(given)
        # From the smaller of both tails, so that a score far out on the right keeps its digits.
        left, right = (np.asarray(ndtri(tail), dtype=np.float64) for tail in (low, high))
        return np.clip(np.where(low < high, left, -right), -_FARTHEST, _FARTHEST)

    return scores


def _transformed(
    values: "NDArray[np.float64]", wanted: Distribution, level: float, power: float | None, flags: tuple[Flag, ...] = ()
) -> Model:
    if wanted == "box_cox":
        made = box_cox(values, level, power)
    else:
        made = johnson(values) if wanted == "johnson" else yeo_johnson(values, level)
    after = made.apply(values)
    mean, sd, _ = moments(after)
    tested = normality_of(after)
    if tested is not None and tested.p < SIGNIFICANT:
        says = f"The transformed values are not normal either (Anderson-Darling p {_p(tested.p)})."
        flags = (*flags, Flag("poor_fit", says, "Several processes may be mixed, or the measurement is too coarse."))
    why = "asked for" if not flags else "the normal one does not hold"
    told = "" if tested is None else f"; transformed: Anderson-Darling p {_p(tested.p)}"
    return Model(
        wanted, made.says, why + told, lambda given: (made.apply(given) - mean) / sd, transformation=made, flags=flags
    )


def _empirical(values: "NDArray[np.float64]", why: str, flags: tuple[Flag, ...] = ()) -> Model:
    if values.size < _LEAST_FOR_PERCENTILES:
        raise InvalidInputError(
            f"{values.size} values have no 0.135 % point of their own.",
            hint=f"It needs {_LEAST_FOR_PERCENTILES}, better {ENOUGH_FOR_PERCENTILES:,}; or use distribution johnson.",
        )
    if values.size < ENOUGH_FOR_PERCENTILES:
        says = f"The 0.135 % point of {values.size} values is hardly more than the smallest of them."
        flags = (*flags, Flag("few", says, f"Collect {ENOUGH_FOR_PERCENTILES:,}, or use a distribution that fits."))
    return Model("empirical", "percentiles of the values themselves", why, None, flags=flags)


def _p(p: float) -> str:
    return "< 0.001" if p < 0.001 else f"{p:.3f}"  # noqa: PLR2004
