"""What a chart rests on, looked at: enough points, independence, a normal distribution, variation by chance alone.

A chart is made all the same, and what does not hold is said in a flag with what to do instead.
"""

from typing import TYPE_CHECKING, Final

from qms_mcp.errors import InvalidInputError
from qms_mcp.statistics.flags import Flag
from qms_mcp.statistics.spc.attributes import AttributeKind, checked_counts
from qms_mcp.statistics.spc.dispersion import dispersion
from qms_mcp.statistics.spc.model import ATTRIBUTES, FEW, Chart, ChartKind, Observations, Stage

if TYPE_CHECKING:
    from qms_mcp.statistics.spc.rules import Mask, Values

_SURE: Final = 0.01
_STRONG: Final = 0.2
_FEWEST_FOR_NEIGHBOURS: Final = 10
_FEWEST_FOR_SHAPE: Final = 15
_MOST_FOR_SHAPE: Final = 5_000
_DISTINCT: Final = 5
_NEIGHBOURS_INSTEAD: Final = (
    "Signals and silence of this chart mean little. Chart the residuals of a first-order autoregression, or an EWMA "
    "whose sigma is adjusted for the correlation; or take values further apart, or the mean of each stretch as one "
    "point. If the process drifted, find out why first: a drift looks the same."
)


def flags_of(chart: Chart, observations: Observations) -> tuple[Flag, ...]:
    """Return what does not hold for a chart of these observations."""
    found = [*_told(chart), *_few(chart)]
    for stage in chart.stages:
        part = observations.part(stage.start, stage.start + stage.points)
        kept = _kept(chart, stage)
        named = f"Stage {stage.name}: " if len(chart.stages) > 1 else ""
        checks = (_neighbours, _normality, _counts, _resolution)
        said = (flag for check in checks for flag in check(chart.kind, stage, part, kept))
        found += [Flag(flag.code, named + flag.says, flag.instead) for flag in said]
    return (*found, *_lower_limits(chart))


def _kept(chart: Chart, stage: Stage) -> "Mask":
    import numpy as np  # noqa: PLC0415

    kept = np.ones(stage.points, dtype=np.bool_)
    kept[[at - stage.start for at in chart.excluded if stage.start <= at < stage.start + stage.points]] = False
    return kept


def _told(chart: Chart) -> list[Flag]:
    told = [flag for stage in chart.stages for flag in stage.flags]
    for number, left_out in enumerate(chart.rounds, start=1):
        places = ", ".join(str(at + 1) for at in left_out[:20]) + (" ..." if len(left_out) > 20 else "")  # noqa: PLR2004
        told.append(
            Flag(
                "left_out",
                f"Round {number} left out {len(left_out)} points beyond the limits: {places}.",
                "Name the cause of each; without one a point may not be left out for good.",
            )
        )
    return told


def _few(chart: Chart) -> list[Flag]:
    if any(stage.estimate.known for stage in chart.stages):
        return []
    counts = [_used(chart, stage) for stage in chart.stages]
    if min(counts) >= FEW:
        return []
    return [
        Flag(
            "few",
            f"Limits from {min(counts)} points{' in a stage' if len(counts) > 1 else ''} are trial limits.",
            "Recompute them with 20 to 25 points or more before they are frozen.",
        )
    ]


def _used(chart: Chart, stage: Stage) -> int:
    import numpy as np  # noqa: PLC0415

    return int((~np.isnan(stage.panels[0].values) & _kept(chart, stage)).sum())


def _neighbours(kind: ChartKind, stage: Stage, part: Observations, kept: "Mask") -> list[Flag]:
    """Look for correlation of a point with the one before, by the lag-1 autocorrelation."""
    values = _one_a_point(kind, stage, part)
    if values is None:
        return []
    there = _present(values, kept)
    if there.size < _FEWEST_FOR_NEIGHBOURS or (there == there[0]).all():
        return []
    import numpy as np  # noqa: PLC0415

    from qms_mcp.statistics.trends.autocorrelation import lag1  # noqa: PLC0415

    found = lag1(np.where(kept, values, np.nan))
    if found.p >= _SURE or abs(found.r1) < _STRONG:
        return []
    if found.r1 > 0:
        return [
            Flag(
                "autocorrelated",
                f"Neighbouring points resemble each other (lag-1 autocorrelation {found.r1:.3f} of {found.n} "
                f"points, p {found.p:.2g}), so sigma is too small and false alarms are many.",
                _NEIGHBOURS_INSTEAD,
            )
        ]
    return [
        Flag(
            "autocorrelated",
            f"Neighbouring points differ more than chance has it (lag-1 autocorrelation {found.r1:.3f}, "
            f"p {found.p:.2g}), so sigma is too large.",
            "Look for over-adjustment, or for two streams sampled in turn; chart those apart.",
        )
    ]


def _one_a_point(kind: ChartKind, stage: Stage, part: Observations) -> "Values | None":
    if kind in ("EWMA", "CUSUM"):
        if not part.grouped:
            return part.values
        from qms_mcp.statistics.spc.subgroups import grouped  # noqa: PLC0415

        return grouped(part, "R").means
    return None if kind in ATTRIBUTES else stage.panels[0].values


def _present(values: "Values", kept: "Mask") -> "Values":
    import numpy as np  # noqa: PLC0415

    return values[kept & ~np.isnan(values)]


def _normality(kind: ChartKind, stage: Stage, _part: Observations, kept: "Mask") -> list[Flag]:
    """Look whether individual values could be normal, by Anderson-Darling; means of subgroups tend to be."""
    if kind not in ("I-MR", "t") or stage.panels[0].name == "t":
        return []
    values = _present(stage.panels[0].values, kept)
    if values.size < _FEWEST_FOR_SHAPE or (values == values[0]).all():
        return []
    from qms_mcp.statistics.normality import anderson_darling  # noqa: PLC0415

    # Of very many values the slightest departure would be seen: every so manieth is looked at then.
    test = anderson_darling(values[:: -(-values.size // _MOST_FOR_SHAPE)])
    if test.p >= _SURE:
        return []
    return [
        Flag(
            "not_normal",
            f"The values are hardly normal (Anderson-Darling {test.statistic:.3f} of {test.n}, p {test.p:.2g}): "
            "the limits and above all the zone rules give another rate of false alarms than they promise.",
            "Look for outliers and shifts first; else transform the values (logarithm, Box-Cox), chart means of "
            "subgroups, or keep to points beyond the limits.",
        )
    ]


def _counts(kind: ChartKind, stage: Stage, part: Observations, kept: "Mask") -> list[Flag]:
    """Look whether counts vary by chance alone."""
    if kind not in ("p", "np", "c", "u"):
        return []
    proportion, counted = kind in ("p", "np"), checked_counts(part, _attribute(kind))
    import numpy as np  # noqa: PLC0415

    try:
        found = dispersion(counted, stage.estimate.center, kept & ~np.isnan(counted.counts), proportion=proportion)
    except InvalidInputError:  # no variation from point to point: nothing to say of it
        return []
    if found is None or not found.verdict:
        return []
    said = f"variance {found.ratio:.2f} times that of chance, sigma_z {found.sigma_z:.2f}, p {found.p:.2g}"
    other = "Laney p'" if proportion else "Laney u'"
    if found.verdict == "over":
        return [
            Flag(
                "overdispersed",
                f"The counts vary more than chance alone makes them ({said}), so the limits are too narrow.",
                f"Use {other}, or find what makes lots differ (mixed sources, clustered nonconformities).",
            )
        ]
    return [
        Flag(
            "underdispersed",
            f"The counts vary less than chance alone makes them ({said}), so the limits are too wide.",
            f"Look how they are counted (rounded, capped, mixed from streams); {other} fits the limits to them.",
        )
    ]


def _attribute(kind: ChartKind) -> AttributeKind:
    assert kind in ("p", "np", "c", "u", "Laney p'", "Laney u'")  # noqa: S101 - the caller looked
    return kind


def _resolution(kind: ChartKind, stage: Stage, _part: Observations, kept: "Mask") -> list[Flag]:
    """Look for a measuring unit so coarse that the ranges take but a few values (Wheeler: fewer than five)."""
    if kind not in ("I-MR", "X-bar/R"):
        return []
    import numpy as np  # noqa: PLC0415

    ranges = _present(stage.panels[1].values, kept)
    if ranges.size < _FEWEST_FOR_SHAPE or ranges.size > _MOST_FOR_SHAPE:
        return []
    within = ranges[ranges <= (stage.panels[1].line("ucl", 0) or np.inf)]
    distinct = np.unique(np.round(within / (np.abs(within).max() or 1.0), 9)).size
    if distinct >= _DISTINCT:
        return []
    return [
        Flag(
            "coarse",
            f"The ranges within their limits take only {distinct} different values: the unit of measurement is too "
            "coarse for the process, and the limits are distorted.",
            "Record more digits, or measure with a finer instrument.",
        )
    ]


def _lower_limits(chart: Chart) -> list[Flag]:
    first = chart.stages[0]
    if chart.kind not in ATTRIBUTES or first.panels[0].lcl is None:
        return []
    import numpy as np  # noqa: PLC0415

    if np.any(np.asarray(first.panels[0].lcl) > 0):
        return []
    return [
        Flag(
            "no_lower_limit",
            "The lower limit is 0, as what was computed lies below: no single point can show an improvement.",
            "Runs below the centre do; or inspect more units a point, or use CUSUM.",
        )
    ]
