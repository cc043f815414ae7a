"""Real clients over stdio: this generation of the SDK in both eras of the protocol, and the former generation."""

import json
import subprocess
import sys
from collections.abc import Generator
from pathlib import Path
from typing import Any

import anyio
import psycopg
import pytest

from tests.support.stdio import COMMAND, Workplace, connected, text_of, workplace

pytestmark = pytest.mark.anyio

LEGACY_CLIENT = Path(sys.executable).parents[1] / "legacy-client"

# Runs with the former SDK on its path, not ours.
LEGACY_SCRIPT = """
import anyio, json, sys
from mcp import ClientSession, StdioServerParameters
from mcp.client.stdio import stdio_client

async def main():
    command, environment = json.loads(sys.argv[1]), json.loads(sys.argv[2])
    parameters = StdioServerParameters(command=command[0], args=command[1:], env=environment)
    async with stdio_client(parameters) as streams, ClientSession(*streams) as session:
        greeting = await session.initialize()
        names = [tool.name for tool in (await session.list_tools()).tools]
        good = await session.call_tool("list_tables", {"schema": "agents"})
        bad = await session.call_tool("execute_query", {"statement": "DELETE FROM qms.quality_items"})
        odd = await session.call_tool("list_tables", {"shcema": "agents"})
        print(json.dumps({
            "protocol": greeting.protocolVersion, "names": names, "good": good.structuredContent,
            "bad": [bad.isError, bad.content[0].text], "odd": [odd.isError, odd.content[0].text],
        }))

anyio.run(main)
"""


@pytest.fixture(scope="module")
def place() -> Generator[Workplace]:
    with workplace() as made:
        yield made


def recorded(place: Workplace, protocol: str) -> list[tuple[Any, ...]]:
    """Return the calls of one protocol version, in order."""
    with psycopg.connect(place.conninfo()) as connection:
        return connection.execute(
            "SELECT tool_name, state, success, error_code, client_name FROM agents.tool_calls "
            "WHERE protocol_version = %s ORDER BY created_at",
            [protocol],
        ).fetchall()


@pytest.mark.parametrize(("mode", "protocol"), [("2026-07-28", "2026-07-28"), ("legacy", "2025-11-25")])
async def test_the_current_sdk_works_in_both_eras_and_every_call_is_recorded(
    place: Workplace, mode: str, protocol: str
) -> None:
    async with connected(place, mode=mode) as client:
        names = [tool.name for tool in (await client.list_tools()).tools]
        tables = await client.call_tool("list_tables", {"schema": "agents"})
        refused = await client.call_tool("execute_query", {"statement": "DELETE FROM qms.quality_items"})
        unknown = await client.call_tool("lst_tables", {})
    assert {"list_tables", "describe_table", "execute_query", "create_migration"} <= set(names)
    assert not tables.is_error
    assert "tool_calls" in json.dumps(tables.structured_content)
    assert refused.is_error
    assert "[refused_statement]" in text_of(refused)
    assert unknown.is_error
    assert "'list_tables'" in text_of(unknown)
    assert [row[:4] for row in recorded(place, protocol)] == [
        ("list_tables", "finished", True, None),
        ("execute_query", "finished", False, "refused_statement"),
        ("lst_tables", "finished", False, "not_found"),
    ]


async def test_a_client_of_the_former_generation_works(place: Workplace) -> None:
    if not LEGACY_CLIENT.is_dir():
        pytest.skip("NOT TESTED with a client of the former generation: run `make test`, which installs it")
    before = len(recorded(place, "2025-11-25"))
    done = await anyio.run_process(
        [sys.executable, "-S", "-c", LEGACY_SCRIPT, json.dumps(COMMAND), json.dumps(place.environment)],
        env={"PATH": place.environment["PATH"], "HOME": place.environment["HOME"], "PYTHONPATH": str(LEGACY_CLIENT)},
        stderr=subprocess.PIPE,
        check=False,
    )
    assert done.returncode == 0, done.stderr.decode()
    seen = json.loads(done.stdout.decode().strip().splitlines()[-1])
    assert seen["protocol"] == "2025-11-25"
    assert "execute_query" in seen["names"]
    assert "tool_calls" in json.dumps(seen["good"])
    assert seen["bad"][0]
    assert "[refused_statement]" in seen["bad"][1]
    assert seen["odd"][0]
    assert "'schema'" in seen["odd"][1]
    rows = recorded(place, "2025-11-25")[before:]
    assert [row[:3] for row in rows] == [
        ("list_tables", "finished", True),
        ("execute_query", "finished", False),
        ("list_tables", "finished", False),
    ]
    assert {row[4] for row in rows} == {"mcp"}


async def test_two_servers_share_one_home_and_nothing_but_the_protocol_is_on_stdout(place: Workplace) -> None:
    async with connected(place) as one, connected(place) as two:
        for client in (one, two):
            answer = await client.call_tool("list_tables", {"schema": "qms"})
            assert not answer.is_error


@pytest.mark.slow
async def test_the_first_call_is_told_how_far_the_server_is() -> None:
    heard: list[str] = []

    async def listen(progress: float, total: float | None, message: str | None) -> None:
        del progress, total
        heard.append(message or "")

    with workplace(empty=True) as empty:
        async with connected(empty) as client:
            answer = await client.call_tool("list_tables", {"schema": "qms"}, progress_callback=listen)
    assert not answer.is_error
    assert any("database" in message or "loading" in message for message in heard), heard


async def test_a_database_that_cannot_be_reached_is_a_clear_error_and_the_call_is_kept() -> None:
    with workplace(empty=True, DATABASE_URL="postgresql://nobody@127.0.0.1:1/none") as nowhere:
        async with connected(nowhere) as client:
            answer = await client.call_tool("list_tables", {})
            assert answer.is_error
            assert "[unavailable]" in text_of(answer)
            guide = await client.list_resources()
            assert guide.resources
        spooled = list((nowhere.home / "spool").glob("*.jsonl"))
        assert len(spooled) == 1
        assert "list_tables" in spooled[0].read_text()
