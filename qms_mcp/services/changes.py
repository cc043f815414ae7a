"""Changes under control: what shall change and why, what it touches, and the ten aspects somebody has to think about.

What else a change may touch is looked for along the links of the records it starts from. That is a list to read, not
a finding: only what the caller names is linked as affected.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, get_args
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from qms_mcp.auth.principal import Principal
from qms_mcp.db.queries import query
from qms_mcp.errors import InvalidInputError
from qms_mcp.services.events.records import record_of
from qms_mcp.services.records.models import Written
from qms_mcp.services.records.people import People
from qms_mcp.services.records.writing import MADE_BEFORE, RecordWriter, Writing

if TYPE_CHECKING:
    from qms_mcp.db.database import Database

Aspect = Literal[
    "function", "performance", "usability", "safety", "regulatory", "documents", "training", "validation", "suppliers",
    "inventory",
]  # fmt: skip
ASPECTS: tuple[Aspect, ...] = get_args(Aspect)

_NEAR = query("changes.near")
_ASSESSED = query("changes.assessed")
_MOST_FOUND = 25
_MOST_LINKS = 100


class Impact(BaseModel):
    """What a change does to one aspect; also that it does nothing, and why, is an answer."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    aspect: Aspect
    affected: bool
    impact: str
    action_needed: str = ""


@dataclass(frozen=True, slots=True)
class NewChange:
    """A change somebody wants, or more about one that was requested.

    Attributes:
        record: The change request, when it exists already.
        implements: Records it is made for: CAPAs, nonconformances, findings.
        affects: Records it touches.
        fields: Columns, by name.
    """

    record: str | None = None
    fields: Mapping[str, Any] = field(default_factory=dict[str, Any])
    implements: Sequence[str] = ()
    affects: Sequence[str] = ()
    impacts: Sequence[Impact] = ()


class ChangeRequested(Written):
    """A change request.

    Attributes:
        missing_aspects: What nobody has assessed yet.
        may_affect: Records found along the links of those named, the nearest first.
    """

    missing_aspects: list[str] = Field(default_factory=list[str])
    may_affect: list[str] = Field(default_factory=list[str])


@dataclass(frozen=True, slots=True)
class _Near:
    number: str
    version: int
    category: str
    title: str
    state: str
    depth: int

    def in_words(self) -> str:
        steps = "1 link" if self.depth == 1 else f"{self.depth} links"
        return (
            f"{self.number} v{self.version} ({self.category.replace('_', ' ')}, {self.state}): {self.title} [{steps}]"
        )


@dataclass(frozen=True, slots=True)
class _Assessed:
    id: UUID
    aspect: Aspect
    affected: bool
    impact: str
    action_needed: str | None


class Changes:
    """Requests changes and keeps their impact assessment."""

    def __init__(self, database: "Database") -> None:
        self._writer = RecordWriter(database)
        self._people = People(database)

    async def request(
        self, principal: Principal, new: NewChange, because: str, *, idempotency_key: str | None = None
    ) -> ChangeRequested:
        """Add a change request, or impacts and links to one there is.

        Raises:
            InvalidInputError: A new change without title or proposed change, or a field that does not fit.
            ConflictError: The state of the change locks what would be written.
            NotFoundError: A record or person that is named does not exist.
        """
        fields = await self._people.resolve_fields(principal, new.fields)
        async with self._writer.open(principal, because=because) as writing:
            if new.record:
                record = await record_of(writing, new.record, "change_request")
                record_id = record.id
                if fields:
                    await writing.change(record_id, None, fields)
            else:
                made = await _added(writing, fields, idempotency_key)
                record_id = made.id
                if MADE_BEFORE in made.warnings:
                    return ChangeRequested(**dict(made), missing_aspects=await _missing(writing, record_id))
            await _linked(writing, record_id, new)
            await _keep(writing, record_id, new.impacts)
            return ChangeRequested(
                **dict(await writing.written(record_id, *_warnings(new, fields))),
                missing_aspects=await _missing(writing, record_id),
                may_affect=await _may_affect(writing, record_id, new),
            )


async def _added(writing: Writing, fields: Mapping[str, Any], idempotency_key: str | None) -> Written:
    wanted = [name for name in ("title", "proposed_change", "justification") if not str(fields.get(name, "")).strip()]
    if wanted:
        raise InvalidInputError(
            f"A new change request needs {', '.join(wanted)}.", hint="For one there is, give its number as record."
        )
    return await writing.add("change_request", fields, idempotency_key=idempotency_key)


def _warnings(new: NewChange, fields: Mapping[str, Any]) -> list[str]:
    warnings: list[str] = []
    if not new.record and "change_kind" not in fields:
        warnings.append("Ask for: what kind of change it is (change_kind).")
    open_ended = [impact.aspect for impact in new.impacts if impact.affected and not impact.action_needed.strip()]
    if open_ended:
        warnings.append(f"Affected, and nothing says what has to be done (action_needed): {', '.join(open_ended)}.")
    return warnings


async def _linked(writing: Writing, record_id: UUID, new: NewChange) -> None:
    for kind, references in (("implements", new.implements), ("affects", new.affects)):
        for reference in references:
            await writing.link(record_id, reference, kind)


async def _keep(writing: Writing, record_id: UUID, impacts: Sequence[Impact]) -> None:
    """Add the impacts; an aspect that was assessed before is assessed anew in its place."""
    standing = {row.aspect: row for row in await _of(writing, record_id)}
    for impact in impacts:
        fields = {"affected": impact.affected, "impact": impact.impact, "action_needed": impact.action_needed or None}
        before = standing.get(impact.aspect)
        if before is None:
            await writing.add_part(record_id, "impact_assessments", {"aspect": impact.aspect, **fields})
        elif (before.affected, before.impact, before.action_needed) != tuple(fields.values()):
            await writing.change_part("impact_assessments", before.id, fields)


async def _missing(writing: Writing, record_id: UUID) -> list[str]:
    done = {row.aspect for row in await _of(writing, record_id)}
    return [aspect for aspect in ASPECTS if aspect not in done]


async def _of(writing: Writing, record_id: UUID) -> list[_Assessed]:
    return await writing.transaction.fetch_all(_ASSESSED, {"record_id": record_id}, row=_Assessed)


async def _may_affect(writing: Writing, record_id: UUID, new: NewChange) -> list[str]:
    """Return what is near the records that were named, without those and the change itself."""
    named = [await writing.find(reference) for reference in (*new.implements, *new.affects)]
    params = {"start": [record_id, *named], "most_links": _MOST_LINKS, "max_rows": _MOST_FOUND}
    near = await writing.transaction.fetch_all(_NEAR, params, row=_Near)
    return [record.in_words() for record in near]
