"""Metrics as a picture: by period as lines with their intervals, by group as bars."""

from collections.abc import Sequence
from typing import Any

from qms_mcp.pictures.model import Band, Panel, Picture, Series
from qms_mcp.services.metrics.answer import MetricsReport
from qms_mcp.services.metrics.definitions import MetricDefinition

_MOST_PANELS = 6
_MOST_BARS = 20


def picture_of(chosen: Sequence[MetricDefinition], answer: MetricsReport) -> Picture | None:
    """Return the picture of what varies: periods if there are any, else groups, else none."""
    tables = answer.periods or answer.groups
    if not tables:
        return None
    draw = _over_time if answer.periods else _by_group
    panels = [draw(one, tables[one.name][1:]) for one in chosen if len(tables[one.name]) > 1]
    if not panels:
        return None
    left = len(panels) - _MOST_PANELS
    return Picture(
        title="Quality metrics",
        subtitle=answer.window,
        panels=tuple(panels[:_MOST_PANELS]),
        notes=(f"{left} more are in the table.",) if left > 0 else (),
        alt=answer.headline,
    )


def _over_time(one: MetricDefinition, rows: Sequence[Sequence[Any]]) -> Panel:
    known = [(at, row) for at, row in enumerate(rows, 1) if row[3] is not None and row[4] is not None]
    band = Band(
        x=tuple(float(at) for at, _row in known),
        low=tuple(row[3] for _at, row in known),
        high=tuple(row[4] for _at, row in known),
        label="95 % interval",
    )
    return Panel(
        title=one.title,
        y_label=one.unit,
        series=(Series(y=tuple(row[1] for row in rows)),),
        bands=(band,) if len(known) > 1 else (),
        categories=tuple(str(row[0]) for row in rows),
    )


def _by_group(one: MetricDefinition, rows: Sequence[Sequence[Any]]) -> Panel:
    shown = rows[:_MOST_BARS]
    return Panel(
        title=one.title,
        y_label=one.unit,
        series=(Series(y=tuple(row[1] for row in shown), style="bars"),),
        categories=tuple(str(row[0]) for row in shown),
    )
