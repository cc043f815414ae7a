"""What is known of a CAPA, read in one open transaction."""

from datetime import date, datetime
from typing import Any
from uuid import UUID

from qms_mcp.db.queries import query
from qms_mcp.db.transaction import Transaction
from qms_mcp.errors import ConflictError, InvalidInputError
from qms_mcp.services.domain.causes import CauseNode, Method
from qms_mcp.services.domain.effectiveness import Baseline, Counted, Criterion
from qms_mcp.services.domain.frozen import Frozen
from qms_mcp.services.records.references import find_record

_CAPA = query("capas.capa")
_CAUSES = query("capas.causes")
_ACTIONS = query("capas.actions")
_NEXT_STEPS = query("capas.next_steps")
_TAKE_TURN = query("records.take_turn")


class CapaRow(Frozen):
    """A CAPA with its plan, as the database has it."""

    id: UUID
    number: str
    version: int
    title: str
    description: str | None
    status: str
    risk_class: str | None
    created_at: datetime
    drafted_by_kind: str | None
    adopted_at: datetime | None
    owner_name: str | None
    cycle: int
    problem_statement: str | None
    risk_screen: dict[str, Any] | None
    root_cause_summary: str | None
    root_cause_not_determined: str | None
    similar_cases: str | None
    criterion: dict[str, Any] | None
    window_starts_on: date | None
    window_ends_on: date | None
    minimum_sample: int | None
    verification_result: str | None
    verdict: str | None
    today: date

    @property
    def citation(self) -> str:
        """How to name what is true now."""
        return f"{self.number} v{self.version}"


class CauseRow(Frozen):
    """A statement of an analysis, as the database has it."""

    id: UUID
    method: Method
    parent_id: UUID | None
    ordinal: int
    statement: str
    detail: dict[str, Any] | None
    cause_category: Any
    is_root_cause: bool
    evidence: list[Any]

    def node(self) -> CauseNode:
        """Return it as a node of a tree, its id as its key."""
        return CauseNode(
            key=str(self.id),
            parent=str(self.parent_id) if self.parent_id else None,
            statement=self.statement,
            category=self.cause_category,
            evidence=tuple(str(reference) for reference in self.evidence),
            is_root_cause=self.is_root_cause,
            **(self.detail or {}),
        )


class ActionRow(Frozen):
    """An action, as the database has it.

    Attributes:
        place: Its number within the CAPA, from 1.
    """

    id: UUID
    place: int
    action_type: Any
    description: str
    owner_name: str | None
    due_on: date | None
    progress: str | None
    completed_on: date | None
    completion_evidence: str | None
    accepted_by_name: str | None

    def words(self) -> str:
        """Return it as one line, with what to call it."""
        state = f"done {self.completed_on}" if self.completed_on else f"due {self.due_on}"
        return f"{self.place} {self.action_type}: {self.description[:120]} ({state}, {self.owner_name}, {self.id})"


async def read_capa(transaction: Transaction, reference: UUID | str) -> CapaRow:
    """Return a CAPA.

    Raises:
        NotFoundError: There is no such record.
        InvalidInputError: It is no CAPA.
    """
    record_id = await find_record(transaction, reference)
    found = await transaction.fetch_one(_CAPA, {"record_id": record_id}, row=CapaRow)
    if found is None:
        raise InvalidInputError(f"{reference} is no CAPA.", hint="open_capa opens one for it.")
    return found


async def hold_capa(transaction: Transaction, reference: UUID | str, version: int | None) -> CapaRow:
    """Return a CAPA that nobody else changes until the transaction ends.

    Raises:
        NotFoundError: There is no such record.
        ConflictError: It changed since the caller read it.
    """
    await transaction.execute(_TAKE_TURN)
    capa = await read_capa(transaction, reference)
    if version is not None and version != capa.version:
        raise ConflictError(
            f"{capa.number} is at version {capa.version} now, not {version}.",
            hint="Read it again with get_record, look at what changed, and repeat.",
        )
    return capa


async def read_causes(transaction: Transaction, capa_id: UUID) -> list[CauseRow]:
    """Return the statements of all analyses that hold."""
    return await transaction.fetch_all(_CAUSES, {"record_id": capa_id}, row=CauseRow)


async def read_actions(transaction: Transaction, capa_id: UUID) -> list[ActionRow]:
    """Return the actions in their order."""
    return await transaction.fetch_all(_ACTIONS, {"record_id": capa_id}, row=ActionRow)


async def read_steps(transaction: Transaction, capa_id: UUID) -> list[dict[str, Any]]:
    """Return what is possible now, and what blocks the rest."""
    return await transaction.fetch_dicts(_NEXT_STEPS, {"record_id": capa_id})


def read_criterion(capa: CapaRow) -> Criterion | None:
    """Return the planned criterion; None when nothing is planned.

    Raises:
        InvalidInputError: What is planned can't be read as one.
    """
    if not capa.criterion or capa.window_starts_on is None or capa.window_ends_on is None:
        return None
    try:
        return _criterion(capa.criterion, capa.window_starts_on, capa.window_ends_on, capa.minimum_sample or 1)
    except (ValueError, TypeError, KeyError):
        raise InvalidInputError(
            f"The effectiveness criterion of {capa.number} can't be computed: it is not as plan_capa writes it.",
            hint="Plan it again with plan_capa, as long as the state allows it.",
        ) from None


def _criterion(kept: dict[str, Any], start: date, end: date, minimum_sample: int) -> Criterion:
    return Criterion(
        metric=str(kept.get("metric", "")),
        measure=kept.get("measure", "value"),
        counted=_counted(kept.get("counted")),
        per=_counted(kept.get("per")),
        statement=kept.get("statement"),
        baseline=Baseline(
            value=float(kept["baseline"]),
            events=kept.get("baseline_events"),
            exposure=kept.get("baseline_exposure"),
        ),
        target=float(kept["target"]),
        comparator=kept.get("comparator", "<="),
        window_start=start,
        window_end=end,
        minimum_sample=minimum_sample,
    )


def _counted(kept: Any) -> Counted | None:
    return Counted.model_validate(kept) if kept else None
