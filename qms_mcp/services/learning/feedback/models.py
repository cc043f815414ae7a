"""What is told of feedback."""

from datetime import datetime
from typing import Any, Literal, TypeAlias
from uuid import UUID

from pydantic import Field

from qms_mcp.services.answer import Answer

Source: TypeAlias = Literal["user", "automated", "llm-judge"]
By: TypeAlias = Literal["agent", "version", "source", "label", "day", "week", "organization"]
Reason: TypeAlias = Literal["low_score", "disagreement", "drifted", "random"]
LONGEST_COMMENT = 10_000
LONGEST_LABEL = 100
# What measures versions has its own scores; below this an answer is looked at.
LOW = 0.6


class Given(Answer):
    """Feedback that is stored.

    Attributes:
        created: False: the same was given before under this key.
        given_kind: `human` on the review page, `agent` when a model passed it on, `system` from a scorer.
        is_example: It became an example to learn from.
    """

    headline: str
    id: UUID
    created: bool
    run_id: UUID | None = None
    tool_call_id: UUID | None = None
    record: str | None = None
    agent: str | None = None
    agent_version: str | None = None
    source: Source
    given_kind: str | None = None
    score: float
    is_example: bool
    langfuse_trace_id: str | None = None


class Scored(Answer):
    """The automatic score of a run.

    Attributes:
        created: False: it had one.
        scores: By scorer, from 0 to 1; a scorer that does not apply is left out.
        notes: What scorers that did not give 1 found.
    """

    run_id: UUID
    feedback_id: UUID | None = None
    created: bool = False
    score: float | None = None
    scores: dict[str, float] = Field(default={})
    notes: list[str] = Field(default=[])


class QueueItem(Answer):
    """An answer worth a person's look.

    Attributes:
        low: The lowest average of a source so far.
        spread: How far sources are apart.
        review: Where a person reviews it.
    """

    run_id: UUID
    agent: str
    version: str | None = None
    lane: str | None = None
    request: str | None = None
    completed_at: datetime
    reasons: list[str]
    low: float | None = None
    spread: float | None = None
    given: int = 0
    review: str = ""


class QueuePage(Answer):
    """What is worth a person's look, in order."""

    headline: str
    total: int
    by_reason: dict[str, int] = Field(default={})
    items: list[QueueItem]
    next_cursor: str = ""


class FeedbackAnalysis(Answer):
    """What feedback of a time says.

    Attributes:
        given_by: People on the review page, what models passed on from users, scorers and judges, each apart.
        distribution: How many of each tenth of the scale, from 0.
        groups: By what was asked.
        trends: Averages per week, by source, with Mann-Kendall's test.
        patterns: What badly scored answers have in common.
        agreement: Of sources on the same runs.
    """

    headline: str
    since: datetime
    until: datetime
    n: int
    given_by: list[dict[str, Any]] = Field(default=[])
    distribution: list[int] = Field(default=[])
    groups: list[dict[str, Any]] = Field(default=[])
    trends: list[dict[str, Any]] = Field(default=[])
    patterns: list[dict[str, Any]] = Field(default=[])
    agreement: list[dict[str, Any]] = Field(default=[])
    notes: list[str] = Field(default=[])
