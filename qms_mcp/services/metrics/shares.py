"""Metrics that are a share of records: k of n, with the exact interval."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import date, timedelta

from qms_mcp.services.metrics.scope import Measured, Record, Scope
from qms_mcp.statistics.intervals import clopper_pearson

_PERCENT = 100.0
_REPEAT_DAYS = 365
_MOST_BEHIND = 20
_REPEATING = ("nonconformance", "complaint")
_ESCAPED = ("delivered", "field")


def share(hits: Sequence[Record], out_of: int, nothing: str, behind: Sequence[Record] | None = None) -> Measured:
    """Return k of n as a percentage; `behind` are the records to look at (the hits if left out)."""
    named = tuple(one.number for one in (hits if behind is None else behind)[:_MOST_BEHIND])
    return share_of(len(hits), out_of, nothing, behind=named)


def share_of(k: int, n: int, nothing: str, *, scale: float = _PERCENT, behind: tuple[str, ...] = ()) -> Measured:
    """Return k of n, scaled, with the interval of Clopper and Pearson."""
    if n == 0:
        return Measured(None, 0, why_not=nothing)
    low, high = clopper_pearson(k, n)
    return Measured(scale * k / n, n, scale * low, scale * high, k, n, behind=behind)


def split(records: Sequence[Record], holds: Callable[[Record], bool]) -> tuple[list[Record], list[Record]]:
    """Return those of which something holds, and the others."""
    sides: tuple[list[Record], list[Record]] = ([], [])
    for one in records:
        sides[not holds(one)].append(one)
    return sides


def overdue(scope: Scope) -> Measured:
    """Return the share of open records that are past their due day."""
    dated = [one for one in scope.open(()) if one.due is not None]
    late = sorted((one for one in dated if _due(one) < scope.window.as_of), key=_due)
    found = share(late, len(dated), "no open record has a due day")
    days = [(scope.window.as_of - _due(one)).days for one in late]
    return _with(found, {"days_late_most": max(days), "days_late_median": _middle(days)} if days else {})


def on_time_closure(scope: Scope) -> Measured:
    """Return the share of closed records that were closed by their due day."""
    dated = [one for one in scope.closed(()) if one.due is not None and one.closed is not None]
    late, good = split(dated, lambda one: one.closed is not None and one.closed > _due(one))
    found = share(good, len(dated), "nothing with a due day was closed", late)
    return _with(found, {"extended": sum(one.extensions > 0 for one in dated)} if dated else {})


def repeat_rate(scope: Scope) -> Measured:
    """Return the share of records that came back: the same kind at the same place within a year."""
    types = [name for name in _REPEATING if not scope.types or name in scope.types] or _REPEATING
    counted = [one for one in scope.reported(types) if one.duplicate or _kind_of(one) is not None]
    repeats = repeats_of(scope) if scope.repeats is None else scope.repeats
    again = [one for one in counted if one.number in repeats]
    return share(again, len(counted), "no record in the window says part, area and cause, or product and event type")


def repeats_of(scope: Scope) -> frozenset[str]:
    """Return the numbers of the records that repeat a former one, or are linked as duplicates of one."""
    last: dict[tuple[str, ...], date] = {}
    again: set[str] = set()
    for one in sorted(scope.of(_REPEATING), key=lambda one: (one.reported, one.number)):
        key = _kind_of(one)
        former = last.get(key) if key else None
        if one.duplicate or (former is not None and former >= one.reported - timedelta(days=_REPEAT_DAYS)):
            again.add(one.number)
        if key:
            last[key] = one.reported
    return frozenset(again)


def _kind_of(one: Record) -> tuple[str, ...] | None:
    names = ("part_number", "area", "cause_category") if one.type == "nonconformance" else ("product", "event_type")
    values = tuple(str(one.fields.get(name) or "").strip().casefold() for name in names)
    return (one.type, *values) if all(values) else None


def escape_rate(scope: Scope) -> Measured:
    """Return the share of nonconformances that were found after delivery."""
    staged = [one for one in scope.reported(("nonconformance",)) if one.fields.get("detected_at_stage")]
    return share(
        [one for one in staged if one.fields["detected_at_stage"] in _ESCAPED],
        len(staged),
        "no nonconformance says at which stage it was found",
    )


def effectiveness_rate(scope: Scope) -> Measured:
    """Return the share of CAPAs with a verdict that were effective; behind it are those that were not."""
    judged = [one for one in scope.closed(("capa",)) if one.fields.get("verdict")]
    good, bad = split(judged, lambda one: one.fields["verdict"] == "effective")
    return share(good, len(judged), "no CAPA with a verdict was closed", bad)


def training_compliance(scope: Scope) -> Measured:
    """Return the share of assignments due that are done; behind it are those that are not."""
    as_of = scope.window.as_of
    assigned = scope.of(("training",))
    due = [one for one in assigned if one.due is not None and one.due < as_of]
    done, missing = split(due, lambda one: _waived(one) or _trained_on(one, as_of) is not None)
    in_time = sum(_waived(one) or (_trained_on(one, as_of) or as_of) <= _due(one) for one in done)
    later = sum(one.due is not None and one.due >= as_of for one in assigned)
    found = share(done, len(due), "no training was due", missing)
    counts = {"assigned": len(assigned), "done_in_time": in_time, "overdue": len(missing), "not_yet_due": later}
    return _with(found, counts) if assigned else found


def _waived(one: Record) -> bool:
    return one.state == "waived" or bool(one.fields.get("waiver_reason"))


def _trained_on(one: Record, as_of: date) -> date | None:
    days = (one.day("completed_on"), one.day("acknowledged_at"), one.closed)
    return min((day for day in days if day is not None and day <= as_of), default=None)


def scar_response(scope: Scope) -> Measured:
    """Return the share of SCARs a supplier answered by the day it was asked to."""
    return _answered(scope, "scar", "no supplier was due to answer a SCAR")


def finding_response(scope: Scope) -> Measured:
    """Return the share of findings that were answered by the day of their response."""
    return _answered(scope, "finding", "no response to a finding was due")


def _answered(scope: Scope, of: str, nothing: str) -> Measured:
    as_of, due = scope.window.as_of, list[tuple[Record, date, date | None]]()
    for one in scope.of((of,)):
        by, made = one.day("response_due_on"), one.entered("response")
        made = made if made is not None and made <= as_of else None
        if by is not None and scope.window.holds(by) and (made is not None or by < as_of):
            due.append((one, by, made))
    good = [one for one, by, made in due if made is not None and made <= by]
    late = [one for one, by, made in due if made is None or made > by]
    days = [(made - one.reported).days for one, _by, made in due if made is not None]
    found = share(good, len(due), nothing, late)
    return _with(found, {"days_median": _middle(days), "answered": len(days)} if days else {})


def reportability_on_time(scope: Scope) -> Measured:
    """Return the share of reports to authorities that were made by their day; behind it are those that were not."""
    window, complaints = scope.window, scope.of(("complaint",))
    due = [
        one
        for one in complaints
        if one.fields.get("reportable")
        and window.holds(one.day("report_due_on"))
        and (one.day("reported_on") is not None or (one.day("report_due_on") or window.as_of) < window.as_of)
    ]
    late, good = split(due, _reported_late)
    undecided = sum(one.fields.get("reportable") is None for one in complaints if one.closed is None)
    found = share(good, len(due), "no report to an authority was due", late)
    return _with(found, {"undecided": undecided})


def _reported_late(one: Record) -> bool:
    made, by = one.day("reported_on"), one.day("report_due_on")
    return made is None or (by is not None and made > by)


def calibration_on_time(scope: Scope) -> Measured:
    """Return the share of equipment that is in its interval; behind it is what is not."""
    return _not_past(scope, "equipment", "calibration_due_on", lambda one: one.closed is None, "no equipment has a day")


def review_on_time(scope: Scope) -> Measured:
    """Return the share of effective documents whose review is not overdue; behind it are those that are."""
    return _not_past(
        scope, "document", "next_review_on", lambda one: one.state == "effective", "no document has a review day"
    )


def _not_past(scope: Scope, of: str, name: str, counts: Callable[[Record], bool], nothing: str) -> Measured:
    dated = [one for one in scope.of((of,)) if counts(one) and one.day(name) is not None]
    late, good = split(dated, lambda one: (one.day(name) or scope.window.as_of) < scope.window.as_of)
    return share(good, len(dated), nothing, late)


def _due(one: Record) -> date:
    assert one.due  # noqa: S101 - whoever asks has looked
    return one.due


def _middle(days: Sequence[int]) -> float:
    ordered, half = sorted(days), len(days) // 2
    return float(ordered[half]) if len(ordered) % 2 else (ordered[half - 1] + ordered[half]) / 2


def _with(found: Measured, detail: Mapping[str, float]) -> Measured:
    return replace(found, detail={**found.detail, **detail})
