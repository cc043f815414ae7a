"""The ledger of the real server: nothing is lost when it is killed, stopped, or loses its database."""

import csv
import io
import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import anyio
import jwt
import psycopg
import pytest
from mcp.client import Client
from mcp.client.stdio import StdioServerParameters, stdio_client
from mcp.shared.exceptions import MCPError
from psycopg.rows import dict_row

from qms_mcp.db.local_owner import LOCAL_OWNER_ID
from tests.support.langfuse_receiver import langfuse_receiver
from tests.support.ledger import until
from tests.support.stdio import Workplace, text_of, workplace

pytestmark = pytest.mark.anyio

SERVER = Path(__file__).parents[1] / "support" / "ledger_tools.py"


@pytest.fixture(scope="module")
def place() -> Generator[Workplace]:
    with workplace() as made:
        yield made


@asynccontextmanager
async def served(place: Workplace, errors: Path | None = None, **variables: str) -> AsyncGenerator[Client]:
    """Yield a client of a real server process that has the tools of the tests beside its own."""
    parameters = StdioServerParameters(
        command=sys.executable, args=[str(SERVER)], env={**place.environment, **variables}, cwd=place.home.parent
    )
    with (errors or Path(os.devnull)).open("a") as log:
        async with Client(stdio_client(parameters, errlog=log)) as client:
            yield client


async def note(client: Client, number: int) -> int:
    """Call the tool that answers at once and return the process that did."""
    answer = await client.call_tool("note", {"number": number})
    assert answer.structured_content is not None, text_of(answer)
    assert answer.structured_content["number"] == number
    return int(answer.structured_content["pid"])


def calls(place: Workplace, tool: str = "note") -> list[dict[str, Any]]:
    with psycopg.Connection[dict[str, Any]].connect(place.conninfo(), row_factory=dict_row) as connection:
        return connection.execute(
            "SELECT c.*, r.status AS run_status FROM agents.tool_calls AS c "
            "JOIN agents.agent_runs AS r ON r.id = c.run_id WHERE c.tool_name = %s ORDER BY c.created_at",
            [tool],
        ).fetchall()


def is_gone(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    return "State:\tZ" in Path(f"/proc/{pid}/status").read_text()


async def test_a_server_killed_in_mid_call_leaves_the_call_unfinished(place: Workplace) -> None:
    async def unanswered(client: Client) -> None:
        with pytest.raises(MCPError):
            await client.call_tool("wait", {})

    async with served(place) as client:
        pid = await note(client, -1)
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(unanswered, client)
            await until(lambda: calls(place, "wait"), 20)
            os.kill(pid, signal.SIGKILL)
    (call,) = calls(place, "wait")
    assert (call["state"], call["success"], call["finished_at"], call["run_status"]) == (
        "unfinished", None, None, "running",
    )  # fmt: skip


@dataclass
class Tally:
    """What the clients of all servers sent, and what they were answered."""

    open: list[int]
    sent: list[int] = field(default_factory=list[int])
    answered: set[int] = field(default_factory=set[int])
    kills: int = 0


async def one_life(place: Workplace, tally: Tally, calls_until_death: int | None, chance: random.Random) -> None:
    """Start a server, call it five at a time, and kill it after some answers, or let it live to the end."""
    answers = 0

    async def caller(client: Client, pid: int) -> None:
        nonlocal answers
        while tally.open and not (calls_until_death is not None and answers >= calls_until_death):
            number = tally.open.pop()
            tally.sent.append(number)
            try:
                await note(client, number)
            except (MCPError, anyio.ClosedResourceError, anyio.BrokenResourceError):
                tally.open.append(number)  # no answer: whether it was recorded is open, so it is sent again
                return
            tally.answered.add(number)
            answers += 1
            if answers == calls_until_death:
                await anyio.sleep(chance.random() * 0.01)
                os.kill(pid, signal.SIGKILL)
                tally.kills += 1

    try:
        async with served(place) as client:
            pid = await note(client, -2)
            async with anyio.create_task_group() as tasks:
                for _ in range(5):
                    tasks.start_soon(caller, client, pid)
    except (MCPError, ExceptionGroup):
        if calls_until_death is None:
            raise


@pytest.mark.parametrize(
    ("amount", "kills"),
    [
        (50, 2),
        pytest.param(90, 3, marks=pytest.mark.slow),
        pytest.param(250, 5, marks=pytest.mark.slow),
        pytest.param(1_000, 20, marks=pytest.mark.slow),
    ],
    ids=["short", "long", "longer", "whole"],
)
async def test_nothing_is_lost_when_servers_are_killed_again_and_again(
    place: Workplace, amount: int, kills: int
) -> None:
    chance = random.Random(amount)  # noqa: S311 - to be the same every time
    first = amount * 1_000
    tally = Tally(list(range(first, first + amount)))
    deaths = [chance.randint(3, amount // (kills + 1) - 6) for _ in range(kills)]  # enough is left for the last one

    async def lives() -> None:
        while deaths:
            await one_life(place, tally, deaths.pop(), chance)

    with anyio.fail_after(900):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(lives)
            tasks.start_soon(lives)
        await one_life(place, tally, None, chance)
    found = [row for row in calls(place) if row["tool_input"]["number"] >= first]
    finished = {row["tool_input"]["number"] for row in found if row["state"] == "finished"}
    assert tally.kills == kills
    assert tally.answered == set(range(first, first + amount))
    assert finished == tally.answered
    assert len(found) <= len(tally.sent)
    assert sum(row["state"] == "finished" for row in found) >= amount
    assert {row["tool_input"]["number"] for row in found} == set(tally.sent)


async def test_a_client_that_leaves_after_the_last_answer_loses_nothing(place: Workplace, tmp_path: Path) -> None:
    errors = tmp_path / "stderr"
    async with served(place, errors) as client:
        pid = await note(client, -3)
        async with anyio.create_task_group() as tasks:
            for _ in range(20):
                tasks.start_soon(note, client, -3)
        started = time.perf_counter()
    await until(lambda: is_gone(pid))
    assert time.perf_counter() - started < 3
    found = [row for row in calls(place) if row["tool_input"]["number"] == -3]
    assert [row["state"] for row in found] == ["finished"] * 21
    assert {row["run_status"] for row in found} == {"completed"}
    assert not any(row["replayed"] for row in found)
    assert errors.read_text() == ""
    assert not list((place.home / "spool").glob("*.jsonl"))


async def test_a_client_that_leaves_before_the_server_is_up_is_not_waited_for(place: Workplace, tmp_path: Path) -> None:
    errors = tmp_path / "stderr"
    async with served(place, errors):
        started = time.perf_counter()
    assert time.perf_counter() - started < 3
    assert errors.read_text() == ""


async def test_a_server_stopped_by_a_signal_says_so_and_ends(place: Workplace, tmp_path: Path) -> None:
    async def stopped_by(number: signal.Signals) -> None:
        errors = tmp_path / number.name
        async with served(place, errors) as client:
            pid = await note(client, -100 - number)
            os.kill(pid, number)
            await until(lambda: is_gone(pid), 3)
        assert not await anyio.Path(errors).read_text()

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(stopped_by, signal.SIGTERM)
        tasks.start_soon(stopped_by, signal.SIGINT)
    found = [row for row in calls(place) if row["tool_input"]["number"] < -100]
    assert [(row["state"], row["run_status"]) for row in found] == [("finished", "cancelled")] * 2


@pytest.mark.slow
async def test_with_a_silent_langfuse_the_server_ends_quickly_and_the_next_one_ships(
    place: Workplace, tmp_path: Path
) -> None:
    with langfuse_receiver() as receiver:
        keys = {
            "LANGFUSE_PUBLIC_KEY": "pk-lf-test",
            "LANGFUSE_SECRET_KEY": "sk-lf-test",
            "LANGFUSE_HOST": receiver.address,
        }
        receiver.black_hole(on=True)
        async with served(place, tmp_path / "stderr", **keys) as client:
            pid = await note(client, -4)
            await until(lambda: receiver.received.requests, 20)
            await note(client, -4)
            started = time.perf_counter()
        await until(lambda: is_gone(pid))
        assert time.perf_counter() - started < 3
        receiver.black_hole(on=False)
        async with served(place, tmp_path / "stderr", **keys) as client:
            await note(client, -5)
            await until(lambda: len(receiver.received.spans) >= 3, 20)
    numbers = [json.loads(span.attributes["langfuse.observation.input"])["number"] for span in receiver.received.spans]
    assert sorted(numbers) == [-5, -4, -4]
    assert (tmp_path / "stderr").read_text() == ""


async def test_a_database_stopped_in_mid_call_is_a_clear_error_and_the_record_follows(tmp_path: Path) -> None:
    """With a database that is not ours to start again."""
    with workplace() as host:
        async with served(host) as client:
            await note(client, 0)  # the schema is there now
        secret = "a secret for the tokens of this test only"  # noqa: S105
        claims = {"sub": str(LOCAL_OWNER_ID), "aud": "authenticated", "iat": time.time(), "exp": time.time() + 600}
        address = {
            "DATABASE_URL": host.conninfo("qms_server"),
            "DATABASE_URL_SQL": host.conninfo("qms_sql"),
            "DATABASE_URL_DIRECT": host.conninfo("qms_owner"),
            "QMS_ACCESS_TOKEN": jwt.encode(claims, secret),
            "QMS_JWT_SECRET": secret,
        }
        slow = "SELECT count(*) AS n FROM generate_series(1, 30000000) AS g (i) WHERE i % 7 = 3"
        answers: list[Any] = []

        async def query(client: Client) -> None:
            answers.append(await client.call_tool("execute_query", {"statement": slow}))

        async with served(host, tmp_path / "stderr", **address) as client:
            await note(client, 1)
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(query, client)
                await until(lambda: calls(host, "execute_query"))
                host.embedded.stop()
            down = await client.call_tool("list_tables", {})
            await note(client, 2)
            assert [answer.is_error for answer in (answers[0], down)] == [True, True]
            assert all("[unavailable]" in text_of(answer) for answer in (answers[0], down))
            assert list((host.home / "spool").glob("*.jsonl"))
            host.embedded.ensure_running()
            await until(lambda: not list((host.home / "spool").glob("*.jsonl")), 30)
            await note(client, 3)
        (interrupted,) = calls(host, "execute_query")
        assert (interrupted["state"], interrupted["error_code"], interrupted["replayed"]) == (
            "finished", "unavailable", True,
        )  # fmt: skip
        assert [row["error_code"] for row in calls(host, "list_tables")] == ["unavailable"]
        assert [(row["tool_input"]["number"], row["state"]) for row in calls(host)] == [
            (number, "finished") for number in (0, 1, 2, 3)
        ]


# The command line ------------------------------------------------------------------------------------------------


def command(place: Workplace, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "qms_mcp", "ledger", *arguments],
        env={**place.environment, "COLUMNS": "160"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        cwd=place.home.parent,
    )


@pytest.mark.slow
async def test_the_ledger_is_read_from_the_command_line_while_a_server_runs(place: Workplace, tmp_path: Path) -> None:
    async with served(place) as client:
        await note(client, 42)
        await client.call_tool("fail", {"how": "on purpose"})
        await client.call_tool("no_such_\x1b[31mtool", {})
        shown = await anyio.to_thread.run_sync(command, place, "tail", "-n", "3")
        failed = await anyio.to_thread.run_sync(command, place, "tail", "--failed", "--tool", "fail")
        run = str(calls(place, "fail")[-1]["run_id"])
        lines = await anyio.to_thread.run_sync(command, place, "export", "--run", run)
        file = tmp_path / "calls.csv"
        written = await anyio.to_thread.run_sync(command, place, "export", "--run", run, "--format", "csv", str(file))
        again = await anyio.to_thread.run_sync(command, place, "export", str(file))
        await followed(place, client)
    assert shown.returncode == 0, shown.stderr
    assert {"note", "done"} <= set(shown.stdout.split())
    assert "\x1b" not in shown.stdout
    assert "conflict: It is closed already." in failed.stdout
    assert "note" not in failed.stdout
    rows = [json.loads(line) for line in lines.stdout.splitlines()]
    assert [row["tool_name"] for row in rows] == ["note", "fail", "no_such_\x1b[31mtool"]
    assert (rows[0]["tool_input"], rows[0]["state"]) == ({"number": 42}, "finished")
    table = list(csv.DictReader(io.StringIO(await anyio.Path(file).read_text())))
    assert [row["id"] for row in table] == [row["id"] for row in rows]
    assert (written.returncode, written.stderr) == (0, f"3 calls written to {file}.\n")
    assert again.returncode == 1
    assert "exists already" in again.stderr


async def followed(place: Workplace, client: Client) -> None:
    """Follow the ledger until a call that is made meanwhile is shown."""
    follow = [sys.executable, "-u", "-m", "qms_mcp", "ledger", "tail", "-n", "1", "--follow", "--tool", "fail"]
    environment = {**place.environment, "COLUMNS": "160"}
    async with await anyio.open_process(follow, env=environment, cwd=place.home.parent) as following:
        assert following.stdout is not None
        seen = b""
        with anyio.fail_after(30):
            while seen.count(b"closed already") < 2:
                await client.call_tool("fail", {"how": "on purpose"})
                with anyio.move_on_after(1):
                    seen += await following.stdout.receive()
        following.send_signal(signal.SIGINT)
        with anyio.fail_after(5):
            assert await following.wait() == 130
