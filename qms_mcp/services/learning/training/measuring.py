"""How trials are measured: by the evaluations, as they are for everybody."""

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from qms_mcp.services.learning.evaluation.models import Case, DatasetCases
from qms_mcp.services.learning.evaluation.service import Evaluations, Terms
from qms_mcp.services.learning.training.trials import Measured, Sides

if TYPE_CHECKING:
    from qms_mcp.auth.principal import Principal
    from qms_mcp.services.learning.versions import VersionRow


class ByEvaluations:
    """Measures trials by evaluations; one that is finished is found and not made again.

    Args:
        evaluations: Of the organization.
        judge: Whether to ask the judge, if there is one.
    """

    def __init__(self, evaluations: Evaluations, *, judge: bool = True) -> None:
        self._evaluations = evaluations
        self._judge = judge

    async def measure(
        self,
        principal: "Principal",
        version: "VersionRow",
        cases: Sequence[Case],
        sides: Sides,
        budget_usd: float | None,
    ) -> Measured:
        """Return the results of cases."""
        asked = _part(sides.side(cases), cases)
        terms = Terms(purpose="trial", judge=self._judge, budget_usd=budget_usd)
        measured = await self._evaluations.evaluate(principal, version, asked, terms, job_id=sides.job_id)
        results = await self._evaluations.results(principal, measured.id)
        completed = measured.state == "completed"
        return Measured(results, measured.cost_usd, completed, "" if completed else measured.error or measured.state)


def _part(side: DatasetCases, cases: Sequence[Case]) -> DatasetCases:
    """Return some cases of a side, in the order of the side: the same ones are then the same evaluation."""
    wanted = {case.key for case in cases}
    chosen = [case for case in side.cases if case.key in wanted]
    return replace(side, cases=chosen, left_out=side.left_out + len(side.cases) - len(chosen))
