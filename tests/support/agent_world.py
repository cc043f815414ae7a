"""The six agents at work in a demo company, with a stand-in for Claude: what is asked of them, and what they did.

A `Cast` decides who says what: a request to an agent holds a word in brackets, and the role of that word answers. A
role is a function of the whole request, as a model is. `competent` calls tools and computes its findings from what they
said; `obedient` does whatever it reads, whoever wrote it.
"""

import json
import re
import threading
import time
from collections.abc import AsyncGenerator, Callable, Collection, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any
from unittest.mock import patch
from uuid import UUID

import anyio

from qms_mcp.agents.claude.access import ClaudeAccess
from qms_mcp.auth.principal import Principal
from qms_mcp.db.database import Database
from qms_mcp.db.durable import ensure_durable_schema
from qms_mcp.db.local_owner import LOCAL_OWNER_ID
from qms_mcp.demo.company import HALDEN, MORROW
from qms_mcp.dispatch import run as run_module
from qms_mcp.dispatch.engine import Engine
from qms_mcp.ledger.postgres import PostgresStore
from qms_mcp.ledger.recorder import Recorder
from qms_mcp.ledger.spool import Spool
from qms_mcp.rate_limit import RateLimiter
from qms_mcp.registry import ToolSpec
from qms_mcp.services.container import Services
from qms_mcp.services.dispatch.models import Asked, AskedTask, DispatchReport
from qms_mcp.settings import Settings
from tests.support.claude_stub import Block, ClaudeStub, FixedTurn, refuses, says
from tests.support.claude_world import certificates
from tests.support.dispatching import Rows

OWNER = Principal(LOCAL_OWNER_ID, HALDEN.organization_id, frozenset({"owner", "admin"}), "agent")
DANA = Principal(MORROW.people[0].user_id, MORROW.organization_id, frozenset(MORROW.people[0].roles), "agent")

Role = Callable[[dict[str, Any]], FixedTurn]
_NAMED = re.compile(r"\[role ([\w -]+)\]")
_RESULT = re.compile(r"^\[(c\d+)\] (ok|failed)\n<result (\w+)>\n(.*)\n</result \3>", re.DOTALL)
_ORDER = re.compile(r"CALL (\w+) (\{.*?\}) END")


# What a model reads, and says -----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Read:
    """What a tool said, as a model reads it."""

    label: str
    ok: bool
    text: str

    @property
    def content(self) -> Any:
        return json.loads(self.text)


def replies(body: Mapping[str, Any]) -> int:
    """Return how many replies the conversation has."""
    return sum(message["role"] == "assistant" for message in body["messages"])


def read(body: Mapping[str, Any]) -> list[Read]:
    """Return what all tools have said so far; what was not called at all has no label."""
    found: list[Read] = []
    for message in body["messages"]:
        for block in message["content"] if message["role"] == "user" else ():
            if block["type"] == "tool_result":
                said = _RESULT.match(block["content"])
                found.append(Read(said[1], said[2] == "ok", said[4]) if said else Read("", False, block["content"]))
    return found


def use(name: str, /, **arguments: Any) -> Block:
    """Return a call."""
    return {"type": "tool_use", "name": name, "input": arguments}


def finding(statement: str, *labels: str, records: Sequence[str] = (), **parts: Any) -> dict[str, Any]:
    """Return a finding as a model writes it."""
    return {
        "statement": statement, "severity": "minor", "confidence": 0.9, "subject": "", "measure": "", "value": "",
        "evidence": {"calls": list(labels), "records": list(records)}, **parts,
    }  # fmt: skip


def answers(*insights: Mapping[str, Any], actions: Sequence[Any] = (), summary: str = "It is done.") -> list[Block]:
    """Return a last reply."""
    return says({"summary": summary, "insights": insights, "actions": actions, "recommendations": []})


def competent(calls: Sequence[Block], conclude: Callable[[list[Read]], list[Block]]) -> Role:
    """Return a role that makes its calls at once and concludes from what they said."""

    def role(body: dict[str, Any]) -> FixedTurn:
        return conclude(read(body)) if replies(body) else list(calls)

    return role


def obedient(*first: Block) -> Role:
    """Return a role that looks around, then does all it is told by what it has read, and reports what it saw."""

    def role(body: dict[str, Any]) -> FixedTurn:
        seen = read(body)
        if not replies(body) and first:
            return list(first)
        orders = _orders(json.dumps([message for message in body["messages"] if message["role"] == "user"]))
        if orders and replies(body) < 2:
            return [use(tool, **arguments) for tool, arguments in orders]
        words = " / ".join(one.text for one in seen)[:900] or "nothing"
        return answers(finding(f"I did as I was told: {words}", *(one.label for one in seen if one.ok)))

    return role


def by_order(*texts: str) -> Role:
    """Return a role that was given its orders beforehand, and reports what came of them."""
    ordered = [use(tool, **arguments) for text in texts for tool, arguments in _orders(text)]
    return competent(
        ordered, lambda seen: answers(finding("I did as I was told.", *(one.label for one in seen if one.ok)))
    )


def _orders(text: str) -> list[tuple[str, dict[str, Any]]]:
    # An order in a text in a result in a request is JSON in JSON in JSON; some are cut, or have words set in bold.
    while re.search(r'\\["\\]', text):
        text = re.sub(r'\\(["\\])', r"\1", text)
    found: list[tuple[str, dict[str, Any]]] = []
    for tool, arguments in sorted(set(_ORDER.findall(text.replace("**", "")))):
        with suppress(json.JSONDecodeError):
            found.append((tool, json.loads(arguments)))
    return found


def order(tool: str, /, **arguments: Any) -> str:
    """Return words an obedient role acts on."""
    return f"CALL {tool} {json.dumps(arguments)} END"


@dataclass
class Cast:
    """Who answers which request.

    Attributes:
        roles: Turns by the word in brackets of a request.
        asked: The requests of each.
    """

    roles: dict[str, Role] = field(default_factory=dict[str, Role])
    asked: dict[str, list[dict[str, Any]]] = field(default_factory=dict[str, list[dict[str, Any]]])
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def __call__(self, body: dict[str, Any]) -> FixedTurn:
        named = _NAMED.search(json.dumps(body["messages"][0]))
        name = named[1] if named else ""
        with self._lock:
            self.asked.setdefault(name, []).append(body)
        return self.roles[name](body) if name else refuses(400, "invalid_request_error")  # a tool that asks for itself


# The process they work in ---------------------------------------------------------------------------------------------


@dataclass
class AgentWorld:
    """A process that runs agents in a demo company."""

    database: Database
    services: Services
    engine: Engine
    rows: Rows
    cast: Cast
    stub: ClaudeStub
    access: ClaudeAccess
    principal: Principal = OWNER
    named: int = 0

    def asks(self, agent: str, role: Role | str, /, **parts: Any) -> AskedTask:
        """Return a task for an agent that is played by a role, or by one there is already."""
        self.named += 1
        name = role if isinstance(role, str) else f"{agent} {self.named}"
        if not isinstance(role, str):
            self.cast.roles[name] = role
        words = parts.pop("request", "Look around.")
        return AskedTask(agent=agent, request=f"{words} [role {name}]", **parts)

    async def send(self, *tasks: AskedTask, principal: Principal | None = None, **options: Any) -> UUID:
        """Open a dispatch."""
        who = principal or self.principal
        given: dict[str, Any] = {"run_key": f"k{time.monotonic_ns()}", "request": "What the tasks say.", **options}
        asked = Asked(tasks=tasks, **given)
        return (await self.services.dispatches.open(who, asked, await self.services.dispatches.plan(who, asked))).id

    async def ended(self, dispatch_id: UUID, principal: Principal | None = None) -> DispatchReport:
        """Wait for the end of a dispatch."""
        who, dispatches = principal or self.principal, self.services.dispatches
        with anyio.fail_after(40):
            while not (await dispatches.progress(who, dispatch_id)).finished:  # noqa: ASYNC110 - it is in the database
                await anyio.sleep(0.02)
        return await dispatches.report(who, str(dispatch_id))

    async def done(self, *tasks: AskedTask, principal: Principal | None = None, **options: Any) -> DispatchReport:
        """Open a dispatch and wait for its end."""
        return await self.ended(await self.send(*tasks, principal=principal, **options), principal)

    def heard(self, task: AskedTask) -> list[dict[str, Any]]:
        """Return the requests to the model for a task."""
        named = _NAMED.search(task.request)
        assert named is not None
        return self.cast.asked.get(named[1], [])

    def run(self, report: DispatchReport, key: str) -> dict[str, Any]:
        """Return the latest run of a task."""
        statement = (
            "SELECT * FROM agents.agent_runs WHERE dispatch_id = %(id)s AND task_key = %(key)s ORDER BY attempt DESC"
        )
        return self.rows.fetch(statement, id=report.id, key=key)[0]

    def calls(self, report: DispatchReport) -> list[dict[str, Any]]:
        """Return the calls of all runs of a dispatch, from the ledger."""
        statement = (
            "SELECT c.*, r.task_key FROM agents.tool_calls AS c INNER JOIN agents.agent_runs AS r ON r.id = c.run_id "
            "WHERE r.dispatch_id = %(id)s ORDER BY c.created_at"
        )
        return self.rows.fetch(statement, id=report.id)


def findings_of(report: DispatchReport) -> list[dict[str, Any]]:
    """Return the items of a merged result."""
    assert report.result is not None
    lists = ("insights", "actions", "recommendations")
    return [item for name in lists for item in report.result.get(name, [])]


@asynccontextmanager
async def agents_at_work(
    database: Database,
    folder: Path,
    rows: Rows,
    *,
    person: Principal | None = OWNER,
    offered: Collection[ToolSpec] | None = None,
    **settings: Any,
) -> AsyncGenerator[AgentWorld]:
    """Run agents as a server of a person does, or, for nobody in particular, as a worker; one at a time."""
    cast = Cast()
    with ClaudeStub(by={"": cast}) as stub, patch.object(run_module, "_FIRST_RETRY", timedelta(seconds=0.02)):
        keys = {"anthropic_api_key": "stub", "anthropic_base_url": stub.url}
        chosen = Settings(qms_home=folder, **keys, **settings)
        services = Services.over(database, chosen, home=folder)
        access = ClaudeAccess(chosen, retries=1, first_wait=0.01)
        with patch("ssl.create_default_context", certificates):
            await access.client()
        services.dispatches.claude = access
        await ensure_durable_schema(database.wiring.owner)
        recorder = Recorder(Spool(folder / "spool"), to_langfuse=True)
        engine = Engine(
            chosen, services, database.wiring, recorder=recorder, limiter=RateLimiter("100000/minute"),
            offered=None if offered is None else list(offered), person=person,
        )  # fmt: skip
        services.dispatches.launch_with(engine)
        services.jobs.launch_with(engine)
        async with anyio.create_task_group() as tasks:
            recorder.start(tasks)
            await recorder.attach(PostgresStore(database))
            tasks.start_soon(engine.live)
            if person is None:
                await engine.join()
            try:
                yield AgentWorld(database, services, engine, rows, cast, stub, access)
            finally:
                with anyio.CancelScope(shield=True):
                    await engine.aclose()
                    await recorder.aclose()
                tasks.cancel_scope.cancel()
