"""What is told of drift."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal, TypeAlias
from uuid import UUID

from pydantic import Field

from qms_mcp.services.answer import Answer
from qms_mcp.statistics.drift.model import Band

Metric: TypeAlias = Literal[
    "score", "automatic", "latency", "length", "tokens", "tools", "severities", "inputs", "errors"
]
METRICS: tuple[Metric, ...] = (
    "score", "automatic", "latency", "length", "tokens", "tools", "severities", "inputs", "errors",
)  # fmt: skip


class MetricDrift(Answer):
    """One metric compared with its reference.

    Attributes:
        severity: From 0 to 1; from 0.3 on it is severe, if p says that it is there at all.
        p: Over all metrics together (Holm).
    """

    metric: str
    band: Band
    severity: float | None = None
    baseline: float | None = None
    current: float | None = None
    p: float | None = None
    n_reference: int
    n_current: int
    method: str
    note: str = ""


class DriftReport(Answer):
    """Whether an agent has drifted."""

    headline: str
    agent: str
    drifted: bool
    since: datetime
    reference: str = Field(default="", description="What it is compared with.")
    metrics: list[MetricDrift] = Field(default=[])
    next: str = ""


@dataclass(frozen=True, slots=True)
class LatestDrift:
    """What the last comparison of a metric found."""

    agent: str
    metric: str
    score: float | None
    severity: Band
    n: int
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Reference:
    """What a metric looked like when all was well."""

    id: UUID
    metric_type: str
    n: int
    sample: dict[str, object]
    window_from: datetime
    window_to: datetime
    created_at: datetime
