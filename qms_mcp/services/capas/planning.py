"""The plan of a CAPA: what will be done by whom until when, and how it will show that it worked.

A due date of an action that is planned moves by an extension request that a person approves, never by itself.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any

from qms_mcp.auth.principal import Principal
from qms_mcp.errors import ConflictError, InvalidInputError, NotFoundError
from qms_mcp.services.capas.models import CriterionInput, PlannedAction, PlannedCapa, UpdatedAction
from qms_mcp.services.capas.reading import (
    ActionRow,
    CapaRow,
    hold_capa,
    read_actions,
    read_steps,
)
from qms_mcp.services.domain.effectiveness import Baseline, Criterion, check_criterion
from qms_mcp.services.records.writing import RecordWriter, Writing

if TYPE_CHECKING:
    from qms_mcp.db.database import Database

_MOST_ACTIONS = 50


@dataclass(frozen=True, slots=True)
class Progress:
    """What became of an action.

    Attributes:
        action: Its number within the CAPA, or its id.
        progress: How it stands.
        completed_on: The day it was done; takes evidence.
        evidence: What shows that it was done.
        extend_to: A later due date to ask for.
    """

    action: str
    progress: str | None = None
    completed_on: date | None = None
    evidence: str | None = None
    extend_to: date | None = None


class CapaPlanner:
    """Plans CAPAs and follows their actions."""

    def __init__(self, database: "Database") -> None:
        self._writer = RecordWriter(database)

    async def plan(
        self,
        principal: Principal,
        reference: str,
        *,
        actions: Sequence[PlannedAction],
        criterion: CriterionInput | None,
        reason: str,
        version: int | None = None,
    ) -> PlannedCapa:
        """Add actions and set the criterion of effectiveness.

        Raises:
            InvalidInputError: Nothing is planned, or the criterion can't be measured.
            ConflictError: The CAPA changed meanwhile, or its state locks the plan.
        """
        if not actions and criterion is None:
            raise InvalidInputError("There is nothing to plan.", hint="Give actions, a criterion, or both.")
        planned = checked_criterion(criterion) if criterion else None
        async with self._writer.open(principal, because=reason) as writing:
            capa = await hold_capa(writing.transaction, reference, version)
            if len(await read_actions(writing.transaction, capa.id)) + len(actions) > _MOST_ACTIONS:
                raise InvalidInputError(f"A CAPA has at most {_MOST_ACTIONS} actions.")
            for action in actions:
                await writing.add_part(capa.id, "capa_actions", _action_fields(action))
            if planned is not None:
                await writing.change(capa.id, None, _criterion_fields(planned))
            rows = await read_actions(writing.transaction, capa.id)
            return PlannedCapa(
                **dict(await writing.written(capa.id)),
                actions=[row.words() for row in rows],
                missing=_missing(await read_steps(writing.transaction, capa.id)),
            )

    async def update_action(
        self, principal: Principal, reference: str, progress: Progress, *, reason: str, version: int | None = None
    ) -> UpdatedAction:
        """Record how an action stands, that it is done, or that it needs more time.

        Raises:
            NotFoundError: There is no such action.
            InvalidInputError: It is said to be done without evidence or on a day to come, or nothing is said.
            ConflictError: The CAPA changed meanwhile, or its state locks the action.
        """
        async with self._writer.open(principal, because=reason) as writing:
            capa = await hold_capa(writing.transaction, reference, version)
            action = _find(await read_actions(writing.transaction, capa.id), progress.action, capa)
            changes = _changes(progress, action, capa.today)
            if changes:
                await writing.change_part("capa_actions", action.id, changes)
            extension = ""
            if progress.extend_to:
                extension = await _ask_for_time(writing, capa, action, progress.extend_to, reason)
            rows = await read_actions(writing.transaction, capa.id)
            return UpdatedAction(
                **dict(await writing.written(capa.id)),
                action=_find(rows, str(action.id), capa).words(),
                extension=extension,
                open_actions=sum(row.completed_on is None for row in rows),
            )


def checked_criterion(given: CriterionInput) -> Criterion:
    """Return the criterion a caller gave, when it can be measured.

    Raises:
        InvalidInputError: It can't.
    """
    criterion = Criterion(
        metric=given.metric,
        measure=given.measure,
        counted=given.counted,
        per=given.per,
        statement=given.statement,
        baseline=Baseline(value=given.baseline, events=given.baseline_events, exposure=given.baseline_exposure),
        target=given.target,
        comparator=given.comparator,
        window_start=given.window_start,
        window_end=given.window_end,
        minimum_sample=given.minimum_sample,
    )
    return check_criterion(criterion)


def _action_fields(action: PlannedAction) -> dict[str, Any]:
    return {
        "action_type": action.type,
        "description": action.description,
        "owner_id": action.owner,
        "due_on": action.due_on.isoformat(),
    }


def _criterion_fields(criterion: Criterion) -> dict[str, Any]:
    kept: dict[str, Any] = {
        "metric": criterion.metric,
        "measure": criterion.measure,
        "counted": criterion.counted.model_dump(mode="json", exclude_defaults=True) if criterion.counted else None,
        "per": criterion.per.model_dump(mode="json", exclude_defaults=True) if criterion.per else None,
        "statement": criterion.statement,
        "baseline": criterion.baseline.value,
        "baseline_events": criterion.baseline.events,
        "baseline_exposure": criterion.baseline.exposure,
        "target": criterion.target,
        "comparator": criterion.comparator,
    }
    return {
        "criterion": {name: value for name, value in kept.items() if value is not None},
        "window_starts_on": criterion.window_start.isoformat(),
        "window_ends_on": criterion.window_end.isoformat(),
        "minimum_sample": criterion.minimum_sample,
    }


def _missing(steps: list[dict[str, Any]]) -> list[str]:
    """Return what blocks the steps forward; that a CAPA could also be cancelled is no plan."""
    return [
        f"{step['to_state']}: {why}" for step in steps if step["to_state"] != "cancelled" for why in step["blocked"]
    ]


def _find(rows: Sequence[ActionRow], wanted: str, capa: CapaRow) -> ActionRow:
    found = next((row for row in rows if wanted.strip() in {str(row.place), str(row.id)}), None)
    if found is None:
        raise NotFoundError(
            f"{capa.number} has no action {wanted!r}.",
            hint=f"Its actions: {'; '.join(row.words() for row in rows) or 'none yet; plan_capa plans them'}.",
        )
    return found


def _changes(progress: Progress, action: ActionRow, today: date) -> dict[str, Any]:
    changes: dict[str, Any] = {
        "progress": progress.progress,
        "completed_on": progress.completed_on and progress.completed_on.isoformat(),
        "completion_evidence": progress.evidence,
    }
    given = {name: value for name, value in changes.items() if value is not None}
    if not given and progress.extend_to is None:
        raise InvalidInputError("Nothing is said of the action.", hint="Give progress, completed_on or extend_to.")
    evidence = (progress.evidence or action.completion_evidence or "").strip()
    if progress.completed_on and not evidence:
        raise InvalidInputError(
            "An action is done when something shows it.", hint="Give evidence: a record, a file, a measurement."
        )
    if progress.completed_on and progress.completed_on > today:
        raise InvalidInputError(f"{progress.completed_on} is still to come; today is {today}.")
    return given


async def _ask_for_time(writing: Writing, capa: CapaRow, action: ActionRow, until: date, reason: str) -> str:
    """Add an extension request and return its number; the due date moves when a person approves it."""
    if action.completed_on is not None:
        raise ConflictError("The action is done: it needs no more time.")
    if action.due_on and until <= action.due_on:
        raise InvalidInputError(f"{until} is not later than the due date {action.due_on}.")
    asked = await writing.add(
        "extension_request",
        {
            "title": f"{capa.number} action {action.place}: due {until} instead of {action.due_on}",
            "description": reason,
            "owner_id": "me",
            "target_id": str(capa.id),
            "action_id": str(action.id),
            "former_due_on": action.due_on.isoformat() if action.due_on else None,
            "requested_due_on": until.isoformat(),
            "justification": reason,
        },
    )
    await writing.link(asked.id, capa.id, "affects")
    return asked.number
