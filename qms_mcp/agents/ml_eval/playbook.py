"""What the evaluation agent does without a model: errors, durations, runs, ratings, evaluations, the index."""

from qms_mcp.agents.definition import Calls, Task
from qms_mcp.agents.inspecting import LIKELY, SUGGESTED, Check, Inspection, Table, counted, inspect, share, some
from qms_mcp.agents.outputs import AgentOutput

# Under so many cases a rate says little.
_ENOUGH = 20
_BAD_RATE = 0.2
_POOR_RATE = 0.05
_SLOW_MS = 2_000
_LOW_SCORE = 0.5


async def playbook(calls: Calls, task: Task) -> AgentOutput:
    """Measure the calls and runs of the last thirty days, and what was said of them."""
    checks = [
        Check("tool calls", _tools),
        Check("errors", _errors),
        Check("unfinished calls", _unfinished),
        Check("runs", _runs),
        Check("ratings", _ratings),
        Check("evaluations", _evaluations),
        Check("drift", _drift),
        Check("search index", _index),
    ]
    return await inspect(calls, task, "Evaluation", checks)


async def _tools(inspection: Inspection) -> None:
    table = await inspection.rows("tool_calls", "tool calls")
    if table is None or not table.rows:
        return
    calls, failures = (sum(row[name] for row in table.rows) for name in ("calls", "failures"))
    inspection.insight(
        f"{failures} of {counted(calls, 'tool call')} of the last thirty days failed ({share(failures, calls)}), over "
        f"{counted(len(table.rows), 'tool')}.",
        call=table.label, severity="minor" if failures > _POOR_RATE * calls else "info", subject="tool calls",
        measure="failed in thirty days", value=failures,
    )  # fmt: skip
    faults = sum(row["faults"] for row in table.rows)
    if faults:
        at_fault = [row["tool_name"] for row in table.rows if row["faults"]]
        inspection.action(
            f"{counted(faults, 'call')} failed through a fault of the system, not of the caller: {some(at_fault)}. The "
            "log of the server says why.",
            call=table.label, severity="major", subject="tool calls", measure="faults in thirty days", value=faults,
        )  # fmt: skip
    _note_failing(inspection, table)
    slow = [row for row in table.rows if row["slow_ms"] is not None and row["slow_ms"] >= _SLOW_MS]
    for row in sorted(slow, key=lambda row: -row["slow_ms"])[:3]:
        inspection.insight(
            f"{row['tool_name']} is slow: 95 of 100 calls end within {row['slow_ms']} ms, over "
            f"{counted(row['calls'], 'call')}.",
            call=table.label, severity="minor", confidence=LIKELY if row["calls"] >= _ENOUGH else SUGGESTED,
            subject=row["tool_name"], measure="95th percentile", value=f"{row['slow_ms']} ms",
        )  # fmt: skip


def _note_failing(inspection: Inspection, table: Table) -> None:
    for row in table.rows:
        rate = row["failures"] / row["calls"]
        if rate < _BAD_RATE:
            continue
        enough = row["calls"] >= _ENOUGH
        inspection.insight(
            f"{row['failures']} of {counted(row['calls'], 'call')} of {row['tool_name']} failed ({rate:.0%})"
            f"{'' if enough else '; too few to judge'}.",
            call=table.label, severity="major" if enough else "info", confidence=LIKELY if enough else SUGGESTED,
            subject=row["tool_name"], measure="failed in thirty days", value=row["failures"],
        )  # fmt: skip


async def _errors(inspection: Inspection) -> None:
    table = await inspection.rows("tool_errors", "errors")
    for row in table.rows[:3] if table else ():
        inspection.insight(
            f"{counted(row['calls'], 'call')} ended with {row['error_code']}, of {row['tools']}.",
            call=table.label if table else "", subject=f"error {row['error_code']}", measure="calls in thirty days",
            value=row["calls"],
        )  # fmt: skip
    if table and table.rows:
        row = table.rows[0]
        inspection.recommend(
            f"See what leads to {row['error_code']}: a description or a prompt that is clearer about {row['tools']} "
            "saves most failed calls.",
            call=table.label, confidence=SUGGESTED, subject=f"error {row['error_code']}", measure="most frequent error",
            value=row["calls"],
        )  # fmt: skip


async def _unfinished(inspection: Inspection) -> None:
    table = await inspection.rows("unfinished_calls", "unfinished calls")
    if table is None or not table.rows:
        return
    whole = sum(row["calls"] for row in table.rows)
    inspection.action(
        f"{counted(whole, 'call')} never ended ({some(row['tool_name'] for row in table.rows)}), the first since "
        f"{min(row['first_at'] for row in table.rows)[:16]}: a process died in them. See whether their work was done.",
        call=table.label, severity="minor", subject="tool calls", measure="unfinished", value=whole,
    )  # fmt: skip


async def _runs(inspection: Inspection) -> None:
    table = await inspection.rows("runs", "runs")
    for row in table.rows[:8] if table else ():
        tokens = int(row["input_tokens"]) + int(row["output_tokens"])
        inspection.insight(
            f"{counted(row['runs'], 'run')} of {row['agent_type']} in thirty days, {row['failed']} failed or lost, "
            f"{counted(tokens, 'token')}.",
            call=table.label if table else "", subject=f"agent {row['agent_type']}",
            measure="failed runs in thirty days", value=row["failed"],
            severity="major" if row["failed"] > _BAD_RATE * row["runs"] and row["runs"] >= _ENOUGH else "info",
        )  # fmt: skip


async def _ratings(inspection: Inspection) -> None:
    table = await inspection.rows("ratings", "ratings")
    if table is None:
        return
    if not table.rows:
        inspection.recommend(
            "Nobody has rated an answer yet: without ratings no change of a prompt can be shown to help.",
            call=table.label, subject="answers", measure="ratings", value=0,
        )  # fmt: skip
    for row in table.rows:
        inspection.insight(
            f"{counted(row['ratings'], 'rating')} from {row['source']}: {row['mean']} of 1 on average, {row['low']} "
            "under 0.5.",
            call=table.label, severity="major" if row["mean"] < _LOW_SCORE else "info", subject="answers",
            measure=f"mean rating from {row['source']}", value=row["mean"],
        )  # fmt: skip


async def _evaluations(inspection: Inspection) -> None:
    table = await inspection.rows("evaluations", "evaluations")
    for row in table.rows if table else ():
        inspection.insight(
            f"{counted(row['cases'], 'case')} of the evaluation {row['eval_type']}: {row['mean']} on average.",
            call=table.label if table else "", subject=f"evaluation {row['eval_type']}", measure="mean score",
            value=row["mean"],
        )  # fmt: skip


async def _drift(inspection: Inspection) -> None:
    table = await inspection.rows("drift_alerts", "drift")
    for row in table.rows[:5] if table else ():
        inspection.action(
            f"{row['metric_type']} of {row['model_name']} moved from {row['baseline_value']} to {row['current_value']}:"
            " compare the cases of both times before anything is retrained.",
            call=table.label if table else "", severity="major", subject=row["model_name"],
            measure=f"drift of {row['metric_type']}", value=row["drift_score"],
        )  # fmt: skip


async def _index(inspection: Inspection) -> None:
    shown = await inspection.ask("index_status", "search index")
    if shown is None:
        return
    failed = sum(int(model.get("failed") or 0) for model in shown.entries("models"))
    active = [model for model in shown.entries("models") if model["state"] == "active"]
    queued = sum(int(model.get("queued") or 0) for model in active)
    inspection.insight(
        f"Search by meaning is {shown.content['semantic']}; {counted(queued, 'text')} wait for a vector, {failed} "
        "failed.",
        call=shown.label, severity="major" if failed else "info", subject="search index", measure="failed",
        value=failed,
    )  # fmt: skip
