"""The catalogue's service: look things up, then count and show the caller's own rows."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from qms_mcp.auth.principal import Principal
from qms_mcp.db.queries import query
from qms_mcp.errors import NotFoundError, QmsError
from qms_mcp.services.catalogue.describing import ColumnRow, read_description
from qms_mcp.services.catalogue.listing import Asked, ObjectRow, read_page, shown
from qms_mcp.services.catalogue.models import Kind, SchemaObject, SchemaObjects, TableDescription
from qms_mcp.services.catalogue.names import RelationName, asked_schema, nearest, resolve, sayable
from qms_mcp.services.catalogue.own_rows import OwnRows, readable, why_withheld

if TYPE_CHECKING:
    from qms_mcp.db.database import Database
    from qms_mcp.db.guard import Guard
    from qms_mcp.db.relation import Readable
    from qms_mcp.db.transaction import Transaction

_SCHEMAS = query("catalogue.schemas")
_RELATIONS = query("catalogue.relations")
_COLUMNS = query("catalogue.columns")

# Keys and credentials, people's logins, and the bookkeeping of the platform: nothing a question is about.
_HIDDEN = ("qms_private", "auth", "supabase_migrations", "vault", "pgsodium", "dbos")
_COUNTED = ("table", "materialized_view")


@dataclass(frozen=True, slots=True)
class _SchemaRow:
    name: str


class Catalogue:
    """What is in the database, as far as the caller may use it.

    Args:
        database: Where to look.
        guard: Decides what may be read of a view.
    """

    def __init__(self, database: "Database", guard: "Guard | None" = None) -> None:
        self._database = database
        self._own_rows = OwnRows(database, guard)

    async def list_objects(
        self,
        principal: Principal,
        *,
        schema: str | None = None,
        kind: Kind = "relation",
        search: str | None = None,
        full: bool = False,
        limit: int = 50,
        cursor: str | None = None,
    ) -> SchemaObjects:
        """Return a page of objects; with `full`, each with a summary, and tables with the caller's own rows.

        Raises:
            NotFoundError: The caller may use no such schema.
            InvalidInputError: The cursor is not one of ours.
        """
        wanted = sayable(search or "", argument="search").strip()
        async with self._database.transaction(principal, read_only=True) as transaction:
            schemas = await _schemas(transaction, schema or "")
            if schema:
                schemas = [_matching(schema, schemas)]
            asked = Asked(kind, schemas, one_schema=bool(schema), search=wanted, limit=limit, cursor=cursor)
            page = await read_page(transaction, asked)
        objects = [shown(row, full=full) for row in page.rows]
        notes: list[str] = []
        if full:
            objects, notes = await self._counted(principal, page.rows, objects)
        return SchemaObjects(total=page.total, objects=objects, next_cursor=page.next_cursor, notes=notes)

    async def describe_table(self, principal: Principal, table: str, *, samples: int = 0) -> TableDescription:
        """Return all there is to know of a table or a view.

        Raises:
            NotFoundError: There is none, or the caller may not see it.
            InvalidInputError: Several have this name.
        """
        written = sayable(table, argument="table")
        async with self._database.transaction(principal, read_only=True) as transaction:
            schemas = await _schemas(transaction, asked_schema(written) or "")
            relation = resolve(written, await _relations(transaction, schemas))
            found = await read_description(transaction, relation, schemas)
        if found is None:
            raise NotFoundError(f"{relation.qualified} has just been removed.", hint="list_tables shows what there is.")
        described = found.description
        if why_not := why_withheld(relation.schema, relation.kind, found.columns):
            return described.model_copy(update={"notes": [*described.notes, why_not]})
        protected = described.row_level_security != "off"
        reading = readable(relation.schema, relation.name, found.columns, protected=protected)
        view = relation.kind == "view"
        seen = await self._own_rows.see(principal, reading, samples=samples, view=view)
        update = {**seen.fields(sized=not view), "samples": seen.samples, "notes": [*described.notes, *seen.notes]}
        return described.model_copy(update=update)

    async def relation_names(self, principal: Principal) -> list[RelationName]:
        """Return every relation the caller may read, by schema and name."""
        async with self._database.transaction(principal, read_only=True) as transaction:
            return await _relations(transaction, await _schemas(transaction))

    async def schema_names(self, principal: Principal) -> list[str]:
        """Return every schema the caller may use."""
        async with self._database.transaction(principal, read_only=True) as transaction:
            return await _schemas(transaction)

    async def _counted(
        self, principal: Principal, found: Sequence[ObjectRow], objects: list[SchemaObject]
    ) -> tuple[list[SchemaObject], list[str]]:
        counted = {place: row for place, row in enumerate(found) if row.kind in _COUNTED}
        if not counted:
            return objects, []
        reading: dict[int, Readable] = {}
        async with self._database.transaction(principal, read_only=True) as transaction:
            for place, row in counted.items():
                columns = await transaction.fetch_all(_COLUMNS, {"relation": row.relation}, row=ColumnRow)
                if not why_withheld(row.schema, row.kind.replace("_", " "), columns):
                    reading[place] = readable(row.schema, row.name, columns, protected=row.protected)
        try:
            seen = await self._own_rows.count_all(principal, reading)
        except QmsError as error:
            return objects, [f"Rows are not counted: {error.message}"]
        for place, one in seen.items():
            objects[place] = objects[place].model_copy(update=one.fields(sized=True))
        notes = ["rows and bytes are those your organization has, counted up to 10000."]
        if len(seen) < len(reading):
            notes.append("Where they are missing, counting took too long.")
        return objects, notes


async def _schemas(transaction: "Transaction", asked: str = "") -> list[str]:
    params = {"hidden": list(_HIDDEN), "asked": sayable(asked, argument="schema")}
    return [row.name for row in await transaction.fetch_all(_SCHEMAS, params, row=_SchemaRow)]


async def _relations(transaction: "Transaction", schemas: Sequence[str]) -> list[RelationName]:
    return await transaction.fetch_all(_RELATIONS, {"schemas": list(schemas)}, row=RelationName)


def _matching(asked: str, schemas: Sequence[str]) -> str:
    if asked in schemas:
        return asked
    folded = [name for name in schemas if name.casefold() == asked.casefold()]
    if len(folded) == 1:
        return folded[0]
    close = nearest(asked, schemas)
    hint = f"Did you mean {' or '.join(close)}?" if close else f"There is: {', '.join(schemas)}."
    raise NotFoundError(f"There is no schema {asked[:80]!r}.", hint=hint)
