"""Metrics in a sentence."""

from collections.abc import Mapping, Sequence

from qms_mcp.services.metrics.definitions import MetricDefinition
from qms_mcp.services.metrics.scope import Measured, Window

_MOST = 6


def headline_of(there: Sequence[MetricDefinition], found: Mapping[str, Measured], window: Window) -> str:
    """Return what the metrics say, the first six of them."""
    if not there:
        return f"There is nothing to compute as of {window.as_of}."
    told = "; ".join(_told(one, found[one.name]) for one in there[:_MOST])
    more = f"; and {len(there) - _MOST} more" if len(there) > _MOST else ""
    return f"As of {window.as_of}: {told}{more}."


def _told(one: MetricDefinition, found: Measured) -> str:
    value = found.value or 0.0
    unit = found.unit or one.unit
    shown = f"{value:,.0f}" if value == int(value) else f"{value:,.1f}"
    amount = f"{shown} %" if unit == "%" else f"{shown} {unit}"
    if found.numerator is not None and found.denominator is not None:
        return f"{one.title.lower()} {amount} ({found.numerator:,g} of {found.denominator:,g})"
    return f"{one.title.lower()} {amount}" + (f" (n = {found.n:,})" if one.name != "reported" else "")
