"""Trying versions out on cases of the dataset: each on each case once, and paid for from one budget.

A trial is a stored version like any other, so what answered a case can be looked up for good. What was measured is kept
by the evaluations; a job that is repeated after a crash finds it there and counts the same cost again, so that it comes
to the same end with the same money.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol
from uuid import UUID

from qms_mcp.agents.definition import AgentDefinition
from qms_mcp.auth.principal import Principal
from qms_mcp.services.learning.asking import BudgetSpentError
from qms_mcp.services.learning.evaluation.models import Case, CaseResult, DatasetCases
from qms_mcp.services.learning.spending import Spend
from qms_mcp.services.learning.versions import Origin, VersionRow

# Differences below this are rounding.
EPSILON = 1e-9


@dataclass(frozen=True, slots=True)
class Measured:
    """What came of having cases answered.

    Attributes:
        results: One a case, in their order.
        cost_usd: Of it all, whether paid now or kept from before.
        complete: Whether the version itself answered all of them: not when the budget ended or the API was away.
        why: Why not.
    """

    results: Sequence[CaseResult]
    cost_usd: float
    complete: bool = True
    why: str = ""


class Measures(Protocol):
    """Has a version answer cases, and scores the answers; the same is not done twice."""

    async def measure(
        self,
        principal: Principal,
        version: VersionRow,
        cases: Sequence[Case],
        sides: "Sides",
        budget_usd: float | None,
        /,
    ) -> Measured:
        """Return the results of cases."""
        ...


class Registers(Protocol):
    """Stores versions."""

    async def register(
        self,
        principal: Principal,
        definition: AgentDefinition,
        *,
        origin: Origin,
        parent_id: UUID | None = None,
        dataset_version_id: UUID | None = None,
        job_id: UUID | None = None,
        notes: str = "",
    ) -> VersionRow:
        """Store a version, or find the one that has the same content."""
        ...


@dataclass(frozen=True, slots=True)
class Sides:
    """The sides of a frozen dataset a training may look at. The one it is judged by in the end is not among them.

    Attributes:
        learned_from: The train side.
        chosen_by: The development side.
        job_id: Which training looks at them.
    """

    learned_from: DatasetCases
    chosen_by: DatasetCases
    job_id: UUID

    @property
    def train(self) -> Sequence[Case]:
        """Cases to learn from."""
        return self.learned_from.cases

    @property
    def dev(self) -> Sequence[Case]:
        """Cases to choose by."""
        return self.chosen_by.cases

    @property
    def dataset_version_id(self) -> UUID:
        """Of the dataset."""
        return self.chosen_by.dataset_version_id

    def side(self, cases: Sequence[Case]) -> DatasetCases:
        """Return the side cases are on."""
        keys = {case.key for case in self.dev}
        return self.chosen_by if all(case.key in keys for case in cases) else self.learned_from


class TrialFailedError(Exception):
    """A version could not be measured, for what is not its own fault; the message says why."""


class Trials:
    """Tries versions out for one training.

    Args:
        principal: On whose behalf.
        registers: Where versions are stored.
        measures: What has them answer cases.
        sides: The dataset.
        parent: The version that is to be bettered.
        spend: What pays.
    """

    def __init__(
        self,
        principal: Principal,
        registers: Registers,
        measures: Measures,
        sides: Sides,
        parent: VersionRow,
        spend: Spend,
    ) -> None:
        self._principal = principal
        self._registers = registers
        self._measures = measures
        self._sides = sides
        self._parent = parent
        self.spend = spend
        self._known: dict[tuple[str, str], CaseResult] = {}
        self.answered = 0

    async def results(self, definition: AgentDefinition, cases: Sequence[Case]) -> list[CaseResult]:
        """Return the results of a version on cases, in their order.

        Raises:
            BudgetSpentError: What is left does not pay for it.
            TrialFailedError: It could not be measured.
        """
        lacking = [case for case in _once(cases) if (definition.content, case.key) not in self._known]
        if lacking:
            await self._measure(definition, lacking)
        return [self._known[definition.content, case.key] for case in cases]

    async def mean(self, definition: AgentDefinition, cases: Sequence[Case]) -> float:
        """Return the mean score of a version on cases."""
        results = await self.results(definition, cases)
        return math.fsum(one.score for one in results) / len(results)

    def mean_if_known(self, definition: AgentDefinition, cases: Sequence[Case]) -> float | None:
        """Return the mean score, if all of the cases were answered."""
        found = [self._known.get((definition.content, case.key)) for case in cases]
        scores = [one.score for one in found if one is not None]
        return math.fsum(scores) / len(scores) if len(scores) == len(cases) else None

    async def _measure(self, definition: AgentDefinition, cases: Sequence[Case]) -> None:
        left = self.spend.left_usd
        if left is not None and left <= 0:
            raise BudgetSpentError("The budget of the training is spent.", hint="Allow more.")
        version = await self._version(definition)
        measured = await self._measures.measure(self._principal, version, cases, self._sides, left)
        self.spend.settle(0.0, measured.cost_usd)
        if not measured.complete:
            after = self.spend.left_usd
            if "budget" in measured.why.casefold() or (after is not None and after <= EPSILON):
                raise BudgetSpentError(measured.why or "The budget of the training is spent.", hint="Allow more.")
            raise TrialFailedError(measured.why)
        self.answered += len(cases)
        by_key: Mapping[str, CaseResult] = {one.key: one for one in measured.results}
        for case in cases:
            self._known[definition.content, case.key] = by_key[case.key]

    async def _version(self, definition: AgentDefinition) -> VersionRow:
        if definition.content == self._parent.content:
            return self._parent
        return await self._registers.register(
            self._principal,
            definition,
            origin="trial",
            parent_id=self._parent.id,
            dataset_version_id=self._sides.dataset_version_id,
            job_id=self._sides.job_id,
        )


def _once(cases: Sequence[Case]) -> list[Case]:
    return list({case.key: case for case in cases}.values())
