"""The training job: from a frozen dataset and a parent to a proposed version, and the gates.

It can be killed anywhere. Whoever takes it up begins at its beginning and goes the same way: what was measured is found
in the evaluations, what a model said in the answers that are kept, proposals in the notes of the job; all of it counts
against the budget as it did before, so the same money ends at the same version. A version is its content and a report
of the gates is looked for before one is made, so neither is there twice.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, TypeAlias
from uuid import UUID

from qms_mcp.agents.definition import AgentDefinition
from qms_mcp.agents.versioning import revised
from qms_mcp.services.learning.asking import BudgetSpentError
from qms_mcp.services.learning.evaluation.models import CaseResult
from qms_mcp.services.learning.spending import Spend
from qms_mcp.services.learning.training.bootstrapping import Bootstrapped, bootstrap, examples_of
from qms_mcp.services.learning.training.classifying import Learned
from qms_mcp.services.learning.training.models import Outcome, TrainingSpec
from qms_mcp.services.learning.training.optimising import Doing, Optimised, optimise
from qms_mcp.services.learning.training.reflecting import Reflected, Shown, reflect
from qms_mcp.services.learning.training.trials import EPSILON, Measures, Sides, TrialFailedError, Trials

if TYPE_CHECKING:
    from collections.abc import Sequence

    from qms_mcp.auth.principal import Principal
    from qms_mcp.services.jobs.models import RunningJob
    from qms_mcp.services.learning.asking import LoopModel
    from qms_mcp.services.learning.evaluation.service import Evaluations
    from qms_mcp.services.learning.training.rows import TrainingRows
    from qms_mcp.services.learning.versions import VersionRow, Versions

# The rest of the budget is for the gates: a version nobody can judge is of no use.
SEARCH_SHARE = 0.7
TRAINED = "trained"


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the gates said.

    Attributes:
        report_id: Of their report.
        words: Which were not passed, or what they would take.
    """

    report_id: UUID | None
    passed: bool | None
    words: str = ""


AsksGates: TypeAlias = Callable[
    ["RunningJob", "VersionRow", "VersionRow", UUID, float, "Sequence[str]"], Awaitable[Verdict]
]


@dataclass(frozen=True, slots=True)
class Tools:
    """What the job works with."""

    versions: "Versions"
    evaluations: "Evaluations"
    measures: Measures
    model: "LoopModel"
    rows: "TrainingRows"
    gates: AsksGates
    quality: float


@dataclass(frozen=True, slots=True)
class _Found:
    definition: AgentDefinition
    before: float
    after: float
    stopped: str
    words: str
    dropped: Mapping[str, int]


class Training:
    """One training, under way.

    Args:
        job: Which job it is.
        tools: What it works with.
    """

    def __init__(self, job: "RunningJob", tools: Tools) -> None:
        self._job = job
        self._tools = tools
        self._spec = TrainingSpec.read(job.spec)
        self._stages: list[dict[str, Any]] = []

    @property
    def _principal(self) -> "Principal":
        return self._job.principal

    async def run(self) -> Mapping[str, Any]:
        """Return what the training came to."""
        spec = self._spec
        parent = await self._tools.versions.find(self._principal, spec.agent, str(spec.parent_id))
        wasted = await self._tools.rows.wasted(self._principal, self._job.id)
        spend = Spend(spec.budget_usd * SEARCH_SHARE, wasted)
        sides = await self._sides()
        try:
            found = await self._search(parent, sides, spend)
        except BudgetSpentError as spent:
            return self._nothing(None, spend, f"Nothing was proposed: {spent.message}", "budget", {})
        except TrialFailedError as failed:
            return self._nothing(None, spend, f"Nothing was proposed: {failed}", "trials", {})
        if found.after <= found.before + EPSILON:
            words = f"Nothing better than {parent.version} was found ({found.before:.3f} on the development side)."
            return self._nothing(found.before, spend, f"{words} {found.words}".strip(), found.stopped, found.dropped)
        return await self._proposed(parent, found, spend)

    async def classified(self, parent: "VersionRow", learned: Learned, spend: Spend) -> Mapping[str, Any]:
        """Return what the training of a classifier came to."""
        if not learned.better:
            words = f"{learned.words} That is not shown to be better, so nothing is proposed."
            return self._nothing(learned.shipped, spend, words, "", {})
        start = parent.definition
        definition = revised(start, extras={**start.extras, "classifier": dict(learned.classifier)})
        found = _Found(definition, learned.shipped, learned.accuracy, "", learned.words, {})
        return await self._proposed(parent, found, spend)

    async def note(self, stage: str, note: Mapping[str, Any]) -> None:
        """Keep what a stage came to, once; repeated, it comes to the same."""
        self._stages.append({"stage": stage, **note})
        if stage not in {one.stage for one in self._job.notes}:
            await self._job.note(stage, note)

    async def _proposed(self, parent: "VersionRow", found: _Found, spend: Spend) -> Mapping[str, Any]:
        version = await self._register(parent, found.definition)
        await self.note("chosen", {"version": version.version, "before": found.before, "after": found.after})
        verdict = await self._judged(version, parent, spend)
        return asdict(
            Outcome(
                version=version.version,
                version_id=str(version.id),
                before=found.before,
                after=found.after,
                gates=str(verdict.report_id or ""),
                passed=verdict.passed,
                cost_usd=spend.spent_usd + await self._tools.rows.judged(self._principal, self._job.id),
                stopped=found.stopped,
                dropped=found.dropped,
                stages=self._stages,
                words=f"{found.words} {verdict.words}".strip(),
            )
        )

    async def _sides(self) -> Sides:
        spec = self._spec
        cases = self._tools.evaluations.cases
        named = str(spec.dataset_version_id)
        await self._job.note("dataset")
        train = await cases(self._principal, spec.agent, named, "train", most=spec.most_cases)
        dev = await cases(self._principal, spec.agent, named, "dev", most=spec.most_cases)
        counts = {"train": len(train.cases), "dev": len(dev.cases), "left_out": train.left_out + dev.left_out}
        await self.note("dataset", {"dataset": train.label, "sha256": train.content_sha256, **counts})
        return Sides(train, dev, self._job.id)

    async def _search(self, parent: "VersionRow", sides: Sides, spend: Spend) -> _Found:
        trials = Trials(self._principal, self._tools.versions, self._tools.measures, sides, parent, spend)
        start = parent.definition
        await self._job.note("parent")
        before = await trials.mean(start, sides.dev)
        await self.note("parent", {"version": parent.version, "score": before})
        best, after, stopped, words = start, before, "", ""
        dropped: Mapping[str, int] = {}
        if self._spec.method in {"auto", "exemplars"}:
            shown = await self._exemplars(trials, start, sides)
            best, after, stopped = shown.definition, shown.score, shown.stopped
        if self._spec.method in {"auto", "gepa"} and not stopped:
            better = await self._words(trials, best, sides)
            best, after, stopped, words = better.definition, better.score, better.stopped, better.why
            dropped = better.dropped
        return _Found(best, before, after, stopped, f"It stopped early: {words}." if words else "", dropped)

    async def _exemplars(self, trials: Trials, start: AgentDefinition, sides: Sides) -> Bootstrapped:
        await self._job.note("exemplars")
        known = await self._tools.rows.scores(self._principal, sides.dataset_version_id)
        # What a person called good comes before what only has a good score.
        weights = {key: score + validated for key, (score, validated) in known.items() if score >= self._tools.quality}
        pool = examples_of([case for case in sides.train if case.key in weights], weights)
        found = await bootstrap(trials, start, pool, sides.dev, self._spec.seed)
        note = {"shown": list(found.keys), "score": found.score, "tried": found.tried, "usable": len(pool)}
        await self.note("exemplars", {**note, "stopped": found.stopped, "spent_usd": round(trials.spend.spent_usd, 6)})
        return found

    async def _words(self, trials: Trials, start: AgentDefinition, sides: Sides) -> Optimised:
        await self._job.note("gepa")

        async def ask(instructions: str, cases: "Sequence[Shown]") -> Reflected:
            return await reflect(self._tools.model, self._principal, start, instructions, cases, trials.spend)

        async def texts(results: "Sequence[CaseResult]") -> list[str]:
            return await self._tools.rows.answers(self._principal, results)

        doing = Doing(ask, self._keep_proposal, texts, self._proposals())
        found = await optimise(trials, start, sides, doing, seed=self._spec.seed, most_calls=self._spec.most_calls)
        note = {"score": found.score, "proposals": found.proposals, "dropped": dict(found.dropped), "why": found.why}
        note |= {"stopped": found.stopped, "answered": trials.answered, "spent_usd": round(trials.spend.spent_usd, 6)}
        await self.note("gepa", note)
        return found

    async def _keep_proposal(self, number: int, proposal: Reflected) -> None:
        await self._job.note("proposal", {"number": number, **asdict(proposal)})

    def _proposals(self) -> dict[int, Reflected]:
        kept = [one.note for one in self._job.notes if one.stage == "proposal"]
        return {int(one["number"]): Reflected(one["text"], one["problem"], one["cost_usd"]) for one in kept}

    async def _register(self, parent: "VersionRow", found: AgentDefinition) -> "VersionRow":
        spec = self._spec
        made = {
            "parent": parent.version,
            "dataset_sha256": spec.dataset_sha256,
            "method": spec.method,
            "seed": spec.seed,
        }
        return await self._tools.versions.register(
            self._principal,
            revised(found, extras={**found.extras, TRAINED: made}),
            origin="trained",
            parent_id=parent.id,
            dataset_version_id=spec.dataset_version_id,
            job_id=self._job.id,
            notes=f"{spec.method} from {parent.version}, seed {spec.seed}",
        )

    async def _judged(self, version: "VersionRow", parent: "VersionRow", spend: Spend) -> Verdict:
        dataset = self._spec.dataset_version_id
        if dataset is None:
            return Verdict(None, None, "The gates need a dataset: curate one and begin again with it.")
        await self._job.note("gates")
        there = await self._tools.rows.gate_report(self._principal, self._job.id, version.id, parent.id, dataset)
        if there is not None:
            verdict = Verdict(*there)
        else:
            left = max(0.0, self._spec.budget_usd - spend.spent_usd)
            verdict = await self._tools.gates(self._job, version, parent, dataset, left, self._problems(spend))
        await self.note("gates", {"report_id": str(verdict.report_id or ""), "passed": verdict.passed})
        return verdict

    def _problems(self, spend: Spend) -> list[str]:
        """Return what went wrong while the version was made: with it, it passes no gate."""
        if spend.spent_usd <= self._spec.budget_usd:
            return []
        return [f"its making cost {spend.spent_usd:.4f} USD of {self._spec.budget_usd:.4f}"]

    def _nothing(
        self, before: float | None, spend: Spend, words: str, stopped: str, dropped: Mapping[str, int]
    ) -> Mapping[str, Any]:
        outcome = Outcome("", "", before, None, "", None, spend.spent_usd, stopped, dropped, self._stages, words)
        return asdict(outcome)
