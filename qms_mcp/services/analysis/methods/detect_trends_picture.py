"""Trends as a picture: each series with Sen's line, and a divider where its level changed."""

from qms_mcp.pictures.model import Band, Divider, Level, Panel, Picture, Series
from qms_mcp.services.analysis.methods.detect_trends_reading import Read
from qms_mcp.services.analysis.methods.detect_trends_series import Assessed

MOST_PANELS = 6


def drawn(series: Read, found: list[Assessed], headline: str, unit: str) -> Picture:
    """Return the picture of the first series."""
    shown = found[:MOST_PANELS]
    notes = ["The straight line is Sen's, with the interval of its slope. An upright line is a change of level."]
    if len(found) > MOST_PANELS:
        notes.append(f"{MOST_PANELS} of {len(found)} series are drawn, the most significant first.")
    return Picture(
        title=f"Trend of {series.value}",
        subtitle=f"{shown[0].method}; slopes in {unit}",
        panels=tuple(_panel(series, one, alone=len(shown) == 1) for one in shown),
        notes=tuple(notes),
        alt=headline,
    )


def _panel(series: Read, one: Assessed, *, alone: bool) -> Panel:
    whole = one.line
    places = tuple(float(at) for at in range(1, len(whole.values) + 1))
    line = tuple(float(one.slope.intercept + one.slope.slope * t) for t in whole.times)
    there = [at + 1.0 for at, value in enumerate(whole.values) if value == value]  # noqa: PLR0124 - nan is a gap
    values = tuple(float(value) if value == value else None for value in whole.values)  # noqa: PLR0124
    label = f"{series.value} ({series.unit})" if series.unit else series.value
    return Panel(
        series=(Series(y=values, x=places, style="line_points"),),
        title="" if alone else one.line.name,
        y_label=label,
        levels=(Level(values=line, kind="fit", label=f"Sen {one.slope.slope:+.4g} per {series.per}", x=places),),
        bands=(_band(one, places),),
        dividers=tuple(
            Divider(x=there[change.at - 1] + 0.5, label=f"{change.before:.4g} → {change.after:.4g}")
            for change in one.changes
        ),
        categories=whole.labels,
    )


def _band(one: Assessed, places: tuple[float, ...]) -> Band:
    """Return where the line runs between the ends of the slope's interval, turned about the middle of the series."""
    middle = float(one.times[len(one.times) // 2])
    level = one.slope.intercept + one.slope.slope * middle
    ends = [
        sorted((level + one.slope.low * (float(t) - middle), level + one.slope.high * (float(t) - middle)))
        for t in one.line.times
    ]
    return Band(low=tuple(low for low, _ in ends), high=tuple(high for _, high in ends), x=places)
