"""What merging takes and what it returns.

A merged item is a statement with everything behind it: who made it, in which run, on what evidence and how sure. What
the items disagree about stands beside them and is decided by nobody here.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, Literal, TypeAlias

from pydantic import BaseModel, ConfigDict, Field, SerializerFunctionWrapHandler, model_serializer

from qms_mcp.agents.outputs import AgentOutput, Kind, Severity

Status: TypeAlias = Literal["completed", "partial", "failed", "cancelled"]
Listed: TypeAlias = Literal["insights", "actions", "recommendations"]
Share = Annotated[float, Field(ge=0, le=1)]


@dataclass(frozen=True, slots=True)
class Contribution:
    """What came of one task.

    Attributes:
        key: Of the task.
        agent: Which agent did it.
        labels: Ids of the tool calls of the run, by the label the agent cites them by.
        error: Why it failed or stopped.
        seconds: How long it took.
        cost_usd: Estimated.
    """

    key: str
    agent: str
    agent_version: str
    run_id: str
    model: str
    output: AgentOutput | None
    status: Status = "completed"
    error: str = ""
    labels: Mapping[str, str] = field(default_factory=dict[str, str])
    seconds: float = 0.0
    cost_usd: float = 0.0


class Short(BaseModel):
    """A frozen model that leaves out what says nothing."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    @model_serializer(mode="wrap")
    def _without_empty(self, serialize: SerializerFunctionWrapHandler) -> dict[str, Any]:
        return {
            key: value
            for key, value in serialize(self).items()
            if not (value is None or value is False or value in ("", [])) or type(self).model_fields[key].is_required()
        }


class Source(Short):
    """One agent's own finding behind an item.

    Attributes:
        key: Of its task.
        statement: Its own words, where they are not those of the item.
        calls: Ids of the tool calls it names, as far as there are such calls.
        why: How it came to the item: nothing for the chosen statement, else `exact` or `semantic 0.93`.
    """

    agent: str
    key: str
    run: str
    confidence: Share
    severity: Severity
    statement: str = ""
    calls: list[str] = []
    records: list[str] = []
    why: str = ""


class Item(Short):
    """An insight, an action or a recommendation, said once.

    Attributes:
        id: `I1`, `A2` or `R3`, by rank.
        confidence: Of all sources together.
        agreement: How many different agents say so.
        unsupported: Nothing it names as evidence exists, or it names nothing.
        invalid: What was named as evidence and isn't there: `c9 of qa`, `CAPA-2026-0999`.
        contradictions: Ids of the contradictions it is part of.
    """

    id: str
    statement: str
    severity: Severity
    confidence: Share
    agreement: int
    subject: str = ""
    measure: str = ""
    value: str = ""
    unsupported: bool = False
    invalid: list[str] = []
    contradictions: list[str] = []
    sources: list[Source]


class Side(Short):
    """One of the things said in a contradiction."""

    item: str
    statement: str
    value: str = ""
    agents: list[str]


class Contradiction(Short):
    """Items that can't all be true; which of them is has to be found out.

    Attributes:
        about: What they speak of.
        why: What they disagree in.
    """

    id: str
    about: str
    why: str
    sides: list[Side]


class Contributor(Short):
    """One task's part in the result."""

    key: str
    agent: str
    version: str
    run: str
    model: str
    status: Status
    findings: int
    error: str = ""


class Tally(Short):
    """How much there was and what became of it.

    Attributes:
        merged_exact: Findings that said the same in the same words as another.
        merged_semantic: Findings that said the same in other words.
        likeness: What told that: `embeddings`, or `trigrams` where there were none.
        threshold: From where on two statements were taken for the same.
    """

    total: int
    successful: int
    partial: int = 0
    failed: int = 0
    cancelled: int = 0
    seconds: float = 0.0
    cost_usd: float = 0.0
    findings: int = 0
    merged_exact: int = 0
    merged_semantic: int = 0
    unsupported: int = 0
    likeness: Literal["embeddings", "trigrams"]
    threshold: float


class Merged(Short):
    """The result of all agents as one."""

    summary: str
    insights: list[Item] = []
    actions: list[Item] = []
    recommendations: list[Item] = []
    contradictions: list[Contradiction] = []
    contributors: list[Contributor] = []
    tally: Tally

    def page(self, limit: int, offset: int = 0) -> "Merged":
        """Return it with at most `limit` items of each list, the highest ranked first; the tally stays whole."""
        part = slice(offset, offset + limit)
        lists = ("insights", "actions", "recommendations", "contradictions")
        return self.model_copy(update={name: getattr(self, name)[part] for name in lists})

    def items(self) -> list[Item]:
        """Return the items of all three lists."""
        return [*self.insights, *self.actions, *self.recommendations]


LIST_OF: dict[Kind, Listed] = {"insight": "insights", "action": "actions", "recommendation": "recommendations"}
