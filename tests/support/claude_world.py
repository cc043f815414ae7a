"""Everything around an agent that thinks with Claude, in memory: what it calls, what is kept, who is told.

A run that is killed leaves its memory and the answers its calls have kept; a new worker on the same `Run` goes on.
"""

import json
import ssl
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import cache
from typing import Any
from unittest.mock import patch
from uuid import UUID

from qms_mcp.agents.claude.access import ClaudeAccess
from qms_mcp.agents.claude.worker import ClaudeWorker
from qms_mcp.agents.definition import AgentDefinition, Calls, Limits, Task, Tier, ToolAnswer
from qms_mcp.agents.outputs import AgentOutput
from qms_mcp.agents.stopping import AgentStoppedError
from qms_mcp.agents.working import Allowance, Generation, ToolOffer
from qms_mcp.settings import Settings
from tests.support.claude_stub import ClaudeStub

ANSWER: dict[str, Any] = {
    "summary": "Two CAPAs are overdue.",
    "insights": [
        {
            "statement": "CAPA-2026-0001 is overdue.",
            "severity": "major",
            "confidence": 0.9,
            "evidence": {"calls": ["c1"], "records": ["CAPA-2026-0001"]},
            "subject": "CAPA-2026-0001",
            "measure": "days overdue",
            "value": "12",
        }
    ],
    "actions": [],
    "recommendations": [],
}


# Reading the certificates takes longer than most conversations do.
certificates = cache(ssl.create_default_context)


class KilledError(BaseException):
    """The process is gone, as far as a test is concerned: nothing may catch it."""


Tool = Callable[[dict[str, Any]], Any]


@dataclass
class Memory:
    """Checkpoints; `on_keep` may raise before or after one is made."""

    kept: list[tuple[str, str]] = field(default_factory=list[tuple[str, str]])
    on_keep: Callable[[str, str], None] = lambda _kind, _when: None

    def entries(self, kind: str) -> Sequence[Mapping[str, Any]]:
        return [json.loads(text) for one, text in self.kept if one == kind]

    async def keep(self, kind: str, entry: Mapping[str, Any]) -> None:
        self.on_keep(kind, "before")
        self.kept.append((kind, json.dumps(entry)))
        self.on_keep(kind, "after")


@dataclass
class Observer:
    """Who is told."""

    generations: list[Generation] = field(default_factory=list[Generation])
    told: list[str] = field(default_factory=list[str])

    async def generation(self, generation: Generation) -> None:
        self.generations.append(generation)

    async def tell(self, message: str) -> None:
        self.told.append(message)


@dataclass
class Answers:
    """The tools: their answers by the number of the call, kept over a crash, and which tool really ran."""

    tools: Mapping[str, Tool]
    kept: dict[int, ToolAnswer] = field(default_factory=dict[int, ToolAnswer])
    ran: list[tuple[int, str]] = field(default_factory=list[tuple[int, str]])


class InMemoryCalls:
    """How one worker reaches the tools."""

    def __init__(self, answers: Answers) -> None:
        self._answers = answers
        self._number = 0

    def may(self, tool: str) -> bool:
        return tool in self._answers.tools

    async def call(self, tool: str, /, **arguments: Any) -> ToolAnswer:
        self._number += 1
        number = self._number
        if number in self._answers.kept:
            return self._answers.kept[number]
        if tool not in self._answers.tools:
            refusal = f"This agent has no tool {tool!r}. [not_allowed]"
            answer = ToolAnswer(f"c{number}", UUID(int=number), ok=False, content={}, text=refusal)
            self._answers.kept[number] = answer
            return answer
        self._answers.ran.append((number, tool))
        content = self._answers.tools[tool](arguments)
        if hasattr(content, "__await__"):
            content = await content
        answer = ToolAnswer(f"c{number}", UUID(int=number), ok=True, content=content, text=json.dumps(content))
        self._answers.kept[number] = answer
        return answer


def count_records(arguments: dict[str, Any]) -> dict[str, Any]:
    """Say something that differs from one argument to another."""
    return {"asked": arguments, "records": len(json.dumps(arguments))}


def say_much(arguments: dict[str, Any]) -> dict[str, Any]:
    """Say something long that differs from one argument to another."""
    return {**arguments, "text": "x" * 4_000}


async def no_playbook(_calls: Calls, _task: Task) -> AgentOutput:
    raise AssertionError("no playbook here")


def definition(*, limits: Limits | None = None, tier: Tier = "sonnet", **changed: Any) -> AgentDefinition:
    """Return an agent."""
    fields: dict[str, Any] = {
        "name": "qa",
        "title": "Quality",
        "purpose": "Looks at records.",
        "prompt": "You look at records.",
        "reads": ("search_records", "get_record"),
        "drafts": ("draft_note",),
        "tier": tier,
        "limits": limits or Limits(),
        "words": (),
        "after": (),
        "playbook": no_playbook,
    }
    return AgentDefinition(**{**fields, **changed})


@dataclass
class Run:
    """A run, over however many processes.

    Attributes:
        access: The way to the stub.
        agent: Which agent.
    """

    access: ClaudeAccess
    agent: AgentDefinition = field(default_factory=definition)
    task: Task = field(default_factory=lambda: Task("qa", "qa", "What is overdue?"))
    allowance: Allowance = field(default_factory=lambda: Allowance(tokens=1_000_000))
    drafts: bool = False
    tools: Mapping[str, Tool] = field(default_factory=lambda: {"search_records": count_records})
    memory: Memory = field(default_factory=Memory)
    observer: Observer = field(default_factory=Observer)

    def __post_init__(self) -> None:
        self.answers = Answers(self.tools)

    def worker(self, **changed: Any) -> ClaudeWorker:
        """Return a worker, as a new process would build it."""
        names = (*self.tools, "draft_note")
        schema = {"type": "object", "properties": {"query": {"type": "string"}}}
        return ClaudeWorker(
            self.agent,
            self.task,
            access=self.access,
            calls=changed.pop("calls", None) or InMemoryCalls(self.answers),
            memory=self.memory,
            observer=self.observer,
            offers=[ToolOffer(name, f"The tool {name}.", schema) for name in names],
            allowance=self.allowance,
            drafts=self.drafts,
            **changed,
        )

    async def to_the_end(self, worker: ClaudeWorker | None = None, *, most: int = 40) -> ClaudeWorker:
        """Take turns until it is done."""
        worker = worker or self.worker()
        for _ in range(most):
            if await worker.turn():
                return worker
        raise AssertionError(f"not done after {most} turns")


@asynccontextmanager
async def reaching(stub: ClaudeStub, *, retries: int = 0, **settings: str) -> AsyncGenerator[ClaudeAccess]:
    """Open a way to a stub; retries wait for hundredths of a second."""
    environment = {"ANTHROPIC_API_KEY": "stub", "ANTHROPIC_BASE_URL": stub.url, **settings}
    access = ClaudeAccess.from_settings(Settings.from_environment(environment), retries=retries, first_wait=0.01)
    assert access is not None
    try:
        with patch("ssl.create_default_context", certificates):
            await access.client()
        yield access
    finally:
        await access.aclose()


def stop(reason: Any) -> Tool:
    """Return a tool at which the run is stopped."""

    def stopping(_arguments: dict[str, Any]) -> Any:
        raise AgentStoppedError(reason, f"It is {reason}.")

    return stopping
