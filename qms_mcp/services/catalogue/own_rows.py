"""The caller's own rows of a relation: how many, how large, a few to look at.

PostgreSQL keeps estimates of rows and sizes, but of all organizations together. So rows are counted here under
row-level security, up to a cap, and their sizes added up; nothing else is ever said about volume.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import anyio

from qms_mcp.auth.principal import Principal
from qms_mcp.db.relation import MOST_COUNTED, MOST_SAMPLED, Extent, Readable, ReadableColumn
from qms_mcp.errors import QmsError
from qms_mcp.services.catalogue.describing import ColumnRow

if TYPE_CHECKING:
    from qms_mcp.db.database import Database
    from qms_mcp.db.guard import Guard

_SYSTEM = ("pg_catalog", "information_schema")
_COUNT_MS = 1_500
_COUNT_ALL_SECONDS = 6.0


@dataclass(frozen=True, slots=True)
class Seen:
    """What the caller sees of a relation, and what could not be had and why."""

    extent: Extent | None = None
    samples: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    notes: Sequence[str] = ()

    def fields(self, *, sized: bool) -> dict[str, Any]:
        """Return the fields `rows` and `bytes` of an answer."""
        if self.extent is None:
            return {}
        many = self.extent.count > MOST_COUNTED
        return {
            "rows": f"{MOST_COUNTED}+" if many else str(self.extent.count),
            "bytes": self.extent.size if sized and self.extent.count else None,
        }


def readable(schema: str, name: str, columns: Sequence[ColumnRow], *, protected: bool) -> Readable:
    """Return how to read a relation; `protected` says whether row-level security covers it."""
    return Readable(
        schema,
        name,
        [ReadableColumn(column.name, column.type, column.category) for column in columns],
        narrowed=_has_organization(columns) and not protected,
    )


def why_withheld(schema: str, kind: str, columns: Sequence[ColumnRow]) -> str | None:
    """Return why rows of a relation are not counted or shown at all, or None."""
    if schema in _SYSTEM:
        return "Rows of system tables are not counted or shown."
    if not columns:
        return "It has no column you may read."
    if kind == "materialized view" and not _has_organization(columns):
        return "Its rows are not counted or shown: row-level security can't cover it, and it has no organization_id."
    return None


class OwnRows:
    """Counts and shows rows, as the SQL tools would.

    Args:
        database: Where the rows are.
        guard: Decides what may be read; one of its own when left out.
    """

    def __init__(self, database: "Database", guard: "Guard | None" = None) -> None:
        self._database = database
        self._guard = guard

    async def see(self, principal: Principal, relation: Readable, *, samples: int, view: bool) -> Seen:
        """Count the rows of one relation and show a few. What a view would call is looked at first."""
        from qms_mcp.db.relation_rows import measure, sample  # noqa: PLC0415 - brings psycopg

        try:
            if view:
                await self._inspect(relation)
            async with self._database.sql_transaction(principal, timeout_ms=_COUNT_MS) as transaction:
                extent = await measure(transaction, relation)
                few = await sample(transaction, relation, samples) if samples else []
        except QmsError as error:
            return Seen(notes=[f"Rows are not counted or shown: {error.message}"])
        notes = [] if extent else ["Its rows could not be counted in time."]
        if isinstance(few, QmsError):
            return Seen(extent, notes=[*notes, f"No samples: {few.message}"])
        if few and len(relation.columns) > MOST_SAMPLED:
            notes.append(f"Samples hold the first {MOST_SAMPLED} of {len(relation.columns)} columns.")
        return Seen(extent, few, notes)

    async def count_all(self, principal: Principal, relations: Mapping[int, Readable]) -> dict[int, Seen]:
        """Count the rows of several relations for as long as is bearable; what is missing took too long.

        Raises:
            QmsError: Nothing can be counted.
        """
        from qms_mcp.db.relation_rows import measure  # noqa: PLC0415 - brings psycopg

        seen: dict[int, Seen] = {}
        with anyio.move_on_after(_COUNT_ALL_SECONDS):
            async with self._database.sql_transaction(principal, timeout_ms=_COUNT_MS) as transaction:
                for key, relation in relations.items():
                    if extent := await measure(transaction, relation):
                        seen[key] = Seen(extent)
        return seen

    async def _inspect(self, relation: Readable) -> None:
        from qms_mcp.db.guard import Guard  # noqa: PLC0415 - brings psycopg
        from qms_mcp.db.relation_rows import reading  # noqa: PLC0415 - the same

        self._guard = self._guard or Guard()
        async with self._database.probe_transaction() as probe:
            await self._guard.inspect(probe.connection, reading(relation))


def _has_organization(columns: Sequence[ColumnRow]) -> bool:
    return any(column.name == "organization_id" and column.type == "uuid" for column in columns)
