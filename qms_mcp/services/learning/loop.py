"""The parts of the improvement loop, over one database."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from qms_mcp.services.learning.after_runs import AfterRuns
from qms_mcp.services.learning.asking import LoopModel
from qms_mcp.services.learning.evaluation.asking import Measuring
from qms_mcp.services.learning.evaluation.service import Evaluations
from qms_mcp.services.learning.judging.judge import Judge
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
        after_runs: Takes note of every run that has ended.
        rollouts: How versions go to people.
        models: Where they stand.
        explanations: Why an agent answered as it did.
        judge: Grades answers.
        evaluations: Measure versions on cases.
        measuring: The same as jobs.
        training: Makes better versions.
    """

    versions: Versions
    after_runs: AfterRuns
    rollouts: Rollouts
    models: ModelList
    explanations: Explanations
    judge: Judge
    evaluations: Evaluations
    measuring: Measuring
    training: Retraining

    @classmethod
    def over(cls, database: "Database", settings: "Settings", beside: Beside) -> "Learning":
        """Return the loop working on `database`."""
        versions = Versions(database)
        model = LoopModel(database, lambda: beside.dispatches.claude)
        judge = Judge(model)
        evaluations = Evaluations(
            database, beside.dispatches, versions, judge, to_langfuse=settings.langfuse_configured
        )
        evaluations.register(beside.jobs)
        rollouts, shadows = Rollouts(database, versions, beside.signing), Shadows(database, beside.dispatches)
        return cls(
            versions=versions,
            after_runs=AfterRuns(rollouts.run_ended, shadows.run_ended),
            rollouts=rollouts,
            models=ModelList(database, versions),
            explanations=Explanations(database),
            judge=judge,
            evaluations=evaluations,
            measuring=Measuring(database, evaluations, versions, beside.jobs, beside.dispatches),
            training=Retraining(
                database, settings, Neighbours(versions, evaluations, model, beside.jobs, by_gates(None), by_datasets(None))
            ),
        )
