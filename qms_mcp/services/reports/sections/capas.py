"""Corrective and preventive actions: how many, how old, in which stage, what works, what comes back."""

from qms_mcp.services.reports.content import Fact, Grid, Section
from qms_mcp.services.reports.sections.telling import Known, cite, many, total_of, worded

_LONG_OVERDUE = 30
_MOST_QUESTIONS = 10


def corrective(known: Known) -> Section:
    """Return corrective action in short, for a month or a review."""
    rows, closed = known.facts.rows("open_capas"), _closed(known)
    repeats = known.facts.rows("repeat_causes")
    return Section(
        key="corrective",
        title="Corrective action",
        headline=_headline(known),
        facts=(
            *_counts(known),
            *_effect(known),
            *known.measured("on_time_closure:capa", "cycle_time:capa", "effectiveness_rate"),
        ),
        grids=(_stages(known) + _board(known, rows[:15]) + _repeats(known)),
        figures=known.drawn("capa_stages"),
        missing=() if closed else ("No CAPA was closed in the year before: there is no effectiveness rate yet.",),
        decide=tuple(f"The cause “{row['cause']}” came back: does it need a CAPA of its own?" for row in repeats[:3]),
    )


def preventive(known: Known) -> Section:
    """Return preventive action: what was planned and done before anything happened."""
    rows = [row for row in known.facts.rows("preventive_actions") if row["action_type"] == "preventive"]
    planned, done, still = (total_of(rows, name) for name in ("planned", "completed", "open"))
    all_rows = known.facts.rows("preventive_actions")
    return Section(
        key="preventive",
        title="Preventive action",
        headline=f"{many(planned, 'preventive action')} planned in the period, {done} completed, {still} open.",
        facts=(
            known.fact("preventive actions planned", planned, good="more"),
            known.fact("preventive actions completed", done, good="more"),
            known.fact("preventive actions open", still),
        ),
        grids=known.grid(
            "Actions of CAPAs by kind",
            ("Kind", "Planned in the period", "Completed in the period", "Open"),
            [(worded(row["action_type"]), row["planned"], row["completed"], row["open"]) for row in all_rows],
        ),
        missing=() if planned or still else ("No preventive action is on record for the period.",),
    )


def stages(known: Known) -> Section:
    """Return the board: open CAPAs by stage and age."""
    rows = known.facts.rows("open_capas")
    return Section(
        key="stages",
        title="Open CAPAs by stage and age",
        headline=_headline(known),
        facts=_counts(known),
        grids=_stages(known) + _board(known, rows),
        figures=known.drawn("capa_stages"),
    )


def overdue(known: Known) -> Section:
    """Return what is late: CAPAs, actions, extensions that were asked for."""
    late = [row for row in known.facts.rows("open_capas") if row["overdue_days"] > 0]
    actions, extensions = known.facts.rows("late_actions"), known.facts.rows("extensions")
    waiting = [row for row in extensions if row["state"] == "requested"]
    questions = [f"{cite(row)}: grant or refuse the extension of {row['target']}?" for row in waiting]
    questions += [
        f"{cite(row)}, {worded(row['state'])}, is {row['overdue_days']} days overdue: more people, an extension, or "
        "escalate?"
        for row in late
        if row["overdue_days"] >= _LONG_OVERDUE
    ]
    count = total_of(known.facts.rows("capa_stages"), "overdue")
    return Section(
        key="overdue",
        title="Overdue, and extensions",
        headline=f"{many(count, 'CAPA')} and {many(total_of(actions[:1], 'total'), 'action')} overdue, "
        f"{many(len(waiting), 'extension')} waiting for a decision.",
        facts=(
            known.fact("CAPAs overdue", count, good="less"),
            known.fact("actions overdue", total_of(actions[:1], "total"), good="less"),
            known.fact("extensions asked for or waiting", total_of(extensions[:1], "total"), good="less"),
        ),
        grids=(
            *known.grid(
                "Actions past their day",
                ("CAPA", "Kind", "Action", "Owner", "Due", "Days over"),
                [
                    (cite(row), worded(row["action_type"]), row["title"], row["owner"], row["due_on"], row["days"])
                    for row in actions
                ],
                actions,
            ),
            *known.grid(
                "Extensions",
                ("Request", "Of", "State", "From", "To", "Why"),
                [
                    (
                        cite(row), row["target"], worded(row["state"]), row["former_due_on"], row["requested_due_on"],
                        row["title"],
                    )
                    for row in extensions
                ],
                extensions,
            ),
        ),
        decide=tuple(questions[:_MOST_QUESTIONS]),
    )  # fmt: skip


def effectiveness(known: Known) -> Section:
    """Return what waits for its effectiveness check, and how those that were checked did."""
    day = known.facts.at.date().isoformat()
    waiting = [row for row in known.facts.rows("open_capas") if row["state"] == "effectiveness"]
    ready = [row for row in waiting if row["window_ends_on"] is not None and row["window_ends_on"] <= day]
    return Section(
        key="effectiveness",
        title="Effectiveness",
        headline=f"{many(len(waiting), 'CAPA')} awaiting effectiveness, {len(ready)} of them with the window over; "
        f"{_closed(known)} closed within a year, {_verdicts(known, 'effective')} effective.",
        facts=(
            known.fact("CAPAs awaiting effectiveness", len(waiting)),
            known.fact("windows over", len(ready), good="less"),
            *_effect(known),
        ),
        grids=known.grid(
            "Awaiting effectiveness",
            ("CAPA", "Title", "Window ends", "Owner"),
            [(cite(row), row["title"], row["window_ends_on"], row["owner"]) for row in waiting],
        ),
        missing=()
        if _closed(known)
        else ("No CAPA was closed in the year before: there is no effectiveness rate yet.",),
        decide=tuple(
            f"{cite(row)}: its window is over; is it effective? (check_effectiveness computes the evidence)"
            for row in ready[:_MOST_QUESTIONS]
        ),
    )


def repeats(known: Known) -> Section:
    """Return causes that come back."""
    rows = known.facts.rows("repeat_causes")
    after = total_of(rows, "after_a_closed_capa")
    return Section(
        key="repeats",
        title="Repeat causes",
        headline=f"{many(total_of(rows[:1], 'total'), 'cause')} named more than once in a year; "
        f"{many(after, 'record')} of those listed came after a CAPA on the same cause was closed.",
        facts=(
            known.fact("causes named more than once", total_of(rows[:1], "total"), good="less"),
            known.fact("records after a closed CAPA on their cause", after, good="less"),
        ),
        grids=_repeats(known),
        decide=tuple(
            f"The cause “{row['cause']}” came back after a CAPA on it was closed: open another, or reopen the analysis?"
            for row in rows
            if row["after_a_closed_capa"]
        )[:_MOST_QUESTIONS],
        missing=()
        if rows
        else ("No cause is named twice: causes are compared by their words, so look for near ones.",),
    )


def _headline(known: Known) -> str:
    rows = known.facts.rows("capa_stages")
    oldest = max((int(row["oldest_days"]) for row in rows), default=0)
    aged = f", the oldest {oldest} days old" if rows else ""
    return f"{many(total_of(rows, 'open'), 'CAPA')} open, {total_of(rows, 'overdue')} overdue{aged}."


def _counts(known: Known) -> tuple[Fact, ...]:
    flow, rows = known.facts.flow("capa"), known.facts.rows("capa_stages")
    return (
        known.fact("CAPAs opened", flow.get("opened", 0), flow.get("opened_before", 0), counted=True),
        known.fact("CAPAs closed", flow.get("closed", 0), flow.get("closed_before", 0)),
        known.fact("CAPAs open", total_of(rows, "open"), flow.get("open_before", 0), good="less"),
        known.fact("CAPAs overdue", total_of(rows, "overdue"), flow.get("overdue_before", 0), good="less"),
    )


def _effect(known: Known) -> tuple[Fact, ...]:
    again = total_of(known.facts.rows("capa_verdicts"), "more_than_once")
    return (
        *known.measured("effectiveness_year"),
        known.fact("CAPAs closed in a year", _closed(known)),
        known.fact("CAPAs that took more than one cycle", again, good="less", note="of those closed in a year"),
    )


def _closed(known: Known) -> int:
    return total_of(known.facts.rows("capa_verdicts"), "closed_in_a_year")


def _verdicts(known: Known, verdict: str) -> int:
    return total_of((row for row in known.facts.rows("capa_verdicts") if row["verdict"] == verdict), "closed_in_a_year")


def _stages(known: Known) -> tuple[Grid, ...]:
    return known.grid(
        "Open CAPAs by stage",
        ("Stage", "Open", "Overdue", "Under 30 days", "30 to 89", "90 to 179", "180 and more", "Median days", "Oldest"),
        [
            (
                worded(row["state"]), row["open"], row["overdue"], row["under_30"], row["from_30"], row["from_90"],
                row["from_180"], row["median_days"], row["oldest_days"],
            )
            for row in known.facts.rows("capa_stages")
        ],
    )  # fmt: skip


def _board(known: Known, rows: list[dict[str, object]]) -> tuple[Grid, ...]:
    return known.grid(
        "Open CAPAs, the longest overdue first",
        ("CAPA", "Title", "Stage", "Owner", "Age", "Due", "Days over", "Open actions", "Late", "Extensions"),
        [
            (
                cite(row), str(row["title"]), worded(row["state"]), _cell(row["owner"]), _cell(row["age_days"]),
                _cell(row["due_on"]), _cell(row["overdue_days"] or None), _cell(row["actions_open"]),
                _cell(row["actions_late"] or None), _cell(row["extensions"] or None),
            )
            for row in rows
        ],
        rows,
    )  # fmt: skip


def _cell(value: object) -> str | int | None:
    return value if isinstance(value, str | int) or value is None else str(value)


def _repeats(known: Known) -> tuple[Grid, ...]:
    rows = known.facts.rows("repeat_causes")
    return known.grid(
        "Causes named more than once in a year",
        ("Cause", "Records", "In the period", "CAPAs", "After a closed CAPA", "For example"),
        [
            (
                row["cause"], row["records"], row["in_period"], row["capas"], row["after_a_closed_capa"],
                ", ".join(row["numbers"]),
            )
            for row in rows
        ],
        rows,
    )  # fmt: skip
