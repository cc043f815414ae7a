"""Reporting what happened: a record of the right type, what is missing from it, and what was like it before.

A calibration is an event as well: it becomes a part of its equipment, and one out of tolerance says what to do next.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Literal
from uuid import UUID

from qms_mcp.auth.principal import Principal
from qms_mcp.db.queries import query
from qms_mcp.errors import InvalidInputError
from qms_mcp.services.events.calibrating import calibrate
from qms_mcp.services.events.models import Reported
from qms_mcp.services.records.people import People
from qms_mcp.services.records.writing import MADE_BEFORE, RecordWriter, Writing

EventType = Literal[
    "nonconformance", "deviation", "complaint", "document", "training", "supplier", "scar", "equipment", "calibration"
]  # fmt: skip

_SIMILAR = query("events.similar")
_RECENT = 2_000
_MOST_SIMILAR = 3
_MOST_WORDS = 8
_SHORTEST_WORD = 4
_NO_SIGN = frozenset({"with", "from", "that", "this", "were", "been", "have", "after", "before", "during", "found",
                      "line", "part", "parts", "lots", "customer", "reports", "reported"})  # fmt: skip
# What the next step of a type asks for. Nothing is guessed: a missing day is a question to a person.
_ASKED_SOON: dict[str, tuple[tuple[str, str], ...]] = {
    "nonconformance": (
        ("quantity_affected", "how much is affected"),
        ("containment", "how it is contained"),
        ("contained_on", "since when"),
    ),
    "deviation": (("instruction", "which instruction"), ("batch_impact", "the impact on batches")),
    "complaint": (
        ("aware_on", "the day somebody of the company became aware: the reporting clocks start there"),
        ("received_on", "the day it was received"),
        ("product", "which product"),
        ("event_type", "death, serious_injury, malfunction, other or unknown"),
    ),
    "training": (("document_id", "which document version"), ("trainee_id", "who is trained")),
    "scar": (("supplier_id", "which supplier"), ("response_due_on", "until when an answer is due")),
    "supplier": (("supplied_scope", "what it supplies"),),
    "equipment": (("interval_days", "how often it is calibrated"), ("calibration_due_on", "when it is due")),
    "document": (
        ("document_number", "its number"),
        ("revision", "its revision"),
        ("document_type", "its type"),
        ("author_id", "its author"),
    ),
}
# Which field of a type is a link as well.
_LINKED: dict[str, tuple[str, str]] = {
    "training": ("document_id", "trains_on"),
    "scar": ("supplier_id", "relates_to"),
    "nonconformance": ("supplier_id", "relates_to"),
}


@dataclass(frozen=True, slots=True)
class Event:
    """What somebody reports.

    Attributes:
        title: One line that says what happened.
        happened: The story, as far as it is known.
        fields: Columns of the base and of the type, by name; `where` is the area or a field of the site.
    """

    type: EventType
    title: str
    happened: str
    fields: Mapping[str, Any] = field(default_factory=dict[str, Any])


@dataclass(frozen=True, slots=True)
class _Like:
    number: str
    version: int
    title: str
    state: str
    same_part: bool
    same_cause: bool
    same_product: bool
    words: int

    def in_words(self) -> str:
        common = [
            word
            for word, holds in (
                ("same part", self.same_part),
                ("same product", self.same_product),
                ("same cause category", self.same_cause),
                (f"{self.words} words of the title", self.words > 0),
            )
            if holds
        ]
        return f"{self.number} v{self.version} ({self.state}): {self.title} [{', '.join(common)}]"


class Reporting:
    """Adds records of events."""

    def __init__(self, writer: RecordWriter, people: People) -> None:
        self._writer = writer
        self._people = people

    async def report(
        self, principal: Principal, event: Event, because: str, *, idempotency_key: str | None = None
    ) -> Reported:
        """Add the record of an event and look for earlier ones like it.

        Raises:
            InvalidInputError: A field does not exist or its value does not fit; the message names those there are.
            NotFoundError: A person or a record that is named does not exist.
        """
        if event.type == "calibration":
            return await self._calibrated(principal, event, because)
        fields = await self._people.resolve_fields(principal, _fields(event))
        async with self._writer.open(principal, because=because) as writing:
            made = await writing.add(event.type, fields, idempotency_key=idempotency_key)
            similar = await _similar(writing, event, made.id)
            if MADE_BEFORE not in made.warnings:
                await _linked(writing, event.type, made.id, fields)
                made = await writing.written(made.id, *_missing(event.type, fields))
        return Reported(**dict(made), similar=[like.in_words() for like in similar])

    async def _calibrated(self, principal: Principal, event: Event, because: str) -> Reported:
        async with self._writer.open(principal, because=because) as writing:
            return Reported(**dict(await calibrate(writing, event.fields, event.happened, because)))


def _fields(event: Event) -> dict[str, Any]:
    fields: dict[str, Any] = {"title": event.title, "description": event.happened, **event.fields}
    if fields.get("occurred_at") is not None:
        fields["occurred_at"] = at = _moment(str(fields["occurred_at"]))
        if event.type == "complaint":
            fields.setdefault("event_on", at.date().isoformat())
    where = fields.pop("where", None)
    if where and event.type == "nonconformance":
        fields.setdefault("area", where)
    elif where:
        fields["metadata"] = {**fields.get("metadata", {}), "where": where}
    return {name: value for name, value in fields.items() if value is not None}


def _moment(text: str) -> datetime:
    try:
        at = datetime.fromisoformat(text.strip())
    except ValueError as wrong:
        raise InvalidInputError(
            f"occurred_at is {text[:40]!r}, which is no day or time.",
            hint="Write 2026-03-31 or 2026-03-31T14:05+02:00.",
        ) from wrong
    return at if at.tzinfo else at.replace(tzinfo=UTC)


def _missing(of_type: str, fields: Mapping[str, Any]) -> list[str]:
    """Return what to ask for next."""
    wanted = [f"{words} ({name})" for name, words in _ASKED_SOON.get(of_type, ()) if name not in fields]
    if "owner_id" not in fields and of_type != "training":
        wanted.append("who answers for it (owner_id)")
    return [f"Ask for: {'; '.join(wanted)}."] if wanted else []


async def _linked(writing: Writing, of_type: str, record_id: UUID, fields: Mapping[str, Any]) -> None:
    """Link the record to what one of its fields names, so that a trace finds it."""
    if of_type not in _LINKED:
        return
    name, kind = _LINKED[of_type]
    if fields.get(name):
        await writing.link(record_id, str(fields[name]), kind)


async def _similar(writing: Writing, event: Event, record_id: UUID) -> list[_Like]:
    params = {
        "record_id": record_id,
        "category": event.type,
        "words": _words(event.title),
        "recent": _RECENT,
        "max_rows": _MOST_SIMILAR,
    }
    return await writing.transaction.fetch_all(_SIMILAR, params, row=_Like)


def _words(title: str) -> list[str]:
    """Return the words of a title that could tell events apart."""
    words = [word for word in re.findall(r"\w+", title.lower()) if len(word) >= _SHORTEST_WORD and word not in _NO_SIGN]
    return list(dict.fromkeys(words))[:_MOST_WORDS]
