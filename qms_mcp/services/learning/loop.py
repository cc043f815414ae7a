"""The parts of the improvement loop, over one database."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from qms_mcp.services.learning.after_runs import AfterRuns
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
    """

    versions: Versions
    after_runs: AfterRuns

    @classmethod
    def over(cls, database: "Database", settings: "Settings", beside: Beside) -> "Learning":
        """Return the loop working on `database`."""
        del settings, beside
        return cls(versions=Versions(database), after_runs=AfterRuns())
