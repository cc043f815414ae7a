"""The CAPA tools' one door to this package."""

from collections.abc import Sequence
from datetime import date
from typing import TYPE_CHECKING, Any

from qms_mcp.auth.principal import Principal
from qms_mcp.services.capas.causes import Analysis, CauseRecorder, Rendering
from qms_mcp.services.capas.checking import EffectivenessChecker
from qms_mcp.services.capas.models import (
    CriterionInput,
    EffectivenessReport,
    OpenedCapa,
    PlannedAction,
    PlannedCapa,
    RecordedCauses,
    UpdatedAction,
)
from qms_mcp.services.capas.opening import CapaOpener, NewCapa
from qms_mcp.services.capas.planning import CapaPlanner, Progress, checked_criterion
from qms_mcp.services.capas.reporting import EightDReporter
from qms_mcp.services.domain.eight_d import EightD
from qms_mcp.services.sql.models import QueryResult

if TYPE_CHECKING:
    from qms_mcp.db.database import Database
    from qms_mcp.services.sql.service import SqlTools


class Capas:
    """Opens, investigates, plans, follows and checks CAPAs.

    Args:
        database: Where.
        sql: Runs the statement of a criterion that has one.
    """

    def __init__(self, database: "Database", sql: "SqlTools") -> None:
        async def run(principal: Principal, statement: str, parameters: list[Any]) -> QueryResult:
            return await sql.execute(principal, statement, parameters, limit=2)

        self._opener = CapaOpener(database)
        self._recorder = CauseRecorder(database)
        self._planner = CapaPlanner(database)
        self._checker = EffectivenessChecker(database, run)
        self._reporter = EightDReporter(database)

    async def open(
        self,
        principal: Principal,
        wanted: NewCapa,
        *,
        reason: str,
        override: str | None = None,
        idempotency_key: str | None = None,
    ) -> OpenedCapa:
        """Open a CAPA; see `CapaOpener.open`."""
        return await self._opener.open(
            principal, wanted, reason=reason, override=override, idempotency_key=idempotency_key
        )

    async def record_causes(
        self,
        principal: Principal,
        capa: str,
        analysis: Analysis,
        *,
        reason: str,
        version: int | None = None,
        render: Rendering = "mermaid",
    ) -> RecordedCauses:
        """Record an analysis of causes; see `CauseRecorder.record`."""
        return await self._recorder.record(principal, capa, analysis, reason=reason, version=version, render=render)

    async def plan(
        self,
        principal: Principal,
        capa: str,
        *,
        actions: Sequence[PlannedAction] = (),
        criterion: CriterionInput | None = None,
        reason: str,
        version: int | None = None,
    ) -> PlannedCapa:
        """Plan actions and a criterion; see `CapaPlanner.plan`."""
        if criterion is not None:
            await self._checker.try_statement(principal, checked_criterion(criterion))
        return await self._planner.plan(
            principal, capa, actions=actions, criterion=criterion, reason=reason, version=version
        )

    async def update_action(
        self, principal: Principal, capa: str, progress: Progress, *, reason: str, version: int | None = None
    ) -> UpdatedAction:
        """Follow an action; see `CapaPlanner.update_action`."""
        return await self._planner.update_action(principal, capa, progress, reason=reason, version=version)

    async def check_effectiveness(
        self, principal: Principal, capa: str, *, as_of: date | None = None, reason: str | None = None
    ) -> EffectivenessReport:
        """Compute the planned criterion; see `EffectivenessChecker.check`."""
        return await self._checker.check(principal, capa, as_of=as_of, reason=reason)

    async def eight_d(self, principal: Principal, capa: str) -> EightD:
        """Return the 8D report; see `EightDReporter.report`."""
        return await self._reporter.report(principal, capa)
