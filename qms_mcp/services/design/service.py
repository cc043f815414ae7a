"""Designs checked against the database: what they refer to has to exist, what they make must not."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from qms_mcp.auth.principal import Principal
from qms_mcp.db.queries import query
from qms_mcp.errors import InvalidInputError
from qms_mcp.services.design.blueprint import Blueprint, ExistingTable
from qms_mcp.services.design.ddl import in_order, migration_sql
from qms_mcp.services.design.diagram import mermaid
from qms_mcp.services.design.models import Entity, SchemaDesign
from qms_mcp.services.design.names import PLATFORM_SCHEMAS, check_name
from qms_mcp.services.rls.templates import Rules, reasons

if TYPE_CHECKING:
    from qms_mcp.db.database import Database

_EXISTING = query("rls.existing_tables")
_SCHEMAS = query("rls.schemas")
_RELATION_NAMES = query("rls.relation_names")
MOST_ENTITIES = 40


@dataclass(frozen=True)
class _Named:
    name: str


class Design:
    """Designs schemas; makes nothing."""

    def __init__(self, database: "Database") -> None:
        self._database = database

    async def design(self, *, principal: Principal, schema: str, entities: list[Entity]) -> SchemaDesign:
        """Return the migration that makes tables of these entities, and why it looks as it does.

        Raises:
            InvalidInputError: A name, a type or a reference can't be used; the hint has the nearest that can.
        """
        _check_size(schema, entities)
        async with self._database.transaction(principal, read_only=True) as transaction:
            existing = await transaction.fetch_all(_EXISTING, {"schemas": None}, row=ExistingTable)
            schemas = {row.name for row in await transaction.fetch_all(_SCHEMAS, row=_Named)}
            taken = {row.name for row in await transaction.fetch_all(_RELATION_NAMES, {"schema": schema}, row=_Named)}
        plan = Blueprint(schema, entities, {table.name: table for table in existing})
        for table in plan.tables.values():
            if table.plain_name in taken:
                raise InvalidInputError(
                    f"{table.name} is the name of an index, view or sequence already.", hint="Take another name."
                )
        _note_house_rules(plan)
        tables = in_order(plan.tables.values())
        return SchemaDesign(
            tables=[table.name for table in tables],
            script=migration_sql(plan, new_schema=schema not in schemas),
            decisions=plan.decisions,
            warnings=plan.warnings,
            diagram=mermaid(plan),
            next_step=(
                "Give the script to create_migration, which tests it; after apply_migration, check_rls shows who sees "
                "what. generate_rls has policies by role or by owner."
            ),
        )


def _check_size(schema: str, entities: list[Entity]) -> None:
    check_name(schema, "schema")
    if schema in PLATFORM_SCHEMAS:
        raise InvalidInputError(
            f"The schema {schema} is kept for the platform.", hint="Use qms or a schema of your own."
        )
    if not 1 <= len(entities) <= MOST_ENTITIES:
        raise InvalidInputError(
            f"A design has 1 to {MOST_ENTITIES} entities, not {len(entities)}.", hint="Design in several steps."
        )


def _note_house_rules(plan: Blueprint) -> None:
    tables = list(plan.tables.values())
    plan.decide("the key is a uuid", "ids can be made anywhere, and say nothing about how many records there are")
    plan.decide(
        "indexes begin with organization_id", "every query is filtered by it, so it is the first thing to narrow by"
    )
    for what, why in reasons(Rules("", append_only=all(table.append_only for table in tables))):
        plan.decide(what, why)
    plan.decide(
        "qms.record_change writes the audit trail",
        "in the same transaction and field by field: no change without entry",
    )
    if kept := [table.plain_name for table in tables if table.append_only]:
        plan.decide(f"append-only: {', '.join(kept)}", "UPDATE, DELETE and TRUNCATE are refused even for the owner")
    if any(not table.append_only for table in tables):
        plan.decide("DELETE and TRUNCATE are refused", "nothing is deleted; give the entity a state to cancel it by")
    for target in plan.widened:
        plan.warnings.append(
            f"{target.name} gets a unique index on (organization_id, {target.key}); its writes wait while it is built."
        )
    if len(tables) > 1 and not any(table.keys for table in tables):
        plan.warnings.append("No table refers to another: say in relations how they belong together.")
