"""The parts of the improvement loop, over one database."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from qms_mcp.services.learning.after_runs import AfterRuns
from qms_mcp.services.learning.asking import LoopModel
from qms_mcp.services.learning.datasets.service import Datasets
from qms_mcp.services.learning.drift.service import Drift
from qms_mcp.services.learning.evaluation.asking import Measuring
from qms_mcp.services.learning.evaluation.service import Evaluations
from qms_mcp.services.learning.feedback.service import Feedback
from qms_mcp.services.learning.gates.models import GateLimits
from qms_mcp.services.learning.gates.service import Gates
from qms_mcp.services.learning.judging.judge import Judge
from qms_mcp.services.learning.judging.people import AgainstPeople
from qms_mcp.services.learning.rollout.explaining import Explanations
from qms_mcp.services.learning.rollout.listing import ModelList
from qms_mcp.services.learning.rollout.service import Rollouts
from qms_mcp.services.learning.rollout.shadowing import Shadows
from qms_mcp.services.learning.training.neighbours import by_datasets, by_gates
from qms_mcp.services.learning.training.service import Neighbours, Retraining
from qms_mcp.services.learning.versions import Versions

if TYPE_CHECKING:
    from qms_mcp.db.database import Database
    from qms_mcp.services.dispatch.service import Dispatches
    from qms_mcp.services.embedding.service import Embedding
    from qms_mcp.services.feedback_classes.service import FeedbackClassifier
    from qms_mcp.services.jobs.service import Jobs
    from qms_mcp.services.signing.service import Signing
    from qms_mcp.settings import Settings


@dataclass(frozen=True, slots=True)
class Beside:
    """What the loop uses of the other services."""

    dispatches: "Dispatches"
    embedding: "Embedding"
    feedback_classes: "FeedbackClassifier"
    jobs: "Jobs"
    signing: "Signing"


@dataclass(frozen=True, slots=True)
class Learning:
    """The improvement loop.

    Attributes:
        versions: Of agents.
        datasets: Frozen, to learn from and to measure with.
        after_runs: Takes note of every run that has ended.
        rollouts: How versions go to people.
        models: Where they stand.
        explanations: Why an agent answered as it did.
        feedback: What people, scorers and judges say of answers.
        drift: Whether agents still do what they did.
        judge: Grades answers.
        against_people: How the judge compares with people.
        evaluations: Measure versions on cases.
        gates: Say whether a version may go to people.
        measuring: The same as jobs.
        training: Makes better versions.
    """

    versions: Versions
    datasets: Datasets
    after_runs: AfterRuns
    rollouts: Rollouts
    models: ModelList
    explanations: Explanations
    feedback: Feedback
    drift: Drift
    judge: Judge
    against_people: AgainstPeople
    evaluations: Evaluations
    gates: Gates
    measuring: Measuring
    training: Retraining

    @classmethod
    def over(cls, database: "Database", settings: "Settings", beside: Beside) -> "Learning":
        """Return the loop working on `database`."""
        versions, datasets = Versions(database), Datasets(database, settings)
        model = LoopModel(database, lambda: beside.dispatches.claude)
        judge = Judge(model)
        evaluations = Evaluations(
            database, beside.dispatches, versions, judge, to_langfuse=settings.langfuse_configured
        )
        evaluations.register(beside.jobs)
        feedback = Feedback(database, beside.embedding, settings)
        people, limits = AgainstPeople(database, judge, feedback), GateLimits(score=settings.ml_quality_threshold)
        gates = Gates(database, evaluations, versions, limits, people=people)
        gates.register(beside.jobs)
        rollouts, shadows = Rollouts(database, versions, beside.signing), Shadows(database, beside.dispatches)
        near = Neighbours(versions, evaluations, model, beside.jobs, by_gates(gates), by_datasets(datasets))
        return cls(
            versions=versions,
            datasets=datasets,
            after_runs=AfterRuns(feedback.run_ended, rollouts.run_ended, shadows.run_ended),
            rollouts=rollouts,
            models=ModelList(database, versions),
            explanations=Explanations(database),
            feedback=feedback,
            drift=Drift(database, settings),
            judge=judge,
            against_people=people,
            evaluations=evaluations,
            gates=gates,
            measuring=Measuring(database, evaluations, versions, beside.jobs, beside.dispatches),
            training=Retraining(database, settings, near),
        )
