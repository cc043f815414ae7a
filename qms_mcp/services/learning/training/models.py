"""What a training is asked to do, what it came to, and what callers are told."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Annotated, Any, Literal, TypeAlias, cast
from uuid import UUID

from pydantic import Field, WithJsonSchema

from qms_mcp.services.answer import Answer

TrainingMode: TypeAlias = Literal["threshold", "manual", "schedule"]
TrainingMethod: TypeAlias = Literal["auto", "exemplars", "gepa", "classifier"]
KIND = "training"
AGENT_WITH_CLASSIFIER = "feedback"


@dataclass(frozen=True, slots=True)
class TrainingSpec:
    """What a training job does; the same does the same.

    Attributes:
        agent: Whose version is to be made.
        method: What is looked for.
        dataset_version_id: The frozen dataset; None where the classifier learns from corrected classes alone.
        dataset_sha256: Its content; of the corrections, where there is no dataset.
        parent_id: The version that is to be bettered.
        seed: Of all that is drawn.
        budget_usd: For runs and questions to models.
        most_cases: How many cases of a side are answered at most.
        most_calls: How many cases the optimiser may have answered in all.
        mode: Why it was begun.
    """

    agent: str
    method: TrainingMethod
    dataset_version_id: UUID | None
    dataset_sha256: str
    parent_id: UUID
    parent: str
    seed: int
    budget_usd: float
    most_cases: int
    most_calls: int
    mode: TrainingMode = "manual"

    def stored(self) -> dict[str, Any]:
        """Return it as JSON."""
        row = asdict(self)
        row["dataset_version_id"] = str(self.dataset_version_id) if self.dataset_version_id else None
        return {**row, "parent_id": str(self.parent_id)}

    @classmethod
    def read(cls, stored: Mapping[str, Any]) -> "TrainingSpec":
        """Return it from JSON."""
        known = {name: stored[name] for name in cls.__slots__ if name in stored}
        dataset = cast("str | None", stored.get("dataset_version_id"))
        known |= {"dataset_version_id": UUID(dataset) if dataset else None, "parent_id": UUID(str(stored["parent_id"]))}
        return cls(**known)


@dataclass(frozen=True, slots=True)
class Readiness:
    """Whether there is reason and material for a training.

    Attributes:
        drift: The gravest severity found lately, from 0 to 1; None when nothing was measured.
        average: Of feedback lately; None when there was none.
        samples: In the dataset.
        held_out: Of them, those a version is judged by in the end.
        words: All of this in a sentence or two.
        missing: What keeps it from being begun; empty when nothing does.
    """

    drift: float | None
    average: float | None
    samples: int
    held_out: int
    words: str
    missing: str = ""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a training came to, as its job keeps it.

    Attributes:
        version: The proposed version; empty when nothing better was found.
        before: Mean score of the parent on the development side; `after` that of the proposal.
        gates: Id of the report of the gates; empty when they could not be asked.
        passed: Whether it may be put to a person.
        stopped: Why it ended early: `budget`, `optimiser`; empty when it did not.
        dropped: Proposals of the optimiser that could not be used, by why.
    """

    version: str
    version_id: str
    before: float | None
    after: float | None
    gates: str
    passed: bool | None
    cost_usd: float
    stopped: str
    dropped: Mapping[str, int]
    stages: Sequence[Mapping[str, Any]]
    words: str


class TrainingReport(Answer):
    """Where a training stands.

    Attributes:
        state: `queued`, `running`, `completed`, `failed`, `cancelled`.
        samples: Whether there were enough, and why.
        proposal: The version it proposes.
        gates: `passed`, `failed` or why they were not asked.
        next: What to do now, and who has to.
    """

    headline: str
    job_id: str
    state: str
    stage: str = ""
    samples: str = ""
    cost_usd: float | None = None
    proposal: str = ""
    before: float | None = None
    after: float | None = None
    gates: str = ""
    stages: Annotated[list[dict[str, Any]], WithJsonSchema({"type": "array"})] = Field(
        default_factory=list[dict[str, Any]]
    )
    next: str = ""

    @property
    def finished(self) -> bool:
        """Whether it has ended."""
        return self.state not in {"queued", "running"}
