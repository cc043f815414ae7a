"""One series: its trend, season and changes."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from qms_mcp.services.analysis.methods.detect_trends_model import FEWEST, TrendOptions
from qms_mcp.services.analysis.methods.detect_trends_reading import Line
from qms_mcp.statistics.quantiles import normal_quantile
from qms_mcp.statistics.trends import change_level
from qms_mcp.statistics.trends.changes import Cost, Pettitt, binary, pelt, pettitt
from qms_mcp.statistics.trends.corrections import corrected
from qms_mcp.statistics.trends.line import StraightLine, straight_line
from qms_mcp.statistics.trends.mann_kendall import MannKendall, Slope, mann_kendall, sen_slope
from qms_mcp.statistics.trends.order_one import order_one
from qms_mcp.statistics.trends.seasonal_order_one import seasonal_order_one
from qms_mcp.statistics.trends.seasons import (
    LEAST_SEASONS,
    SeasonalKendall,
    SeasonTest,
    season_test,
    seasonal_kendall,
    seasonal_slope,
    without_season,
)

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Values = NDArray[np.float64]

SEASON_LEVEL = 0.01


@dataclass(frozen=True, slots=True)
class Change:
    """A change of level: before which point, and the levels on both sides with intervals."""

    at: int
    before: float
    before_half: float
    after: float
    after_half: float
    agreed: bool


@dataclass(frozen=True, slots=True)
class Assessed:
    """What was found of a series. `values`, `times` and `labels` are without gaps."""

    line: Line
    values: "Values"
    times: "Values"
    labels: tuple[str, ...]
    plain: MannKendall
    p: float
    slope: Slope
    method: str
    r1: float
    season: SeasonTest | None
    seasonal: SeasonalKendall | None
    straight: StraightLine
    pettitt: Pettitt | None
    pettitt_p: float | None
    change_p: float | None
    price: float | None
    changes: tuple[Change, ...]
    step_fits_better: bool


def refusal(line: Line) -> str:
    """Return why a series can't be tested; empty if it can."""
    import numpy as np  # noqa: PLC0415

    known = line.values[~np.isnan(line.values)]
    if known.size < FEWEST:
        return f"{known.size} values; a trend takes at least {FEWEST}"
    if float(known.min()) == float(known.max()):
        return f"all {known.size} values are {float(known[0]):g}"
    if np.unique(line.times[~np.isnan(line.values)]).size < 3:  # noqa: PLR2004
        return "fewer than three different times"
    return ""


def assessed(line: Line, options: TrendOptions, *, counts: bool) -> Assessed:
    """Return trend, season and changes of a series that `refusal` has nothing against."""
    import numpy as np  # noqa: PLC0415

    there = ~np.isnan(line.values)
    values, times = line.values[there], line.times[there]
    labels = tuple(label for label, known in zip(line.labels, there, strict=True) if known)
    season, seasonal, freed, places = _seasons(line, there, values)
    plain = mann_kendall(values, times)
    p, spread, method, r1 = _tested(line, values, freed, places, seasonal, options)
    slope = (
        seasonal_slope(values, times, places, line.season, spread)
        if seasonal and places is not None
        else sen_slope(values, times, spread)
    )
    straight = straight_line(freed, times)
    changes, at, p_change, price, p_rank = _changes(
        freed, options, counts=counts, spent=line.season - 1 if seasonal else 0
    )
    return Assessed(
        line=line,
        values=values,
        times=times,
        labels=labels,
        plain=plain,
        p=p,
        slope=slope,
        method=method,
        r1=r1,
        season=season,
        seasonal=seasonal,
        straight=straight,
        pettitt=at,
        pettitt_p=p_rank,
        change_p=p_change,
        price=price,
        changes=changes,
        step_fits_better=bool(changes) and _left(freed, changes) < straight.left,
    )


def _seasons(
    line: Line, there: "NDArray[np.bool_]", values: "Values"
) -> "tuple[SeasonTest | None, SeasonalKendall | None, Values, NDArray[np.intp] | None]":
    """Return the test of the season and, if there is one, the seasonal test and the values freed of it."""
    if line.places is None or values.size < LEAST_SEASONS * line.season:
        return None, None, values, None
    places = line.places[there]
    found = season_test(values, places, line.season)
    if found.p > SEASON_LEVEL:
        return found, None, values, None
    return found, seasonal_kendall(values, places, line.season), without_season(values, places, line.season), places


def _tested(
    line: Line,
    values: "Values",
    freed: "Values",
    places: "NDArray[np.intp] | None",
    seasonal: SeasonalKendall | None,
    options: TrendOptions,
) -> tuple[float, float, str, float]:
    """Return p, half the reach of the interval of the slope in S, what was done, and the autocorrelation."""
    z = normal_quantile(1 - options.alpha / 2)
    if seasonal and places is not None:
        found = seasonal_order_one(values, places, line.season, options.alpha)
        if options.correction == "auto":
            spread = found.critical * (seasonal.variance * found.inflation) ** 0.5
            return found.p, spread, "seasonal Kendall, AR(1) simulated", found.phi
        if options.correction == "none":
            return seasonal.p, z * seasonal.variance**0.5, "seasonal Kendall, uncorrected", found.phi
        # Published corrections know no season: they are made on the values freed of it.
        other = corrected(freed, options.correction)
        reach = z * seasonal.variance**0.5
        return other.p, reach, f"Mann-Kendall, freed of the season, {options.correction}", found.phi
    plain = mann_kendall(line.values, line.times)
    simulated = order_one(values, plain.s, plain.variance, options.alpha)
    if options.correction == "auto":
        spread = simulated.critical * (plain.variance * simulated.inflation) ** 0.5
        return simulated.p, spread, "Mann-Kendall, AR(1) simulated", simulated.phi
    if options.correction == "none":
        how = "Mann-Kendall, exact" if plain.exact else "Mann-Kendall, normal"
        return plain.p, z * plain.variance**0.5, how, simulated.phi
    other = corrected(values, options.correction)
    variance = other.variance if options.correction in {"hamed_rao", "yue_wang"} else plain.variance
    return other.p, z * variance**0.5, f"Mann-Kendall, {options.correction}", simulated.phi


def _changes(
    values: "Values", options: TrendOptions, *, counts: bool, spent: int
) -> tuple[tuple[Change, ...], Pettitt | None, float | None, float | None, float | None]:
    """Return the changes, Pettitt's test, p of no change, the price of one, and Pettitt's corrected p."""
    if options.change_points == "none":
        return (), None, None, None, None
    level = change_level.change_level(values, options.alpha, spent)
    kind: Cost = options.change_points if options.change_points != "auto" else "poisson" if counts else "mean"
    price = _price(values, level, kind)
    at = pelt(values, price, kind)
    check = binary(values, price, kind)
    z = normal_quantile(1 - options.alpha / 2)
    found = _levels(values, at, check, z * level.long_run**0.5)
    return found, pettitt(values), level.p, price, change_level.pettitt_p(values)


def _price(values: "Values", level: change_level.ChangeLevel, kind: Cost) -> float:
    """Return what a change has to bring, on the scale of the cost."""
    import numpy as np  # noqa: PLC0415

    if kind == "mean":
        return level.critical * level.long_run
    spread = (1 + level.phi) / (1 - level.phi)
    if kind == "poisson":
        mean = max(float(values.mean()), 1e-9)
        return level.critical * spread * max(level.variance / mean, 1.0)
    return (level.critical + 2 * float(np.log(values.size))) * spread


def _levels(values: "Values", at: list[int], check: list[int], reach: float) -> tuple[Change, ...]:
    found = list[Change]()
    ends = [0, *at, values.size]
    for number, place in enumerate(at, start=1):
        before, after = values[ends[number - 1] : place], values[place : ends[number + 1]]
        agreed = any(abs(place - other) <= 2 for other in check)  # noqa: PLR2004 - neighbours mean the same change
        found.append(
            Change(
                at=place,
                before=float(before.mean()),
                before_half=reach / before.size**0.5,
                after=float(after.mean()),
                after_half=reach / after.size**0.5,
                agreed=agreed,
            )
        )
    return tuple(found)


def _left(values: "Values", changes: tuple[Change, ...]) -> float:
    import numpy as np  # noqa: PLC0415

    parts = np.split(values, [change.at for change in changes])
    return float(sum(((part - part.mean()) ** 2).sum() for part in parts))
