"""What a training reads of the database, besides what other services keep."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING
from uuid import UUID

from qms_mcp.db.queries import query
from qms_mcp.errors import NotFoundError
from qms_mcp.services.feedback_classes.models import CATEGORIES
from qms_mcp.services.learning.evaluation.models import CaseResult

if TYPE_CHECKING:
    from qms_mcp.auth.principal import Principal
    from qms_mcp.db.database import Database

_REASONS, _DATASET = query("learning_training.reasons"), query("learning_training.dataset")
_SCORES, _ANSWERS = query("learning_training.item_scores"), query("learning_training.answers")
_WASTED, _REPORT = query("learning_training.wasted"), query("learning_training.gate_report")
_CORRECTIONS, _JUDGED = query("learning_training.corrections"), query("learning_training.judged")


@dataclass(frozen=True, slots=True)
class Reasons:
    """What speaks for a training.

    Attributes:
        drift: The gravest newest drift; None when nothing was measured.
        metric: Of what.
        average: Of feedback, without that of scorers; None when there is none.
        feedback: How much of it.
        sd: Of all scores of training data; None of fewer than two.
        scored: How many.
    """

    drift: float | None
    metric: str | None
    average: float | None
    feedback: int
    sd: float | None
    scored: int


@dataclass(frozen=True, slots=True)
class FrozenDataset:
    """A frozen dataset, and how many items each side has."""

    id: UUID
    name: str
    version: int
    content_sha256: str
    n: int
    train: int
    dev: int
    held_out: int

    @property
    def label(self) -> str:
        """`qa-good@3`."""
        return f"{self.name}@{self.version}"


@dataclass(frozen=True, slots=True)
class Correction:
    """A complaint, and the category a person gave it."""

    feedback_id: UUID
    record_id: UUID
    category: str
    number: str
    title: str
    description: str | None

    @property
    def text(self) -> str:
        """What was classified."""
        return "\n".join(part for part in (self.title, self.description) if part)


@dataclass(frozen=True, slots=True)
class _Report:
    id: UUID
    passed: bool


class TrainingRows:
    """What a training reads."""

    def __init__(self, database: "Database") -> None:
        self._database = database

    async def reasons(self, principal: "Principal", agent: str, since: datetime) -> Reasons:
        """Return what speaks for a training of an agent."""
        async with self._database.transaction(principal, read_only=True) as transaction:
            found = await transaction.fetch_one(_REASONS, {"agent": agent, "since": since}, row=Reasons)
        return found or Reasons(None, None, None, 0, None, 0)

    async def dataset(self, principal: "Principal", agent: str, named: str) -> FrozenDataset:
        """Return a frozen dataset; the agent's newest when none is named.

        Raises:
            NotFoundError: There is none.
        """
        async with self._database.transaction(principal, read_only=True) as transaction:
            params = {"agent": agent, "named": named.strip()}
            found = await transaction.fetch_one(_DATASET, params, row=FrozenDataset)
        if found is None:
            which = f" {named[:60]!r}" if named.strip() else ""
            raise NotFoundError(f"The agent {agent} has no dataset{which}.", hint="curate_dataset makes one.")
        return found

    async def scores(self, principal: "Principal", dataset_version_id: UUID) -> dict[str, tuple[float, bool]]:
        """Return of the train side how good each item is known to be, and whether a person said so, by case key."""
        async with self._database.transaction(principal, read_only=True) as transaction:
            rows = await transaction.fetch_dicts(_SCORES, {"dataset_version_id": dataset_version_id})
        return {row["key"]: (row["score"] or 0.0, row["is_validated"]) for row in rows}

    async def answers(self, principal: "Principal", results: Sequence[CaseResult]) -> list[str]:
        """Return what was answered, for results, as text."""
        runs = [one.run_id for one in results if one.run_id is not None]
        async with self._database.transaction(principal, read_only=True) as transaction:
            rows = await transaction.fetch_dicts(_ANSWERS, {"runs": runs})
        by_run = {row["id"]: json.dumps(row["output"], ensure_ascii=False) for row in rows if row["output"]}
        return [by_run.get(one.run_id, "(no answer)") for one in results]

    async def wasted(self, principal: "Principal", job_id: UUID) -> float:
        """Return what measurements of a job have cost that came to nothing, in US dollars."""
        async with self._database.transaction(principal, read_only=True) as transaction:
            return float((await transaction.fetch_dicts(_WASTED, {"job_id": job_id}))[0]["cost_usd"])

    async def judged(self, principal: "Principal", job_id: UUID) -> float:
        """Return what the gates have cost in a job, in US dollars."""
        async with self._database.transaction(principal, read_only=True) as transaction:
            return float((await transaction.fetch_dicts(_JUDGED, {"job_id": job_id}))[0]["cost_usd"])

    async def gate_report(
        self, principal: "Principal", job_id: UUID, version_id: UUID, baseline_id: UUID, dataset_version_id: UUID
    ) -> tuple[UUID, bool] | None:
        """Return the report of the gates made since a job was asked for, and whether they were passed."""
        params = {
            "job_id": job_id,
            "version_id": version_id,
            "baseline_id": baseline_id,
            "dataset_version_id": dataset_version_id,
        }
        async with self._database.transaction(principal, read_only=True) as transaction:
            found = await transaction.fetch_one(_REPORT, params, row=_Report)
        return (found.id, found.passed) if found else None

    async def corrections(self, principal: "Principal") -> list[Correction]:
        """Return what people corrected, in an order that does not change."""
        async with self._database.transaction(principal, read_only=True) as transaction:
            return await transaction.fetch_all(_CORRECTIONS, {"categories": list(CATEGORIES)}, row=Correction)
