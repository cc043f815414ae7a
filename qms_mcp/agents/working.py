"""How an agent's work is driven: turn by turn, each turn one durable step.

A worker holds nothing that could not be had again: what the model said and what tools answered is in its memory, so
another process builds the worker anew and goes on where the first one was killed.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal, Protocol, TypeAlias

from qms_mcp.agents.outputs import AgentOutput
from qms_mcp.agents.stopping import StopReason

PLAYBOOK = "playbook"
ResultStatus: TypeAlias = Literal["completed", "partial", "failed", "cancelled"]


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens, by what they cost.

    Attributes:
        input: Sent and not in any cache.
        output: Written by the model, thinking included.
        cache_read: Sent and found in the cache.
        cache_write: Sent and put into the cache for five minutes.
        cache_write_1h: The same for an hour.
        thinking: Part of `output`.
        requests: Replies of the model.
    """

    input: int = 0
    output: int = 0
    cache_read: int = 0
    cache_write: int = 0
    cache_write_1h: int = 0
    thinking: int = 0
    requests: int = 0

    @property
    def total(self) -> int:
        """All tokens, in and out."""
        return self.input + self.output + self.cache_read + self.cache_write + self.cache_write_1h

    def plus(self, other: "Usage") -> "Usage":
        """Return the sum of both."""
        return Usage(
            self.input + other.input,
            self.output + other.output,
            self.cache_read + other.cache_read,
            self.cache_write + other.cache_write,
            self.cache_write_1h + other.cache_write_1h,
            self.thinking + other.thinking,
            self.requests + other.requests,
        )


@dataclass(frozen=True, slots=True)
class Allowance:
    """What was reserved for a run before it started; it spends no more.

    Attributes:
        tokens: Input and output together.
        usd: Estimated cost; None when money is not limited.
        seconds: From the start of its work.
    """

    tokens: int
    usd: float | None = None
    seconds: float = 300.0


@dataclass(frozen=True, slots=True)
class ToolOffer:
    """A tool as it is offered to a model."""

    name: str
    description: str
    input_schema: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class AgentResult:
    """How a run ended.

    Attributes:
        status: `completed`: an answer that fits the schema. `partial`: it had to stop, and `output` is what there was.
        output: The answer, if there is one.
        model: The model that answered last, or `playbook`.
        fallback_reason: Why the playbook ran in place of a model, or after one.
        stop: Why it had to stop.
        error: The same in a sentence, or what failed.
        transient: A failure that another try may get over.
        cost_usd: Estimated.
    """

    status: ResultStatus
    output: AgentOutput | None
    model: str
    usage: Usage = field(default_factory=Usage)
    cost_usd: float = 0.0
    turns: int = 0
    tool_calls: int = 0
    fallback_reason: str = ""
    stop: StopReason | None = None
    error: str = ""
    transient: bool = False


@dataclass(frozen=True, slots=True)
class Generation:
    """One reply of a model, for the trace."""

    turn: int
    model: str
    started_at: datetime
    ended_at: datetime
    prompt: Any
    answer: Any
    usage: Usage
    cost_usd: float
    error: str = ""


class Memory(Protocol):
    """Checkpoints of one run."""

    def entries(self, kind: str) -> Sequence[Mapping[str, Any]]:
        """Return what was kept of a kind, by this process or one before it, in order."""
        ...

    async def keep(self, kind: str, entry: Mapping[str, Any]) -> None:
        """Keep a JSON object; it is durable when this returns.

        Raises:
            AgentStoppedError: Another process has taken the run over.
        """
        ...


class Observer(Protocol):
    """Who wants to know what a run does."""

    async def generation(self, generation: Generation) -> None:
        """Take note of a reply of the model."""
        ...

    async def tell(self, message: str) -> None:
        """Say where the work stands, in a short sentence; it never fails."""
        ...


class Worker(Protocol):
    """One agent at work on one task."""

    async def turn(self) -> bool:
        """Go one step on; True when the work is done. Called again after the end it changes nothing.

        Only cancellation and a lost run raise; every other end is a result.
        """
        ...

    def result(self) -> AgentResult:
        """Return how it ended, or what there is so far."""
        ...
