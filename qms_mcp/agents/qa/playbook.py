"""What the quality assurance agent does without a model.

Of the whole system: what is late, reports to an authority, links that are missing, evidence for clauses, the trail,
training, suppliers and equipment, and what waits for the person who asks. Of a record: how it stands and what it lacks.
"""

from qms_mcp.agents.definition import Calls, Task
from qms_mcp.agents.inspecting import (
    Check,
    Inspection,
    Shown,
    counted,
    inspect,
    noun,
    number_of,
    share,
    some,
    weight_of_late,
)
from qms_mcp.agents.one_record import NEIGHBOURS, QUALITY, SEEN_BEFORE, STATES
from qms_mcp.agents.outputs import AgentOutput
from qms_mcp.agents.subjects import framework_of, records_of

# Of 21 CFR 803: thirty days from the day the manufacturer became aware.
_REPORT_DAYS = 30
_DEFAULT_FRAMEWORK = "iso-13485"
_GRAVE = frozenset({"death", "serious_injury"})


async def playbook(calls: Calls, task: Task) -> AgentOutput:
    """Check the records the task names, or else the whole system."""
    if records_of(task):
        checks = [STATES, QUALITY, NEIGHBOURS, Check("evidence for clauses", _record_evidence), SEEN_BEFORE]
        return await inspect(calls, task, "Quality assurance", checks)
    checks = [
        Check("reporting to authorities", _reporting),
        Check("overdue records", _overdue),
        Check("missing links", _links),
        Check("evidence for clauses", _evidence),
        Check("audit trail", _trail),
        Check("training", _training),
        Check("suppliers", _suppliers),
        Check("equipment", _equipment),
        Check("what waits for you", _waiting),
    ]
    return await inspect(calls, task, "Quality assurance", checks)


async def _reporting(inspection: Inspection) -> None:
    table = await inspection.rows("reportability", "reporting to authorities")
    if table is None:
        return
    late = [row["number"] for row in table.rows if row["reportable"] and row["past_due"]]
    undecided = [row for row in table.rows if row["reportable"] is None]
    long = [row["number"] for row in undecided if row["days_known"] > _REPORT_DAYS]
    if late:
        inspection.action(
            f"Reports to an authority that are past their due date: {len(late)} ({some(late)}).",
            call=table.label, severity="critical", subject="complaint", measure="late reports", value=len(late),
            records=late,
        )  # fmt: skip
    if long:
        grave = any(row["event_type"] in _GRAVE for row in undecided if row["number"] in long)
        inspection.action(
            f"{counted(len(long), 'open complaint')} known for more than {_REPORT_DAYS} days without a decision on "
            f"reporting: {some(long)}, the first for {undecided[0]['days_known']} days. A person with the role "
            "regulatory decides.",
            call=table.label, severity="critical" if grave else "major", subject="complaint",
            measure=f"undecided on reporting after {_REPORT_DAYS} days", value=len(long), records=long,
        )  # fmt: skip
    inspection.insight(
        f"{counted(len(undecided), 'open complaint')} without a decision on reporting to an authority.",
        call=table.label, subject="complaint", measure="undecided on reporting", value=len(undecided),
    )  # fmt: skip


async def _overdue(inspection: Inspection) -> None:
    shown = await inspection.ask("list_records", "overdue records", show="overdue", sort="due", limit=10)
    if shown is None:
        return
    first = [number_of(entry["citation"]) for entry in shown.entries("records")]
    total, more = shown.number("total"), "more than " if shown.content.get("more_than_total") else ""
    if total:
        inspection.action(
            f"{more}{counted(total, 'record')} past the due date, longest: {some(first)}. Their owners should give "
            "each a new date with a reason, or finish it.",
            call=shown.label, severity="major", subject="records", measure="overdue", value=f"{more}{total}",
            records=first,
        )  # fmt: skip
    else:
        inspection.insight("No record is overdue.", call=shown.label, subject="records", measure="overdue", value=0)
    await _overdue_by_type(inspection)


async def _overdue_by_type(inspection: Inspection) -> None:
    table = await inspection.rows("open_by_type", "overdue records by type")
    for row in table.rows if table else ():
        if row["overdue"]:
            inspection.insight(
                f"{row['overdue']} of {counted(row['open'], 'open ' + noun(row['category']))} overdue; longest "
                f"{row['longest_overdue']}, {counted(row['longest_overdue_days'], 'day')}.",
                call=table.label if table else "", severity=weight_of_late(row["overdue"], row["open"]),
                subject=noun(row["category"]), measure="overdue", value=row["overdue"],
                records=[row["longest_overdue"]],
            )  # fmt: skip


async def _links(inspection: Inspection) -> None:
    shown = await inspection.ask("trace_record", "missing links")
    if shown is None:
        return
    entries = shown.entries("missing")
    unanswered = [number_of(entry["citation"]) for entry in entries if "no CAPA is linked" in entry["missing"]]
    if unanswered:
        inspection.action(
            f"{counted(len(unanswered), 'record')} said to need a CAPA without one: {some(unanswered)}. Open or link "
            "it, or record why it is not needed after all.",
            call=shown.label, severity="major", subject="records that need a CAPA", measure="without a CAPA",
            value=len(unanswered), records=unanswered,
        )  # fmt: skip
    inspection.insight(
        f"{'At least ' if shown.content.get('truncated') else ''}{counted(len(entries), 'record')} should be linked "
        "to another one and are not.",
        call=shown.label, severity="minor" if entries else "info", subject="records", measure="missing links",
        value=len(entries),
    )  # fmt: skip


async def _evidence(inspection: Inspection) -> None:
    framework = framework_of(inspection.task)
    if not framework:
        kept = await inspection.rows("frameworks", "frameworks")
        # Of two the one of medical devices, for its clauses are the closer ones.
        keys = [row["key"] for row in kept.rows] if kept else []
        framework = keys[0] if keys and _DEFAULT_FRAMEWORK not in keys else _DEFAULT_FRAMEWORK
    shown = await inspection.ask(
        "get_compliance_matrix", "evidence for clauses", framework=framework, only="gaps", limit=5
    )
    if shown:
        _note_coverage(inspection, shown)


def _note_coverage(inspection: Inspection, shown: Shown) -> None:
    about = shown.content["about"]
    found, stale, missing = (shown.number(name) for name in ("found", "stale", "missing"))
    clauses = [entry["clause"] for entry in shown.entries("clauses")]
    whole = found + stale + missing
    inspection.insight(
        f"{about}: evidence found for {found} of {counted(whole, 'clause')}, older than it may be for {stale}, missing "
        f"for {missing}.",
        call=shown.label, severity="major" if 2 * missing > whole else "minor" if missing + stale else "info",
        subject=about, measure="clauses without evidence", value=missing,
    )  # fmt: skip
    if missing:
        inspection.action(
            f"Find or make evidence for {counted(missing, 'clause')} of {about}, beginning with {some(clauses, 3)}.",
            call=shown.label, severity="minor", subject=about, measure="evidence to find", value=missing,
        )  # fmt: skip
    if stale:
        inspection.recommend(
            f"Review the evidence of {counted(stale, 'clause')} of {about} that is older than it may be "
            f"({share(stale, whole)}).",
            call=shown.label, subject=about, measure="clauses with stale evidence", value=stale,
        )  # fmt: skip


async def _trail(inspection: Inspection) -> None:
    shown = await inspection.ask("verify_audit_trail", "audit trail")
    if shown is None:
        return
    entries = shown.number("entries")
    if shown.content["intact"]:
        inspection.insight(
            f"The audit trail of {counted(entries, 'entry', 'entries')} is whole: none is missing or altered on its "
            "own.",
            call=shown.label, subject="audit trail", measure="intact", value="yes",
        )  # fmt: skip
    else:
        inspection.action(
            "The audit trail is broken: find out who had the rights to change it, and keep the database as it is.",
            call=shown.label, severity="critical", subject="audit trail", measure="intact", value="no",
        )  # fmt: skip
    if entries and not shown.number("anchors"):
        inspection.recommend(
            "No head of the audit trail is kept outside of the database; without one, a rebuilt trail can't be told "
            "from the first one.",
            call=shown.label, subject="audit trail", measure="anchors", value=0,
        )  # fmt: skip


async def _training(inspection: Inspection) -> None:
    shown = await inspection.ask("training_status", "training", by="gap", limit=50)
    if shown is None:
        return
    rows, total = shown.entries("rows"), shown.number("total")
    overdue = [row for row in rows if row.get("standing") in {"overdue", "expired"}]
    documents = sorted({number_of(row["document"]) for row in rows if row.get("document")})
    inspection.insight(
        f"Trainings lacking on documents in force: {total}, {len(overdue)} of those shown overdue or "
        f"expired{f': {some(documents)}' if documents else ''}.",
        call=shown.label, severity="major" if overdue else "minor" if total else "info", subject="training",
        measure="lacking", value=total,
    )  # fmt: skip
    if nobody := list(shown.content.get("nobody_assigned") or ()):
        inspection.action(
            f"Nobody was ever assigned training on {counted(len(nobody), 'document')} that need it: {some(nobody, 3)}.",
            call=shown.label, severity="major", subject="training", measure="documents nobody is assigned to",
            value=len(nobody),
        )  # fmt: skip


async def _suppliers(inspection: Inspection) -> None:
    await _attention(inspection, "suppliers")


async def _equipment(inspection: Inspection) -> None:
    await _attention(inspection, "equipment")


async def _attention(inspection: Inspection, about: str) -> None:
    shown = await inspection.ask("supplier_equipment_status", about, about=about, limit=50)
    if shown is None:
        return
    numbers = [number_of(row["citation"]) for row in shown.entries("rows") if row.get("citation")]
    total = shown.number("total")
    inspection.insight(
        f"{about.capitalize()} to look after: {total}{f' ({some(numbers)})' if numbers else ''}.",
        call=shown.label, severity="major" if total else "info", subject=about, measure="need attention", value=total,
        records=numbers,
    )  # fmt: skip


async def _waiting(inspection: Inspection) -> None:
    shown = await inspection.ask("my_work", "what waits for you", limit=5)
    if shown is None or not shown.number("total"):
        return
    total, overdue = shown.number("total"), shown.number("overdue")
    numbers = [number_of(item["citation"]) for item in shown.entries("items") if item.get("citation")]
    inspection.action(
        f"{counted(total, 'thing')} waiting for you, {overdue} overdue: {some(numbers)}.",
        call=shown.label, severity="major" if overdue else "minor", subject="your work", measure="waiting",
        value=total, records=numbers,
    )  # fmt: skip


async def _record_evidence(inspection: Inspection) -> None:
    for record in records_of(inspection.task):
        shown = await inspection.ask("check_compliance", f"evidence of {record}", record=record, limit=5)
        if shown is None or not shown.number("total"):
            continue
        missing, total = shown.number("missing"), shown.number("total")
        gaps = [f"{entry['clause']}: {entry['gap']}" for entry in shown.entries("clauses") if entry.get("gap")]
        inspection.insight(
            f"{record} is evidence for {total - missing} of the {counted(total, 'clause')} it could count for. "
            f"{some(gaps, 2)}".strip(),
            call=shown.label, severity="minor" if missing else "info", subject=record,
            measure="clauses it does not count for", value=missing, records=[record],
        )  # fmt: skip
