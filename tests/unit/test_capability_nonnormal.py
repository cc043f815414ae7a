"""Values that are not normal: which distribution is taken, and the indices under it."""

from typing import Any, cast

import pytest

from qms_mcp.errors import InvalidInputError
from qms_mcp.statistics.capability.choosing import Distribution, choose
from qms_mcp.statistics.capability.fitted import FITTED, Family, fit, goodness
from qms_mcp.statistics.capability.johnson import johnson
from qms_mcp.statistics.capability.specification import Specification
from qms_mcp.statistics.capability.study import Study, StudySettings, study
from qms_mcp.statistics.capability.subgroups import individuals
from qms_mcp.statistics.capability.transforms import box_cox, yeo_johnson
from qms_mcp.statistics.normality import anderson_darling
from tests.support.spc_data import spc_column

# capstat-core still calls scipy's anderson in the old way.
pytestmark = pytest.mark.filterwarnings("ignore:As of SciPy 1.17:FutureWarning")


def rng(seed: int = 1) -> Any:
    import numpy as np

    return np.random.default_rng(seed)


def made(values: Any, limits: Specification, distribution: Distribution = "auto", **settings: Any) -> Study:
    return study(individuals(values), limits, StudySettings(distribution=distribution, **settings))


def test_the_microwave_doors_have_the_lambda_that_was_published() -> None:
    # Johnson and Wichern, Applied Multivariate Statistical Analysis, example 4.10: 0.28 for the closed doors, which is
    # the file of NIST e-Handbook 6.5.2.
    import numpy as np

    values = np.array(spc_column("nist_box_cox_microwave_pmc52.csv", "radiation"))
    found = box_cox(values, 0.95)
    assert found.power == pytest.approx(0.28, abs=5e-3)
    assert found.power_interval is not None
    assert found.power_interval.low < 0.25 < found.power_interval.high, "a fourth root does as well"
    assert not found.power_interval.low < 1 < found.power_interval.high


@pytest.mark.parametrize("seed", range(3))
def test_lambda_and_its_interval_are_those_of_scipy(seed: int) -> None:
    import scipy.stats

    values = rng(seed).gamma(2.0, 3.0, 150) * 1e-3
    _, power, ends = cast("Any", scipy.stats).boxcox(values, alpha=0.05)
    found = box_cox(values, 0.95)
    assert found.power == pytest.approx(power, abs=1e-6)
    assert found.power_interval == pytest.approx(ends, abs=1e-5)


def test_capstat_and_shewhart_agree_on_box_cox() -> None:
    import capstat_core
    import shewhart

    values = rng(4).lognormal(1.0, 0.4, 120)
    ours = made(values, Specification(0.5, 12.0), "box_cox", convention="exact", even_if_unstable=True)
    theirs = cast("Any", shewhart).capability(values, lsl=0.5, usl=12.0, transform="boxcox").stats
    assert ours.overall.indices.nearest == pytest.approx(theirs["ppk"], rel=1e-6)
    assert ours.within is not None
    assert ours.within.indices.nearest == pytest.approx(theirs["cpk"], rel=1e-6)
    assert ours.overall.expected is not None
    assert ours.overall.expected.total == pytest.approx(theirs["ppm_overall"], rel=1e-4)
    other = cast("Any", capstat_core).box_cox_capability(values, lsl=0.5, usl=12.0)
    assert ours.model is not None
    assert ours.model.transformation is not None
    assert ours.model.transformation.power == pytest.approx(other.lmbda, abs=1e-6)


@pytest.mark.parametrize("family", FITTED)
def test_fits_are_those_of_scipy(family: Family) -> None:
    import scipy.stats

    values = rng(2).gamma(2.5, 3.0, 200)
    found = fit(family, values[None, :])
    stats = cast("Any", scipy.stats)
    theirs = {"lognormal": stats.lognorm, "weibull": stats.weibull_min, "gamma": stats.gamma}[family]
    shape, _, scale = theirs.fit(values, floc=0)
    shape *= (200 / 199) ** 0.5 if family == "lognormal" else 1.0
    assert float(found.shape[0]) == pytest.approx(shape, rel=1e-4)
    assert float(found.scale[0]) == pytest.approx(scale, rel=1e-4)
    frozen = theirs(float(found.shape[0]), scale=float(found.scale[0]))
    for share in (0.00135, 0.5, 0.99865):
        assert float(found.percentile(share)[0]) == pytest.approx(frozen.ppf(share), rel=1e-9)
    import numpy as np

    places = np.array([0.5, 5.0, 40.0])
    assert found.below(places) == pytest.approx(frozen.cdf(places), rel=1e-10)
    assert found.above(places) == pytest.approx(frozen.sf(places), rel=1e-10)


def test_shewhart_agrees_on_the_percentile_method() -> None:
    import shewhart

    values = rng(3).weibull(1.6, 150) * 4.0
    ours = made(values, Specification(0.01, 15.0), "weibull")
    theirs = cast("Any", shewhart).capability(values, lsl=0.01, usl=15.0, dist="weibull").stats
    assert ours.overall.indices.nearest == pytest.approx(theirs["ppk"], rel=1e-4)
    assert ours.overall.indices.spread == pytest.approx(theirs["pp"], rel=1e-4)
    assert ours.within is None
    assert "percentile" in ours.withheld


def test_a_normal_distribution_by_percentiles_has_the_usual_indices() -> None:
    # So many values that their own percentiles are nearly those of the distribution.
    values = rng(5).normal(10.0, 1.0, 200_000)
    by_own = made(values, Specification(6.0, 13.0), "empirical").overall.indices
    usual = made(values, Specification(6.0, 13.0), "normal").overall.indices
    assert by_own.nearest == pytest.approx(usual.nearest, rel=0.02)
    assert by_own.spread == pytest.approx(usual.spread, rel=0.02)


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("normal", {"normal"}),
        ("lognormal", {"lognormal"}),
        ("weibull", {"weibull", "gamma"}),
        ("t", {"johnson"}),
        ("bimodal", {"empirical", "johnson"}),
    ],
)
def test_auto_takes_what_holds_and_says_why(kind: str, expected: set[str]) -> None:
    import numpy as np

    source = rng(7)
    values = {
        "normal": lambda: source.normal(50, 2, 400),
        "lognormal": lambda: source.lognormal(0, 0.7, 400),
        "weibull": lambda: source.weibull(1.3, 400),
        "t": lambda: source.standard_t(3, 400),
        "bimodal": lambda: np.concatenate([source.normal(0, 1, 700), source.normal(9, 1, 700)]),
    }[kind]()
    found = choose(values, "auto", 0.95)
    assert found.distribution in expected
    assert found.why
    assert ("not_normal" in {flag.code for flag in found.flags}) is (kind != "normal")


def test_an_exponential_process_that_is_stable_is_not_called_unstable_for_its_skewness() -> None:
    values = rng(11).exponential(1.0, 200)
    found = made(values, Specification(usl=8.0))
    assert found.stability is not None
    assert found.stability.stable, found.stability.says
    raw = made(values, Specification(usl=8.0), "normal")
    assert raw.stability is not None
    assert raw.stability.stable is False, "its long tail looks like signals on a chart of the values themselves"


def test_the_lower_limit_that_no_transformed_value_reaches_is_left_out() -> None:
    values = rng(12).lognormal(0, 0.4, 200)
    found = made(values, Specification(0.0, 4.0), "box_cox")
    assert "limit_out_of_reach" in {flag.code for flag in found.flags}
    assert found.overall.indices.spread is None
    assert found.overall.indices.nearest == found.overall.indices.upper
    with pytest.raises(InvalidInputError, match="no values at all"):
        made(values, Specification(-3.0, -1.0), "box_cox")


@pytest.mark.parametrize("distribution", ["lognormal", "weibull", "gamma", "box_cox"])
def test_positive_distributions_refuse_other_values(distribution: Distribution) -> None:
    with pytest.raises(InvalidInputError, match="positive"):
        made(rng(1).normal(0, 1, 50), Specification(-5, 5), distribution)


@pytest.mark.parametrize(("seed", "kind"), [(1, "SB"), (2, "SU"), (3, "any")])
def test_a_johnson_curve_makes_values_normal_and_keeps_their_order(seed: int, kind: str) -> None:
    import numpy as np

    source = rng(seed)
    values = {"SB": lambda: source.beta(0.8, 0.9, 300), "SU": lambda: source.standard_t(3, 300)}.get(
        kind, lambda: source.gumbel(0, 1, 300)
    )()
    curve = johnson(values)
    after = curve.apply(np.sort(values))
    assert anderson_darling(values).p < 0.01
    assert anderson_darling(after).p > 0.1
    assert bool((np.diff(after) > 0).all())
    assert kind == "any" or f"Johnson {kind}" in curve.says
    assert curve.at(curve.lowest) is None


def test_a_johnson_curve_needs_twenty_values() -> None:
    with pytest.raises(InvalidInputError, match="too few"):
        johnson(rng(1).exponential(1, 19))


def test_yeo_johnson_takes_negative_values() -> None:
    values = rng(3).gumbel(0, 1, 300)
    curve = yeo_johnson(values, 0.95)
    assert curve.power_interval is not None
    assert curve.power is not None
    assert curve.power_interval.low < curve.power < curve.power_interval.high
    assert anderson_darling(curve.apply(values)).p > anderson_darling(values).p


def test_the_bootstrap_gives_the_same_with_the_same_seed() -> None:
    values = rng(6).gamma(2.0, 1.0, 80)
    one, two = (made(values, Specification(usl=9.0), "gamma", seed=4) for _ in range(2))
    assert one.overall == two.overall
    other = made(values, Specification(usl=9.0), "gamma", seed=5)
    assert other.overall.nearest_interval != one.overall.nearest_interval
    interval = one.overall.nearest_interval
    assert interval is not None
    assert interval.low < one.overall.indices.nearest < interval.high


def test_a_distribution_that_does_not_fit_is_flagged() -> None:
    values = rng(8).normal(100, 1, 300)
    _, holds = goodness("weibull", fit("weibull", values[None, :]), values)
    assert not holds
    assert "poor_fit" in {flag.code for flag in made(values, Specification(90, 110), "weibull").flags}
    skewed = rng(9).exponential(1, 300)
    assert "not_normal" in {flag.code for flag in made(skewed, Specification(usl=9), "normal").flags}
