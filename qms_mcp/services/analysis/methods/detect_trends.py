"""Trends, seasons and changes of one series or of many."""

from typing import Any

from qms_mcp.errors import InvalidInputError
from qms_mcp.services.analysis.method import Computed, Method, flagged, significant
from qms_mcp.services.analysis.methods.detect_trends_model import (
    CHANGE_HEADER,
    HEADER,
    MOST_SHOWN,
    TEST_HEADER,
    DetectTrends,
    TrendOptions,
)
from qms_mcp.services.analysis.methods.detect_trends_picture import drawn
from qms_mcp.services.analysis.methods.detect_trends_reading import Line, Read, read
from qms_mcp.services.analysis.methods.detect_trends_series import Assessed, assessed, refusal
from qms_mcp.services.analysis.table import Table
from qms_mcp.statistics.comparing.wording import p_value
from qms_mcp.statistics.flags import Flag
from qms_mcp.statistics.trends.autocorrelation import ljung_box
from qms_mcp.statistics.trends.corrections import corrected
from qms_mcp.statistics.trends.many import adjusted

_DETAILED = 3
_MOST_CHANGES = 100
_MOST_SKIPPED = 20
_MANY_ZEROS = 0.5
_HIGH = 0.8
_ENOUGH = 20


def compute(table: Table, options: TrendOptions) -> Computed[DetectTrends]:
    """Return the trends of a table, the most significant first."""
    series = read(table, options)
    skipped = [(line, reason) for line in series.lines if (reason := refusal(line))]
    found = [assessed(line, options, counts=series.counts) for line in series.lines if not refusal(line)]
    if not found:
        raise InvalidInputError(
            f"No series can be tested for a trend: {'; '.join(f'{line.name}: {why}' for line, why in skipped[:5])}.",
            hint="Collect more points, or take shorter periods.",
        )
    p = adjusted([one.p for one in found], options.adjust)
    ranked = sorted(zip(found, p, strict=True), key=lambda pair: (pair[0].p, -abs(pair[0].plain.tau)))
    shown = ranked[:MOST_SHOWN]
    significant_ones = [pair for pair in ranked if pair[1] <= options.alpha]
    unit = f"{series.unit or series.value} per {series.per}"
    headline = _headline(series, ranked, significant_ones, options)
    answer = DetectTrends(
        headline=headline,
        flags=flagged([*series.flags, *_flags(series, found, skipped, len(ranked))]),
        tested=len(found),
        significant=len(significant_ones),
        unit=unit,
        series=[HEADER, *(_row(one, by, options) for one, by in shown)],
        changes=_changes([one for one, _ in shown]),
        tests=_tests([one for one, _ in shown]) if len(found) <= _DETAILED else [],
        skipped=[[line.name, why] for line, why in skipped[:_MOST_SKIPPED]],
    )
    n = sum(one.plain.n for one in found)
    return Computed(answer, n, drawn(series, [one for one, _ in shown], headline, unit))


def direction(one: Assessed, p: float, alpha: float) -> str:
    """Return where a series goes, when it does so more than chance would have it."""
    if p > alpha:
        return "no trend shown"
    return "rising" if one.slope.slope > 0 or (one.slope.slope == 0 and one.plain.s > 0) else "falling"


def _row(one: Assessed, p: float, options: TrendOptions) -> list[Any]:
    shape = "" if not one.changes else "step" if one.step_fits_better else "line"
    return [
        one.line.name,
        one.plain.n,
        direction(one, p, options.alpha),
        significant(one.slope.slope),
        significant(one.slope.low),
        significant(one.slope.high),
        significant(one.p, 6),
        significant(p, 6),
        significant(one.plain.p, 6),
        significant(one.r1, 4),
        None if one.season is None else significant(one.season.p, 4),
        None if one.change_p is None else significant(one.change_p, 4),
        shape,
        one.method,
    ]


def _changes(shown: list[Assessed]) -> list[list[Any]]:
    rows = [
        [
            one.line.name,
            one.labels[change.at - 1],
            change.at,
            significant(change.before, 6),
            significant(change.before - change.before_half, 6),
            significant(change.before + change.before_half, 6),
            significant(change.after, 6),
            significant(change.after - change.after_half, 6),
            significant(change.after + change.after_half, 6),
            change.agreed,
        ]
        for one in shown
        for change in one.changes
    ]
    return [CHANGE_HEADER, *rows[:_MOST_CHANGES]] if rows else []


def _tests(shown: list[Assessed]) -> list[list[Any]]:
    rows = list[list[Any]]()
    for one in shown:
        rows += [[one.line.name, *test] for test in _tests_of(one)]
    return [
        TEST_HEADER,
        *([*row[:3], *(None if cell is None else significant(cell) for cell in row[3:])] for row in rows),
    ]


def _tests_of(one: Assessed) -> list[list[Any]]:
    plain, box = one.plain, ljung_box(one.values)
    rows: list[list[Any]] = [
        ["Mann-Kendall", "S", float(plain.s), plain.p],
        ["Mann-Kendall, normal", "z", plain.z, plain.p_normal],
        ["Mann-Kendall", "variance of S", plain.variance, None],
        ["Kendall", "tau-b", plain.tau, plain.p],
    ]
    for how in ("hamed_rao", "yue_wang", "tfpw"):
        other = corrected(one.values, how)
        rows.append([f"Mann-Kendall, {how}", "z", other.z, other.p])
    rows += [
        ["least squares", "slope", one.straight.slope, one.straight.p],
        ["least squares", "standard error", one.straight.error, None],
        ["least squares", "R squared", one.straight.r2, None],
        ["Sen", "intercept", one.slope.intercept, None],
        [f"Ljung-Box, {box.lags} lags", "Q", box.statistic, box.p],
    ]
    if one.seasonal:
        rows.append(["seasonal Kendall", "z", one.seasonal.z, one.seasonal.p])
    if one.season:
        rows.append([f"season of {one.season.season}, Kruskal-Wallis", "H", one.season.statistic, one.season.p])
    if one.pettitt:
        place = one.labels[one.pettitt.at - 1]
        rows.append([f"Pettitt, after {place}, independent", "K", one.pettitt.k, one.pettitt.p])
        rows.append([f"Pettitt, after {place}, AR(1) simulated", "K", one.pettitt.k, one.pettitt_p])
    if one.price is not None:
        rows.append(["price of a change", "penalty", one.price, None])
    return rows


def _headline(
    series: Read, ranked: list[tuple[Assessed, float]], clear: list[tuple[Assessed, float]], options: TrendOptions
) -> str:
    if len(ranked) == 1:
        return _headline_of_one(series, *ranked[0], options)
    if not clear:
        first, p = ranked[0]
        return (
            f"None of {len(ranked)} series of {series.value} shows a trend; the nearest is {first.line.name} "
            f"({p_value(p)} after adjustment)."
        )
    up = sum(direction(one, p, options.alpha) == "rising" for one, p in clear)
    named = ", ".join(
        f"{one.line.name} ({one.slope.slope:+.4g} per {series.per}, {p_value(p)})" for one, p in clear[:3]
    )
    return (
        f"{len(clear)} of {len(ranked)} series of {series.value} show a trend: {up} rising, "
        f"{len(clear) - up} falling. Clearest: {named}."
    )


def _headline_of_one(series: Read, one: Assessed, p: float, options: TrendOptions) -> str:
    slope, unit = one.slope, f" {series.unit}" if series.unit else ""
    reach = f"{1 - options.alpha:.0%} interval {slope.low:.4g} to {slope.high:.4g}"
    way = direction(one, p, options.alpha)
    name = one.line.name if len(series.lines) > 1 else series.value
    if way == "no trend shown":
        said = f"{name} shows no trend over {one.plain.n} points"
        said += f" ({p_value(p)}; {slope.slope:+.4g}{unit} per {series.per}, {reach})."
    else:
        verb = "rises" if way == "rising" else "falls"
        said = f"{name} {verb} by {abs(slope.slope):.4g}{unit} per {series.per} ({reach}; {p_value(p)})."
    if one.changes:
        first = max(one.changes, key=lambda change: abs(change.after - change.before))
        said += f" Its level changed after {one.labels[first.at - 1]}: {first.before:.4g} to {first.after:.4g}"
        said += f", the largest of {len(one.changes)} changes." if len(one.changes) > 1 else "."
    return said


def _flags(series: Read, found: list[Assessed], skipped: list[tuple[Line, str]], ranked: int) -> list[Flag]:
    flags = list[Flag]()
    if skipped:
        says = f"{len(skipped)} of {len(series.lines)} series were not tested: {skipped[0][0].name}: {skipped[0][1]}"
        flags.append(Flag("skipped", f"{says}{', ...' if len(skipped) > 1 else '.'}"))
    if ranked > MOST_SHOWN:
        flags.append(Flag("shortened", f"{MOST_SHOWN} of {ranked} series are shown, the most significant first."))
    # Of a few values any autocorrelation comes by chance.
    high = [one for one in found if one.r1 > _HIGH and len(one.values) >= _ENOUGH]
    if high:
        says = (
            f"{_of(high, found)} hang strongly on the value before "
            f"(autocorrelation {high[0].r1:.2f}, n = {len(high[0].values)})."
        )
        flags.append(Flag("autocorrelated", says, "A slow random walk looks like a trend; look for its cause."))
    liberal = [one for one in found if one.plain.p <= 0.05 < one.p]  # noqa: PLR2004
    if liberal:
        says = f"{_of(liberal, found)}: significant only when autocorrelation is left out of account."
        flags.append(Flag("only_uncorrected", says, "Do not report it as a trend."))
    steps = [one for one in found if one.step_fits_better]
    if steps:
        says = f"{_of(steps, found)}: a step describes it better than a line."
        flags.append(Flag("step", says, "Look for what changed then, rather than for a drift."))
    zeros = [one for one in found if float((one.values == 0).mean()) > _MANY_ZEROS]
    if zeros and series.counts:
        says = f"{_of(zeros, found)}: more than half of the counts are 0."
        flags.append(Flag("many_zeros", says, "Take longer periods; a slope of 0 says little."))
    return flags


def _of(some: list[Assessed], found: list[Assessed]) -> str:
    if len(found) == 1:
        return "The values"
    return f"{len(some)} of {len(found)} series ({', '.join(one.line.name for one in some[:3])})"


DETECT_TRENDS = Method("detect_trends", "1", TrendOptions, compute)
