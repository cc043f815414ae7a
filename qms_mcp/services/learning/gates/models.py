"""Gates: what they ask for, what each found, and the report."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from math import isfinite
from types import MappingProxyType
from typing import Any, Literal, TypeAlias, cast
from uuid import UUID

GateName: TypeAlias = Literal["threshold", "regression", "slices", "safety", "cost", "latency"]
GATES: tuple[GateName, ...] = ("threshold", "regression", "slices", "safety", "cost", "latency")


@dataclass(frozen=True, slots=True)
class GateLimits:
    """What a version has to reach.

    Attributes:
        score: The lower end of the interval of its mean score, from 0 to 1.
        least_cases: Cases that have to be held out: with fewer an interval says little.
        margin: By how much its mean score may be lower than that of the version in production, as far as can be told.
        alpha: How sure a loss in one slice has to be, over all slices together.
        least_in_slice: Cases a slice needs to be looked at.
        cost_ratio: How many times as much a case may cost.
        cost_slack_usd: So much more a case is no matter, whatever the ratio.
        latency_ratio: How many times as long the slow cases (95 % quantile) may take.
        latency_slack_ms: A difference below this is none to a person, whatever the ratio.
        least_judged: Share of the answers the judge must give a usable score.
        most_inconsistent: Share of its scores in which the judge may disagree with itself.
    """

    score: float = 0.7
    least_cases: int = 8
    margin: float = 0.02
    alpha: float = 0.05
    least_in_slice: int = 5
    cost_ratio: float = 1.5
    cost_slack_usd: float = 0.01
    latency_ratio: float = 1.5
    latency_slack_ms: float = 2_000.0
    least_judged: float = 0.95
    most_inconsistent: float = 0.2


@dataclass(frozen=True, slots=True)
class Check:
    """What one gate found.

    Attributes:
        value: What was measured; None: it could not be, so it is not passed.
        limit: What it is held against.
        why: In a sentence.
        numbers: What else belongs to it.
    """

    gate: GateName
    passed: bool
    value: float | None
    limit: float | None
    why: str
    numbers: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType(dict[str, Any]()))

    def as_json(self) -> dict[str, Any]:
        """Return it as it is kept; what is no number is nothing."""
        return finite({**asdict(self), "numbers": dict(self.numbers)})


def finite(value: Any) -> Any:
    """Return a value with None in place of what JSON has no word for: infinity, and what is no number."""
    if isinstance(value, float):
        return value if isfinite(value) else None
    if isinstance(value, Mapping):
        return {str(name): finite(one) for name, one in cast("Mapping[Any, Any]", value).items()}
    if isinstance(value, list | tuple):
        return [finite(one) for one in cast("Sequence[Any]", value)]
    return value


@dataclass(frozen=True, slots=True)
class GateReport:
    """What the gates said of a version.

    Attributes:
        baseline: What it was compared with.
        dataset_version_id: What it was measured on; the side that is held out.
        passed: Whether every gate was.
        content: The report, for people.
    """

    id: UUID
    agent: str
    version_id: UUID
    version: str
    baseline_id: UUID
    baseline: str
    dataset_version_id: UUID
    passed: bool
    checks: Sequence[Mapping[str, Any]]
    content: str
    content_sha256: str
    created_at: datetime

    @property
    def failed(self) -> list[str]:
        """The gates that were not passed, each with why."""
        return [f"{one['gate']}: {one['why']}" for one in self.checks if not one["passed"]]
