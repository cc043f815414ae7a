"""The gates: a version is measured beside the one in production, checked, and the report kept.

Both are measured on the side of a dataset that was held out, and on the safety set. Evaluations are kept by what they
are made of, so gates that are asked for again, or go on after a crash, find them and come to the same report. Whether
the gates are passed is decided here by arithmetic and again by the database, which takes no passed report without six
passed gates; whether the version goes to people, a person decides.
"""

import hashlib
import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, TypeAlias
from uuid import UUID

from qms_mcp.db.queries import query
from qms_mcp.errors import ConflictError, InvalidInputError, NotFoundError
from qms_mcp.services.learning.evaluation.service import Terms
from qms_mcp.services.learning.gates.checks import checks_of
from qms_mcp.services.learning.gates.measured import Measured, SafetyRun
from qms_mcp.services.learning.gates.models import GateLimits, GateReport
from qms_mcp.services.learning.gates.reporting import report_text
from qms_mcp.services.learning.gates.safety import (
    SafetyCase,
    TriedCall,
    fallen,
    flattering,
    not_measured,
    safety_cases,
    scorers,
)

if TYPE_CHECKING:
    from qms_mcp.auth.principal import Principal
    from qms_mcp.db.database import Database
    from qms_mcp.services.jobs.models import RunningJob
    from qms_mcp.services.jobs.service import Jobs
    from qms_mcp.services.learning.evaluation.comparing import Comparison
    from qms_mcp.services.learning.evaluation.models import DatasetCases, Evaluation
    from qms_mcp.services.learning.evaluation.service import Evaluations
    from qms_mcp.services.learning.judging.people import AgainstPeople
    from qms_mcp.services.learning.versions import VersionRow, Versions

KIND = "gates"
_KEEP, _SAME, _GET, _LATEST = (query(f"learning_gates.{name}") for name in ("keep", "same", "get", "latest"))
_CALLS, _SEEN, _JOB = query("learning_gates.calls"), query("learning_gates.seen"), query("learning_gates.job_state")
_NOW, _ANSWERS = query("learning_gates.moment"), query("learning_gates.answers")
_BROKEN = ("failed", "cancelled")
Tell: TypeAlias = Callable[[str], Awaitable[None]]


class Gates:
    """The gates of an organization's agents.

    Args:
        database: Where reports are.
        evaluations: Measure versions.
        versions: Of agents.
        limits: What a version has to reach.
        people: How the judge compares with people; None: not looked at.
        safety: The safety set; the shipped one if left out.
    """

    def __init__(
        self,
        database: "Database",
        evaluations: "Evaluations",
        versions: "Versions",
        limits: GateLimits | None = None,
        *,
        people: "AgainstPeople | None" = None,
        safety: Sequence[SafetyCase] | None = None,
    ) -> None:
        self._database = database
        self._evaluations = evaluations
        self._versions = versions
        self.limits = limits or GateLimits()
        self._people = people
        self._safety = tuple(safety if safety is not None else safety_cases())

    def register(self, jobs: "Jobs") -> None:
        """Say what a job of the gates does."""
        jobs.register(KIND, self.work)

    async def run(
        self,
        principal: "Principal",
        version: "VersionRow",
        dataset: str,
        *,
        baseline: "VersionRow | None" = None,
        budget_usd: float | None = None,
        problems: Sequence[str] = (),
        job_id: UUID | None = None,
        tell: Tell | None = None,
    ) -> GateReport:
        """Return the report on a version; it is kept, whether it is passed or not.

        Args:
            principal: On whose behalf.
            version: The candidate.
            dataset: What to measure on: an id, `name@3`, or a name for its newest version; the side held out is used.
            baseline: What to compare with; the version in production if left out.
            budget_usd: For all of it together; None: no limit. What can't be measured within it is not passed.
            problems: What went wrong while the candidate was made: then it is not passed.
            job_id: The job it is part of.
            tell: Is told what is being done.

        Raises:
            InvalidInputError: The candidate is the version in production, or the dataset has no case held out.
            NotAllowedError: The caller only reads.
            NotFoundError: There is no such dataset.
            UnavailableError: Nobody can run agents here.
        """
        before = baseline or await self._versions.find(principal, version.agent)
        if before.id == version.id:
            raise InvalidInputError(f"{version.version} is the one in production.", hint="Name another version.")
        if before.agent != version.agent:
            raise InvalidInputError("The two are versions of different agents.", hint="Name two of one agent.")
        data = await self._evaluations.cases(principal, version.agent, dataset, "test")
        told = [*problems, *await self._made_badly(principal, version, job_id)]
        measuring = _Measuring(self._database, self._evaluations, principal, budget_usd, job_id, tell)
        measured = await measuring.all(version, before, data, self._safety, self.limits)
        people = await self._people.in_words(principal, version.agent) if self._people else ""
        return await self._kept(principal, replace(measured, problems=told, people=people))

    async def get(self, principal: "Principal", report_id: UUID) -> GateReport:
        """Return a report.

        Raises:
            NotFoundError: There is none of this id.
        """
        async with self._database.transaction(principal, read_only=True) as transaction:
            found = await transaction.fetch_one(_GET, {"id": report_id}, row=GateReport)
        if found is None:
            raise NotFoundError("There is no such report of the gates.", hint="Run the gates for the version.")
        return found

    async def latest(self, principal: "Principal", version_id: UUID) -> GateReport | None:
        """Return the newest report on a version, if there is one."""
        async with self._database.transaction(principal, read_only=True) as transaction:
            found = await transaction.fetch_dicts(_LATEST, {"version_id": version_id})
        return await self.get(principal, found[0]["id"]) if found else None

    async def work(self, job: "RunningJob") -> Mapping[str, Any]:
        """Do what a job of the gates is for; see `job_spec`."""
        asked = job.spec
        version = await self._versions.find(job.principal, asked["agent"], asked["version"])
        baseline = await self._versions.find(job.principal, asked["agent"], asked["baseline"])
        report = await self.run(
            job.principal, version, asked["dataset"], baseline=baseline, budget_usd=asked["budget_usd"], job_id=job.id,
            tell=job.note,
        )  # fmt: skip
        return {"report_id": str(report.id), "passed": report.passed, "failed": report.failed}

    async def _made_badly(self, principal: "Principal", version: "VersionRow", job_id: UUID | None) -> list[str]:
        """Return how the job that made the version went wrong, if it did."""
        if version.job_id is None or version.job_id == job_id:
            return []
        async with self._database.transaction(principal, read_only=True) as transaction:
            found = await transaction.fetch_dicts(_JOB, {"id": version.job_id})
        if not found:
            return ["the job that made it is not there"]
        state, error = found[0]["state"], found[0]["error"]
        return [f"the job that made it {state}: {error or 'no reason is given'}"] if state in _BROKEN else []

    async def _kept(self, principal: "Principal", measured: Measured) -> GateReport:
        checks = checks_of(measured, self.limits)
        content = report_text(measured, checks, self.limits)
        params: dict[str, Any] = {
            "agent": measured.version.agent,
            "version_id": measured.version.id,
            "baseline_id": measured.baseline.id,
            "dataset_version_id": measured.data.dataset_version_id,
            "checks": json.dumps([check.as_json() for check in checks], ensure_ascii=False, allow_nan=False),
            "passed": all(check.passed for check in checks),
            "content": content,
            "content_sha256": hashlib.sha256(content.encode()).hexdigest(),
        }
        async with self._database.transaction(principal) as transaction:
            found = await transaction.fetch_dicts(_SAME, params) or await transaction.fetch_dicts(_KEEP, params)
        return await self.get(principal, found[0]["id"])


class _Measuring:
    """Measuring two versions within one budget.

    Args:
        database: Where calls are.
        evaluations: Measure.
        principal: On whose behalf.
        budget_usd: For all of it.
        job_id: The job it is part of.
        tell: Is told what is being done.
    """

    def __init__(
        self,
        database: "Database",
        evaluations: "Evaluations",
        principal: "Principal",
        budget_usd: float | None,
        job_id: UUID | None,
        tell: Tell | None,
    ) -> None:
        self._database = database
        self._evaluations = evaluations
        self._principal = principal
        self._budget = budget_usd
        self._job_id = job_id
        self._tell = tell
        self._spent = 0.0
        self._since = datetime.max.replace(tzinfo=UTC)

    async def all(
        self,
        version: "VersionRow",
        baseline: "VersionRow",
        data: "DatasetCases",
        safety: Sequence[SafetyCase],
        limits: GateLimits,
    ) -> Measured:
        """Return everything the gates look at."""
        async with self._database.transaction(self._principal, read_only=True) as transaction:
            self._since = (await transaction.fetch_dicts(_NOW))[0]["now"]
        before = await self._evaluated(baseline, data)
        after = await self._evaluated(version, data)
        comparison, why_not = await self._compared(before, after, limits)
        safe_before = await self._safe(baseline, safety, data, before)
        safe_after = await self._safe(version, safety, data, after)
        async with self._database.transaction(self._principal, read_only=True) as transaction:
            items = [case.item_id for case in data.cases if case.item_id]
            seen = await transaction.fetch_dicts(_SEEN, {"version_id": version.id, "items": items})
        return Measured(
            version=version,
            baseline=baseline,
            data=data,
            seen=int(seen[0]["n"]),
            before=before,
            after=after,
            comparison=comparison,
            why_not=why_not,
            safety=safety,
            safety_before=safe_before,
            safety_after=safe_after,
            budget_usd=self._budget,
            spent_usd=self._spent,
        )

    @property
    def _left(self) -> float | None:
        return None if self._budget is None else max(0.0, self._budget - self._spent)

    async def _evaluated(self, version: "VersionRow", data: "DatasetCases") -> "Evaluation":
        terms = Terms(budget_usd=self._left)
        return self._counted(
            await self._evaluations.evaluate(
                self._principal, version, data, terms, job_id=self._job_id, tell=self._tell
            )
        )

    async def _compared(
        self, before: "Evaluation", after: "Evaluation", limits: GateLimits
    ) -> "tuple[Comparison | None, str]":
        try:
            found = await self._evaluations.compare(self._principal, before, after, minimum=limits.least_in_slice)
        except (ConflictError, InvalidInputError) as error:
            return None, error.message
        return found, ""

    async def _safe(
        self, version: "VersionRow", safety: Sequence[SafetyCase], data: "DatasetCases", scored: "Evaluation"
    ) -> SafetyRun:
        if not safety:
            return SafetyRun(error="there is no safety set")
        definition = version.definition
        terms = Terms(
            purpose="safety", scorers=scorers(safety, definition), judge=False, budget_usd=self._left
        )  # fmt: skip
        cases = [one.case for one in safety]
        done = self._counted(
            await self._evaluations.evaluate(
                self._principal, version, cases, terms, job_id=self._job_id, tell=self._tell
            )
        )
        if done.state != "completed" or done.dispatch_id is None:
            return SafetyRun(error=f"the safety set could not be measured with {version.version}: {done.error}")
        results = await self._evaluations.results(self._principal, done.id)
        async with self._database.transaction(self._principal, read_only=True) as transaction:
            calls = await transaction.fetch_all(_CALLS, {"dispatch_id": done.dispatch_id}, row=TriedCall)
            answers = await transaction.fetch_dicts(_ANSWERS, {"dispatch_id": scored.dispatch_id})
        fell = fallen(safety, results, calls, definition.tools(drafts=False))
        fell += flattering(data.cases, [(one["key"], one["output"]) for one in answers])
        return SafetyRun(fell, not_measured(safety, results), cost_usd=done.cost_usd)

    def _counted(self, done: "Evaluation") -> "Evaluation":
        # What was measured before these gates were asked for is paid for; what an interrupted job did is not.
        if done.created_at >= self._since or (self._job_id is not None and done.job_id == self._job_id):
            self._spent += done.cost_usd
        return done


def job_spec(
    agent: str, version: str, dataset: str, *, baseline: str, budget_usd: float | None = None
) -> dict[str, Any]:
    """Return what a job of the gates is given.

    Args:
        agent: Which agent.
        version: Its id or `qa@3f2a9c41d0e7`.
        dataset: Id of the frozen dataset.
        baseline: Id of the version to compare with: an alias may stand for another one when the job begins.
        budget_usd: For all of it together.
    """
    return {"agent": agent, "version": version, "dataset": dataset, "baseline": baseline, "budget_usd": budget_usd}
