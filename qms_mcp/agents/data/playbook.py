"""What the data agent does without a model: rules of the tables, gaps, twins, lost links and impossible dates."""

from qms_mcp.agents.definition import Calls, Task
from qms_mcp.agents.inspecting import SUGGESTED, Check, Inspection, Shown, counted, inspect, noun, some
from qms_mcp.agents.one_record import NEIGHBOURS, QUALITY, STATES
from qms_mcp.agents.outputs import AgentOutput
from qms_mcp.agents.subjects import records_of, tables_of

_TABLES = ("qms.quality_items", "qms.nonconformances", "qms.complaints", "qms.capas", "qms.capa_actions")
# What an open record may lack: the column of the query, the field, and the share of records from which it is major.
_GAPS = (
    ("no_owner", "owner", 0.0),
    ("no_due_date", "due date", 0.2),
    ("no_risk_class", "risk class", 1.0),
    ("no_description", "description", 0.1),
)


async def playbook(calls: Calls, task: Task) -> AgentOutput:
    """Check the records or the tables the task names, or else all records."""
    if records_of(task):
        return await inspect(calls, task, "Data", [STATES, QUALITY, NEIGHBOURS])
    if tables_of(task):
        return await inspect(calls, task, "Data", [Check("rules of the tables", _rules)])
    checks = [
        Check("rules of the tables", _rules),
        Check("completeness", _completeness),
        Check("records entered twice", _twins),
        Check("missing links", _links),
        Check("order of dates", _dates),
    ]
    return await inspect(calls, task, "Data", checks)


async def _rules(inspection: Inspection) -> None:
    for table in tables_of(inspection.task) or _TABLES:
        shown = await inspection.ask("validate_data", f"rules of {table}", table=table)
        if shown:
            _note_rules(inspection, shown, table)


def _note_rules(inspection: Inspection, shown: Shown, table: str) -> None:
    results = shown.entries("results")
    failed = [result for result in results if result["status"] == "failed"]
    rows = max((int(result.get("checked") or 0) for result in results), default=0)
    inspection.insight(
        f"{table}: {len(results) - len(failed)} of {counted(len(results), 'rule')} hold on up to "
        f"{counted(rows, 'row')}.",
        call=shown.label, subject=table, measure="rules that fail", value=len(failed),
    )  # fmt: skip
    for result in failed:
        inspection.action(
            f"{table}: {result['failing']} of {counted(int(result['checked']), 'row')} break the rule "
            f"{result['rule']}.",
            call=shown.label, severity="major", subject=table, measure=f"rows that break {result['rule']}",
            value=result["failing"],
        )  # fmt: skip
    for result in results:
        if result["status"] == "error":
            inspection.unchecked(f"{table}: {result['rule']}", result.get("error", ""), call=shown.label)


async def _completeness(inspection: Inspection) -> None:
    table = await inspection.rows("completeness", "completeness")
    if table is None:
        return
    whole = sum(row["open"] for row in table.rows)
    inspection.insight(
        f"{counted(whole, 'record')} open.",
        call=table.label, subject="records", measure="open", value=whole,
    )  # fmt: skip
    for column, field, bearable in _GAPS:
        lacking = sum(row[column] for row in table.rows)
        if not lacking:
            continue
        per_type = some((f"{noun(row['category'])} {row[column]}" for row in table.rows if row[column]), 7)
        unowned = [number for row in table.rows for number in (row["without_owner"] or "").split()]
        note = inspection.action if field == "owner" else inspection.insight
        note(
            f"{lacking} of {counted(whole, 'open record')} have no {field} ({per_type}).",
            call=table.label, severity="major" if lacking > bearable * whole else "minor",
            subject="open records", measure=f"without {field}", value=lacking,
            records=unowned if field == "owner" else (),
        )  # fmt: skip


async def _twins(inspection: Inspection) -> None:
    table = await inspection.rows("duplicates", "records entered twice")
    if table is None:
        return
    for row in table.rows[:5]:
        numbers = row["numbers"].split()
        inspection.insight(
            f"{counted(row['records'], noun(row['category']))} have the same title and the same "
            f"description: {some(numbers)}. Either one event was entered more than once, or it came back.",
            call=table.label, severity="minor", confidence=SUGGESTED, records=numbers,
            subject=numbers[0], measure="same text", value=row["records"],
        )  # fmt: skip
    groups = len(table.rows)
    if groups:
        inspection.action(
            f"{'At least ' if table.more else ''}{counted(groups, 'group')} of records say the same word for word: "
            "somebody who knows the cases should link those that are one.",
            call=table.label, severity="minor", confidence=SUGGESTED,
            subject="records", measure="groups with the same text", value=groups,
        )  # fmt: skip


async def _links(inspection: Inspection) -> None:
    table = await inspection.rows("missing_links", "missing links")
    if table is None:
        return
    for row in table.rows:
        numbers = row["numbers"].split()
        inspection.insight(
            f"{counted(row['records'], noun(row['category']))}, {row['open']} of them open: "
            f"{row['missing']} ({some(numbers, 3, of=row['records'])}).",
            call=table.label, severity="major", subject=noun(row["category"]),
            measure=f"missing link: {row['missing']}", value=row["records"], records=numbers,
        )  # fmt: skip


async def _dates(inspection: Inspection) -> None:
    table = await inspection.rows("impossible_dates", "order of dates")
    if table is None:
        return
    if not table.rows:
        inspection.insight(
            "No record was closed, answered, contained or ended before it could be.",
            call=table.label, subject="records", measure="impossible dates", value=0,
        )  # fmt: skip
    for row in table.rows:
        numbers = row["numbers"].split()
        inspection.action(
            f"{counted(row['records'], 'record')} {'was' if row['records'] == 1 else 'were'} {row['rule']} "
            f"({some(numbers, 3, of=row['records'])}). Compare with the source.",
            call=table.label, severity="major", subject="records", measure=row["rule"], value=row["records"],
            records=numbers,
        )  # fmt: skip
