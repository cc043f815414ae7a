"""How a training reaches gates and datasets."""

from collections.abc import Sequence
from typing import TYPE_CHECKING
from uuid import UUID

from qms_mcp.errors import InvalidInputError, NotFoundError, UnavailableError
from qms_mcp.services.learning.training.pipeline import AsksGates, Verdict

if TYPE_CHECKING:
    from qms_mcp.auth.principal import Principal
    from qms_mcp.services.jobs.models import RunningJob
    from qms_mcp.services.learning.datasets.service import Datasets
    from qms_mcp.services.learning.gates.service import Gates
    from qms_mcp.services.learning.training.service import Curates
    from qms_mcp.services.learning.versions import VersionRow

_LONGEST = 1_000


def by_gates(gates: "Gates") -> AsksGates:
    """Return how a training has its proposal judged."""

    async def ask(
        job: "RunningJob",
        version: "VersionRow",
        parent: "VersionRow",
        dataset: UUID,
        budget_usd: float,
        problems: Sequence[str],
    ) -> Verdict:
        try:
            report = await gates.run(
                job.principal, version, str(dataset), baseline=parent, budget_usd=budget_usd, problems=problems,
                job_id=job.id,
            )  # fmt: skip
        except (InvalidInputError, UnavailableError) as error:
            return Verdict(None, None, error.message)
        return Verdict(report.id, report.passed, "; ".join(report.failed)[:_LONGEST])

    return ask


def by_datasets(datasets: "Datasets") -> "Curates":
    """Return how a training has a dataset frozen: from the feedback there is, as it is usually done."""

    async def curate(principal: "Principal", agent: str) -> str:
        made = await datasets.curate(principal, agent, reason=f"A training of {agent} needs one.")
        if made.version is None:
            raise NotFoundError(f"No dataset of {agent} could be frozen.", hint="curate_dataset says why.")
        return str(made.version.id)

    return curate
