"""The rules of record-v1 about how a record hangs together: links, risk, the chain of a CAPA, dispositions, reports."""

from collections.abc import Iterator
from decimal import Decimal
from typing import TYPE_CHECKING, Final

from qms_mcp.errors import QmsError
from qms_mcp.services.quality_checks.record_reading import RecordFacts
from qms_mcp.services.quality_checks.report import Found, Report
from qms_mcp.services.records.models import cited

if TYPE_CHECKING:
    from qms_mcp.auth.principal import Principal
    from qms_mcp.services.search.service import Search

_RISK = {"low": 1, "medium": 2, "high": 3, "critical": 4}
_GRAVE = frozenset({"death", "serious_injury"})
_TOLD_OF = _GRAVE | {"malfunction"}
_LINKABLE = frozenset({
    "nonconformance", "deviation", "complaint", "capa", "finding", "change_request", "document", "training", "scar",
    "extension_request", "field_action",
})  # fmt: skip
_COMPARED = frozenset({"nonconformance", "deviation", "complaint", "capa", "finding"})
_WITH_EVIDENCE = frozenset({"nonconformance", "deviation", "complaint", "capa", "finding"})
# What is behind a CAPA in a state: cause and plan, done actions, a check of effectiveness.
_PLANNED: Final = frozenset({"plan_approval", "implementation", "verification", "effectiveness", "closed", "replaced"})
_DONE: Final = frozenset({"verification", "effectiveness", "closed"})
_CHECKED: Final = frozenset({"closed", "replaced"})
_DISPOSITIONED = frozenset({"dispositioned", "verified", "closed"})
_DECIDED = frozenset({"investigation", "no_investigation", "response", "closed"})
_EARLY = frozenset({"received", "triage", "reopened"})
# Texts this alike are asked about; below, they merely speak of the same thing.
_SAME_TEXT = 0.93


def check_chain(facts: RecordFacts, report: Report) -> None:
    """Check what should hang together with what."""
    if facts.row["risk_class"] or facts.text("event_type") in _GRAVE:
        report.applied("R09", _risk(facts))
    if facts.category in _LINKABLE and facts.state != "cancelled":
        report.applied("R10", [*_missing_links(facts), *_complaint_without_capa(facts)])
    if facts.category == "capa" and facts.state in _PLANNED:
        report.applied("R11", _capa_chain(facts))
    if facts.category in _WITH_EVIDENCE and not facts.is_open and facts.state != "cancelled":
        report.applied("R15", _evidence(facts))
    if facts.category == "nonconformance" and facts.state in _DISPOSITIONED:
        report.applied("R16", _dispositions(facts))
    if facts.category == "complaint" and facts.text("event_type") in _TOLD_OF and facts.state in _DECIDED:
        report.applied("R17", _reportability(facts))


async def check_duplicates(facts: RecordFacts, report: Report, search: "Search", principal: "Principal") -> None:
    """Check whether another record says the same."""
    if facts.category not in _COMPARED:
        return
    try:
        similar = await search.find_similar(principal, record=facts.id, types=[facts.category], limit=3, detail="full")
    except QmsError as error:
        report.could_not("R13", error.message)
        return
    title = _words(facts.text("title"))
    known = {cited(one) for one in facts.linked}
    found = list[Found]()
    for case in similar.cases:
        alike = case.scores.semantic if case.scores else None
        if case.citation not in known and (_words(case.title) == title or (alike is not None and alike >= _SAME_TEXT)):
            how = f"similarity {alike:.2f}" if alike is not None else "the same title"
            found.append(
                Found(
                    f"{case.citation} {case.title!r} ({case.state}) seems to say the same ({how})",
                    "compare them; link them as duplicates, or leave both",
                    citation=case.citation,
                )
            )
    report.applied("R13", found)
    if similar.mode != "hybrid" and not found:
        report.notes.append("R13 compared titles and words alone: the index has no vector of this record yet.")


def _words(title: str) -> str:
    return " ".join(title.casefold().split())


def _risk(facts: RecordFacts) -> Iterator[Found]:
    own = facts.row["risk_class"] or ""
    if facts.text("event_type") in _GRAVE and _RISK.get(own, 0) < _RISK["high"]:
        yield Found(
            f"event_type is {facts.text('event_type')}, and risk_class is {own or 'empty'}",
            "rate the risk again",
            field="risk_class",
        )
    answered = [one for one in facts.linked if one["outgoing"] and one["kind"] in {"caused_by", "corrects"}]
    for one in answered:
        if own and _RISK.get(one["risk_class"] or "", 0) > _RISK[own]:
            yield Found(
                f"risk_class is {own}, and {one['number']}, which it answers, is {one['risk_class']}",
                "rate one of them again, or say why they differ",
                field="risk_class",
                citation=cited(one),
            )


def _missing_links(facts: RecordFacts) -> Iterator[Found]:
    for missing in facts.missing:
        yield Found(missing, "link it with update_record, or correct the field", field="links")


def _complaint_without_capa(facts: RecordFacts) -> Iterator[Found]:
    grave = facts.text("event_type") in _GRAVE or facts.row["risk_class"] in {"high", "critical"}
    if facts.category != "complaint" or not grave or facts.state in _EARLY or facts.linked_to("capa"):
        return
    said = " ".join(facts.text(name) for name in ("investigation", "no_investigation_reason", "correction"))
    said += " ".join(str(note.get("body", "")) for note in facts.parts.get("record_notes", []))
    if not any(word in said.casefold() for word in ("capa", "corrective action", "preventive action")):
        yield Found(
            "a grave complaint without a CAPA, and nothing says why none is needed",
            "open_capa, or say in the investigation why none is needed",
            field="links",
        )


def _capa_chain(facts: RecordFacts) -> Iterator[Found]:
    cycle = facts.fields.get("cycle", 1)
    causes, actions, checks = (
        [one for one in facts.parts.get(kind, []) if one.get("cycle", 1) == cycle and not one.get("withdrawn_reason")]
        for kind in ("root_causes", "capa_actions", "effectiveness_checks")
    )
    if not any(one.get("is_root_cause") for one in causes) and not facts.text("root_cause_not_determined"):
        yield Found(f"it is {facts.state} without a root cause with evidence", "record_root_cause", field="root_causes")
    if not actions:
        yield Found(f"it is {facts.state} without an action", "plan_capa", field="capa_actions")
    if not facts.fields.get("criterion"):
        yield Found("how its effectiveness is measured is not planned", "plan_capa", field="criterion")
    for place, action in enumerate(actions, start=1):
        where = f"capa_actions[{place}]"
        if not (action.get("owner_id") and action.get("due_on")):
            yield Found(f"action {place} has no owner or no due date", "plan_capa", field=where)
        if facts.state in _DONE and not (action.get("completed_on") and action.get("completion_evidence")):
            yield Found(f"action {place} is not done, or nothing shows it", "update_capa_action", field=where)
    if facts.state in _CHECKED and not checks:
        yield Found("its effectiveness was never checked", "check_effectiveness", field="effectiveness_checks")
    if facts.state == "closed" and checks and checks[-1].get("outcome") != "met":
        outcome = checks[-1].get("outcome")
        yield Found(f"the last check says {outcome}", "open_capa goes on with the matter", field="effectiveness_checks")


def _evidence(facts: RecordFacts) -> Iterator[Found]:
    if not facts.parts.get("evidence"):
        yield Found("it is closed, and no evidence is attached", "add evidence with update_record", field="evidence")


def _dispositions(facts: RecordFacts) -> Iterator[Found]:
    affected = facts.fields.get("quantity_affected")
    valid = [one for one in facts.parts.get("dispositions", []) if not one.get("withdrawn_reason")]
    if affected is None:
        yield Found("quantity_affected is empty", "say how much is affected", field="quantity_affected")
        return
    decided = sum((Decimal(str(one.get("quantity", 0))) for one in valid), Decimal(0))
    if decided != Decimal(str(affected)):
        yield Found(
            f"{decided.normalize():f} of {affected} are dispositioned",
            "disposition_nonconformance accounts for the rest",
            field="dispositions",
        )
    for place, one in enumerate(valid, start=1):
        if one.get("disposition") == "use_as_is" and not str(one.get("justification") or "").strip():
            yield Found("use as is without a justification", "say why it may be used", field=f"dispositions[{place}]")


def _reportability(facts: RecordFacts) -> Iterator[Found]:
    if facts.fields.get("reportable") is None:
        yield Found(
            f"event_type is {facts.text('event_type')}, and nobody decided whether it is reported",
            "assess_reportability",
            field="reportable",
        )
    due, reported = facts.day("report_due_on"), facts.day("reported_on")
    if facts.fields.get("reportable") is True and reported is None and due is not None and due < facts.today:
        yield Found(f"the report was due on {due}, and none is recorded", "record reported_on", field="reported_on")
