"""Asking for a better version of an agent: is there reason and material, and then a durable job that looks for one.

The job has a key made of what shapes its end: the agent, the dataset, the method, the seed and the parent. Asked for
again, it is the same job; only one that failed, was cancelled, or ran out of a smaller budget is begun anew.
"""

import hashlib
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, TypeAlias

import anyio
import anyio.to_thread

from qms_mcp.agents.roster import roster
from qms_mcp.errors import (
    ConflictError,
    InvalidInputError,
    LimitExceededError,
    NotFoundError,
    QmsError,
    UnavailableError,
)
from qms_mcp.services.feedback_classes.training import examples, examples_sha256, vectors_of
from qms_mcp.services.learning.spending import Spend
from qms_mcp.services.learning.training.classifying import corpus_of, learn, usable
from qms_mcp.services.learning.training.measuring import ByEvaluations
from qms_mcp.services.learning.training.models import (
    AGENT_WITH_CLASSIFIER,
    KIND,
    TrainingMethod,
    TrainingMode,
    TrainingReport,
    TrainingSpec,
)
from qms_mcp.services.learning.training.pipeline import AsksGates, Tools, Training
from qms_mcp.services.learning.training.readiness import readiness, reason_in, wanted_improvement
from qms_mcp.services.learning.training.reporting import report_of
from qms_mcp.services.learning.training.rows import FrozenDataset, Reasons, TrainingRows
from qms_mcp.services.learning.training.webhook import Event, Told, Webhook

if TYPE_CHECKING:
    from qms_mcp.auth.principal import Principal
    from qms_mcp.db.database import Database
    from qms_mcp.services.jobs.models import JobRow, RunningJob
    from qms_mcp.services.jobs.service import Jobs
    from qms_mcp.services.learning.asking import LoopModel
    from qms_mcp.services.learning.evaluation.service import Evaluations
    from qms_mcp.services.learning.versions import VersionRow, Versions
    from qms_mcp.settings import Settings

LOOKS_BACK = timedelta(days=30)
BUDGET_USD = 5.0
MOST_CASES, MOST_CALLS = 50, 400
# A scheduled training is not begun again before its dataset or its parent is another one, nor sooner than this.
_PAUSE = timedelta(days=1)
_RUNS_OUT = "budget"

_LOOK = 1.0
# As many as a training has at most.
STAGES = 8

Tell: TypeAlias = Callable[[float, float | None, str | None], Awaitable[None]]
Curates: TypeAlias = Callable[["Principal", str], Awaitable[str]]


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is asked for.

    Attributes:
        dataset: Id, `name@3` or name of a frozen one; None: one is curated now.
        budget_usd: For runs, questions and gates.
        improvement: What is to be seen on the side held out; left out, what is lacking to the quality wanted.
        force: Begin with less reason or material than it takes; for tests and the terminal.
    """

    agent: str
    mode: TrainingMode = "manual"
    dataset: str | None = None
    method: TrainingMethod = "auto"
    budget_usd: float = BUDGET_USD
    seed: int = 0
    reason: str = ""
    improvement: float | None = None
    force: bool = False
    most_cases: int = MOST_CASES
    most_calls: int = MOST_CALLS


@dataclass(frozen=True, slots=True)
class Begun:
    """A training that is under way or done.

    Attributes:
        samples: Whether there were enough, in words.
    """

    job: "JobRow"
    samples: str


@dataclass(frozen=True, slots=True)
class Neighbours:
    """What a training uses of the other parts of the loop."""

    versions: "Versions"
    evaluations: "Evaluations"
    model: "LoopModel"
    jobs: "Jobs"
    gates: AsksGates
    curate: Curates


class Retraining:
    """Makes better versions of agents.

    Args:
        database: Where everything is.
        settings: Limits, and the webhook.
        beside: The other parts of the loop.
    """

    def __init__(self, database: "Database", settings: "Settings", beside: Neighbours) -> None:
        self._settings = settings
        self.beside = beside
        self._rows = TrainingRows(database)
        self._webhook = Webhook.from_settings(settings)
        self.measures = ByEvaluations(beside.evaluations)
        beside.jobs.register(KIND, self.work)

    async def trigger(self, principal: "Principal", wanted: Wanted) -> Begun:
        """Begin a training, or find the one that does the same.

        Raises:
            InvalidInputError: There is no such agent, or the method is not for it.
            ConflictError: There is no reason for it, or too little material; it says what is missing.
            LimitExceededError: The budget is more than may be spent without a person.
            NotFoundError: There is no such dataset.
            UnavailableError: The method needs a model and none is set up.
        """
        method = self._method(wanted)
        if not 0 < wanted.budget_usd <= self._settings.qms_approve_above_usd:
            raise LimitExceededError(
                f"A training may cost up to {self._settings.qms_approve_above_usd:g} USD; "
                f"{wanted.budget_usd:g} were asked for.",
                hint="Ask for less, or have QMS_APPROVE_ABOVE_USD raised by whoever runs the server.",
            )
        if method == "classifier":
            spec, samples = await self._classifier_spec(principal, wanted)
        else:
            spec, samples = await self._words_spec(principal, wanted, method)
        job = await self._open(principal, spec)
        if self._webhook is not None and not job.finished:
            await self._tell(self._webhook, "retrain.requested", spec, job)
        return Begun(job, samples)

    async def report(self, principal: "Principal", begun: Begun) -> TrainingReport:
        """Return where a training stands."""
        job = await self.beside.jobs.get(principal, str(begun.job.id))
        return report_of(job, begun.samples)

    async def follow(self, principal: "Principal", begun: Begun, tell: Tell, *, seconds: float) -> TrainingReport:
        """Return where a training stands once it has ended, or when it took too long; until then tell what it does.

        Args:
            principal: Who looks.
            begun: What they look at.
            tell: Is told a count that rises, of how many, and words.
            seconds: How long to wait.
        """
        told, count = "", 0
        with anyio.move_on_after(seconds):
            while not (report := await self.report(principal, begun)).finished:
                if report.headline != told:
                    told, count = report.headline, count + 1
                    await tell(count, STAGES, told)
                await self.beside.jobs.wait(principal, begun.job.id, _LOOK)
        return await self.report(principal, begun)

    async def retrain_if_due(self, principal: "Principal") -> str:
        """Begin a training of every agent that is in need of one, and say what was done."""
        said = list[str]()
        for agent in roster():
            reasons = await self._rows.reasons(principal, agent, datetime.now(UTC) - LOOKS_BACK)
            reason = reason_in(reasons, self._settings.ml_retrain_threshold)
            if not reason:
                continue
            if await self._lately(principal, agent):
                said.append(f"{agent}: a training was begun within a day.")
                continue
            try:
                begun = await self.trigger(principal, Wanted(agent, "schedule", reason=reason))
                said.append(f"{agent}: {reason}; job {begun.job.id} is {begun.job.state}.")
            except QmsError as error:
                said.append(f"{agent}: {reason}; not begun: {error.message}")
        return " ".join(said) or "No agent is in need of a training."

    async def work(self, job: "RunningJob") -> Mapping[str, Any]:
        """Do a training job."""
        spec = TrainingSpec.read(job.spec)
        tools = Tools(
            self.beside.versions, self.beside.evaluations, self.measures, self.beside.model, self._rows,
            self.beside.gates, self._settings.ml_quality_threshold,
        )  # fmt: skip
        training = Training(job, tools)
        result = await (self._learn(job, spec, training) if spec.method == "classifier" else training.run())
        if self._webhook is not None and result["version"]:
            told = await self._tell(self._webhook, "version.proposed", spec, job, result)
            await training.note("webhook", asdict(told))
        return result

    # Opening ----------------------------------------------------------------------------------------------------------

    def _method(self, wanted: Wanted) -> TrainingMethod:
        if wanted.agent not in roster():
            raise InvalidInputError(
                f"There is no agent {wanted.agent[:40]!r}.", hint=f"There is: {', '.join(roster())}."
            )
        has_classifier = wanted.agent == AGENT_WITH_CLASSIFIER
        if wanted.method == "classifier" and not has_classifier:
            raise InvalidInputError("Only the feedback agent has a classifier.", hint="Use auto, exemplars or gepa.")
        if self.beside.model.is_there or wanted.method == "classifier":
            return wanted.method
        if wanted.method == "auto" and has_classifier:
            return "classifier"
        raise UnavailableError(
            "Examples and words are found by having a model answer, and none is set up.",
            hint="Set ANTHROPIC_API_KEY (or ANTHROPIC_AUTH_TOKEN, or QMS_CLAUDE_VIA). The classifier of the feedback "
            "agent can be trained without.",
        )

    async def _words_spec(
        self, principal: "Principal", wanted: Wanted, method: TrainingMethod
    ) -> tuple[TrainingSpec, str]:
        reasons = await self._reasons(principal, wanted)
        named = wanted.dataset if wanted.dataset is not None else await self.beside.curate(principal, wanted.agent)
        dataset = await self._rows.dataset(principal, wanted.agent, named)
        samples = self._enough(wanted, reasons, dataset)
        parent = await self.beside.versions.find(principal, wanted.agent)
        return self._spec(wanted, method, parent, dataset), samples

    async def _reasons(self, principal: "Principal", wanted: Wanted) -> Reasons:
        reasons = await self._rows.reasons(principal, wanted.agent, datetime.now(UTC) - LOOKS_BACK)
        due = reason_in(reasons, self._settings.ml_retrain_threshold)
        if wanted.mode == "manual" or wanted.force or due:
            return reasons
        drift = "none was measured" if reasons.drift is None else f"{reasons.drift:.2f}"
        average = "there is none" if reasons.average is None else f"{reasons.average:.2f} of {reasons.feedback}"
        raise ConflictError(
            f"Nothing calls for a training of {wanted.agent}: drift: {drift}; feedback: {average}.",
            hint="detect_drift measures; by hand (mode manual) no such reason is needed.",
        )

    def _enough(self, wanted: Wanted, reasons: Reasons, dataset: FrozenDataset) -> str:
        improvement = wanted.improvement or wanted_improvement(reasons, self._settings.ml_quality_threshold)
        ready = readiness(
            reasons,
            dataset,
            mode=wanted.mode,
            threshold=self._settings.ml_retrain_threshold,
            minimum=self._settings.ml_min_samples_for_retrain,
            improvement=improvement,
        )
        if ready.missing and not wanted.force:
            raise ConflictError(ready.missing, hint="Collect and validate more feedback, then curate_dataset again.")
        return ready.words

    async def _classifier_spec(self, principal: "Principal", wanted: Wanted) -> tuple[TrainingSpec, str]:
        corrections, missing = usable(await self._rows.corrections(principal))
        if missing:
            raise ConflictError(
                f"There are too few corrected categories: {missing}",
                hint="People correct categories on the review page: the label of the feedback is the category.",
            )
        corpus = corpus_of(corrections, examples(), wanted.seed)
        parent = await self.beside.versions.find(principal, wanted.agent)
        dataset = None
        # The gates are asked by a dataset of the agent; without one the classifier is learned all the same.
        with suppress(NotFoundError):
            dataset = await self._rows.dataset(principal, wanted.agent, wanted.dataset or "")
        spec = self._spec(wanted, "classifier", parent, dataset, corpus.sha256)
        return spec, f"{len(corrections)} corrections, {sum(corpus.held_out)} of them set aside."

    def _spec(
        self,
        wanted: Wanted,
        method: TrainingMethod,
        parent: "VersionRow",
        dataset: FrozenDataset | None,
        corpus_sha256: str = "",
    ) -> TrainingSpec:
        return TrainingSpec(
            agent=wanted.agent,
            method=method,
            dataset_version_id=dataset.id if dataset else None,
            dataset_sha256=corpus_sha256 or (dataset.content_sha256 if dataset else ""),
            parent_id=parent.id,
            parent=parent.version,
            seed=wanted.seed,
            budget_usd=wanted.budget_usd,
            most_cases=wanted.most_cases,
            most_calls=wanted.most_calls,
            mode=wanted.mode,
        )

    async def _open(self, principal: "Principal", spec: TrainingSpec) -> "JobRow":
        """Open the job of a spec under the first of its keys that is not used up."""
        jobs, key = self.beside.jobs, key_of(spec)
        for attempt in range(1, 100):
            named = key if attempt == 1 else f"{key}#{attempt}"
            try:
                found = await jobs.get(principal, named)
            except NotFoundError:
                return await self._opened(principal, named, spec)
            if not _used_up(found, spec):
                # Opened again with what it was opened with, it is started if nobody works on it.
                return await jobs.open(principal, KIND, named, found.spec)
        raise ConflictError(
            "This training was tried a hundred times.", hint="Change the dataset, the seed or the method."
        )

    async def _opened(self, principal: "Principal", key: str, spec: TrainingSpec) -> "JobRow":
        try:
            return await self.beside.jobs.open(principal, KIND, key, spec.stored())
        except ConflictError:
            # Somebody opened it at the same moment, with another budget: it is theirs.
            return await self.beside.jobs.get(principal, key)

    async def _lately(self, principal: "Principal", agent: str) -> bool:
        page = await self.beside.jobs.page(principal, kind=KIND, prefix=f"{agent}/", limit=1)
        return any(datetime.now(UTC) - one.created_at < _PAUSE for one in page.items)

    # The work ---------------------------------------------------------------------------------------------------------

    async def _learn(self, job: "RunningJob", spec: TrainingSpec, training: Training) -> Mapping[str, Any]:
        """Learn the classifier anew."""
        await job.note("classifier")
        principal = job.principal
        parent = await self.beside.versions.find(principal, spec.agent, str(spec.parent_id))
        corrections, missing = usable(await self._rows.corrections(principal))
        corpus = corpus_of(corrections, examples(), spec.seed)
        if missing or corpus.sha256 != spec.dataset_sha256:
            raise ConflictError(
                "The corrections are others than when the training was asked for.", hint="Ask for it again."
            )
        vectors = await vectors_of(corpus.texts)
        learned = await anyio.to_thread.run_sync(learn, corpus, vectors, self._before(parent))
        await training.note("classifier", {**learned.numbers(), "examples_sha256": examples_sha256()})
        return await training.classified(parent, learned, Spend(spec.budget_usd))

    @staticmethod
    def _before(parent: "VersionRow") -> bytes | None:
        from qms_mcp.services.feedback_classes.classifier import brought_by  # noqa: PLC0415 - heavy behind it

        return brought_by(parent.definition.extras.get("classifier"))

    @staticmethod
    async def _tell(
        webhook: Webhook,
        event: Event,
        spec: TrainingSpec,
        job: "JobRow | RunningJob",
        result: Mapping[str, Any] | None = None,
    ) -> Told:
        about: dict[str, Any] = {
            "agent": spec.agent,
            "job_id": str(job.id),
            "method": spec.method,
            "mode": spec.mode,
            "dataset_sha256": spec.dataset_sha256,
            "dataset_version_id": str(spec.dataset_version_id) if spec.dataset_version_id else None,
            "parent": spec.parent,
            "version": None,
        }
        if result is not None:
            about |= {name: result[name] for name in ("version", "before", "after", "gates", "passed")}
        return await webhook.tell(event, about)


def key_of(spec: TrainingSpec) -> str:
    """Return what tells one training from another."""
    parts = "\n".join((spec.dataset_sha256, str(spec.dataset_version_id), spec.method, str(spec.seed), spec.parent))
    return f"{spec.agent}/{hashlib.sha256(parts.encode()).hexdigest()[:24]}"


def _used_up(job: "JobRow", spec: TrainingSpec) -> bool:
    """Whether a job has ended in a way that does not keep the same from being tried again."""
    if job.state in {"failed", "cancelled"}:
        return True
    stopped = (job.result or {}).get("stopped")
    return stopped == "trials" or (stopped == _RUNS_OUT and spec.budget_usd > float(job.spec["budget_usd"]))
