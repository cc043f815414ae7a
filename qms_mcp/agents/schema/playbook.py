"""What the schema agent does without a model: row-level security, indexes, waiting drafts, tables nobody explained."""

from collections import defaultdict
from typing import Any, cast

from qms_mcp.agents.definition import Calls, Task
from qms_mcp.agents.inspecting import Check, Inspection, Shown, counted, inspect, some
from qms_mcp.agents.outputs import AgentOutput, Severity
from qms_mcp.agents.subjects import tables_of

_WEIGHT: dict[str, Severity] = {"error": "critical", "warning": "minor", "info": "info"}
_NOT_A_TABLE = frozenset({"view", "materialized view"})
_MOST_REVIEWED = 2
_MOST_PAGES = 3  # of a hundred tables each


async def playbook(calls: Calls, task: Task) -> AgentOutput:
    """Check the tables the task names, or else all of them."""
    checks = [Check("row-level security", _row_security)]
    if tables_of(task):
        checks.append(Check("the tables", _tables))
    else:
        checks += [Check("migrations", _migrations), Check("what tables there are", _inventory)]
    return await inspect(calls, task, "Schema", checks)


async def _row_security(inspection: Inspection) -> None:
    for table in tables_of(inspection.task) or [None]:
        cursor: str | None = None
        for page in range(1, _MOST_PAGES + 1):
            shown = await inspection.ask(
                "check_rls", "row-level security", table=table, severity="warning", limit=100, cursor=cursor
            )
            if not shown:
                break
            of_page = f", page {page}" if page > 1 else ""
            _note_access(inspection, shown, f"{table or 'tables'}{of_page}")
            _note_lints(inspection, shown, of_page)
            cursor = shown.content.get("next_cursor")
            if not cursor:
                break
            if page == _MOST_PAGES:
                inspection.unchecked("row-level security of the other tables", "too many", call=shown.label)


def _note_access(inspection: Inspection, shown: Shown, subject: str) -> None:
    tables = [entry for entry in shown.entries("tables") if entry["rls"] not in _NOT_A_TABLE]
    wrong = " ".join(entry["object"] for entry in shown.entries("findings") if entry["severity"] == "error")
    # A table of the server itself, which no role reaches, needs no policy: the tool has no error for it either.
    bare = [
        entry["table"]
        for entry in tables
        if entry["rls"] != "forced" and (entry.get("access") or entry["table"] in wrong)
    ]
    if bare:
        inspection.action(
            f"{counted(len(bare), 'table has', 'tables have')} no forced row-level security: {some(bare)}. Whoever "
            "owns them sees the rows of every organization.",
            call=shown.label, severity="critical", subject=subject, measure="without forced row security",
            value=len(bare),
        )  # fmt: skip
    else:
        inspection.insight(
            f"Of {counted(len(tables), 'table')} tried, each that a role can reach has forced row-level security.",
            call=shown.label, subject=subject, measure="without forced row security", value=0,
        )  # fmt: skip


def _note_lints(inspection: Inspection, shown: Shown, of_page: str) -> None:
    by_lint: defaultdict[tuple[str, str], list[dict[str, Any]]] = defaultdict(list)
    for entry in shown.entries("findings"):
        by_lint[entry["severity"], entry["lint"]].append(entry)
    for (severity, lint), entries in by_lint.items():
        objects = [entry["object"] for entry in entries]
        words = f"{lint.replace('_', ' ')}{of_page}"
        inspection.insight(
            f"{words}: {counted(len(entries), 'case')} ({some(objects, 3)}). {entries[0]['problem']}",
            call=shown.label, severity=_WEIGHT[severity], subject=words, measure="cases", value=len(entries),
        )  # fmt: skip
        if fix := entries[0].get("fix"):
            inspection.recommend(
                f"To settle the {counted(len(entries), 'case')} of {words}: {fix}",
                call=shown.label, severity=_WEIGHT[severity], subject=words, measure="fix", value=len(entries),
            )  # fmt: skip


async def _migrations(inspection: Inspection) -> None:
    shown = await inspection.ask("list_migrations", "migrations", limit=100, detail="full")
    if shown is None:
        return
    listed = shown.entries("migrations")
    drafts = [entry for entry in listed if entry["source"] == "draft" and entry["state"] != "applied"]
    pending = [entry["name"] for entry in listed if entry["source"] == "shipped" and entry["state"] != "applied"]
    inspection.insight(
        f"{shown.number('total')} migrations are known; {counted(len(drafts), 'draft')} wait to be applied.",
        call=shown.label, subject="migrations", measure="waiting drafts", value=len(drafts),
    )  # fmt: skip
    if pending:
        inspection.action(
            f"{counted(len(pending), 'migration')} of this version is not applied: {some(pending)}.",
            call=shown.label, severity="major", subject="migrations", measure="not applied", value=len(pending),
        )  # fmt: skip
    for draft in drafts:
        inspection.action(
            f"The migration draft {draft['name']} ({draft['draft_id']}) waits: a person applies it or lets it go.",
            call=shown.label, severity="minor", subject=f"migration {draft['name']}", measure="state",
            value=draft["state"],
        )  # fmt: skip
    for draft in [draft for draft in drafts if draft.get("script")][:_MOST_REVIEWED]:
        await _review(inspection, draft)


async def _review(inspection: Inspection, draft: dict[str, Any]) -> None:
    name = f"migration {draft['name']}"
    shown = await inspection.ask("review_code", name, code=draft["script"], kind="migration")
    if shown is None:
        return
    errors, warnings = shown.number("errors"), shown.number("warnings")
    rules = [f"line {entry['line']}: {entry['message']}" for entry in shown.entries("findings")]
    inspection.insight(
        f"The review of {name} found {counted(errors, 'error')} and {counted(warnings, 'warning')}. "
        f"{some(rules, 2)}".strip(),
        call=shown.label, severity="major" if errors else "minor" if warnings else "info",
        subject=name, measure="review errors", value=errors,
    )  # fmt: skip


async def _inventory(inspection: Inspection) -> None:
    shown = await inspection.ask("list_tables", "what tables there are", kind="table", limit=200)
    if shown is None:
        return
    objects = shown.entries("objects")
    silent = [entry["name"] for entry in objects if not entry.get("comment")]
    inspection.insight(
        f"There are {shown.number('total')} tables, {len(silent)} of them without a comment.",
        call=shown.label, subject="tables", measure="count", value=shown.number("total"),
    )  # fmt: skip
    if silent:
        inspection.recommend(
            f"Say in a comment what these tables hold: {some(silent)}.",
            call=shown.label, subject="tables", measure="without comment", value=len(silent),
        )  # fmt: skip


async def _tables(inspection: Inspection) -> None:
    for table in tables_of(inspection.task):
        shown = await inspection.ask("describe_table", table, table=table)
        if shown is None:
            continue
        columns = shown.entries("columns")
        bare = [column["name"] for column in columns if not column.get("comment")]
        inspection.insight(
            f"{table} has {counted(len(columns), 'column')}, {len(bare)} of them without a comment, and "
            f"{shown.content.get('rows', '0')} rows of the organization.",
            call=shown.label, subject=table, measure="columns", value=len(columns),
        )  # fmt: skip
        if shown.content["kind"] == "table" and not cast("list[str]", shown.content.get("primary_key") or []):
            inspection.action(
                f"{table} has no primary key.",
                call=shown.label, severity="major", subject=table, measure="primary key", value="none",
            )  # fmt: skip
