"""The rules of record-v1 about a record by itself: fields, texts, dates and people."""

from collections.abc import Iterator
from datetime import date, timedelta
from typing import Final

from qms_mcp.services.quality_checks.models import Facts
from qms_mcp.services.quality_checks.placeholders import placeholder_in
from qms_mcp.services.quality_checks.record_reading import RecordFacts, as_day
from qms_mcp.services.quality_checks.report import Found, Report

# What a record of a type needs in any state; a tuple: one of them. What a step needs besides, its workflow says.
_NEEDED: Final[dict[str, tuple[str | tuple[str, ...], ...]]] = {
    "nonconformance": ("description", "risk_class", "detected_at_stage", ("part_number", "lot", "area")),
    "deviation": ("description", "instruction", "classification"),
    "complaint": ("description", "product", "received_on", "event_type"),
    "capa": ("problem_statement", "source_kind", "risk_class"),
    "change_request": ("justification", "proposed_change"),
    "audit": ("audit_kind", "scope"),
    "finding": ("grade", "objective_evidence", ("requirement", "clause")),
    "risk": ("method", ("hazard", "failure_mode"), "severity"),
    "training": (("document_id", "topic"), "trainee_id"),
    "equipment": ("asset_number", "interval_days"),
    "scar": ("supplier_id",),
    "field_action": ("action_kind", "product"),
    "extension_request": ("target_id",),
}
_TEXTS = (
    "title", "description", "problem_statement", "root_cause", "root_cause_summary", "root_cause_not_determined",
    "similar_cases", "containment", "correction", "verification_result", "capa_rationale", "field_action_rationale",
    "investigation", "no_investigation_reason", "reply", "complainant_name", "product", "part_number", "lot", "area",
    "instruction", "batch_impact", "immediate_action", "conclusion", "justification", "proposed_change", "scope",
    "objective_evidence", "requirement", "response", "failure_mode", "effect", "cause", "hazard", "hazardous_situation",
    "harm", "topic", "effectiveness_result", "waiver_reason", "change_summary",
)  # fmt: skip
_PART_TEXTS = {
    "capa_actions": ("description", "progress", "completion_evidence"),
    "root_causes": ("statement",),
    "dispositions": ("justification",),
    "reportability_assessments": ("rationale",),
    "evidence": ("title",),
    "risk_controls": ("description",),
}
_ORDER = (
    ("occurred_at", "closed_at"), ("created_at", "closed_at"), ("created_at", "due_date"),
    ("detected_on", "contained_on"), ("detected_on", "closed_at"), ("event_on", "received_on"),
    ("event_on", "aware_on"), ("event_on", "replied_on"), ("received_on", "replied_on"), ("received_on", "closed_at"),
    ("aware_on", "reported_on"), ("aware_on", "report_due_on"), ("window_starts_on", "window_ends_on"),
    ("completed_on", "expires_on"),
)  # fmt: skip
_HAPPENED = (
    "occurred_at", "detected_on", "contained_on", "received_on", "aware_on", "event_on", "replied_on", "reported_on",
    "completed_on", "acknowledged_at", "performed_on",
)  # fmt: skip
# A time of day may belong to the day before or after where the organization is.
_SLACK = timedelta(days=1)
_EVENTS = frozenset({"nonconformance", "deviation", "complaint", "capa", "finding", "scar", "field_action"})
_FEWEST_WORDS, _FEWEST_LETTERS = 5, 25
_MOST_OF_A_KIND = 20
_BACK = frozenset({
    "cancel", "reject", "withdraw", "reopen", "reassess", "replace", "find_ineffective", "make_obsolete", "supersede",
    "confirm_review",
})  # fmt: skip


def check_fields(facts: RecordFacts, report: Report) -> None:
    """Check what is filled, and with what."""
    needed = _NEEDED.get(facts.category)
    if needed:
        report.applied("R01", _missing_fields(facts, needed))
    steps = [step for step in facts.steps if step["name"] not in _BACK and step["to_state"] != "cancelled"]
    if steps:
        report.applied("R02", _blocked(steps))
    report.applied("R03", list(_placeholders(facts))[:_MOST_OF_A_KIND])
    if facts.category in _EVENTS:
        report.applied("R04", _too_short(facts))
    if facts.row["drafted_by_kind"] == "agent":
        report.applied("R14", _not_adopted(facts))


def check_dates(facts: RecordFacts, report: Report) -> None:
    """Check what time says."""
    report.applied("R05", [*_out_of_order(facts), *_actions_out_of_order(facts)])
    report.applied("R06", _in_the_future(facts))
    if facts.is_open and (facts.row["due_date"] or facts.parts.get("capa_actions")):
        report.applied("R12", _overdue(facts))


def check_people(facts: RecordFacts, report: Report) -> None:
    """Check who answers for an open record."""
    if not facts.is_open:
        return
    report.applied("R07", [] if facts.text("owner_id") else [
        Found("nobody owns it", "set owner_id with update_record", field="owner_id")
    ])  # fmt: skip
    report.applied("R08", _inactive(facts))


def _missing_fields(facts: RecordFacts, needed: tuple[str | tuple[str, ...], ...]) -> Iterator[Found]:
    for one in needed:
        names = (one,) if isinstance(one, str) else one
        if not any(facts.text(name) for name in names):
            words = " or ".join(names)
            yield Found(f"{words} is empty", f"fill {words} with update_record", field=names[0])


def _blocked(steps: list[Facts]) -> Iterator[Found]:
    """Yield what blocks the step that lacks least, if each is blocked."""
    nearest = min(steps, key=lambda step: len(step["blocked"]))
    for reason in nearest["blocked"]:
        yield Found(
            f"the step {nearest['name']!r} to {nearest['to_state']} is blocked: {reason}",
            "settle it, then take the step with transition_record",
            field=nearest["to_state"],
        )


def _placeholders(facts: RecordFacts) -> Iterator[Found]:
    texts = [(name, facts.fields.get(name)) for name in _TEXTS]
    for kind, names in _PART_TEXTS.items():
        for place, entry in enumerate(facts.parts.get(kind, []), start=1):
            texts += [(f"{kind}[{place}].{name}", entry.get(name)) for name in names]
    for name, value in texts:
        found = placeholder_in(value) if isinstance(value, str) else None
        if found:
            yield Found(f"it says {found!r}", "say what is the case, or why it can't be said", field=name)


def _too_short(facts: RecordFacts) -> Iterator[Found]:
    name = "problem_statement" if facts.category == "capa" else "description"
    text = max(facts.text(name), facts.text("objective_evidence"), facts.text("description"), key=len)
    # A text without spaces between words (Chinese, Japanese, Thai) says as much with fewer signs.
    dense = sum(ord(sign) > 0x2E7F or 0x0E00 <= ord(sign) < 0x0E80 for sign in text)  # noqa: PLR2004
    if text and not (len(text.split()) >= _FEWEST_WORDS and len(text) >= _FEWEST_LETTERS) and dense < _FEWEST_WORDS * 2:
        yield Found(
            f"{len(text.split())} words: {text!r}",
            "say what happened, where, when, how many, and how it was found",
            field=name,
        )


def _not_adopted(facts: RecordFacts) -> Iterator[Found]:
    if facts.row["adopted_by"] is None:
        yield Found(
            "a model drafted it, and no person has adopted it",
            "a person reads it and takes a step or signs",
            field="adopted_by",
        )


def _out_of_order(facts: RecordFacts) -> Iterator[Found]:
    for first, second in _ORDER:
        before, after = facts.day(first), facts.day(second)
        if before is None or after is None:
            continue
        mixed = first.endswith("_at") != second.endswith("_at")
        if after + (_SLACK if mixed else timedelta()) < before:
            yield _wrong_order(first, before, second, after)


def _actions_out_of_order(facts: RecordFacts) -> Iterator[Found]:
    for place, action in enumerate(facts.parts.get("capa_actions", []), start=1):
        began, due, done = (as_day(action.get(name)) for name in ("created_at", "due_on", "completed_on"))
        where = f"capa_actions[{place}]"
        if began and due and due + _SLACK < began:
            yield _wrong_order(f"{where}.created_at", began, f"{where}.due_on", due)
        closed = facts.day("closed_at")
        if done and closed and closed + _SLACK < done:
            yield _wrong_order(f"{where}.completed_on", done, "closed_at", closed)


def _wrong_order(first: str, before: date, second: str, after: date) -> Found:
    return Found(f"{second} {after} lies before {first} {before}", "correct the date that is wrong", field=second)


def _in_the_future(facts: RecordFacts) -> Iterator[Found]:
    days = [(name, facts.day(name)) for name in _HAPPENED]
    for kind in ("capa_actions", "calibrations"):
        for place, entry in enumerate(facts.parts.get(kind, []), start=1):
            days += [(f"{kind}[{place}].{name}", as_day(entry.get(name))) for name in ("completed_on", "performed_on")]
    for name, day in days:
        if day is not None and day > facts.today + (_SLACK if name.endswith("_at") else timedelta()):
            yield Found(f"{name} {day} lies in the future", "correct the date", field=name)


def _overdue(facts: RecordFacts) -> Iterator[Found]:
    due = facts.row["due_date"]
    if due is not None and due < facts.now:
        yield Found(
            f"it was due on {due.date()}, {(facts.now - due).days} days ago, and is {facts.state}",
            "take its next step, or ask for an extension",
            field="due_date",
        )
    for place, action in enumerate(facts.parts.get("capa_actions", []), start=1):
        day = as_day(action.get("due_on"))
        if day is not None and day < facts.today and not action.get("completed_on"):
            yield Found(
                f"action {place} was due on {day}", "do it, or move its date", field=f"capa_actions[{place}].due_on"
            )


def _inactive(facts: RecordFacts) -> Iterator[Found]:
    named = [(name, facts.fields.get(name)) for name in ("owner_id", "assigned_to")]
    for place, action in enumerate(facts.parts.get("capa_actions", []), start=1):
        if not action.get("completed_on"):
            named.append((f"capa_actions[{place}].owner_id", action.get("owner_id")))
    for name, person in named:
        known = facts.people.get(str(person)) if person else None
        if person and (known is None or not known["active"]):
            called = known["printed_name"] if known else "somebody unknown here"
            yield Found(f"{called} is no active member", "hand it over to somebody who is", field=name)
