"""A training that is killed: homes with a dataset that are copied, servers whose process is known, and who kills them.

The database tells each stage of a job as soon as it is committed, so a server can be killed in the very stage that is
meant, and not when a look at the table happens to find it.
"""

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import AsyncGenerator, Callable, Generator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, replace
from typing import Any

import anyio
import anyio.lowlevel
import anyio.to_thread
import psycopg
from mcp.client import Client
from mcp.client.stdio import StdioServerParameters, stdio_client
from mcp.shared.exceptions import MCPError
from psycopg.rows import dict_row

from qms_mcp.db.embedded import EmbeddedPostgres
from tests.support.claude_stub import ClaudeStub
from tests.support.loop_world import request, runs_of
from tests.support.places import new_place
from tests.support.stdio import Workplace, text_of

WHY = "A test kills the server."
SETTINGS = {
    "ML_MIN_SAMPLES_FOR_RETRAIN": "20",
    "QMS_RATE_LIMIT": "100000/minute",
    "QMS_APPROVE_ABOVE_USD": "1000",
    "QMS_LINGER_SECONDS": "120",  # the database outlives the servers that are killed
}
# Nobody listens there.
NO_LANGFUSE = {
    "LANGFUSE_HOST": "http://127.0.0.1:9",
    "LANGFUSE_PUBLIC_KEY": "pk-lf-made-up",
    "LANGFUSE_SECRET_KEY": "sk-lf-made-up",
}
# Somebody's feedback is held up.
WAITS = (
    "SELECT 1 FROM pg_locks AS l WHERE NOT l.granted AND l.locktype = 'relation' "
    "AND l.relation = 'ml_loop.feedback_loop'::regclass"
)
ANSWERED = "SELECT 1 FROM agents.agent_runs WHERE output IS NOT NULL"
LOST = (MCPError, anyio.ClosedResourceError, anyio.BrokenResourceError)
_TELLS = b"""
CREATE FUNCTION agents.told_to_a_test() RETURNS trigger LANGUAGE plpgsql
AS $$ BEGIN PERFORM pg_notify('stages', NEW.state || ' ' || NEW.stage); RETURN NULL; END $$;
CREATE TRIGGER told_to_a_test AFTER UPDATE OF stage, state ON agents.jobs
FOR EACH ROW WHEN (NEW.kind = 'training') EXECUTE FUNCTION agents.told_to_a_test();
"""
_ENDED = ("completed", "failed", "cancelled")


def reaching(model: ClaudeStub) -> dict[str, str]:
    """Return the environment of servers that reach a model."""
    return {"ANTHROPIC_API_KEY": "stub", "ANTHROPIC_BASE_URL": model.url, **SETTINGS}


@contextmanager
def killing() -> Generator[None]:
    """Let a server be killed in the block: that it answers no more is no error; all else is."""
    try:
        yield
    except LOST:
        return
    except ExceptionGroup as group:
        _, other = group.split(LOST)
        if other is not None:
            raise


@dataclass
class Served:
    """A server that runs.

    Attributes:
        pid: Of its process, and of no other.
    """

    client: Client
    pid: int

    async def call(self, tool: str, /, **arguments: Any) -> dict[str, Any]:
        result = await self.client.call_tool(tool, arguments)
        assert not result.is_error, f"{tool}: {text_of(result)}"
        return dict(result.structured_content or {})

    def kill(self) -> None:
        os.kill(self.pid, signal.SIGKILL)


@asynccontextmanager
async def served(place: Workplace, **variables: str) -> AsyncGenerator[Served]:
    """Yield a server of its own; that it was killed in the block is no error."""
    note = place.home.parent / "pid"
    note.unlink(missing_ok=True)
    # The shell becomes the server, so that its number is the server's.
    program = f'echo $$ > "{note}" && exec "{sys.executable}" -m qms_mcp serve'
    parameters = StdioServerParameters(
        command="/bin/sh", args=["-c", program], env={**place.environment, **variables}, cwd=place.home.parent
    )
    with (place.home.parent / "log").open("a") as log:
        async with Client(stdio_client(parameters, errlog=log)) as client:
            await client.call_tool("my_work", {})
            yield Served(client, int(note.read_text()))


@contextmanager
def twin(place: Workplace, **variables: str) -> Generator[Workplace]:
    """Yield a copy of a home, with its own database; variables are added to its environment."""
    place.embedded.stop()
    folder = new_place()
    home = folder / "home"
    subprocess.run(["cp", "-a", str(place.home), str(home)], check=True)
    environment = {**place.environment, "HOME": str(folder), "QMS_HOME": str(home), **variables}
    made = replace(place, home=home, environment=environment, embedded=EmbeddedPostgres(home))
    try:
        yield made
    finally:
        made.embedded.stop()
        subprocess.run(["rm", "-rf", str(folder)], check=True)


def rows(place: Workplace, statement: str, **params: Any) -> list[dict[str, Any]]:
    """Return what the database holds, whoever may see it."""
    with psycopg.connect(place.conninfo()) as connection, connection.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(statement.encode(), params).fetchall()


async def send(server: Served, run_key: str, lines: range) -> None:
    """Ask the agent about lines, in one dispatch, without waiting for it."""
    tasks: list[dict[str, Any]] = [
        {"agent": "qa", "key": f"line-{line}", "request": request(line), "needs": []} for line in lines
    ]
    await server.call(
        "dispatch_agents", request="How many CAPAs are overdue?", tasks=tasks, run_key=run_key, at_once=10, wait=False,
        reason=WHY,
    )  # fmt: skip


async def until(seen: Callable[[], bool]) -> None:
    """Look again and again, without a pause worth the name, until something is seen."""
    with anyio.fail_after(60):
        while not seen():
            await anyio.lowlevel.checkpoint()


async def until_done(place: Workplace, server: Served, run_key: str) -> list[str]:
    """Wait for the end of a dispatch, all of whose tasks are done, and return the ids of its runs."""
    sent: dict[str, Any] = {"status": "queued"}
    with anyio.fail_after(120):
        while sent["status"] in {"queued", "running"}:
            sent = await server.call("get_dispatch", dispatch=run_key, detail="concise")
            await anyio.sleep(0.2)
    assert {one["state"] for one in sent["agents"]} == {"done"}, sent
    return [str(run["id"]) for run in runs_of(place, run_key=run_key)]


@dataclass
class Ear:
    """Hears which stages jobs of training reach, from when it is made."""

    connection: "psycopg.Connection[Any]"

    def until(self, stage: str, seconds: float) -> str:
        """Return the first stage heard that matches, or how the job ended before."""
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            for heard in self.connection.notifies(timeout=left, stop_after=1):
                state, _, reached = heard.payload.partition(" ")
                if state in _ENDED:
                    return state
                if re.match(stage, reached):
                    return reached
        raise TimeoutError(f"no stage {stage!r} was reached")


@contextmanager
def listening(place: Workplace) -> Generator[Ear]:
    """Lend an ear on the database of a home."""
    with psycopg.connect(place.conninfo(), autocommit=True) as connection:
        known = connection.execute("SELECT 1 FROM pg_trigger WHERE tgname = 'told_to_a_test'").fetchone()
        if known is None:
            connection.execute(_TELLS)
        connection.execute("LISTEN stages")
        yield Ear(connection)


async def killed_in(place: Workplace, asked: dict[str, Any], stage: str, after: float = 0.0) -> str:
    """Start a server that works on a training, kill it in a stage, and return which; or how the training ended.

    Args:
        place: Where.
        asked: What `trigger_retrain` is asked: the same as before, so it is the same training.
        stage: A pattern.
        after: Seconds into the stage.
    """
    found = ""
    with listening(place) as ear, killing():
        async with served(place) as server:

            def wait_and_kill() -> str:
                heard = ear.until(stage, 120)
                if heard not in _ENDED:
                    time.sleep(after)
                    server.kill()
                return heard

            await server.call("trigger_retrain", **asked, wait=False)
            found = await anyio.to_thread.run_sync(wait_and_kill)
    assert found, "the server ended by itself"
    return found


async def trained(place: Workplace, asked: dict[str, Any], seconds: float = 300) -> dict[str, Any]:
    """Let a server live until the training has ended, and return what it says of it."""
    async with served(place) as server:
        report = await server.call("trigger_retrain", **asked, wait=False)
        with anyio.fail_after(seconds):
            while report["state"] in {"queued", "running"}:
                await anyio.sleep(0.5)
                report = await server.call("trigger_retrain", **asked, wait=False)
    return report


def sweep(place: Workplace) -> int:
    """Run the scheduled job that looks for runs whose score was lost, as a person would; return how many it scored."""
    command = [sys.executable, "-m", "qms_mcp", "jobs", "run", "score-sweep"]
    done = subprocess.run(
        command, env=place.environment, cwd=place.home.parent, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return int(json.loads(done.stdout[: done.stdout.rindex("}") + 1])["scored"])


def words_of(place: Workplace) -> list[str]:
    """Return the keys of what was said of runs, each as often as it is stored."""
    kept = rows(place, "SELECT idempotency_key AS key FROM ml_loop.feedback_loop WHERE source = 'user'")
    return sorted(one["key"] for one in kept)


@dataclass(frozen=True)
class Came:
    """What a training came to, without what differs from one time to the next: ids, moments, prices.

    Attributes:
        proposal: The name of the version, which is the hash of its content.
        content: Of the version.
        evaluations: What was measured with what, and the score.
        results: How many scores there are.
        proposals: Of the optimiser.
    """

    proposal: str
    content: str
    before: float
    after: float
    passed: bool
    evaluations: tuple[tuple[str, str, int, float], ...]
    results: int
    proposals: int


def came_to(place: Workplace, job_id: str) -> Came:
    """Return what the one training of a home came to; fail where anything of it is there twice or not at all."""
    (job,) = rows(place, "SELECT * FROM agents.jobs WHERE kind = 'training'")
    assert (str(job["id"]), job["state"]) == (job_id, "completed"), job
    (version,) = rows(place, "SELECT * FROM ml_loop.model_versions WHERE origin = 'trained'")
    assert (str(version["job_id"]), str(version["id"])) == (job_id, job["result"]["version_id"])
    (report,) = rows(place, "SELECT * FROM ml_loop.gate_reports")
    assert (str(report["id"]), report["version_id"]) == (job["result"]["gates"], version["id"])
    trials = rows(place, "SELECT version FROM ml_loop.model_versions WHERE origin = 'trial'")
    assert len(trials) == len({one["version"] for one in trials})
    noted = rows(place, "SELECT stage, note FROM agents.job_notes WHERE job_id = %(id)s ORDER BY step", id=job_id)
    numbers = [one["note"]["number"] for one in noted if one["stage"] == "proposal"]
    assert numbers == sorted(set(numbers))
    kept = [one["stage"] for one in noted if one["stage"] != "proposal"]
    assert len(kept) == len(set(kept)), kept
    evaluations = rows(place, "SELECT * FROM ml_loop.evaluations ORDER BY spec_sha256")
    assert {(str(one["job_id"]), one["state"]) for one in evaluations} == {(job_id, "completed")}
    assert len({one["spec_sha256"] for one in evaluations}) == len(evaluations)
    assert_each_case_ran_and_was_scored_once(place)
    assert_paid_for_once(place, job, noted)
    measured = ((one["spec_sha256"], one["purpose"], one["n"], round(one["score"], 9)) for one in evaluations)
    results = rows(place, "SELECT count(*) AS n FROM ml_loop.eval_results")[0]["n"]
    told = job["result"]
    return Came(
        told["version"], version["content"], told["before"], told["after"], told["passed"], tuple(measured), results,
        len(numbers),
    )  # fmt: skip


def assert_each_case_ran_and_was_scored_once(place: Workplace) -> None:
    """Fail where a case of an evaluation has not one run that completed, or not one score of each scorer."""
    ran = rows(place, "SELECT t.key, e.id, count(r.id) AS runs, count(r.id) FILTER (WHERE r.status = 'completed') "
               "AS ok FROM ml_loop.evaluations AS e "
               "INNER JOIN agents.dispatch_tasks AS t ON t.dispatch_id = e.dispatch_id "
               "LEFT JOIN agents.agent_runs AS r ON r.dispatch_id = t.dispatch_id AND r.task_key = t.key "
               "GROUP BY t.key, e.id")  # fmt: skip
    odd = [one for one in ran if (one["runs"], one["ok"]) != (1, 1)]
    assert not odd, odd
    doubled = rows(place, "SELECT evaluation_id, case_key, eval_type FROM ml_loop.eval_results "
                   "GROUP BY evaluation_id, case_key, eval_type HAVING count(*) > 1")  # fmt: skip
    assert not doubled, doubled
    cases = rows(place, "SELECT e.id, e.n, count(DISTINCT r.case_key) AS cases FROM ml_loop.evaluations AS e "
                 "LEFT JOIN ml_loop.eval_results AS r ON r.evaluation_id = e.id GROUP BY e.id, e.n")  # fmt: skip
    assert [one for one in cases if one["cases"] != one["n"]] == []


def assert_paid_for_once(place: Workplace, job: dict[str, Any], noted: list[dict[str, Any]]) -> None:
    """Fail where the price of a training is not that of its measurements and proposals together."""
    measured = rows(place, "SELECT cost_usd::float8 AS cost FROM ml_loop.evaluations")
    proposals = sum(one["note"]["cost_usd"] for one in noted if one["stage"] == "proposal")
    total = float(job["result"]["cost_usd"])
    assert abs(total - proposals - sum(one["cost"] for one in measured)) < 1e-6
