"""What an agent returns: findings in one shape, each with its evidence and how sure the agent is.

A finding names what it is about (`subject`), what it measured (`measure`) and what it found (`value`), so findings
of several agents can be compared without reading their sentences. Evidence is named by the label of a tool call of
the same agent (`c3`) and by the number of a record (`CAPA-2026-0014`): both are checked before anybody relies on them.
"""

from typing import Annotated, Literal, TypeAlias

from pydantic import BaseModel, ConfigDict, Field

Severity: TypeAlias = Literal["critical", "major", "minor", "info"]
SEVERITIES: tuple[Severity, ...] = ("critical", "major", "minor", "info")
Kind: TypeAlias = Literal["insight", "action", "recommendation"]

Statement = Annotated[str, Field(min_length=3, max_length=1_000)]
Confidence = Annotated[float, Field(ge=0, le=1)]


class Evidence(BaseModel):
    """What a finding rests on."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    calls: list[str] = Field(default=[], description="Labels of the tool calls that show it, such as c3.")
    records: list[str] = Field(default=[], description="Numbers of the records it is about, such as CAPA-2026-0014.")


class Finding(BaseModel):
    """One insight, action or recommendation."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    statement: Statement = Field(description="One or two sentences that stand on their own.")
    severity: Severity = Field(description="critical, major, minor or info.")
    confidence: Confidence = Field(description="How sure you are, from 0 to 1.")
    evidence: Evidence = Field(description="The calls and records that show it.")
    subject: str = Field(
        default="", max_length=200, description="What it is about: a record, table, process, supplier."
    )
    measure: str = Field(default="", max_length=100, description="What was measured: count, status, trend, rate.")
    value: str = Field(default="", max_length=200, description="What the measure is, with its unit.")


class AgentOutput(BaseModel):
    """Everything an agent returns."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    summary: str = Field(max_length=2_000, description="Two or three sentences for somebody in a hurry.")
    insights: list[Finding] = Field(description="What is the case.")
    actions: list[Finding] = Field(description="What somebody should do now, about something found.")
    recommendations: list[Finding] = Field(description="What should change so that it does not come back.")

    def findings(self) -> list[tuple[Kind, Finding]]:
        """Return all findings with their kind."""
        return [
            *(("insight", finding) for finding in self.insights),
            *(("action", finding) for finding in self.actions),
            *(("recommendation", finding) for finding in self.recommendations),
        ]
