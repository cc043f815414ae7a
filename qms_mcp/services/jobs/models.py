"""What a job is, as callers and as its work see it."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, Protocol, TypeAlias
from uuid import UUID

from qms_mcp.auth.principal import Principal

JobState: TypeAlias = Literal["queued", "running", "completed", "failed", "cancelled"]


@dataclass(frozen=True, slots=True)
class JobRow:
    """A job, as it stands.

    Attributes:
        kind: What sort of work.
        key: Unique of its kind: asked for again under it, it is the same job.
        spec: What it is to do.
        stage: How far it is.
        result: What came of it, once it has completed.
    """

    id: UUID
    user_id: UUID
    kind: str
    key: str
    spec: Mapping[str, Any]
    runs_in: Literal["server", "workers"]
    state: JobState
    stage: str
    result: Mapping[str, Any] | None
    error: str | None
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None

    @property
    def finished(self) -> bool:
        """Whether it has ended."""
        return self.finished_at is not None


@dataclass(frozen=True, slots=True)
class JobPage:
    """Jobs, the newest first."""

    total: int
    items: list[JobRow]
    next_cursor: str


@dataclass(frozen=True, slots=True)
class Note:
    """What a job kept of its work."""

    stage: str
    note: Mapping[str, Any]


class RunningJob(Protocol):
    """A job, as its work sees it.

    Attributes:
        notes: What was kept so far, by this process and those before it, in order.
    """

    id: UUID
    principal: Principal
    spec: Mapping[str, Any]
    notes: list[Note]

    async def note(self, stage: str, note: Mapping[str, Any] | None = None) -> None:
        """Keep a checkpoint; without one, only say which stage has begun.

        Raises:
            TakenOverError: Another process has the job, or it was cancelled.
        """
        ...


# It may be run again after a crash, from its beginning, with the notes of before: then it has to come to the same end.
JobWork: TypeAlias = Callable[[RunningJob], Awaitable[Mapping[str, Any]]]
