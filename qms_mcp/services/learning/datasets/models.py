"""What a dataset is made of: feedback on runs, items chosen from it, and frozen versions.

An item says what was asked and what is expected of an answer:

    {"answer": {...}}                                a good answer, as agents write it
    {"rubric": "...", "must_mention": [...]}         of a poor answer: what a person said was missing ("hard" case)

Items of a version, in their order, have one hash over all that matters of them; the hash is the version.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from types import MappingProxyType
from typing import Any, Literal, TypeAlias
from uuid import UUID

from qms_mcp.services.answer import Answer

Side: TypeAlias = Literal["train", "dev", "test"]
Validated: TypeAlias = Literal["only", "weighted"]
Standing: TypeAlias = Literal["human", "relayed", "judge", "automatic"]
SIDES: tuple[Side, ...] = ("train", "dev", "test")
# What somebody's feedback weighs. A person at the review page has seen the answer; a model that passes on what its user
# said may have misheard; a judge is calibrated against people; a scorer sees the form alone.
WEIGHTS: Mapping[Standing, float] = MappingProxyType({"human": 1.0, "relayed": 0.6, "judge": 0.3, "automatic": 0.1})
STANDINGS: tuple[Standing, ...] = ("human", "relayed", "judge", "automatic")
LONGEST = 32_768
FEWEST_GROUPS = 3


@dataclass(frozen=True, slots=True)
class TrainingRow:
    """One feedback on one answer.

    Attributes:
        run_id: The run that answered; None for what was written by hand.
        input: What was asked; None where input and output together are too long.
        inputs: Answers of other agents its agent was given.
        standing: Whose feedback it is.
        given_by: Who gave it.
        group_key: The conversation.
        created_at: Of several of one person the latest counts.
    """

    id: UUID
    run_id: UUID | None
    feedback_id: UUID | None
    input: Any
    output: Any
    too_long: bool
    inputs: Mapping[str, Any]
    score: float | None
    is_validated: bool
    standing: Standing
    given_by: UUID | None
    group_key: str
    agent_version: str
    label: str
    comment: str
    details: Mapping[str, Any]
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Draft:
    """An item before it has a place in a version.

    Attributes:
        request: What is asked.
        subject: What to look at.
        inputs: Answers of other agents that were given along.
        expected: What a good answer is, or what has to be in one.
        standing: The highest standing of its feedback; `weight` follows from it.
        score: By that feedback; None for what was written by hand.
        slices: What results are looked at by.
    """

    group_key: str
    request: str
    subject: str
    inputs: Mapping[str, Any]
    expected: Mapping[str, Any]
    standing: Standing
    score: float | None
    is_validated: bool
    slices: Mapping[str, str]
    run_ids: tuple[UUID, ...] = ()
    feedback_ids: tuple[UUID, ...] = ()
    created_at: datetime | None = None

    @property
    def weight(self) -> float:
        """What it counts in a mean, from 0 to 1."""
        return WEIGHTS[self.standing]

    @property
    def asked(self) -> dict[str, Any]:
        """The input as it is stored; empty parts are left out."""
        parts: dict[str, Any] = {"request": self.request, "subject": self.subject, "inputs": dict(self.inputs)}
        return {name: part for name, part in parts.items() if part}


@dataclass(frozen=True, slots=True)
class Spec:
    """How a dataset is chosen; with the same feedback the same spec gives the same dataset.

    Attributes:
        quality_threshold: Score from which an answer is good, 0 to 1.
        validated: `only` what a person validated, or all, `weighted` by standing.
        since: Feedback from then on; `until` before then.
        min_n: Fewer items are refused.
        balance: At most so many items of the same slices; None: all.
        shares: Of conversations on the sides train, dev and test.
        seed: Of the split; None: that of the version before, else the smallest that leaves no side empty.
        mask: Whether secrets and personal data are masked.
        identifiers: Words before a number that make it personal: `LOT` masks `LOT-2024-17`.
    """

    quality_threshold: float = 0.7
    validated: Validated = "weighted"
    since: datetime | None = None
    until: datetime | None = None
    min_n: int = 3
    balance: int | None = None
    shares: tuple[float, float, float] = (0.6, 0.2, 0.2)
    seed: int | None = None
    mask: bool = True
    identifiers: tuple[str, ...] = ()

    def stored(self) -> dict[str, Any]:
        """Return it as JSON."""
        return {
            "quality_threshold": self.quality_threshold,
            "validated": self.validated,
            "since": self.since.isoformat() if self.since else None,
            "until": self.until.isoformat() if self.until else None,
            "min_n": self.min_n,
            "balance": self.balance,
            "shares": list(self.shares),
            "seed": self.seed,
            "mask": self.mask,
            "identifiers": list(self.identifiers),
        }


@dataclass(frozen=True, slots=True)
class DatasetItem:
    """One case of a frozen dataset.

    Attributes:
        position: From 1, in the order of hashes.
        group_key: The conversation; all of one are on the same side.
        expected: See the module.
        score: Of the answer it comes from.
        weight: What it counts in a mean.
        slices: What results are looked at by.
        item_sha256: Of what is asked and expected.
        run_ids: Where it comes from; of duplicates all of them.
    """

    id: UUID | None
    position: int
    group_key: str
    split: Side
    request: str
    expected: Mapping[str, Any]
    score: float | None
    weight: float
    is_validated: bool
    item_sha256: str
    subject: str = ""
    inputs: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType(dict[str, Any]()))
    slices: Mapping[str, str] = field(default_factory=lambda: MappingProxyType(dict[str, str]()))
    run_ids: tuple[UUID, ...] = ()
    feedback_ids: tuple[UUID, ...] = ()


@dataclass(frozen=True, slots=True)
class DatasetVersion:
    """A dataset as it was frozen.

    Attributes:
        content_sha256: Of all its items in order, with their sides.
        n: Items.
        spec: How they were chosen.
        report: How many of them are where, and what was left out and why.
    """

    id: UUID
    dataset_id: UUID
    name: str
    model_name: str
    version: int
    content_sha256: str
    n: int
    spec: Mapping[str, Any]
    report: Mapping[str, Any]
    created_by: UUID
    created_kind: str
    created_at: datetime

    @property
    def label(self) -> str:
        """`qa-feedback@3`."""
        return f"{self.name}@{self.version}"


@dataclass(frozen=True, slots=True)
class Frozen:
    """Items with their hash, before or without being stored."""

    items: tuple[DatasetItem, ...]
    content_sha256: str
    seed: int
    report: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Curated:
    """What a curation came to.

    Attributes:
        version: None for a dry run of what is not there yet.
        unchanged: The same content was frozen before: that version is returned.
    """

    agent: str
    name: str
    version: DatasetVersion | None
    content_sha256: str
    n: int
    report: Mapping[str, Any]
    unchanged: bool
    dry_run: bool


@dataclass(frozen=True, slots=True)
class DatasetPage:
    """Versions of datasets, the newest first."""

    total: int
    versions: tuple[DatasetVersion, ...]
    next_cursor: str


class CuratedDataset(Answer):
    """A dataset, frozen.

    Attributes:
        dataset: `name@version`; empty for a dry run.
        sides: Items by side.
        left_out: How many were left out, by why.
        masked: How much was masked, by what.
    """

    headline: str
    dataset: str = ""
    sha256: str
    n: int
    sides: dict[str, int]
    slices: dict[str, dict[str, int]]
    left_out: dict[str, int]
    masked: dict[str, int]
    notes: list[str]
