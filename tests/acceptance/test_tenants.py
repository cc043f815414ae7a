"""Two organizations, hundreds of rows each: nothing a client can call shows one to the other.

By construction over every registered tool, resource and prompt: a tool without examples here fails the test, so one
that is added later is covered too.
"""

import json
from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from mcp.client import Client
from mcp.shared.exceptions import MCPError

from qms_mcp.db.database import Database
from qms_mcp.db.embedded import EmbeddedPostgres
from tests.conftest import Tenants, copied_database, two_tenants, wiring_for
from tests.support.in_process import client_for
from tests.support.two_organizations import FOREIGN, OWN_ROWS, Seeded, seed_two_organizations

pytestmark = pytest.mark.anyio

Arguments = dict[str, Any]
# No client may read these at all; and these grow while a test counts them.
UNREADABLE = {"agents.otlp_outbox"}
PROMPTED = {"schema": "qms", "table": "qms.quality_items"}
GROWING = {
    *("agents.agent_runs", "agents.agent_traces", "agents.tool_calls"),
    *("qms.approvals", "qms.migration_drafts", "qms.transform_drafts"),
}
# The word, spelt so that it does not stand in what we send.
PATTERN = "'ZEB' || 'RA%'"


@dataclass(frozen=True)
class World:
    """A database with two organizations in it, for all tests of this module."""

    database: Database
    tenants: Tenants
    seeded: Seeded


@pytest.fixture(scope="module")
async def world(embedded: EmbeddedPostgres, template: str) -> AsyncGenerator[World]:
    with copied_database(embedded, template) as name:
        database = Database(wiring_for(embedded, name))
        await database.open()
        tenants = await two_tenants(database)
        seeded = seed_two_organizations(embedded.conninfo(name, "postgres"), tenants.ours, tenants.theirs)
        yield World(database, tenants, seeded)
        await database.close()


def queries(seeded: Seeded) -> list[str]:
    """Return statements that would show foreign rows, counts or values, if anything did."""
    found: list[str] = []
    for table in seeded.tables:
        found += [
            f"SELECT * FROM {table} ORDER BY organization_id DESC",
            f"SELECT count(*), count(DISTINCT organization_id) FROM {table}",
            f"SELECT t::text FROM {table} AS t WHERE t::text LIKE {PATTERN}",
            f"SELECT (t::text)::integer FROM {table} AS t WHERE t::text LIKE {PATTERN}",
            f"SELECT 1 / (t::text NOT LIKE {PATTERN})::integer FROM {table} AS t",
            f"SELECT * FROM {table} WHERE id::text = '{seeded.foreign_ids.get(table, '1')}'",
        ]
    return [
        *found,
        "SELECT * FROM qms.organizations",
        "SELECT * FROM qms.memberships",
        "SELECT * FROM qms.people",
        "SELECT * FROM pg_catalog.pg_stats WHERE schemaname IN ('qms', 'agents', 'ml_loop', 'public')",
        "SELECT most_common_vals::text, histogram_bounds::text FROM pg_catalog.pg_stats",
        (
            "SELECT id, content FROM public.match_embeddings("
            "array_fill(0.1::real, ARRAY[1536])::extensions.vector, 1000, NULL)"
        ),
        "SELECT query FROM pg_catalog.pg_stat_activity",
        "SELECT * FROM auth.users",
        "SELECT * FROM qms_private.credentials",
        "SELECT current_setting('qms.identity')",
    ]


def examples(seeded: Seeded) -> dict[str, Sequence[Arguments]]:
    """Return, for every tool, calls that reach for what belongs to the other organization."""
    foreign = seeded.foreign_ids
    tables = seeded.tables
    statements = queries(seeded)
    return {
        "list_tables": [{"detail": "full"}, {"kind": "policy", "detail": "full"}, {"search": "quality"}],
        "describe_table": [{"table": table, "samples": 5} for table in tables],
        "design_schema": [
            {"schema": "qms", "entities": [{"name": "torque_checks", "description": "Torque checks of a line.",
             "fields": [{"name": "torque_nm", "type": "decimal(8,2)", "description": "Torque in Nm."}]}]},
        ],
        "generate_rls": [{"table": "qms.quality_items"}],
        "check_rls": [{}, {"table": "qms.quality_items"}],
        "create_migration": [
            {"name": "add_note", "script": "ALTER TABLE qms.quality_items ADD COLUMN note text", "reason": "A note."},
            {"name": "leak", "reason": "Reads what it may not.", "script":
             "ALTER TABLE qms.quality_items NO FORCE ROW LEVEL SECURITY; SELECT title::integer FROM qms.quality_items"},
            {"name": "unique_title", "reason": "Fails on duplicates.", "script":
             "ALTER TABLE qms.quality_items ADD CONSTRAINT short CHECK (length(title) < 3)"},
        ],
        "apply_migration": [
            {"draft_id": foreign["qms.migration_drafts"]},
            {"draft_id": foreign["qms.migration_drafts"], "approval_id": foreign["qms.approvals"]},
        ],
        "list_migrations": [{"detail": "full", "limit": 100}],
        "execute_query": [{"statement": statement, "limit": 1000, "detail": "full"} for statement in statements],
        "explain_query": [
            {"statement": f"SELECT * FROM {table} WHERE id IS NOT NULL", "analyze": True}
            for table in tables
        ],
        "generate_sql": [
            {"question": "Which quality items, tool calls, approvals and training data are there, by title?"},
            {"question": "titles like zeb ra"},
        ],
        "validate_data": [{"table": table} for table in tables] + [
            {"table": "qms.quality_items", "rules": [{"rule": "regex", "column": "title", "pattern": "^nothing$"}]},
        ],
        "transform_data": [
            {"statement": "UPDATE qms.quality_items SET description = title", "reason": "Copy the titles."},
            {"statement": f"DELETE FROM qms.quality_items WHERE title LIKE {PATTERN}", "reason": "Remove theirs."},
            {"statement": "UPDATE qms.quality_items SET priority = title::integer", "reason": "Provoke an error."},
            {"draft_id": foreign["qms.transform_drafts"]},
        ],
        "generate_tests": [{"table": "qms.quality_items"}],
        "review_code": [{"code": "SELECT * FROM qms.quality_items WHERE title = NULL"}],
    }  # fmt: skip


def resources(seeded: Seeded) -> list[str]:
    described = [f"qms://schema/{table.replace('.', '/')}" for table in seeded.tables]
    # The own ledger comes first: later it holds what was asked here, ids included.
    return [
        "qms://ledger/current",
        "qms://guide",
        *described,
        f"qms://ledger/{seeded.foreign_ids['agents.agent_runs']}",
    ]


def nothing_foreign(answer: str, asked: object, seeded: Seeded) -> None:
    """Fail when an answer holds the other organization's word, or an id that was not in the question."""
    assert FOREIGN not in answer.upper(), (asked, answer[:2000])
    sent = json.dumps(asked, default=str)
    if "agents." in sent or "ledger" in sent:
        return  # the own ledger holds the ids that were asked for before
    for what, foreign_id in seeded.foreign_ids.items():
        assert foreign_id in sent or foreign_id not in answer, (what, asked, answer[:2000])


async def answer_of(client: Client, tool: str, arguments: Arguments) -> str:
    result = await client.call_tool(tool, arguments)
    return result.model_dump_json()


async def test_no_tool_shows_anything_of_the_other_organization(world: World, tmp_path: Path) -> None:
    seeded = world.seeded
    calls = examples(seeded)
    async with client_for(world.database, world.tenants.ours, tmp_path) as client:
        names = {tool.name for tool in (await client.list_tools()).tools}
        assert names == set(calls), "every tool needs examples here"
        worked: set[str] = set()
        for tool, asked in calls.items():
            for arguments in asked:
                answer = await answer_of(client, tool, arguments)
                nothing_foreign(answer, arguments, seeded)
                if '"is_error":false' in answer:
                    worked.add(tool)
        assert worked == names - {"apply_migration"}, "an example of each tool must do what the tool is for"


async def test_what_is_ours_is_shown_and_counted_whole(world: World, tmp_path: Path) -> None:
    seeded = world.seeded
    async with client_for(world.database, world.tenants.ours, tmp_path) as client:
        for table in set(seeded.tables) - {*UNREADABLE, *GROWING}:
            result = await client.call_tool("execute_query", {"statement": f"SELECT count(*) FROM {table}"})
            assert result.structured_content is not None
            assert result.structured_content["rows"] == [[OWN_ROWS]], table


async def test_no_resource_prompt_or_completion_shows_anything_of_the_other_organization(
    world: World, tmp_path: Path
) -> None:
    seeded = world.seeded
    async with client_for(world.database, world.tenants.ours, tmp_path) as client:
        for uri in resources(seeded):
            try:
                shown = (await client.read_resource(uri)).model_dump_json()
            except MCPError as error:
                shown = str(error)
            nothing_foreign(shown, uri, seeded)
        for prompt in (await client.list_prompts()).prompts:
            arguments = {argument.name: PROMPTED[argument.name] for argument in prompt.arguments or []}
            nothing_foreign((await client.get_prompt(prompt.name, arguments)).model_dump_json(), arguments, seeded)


async def test_the_other_organization_is_untouched_by_all_of_that(world: World, tmp_path: Path) -> None:
    seeded = world.seeded
    before = await fingerprint(world)
    async with client_for(world.database, world.tenants.ours, tmp_path) as client:
        for tool in ("transform_data", "create_migration", "apply_migration"):
            for arguments in examples(seeded)[tool]:
                await client.call_tool(tool, arguments)
    assert await fingerprint(world) == before


async def fingerprint(world: World) -> list[tuple[str, Any]]:
    found: list[tuple[str, Any]] = []
    async with world.database.transaction(world.tenants.theirs, read_only=True) as transaction:
        for table in sorted(set(world.seeded.tables) - UNREADABLE):
            statement = f"SELECT md5(string_agg(t::text, '' ORDER BY t.id)) FROM {table} AS t"
            row = await (await transaction.connection.execute(statement.encode())).fetchone()
            found.append((table, row))
    return found
