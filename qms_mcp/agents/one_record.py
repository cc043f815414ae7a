"""Looking at one record: the steps several playbooks share when a task names records."""

from collections.abc import Mapping
from typing import Any, cast

from qms_mcp.agents.inspecting import COUNTED, LIKELY, Check, Inspection, counted, number_of, some
from qms_mcp.agents.outputs import Severity
from qms_mcp.agents.subjects import records_of

_LONG_OVERDUE_DAYS = 30


async def record_states(inspection: Inspection) -> None:
    """Note how each record stands: its state, whether it is late, what blocks its next step."""
    for record in records_of(inspection.task):
        shown = await inspection.ask("get_record", record, record=record)
        if shown is None:
            continue
        number, state = number_of(shown.content["citation"]), shown.content["state"]
        inspection.insight(
            f"{shown.content['citation']} is in the state {state}.",
            call=shown.label, subject=number, measure="state", value=state, records=[number],
        )  # fmt: skip
        clock = cast("Mapping[str, Any]", shown.content.get("clock") or {})
        if clock.get("overdue_days") is not None:
            days = int(clock["overdue_days"])
            inspection.action(
                f"{number} is {counted(days, 'day')} past its due date and still in the state {state}: its owner "
                "should say what keeps it.",
                call=shown.label, severity="major" if days > _LONG_OVERDUE_DAYS else "minor",
                subject=number, measure="days overdue", value=days, records=[number],
            )  # fmt: skip
        for step in shown.entries("next_steps"):
            if step.get("blocked"):
                inspection.insight(
                    f"{number} can't go on to {step['to_state']}: {some(step['blocked'], 3)}.",
                    call=shown.label, severity="minor",
                    subject=number, measure=f"blocks {step['to_state']}", value=len(step["blocked"]), records=[number],
                )  # fmt: skip


async def record_quality(inspection: Inspection) -> None:
    """Note what the rules for its kind find in each record."""
    for record in records_of(inspection.task):
        shown = await inspection.ask("check_quality", f"quality of {record}", subject=record)
        if shown is None:
            continue
        for entry in shown.entries("findings")[:10]:
            severity = cast("Severity", entry["severity"])
            inspection.insight(
                f"{record}: {entry['what']}",
                call=shown.label, severity=severity, records=[record],
                subject=record, measure=f"rule {entry['rule']}", value=entry.get("field", ""),
            )  # fmt: skip
        total = shown.number("total")
        if total:
            inspection.action(
                f"Mend what {counted(total, 'rule')} found in {record}, the gravest first.",
                call=shown.label, severity="minor", subject=record, measure="rule findings", value=total,
                records=[record],
            )  # fmt: skip


async def seen_before(inspection: Inspection) -> None:
    """Note cases like each record, and what came of them."""
    for record in records_of(inspection.task):
        shown = await inspection.ask("find_similar", f"cases like {record}", record=record, limit=5)
        cases = shown.entries("cases") if shown else []
        if shown is None or not cases:
            continue
        alike = [number_of(case["citation"]) for case in cases]
        closed = sum(case["state"] == "closed" for case in cases)
        inspection.insight(
            f"{counted(len(alike), 'case')} like {record}: {some(alike)}; {closed} of them closed.",
            call=shown.label, confidence=LIKELY, subject=record, measure="similar cases", value=len(alike),
            records=[record, *alike],
        )  # fmt: skip


async def missing_neighbours(inspection: Inspection) -> None:
    """Note what each record should hang together with and does not."""
    for record in records_of(inspection.task):
        shown = await inspection.ask("trace_record", f"links of {record}", record=record, depth=3)
        if shown is None:
            continue
        for entry in shown.entries("missing"):
            number = number_of(entry["citation"])
            inspection.insight(
                f"{number}: {entry['missing']}.",
                call=shown.label, severity="major", confidence=COUNTED, records=[number],
                subject=number, measure="missing link", value=entry["missing"],
            )  # fmt: skip


STATES = Check("state of the records", record_states)
QUALITY = Check("quality of the records", record_quality)
SEEN_BEFORE = Check("similar cases", seen_before)
NEIGHBOURS = Check("links of the records", missing_neighbours)
