"""A database, several processes that run agents on it, and whoever kills them."""

import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Generator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import UUID

import anyio
import jwt

from qms_mcp.auth.principal import Principal
from qms_mcp.db.database import Database
from qms_mcp.db.wiring import Wiring
from qms_mcp.dispatch.memory import charge
from qms_mcp.services.container import Services
from qms_mcp.services.dispatch.models import Asked, AskedTask, DispatchReport
from qms_mcp.settings import Settings
from tests.support.claude_stub import ClaudeStub, Said, by_turn, calls, says
from tests.support.dispatching import Rows, answer

SECRET = "a secret of a project, long enough for HS256"  # noqa: S105 - made up


@dataclass
class Herd:
    """The processes."""

    zygote: "subprocess.Popen[str]"
    folder: Path
    living: dict[int, str] = field(default_factory=dict[int, str])
    kills: int = 0

    def begin(self, kind: str) -> int:
        assert self.zygote.stdin
        assert self.zygote.stdout
        self.zygote.stdin.write(f"{kind} {self.folder / 'log'}\n")
        self.zygote.stdin.flush()
        pid = int(self.zygote.stdout.readline())
        self.living[pid] = kind
        return pid

    def kill(self, pid: int) -> str:
        kind = self.living.pop(pid)
        os.kill(pid, signal.SIGKILL)
        self.kills += 1
        return kind

    def said(self) -> str:
        log = self.folder / "log"
        return log.read_text() if log.exists() else ""


@contextmanager
def herd(wiring: Wiring, principal: Principal, folder: Path, **variables: str) -> Generator[Herd]:
    """Lend processes that work on a database; they all end with the block."""
    now = int(time.time())
    claims = {"sub": str(principal.user_id), "aud": "authenticated", "iat": now - 60, "exp": now + 7_200}
    environment = {
        "PATH": os.environ["PATH"], "HOME": str(folder), "QMS_HOME": str(folder / "home"),
        "DATABASE_URL": wiring.server, "DATABASE_URL_SQL": wiring.sql, "DATABASE_URL_DIRECT": wiring.owner,
        "QMS_JWT_SECRET": SECRET, "QMS_ACCESS_TOKEN": jwt.encode(claims, SECRET, "HS256"),
        "QMS_RATE_LIMIT": "100000/minute", **variables,
    }  # fmt: skip
    program = [sys.executable, "-m", "tests.support.dispatching_process"]
    with (folder / "log").open("a") as log, subprocess.Popen(
        program, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, text=True,
        cwd=Path(__file__).parents[2],
    ) as zygote:  # fmt: skip
        made = Herd(zygote, folder)
        try:
            yield made
        finally:
            for pid in made.living:
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)


class _Elsewhere:
    """Opens dispatches and leaves the rest to the processes."""

    def __init__(self, rows: Rows, *, in_workers: bool) -> None:
        self._rows = rows
        self._in_workers = in_workers

    async def start(self, dispatch_id: UUID, opening: int, *, in_workers: bool) -> None:
        del opening, in_workers
        # So that nobody gives the one who opened it any more time.
        statement = "UPDATE agents.dispatches SET created_at = now() - interval '1 minute' WHERE id = %(id)s"
        self._rows.execute(statement, id=dispatch_id)

    async def cancelled(self, dispatch_id: UUID, opening: int) -> None:
        del dispatch_id, opening

    async def workers_are_there(self) -> bool:
        return self._in_workers


@dataclass
class Desk:
    """Where dispatches are sent from and looked at."""

    database: Database
    principal: Principal
    rows: Rows
    folder: Path
    opened: list[UUID] = field(default_factory=list[UUID])

    async def send(
        self, tasks: Sequence[AskedTask], *, in_workers: bool, with_model: bool = False, **options: Any
    ) -> UUID:
        key = {"ANTHROPIC_API_KEY": "k", "ANTHROPIC_BASE_URL": "http://127.0.0.1:9"} if with_model else {}
        services = Services.over(self.database, Settings.from_environment(key), home=self.folder)
        services.dispatches.launch_with(_Elsewhere(self.rows, in_workers=in_workers))
        asked = Asked(request="What the tasks say.", tasks=tuple(tasks), run_key=f"k{time.monotonic_ns()}",
                      may_draft=True, **options)  # fmt: skip
        plan = await services.dispatches.plan(self.principal, asked)
        self.opened.append((await services.dispatches.open(self.principal, asked, plan)).id)
        return self.opened[-1]

    async def report(self, dispatch_id: UUID) -> DispatchReport:
        services = Services.over(self.database, Settings(), home=self.folder)
        return await services.dispatches.report(self.principal, str(dispatch_id))

    def open_ones(self) -> int:
        statement = "SELECT count(*) FROM agents.dispatches WHERE finished_at IS NULL AND id = ANY(%(ids)s)"
        return int(self.rows.value(statement, ids=self.opened))

    async def look(self) -> None:
        """Fail where what is said of a dispatch is not so."""
        for dispatch_id in self.opened:
            seen = await self.report(dispatch_id)
            states = {each.state for each in seen.agents}
            if seen.status == "completed":
                assert seen.result is not None
                assert states == {"done"}, seen
            if "is gone" in seen.note:
                assert seen.status == "running", seen

    async def until_all_ended(self, seconds: float) -> None:
        with anyio.fail_after(seconds):
            while self.open_ones():
                await self.look()
                await anyio.sleep(0.1)


def conversation(name: str, *, after: float) -> Any:
    """Return what the model says to the agent of a task: it reads, it drafts, and it ends."""
    event = {"type": "nonconformance", "title": f"Scratch {name}", "what_happened": f"Part {name} is scratched.",
             "reason": "A part is scratched."}  # fmt: skip
    return by_turn(
        Said(calls("list_records", {"limit": 1}, use_id="u1"), after=after),
        Said(calls("report_event", event, use_id="u2"), after=after),
        Said(says(answer()), after=after),
    )


STEPS = 3  # requests to the model in each of these


def counted(stub: ClaudeStub, names: Sequence[str]) -> Counter[tuple[str, int]]:
    """Return how often each step of each conversation was asked for."""
    asked: Counter[tuple[str, int]] = Counter()
    for body in stub.requests:
        beginning = json.dumps(body["messages"][:1])
        name = next(name for name in names if f"own-{name}" in beginning)
        asked[name, sum(message["role"] == "assistant" for message in body["messages"])] += 1
    return asked


def all_is_whole(desk: Desk, titles: Sequence[str]) -> None:
    """Fail unless each dispatch is done once, each record is there once, and each charge was made once."""
    for dispatch_id in desk.opened:
        dispatch = desk.rows.fetch("SELECT * FROM agents.dispatches WHERE id = %(id)s", id=dispatch_id)[0]
        tasks = desk.rows.tasks(dispatch_id)
        assert dispatch["status"] == "completed", (dispatch, tasks)
        runs = desk.rows.runs(dispatch_id)
        assert sorted((run["task_key"], run["attempt"], run["status"]) for run in runs) == sorted(
            (key, 1, "completed") for key in tasks
        )
        for run in runs:
            kept = desk.rows.fetch("SELECT step, kind, state, fence FROM agents.context_state WHERE run_id = %(id)s "
                                   "ORDER BY step", id=run["id"])  # fmt: skip
            assert [each["fence"] for each in kept] == sorted(each["fence"] for each in kept)
            assert tasks[run["task_key"]]["spent_tokens"] == sum(charge(each["state"])[0] for each in kept)
    found = Counter(row["title"] for row in desk.rows.fetch("SELECT title FROM qms.quality_items"))
    assert {title: found[title] for title in titles} == dict.fromkeys(titles, 1)


@contextmanager
def scripted(names: Sequence[str], *, after: float) -> Generator[tuple[ClaudeStub, dict[str, str]]]:
    """Lend a model that knows these conversations, and what a process has to know to reach it."""
    with ExitStack() as stack:
        stub = stack.enter_context(ClaudeStub(by={f"own-{name}": conversation(name, after=after) for name in names}))
        yield stub, {"ANTHROPIC_API_KEY": "k", "ANTHROPIC_BASE_URL": stub.url}
