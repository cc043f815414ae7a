"""Limits against two other implementations on random series, and what must hold whatever the numbers are."""

from typing import Any, cast

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qms_mcp.statistics.spc.constants import EXACT
from qms_mcp.statistics.spc.model import Chart, ChartKind, Known, Observations, Panel, Settings
from qms_mcp.statistics.spc.rule_sets import rule_set
from qms_mcp.statistics.spc.stages import control_chart

# Both compute their factors, so ours are computed too; what is printed in tables differs in the fourth digit.
SEEDS = range(2)
TIGHT = 1e-9


def chart(kind: ChartKind, values: Any, sizes: Any = None, **how: Any) -> Chart:
    observed = Observations(np.array(values, np.float64), None if sizes is None else np.array(sizes, np.float64))
    return control_chart(
        kind, observed, Settings(**cast("dict[str, Any]", {"rules": rule_set("nelson"), "constants": EXACT, **how}))
    )


def lines(panel: Panel) -> list[float]:
    return [float(cast("float", line)) for line in (panel.lcl, panel.center, panel.ucl)]


def theirs(limits: Any) -> list[float]:
    return [limits.lower, limits.center, limits.upper]


def series(seed: int, size: int = 60) -> "np.ndarray[Any, np.dtype[np.float64]]":
    return np.random.default_rng(seed).normal(100 * seed, 1 + seed, size)


@pytest.mark.parametrize("seed", SEEDS)
def test_individuals_agree_with_both(seed: int) -> None:
    import shewhart
    from capstat_core.control_charts import i_mr_chart

    x = series(seed)
    main, ranges = chart("I-MR", x).stages[0].panels
    pair = i_mr_chart(x)
    assert lines(main) == pytest.approx(theirs(pair.location.limits), rel=TIGHT)
    assert lines(ranges) == pytest.approx(theirs(pair.dispersion.limits), rel=TIGHT, abs=TIGHT)
    assert main.hits[0].at.tolist() == list(pair.location.violations)
    other = cast("Any", shewhart).imr(list(x)).stats
    assert lines(main) == pytest.approx([other["i_lcl"], other["i_center"], other["i_ucl"]], rel=TIGHT)
    assert ranges.ucl == pytest.approx(other["mr_ucl"], rel=TIGHT)
    median = cast("Any", shewhart).imr(list(x), method="median_mr").stats
    ours = chart("I-MR", x, sigma_method="median_mr").stages[0].panels[0]
    assert lines(ours) == pytest.approx([median["i_lcl"], median["i_center"], median["i_ucl"]], rel=TIGHT)


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("size", [2, 5])
def test_subgroups_agree_with_both(seed: int, size: int) -> None:
    import pandas as pd
    import shewhart
    from capstat_core.control_charts import xbar_r_chart, xbar_s_chart

    x = series(seed, 30 * size).reshape(30, size)
    frame = pd.DataFrame({"value": x.ravel(), "group": np.repeat(np.arange(30), size)})
    sources: list[tuple[ChartKind, Any, Any, str]] = [
        ("X-bar/R", xbar_r_chart, cast("Any", shewhart).xbar_r, "r"),
        ("X-bar/S", xbar_s_chart, cast("Any", shewhart).xbar_s, "s"),
    ]
    for kind, capstat, other, letter in sources:
        main, spread = chart(kind, x).stages[0].panels
        pair, stats = capstat(x), other(frame, value="value", subgroup="group").stats
        assert lines(main) == pytest.approx(theirs(pair.location.limits), rel=TIGHT)
        assert lines(spread) == pytest.approx(theirs(pair.dispersion.limits), rel=TIGHT, abs=TIGHT)
        assert lines(main) == pytest.approx([stats[f"xbar_{name}"] for name in ("lcl", "center", "ucl")], rel=TIGHT)
        assert lines(spread) == pytest.approx(
            [stats[f"{letter}_{name}"] for name in ("lcl", "center", "ucl")], rel=TIGHT, abs=TIGHT
        )
    pooled = cast("Any", shewhart).xbar_s(frame, value="value", subgroup="group", method="pooled").stats
    assert chart("X-bar/S", x, sigma_method="pooled").stages[0].estimate.sigma == pytest.approx(
        pooled["sigma_within"], rel=TIGHT
    )


@pytest.mark.parametrize("seed", SEEDS)
def test_counts_agree_with_another(seed: int) -> None:
    import pandas as pd
    import shewhart

    random = np.random.default_rng(seed)
    sizes = random.integers(50, 200, 30)
    found = random.binomial(sizes, 0.08 + 0.02 * seed)
    frame = pd.DataFrame({"found": found, "size": sizes})
    package = cast("Any", shewhart)
    sources: list[tuple[ChartKind, Any, str]] = [
        ("p", package.p_chart, "defectives"),
        ("u", package.u_chart, "defects"),
        ("Laney p'", package.laney_p, "defectives"),
        ("Laney u'", package.laney_u, "defects"),
    ]
    for kind, other, named in sources:
        (panel,) = chart(kind, found, sizes).stages[0].panels
        table = other(frame, **{named: "found"}, size="size").table
        assert np.asarray(panel.ucl) == pytest.approx(table["ucl"].to_numpy(), rel=TIGHT)
        assert np.asarray(panel.lcl) == pytest.approx(table["lcl"].to_numpy(), rel=TIGHT, abs=TIGHT)
    np_panel = chart("np", found.clip(0, 50), [50] * 30).stages[0].panels[0]
    stats = package.np_chart(list(found.clip(0, 50)), size=50).stats
    assert lines(np_panel) == pytest.approx([stats["np_lcl"], stats["np_center"], stats["np_ucl"]], rel=TIGHT)
    c_panel, counts = chart("c", found).stages[0].panels[0], package.c_chart(list(found)).stats
    assert lines(c_panel) == pytest.approx([counts["c_lcl"], counts["c_center"], counts["c_ucl"]], rel=TIGHT)


@pytest.mark.parametrize("seed", SEEDS)
def test_ewma_and_cusum_agree_with_both(seed: int) -> None:
    import shewhart
    from capstat_core.time_weighted import cusum_chart

    x, package = series(seed), cast("Any", shewhart)
    (panel,) = chart("EWMA", x, weight=0.2).stages[0].panels
    table = package.ewma(list(x), lam=0.2).table
    assert panel.values == pytest.approx(table["ewma"].to_numpy(), rel=TIGHT, abs=TIGHT)  # noqa: PD011 - no data frame
    for ours, name in ((panel.lcl, "lcl"), (panel.ucl, "ucl")):
        assert np.asarray(ours) == pytest.approx(table[name].to_numpy(), rel=TIGHT, abs=TIGHT)
    up, down = chart("CUSUM", x, decision=4.0).stages[0].panels
    sums = cusum_chart(x, k=0.5, h=4.0)
    assert up.values == pytest.approx(sums.upper, rel=TIGHT, abs=TIGHT)  # noqa: PD011 - the same
    assert down.values == pytest.approx(sums.lower, rel=TIGHT, abs=TIGHT)  # noqa: PD011 - the same
    assert sorted({*up.hits[0].at.tolist(), *down.hits[0].at.tolist()}) == list(sums.violations)


@pytest.mark.parametrize("seed", SEEDS)
def test_rules_fire_where_they_fire_elsewhere(seed: int) -> None:
    from capstat_core.control_charts import i_mr_chart
    from capstat_core.rules import nelson_rules, western_electric_rules

    x = np.cumsum(np.random.default_rng(seed).normal(size=80)) + series(seed, 80)
    location = i_mr_chart(x).location
    for name, found in (("nelson 1-7", nelson_rules(location)), ("western_electric", western_electric_rules(location))):
        ours = chart("I-MR", x, rules=rule_set(name)).stages[0].panels[0].hits
        for hits in ours:
            other = {violation.point for violation in found if violation.rule == hits.rule.number}
            assert other <= set(hits.at.tolist())
            if hits.rule.pattern != "most_beyond":  # there, each point beyond that sees enough beyond it is named
                assert other == set(hits.at.tolist())


values_of = st.lists(st.integers(-1000, 1000), min_size=10, max_size=40).filter(lambda found: len(set(found)) > 2)


@settings(max_examples=40)
@given(values_of, st.sampled_from([1e-6, 0.5, 3.0, 1e6]), st.sampled_from([0.0, -7.0, 1e3]))
def test_shifting_and_scaling_moves_the_limits_and_no_signal(values: list[int], scale: float, shift: float) -> None:
    x = np.array(values, dtype=np.float64)
    kinds: tuple[ChartKind, ...] = ("I-MR", "EWMA", "CUSUM")
    for kind in kinds:
        plain = chart(kind, x).stages[0]
        moved = chart(kind, scale * (x + shift)).stages[0]
        assert moved.estimate.sigma == pytest.approx(scale * plain.estimate.sigma, rel=1e-9)
        assert moved.estimate.center == pytest.approx(
            scale * (plain.estimate.center + shift), rel=1e-9, abs=1e-9 * scale
        )
        for before, after in zip(plain.panels, moved.panels, strict=True):
            assert [hits.at.tolist() for hits in after.hits] == [hits.at.tolist() for hits in before.hits]


@settings(max_examples=40)
@given(values_of)
def test_turning_upside_down_turns_the_signals(values: list[int]) -> None:
    x = np.array(values, dtype=np.float64)
    up, down = chart("I-MR", x).stages[0].panels[0], chart("I-MR", -x).stages[0].panels[0]
    assert [hits.at.tolist() for hits in up.hits] == [hits.at.tolist() for hits in down.hits]
    assert lines(down) == pytest.approx([-line for line in reversed(lines(up))], abs=1e-9)


def test_frozen_limits_are_the_limits_they_were_frozen_from() -> None:
    x = series(3, 100).reshape(20, 5)
    kinds: tuple[ChartKind, ...] = ("X-bar/R", "X-bar/S")
    for kind in kinds:
        made = chart(kind, x).stages[0]
        known = Known(made.estimate.center, made.estimate.sigma, frozen=True)
        again = chart(kind, x, known=known).stages[0]
        assert [lines(panel) for panel in again.panels] == [pytest.approx(lines(panel)) for panel in made.panels]


def test_unequal_subgroups_take_the_pooled_deviation_as_textbooks_do() -> None:
    x = series(2, 50).reshape(10, 5).copy()
    x[1, 3:] = x[4, 4:] = np.nan
    made = chart("X-bar/S", x).stages[0]
    groups = [row[~np.isnan(row)] for row in x]
    squares = sum((row.size - 1) * row.var(ddof=1) for row in groups)
    pooled = (squares / sum(row.size - 1 for row in groups)) ** 0.5
    center = float(np.concatenate(groups).mean())
    ucl = np.asarray(made.panels[0].ucl)
    assert made.estimate.center == pytest.approx(center)
    assert ucl[[0, 1]] == pytest.approx([center + EXACT.mean_factor_sd(n) * pooled for n in (5, 3)])
    assert np.asarray(made.panels[1].ucl)[[0, 1]] == pytest.approx([EXACT.sd_factors(n)[1] * pooled for n in (5, 3)])


def test_weighted_and_pooled_sigma_of_unequal_subgroups_are_near_the_true_one() -> None:
    random = np.random.default_rng(8)
    x = random.normal(10, 2, (4000, 6))
    x[::2, 4:] = np.nan
    for kind, method in (("X-bar/R", None), ("X-bar/S", "weighted"), ("X-bar/S", "pooled")):
        made = chart(cast("ChartKind", kind), x, sigma_method=method)
        assert made.stages[0].estimate.sigma == pytest.approx(2, rel=0.02)
