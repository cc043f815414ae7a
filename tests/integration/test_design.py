"""A design becomes a migration that runs as the owner and keeps the organizations apart."""

import shutil
from pathlib import Path
from typing import Any

import anyio
import pytest

from qms_mcp.db.database import Database
from qms_mcp.db.queries import Query
from qms_mcp.errors import ConflictError, InvalidInputError, NotAllowedError, StatementError
from qms_mcp.services.design.models import Entity, SchemaDesign
from qms_mcp.services.design.names import RESERVED
from qms_mcp.services.design.service import Design
from tests.conftest import Tenants

pytestmark = pytest.mark.anyio

RUN = Query("test", "SELECT qms_private.run_script(%(script)s)")
ENTITIES: list[dict[str, Any]] = [
    {
        "name": "instruments",
        "description": "Measuring instruments of the site; it's the 'calibrated' ones.",
        "fields": [
            {"name": "tag", "type": "varchar(40)", "required": True, "unique": True, "description": "Painted on it."},
            {"name": "status", "type": "enum", "allowed": ["in_use", "out"], "default": "in_use", "required": True},
            {"name": "price", "type": "money"},
            {"name": "range_max", "type": "decimal(12,4)", "default": 0.5},
            {"name": "bought_on", "type": "date", "default": "today"},
            {"name": "settings", "type": "json", "default": "{}"},
            {"name": "meaning", "type": "vector(3)"},
            {"name": "keeper", "references": "auth.users", "description": "Who answers for it."},
            {"name": "spare_for", "references": "instruments"},
        ],
        "relations": [
            {"to": "calibrations", "kind": "one_to_many", "required": True},
            {"to": "methods", "kind": "many_to_many"},
            {"to": "qms.quality_items", "on": "nonconformance_id"},
        ],
    },
    {
        "name": "calibrations",
        "description": "Results of calibrations.",
        "append_only": True,
        "fields": [{"name": "result", "type": "float", "required": True}, {"name": "due_at", "type": "timestamp"}],
    },
    {"name": "methods", "description": "Methods of calibration.", "fields": [{"name": "title", "required": True}]},
    {
        "name": "method_texts",
        "description": "The text of a method.",
        "relations": [{"to": "methods", "kind": "one_to_one", "required": True}],
    },
]


def entities(given: list[dict[str, Any]] | None = None) -> list[Entity]:
    return [Entity.model_validate(entity) for entity in given or ENTITIES]


async def designed(database: Database, tenants: Tenants, schema: str = "metrology") -> SchemaDesign:
    return await Design(database).design(principal=tenants.ours, schema=schema, entities=entities())


async def apply(database: Database, script: str) -> None:
    async with database.owner_transaction() as transaction:
        await transaction.execute(RUN, {"script": script})


async def test_a_design_runs_as_the_owner(database: Database, tenants: Tenants) -> None:
    design = await designed(database, tenants)
    await apply(database, design.script)
    assert set(design.tables) == {
        f"metrology.{name}"
        for name in ("instruments", "calibrations", "methods", "method_texts", "instruments_methods")
    }
    again = entities([{"name": "instruments", "description": "The same again."}])
    with pytest.raises(InvalidInputError, match="already"):
        await Design(database).design(principal=tenants.ours, schema="metrology", entities=again)


async def test_designed_tables_keep_organizations_apart_and_leave_a_trail(database: Database, tenants: Tenants) -> None:
    await apply(database, (await designed(database, tenants)).script)
    add = Query("t", "INSERT INTO metrology.instruments (organization_id, tag) VALUES (%(org)s, %(tag)s)")
    for principal in (tenants.ours, tenants.theirs):
        async with database.transaction(principal) as transaction:
            await transaction.execute(add, {"org": principal.organization_id, "tag": "M-1"})
    async with database.transaction(tenants.ours) as transaction:
        rows = await transaction.fetch_dicts(
            Query(
                "t", "SELECT tag, status, range_max::text, bought_on = current_date AS today FROM metrology.instruments"
            )
        )
        trail = await transaction.fetch_dicts(
            Query("t", "SELECT entity_type, action FROM qms.audit_logs WHERE action <> 'loaded'")
        )
    assert rows == [{"tag": "M-1", "status": "in_use", "range_max": "0.5000", "today": True}]
    assert trail == [{"entity_type": "metrology.instruments", "action": "insert"}]
    with pytest.raises(NotAllowedError):
        async with database.transaction(tenants.ours) as transaction:
            await transaction.execute(add, {"org": tenants.theirs.organization_id, "tag": "M-2"})


async def test_a_record_cannot_point_at_one_of_another_organization(database: Database, tenants: Tenants) -> None:
    await apply(database, (await designed(database, tenants)).script)
    async with database.transaction(tenants.theirs) as transaction:
        foreign = await transaction.fetch_dicts(
            Query("t", "INSERT INTO metrology.instruments (organization_id, tag) VALUES (%(org)s, 'T-1') RETURNING id"),
            {"org": tenants.theirs.organization_id},
        )
    point = Query(
        "t",
        "INSERT INTO metrology.calibrations (organization_id, instrument_id, result) VALUES (%(org)s, %(id)s, 1)",
    )
    with pytest.raises(StatementError, match="23503"):
        async with database.transaction(tenants.ours) as transaction:
            await transaction.execute(point, {"org": tenants.ours.organization_id, "id": foreign[0]["id"]})


async def test_an_append_only_table_cannot_be_rewritten_even_by_the_owner(database: Database, tenants: Tenants) -> None:
    await apply(database, (await designed(database, tenants)).script)
    for statement in ("TRUNCATE metrology.calibrations", "TRUNCATE metrology.instruments CASCADE"):
        with pytest.raises(ConflictError, match="append-only"):
            async with database.owner_transaction() as transaction:
                await transaction.connection.execute(statement.encode())
    with pytest.raises(NotAllowedError):
        async with database.transaction(tenants.ours) as transaction:
            await transaction.connection.execute(b"UPDATE metrology.calibrations SET result = 2")


async def test_a_reference_to_nothing_is_refused_with_the_nearest_name(database: Database, tenants: Tenants) -> None:
    wrong = entities([{"name": "a", "description": "A.", "relations": [{"to": "qms.quality_item"}]}])
    with pytest.raises(InvalidInputError, match="no entity or table") as refused:
        await Design(database).design(principal=tenants.ours, schema="metrology", entities=wrong)
    assert refused.value.hint == "Did you mean 'qms.quality_items'?"


async def test_tables_that_point_at_each_other_are_made(database: Database, tenants: Tenants) -> None:
    circle = entities(
        [
            {"name": "teams", "description": "Teams.", "relations": [{"to": "members", "on": "lead_id"}]},
            {"name": "members", "description": "Members.", "relations": [{"to": "teams"}]},
        ]
    )
    design = await Design(database).design(principal=tenants.ours, schema="qms", entities=circle)
    assert "CREATE SCHEMA" not in design.script
    await apply(database, design.script)


async def test_the_reserved_words_are_those_of_postgres(database: Database) -> None:
    words = Query("t", "SELECT k.word FROM pg_get_keywords() AS k WHERE k.catcode IN ('R', 'T')")
    async with database.owner_transaction(rollback=True) as transaction:
        assert {row["word"] for row in await transaction.fetch_dicts(words)} == RESERVED


async def test_the_linter_for_migrations_accepts_a_design(database: Database, tenants: Tenants, tmp_path: Path) -> None:
    squawk = shutil.which("squawk") or str(Path(__file__).parents[2] / ".venv/bin/squawk")
    script = tmp_path / "design.sql"
    plain = entities([{**ENTITIES[0], "relations": ENTITIES[0]["relations"][:2]}, *ENTITIES[1:]])
    design = await Design(database).design(principal=tenants.ours, schema="metrology", entities=plain)
    script.write_text(design.script)
    config = Path(__file__).parents[2] / ".squawk.toml"
    with anyio.fail_after(30):
        answer = await anyio.run_process([squawk, "--config", str(config), str(script)], check=False)
    assert answer.returncode == 0, answer.stdout.decode()
