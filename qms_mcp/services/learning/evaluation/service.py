"""Evaluations: a version runs cases, every case is scored, and the result is kept and not paid for again.

What is measured with what has a hash: the version, the cases, the scorers and their versions, the judge, the seed.
Asked for again, a finished evaluation of that hash is the answer; one under way is joined. The cases are tasks of a
dispatch under a key of its own, scores are rows that are added once, and a judge hears its own answers again: so the
work can be repeated from its beginning after a crash and comes to the same end.
"""

import hashlib
import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias, cast
from uuid import UUID

import anyio

from qms_mcp.errors import InvalidInputError, TakenOverError
from qms_mcp.services.learning.evaluation.comparing import Comparison, check_comparable, comparison_of
from qms_mcp.services.learning.evaluation.form import FORM
from qms_mcp.services.learning.evaluation.judging import Grader, Judged, judged
from qms_mcp.services.learning.evaluation.mirroring import mirror
from qms_mcp.services.learning.evaluation.models import (
    MOST_CASES,
    Case,
    CaseResult,
    DatasetCases,
    Evaluation,
    EvaluationPurpose,
    Ran,
    Scored,
    Scorer,
    Split,
)
from qms_mcp.services.learning.evaluation.reading import dataset_cases, fingerprint
from qms_mcp.services.learning.evaluation.rows import EvaluationRows
from qms_mcp.services.learning.evaluation.running import runs_of, task_of
from qms_mcp.services.learning.evaluation.summarizing import summary_of
from qms_mcp.services.learning.evaluation.tasks import TASK
from qms_mcp.services.learning.evaluation.weighing import WEIGHTS, result_of
from qms_mcp.statistics.experiments.slices import MINIMUM
from qms_mcp.statistics.intervals import LEVEL

if TYPE_CHECKING:
    from qms_mcp.auth.principal import Principal
    from qms_mcp.db.database import Database
    from qms_mcp.services.dispatch.service import Dispatches
    from qms_mcp.services.jobs.models import RunningJob
    from qms_mcp.services.jobs.service import Jobs
    from qms_mcp.services.learning.versions import VersionRow, Versions

KIND = "evaluation"
SCORERS: tuple[Scorer, ...] = (*FORM, *TASK)
_LAST_WORDS = 5.0
NO_JUDGE = "there is no key for the Claude API, so no judge"
NOT_ASKED = "it was not asked"
Tell: TypeAlias = Callable[[str], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Terms:
    """What a version is measured with.

    Attributes:
        purpose: `score`; `trial` of an optimiser; `safety`.
        scorers: Who gives scores, beside the judge.
        judge: Whether to ask the judge, if there is one.
        budget_usd: For runs and judge together; None: no limit.
        seed: Of intervals.
        at_once: Cases side by side.
    """

    purpose: EvaluationPurpose = "score"
    scorers: tuple[Scorer, ...] = SCORERS
    judge: bool = True
    budget_usd: float | None = None
    seed: int = 0
    at_once: int = 5


DEFAULT = Terms()


class Evaluations:
    """The evaluations of an organization.

    Args:
        database: Where they are.
        dispatches: Runs the cases.
        versions: Of agents.
        judge: Grades answers; None: there is none.
        to_langfuse: Whether evaluations are mirrored there.
    """

    def __init__(
        self,
        database: "Database",
        dispatches: "Dispatches",
        versions: "Versions",
        judge: Grader | None = None,
        *,
        to_langfuse: bool = False,
    ) -> None:
        self._database = database
        self._dispatches = dispatches
        self._versions = versions
        self._judge = judge
        self._to_langfuse = to_langfuse
        self._rows = EvaluationRows(database)

    def register(self, jobs: "Jobs") -> None:
        """Say what an evaluation job does."""
        jobs.register(KIND, self.work)

    async def cases(
        self, principal: "Principal", agent: str, dataset: str, split: Split = "test", *, most: int = MOST_CASES
    ) -> DatasetCases:
        """Return the cases of one side of a frozen dataset: an id, `name@3`, or a name for its newest version.

        Raises:
            NotFoundError: There is no such dataset.
            InvalidInputError: It is another agent's, or has no case on this side.
        """
        return await dataset_cases(self._database, principal, agent, dataset, split, most=most)

    def spec(
        self, version: "VersionRow", cases: DatasetCases | Sequence[Case], terms: Terms = DEFAULT
    ) -> dict[str, Any]:
        """Return what makes one evaluation another; how much may be spent does not."""
        asked = _listed(cases)
        return {
            "agent": version.agent,
            "version": version.version,
            "purpose": terms.purpose,
            "dataset": cases.label if isinstance(cases, DatasetCases) else None,
            "dataset_sha256": cases.content_sha256 if isinstance(cases, DatasetCases) else None,
            "split": cases.split if isinstance(cases, DatasetCases) else "all",
            "cases": fingerprint(asked),
            "n": len(asked),
            "scorers": {one.name: one.version for one in terms.scorers},
            "weights": dict(WEIGHTS),
            "judge": self._judge.version if self._judge and self._asks(terms) else None,
            "with_model": self._dispatches.claude is not None,
            "seed": terms.seed,
        }

    async def evaluate(
        self,
        principal: "Principal",
        version: "VersionRow",
        cases: DatasetCases | Sequence[Case],
        terms: Terms = DEFAULT,
        *,
        job_id: UUID | None = None,
        tell: Tell | None = None,
    ) -> Evaluation:
        """Return a version's evaluation on cases, measured now unless it has been; look at its `state`.

        Args:
            principal: On whose behalf; the runs of the cases are theirs.
            version: What is measured.
            cases: One side of a frozen dataset, or cases of one's own.
            terms: What it is measured with.
            job_id: The job it is part of.
            tell: Is told what is being done.

        Raises:
            InvalidInputError: There is no case, there are too many, or two of them have one key.
            UnavailableError: Nobody can run agents here.
            NotAllowedError: The caller only reads.
        """
        asked = _listed(cases)
        spec = self.spec(version, cases, terms)
        row = {
            "agent": version.agent,
            "version_id": version.id,
            "dataset_version_id": cases.dataset_version_id if isinstance(cases, DatasetCases) else None,
            "purpose": terms.purpose,
            "split": spec["split"],
            "spec": spec,
            "spec_sha256": spec_hash(spec),
            "job_id": job_id,
            "n": len(asked),
        }
        opened = await self._rows.open(principal, row)
        if opened.state != "running":
            return opened
        try:
            ran = await self._run(principal, opened, version, asked, terms, tell or _silent)
            measured = await self._finish(principal, opened, asked, ran, terms, tell or _silent)
        except (anyio.get_cancelled_exc_class(), TakenOverError):
            with anyio.CancelScope(shield=True), anyio.move_on_after(_LAST_WORDS):
                await self._stop(principal, opened, job_id, terms)
            raise
        if self._to_langfuse and isinstance(cases, DatasetCases) and terms.purpose == "score":
            results = await self.results(principal, measured.id)
            await mirror(self._database, principal, await self.get(principal, measured.id), cases, results)
        return measured

    async def get(self, principal: "Principal", evaluation_id: UUID) -> Evaluation:
        """Return an evaluation.

        Raises:
            NotFoundError: There is none of this id.
        """
        return await self._rows.get(principal, evaluation_id)

    async def results(self, principal: "Principal", evaluation_id: UUID) -> list[CaseResult]:
        """Return the results of all cases of a finished evaluation."""
        return await self._rows.results(principal, evaluation_id)

    async def latest(
        self, principal: "Principal", version_id: UUID, dataset_version_id: UUID, split: Split = "test"
    ) -> Evaluation | None:
        """Return the newest completed evaluation of a version on one side of a dataset, whatever it was scored with."""
        params = {"version_id": version_id, "dataset_version_id": dataset_version_id, "split": split}
        return await self._rows.latest(principal, {**params, "purpose": "score"})

    async def compare(
        self,
        principal: "Principal",
        before: Evaluation,
        after: Evaluation,
        *,
        level: float = LEVEL,
        minimum: int = MINIMUM,
        seed: int = 0,
    ) -> Comparison:
        """Return how the second of two evaluations compares with the first, case by case.

        Raises:
            ConflictError: One did not complete, or they differ in cases, scorers or judge.
            InvalidInputError: There are fewer than two cases.
        """
        check_comparable(before, after)
        first, second = await self.results(principal, before.id), await self.results(principal, after.id)
        return comparison_of(first, second, level=level, minimum=minimum, seed=seed)

    async def work(self, job: "RunningJob") -> Mapping[str, Any]:
        """Do what an evaluation job is for; see `job_spec`."""
        asked = job.spec
        version = await self._versions.find(job.principal, asked["agent"], asked["version"])
        cases = await self.cases(
            job.principal, asked["agent"], asked["dataset"], cast("Split", asked["split"]), most=asked["most"]
        )
        terms = Terms(judge=asked["judge"], budget_usd=asked["budget_usd"], seed=asked["seed"])
        measured = await self.evaluate(job.principal, version, cases, terms, job_id=job.id, tell=job.note)
        return {
            "evaluation_id": str(measured.id),
            "state": measured.state,
            "score": measured.score,
            "error": measured.error,
        }

    async def _run(
        self,
        principal: "Principal",
        opened: Evaluation,
        version: "VersionRow",
        cases: Sequence[Case],
        terms: Terms,
        tell: Tell,
    ) -> list[Ran]:
        await tell(f"running {len(cases)} cases with {version.version}")
        dispatch = await self._dispatches.open_cases(
            principal,
            [task_of(case, version) for case in cases],
            purpose="trial" if terms.purpose == "trial" else "evaluation",
            run_key=f"evaluation-{opened.id}",
            at_once=min(terms.at_once, len(cases)),
            budget_usd=terms.budget_usd,
        )
        await self._rows.dispatched(principal, opened.id, dispatch.id)
        await self._dispatches.wait(principal, dispatch.id)
        limits_money = terms.budget_usd is not None
        return await runs_of(self._database, principal, dispatch.id, cases, limits_money=limits_money)

    async def _finish(
        self,
        principal: "Principal",
        opened: Evaluation,
        cases: Sequence[Case],
        ran: Sequence[Ran],
        terms: Terms,
        tell: Tell,
    ) -> Evaluation:
        said: Judged | None = None
        spent = sum(one.cost_usd for one in ran)
        if self._judge is not None and self._asks(terms):
            await tell(f"judging {sum(one.output is not None for one in ran)} answers")
            left = None if terms.budget_usd is None else max(0.0, terms.budget_usd - spent)
            said = await judged(self._judge, principal, cases, ran, left)
        scores = said.scores if said else dict[str, Scored]()
        results = [
            result_of(case, one, terms.scorers, scores.get(case.key)) for case, one in zip(cases, ran, strict=True)
        ]
        error = _why_failed(results, said)
        ended = {
            "state": "failed" if error else "completed",
            "score": sum(one.score for one in results) / len(results),
            "n": len(results),
            "cost_usd": spent + (said.cost_usd if said else 0.0),
            "summary": summary_of(results, said, NO_JUDGE if terms.judge else NOT_ASKED, terms.seed),
            "error": error or None,
        }
        return await self._rows.finish(principal, opened, results, ended)

    async def _stop(self, principal: "Principal", opened: Evaluation, job_id: UUID | None, terms: Terms) -> None:
        """Stop the cases when somebody cancelled the job; when only this process ends, another goes on with them."""
        if job_id is None or not await self._rows.was_cancelled(principal, job_id):
            return
        opened = await self._rows.get(principal, opened.id)
        if opened.dispatch_id is not None:
            await self._dispatches.cancel(principal, str(opened.dispatch_id), "The evaluation was cancelled.")
        summary = summary_of([], None, NOT_ASKED, terms.seed)
        ended = {"state": "failed", "score": None, "n": opened.n, "cost_usd": 0, "summary": summary}
        await self._rows.finish(principal, opened, [], {**ended, "error": "It was cancelled."})

    def _asks(self, terms: Terms) -> bool:
        return terms.judge and self._judge is not None and self._judge.is_there


def spec_hash(spec: Mapping[str, Any]) -> str:
    """Return the hash by which an evaluation is found again."""
    return hashlib.sha256(json.dumps(spec, sort_keys=True, ensure_ascii=False).encode()).hexdigest()


def job_spec(
    agent: str,
    version: str,
    dataset: str,
    *,
    split: Split = "test",
    judge: bool = True,
    budget_usd: float | None = None,
    most: int = MOST_CASES,
    seed: int = 0,
) -> dict[str, Any]:
    """Return what an evaluation job is given.

    Args:
        agent: Which agent.
        version: Its id or `qa@3f2a9c41d0e7`: an alias may stand for another one when the job begins.
        dataset: Id of the frozen dataset.
        split: Which side of it.
        judge: Whether to ask the judge, if there is one.
        budget_usd: For runs and judge together.
        most: Cases at most.
        seed: Of intervals.
    """
    return {
        "agent": agent,
        "version": version,
        "dataset": dataset,
        "split": split,
        "judge": judge,
        "budget_usd": budget_usd,
        "most": most,
        "seed": seed,
    }


def _listed(cases: DatasetCases | Sequence[Case]) -> Sequence[Case]:
    asked = cases.cases if isinstance(cases, DatasetCases) else cases
    if not 1 <= len(asked) <= MOST_CASES:
        raise InvalidInputError(f"{len(asked)} cases were given.", hint=f"Measure on 1 to {MOST_CASES}.")
    if len({case.key for case in asked}) < len(asked):
        raise InvalidInputError("Two cases have one key.", hint="Give every case a key of its own.")
    return asked


def _why_failed(results: Sequence[CaseResult], said: Judged | None) -> str:
    """Return what other than the version kept cases from being measured; empty when nothing did."""
    outside = [one for one in results if one.outside]
    if outside:
        return f"{len(outside)} of {len(results)} cases were not measured: {outside[0].outside[:400]}"
    if said and said.error:
        return f"The judge could not be asked: {said.error[:400]}"
    if said and said.missing and not said.scores:
        return f"The judge gave no judgement that could be used: {said.why_missing[:400]}"
    return ""


async def _silent(stage: str) -> None:
    del stage
