"""Dispatches as tests run them: an engine in this process, and looks at the rows while it works."""

import json
import time
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import UUID

import anyio
import psycopg
from psycopg.rows import dict_row

from qms_mcp.auth.principal import Principal
from qms_mcp.db.database import Database
from qms_mcp.dispatch.engine import Engine
from qms_mcp.ledger.postgres import PostgresStore
from qms_mcp.ledger.recorder import Recorder
from qms_mcp.ledger.spool import Spool
from qms_mcp.rate_limit import RateLimiter
from qms_mcp.services.container import Services
from qms_mcp.services.dispatch.models import Asked, AskedTask, DispatchReport, Opened
from qms_mcp.settings import Settings
from tests.support.dispatching_agents import NAMES, request


def task(key: str, /, *, needs: Sequence[str] = (), **parts: Any) -> AskedTask:
    """Return a task; what is no part of a task is part of its request."""
    own = {name: parts.pop(name) for name in ("priority", "time_out", "agent") if name in parts}
    agent = own.pop("agent", NAMES[sum(key.encode()) % len(NAMES)])
    seconds = own.pop("time_out", None)
    return AskedTask(agent=agent, request=request(**parts), key=key, needs=tuple(needs), seconds=seconds, **own)


async def until(holds: Callable[[], object], seconds: float = 10) -> None:
    """Wait for what happens in another process or in the database."""
    with anyio.fail_after(seconds):
        while not holds():  # noqa: ASYNC110 - nobody can tell
            await anyio.sleep(0.02)


@dataclass(frozen=True)
class Rows:
    """What is in the tables, past all rights."""

    superuser: str

    def fetch(self, statement: str, **params: Any) -> list[dict[str, Any]]:
        with psycopg.connect(self.superuser) as connection, connection.cursor(row_factory=dict_row) as cursor:
            return cursor.execute(statement.encode(), params).fetchall()

    def value(self, statement: str, **params: Any) -> Any:
        return next(iter(self.fetch(statement, **params)[0].values()))

    def execute(self, statement: str, **params: Any) -> None:
        with psycopg.connect(self.superuser) as connection:
            connection.execute(statement.encode(), params)

    def tasks(self, dispatch_id: UUID) -> dict[str, dict[str, Any]]:
        statement = "SELECT * FROM agents.dispatch_tasks WHERE dispatch_id = %(id)s ORDER BY position"
        return {row["key"]: row for row in self.fetch(statement, id=dispatch_id)}

    def runs(self, dispatch_id: UUID) -> list[dict[str, Any]]:
        return self.fetch("SELECT * FROM agents.agent_runs WHERE dispatch_id = %(id)s", id=dispatch_id)


@dataclass
class Sampled:
    """What was seen of running tasks, every few milliseconds."""

    most: int = 0
    most_of: dict[UUID, int] = field(default_factory=dict[UUID, int])
    rounds: int = 0


@dataclass
class Process:
    """A process that runs agents for a person."""

    engine: Engine
    services: Services
    principal: Principal
    database: Database
    rows: Rows
    names: int = 0

    async def send(self, *tasks: AskedTask, principal: Principal | None = None, **options: Any) -> Opened:
        """Open a dispatch."""
        self.names += 1
        name = f"k{time.monotonic_ns()}-{self.names}"
        given: dict[str, Any] = {"run_key": name, "request": "What the tasks say.", **options}
        asked = Asked(tasks=tasks, **given)
        who = principal or self.principal
        return await self.services.dispatches.open(who, asked, await self.services.dispatches.plan(who, asked))

    async def ended(self, dispatch_id: UUID, seconds: float = 60, *, every: float = 0.02) -> DispatchReport:
        """Wait for the end of a dispatch."""
        with anyio.fail_after(seconds):
            while not (await self.services.dispatches.progress(self.principal, dispatch_id)).finished:  # noqa: ASYNC110
                await anyio.sleep(every)
        return await self.services.dispatches.report(self.principal, str(dispatch_id))

    async def done(self, *tasks: AskedTask, **options: Any) -> DispatchReport:
        """Open a dispatch and wait for its end."""
        return await self.ended((await self.send(*tasks, **options)).id)

    async def until(self, holds: Callable[[DispatchReport], bool], dispatch_id: UUID, seconds: float = 20) -> float:
        """Wait until something holds of a dispatch; how long it took."""
        since = time.monotonic()
        with anyio.fail_after(seconds):
            while not holds(await self.services.dispatches.report(self.principal, str(dispatch_id))):  # noqa: ASYNC110
                await anyio.sleep(0.02)
        return time.monotonic() - since

    async def nothing_is_under_way(self) -> None:
        """Wait until the process works on nothing."""
        await until(lambda: not self.engine._tasks, 5)  # pyright: ignore[reportPrivateUsage]

    @asynccontextmanager
    async def sampling(self) -> AsyncGenerator[Sampled]:
        """Count running tasks of the organization while the block runs."""
        seen = Sampled()
        statement = (
            b"SELECT t.dispatch_id, count(*) FROM agents.dispatch_tasks AS t WHERE t.state = 'running' "
            b"AND t.organization_id = %s GROUP BY t.dispatch_id"
        )
        async with (
            await psycopg.AsyncConnection.connect(self.rows.superuser, autocommit=True) as connection,
            anyio.create_task_group() as tasks,
        ):

            async def look() -> None:
                while True:
                    cursor = await connection.execute(statement, (self.principal.organization_id,))
                    counts = dict(await cursor.fetchall())
                    seen.rounds += 1
                    seen.most = max(seen.most, sum(counts.values()))
                    for dispatch_id, count in counts.items():
                        seen.most_of[dispatch_id] = max(seen.most_of.get(dispatch_id, 0), count)
                    await anyio.sleep(0.02)

            tasks.start_soon(look)
            yield seen
            tasks.cancel_scope.cancel()


@asynccontextmanager
async def process_on(
    database: Database, principal: Principal, folder: Path, rows: Rows, **options: Any
) -> AsyncGenerator[Process]:
    """Run an engine for a person, as a server does; there can be one at a time in this process."""
    settings = Settings(qms_home=folder, **options)
    services = Services.over(database, settings, home=folder)
    recorder = Recorder(Spool(folder / "spool"))
    limiter = RateLimiter("100000/minute")
    engine = Engine(settings, services, database.wiring, recorder=recorder, limiter=limiter, person=principal)
    services.dispatches.launch_with(engine)
    services.jobs.launch_with(engine)
    async with anyio.create_task_group() as tasks:
        recorder.start(tasks)
        await recorder.attach(PostgresStore(database))
        tasks.start_soon(engine.live)
        try:
            yield Process(engine, services, principal, database, rows)
        finally:
            with anyio.CancelScope(shield=True):
                await engine.aclose()
                await recorder.aclose()
            tasks.cancel_scope.cancel()


def answer(summary: str = "It is done.", calls: Sequence[str] = ()) -> Mapping[str, Any]:
    """Return what a model says at its end."""
    finding = {
        "statement": "There is something to see.", "severity": "info", "confidence": 0.8,
        "evidence": {"calls": list(calls), "records": []}, "subject": "", "measure": "", "value": "",
    }  # fmt: skip
    return {"summary": summary, "insights": [finding], "actions": [], "recommendations": []}


def words_of(body: Mapping[str, Any]) -> str:
    """Return all a request to the model holds, as text."""
    return json.dumps([body.get("system"), body.get("messages")])
