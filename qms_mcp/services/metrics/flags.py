"""What one has to know beside metrics: few observations, a table without days, a day that lies back."""

from collections.abc import Mapping, Sequence

from qms_mcp.services.metrics.answer import MetricsOptions
from qms_mcp.services.metrics.definitions import MetricDefinition
from qms_mcp.services.metrics.periods import begin_of, end_of
from qms_mcp.services.metrics.scope import Measured, Scope, span_of
from qms_mcp.statistics.flags import Flag

FEW = 10
_OF_NOW = frozenset({"calibration_on_time", "review_on_time", "overdue", "training_compliance"})


def flags_of(
    there: Sequence[MetricDefinition],
    found: Mapping[str, Measured],
    whole: Scope,
    options: MetricsOptions,
    *,
    earlier: bool,
) -> list[Flag]:
    """Return the flags of a report.

    Args:
        there: The metrics that have a value.
        found: What each came to.
        whole: All that was read, of any time.
        options: As they were asked.
        earlier: The day it is looked from is before today.
    """
    few = [one.name for one in there if one.interval and one.name != "reported" and found[one.name].n < FEW]
    flags = [flag for one in found.values() for flag in one.flags]
    if few:
        says = f"Fewer than {FEW} observations: {', '.join(few)}."
        flags.append(Flag("few", says, "Read the interval, not the value; or take a longer window."))
    flags += _about_days(whole, options)
    dated = [one.name for one in there if one.name in _OF_NOW]
    if (earlier or options.period) and dated:
        says = f"The due days behind {', '.join(dated)} are those of now: how they stood on an earlier day is not kept."
        flags.append(Flag("as_of", says, "State and closing are as they were, by the history of transitions."))
    return flags


def _about_days(whole: Scope, options: MetricsOptions) -> list[Flag]:
    window, tables = whole.window, (*whole.volumes, *whole.costs)
    if not tables or not (window.since or window.until):
        return []
    spans = [span_of(row) for row in tables]
    flags: list[Flag] = []
    undated = spans.count(None)
    if undated:
        says = f"{undated} of {len(tables)} rows sent along name no day and are taken to lie in the window."
        says += " Every period counts them." if options.period else ""
        flags.append(Flag("undated", says, "Give a column date (2026-03-31 or 2026-03), or only rows of the window."))
    across = sum(
        bool(window.since and first < window.since <= last)
        or bool(window.until and first <= window.until < last)
        or bool(options.period and last > end_of(begin_of(first, options.period), options.period))
        for first, last in (span for span in spans if span)
    )
    if across:
        says = f"{across} rows sent along reach over the edge of the window or of a period; the first day counts."
        flags.append(Flag("across", says, "Give rows by day, or a window and periods that fit the rows."))
    return flags
