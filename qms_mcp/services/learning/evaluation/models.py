"""What an evaluation is made of: cases, what a version did with them, scores, and what came of it all."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from types import MappingProxyType
from typing import Any, Literal, Protocol, TypeAlias
from uuid import UUID

from qms_mcp.agents.outputs import AgentOutput
from qms_mcp.services.learning.evaluation.expecting import NOTHING, Expected

EvaluationPurpose: TypeAlias = Literal["score", "trial", "safety"]
Split: TypeAlias = Literal["train", "dev", "test", "all"]
Group: TypeAlias = Literal["form", "task", "judge"]
COMPOSITE, JUDGE = "score", "judge"
MOST_CASES = 500


@dataclass(frozen=True, slots=True)
class Case:
    """Something to be answered, and what a good answer is.

    Attributes:
        key: The same for every version that is measured on it.
        request: What is asked.
        expected: What a good answer has; nothing, where there is no telling.
        subject: What to look at.
        inputs: Answers of other agents it is given.
        slices: What results are looked at by.
        item_id: Of the dataset, if it is from one.
        seconds: How long it may take; as long as its agent may if left out.
    """

    key: str
    request: str
    expected: Expected = NOTHING
    subject: str = ""
    inputs: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType(dict[str, Any]()))
    slices: Mapping[str, str] = field(default_factory=lambda: MappingProxyType(dict[str, str]()))
    item_id: UUID | None = None
    seconds: int | None = None


@dataclass(frozen=True, slots=True)
class Ran:
    """What a version did with a case.

    Attributes:
        run_id: Its last run; None when there was none.
        status: `completed`, `partial`, `failed`; `missing` when there was no run.
        output: Its answer.
        stop: Why it had to stop.
        error: What went wrong.
        outside: Why this says nothing about the version: it was cancelled, the API was away, the budget was spent.
        fallback: Why the playbook answered.
        calls: Tool calls it made.
        failed_calls: Those that failed.
        citations: Calls, records and documents its findings name.
        valid_citations: Those that are there.
        duration_ms: From its start to its end.
        cost_usd: Estimated, over all attempts.
        tokens: Input and output together.
    """

    key: str
    run_id: UUID | None = None
    status: str = "missing"
    output: AgentOutput | None = None
    stop: str = ""
    error: str = ""
    outside: str = ""
    fallback: str = ""
    model: str = ""
    calls: int = 0
    failed_calls: int = 0
    citations: int = 0
    valid_citations: int = 0
    duration_ms: int | None = None
    cost_usd: float = 0.0
    tokens: int = 0
    called: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Scored:
    """A score from 0 to 1, and what it is made of."""

    value: float
    details: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType(dict[str, Any]()))


class Scorer(Protocol):
    """Gives a case a score."""

    @property
    def name(self) -> str:
        """As results call it."""
        ...

    @property
    def version(self) -> str:
        """Raised whenever the same answer could get another score."""
        ...

    @property
    def group(self) -> Group:
        """What it is weighted with."""
        ...

    @property
    def veto(self) -> bool:
        """Whether a score of 0 makes the whole case 0."""
        ...

    def score(self, case: Case, ran: Ran) -> Scored | None:
        """Return the score; None where there is nothing to tell it by."""
        ...


@dataclass(frozen=True, slots=True)
class CaseResult:
    """A case, as a version answered it.

    Attributes:
        score: Of the whole, from 0 to 1.
        scores: By scorer.
        groups: Of which group each scorer is.
        missing: Groups nothing could be told by.
        vetoed: The scorer that made the whole 0.
        details: Of each scorer.
    """

    key: str
    score: float
    scores: Mapping[str, float]
    groups: Mapping[str, Group]
    run_id: UUID | None
    status: str
    missing: tuple[str, ...] = ()
    vetoed: str = ""
    error: str = ""
    outside: str = ""
    slices: Mapping[str, str] = field(default_factory=lambda: MappingProxyType(dict[str, str]()))
    latency_ms: int | None = None
    cost_usd: float = 0.0
    item_id: UUID | None = None
    details: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType(dict[str, Any]()))


@dataclass(frozen=True, slots=True)
class Evaluation:
    """A version, measured.

    Attributes:
        state: `completed`; `failed` when something other than the version kept cases from being answered: then the
            score says nothing, and asked for again it is measured anew.
        n: Cases.
        score: Mean over all cases.
        cost_usd: Of runs and judge.
        summary: Means by scorer and slice, interval, cost, latency, how many failed, whether there was a judge.
        spec: What it was measured with.
    """

    id: UUID
    agent: str
    version_id: UUID
    version: str
    dataset_version_id: UUID | None
    purpose: EvaluationPurpose
    split: Split
    spec: Mapping[str, Any]
    spec_sha256: str
    dispatch_id: UUID | None
    job_id: UUID | None
    state: Literal["running", "completed", "failed"]
    n: int
    score: float | None
    cost_usd: float
    summary: Mapping[str, Any]
    error: str | None
    created_at: datetime
    finished_at: datetime | None


@dataclass(frozen=True, slots=True)
class DatasetCases:
    """The cases of one side of a frozen dataset.

    Attributes:
        content_sha256: Of the whole version of the dataset.
        left_out: Cases beyond the cap; which ones are left out depends on their hashes alone.
        validated: Cases whose good answer a person has judged on the review page.
    """

    dataset_version_id: UUID
    name: str
    version: int
    content_sha256: str
    split: Split
    cases: Sequence[Case]
    left_out: int = 0
    validated: int = 0

    @property
    def label(self) -> str:
        """`qa-good@3`."""
        return f"{self.name}@{self.version}"
