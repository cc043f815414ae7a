"""How a training reaches datasets and gates."""

from typing import TYPE_CHECKING, Any
from uuid import UUID

from qms_mcp.errors import NotFoundError
from qms_mcp.services.learning.training.pipeline import AsksGates, Verdict
from qms_mcp.services.learning.training.service import Curates

if TYPE_CHECKING:
    from qms_mcp.auth.principal import Principal
    from qms_mcp.services.jobs.models import RunningJob
    from qms_mcp.services.learning.versions import VersionRow


def by_gates(gates: Any) -> AsksGates:
    """Return how a training has a version judged."""

    async def ask(
        job: "RunningJob", version: "VersionRow", parent: "VersionRow", dataset: UUID, budget_usd: float | None
    ) -> Verdict:
        del job, version, parent, dataset, budget_usd
        return Verdict(None, None, "There are no gates.")

    return ask


def by_datasets(datasets: Any) -> Curates:
    """Return how a training has a dataset frozen."""

    async def curate(principal: "Principal", agent: str) -> str:
        raise NotFoundError(f"No dataset of {agent} was named.", hint="curate_dataset makes one.")

    return curate
