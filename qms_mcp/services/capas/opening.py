"""Opening a CAPA: the screen over its sources comes first, and what it said stays with the record."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from uuid import UUID

from qms_mcp.auth.principal import Principal
from qms_mcp.db.queries import query
from qms_mcp.db.transaction import Transaction
from qms_mcp.errors import ConflictError, InvalidInputError
from qms_mcp.services.capas.models import OpenedCapa, RiskClass
from qms_mcp.services.capas.reading import read_steps
from qms_mcp.services.domain.screening import STANDARD_RULES, ScreenedEvent, Screening, regulatory_impact, screen
from qms_mcp.services.records.models import Written
from qms_mcp.services.records.references import find_record
from qms_mcp.services.records.writing import RecordWriter, Writing

if TYPE_CHECKING:
    from qms_mcp.db.database import Database

_SOURCE = query("capas.source")
_PROPOSALS = query("capas.proposals")
_FIELD_ACTIONS = query("capas.linked_to_field_action")
_SIMILAR = query("capas.similar")
_TRANSITION = query("capas.transition")
_SHORTEST_WORD = 4
_SHOWN = 5
_MOST_SOURCES = 20
_GRADES = ("grade", "classification")
_FIRST_STATE, _OPEN = "draft", "open"


@dataclass(frozen=True, slots=True)
class NewCapa:
    """A CAPA to open.

    Attributes:
        sources: Numbers or ids of the records it answers.
        title: One line.
        problem_statement: What is wrong, in facts.
        risk_class: How serious it is.
        owner: Who answers for it.
    """

    sources: Sequence[str]
    title: str
    problem_statement: str
    risk_class: RiskClass
    owner: str = "me"


class CapaOpener:
    """Opens CAPAs."""

    def __init__(self, database: "Database") -> None:
        self._writer = RecordWriter(database)

    async def open(
        self,
        principal: Principal,
        wanted: NewCapa,
        *,
        reason: str,
        override: str | None = None,
        idempotency_key: str | None = None,
    ) -> OpenedCapa:
        """Open a CAPA from source records.

        Args:
            principal: Who asks.
            wanted: The CAPA.
            reason: Why, for the trail.
            override: Why a CAPA all the same, when the screen says that a correction suffices.
            idempotency_key: The same key opens the same CAPA.

        Raises:
            ConflictError: A correction suffices by the screen, and nothing overrides it.
            NotFoundError: A source does not exist.
        """
        if not 1 <= len(wanted.sources) <= _MOST_SOURCES:
            raise InvalidInputError(f"A CAPA has 1 to {_MOST_SOURCES} source records.")
        async with self._writer.open(principal, because=reason) as writing:
            if idempotency_key and (made := await writing.made_with("capa", idempotency_key)) is not None:
                return OpenedCapa(**dict(made), why="")
            events = await _events(writing.transaction, wanted.sources)
            screening = screen([event for _, event in events])
            if screening.recommendation == "correction" and not (override or "").strip():
                raise ConflictError(
                    screening.words(),
                    hint="Correct it in the source record. If a CAPA is wanted all the same, say why in override.",
                )
            fields = {
                "title": wanted.title,
                "description": wanted.problem_statement,
                "problem_statement": wanted.problem_statement,
                "risk_class": wanted.risk_class,
                "owner_id": wanted.owner,
                "source_kind": events[0][1].category,
                "risk_screen": _kept(screening, [event for _, event in events], override),
            }
            opened = await writing.add("capa", fields, idempotency_key=idempotency_key)
            for source_id, _ in events:
                await writing.link(opened.id, source_id, "corrects")
            final = await _moved_to_open(writing, opened, reason)
            return OpenedCapa(**dict(final), why=_why(screening, override))


async def _events(transaction: Transaction, sources: Sequence[str]) -> list[tuple[UUID, ScreenedEvent]]:
    ids = list(dict.fromkeys([await find_record(transaction, source) for source in sources]))
    return [(source_id, await _event(transaction, source_id, ids)) for source_id in ids]


async def _event(transaction: Transaction, source_id: UUID, all_sources: list[UUID]) -> ScreenedEvent:
    source = (await transaction.fetch_dicts(_SOURCE, {"record_id": source_id}))[0]
    details: dict[str, Any] = source["details"] or {}
    similar = await transaction.fetch_dicts(
        _SIMILAR,
        {
            "category": source["category"],
            "but": all_sources,
            "months": STANDARD_RULES.months,
            "tags": source["tags"],
            "words": _words(source["title"]),
            "max_rows": _SHOWN,
        },
    )
    return ScreenedEvent(
        citation=f"{source['number']} v{source['version']}",
        category=source["category"],
        risk_class=source["risk_class"],
        similar=similar[0]["found"] if similar else 0,
        similar_records=tuple(f"{row['number']} v{row['version']}" for row in similar),
        grades=tuple(str(details[name]) for name in _GRADES if details.get(name)),
        regulatory=await _regulatory(transaction, source_id, source["category"], details),
    )


async def _regulatory(
    transaction: Transaction, source_id: UUID, category: str, details: dict[str, Any]
) -> tuple[str, ...]:
    params = {"record_id": source_id}
    found = list(regulatory_impact(category, details))
    found += [
        f"{row['rule']}: {'decided' if row['decided'] else 'proposed'} {row['proposal'].replace('_', ' ')}"
        for row in await transaction.fetch_dicts(_PROPOSALS, params)
        if row["proposal"] != "not_reportable"
    ]
    if category != "field_action":
        found += [
            f"field action {row['number']} belongs to it"
            for row in await transaction.fetch_dicts(_FIELD_ACTIONS, params)
        ]
    return tuple(found)


def _words(title: str) -> list[str]:
    words = re.findall(r"\w+", title.lower())
    return list(dict.fromkeys(word for word in words if len(word) >= _SHORTEST_WORD))


def _kept(screening: Screening, events: list[ScreenedEvent], override: str | None) -> dict[str, Any]:
    return {
        "recommendation": screening.recommendation,
        "reasons": [reason.model_dump() for reason in screening.reasons],
        "events": [event.model_dump(mode="json", exclude_defaults=True) for event in events],
        "override": override,
    }


def _why(screening: Screening, override: str | None) -> str:
    return screening.words() + (f" Opened all the same: {override}" if screening.recommendation == "correction" else "")


async def _moved_to_open(writing: Writing, opened: Written, reason: str) -> Written:
    """Take the first step at once when nothing but the draft itself was in the way."""
    step = next(
        (
            step
            for step in await read_steps(writing.transaction, opened.id)
            if opened.state == _FIRST_STATE and step["to_state"] == _OPEN and not step["person"]
        ),
        None,
    )
    if step is None:
        return opened
    if step["blocked"] or step["not_you"]:
        return await writing.written(
            opened.id, *(f"Still a draft: {why}." for why in step["blocked"] + step["not_you"])
        )
    params = {"record_id": opened.id, "to_state": _OPEN, "reason": reason}
    await writing.transaction.fetch_dicts(_TRANSITION, params)
    return await writing.written(opened.id)
