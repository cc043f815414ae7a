"""`qms-mcp worker` and what has to be there for it, as an operator meets them."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncGenerator, Generator
from dataclasses import dataclass

import psycopg
import pytest

from qms_mcp.cli import run
from qms_mcp.db.database import Database
from qms_mcp.db.embedded import EmbeddedPostgres
from qms_mcp.db.wiring import Wiring
from qms_mcp.doctor.records import look_at_agents, look_at_workflows
from tests.conftest import copied_database, two_tenants, wiring_for

PERSONAL = ("QMS_ACCESS_TOKEN", "QMS_JWT_SECRET", "SUPABASE_URL", "ANTHROPIC_API_KEY")
MANY = b"""
WITH made AS (
    INSERT INTO agents.dispatches (organization_id, user_id, run_key, request, request_sha256, plan)
    SELECT o.id, gen_random_uuid(), 'many', '', '', '{}' FROM qms.organizations AS o WHERE o.slug = 'northwind'
    RETURNING id, organization_id
)
INSERT INTO agents.dispatch_tasks (dispatch_id, key, organization_id, position, agent, request, seconds)
SELECT m.id, 't' || n, m.organization_id, n, 'qa', '', 60 FROM made AS m, generate_series(1, 101) AS n
"""


@dataclass(frozen=True)
class Place:
    """A database of somebody's own, and the environment that names it."""

    wiring: Wiring
    superuser: str
    environment: dict[str, str]


@pytest.fixture(scope="module")
def place(embedded: EmbeddedPostgres, template: str, tmp_path_factory: pytest.TempPathFactory) -> Generator[Place]:
    with copied_database(embedded, template) as name:
        wiring = wiring_for(embedded, name)
        environment = {
            "QMS_HOME": str(tmp_path_factory.mktemp("home")), "DATABASE_URL": wiring.server,
            "DATABASE_URL_SQL": wiring.sql, "DATABASE_URL_DIRECT": wiring.owner,
        }  # fmt: skip
        yield Place(wiring, embedded.conninfo(name, "postgres"), environment)


@pytest.fixture
def here(place: Place, monkeypatch: pytest.MonkeyPatch) -> Place:
    """Commands of this process use that database, for nobody in particular."""
    for name in PERSONAL:
        monkeypatch.delenv(name, raising=False)
    for name, value in place.environment.items():
        monkeypatch.setenv(name, value)
    return place


@pytest.fixture
async def database(place: Place) -> AsyncGenerator[Database]:
    opened = Database(place.wiring)
    await opened.open()
    yield opened
    await opened.close()


@pytest.mark.anyio
async def test_the_doctor_says_what_agents_miss(place: Place) -> None:
    finding = await look_at_workflows(place.wiring, makes_itself=False)
    assert (finding.state, "qms-mcp migrate" in finding.effect) == ("warning", True)
    assert (await look_at_workflows(place.wiring, makes_itself=True)).state == "missing"


def test_without_its_tables_a_worker_says_what_to_do_and_migrate_makes_them(
    here: Place, capsys: pytest.CaptureFixture[str]
) -> None:
    del here
    assert run(["worker"]) == 1
    said = capsys.readouterr().err
    assert "tables of the durable workflows are missing" in said
    assert "qms-mcp migrate" in said
    for arguments, expected in (
        (["--status"], "dbos  pending "),
        (["--dry-run"], "would bring up to date: tables of the durable workflows"),
        (["--status"], "dbos  pending "),
        ([], "brought up to date: tables of the durable workflows"),
        (["--status"], "dbos  applied "),
        ([], "Nothing to do: the schema is up to date."),
    ):
        assert run(["migrate", *arguments]) == 0
        assert expected in capsys.readouterr().out, arguments


@pytest.mark.parametrize("told", [signal.SIGTERM, pytest.param(signal.SIGINT, marks=pytest.mark.slow)])
def test_a_worker_needs_no_token_says_when_it_is_ready_and_goes_at_once(here: Place, told: signal.Signals) -> None:
    environment = {"PATH": os.environ["PATH"], "HOME": here.environment["QMS_HOME"], **here.environment}
    with subprocess.Popen(
        [sys.executable, "-m", "qms_mcp", "worker", "--agents", "3"],
        env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    ) as worker:  # fmt: skip
        assert worker.stderr
        said = worker.stderr.readline()
        try:
            assert said.endswith("takes up to 3 agents at once.\n")
            with psycopg.connect(here.superuser) as connection:
                assert connection.execute("SELECT kind, pid FROM agents.executors").fetchall() == [
                    ("worker", worker.pid)
                ]
            since = time.monotonic()
            worker.send_signal(told)
            assert worker.wait(10) == 0
            assert time.monotonic() - since < 3.0
        finally:
            worker.kill()
        assert worker.stdout
        assert worker.stdout.read() == ""
        assert worker.stderr.read() == ""
    with psycopg.connect(here.superuser) as connection:
        assert connection.execute("SELECT count(*) FROM agents.executors").fetchone() == (0,)


@pytest.mark.anyio
async def test_the_doctor_says_when_too_much_waits(place: Place, database: Database) -> None:
    assert (await look_at_workflows(place.wiring, makes_itself=False)).state == "ok"
    finding = await look_at_agents(database)
    assert (finding.state, finding.says) == ("ok", "no tasks wait; 0 servers and 0 workers run agents")
    await two_tenants(database)
    with psycopg.connect(place.superuser) as connection:
        connection.execute(MANY)
    finding = await look_at_agents(database)
    assert (finding.state, finding.says) == ("warning", "101 tasks wait; 0 servers and 0 workers run agents")
    assert "qms-mcp worker" in finding.effect
