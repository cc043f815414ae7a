"""Whether there is one process to speak of: capability is a forecast, and only what is stable can be forecast.

Points are held against a chart of individuals or of subgroup means and spreads. Even a stable process gives signals
(2.7 in 1,000 points, and one chart of 25 subgroups in six), so it counts as not stable when so many, so far out, or in
so long a run would come by chance less than once in a hundred times. Up to 50 points any other signal leaves it open,
as the usual rule wants: indices are given, with a flag, and demonstrate nothing.
"""

import itertools
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from qms_mcp.errors import InvalidInputError
from qms_mcp.statistics.capability.subgroups import Subgrouped
from qms_mcp.statistics.flags import Flag
from qms_mcp.statistics.quantiles import binomial_probability, normal_probability
from qms_mcp.statistics.spc.constants import constants_of
from qms_mcp.statistics.spc.individuals import individuals
from qms_mcp.statistics.spc.model import Made, Observations, Panel, Settings
from qms_mcp.statistics.spc.rule_sets import rule_set
from qms_mcp.statistics.spc.subgroups import subgroups
from qms_mcp.statistics.trends.autocorrelation import Autocorrelation, lag1

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_CLASSICAL = 50
_BY_CHANCE = 0.01
_BEYOND = 0.0027
_BEYOND_SPREAD = 0.005
_LEAST: Final = 8
_SIGNIFICANT = 0.05
_BY_RANGE = 10
_NAMED = 5
_LIMIT = 3.0


@dataclass(frozen=True, slots=True)
class Stability:
    """What was looked at and found.

    Attributes:
        stable: None when it is open: too few points, or a signal among few points that chance may have given.
        checked: What was looked at, in words.
        says: What was found, in words.
        signals: How many points gave one.
        autocorrelation: From one value (or subgroup mean) to the next; None when there are too few.
        flags: To be shown beside every index.
    """

    stable: bool | None
    checked: str
    says: str
    signals: int
    autocorrelation: Autocorrelation | None
    flags: tuple[Flag, ...]


def stability(grouped: Subgrouped, series: "NDArray[np.float64]", run_length: int = 9) -> Stability:
    """Return whether the values are those of one stable process.

    Args:
        grouped: Which values belong together.
        series: What is charted for each row of `grouped.series`: the values, or their normal scores when they are not
            normal, because a skewed distribution gives signals that mean nothing.
        run_length: How many points in a row on one side of the centre are a signal.
    """
    try:
        made = _chart(grouped, series, run_length)
    except InvalidInputError as refused:
        return Stability(
            None, "nothing", f"Stability was not checked: {refused.message}", 0, None, (_unchecked(refused),)
        )
    points = made.panels[0].values
    checked = _words(grouped, points.size, run_length)
    correlation = _lag1(points)
    flags = _correlated(correlation, grouped)
    if points.size < _LEAST:
        says = f"{points.size} points are too few to see whether the process is stable."
        return Stability(
            None, checked, says, 0, correlation, (*flags, Flag("stability_unknown", says, "Collect more."))
        )
    found, signals = _found(made, by_chance=_BY_CHANCE)
    if signals and not found and points.size <= _CLASSICAL:
        return Stability(None, checked, *_open(made, signals), correlation, (_looked_into(made), *flags))
    if signals and not found:
        says = f"{signals} of {points.size} points give a signal, as many as chance gives in a stable process."
        return Stability(True, checked, says, signals, correlation, flags)
    if found:
        flag = Flag(
            "not_stable",
            f"The process is not stable: {'; '.join(found)}.",
            "Find and remove the causes first (spc_chart).",
        )
        return Stability(False, checked, "; ".join(found) + ".", signals, correlation, (flag, *flags))
    return Stability(True, checked, "No signal.", 0, correlation, flags)


def _chart(grouped: Subgrouped, series: "NDArray[np.float64]", run_length: int) -> Made:
    import numpy as np  # noqa: PLC0415

    settings = Settings(rules=rule_set("nelson 1-2", run_length), constants=constants_of("published"))
    if grouped.individuals:
        return individuals(Observations(series), settings)
    widest = int(grouped.sizes.max())
    rows = np.full((grouped.sizes.size, widest), np.nan)
    order = np.argsort(grouped.codes, kind="stable")
    starts = np.concatenate(([0], np.cumsum(grouped.sizes)[:-1]))
    codes = grouped.codes[order]
    rows[codes, np.arange(order.size) - starts[codes]] = series[~np.isnan(grouped.series)][order]
    return subgroups(Observations(rows), settings, "R" if widest <= _BY_RANGE else "S")


def _open(made: Made, signals: int) -> tuple[str, int]:
    return f"{'; '.join(_found(made, by_chance=1.0)[0])}.", signals


def _looked_into(made: Made) -> Flag:
    said = "; ".join(_found(made, by_chance=1.0)[0])
    return Flag(
        "signals",
        f"It is not shown that the process is stable: {said}. A stable one gives as much more often than 1 in 100.",
        "Look into the signal (spc_chart) before relying on an index.",
    )


def _found(made: Made, by_chance: float) -> tuple[list[str], int]:
    """Return what speaks against stability with less than this chance, and how many points give a signal."""
    main = made.panels[0]
    places = {int(at) for hits in main.hits for at in hits.at}
    found = [*_far(main, by_chance), *_runs(main, by_chance)]
    if made.panels[1].name != "MR":
        spread = made.panels[1]
        beyond = _hits(spread, "beyond")
        places |= set(beyond)
        found += _far(spread, by_chance, _BEYOND_SPREAD)
    return found, len(places)


def _far(panel: Panel, by_chance: float, rate: float = _BEYOND) -> list[str]:
    import numpy as np  # noqa: PLC0415

    beyond = _hits(panel, "beyond")
    found = _too_many(panel, beyond, rate, by_chance)
    sigma = (panel.ucl - panel.center) / _LIMIT if panel.sigma is None and panel.ucl is not None else panel.sigma
    if found or not beyond or sigma is None:
        return found
    farthest = float(np.nanmax(np.abs((panel.values - panel.center) / sigma)))
    chance = -math.expm1(panel.values.size * math.log1p(-2.0 * normal_probability(-farthest)))
    return [f"a point of {panel.name} lies {farthest:.1f} sigma from the centre"] if chance < by_chance else []


def _too_many(panel: Panel, beyond: list[int], rate: float, by_chance: float) -> list[str]:
    points = int(panel.values.size)
    if not beyond:
        return []
    if by_chance < 1.0 and 1.0 - binomial_probability(len(beyond) - 1, points, rate) >= by_chance:
        return []
    return [f"{len(beyond)} of {points} points of {panel.name} are beyond the limits ({_places(beyond)})"]


def _runs(panel: Panel, by_chance: float) -> list[str]:
    places = _hits(panel, "one_side")
    if not places:
        return []
    rule = next(hits.rule for hits in panel.hits if hits.rule.pattern == "one_side")
    longest = rule.length - 1 + _longest_stretch(places)
    points = int(panel.values.size)
    # How many runs of this length or longer begin by chance among so many points.
    expected = ((points - longest) / 2.0 + 1.0) * 2.0 ** (1 - longest)
    if by_chance < 1.0 and -math.expm1(-expected) >= by_chance:
        return []
    return [
        f"{longest} points of {panel.name} in a row are on one side of the centre (first signal at {places[0] + 1})"
    ]


def _hits(panel: Panel, pattern: str) -> list[int]:
    return [int(at) for hits in panel.hits if hits.rule.pattern == pattern for at in hits.at]


def _longest_stretch(places: list[int]) -> int:
    longest = current = 1
    for before, after in itertools.pairwise(places):
        current = current + 1 if after == before + 1 else 1
        longest = max(longest, current)
    return longest


def _places(places: list[int]) -> str:
    more = f" and {len(places) - _NAMED} more" if len(places) > _NAMED else ""
    return "at " + ", ".join(str(at + 1) for at in places[:_NAMED]) + more


def _words(grouped: Subgrouped, points: int, run_length: int) -> str:
    if grouped.individuals:
        return (
            f"chart of {points} individuals: beyond 3 sigma, {run_length} in a row on one side; lag-1 autocorrelation"
        )
    return (
        f"charts of means and spreads of {points} subgroups: beyond 3 sigma, {run_length} means in a row on one side; "
        "lag-1 autocorrelation of the means"
    )


def _lag1(points: "NDArray[np.float64]") -> Autocorrelation | None:
    import numpy as np  # noqa: PLC0415

    there = points[~np.isnan(points)]
    if there.size < _LEAST or float(there.min()) == float(there.max()):
        return None
    return lag1(points)


def _correlated(found: Autocorrelation | None, grouped: Subgrouped) -> tuple[Flag, ...]:
    if found is None or found.p >= _SIGNIFICANT or found.r1 <= 0.0:
        return ()
    says = f"Each {'value' if grouped.individuals else 'subgroup mean'} resembles the one before: r1 = {found.r1:.2f}"
    if grouped.individuals and found.r1 < 1.0:
        says += (
            f", so the moving range shows about {100 * math.sqrt(1 - found.r1):.0f} % of sigma and Cp, Cpk are too high"
        )
    return (Flag("autocorrelated", f"{says}.", "Rely on Pp and Ppk, sample less often, or model the series."),)


def _unchecked(refused: InvalidInputError) -> Flag:
    return Flag("stability_unknown", f"Stability was not checked: {refused.message}", "Give the values in their order.")
