"""Whether an authority has to be told: the decision tree is walked with what is known, a person decides.

A complaint is walked through 21 CFR 803, a field action through 21 CFR 806. The walk is kept as an assessment with its
answers, and its clock. As long as a question is open the clock that could run is shown as running.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any, TypeVar
from uuid import UUID

from pydantic import BaseModel, ValidationError

from qms_mcp.auth.principal import Principal
from qms_mcp.db.queries import query
from qms_mcp.errors import InvalidInputError
from qms_mcp.services.domain.decision_path import Proposal
from qms_mcp.services.domain.field_actions import FieldActionAnswers, assess_field_action
from qms_mcp.services.domain.reportability import Answers, Reporter, assess_event
from qms_mcp.services.events.deciding import PersonAsked, ask_person
from qms_mcp.services.events.models import Assessed
from qms_mcp.services.events.records import RecordSeen, record_of
from qms_mcp.services.records.models import Written
from qms_mcp.services.records.refusals import noting_refusals
from qms_mcp.services.records.writing import RecordWriter, Writing

if TYPE_CHECKING:
    from qms_mcp.db.database import Database

_COMPLAINT = query("events.complaint")
_FIELD_ACTION = query("events.field_action")
_LAST = query("events.last_assessment")
# A field action in these states awaits the decision.
_UNDECIDED = ("draft", "assessment")
A = TypeVar("A", bound=BaseModel)


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of an event.

    Attributes:
        answers: Of the questions that were answered, yes or no.
        aware_on: The day the company became aware, where the record does not say it.
        reporter: Who would report; the manufacturer when nobody says otherwise.
    """

    answers: Mapping[str, bool]
    aware_on: date | None = None
    reporter: Reporter | None = None


class Reportability:
    """Walks records through the trees and asks the regulatory person."""

    def __init__(self, database: "Database", writer: RecordWriter, asked: PersonAsked) -> None:
        self._database = database
        self._writer = writer
        self._asked = asked

    async def assess(self, principal: Principal, reference: str, known: Known, because: str) -> Assessed:
        """Keep what the answers lead to and ask the person who decides, if the record is ready.

        Raises:
            InvalidInputError: A question does not exist in this tree, or the record contradicts the day.
            NotFoundError: There is no such complaint or field action.
        """
        async with (
            noting_refusals(self._database, principal, reference, {"tried": "assess_reportability"}),
            self._writer.open(principal, because=because) as writing,
        ):
            record = await record_of(writing, reference, "complaint", "field_action")
            walk = _walk_complaint if record.category == "complaint" else _walk_field_action
            proposal, to_state = await walk(writing, record, known)
            await keep(writing, record.id, proposal, known.answers)
            made = await writing.written(record.id)
            asked = await ask_person(writing, made, [to_state], because)
        made = made.model_copy(update={"pending": await self._asked.pending(asked)})
        return assessed(made, proposal, asked.blocked)


async def _walk_complaint(writing: Writing, record: RecordSeen, known: Known) -> tuple[Proposal, str]:
    """Return the proposal and the state the decision leads to."""
    row = (await writing.transaction.fetch_dicts(_COMPLAINT, {"record_id": record.id}))[0]
    if known.aware_on and row["aware_on"] and known.aware_on != row["aware_on"]:
        raise InvalidInputError(
            f"{record.number} says that the company became aware on {row['aware_on']:%Y-%m-%d}, not "
            f"{known.aware_on:%Y-%m-%d}.",
            hint="Correct aware_on with update_record and a reason first, if the record is wrong.",
        )
    reporter: Reporter = known.reporter or row["reporter_role"] or "manufacturer"
    new: dict[str, Any] = {}
    if known.aware_on and not row["aware_on"]:
        new["aware_on"] = known.aware_on.isoformat()
    if known.reporter and known.reporter != row["reporter_role"]:
        new["reporter_role"] = known.reporter
    if new:
        await writing.change(record.id, None, new)
    answers = read_answers(Answers, known.answers)
    proposal = assess_event(answers, reporter=reporter, aware=known.aware_on or row["aware_on"])
    without = row["without_investigation"] and proposal.outcome == "not_reportable"
    return proposal, "no_investigation" if without else "investigation"


async def _walk_field_action(writing: Writing, record: RecordSeen, known: Known) -> tuple[Proposal, str]:
    """Return the proposal and the state the decision leads to; the draft of the decision stands in the record."""
    row = (await writing.transaction.fetch_dicts(_FIELD_ACTION, {"record_id": record.id}))[0]
    answers = read_answers(FieldActionAnswers, known.answers)
    proposal = assess_field_action(answers, initiated=row["initiated_on"])
    drafted = drafted_decision(proposal)
    if record.state in _UNDECIDED and any(row[name] != value for name, value in drafted.items()):
        await writing.change(record.id, None, drafted)
    return proposal, "executing"


def drafted_decision(proposal: Proposal) -> dict[str, Any]:
    """Return the fields of a field action with which a person decides whether it is reported."""
    if proposal.outcome == "undetermined":
        return {"report_required": None, "report_rationale": None, "report_due_on": proposal.due}
    return {
        "report_required": proposal.outcome == "report",
        "report_rationale": proposal.words(),
        "report_due_on": proposal.due,
    }


def read_answers(tree: type[A], answers: Mapping[str, bool]) -> A:
    """Return the answers to the questions of a tree.

    Raises:
        InvalidInputError: There is no such question, or an answer is neither yes nor no.
    """
    try:
        return tree.model_validate(dict(answers), strict=True)
    except ValidationError as wrong:
        names = ", ".join(str(error["loc"][0]) for error in wrong.errors())
        raise InvalidInputError(
            f"These answers can't be used: {names}.",
            hint=f"Each is true, false or left out; the questions are {', '.join(tree.model_fields)}.",
        ) from wrong


async def keep(writing: Writing, record_id: UUID, proposal: Proposal, answers: Mapping[str, bool]) -> None:
    """Add the walk to the record, unless the last one was the same."""
    due = proposal.due
    fields = {
        "rule": proposal.regulation,
        "answers": {"given": dict(answers), "path": [step.model_dump() for step in proposal.path]},
        "proposal": proposal.outcome,
        "rationale": proposal.words(),
        "report_due_on": due.isoformat() if due else None,
    }
    rows = await writing.transaction.fetch_dicts(_LAST, {"record_id": record_id})
    if rows and (rows[0]["answers"], rows[0]["proposal"], rows[0]["report_due_on"]) == (
        json.loads(json.dumps(fields["answers"])),
        proposal.outcome,
        due,
    ):
        return
    await writing.add_part(record_id, "reportability_assessments", fields)


def assessed(made: Written, proposal: Proposal, blocked: tuple[str, ...] = ()) -> Assessed:
    """Return a walk as a tool answers it."""
    made = made.model_copy(update={"warnings": [proposal.words(), *proposal.notes, *made.warnings]})
    return Assessed(
        **dict(made),
        proposal=proposal.outcome,
        path=[f"{step.section} {step.question} {step.answer}" for step in proposal.path],
        report_due_on=proposal.due.isoformat() if proposal.due else None,
        ask=list(proposal.ask),
        blocked=list(blocked),
    )
