"""Trends as a picture: each series with Sen's line, and a divider where its level changed."""

from qms_mcp.pictures.model import Divider, Level, Panel, Picture, Series
from qms_mcp.services.analysis.methods.detect_trends_reading import Read
from qms_mcp.services.analysis.methods.detect_trends_series import Assessed

MOST_PANELS = 6


def drawn(series: Read, found: list[Assessed], headline: str, unit: str) -> Picture:
    """Return the picture of the first series."""
    shown = found[:MOST_PANELS]
    notes = ["Dashed: Sen's line. Upright: a change of level."]
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
    n = len(one.values)
    places = tuple(float(at) for at in range(1, n + 1))
    line = tuple(float(one.slope.intercept + one.slope.slope * t) for t in one.times)
    label = f"{series.value} ({series.unit})" if series.unit else series.value
    return Panel(
        series=(Series(y=tuple(float(value) for value in one.values), x=places, style="line_points"),),
        title="" if alone else one.line.name,
        y_label=label,
        levels=(Level(values=line, kind="fit", label=f"Sen {one.slope.slope:+.4g} per {series.per}", x=places),),
        dividers=tuple(
            Divider(x=change.at + 0.5, label=f"{change.before:.4g} → {change.after:.4g}") for change in one.changes
        ),
        categories=one.labels,
    )
