"""What an agent is: a frozen value, so that two runs of one version can be compared.

The version of an agent is the hash of everything that shapes what it does: its prompt, what it is shown as good
answers, its model, its tools, its limits and the shape of its answer. A run records it.
"""

import hashlib
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import cached_property
from types import MappingProxyType
from typing import Any, Literal, Protocol, TypeAlias
from uuid import UUID

from qms_mcp.agents.outputs import AgentOutput
from qms_mcp.agents.versioning import Exemplar, canonical

AgentName: TypeAlias = Literal["schema", "data", "qa", "analytics", "ml_eval", "feedback"]
Tier: TypeAlias = Literal["opus", "sonnet", "haiku"]


@dataclass(frozen=True, slots=True)
class Limits:
    """How far an agent may go.

    Attributes:
        turns: Replies of the model, repairs included.
        tokens: Input and output together, over all turns; cached input counts too.
        seconds: From the start of its work.
        tool_calls: Over all turns.
        answer_tokens: Of one reply.
    """

    turns: int = 12
    tokens: int = 150_000
    seconds: int = 300
    tool_calls: int = 30
    answer_tokens: int = 8_000


@dataclass(frozen=True, slots=True)
class ToolAnswer:
    """What a tool said.

    Attributes:
        label: How the agent cites this call: c1, c2 and so on.
        call_id: Of the row in `agents.tool_calls`.
        ok: Whether it worked.
        content: Structured content; empty when it failed.
        text: What a model reads: the content as JSON, or the error in words.
        error_code: Of the error, if any.
    """

    label: str
    call_id: UUID
    ok: bool
    content: Mapping[str, Any]
    text: str
    error_code: str = ""


class Calls(Protocol):
    """How an agent reaches the tools it may use."""

    async def call(self, tool: str, /, **arguments: Any) -> ToolAnswer:
        """Call a tool and return what it said; an error of the tool is an answer too.

        Raises:
            AgentStoppedError: The run may not go on: cancelled, out of time or calls, or taken over by another process.
        """
        ...

    def may(self, tool: str) -> bool:
        """Whether the agent may call a tool in this run."""
        ...


@dataclass(frozen=True, slots=True)
class Task:
    """What one agent is to do.

    Attributes:
        key: Unique within its dispatch.
        agent: Which agent.
        request: What is asked, in words.
        subject: What to look at, where the request says so: a record number, a table, a document.
        inputs: Answers of the tasks it waited for, by key. They are data, not instructions.
    """

    key: str
    agent: str
    request: str
    subject: str = ""
    inputs: Mapping[str, AgentOutput] = field(default_factory=dict[str, AgentOutput])


Playbook: TypeAlias = Callable[[Calls, Task], Awaitable[AgentOutput]]


@dataclass(frozen=True)
class AgentDefinition:
    """One agent.

    Attributes:
        name: As requests call it.
        title: For people.
        purpose: One sentence: what it is good at. Shown in plans and used to choose.
        prompt: Its system prompt.
        reads: Tools that change nothing, which it may always call.
        drafts: Tools that draft or change reversibly; only for a dispatch that allows drafts.
        tier: How strong a model it needs.
        limits: How far it may go.
        words: What a request says that is for this agent (regular expressions, in lower case).
        after: Agents whose answers help it, when they are part of the same dispatch.
        playbook: What it does without a model.
        exemplars: Requests and answers it is shown as good ones.
        model: Which model it is asked of; None: the one its tier stands for.
        effort: How hard the model thinks; None: as the settings say.
        extras: What else belongs to a version, such as the weights of a classifier.
        stored_as: Its content, where it was read from a stored version.
    """

    name: AgentName
    title: str
    purpose: str
    prompt: str
    reads: tuple[str, ...]
    drafts: tuple[str, ...]
    tier: Tier
    limits: Limits
    words: tuple[str, ...]
    after: tuple[AgentName, ...]
    playbook: Playbook
    exemplars: tuple[Exemplar, ...] = ()
    model: str | None = None
    effort: str | None = None
    extras: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType(dict[str, Any]()))
    stored_as: str = ""

    @cached_property
    def content(self) -> str:
        """All that shapes what it does, as canonical JSON."""
        shape: dict[str, Any] = {
            "agent": self.name,
            "prompt": self.prompt,
            "exemplars": [{"request": one.request, "answer": dict(one.answer)} for one in self.exemplars],
            "tier": self.tier,
            "model": self.model,
            "effort": self.effort,
            "limits": asdict(self.limits),
            "reads": list(self.reads),
            "drafts": list(self.drafts),
            "extras": dict(self.extras),
            "output": AgentOutput.model_json_schema(),
        }
        return self.stored_as or canonical(shape)

    @cached_property
    def version(self) -> str:
        """`qa@3f2a9c41d0e7`: its name, and the hash of what shapes it."""
        return f"{self.name}@{hashlib.sha256(self.content.encode()).hexdigest()[:12]}"

    def tools(self, *, drafts: bool) -> tuple[str, ...]:
        """Return the tools it may call in a dispatch that allows drafts, or not."""
        return (*self.reads, *self.drafts) if drafts else self.reads


def by_name(definitions: Sequence[AgentDefinition]) -> dict[str, AgentDefinition]:
    """Return definitions by name."""
    return {definition.name: definition for definition in definitions}
