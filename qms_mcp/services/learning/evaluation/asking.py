"""Measuring as a caller asks for it: a job per version, joined when it is under way, followed for a while.

The key of a job is the hash of what it measures, so the same call joins the same job, in whatever process. One that
failed stays the answer until it is asked for again on purpose: to look is not to pay.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from uuid import UUID

import anyio

from qms_mcp.errors import InvalidInputError, NotFoundError
from qms_mcp.services.learning.evaluation.answers import ModelScore, comparison_parts, in_words, model_score
from qms_mcp.services.learning.evaluation.models import DatasetCases, Evaluation, Split
from qms_mcp.services.learning.evaluation.rows import EvaluationRows
from qms_mcp.services.learning.evaluation.service import KIND, Evaluations, Terms, job_spec, spec_hash

if TYPE_CHECKING:
    from qms_mcp.auth.principal import Principal
    from qms_mcp.db.database import Database
    from qms_mcp.services.dispatch.service import Dispatches
    from qms_mcp.services.jobs.models import JobRow
    from qms_mcp.services.jobs.service import Jobs
    from qms_mcp.services.learning.versions import VersionRow, Versions

_LOOK = 0.25
_MOST_TRIES = 100


@dataclass(frozen=True, slots=True)
class Asked:
    """What is to be measured.

    Attributes:
        version: An id, `qa@3f2a9c41d0e7`, or an alias.
        dataset: An id, `name@3`, or a name.
        against: Another version to compare with; none if empty.
        budget_usd: For each version; None: what may be spent without asking a person.
        most: Cases at most.
        again: Whether to measure anew what failed.
    """

    agent: str
    version: str
    dataset: str
    against: str = ""
    split: Split = "test"
    judge: bool = True
    budget_usd: float | None = None
    most: int = 500
    again: bool = False


class Measuring:
    """Opens and follows evaluation jobs.

    Args:
        database: Where they are.
        evaluations: What they do.
        versions: Of agents.
        jobs: Runs them.
        dispatches: Says how far their cases are.
    """

    def __init__(
        self,
        database: "Database",
        evaluations: Evaluations,
        versions: "Versions",
        jobs: "Jobs",
        dispatches: "Dispatches",
    ) -> None:
        self._rows = EvaluationRows(database)
        self._evaluations = evaluations
        self._versions = versions
        self._jobs = jobs
        self._dispatches = dispatches

    async def score(
        self, principal: "Principal", asked: Asked, seconds: float, tell: Callable[[str], Awaitable[None]]
    ) -> ModelScore:
        """Return the score of a version, or how far it is after `seconds`.

        Raises:
            InvalidInputError: There is no such agent, no case, both versions are one, or the budget needs a person.
            NotFoundError: There is no such version or dataset.
            NotAllowedError: The caller only reads.
        """
        version = await self._versions.find(principal, asked.agent, asked.version)
        other = await self._versions.find(principal, asked.agent, asked.against) if asked.against else None
        if other is not None and other.id == version.id:
            raise InvalidInputError(f"Both are {version.version}.", hint="Compare with another; list_models shows all.")
        cases = await self._evaluations.cases(principal, asked.agent, asked.dataset, asked.split, most=asked.most)
        budget = self._budget(asked.budget_usd)
        jobs = [
            await self._opened(principal, one, cases, asked, budget)
            for one in (version, other)
            if one is not None
        ]  # fmt: skip
        with anyio.move_on_after(seconds):
            await self._follow(principal, jobs, tell)
        jobs = [await self._jobs.get(principal, str(job.id)) for job in jobs]
        return await self._answer(principal, version, other, cases, jobs)

    def _budget(self, wanted: float | None) -> float | None:
        if self._dispatches.claude is None:
            return wanted
        most = self._dispatches.approve_above_usd
        if wanted is not None and wanted > most:
            raise InvalidInputError(
                f"More than {most:g} USD at a time needs a person.",
                hint="Measure on fewer cases, or have QMS_APPROVE_ABOVE_USD raised.",
            )
        return most if wanted is None else wanted

    async def _opened(
        self, principal: "Principal", version: "VersionRow", cases: DatasetCases, asked: Asked, budget: float | None
    ) -> "JobRow":
        key = spec_hash(self._evaluations.spec(version, cases, Terms(judge=asked.judge)))[:40]
        found = await self._last(principal, key)
        if found is not None and not (asked.again and _failed(found)):
            # Started already, it is left alone; begun by a process that is gone, it goes on here.
            return await self._jobs.open(principal, KIND, found.key, found.spec)
        place = int(found.key.rsplit("-", 1)[1]) + 1 if found else 0
        spec = job_spec(
            asked.agent, version.version, str(cases.dataset_version_id), split=asked.split, judge=asked.judge,
            budget_usd=budget, most=asked.most,
        )  # fmt: skip
        return await self._jobs.open(principal, KIND, f"evaluation-{key}-{place}", spec)

    async def _last(self, principal: "Principal", key: str) -> "JobRow | None":
        """Return the newest job for this: those before it failed."""
        last: JobRow | None = None
        for place in range(_MOST_TRIES):
            try:
                last = await self._jobs.get(principal, f"evaluation-{key}-{place}")
            except NotFoundError:
                break
            if not _failed(last):
                break
        return last

    async def _follow(
        self, principal: "Principal", jobs: "list[JobRow]", tell: Callable[[str], Awaitable[None]]
    ) -> None:
        told = ""
        while True:
            now = [await self._jobs.get(principal, str(job.id)) for job in jobs]
            if all(job.finished for job in now):
                return
            sentence = "; ".join([await self._stage(principal, job) for job in now if not job.finished])
            if sentence != told:
                await tell(sentence)
                told = sentence
            await anyio.sleep(_LOOK)

    async def _stage(self, principal: "Principal", job: "JobRow") -> str:
        dispatch_id = await self._rows.dispatch_of(principal, job.id)
        if dispatch_id is None:
            return job.stage or job.state
        progress = await self._dispatches.progress(principal, dispatch_id)
        return f"{job.spec['version']}: {progress.settled} of {progress.tasks} cases"

    async def _answer(
        self,
        principal: "Principal",
        version: "VersionRow",
        other: "VersionRow | None",
        cases: DatasetCases,
        jobs: "list[JobRow]",
    ) -> ModelScore:
        label = f"{cases.label} ({cases.split})"
        waiting = [job for job in jobs if not job.finished]
        if waiting:
            stages = "; ".join([await self._stage(principal, job) for job in waiting])
            words = f"Still measuring: {stages}. The same call joins it and says how far it is."
            return ModelScore(headline=words, state="running", version=version.version, dataset=label)
        broken = next((job for job in jobs if job.result is None), None)
        if broken is not None:
            words = f"Measuring {broken.spec['version']} failed: {broken.error or broken.state}. Try with again=true."
            return ModelScore(headline=words, state="failed", version=version.version, dataset=label)
        measured = [await self._rows.get(principal, _evaluation_of(job)) for job in jobs]
        results = await self._evaluations.results(principal, measured[0].id)
        said = model_score(measured[0], results, label, cases.left_out)
        return said if other is None else await self._compared(principal, said, measured)

    async def _compared(self, principal: "Principal", said: ModelScore, measured: list[Evaluation]) -> ModelScore:
        after, before = measured
        failed = next((one for one in measured if one.state != "completed"), None)
        if failed is not None:
            words = f"{failed.version} was not measured, so nothing is compared. {failed.error} Try with again=true."
            return said.model_copy(update={"state": "failed", "headline": words})
        found = await self._evaluations.compare(principal, before, after)
        words = in_words(found, before.version, after.version)
        parts: dict[str, Any] = comparison_parts(found, before.version, words)
        return said.model_copy(update={"headline": f"{said.headline} {words}", "against": parts})


def _failed(job: "JobRow") -> bool:
    """Whether a job ended without a measurement that says something."""
    return job.finished and (job.result is None or job.result.get("state") != "completed")


def _evaluation_of(job: "JobRow") -> UUID:
    return UUID(str((job.result or {})["evaluation_id"]))
