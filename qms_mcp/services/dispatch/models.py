"""What is asked of agents and what is told of a dispatch."""

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, Literal, TypeAlias
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from qms_mcp.services.answer import Answer

DispatchStatus: TypeAlias = Literal["planned", "queued", "running", "completed", "partial", "failed", "cancelled"]
TaskState: TypeAlias = Literal["waiting", "queued", "running", "done", "failed", "skipped", "cancelled"]
FINISHED: frozenset[str] = frozenset({"completed", "partial", "failed", "cancelled"})


class AskedTask(BaseModel):
    """One agent's part, as a caller asks for it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    agent: Annotated[str, Field(max_length=40)]
    request: Annotated[str, Field(max_length=8_000, description="Default: the whole request.")] = ""
    key: Annotated[str, Field(max_length=80, description="Default: the agent's name.")] = ""
    needs: Annotated[
        tuple[str, ...] | None,
        Field(max_length=49, description="Keys of tasks it can't do without. Default: worked out."),
    ] = None
    subject: Annotated[str, Field(max_length=200, description="What to look at: a record number, a table.")] = ""
    priority: Annotated[int, Field(ge=1, le=9)] = 5
    seconds: Annotated[int | None, Field(ge=1, le=3_600)] = None


@dataclass(frozen=True, slots=True)
class Asked:
    """A request to agents, with its limits.

    Attributes:
        tasks: Whom to ask for what; chosen from the request when there are none.
        run_key: Its name: asked for again under the same name it is the same dispatch.
        may_draft: Whether agents may use tools that draft.
        at_once: Agents at work at the same time.
        offered: Names of the tools this server offers: no agent gets another one.
    """

    request: str
    tasks: tuple[AskedTask, ...] = ()
    run_key: str = ""
    on_failure: Literal["continue", "stop"] = "continue"
    may_draft: bool = False
    at_once: int = 5
    budget_tokens: int | None = None
    budget_usd: float | None = None
    offered: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Opened:
    """A dispatch that is recorded.

    Attributes:
        created: False when there was one of this name already.
    """

    id: UUID
    run_key: str
    created: bool


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a dispatch is."""

    status: str
    tasks: int
    settled: int
    running: str
    spent_tokens: int
    spent_usd: float

    @property
    def finished(self) -> bool:
        """Whether it has ended."""
        return self.status in FINISHED

    def sentence(self) -> str:
        """Return it in a short sentence."""
        now = f"; at work: {self.running}" if self.running else ""
        return f"{self.settled} of {self.tasks} agents done{now}"


class TimelineEntry(Answer):
    """One agent's part of a dispatch, and how far it is."""

    key: str
    agent: str
    state: TaskState
    model: str = ""
    attempt: int = 0
    turns: int = 0
    tool_calls: int = 0
    queued_at: datetime | None = None
    started_at: datetime | None = None
    finished_at: datetime | None = None
    reserved_tokens: int = 0
    spent_tokens: int = 0
    spent_usd: float = 0.0
    note: str = ""
    run_id: UUID | None = None


class Spend(Answer):
    """What a dispatch may cost, has reserved and has spent; money is estimated."""

    spent_tokens: int
    spent_usd: float
    reserved_tokens: int = 0
    reserved_usd: float = 0.0
    budget_tokens: int | None = None
    budget_usd: float | None = None


class DispatchReport(Answer):
    """Where a dispatch stands, and what came of it so far."""

    id: UUID | None = None
    run_key: str = ""
    status: DispatchStatus
    note: str = ""
    uri: str = ""
    agents: tuple[TimelineEntry, ...] = ()
    spend: Spend | None = None
    plan: dict[str, Any] | None = None
    result: dict[str, Any] | None = None


class DispatchRow(Answer):
    """A dispatch in a list."""

    id: UUID
    run_key: str
    request: str
    status: DispatchStatus
    tasks: int
    spent_usd: float
    created_at: datetime
    finished_at: datetime | None = None


class QueueState(Answer):
    """How much waits, for how long, and who is there to work on it."""

    waiting: int
    queued: int
    running: int
    oldest_seconds: int = 0
    failed_last_hour: int
    servers: int
    workers: int
    alert: str = ""


class DispatchPage(Answer):
    """Dispatches, the newest first."""

    total: int
    items: list[DispatchRow]
    next_cursor: str = ""
    queue: QueueState
