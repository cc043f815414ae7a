"""The trail as a file: for a machine that recomputes it (JSONL), and for a person who reads it (HTML).

That somebody took the trail along is itself an entry of the trail, written before the first line of the file, so the
file ends with the notice of its own making.
"""

import json
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Literal, Protocol, TypeAlias

from qms_mcp.auth.principal import Principal
from qms_mcp.db.queries import query
from qms_mcp.services.trail import chain, pages
from qms_mcp.services.trail.entries import ExportRow
from qms_mcp.services.trail.scope import Scope, TrailFilter, find_scope

if TYPE_CHECKING:
    from qms_mcp.db.database import Database

Form: TypeAlias = Literal["jsonl", "html"]
_ORGANIZATION = query("trail.organization")
_EXPORT = query("trail.export")
_NOTE = query("trail.note")
_HEAD = query("trail.head")
_PAGE = 1_000
_WHY = "the audit trail is exported"


class Target(Protocol):
    """Where the text goes."""

    def write(self, text: str, /) -> Any:
        """Take some text."""


@dataclass(frozen=True, slots=True)
class Exported:
    """What was written.

    Attributes:
        last: The last entry in it.
        head: Its hash.
    """

    entries: int
    last: int | None
    head: str | None


@dataclass(frozen=True, slots=True)
class _Owner:
    id: Any
    name: str
    slug: str
    zone: str


class TrailExport:
    """Writes the trail of one organization to a file."""

    def __init__(self, database: "Database", principal: Principal) -> None:
        self._database = database
        self._principal = principal

    async def write(
        self,
        target: Target,
        wanted: TrailFilter,
        form: Form,
        *,
        at: Callable[[int, int], None] = lambda _done, _last: None,
    ) -> Exported:
        """Write the entries, the oldest first, and note that it was done.

        Raises:
            InvalidInputError: The period ends before it begins.
            NotFoundError: There is no such record.
        """
        async with self._database.transaction(self._principal, because=_WHY) as transaction:
            scope = await find_scope(transaction, wanted)
            owner = await transaction.fetch_one(_ORGANIZATION, row=_Owner)
            if owner is None:
                raise RuntimeError("a transaction without an organization")
            details = {
                "what": "audit trail", "format": form, "record": wanted.record,
                "since": _text(scope.since), "until": _text(scope.until),
            }  # fmt: skip
            await transaction.execute(
                _NOTE,
                {
                    "entity_type": "qms.audit_logs",
                    "entity_id": scope.record_id,
                    "action": "export",
                    "details": json.dumps({name: value for name, value in details.items() if value is not None}),
                },
            )
            last = (await transaction.fetch_dicts(_HEAD))[0]["seq"]
        writer = _Jsonl(target) if form == "jsonl" else _Html(target)
        writer.begin(owner, wanted, whole=scope.everything)
        exported = Exported(0, None, None)
        async for page in self._pages(scope, last):
            for row in page:
                writer.entry(row)
            exported = Exported(exported.entries + len(page), page[-1].seq, page[-1].row_hash)
            at(page[-1].seq, last)
        writer.end(exported)
        return exported

    async def _pages(self, scope: Scope, last: int) -> AsyncIterator[list[ExportRow]]:
        """Yield pages up to the entry that notes this export."""
        highest = last if scope.highest is None else min(scope.highest, last)
        after = 0
        while True:
            params = {**scope.parameters(after_seq=after, max_rows=_PAGE), "highest": highest}
            async with self._database.transaction(self._principal, read_only=True) as transaction:
                page = await transaction.fetch_all(_EXPORT, params, row=ExportRow)
            if page:
                yield page
                after = page[-1].seq
            if len(page) < _PAGE:
                return


class _Jsonl:
    """One object a line: a header, the entries, an end."""

    def __init__(self, target: Target) -> None:
        self._target = target

    def begin(self, owner: _Owner, _wanted: TrailFilter, *, whole: bool) -> None:
        organization = {"id": str(owner.id), "name": owner.name, "slug": owner.slug}
        self._line(chain.header(organization=organization, whole=whole, from_seq=1, made_at=datetime.now(UTC)))

    def entry(self, row: ExportRow) -> None:
        self._line({"canonical": row.canonical, "prev_hash": row.prev_hash, "row_hash": row.row_hash})

    def end(self, exported: Exported) -> None:
        self._line(chain.footer(entries=exported.entries, last_seq=exported.last, head=exported.head))

    def _line(self, row: dict[str, Any]) -> None:
        self._target.write(json.dumps(row, ensure_ascii=False) + "\n")


class _Html:
    """One page that needs nothing else, and prints."""

    def __init__(self, target: Target) -> None:
        self._target = target

    def begin(self, owner: _Owner, wanted: TrailFilter, *, whole: bool) -> None:
        parts = [] if whole else [f"record {wanted.record}"] if wanted.record else []
        parts += [f"from {_text(wanted.since)}"] if wanted.since else []
        parts += [f"before {_text(wanted.until)}"] if wanted.until else []
        made = f"{datetime.now(UTC):%Y-%m-%d %H:%M:%S} UTC"
        self._target.write(pages.beginning(owner.name, owner.zone, ", ".join(parts) or "all entries", made))

    def entry(self, row: ExportRow) -> None:
        self._target.write(pages.entry(row))

    def end(self, exported: Exported) -> None:
        self._target.write(pages.end(exported.entries, exported.last, exported.head))


def _text(moment: datetime | None) -> str | None:
    return moment.isoformat() if moment else None
