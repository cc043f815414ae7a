"""Versions, gate reports and runs as rows, for tests of how versions go to people."""

import hashlib
import json
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID, uuid4

from qms_mcp.auth.principal import Principal
from qms_mcp.db.database import Database
from qms_mcp.db.queries import Query
from tests.support.dispatching import Rows

GATES = ("threshold", "regression", "slices", "safety", "cost", "latency")
WHY = "A test lets it go to people."
_TAKE = Query(
    "test",
    "SELECT agents.take_run(%(dispatch)s, %(key)s, %(attempt)s, 'a test', %(versions)s) AS run",
)
_OPEN = Query("test", "SELECT o.id FROM agents.open_dispatch(%(asked)s, %(tasks)s) AS o")
_ADVANCE = Query("test", "SELECT agents.advance(%(dispatch)s, %(fence)s, %(round)s, 50) AS state")
_TAKE_DISPATCH = Query("test", "SELECT agents.take_dispatch(%(dispatch)s, 'a test') AS fence")
_FINISH = Query("test", "SELECT agents.finish_run(%(run)s, %(fence)s, %(outcome)s, '0') AS state")


def shipped_content(agent: str = "qa") -> str:
    """Return the content of a version that stands for the shipped one."""
    return json.dumps({"agent": agent, "prompt": "As shipped."}, sort_keys=True)


def name_of(agent: str, content: str) -> str:
    """Return the name of a version."""
    return f"{agent}@{hashlib.sha256(content.encode()).hexdigest()[:12]}"


@dataclass
class Fleet:
    """Versions of one agent in one organization, written past all rights."""

    rows: Rows
    organization_id: UUID
    agent: str = "qa"
    made: int = 0
    dataset_version: UUID | None = field(default=None)

    def version(self, made_by: UUID | None = None, *, origin: str = "trained", prompt: str | None = None) -> UUID:
        """Store a version."""
        self.made += 1
        content = json.dumps({"agent": self.agent, "prompt": prompt or f"Prompt {self.made}"}, sort_keys=True)
        return self._store(content, origin, made_by)

    def shipped(self) -> UUID:
        """Store the shipped version."""
        return self._store(shipped_content(self.agent), "shipped", None)

    def _store(self, content: str, origin: str, made_by: UUID | None) -> UUID:
        statement = (
            "INSERT INTO ml_loop.model_versions (organization_id, model_name, version, config, content, "
            "content_sha256, origin, created_by, created_kind) VALUES (%(org)s, %(agent)s, %(version)s, "
            "%(content)s::jsonb, %(content)s, %(sha)s, %(origin)s, %(by)s, 'agent') RETURNING id"
        )
        return self.rows.value(
            statement, org=self.organization_id, agent=self.agent, version=name_of(self.agent, content),
            content=content, sha=hashlib.sha256(content.encode()).hexdigest(), origin=origin, by=made_by,
        )  # fmt: skip

    def gates(
        self, version: UUID, baseline: UUID, by: UUID, *, passed: bool = True, content: str = "All well."
    ) -> UUID:
        """Store a gate report."""
        checks = [{"gate": gate, "passed": passed or gate != "safety"} for gate in GATES]
        statement = (
            "INSERT INTO ml_loop.gate_reports (organization_id, model_name, version_id, baseline_id, "
            "dataset_version_id, checks, passed, content, content_sha256, created_by, created_kind) VALUES "
            "(%(org)s, %(agent)s, %(version)s, %(baseline)s, %(dataset)s, %(checks)s::jsonb, %(passed)s, %(content)s, "
            "%(sha)s, %(by)s, 'agent') RETURNING id"
        )
        return self.rows.value(
            statement, org=self.organization_id, agent=self.agent, version=version, baseline=baseline,
            dataset=self.dataset(by), checks=json.dumps(checks), passed=passed, content=content,
            sha=hashlib.sha256(content.encode()).hexdigest(), by=by,
        )  # fmt: skip

    def dataset(self, by: UUID) -> UUID:
        """Return a frozen dataset, the same each time."""
        standing = self.dataset_version
        if standing is None:
            dataset = self.rows.value(
                "INSERT INTO ml_loop.datasets (organization_id, model_name, name, created_by) "
                "VALUES (%(org)s, %(agent)s, %(name)s, %(by)s) RETURNING id",
                org=self.organization_id, agent=self.agent, name=f"cases {uuid4().hex[:6]}", by=by,
            )  # fmt: skip
            standing = self.dataset_version = UUID(str(self.rows.value(
                "INSERT INTO ml_loop.dataset_versions (organization_id, dataset_id, version, content_sha256, n, spec, "
                "created_by, created_kind) VALUES (%(org)s, %(dataset)s, 1, %(sha)s, 12, '{}', %(by)s, 'agent') "
                "RETURNING id",
                org=self.organization_id, dataset=dataset, sha="a" * 64, by=by,
            )))  # fmt: skip
        return standing

    def rollout(self, kind: str, version: UUID, baseline: UUID, *, percent: float = 100, **plan: Any) -> UUID:
        """Store a roll-out that runs, without anybody having been asked."""
        statement = (
            "INSERT INTO ml_loop.rollouts (organization_id, model_name, kind, version_id, baseline_id, percent, plan) "
            "VALUES (%(org)s, %(agent)s, %(kind)s, %(version)s, %(baseline)s, %(percent)s, %(plan)s::jsonb) "
            "RETURNING id"
        )
        return self.rows.value(
            statement, org=self.organization_id, agent=self.agent, kind=kind, version=version, baseline=baseline,
            percent=percent, plan=json.dumps(plan),
        )  # fmt: skip

    def run(self, version: UUID, lane: str, rollout: UUID | None = None, **parts: Any) -> UUID:
        """Store a run that has ended."""
        own = {"status": "completed", "stop": None, **parts}
        statement = (
            "INSERT INTO agents.agent_runs (organization_id, agent_type, input, status, stop_reason, version_id, lane, "
            "rollout_id, created_at, completed_at) VALUES (%(org)s, %(agent)s, '{}', %(status)s, %(stop)s, "
            "%(version)s, %(lane)s, %(rollout)s, clock_timestamp(), clock_timestamp()) RETURNING id"
        )
        return self.rows.value(
            statement, org=self.organization_id, agent=self.agent, version=version, lane=lane, rollout=rollout, **own
        )

    def feedback(self, run: UUID, score: float, *, source: str = "user", kind: str = "human", label: str = "") -> None:
        """Store feedback on a run."""
        self.rows.execute(
            "INSERT INTO ml_loop.feedback_loop (organization_id, run_id, source, score, label, given_kind, model_name) "
            "VALUES (%(org)s, %(run)s, %(source)s, %(score)s, %(label)s, %(kind)s, %(agent)s)",
            org=self.organization_id, run=run, source=source, score=score, label=label, kind=kind, agent=self.agent,
        )  # fmt: skip

    def read(self, rollout: UUID) -> dict[str, Any]:
        """Return a roll-out."""
        return self.rows.fetch("SELECT * FROM ml_loop.rollouts WHERE id = %(id)s", id=rollout)[0]

    def production(self) -> UUID | None:
        """Return what the alias says."""
        found = self.rows.fetch(
            "SELECT version_id FROM ml_loop.aliases WHERE organization_id = %(org)s AND model_name = %(agent)s "
            "AND alias = 'production'",
            org=self.organization_id, agent=self.agent,
        )  # fmt: skip
        return found[0]["version_id"] if found else None


class Tasks:
    """A dispatch of one task, worked on step by step as an engine would."""

    def __init__(self, database: Database, principal: Principal, agent: str = "qa") -> None:
        self._database, self._principal, self._agent = database, principal, agent
        self.id = UUID(int=0)
        self._fence = 0
        self._rounds = 0

    async def open(self) -> "Tasks":
        """Open it."""
        asked: dict[str, Any] = {
            "run_key": uuid4().hex, "request": "r", "request_sha256": "a" * 64, "plan": {}, "on_failure": "continue",
            "may_draft": False, "offered": None, "at_once": 5, "budget_tokens": None, "budget_usd": None,
            "runs_in": "server", "parent_run_id": None, "call_id": None,
        }  # fmt: skip
        task: dict[str, Any] = {
            "key": "one", "agent": self._agent, "request": "Look.", "subject": "", "needs": [], "after": [],
            "priority": 5, "seconds": 60, "max_attempts": 2, "tokens": 1000, "usd": 0,
        }  # fmt: skip
        self.id = (await self._do(_OPEN, asked=json.dumps(asked), tasks=json.dumps([task])))["id"]
        self._fence = (await self._do(_TAKE_DISPATCH, dispatch=self.id))["fence"]
        return self

    async def take(self) -> dict[str, Any]:
        """Start the task and return the run."""
        self._rounds += 1
        state = (await self._do(_ADVANCE, dispatch=self.id, fence=self._fence, round=f"r{self._rounds}"))["state"]
        content = shipped_content(self._agent)
        versions = {self._agent: {"version": name_of(self._agent, content), "content": content}}
        (started,) = state["start"]
        params = {"dispatch": self.id, "key": "one", "attempt": started["attempt"], "versions": json.dumps(versions)}
        return (await self._do(_TAKE, **params))["run"]

    async def finish(self, run: dict[str, Any], status: str, **parts: Any) -> str:
        """End a run and return the state of the task."""
        outcome: dict[str, Any] = {"status": status, "output": None, "usage": {}, "transient": False, **parts}
        params = {"run": run["run_id"], "fence": run["fence"], "outcome": json.dumps(outcome)}
        return (await self._do(_FINISH, **params))["state"]

    async def _do(self, wanted: Query, **params: Any) -> dict[str, Any]:
        async with self._database.transaction(self._principal) as transaction:
            return (await transaction.fetch_dicts(wanted, params))[0]
