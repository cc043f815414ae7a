"""Runs of agents as rows, for tests of what is said of them."""

import json
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4

from tests.support.dispatching import Rows

REQUEST = "Which CAPAs are overdue?"


def answer(*calls: str, records: tuple[str, ...] = (), summary: str = "Two are late.") -> dict[str, Any]:
    """Return an answer of an agent with one finding that cites these."""
    finding = {
        "statement": "CAPAs are late.", "severity": "major", "confidence": 0.9, "subject": "", "measure": "count",
        "value": "2", "evidence": {"calls": list(calls), "records": list(records)},
    }  # fmt: skip
    return {"summary": summary, "insights": [finding], "actions": [], "recommendations": []}


@dataclass(frozen=True)
class Runs:
    """The runs of one organization, written past all rights."""

    rows: Rows
    organization_id: UUID

    def run(self, *, calls: dict[str, bool] | None = None, age_hours: float = 1, **parts: Any) -> UUID:
        """Store a run of an agent that has ended, with its calls by label and whether they worked."""
        own: dict[str, Any] = {
            "agent": "qa", "status": "completed", "stop": None, "lane": "shipped", "version": "qa@0123456789ab",
            "output": answer("c1"), "input": {"request": REQUEST, "subject": ""}, **parts,
        }  # fmt: skip
        own["output"] = None if own["output"] is None else json.dumps(own["output"])
        own["input"] = json.dumps(own["input"])
        made = self.rows.value(
            "INSERT INTO agents.agent_runs (organization_id, agent_type, input, output, status, stop_reason, lane, "
            "agent_version, duration_ms, created_at, completed_at) VALUES (%(org)s, %(agent)s, %(input)s::jsonb, "
            "%(output)s::jsonb, %(status)s, %(stop)s, %(lane)s, %(version)s, 1000, now() - make_interval(mins => 1) "
            "- %(age)s * interval '1 hour', CASE WHEN %(status)s <> 'running' THEN now() - %(age)s * interval '1 hour' "
            "END) RETURNING id",
            org=self.organization_id, age=age_hours, **own,
        )  # fmt: skip
        for step, (label, worked) in enumerate((calls if calls is not None else {"c1": True}).items()):
            self.call(made, label, step, worked=worked)
        return made

    def call(self, run: UUID, label: str, step: int, *, worked: bool = True) -> UUID:
        """Store a call of a run and what is remembered of it."""
        call = uuid4()
        self.rows.execute(
            "INSERT INTO agents.tool_calls (id, organization_id, run_id, tool_name, tool_input, state, success, "
            "finished_at, fence) VALUES (%(id)s, %(org)s, %(run)s, 'list_records', '{\"limit\": 5}', 'finished', "
            "%(ok)s, now(), 0)",
            id=call, org=self.organization_id, run=run, ok=worked,
        )  # fmt: skip
        state = {"label": label, "call_id": str(call), "tool": "list_records", "ok": worked, "text": "CAPA-2026-0001"}
        self.rows.execute(
            "INSERT INTO agents.context_state (organization_id, run_id, step, kind, state) "
            "VALUES (%(org)s, %(run)s, %(step)s, 'tool', %(state)s::jsonb)",
            org=self.organization_id, run=run, step=step, state=json.dumps(state),
        )  # fmt: skip
        return call

    def dispatched(self, run: UUID, person: UUID) -> UUID:
        """Make a run part of a dispatch of its own, and return it."""
        dispatch = self.rows.value(
            "INSERT INTO agents.dispatches (organization_id, user_id, run_key, request, request_sha256, plan, "
            "on_failure, may_draft, at_once, runs_in) VALUES (%(org)s, %(person)s, %(key)s, 'r', repeat('a', 64), "
            "'{}', 'continue', true, 5, 'server') RETURNING id",
            org=self.organization_id, person=person, key=uuid4().hex,
        )  # fmt: skip
        self.rows.execute("UPDATE agents.agent_runs SET dispatch_id = %(of)s WHERE id = %(id)s", of=dispatch, id=run)
        return dispatch

    def trace(self, run: UUID, trace_id: str) -> None:
        """Give a run the trace it has in Langfuse."""
        self.rows.execute(
            "INSERT INTO agents.agent_traces (organization_id, run_id, langfuse_trace_id, span_name, start_time) "
            "VALUES (%(org)s, %(run)s, %(trace)s, 'qa', now())",
            org=self.organization_id, run=run, trace=trace_id,
        )  # fmt: skip

    def feedback(self, run: UUID, score: float, source: str = "user", kind: str = "agent", **parts: Any) -> UUID:
        """Store feedback as it was given before."""
        own: dict[str, Any] = {"label": "", "comment": None, "days": 0, **parts}
        return self.rows.value(
            "INSERT INTO ml_loop.feedback_loop (organization_id, run_id, source, score, given_kind, label, comment, "
            "created_at) VALUES (%(org)s, %(run)s, %(source)s, %(score)s, %(kind)s, %(label)s, %(comment)s, "
            "now() - make_interval(days => %(days)s)) RETURNING id",
            org=self.organization_id, run=run, source=source, score=score, kind=kind, **own,
        )  # fmt: skip

    def stored(self, run: UUID) -> list[dict[str, Any]]:
        """Return the feedback on a run."""
        return self.rows.fetch(
            "SELECT * FROM ml_loop.feedback_loop WHERE run_id = %(run)s ORDER BY created_at", run=run
        )

    def examples(self, run: UUID) -> list[dict[str, Any]]:
        """Return what is learned from a run."""
        return self.rows.fetch(
            "SELECT * FROM ml_loop.training_data WHERE run_id = %(run)s ORDER BY created_at", run=run
        )
