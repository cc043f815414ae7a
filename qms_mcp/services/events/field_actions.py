"""Field actions: corrections and removals of delivered product, opened with their assessment under 21 CFR 806."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from qms_mcp.auth.principal import Principal
from qms_mcp.errors import InvalidInputError
from qms_mcp.services.domain.field_actions import FieldActionAnswers, assess_field_action
from qms_mcp.services.events.models import Assessed
from qms_mcp.services.events.reportability import assessed, drafted_decision, keep, read_answers
from qms_mcp.services.records.people import People
from qms_mcp.services.records.writing import MADE_BEFORE, RecordWriter


@dataclass(frozen=True, slots=True)
class NewFieldAction:
    """A field action to be opened.

    Attributes:
        sources: Numbers of the records that gave rise to it.
        fields: Columns of the type, by name.
        answers: To the questions of 21 CFR 806 that are known, yes or no.
    """

    title: str
    sources: Sequence[str]
    fields: Mapping[str, Any]
    answers: Mapping[str, bool]


class FieldActions:
    """Opens field actions."""

    def __init__(self, writer: RecordWriter, people: People) -> None:
        self._writer = writer
        self._people = people

    async def open(
        self, principal: Principal, new: NewFieldAction, because: str, *, idempotency_key: str | None = None
    ) -> Assessed:
        """Add a field action, link it to its sources and keep what the answers lead to.

        Raises:
            InvalidInputError: A question or field does not exist.
            NotFoundError: A source or person does not exist.
        """
        proposal = assess_field_action(read_answers(FieldActionAnswers, new.answers), initiated=_initiated(new.fields))
        fields = {"title": new.title, **drafted_decision(proposal), **new.fields}
        known = {name: value for name, value in fields.items() if value is not None}
        known = await self._people.resolve_fields(principal, known)
        async with self._writer.open(principal, because=because) as writing:
            made = await writing.add("field_action", known, idempotency_key=idempotency_key)
            if MADE_BEFORE not in made.warnings:
                for source in new.sources:
                    await writing.link(made.id, source, "caused_by")
                await keep(writing, made.id, proposal, new.answers)
                made = await writing.written(made.id)
        return assessed(made, proposal)


def _initiated(fields: Mapping[str, Any]) -> date | None:
    given = fields.get("initiated_on")
    try:
        return None if given is None else date.fromisoformat(str(given))
    except ValueError as wrong:
        raise InvalidInputError(f"initiated_on is {given!r}, which is no day.", hint="Write 2026-03-31.") from wrong
