"""Metrics that are counts and times: how many, how old, how long, and for how long when the open ones count too."""

from collections import Counter
from collections.abc import Sequence
from datetime import timedelta

from qms_mcp.services.metrics.scope import Measured, Record, Scope
from qms_mcp.statistics.intervals import poisson_rate

_MOST_BEHIND = 20
_ROUNDING = 1e-12  # a product of fractions that is one half may come out a little above it
_BANDS = ((0, 30), (31, 60), (61, 90), (91, 180), (181, None))


def reported(scope: Scope) -> Measured:
    """Return how many records were reported in the window, with the interval of a Poisson count."""
    found = scope.reported(())
    low, high = poisson_rate(len(found), 1.0)
    newest = sorted(found, key=lambda one: (one.reported, one.number), reverse=True)
    return Measured(len(found), len(found), low, high, len(found), behind=_named(newest), detail=_states(found))


def ageing(scope: Scope) -> Measured:
    """Return the median age of open records, with bands of age and the oldest."""
    found = sorted(scope.open(()), key=lambda one: (one.reported, one.number))
    if not found:
        return Measured(None, 0, why_not="nothing is open")
    ages = [(scope.window.as_of - one.reported).days for one in found]
    bands = {
        f"{low}-{high} days" if high is not None else f"over {low - 1} days": sum(
            low <= age and (high is None or age <= high) for age in ages
        )
        for low, high in _BANDS
    }
    return Measured(quantile(ages, 0.5), len(ages), detail={**bands, "oldest_days": max(ages)}, behind=_named(found))


def cycle_time(scope: Scope, types: tuple[str, ...] = ()) -> Measured:
    """Return the median time from report to closure, with quartiles and the Kaplan-Meier median."""
    closed = scope.closed(types)
    days = [(one.closed - one.reported).days for one in closed if one.closed is not None and one.closed >= one.reported]
    median = kaplan_meier_median(_lives(scope, types))
    detail: dict[str, float] = {} if median is None else {"median_with_open_ones": median}
    if not days:
        return Measured(None, 0, detail=detail, why_not="nothing was closed in the window")
    detail |= {name: quantile(days, part) for name, part in (("q1", 0.25), ("q3", 0.75), ("p90", 0.9))}
    detail["still_open"] = sum(not ended for _days, ended in _lives(scope, types))
    odd = len(closed) - len(days)
    if odd:
        detail["closed_before_reported"] = odd
    slowest = sorted(closed, key=lambda one: (one.closed or one.reported) - one.reported, reverse=True)
    return Measured(quantile(days, 0.5), len(days), detail=detail, behind=_named(slowest))


def change_lead_time(scope: Scope) -> Measured:
    """Return the same of change requests."""
    return cycle_time(scope, ("change_request",))


def findings_per_audit(scope: Scope) -> Measured:
    """Return findings per audit held, with how many of each grade."""
    found = [one for one in scope.reported(("finding",)) if one.fields.get("audit_id")]
    audits = {str(one.fields["audit_id"]) for one in found}
    audits |= {str(one.fields["id"]) for one in scope.of(("audit",)) if _was_held(one, scope)}
    if not audits:
        return Measured(None, 0, why_not="no audit was held and no finding of one was reported")
    low, high = poisson_rate(len(found), float(len(audits)))
    grades = Counter(str(one.fields.get("grade") or "no grade") for one in found)
    return Measured(
        len(found) / len(audits), len(audits), low, high, len(found), len(audits),
        detail=dict(sorted(grades.items())), behind=_named(found),
    )  # fmt: skip


def _was_held(audit: Record, scope: Scope) -> bool:
    """Say whether an audit came to its report in the window: an audit without a finding counts too."""
    over = audit.state in {"report", "findings_open", "closed"}
    return over and scope.window.holds(audit.entered("report") or audit.day("planned_to") or audit.closed)


def _lives(scope: Scope, types: tuple[str, ...]) -> list[tuple[int, bool]]:
    """Return how long each record reported in the window was open, and whether that is known to its end."""
    as_of, lives = scope.window.as_of, list[tuple[int, bool]]()
    for one in scope.reported(types):
        ended = one.closed is not None and one.closed <= as_of
        until = one.closed if ended and one.closed is not None else as_of
        if until >= one.reported:
            lives.append(((until - one.reported) // timedelta(days=1), ended))
    return lives


def kaplan_meier_median(lives: Sequence[tuple[int, bool]]) -> float | None:
    """Return the time by which half are closed, when those still open count as long as they have been.

    Args:
        lives: Days open, and whether it was closed then (False: still open after that many days).

    Source: Kaplan and Meier, JASA 53 (1958), 457-481. None when less than half can be said to be closed.
    """
    survival, at_risk = 1.0, len(lives)
    gone, ended = Counter(days for days, _closed in lives), Counter(days for days, closed in lives if closed)
    for day in sorted(gone):
        survival *= 1 - ended[day] / at_risk
        if survival <= 0.5 + _ROUNDING:
            return float(day)
        at_risk -= gone[day]
    return None


def quantile(values: Sequence[float], part: float) -> float:
    """Return a quantile by linear interpolation (type 7 of Hyndman and Fan 1996; what spreadsheets do)."""
    ordered = sorted(values)
    place = part * (len(ordered) - 1)
    low = int(place)
    high = min(low + 1, len(ordered) - 1)
    return float(ordered[low] + (place - low) * (ordered[high] - ordered[low]))


def _named(records: Sequence[Record]) -> tuple[str, ...]:
    return tuple(one.number for one in records[:_MOST_BEHIND])


def _states(records: Sequence[Record]) -> dict[str, int]:
    return dict(Counter(one.type for one in records).most_common()) if len({one.type for one in records}) > 1 else {}
