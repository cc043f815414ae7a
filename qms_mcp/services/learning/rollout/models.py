"""What is told of versions and of how they go to people."""

from datetime import datetime
from typing import Literal, TypeAlias
from uuid import UUID

from pydantic import Field

from qms_mcp.services.answer import Answer

Step: TypeAlias = Literal["shadow", "canary", "experiment", "production"]
StickyBy: TypeAlias = Literal["dispatch", "person"]
STEPS: tuple[Step, ...] = ("shadow", "canary", "experiment", "production")


class Moved(Answer):
    """What became of a request to move a version.

    Attributes:
        status: `waiting` for a person, or `done`.
        approval_id: Of the approval that waits.
        content: What the person will read.
    """

    headline: str
    status: Literal["waiting", "done"]
    agent: str
    version: str
    approval_id: UUID | None = None
    rollout_id: UUID | None = None
    content: str = ""


class VersionLine(Answer):
    """A version.

    Attributes:
        stands: What it is now: production, candidate, shadow, canary, experiment.
        score: On the held-out side of its last evaluation.
        gates: Of the last gate report.
    """

    version: str
    agent: str
    origin: str
    stands: list[str] = Field(default=[])
    parent: str = ""
    dataset: str = ""
    score: float | None = None
    gates: str = ""
    created_at: datetime
    notes: str = ""


class RolloutLine(Answer):
    """How a version goes to people.

    Attributes:
        against: The version everybody else has.
        runs: How many of its runs have counted so far.
        bad: How many of them were bad.
        cusum: The cumulative sum; at `limit` it goes back by itself.
        note: What it comes to, in words.
    """

    id: UUID
    agent: str
    kind: str
    version: str
    against: str
    percent: float
    state: str
    since: datetime
    runs: int | None = None
    bad: int | None = None
    cusum: float | None = None
    limit: float | None = None
    note: str = ""


class ModelsPage(Answer):
    """Versions of agents and where they stand."""

    headline: str
    total: int
    versions: list[VersionLine]
    rollouts: list[RolloutLine] = Field(default=[])
    waiting: list[str] = Field(default=[])
    next_cursor: str = ""
