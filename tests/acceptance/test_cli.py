"""The command line as an operator meets it: a bare environment, a home with a space in its path."""

import json
import os
import subprocess
import sys
from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path

import pytest

from qms_mcp.cli import run
from tests.support.homes import copy_of_started_home

COMMANDS = (
    "serve", "demo", "doctor", "tools", "migrate", "db", "ledger", "users", "approvals", "test-sql",
    "audit", "import", "ingest", "page", "report", "workflow", "escalate", "pack", "copy", "worker",
    "jobs", "jobs list", "jobs run", "jobs history", "jobs schedule",
    "call", "alerts", "alerts list", "alerts limits", "alerts set",
    "report 8d", "report monthly", "report management-review", "report supplier", "report capa-board",
)  # fmt: skip
SECRET = "hunter2-hunter2"  # noqa: S105 - made up, and looked for in what is printed


@dataclass(frozen=True)
class Shell:
    """A shell with nothing in its environment but a path and a home."""

    home: Path

    def run(self, *arguments: str, typed: str | None = None, **variables: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "qms_mcp", *arguments],
            env={"PATH": os.environ["PATH"], "HOME": str(self.home.parent), "QMS_HOME": str(self.home), **variables},
            cwd=self.home.parent,
            input=typed,
            stdin=subprocess.DEVNULL if typed is None else None,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

    def doctor(self, **variables: str) -> tuple[int, dict[str, dict[str, str]]]:
        answer = self.run("doctor", "--json", **variables)
        assert "Traceback" not in answer.stderr, answer.stderr
        report = json.loads(answer.stdout)
        assert report["healthy"] == (answer.returncode == 0)
        return answer.returncode, {finding["name"]: finding for finding in report["findings"]}


@pytest.fixture
def shell(short_tmp: Path, request: pytest.FixtureRequest) -> Generator[Shell]:
    place = short_tmp / f"a home {abs(hash(request.node.name)) % 10_000}"
    place.mkdir()
    shell = Shell(place / "the data")
    yield shell
    if shell.home.exists():
        shell.run("db", "stop")


@pytest.fixture
def started(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> Shell:
    """A shell whose home was started before; commands run in this process find it too."""
    copy_of_started_home(shell.home)
    monkeypatch.setenv("QMS_HOME", str(shell.home))
    monkeypatch.setenv("COLUMNS", "200")
    return shell


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_explains_itself(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], command: str
) -> None:
    """In this process: twenty interpreters would take a quarter of a minute to say the same."""
    monkeypatch.setenv("QMS_HOME", str(tmp_path / "the data"))
    assert run([*command.split(), "--help"]) == 0
    assert "Usage: qms-mcp" in capsys.readouterr().out
    assert not (tmp_path / "the data").exists()


def test_a_command_explains_itself_in_a_bare_environment(shell: Shell) -> None:
    answer = shell.run("serve", "--help")
    assert answer.returncode == 0, answer.stderr
    assert "Usage: qms-mcp" in answer.stdout
    assert not shell.home.exists()


def test_a_wrong_setting_ends_a_command_with_its_name_and_no_traceback(shell: Shell) -> None:
    answer = shell.run("db", "path", QMS_LOG_LEVEL="LOUD", DATABASE_URL=SECRET)
    assert answer.returncode == 1
    assert "QMS_LOG_LEVEL" in answer.stderr
    assert "DATABASE_URL" in answer.stderr
    assert SECRET not in answer.stderr + answer.stdout
    assert "Traceback" not in answer.stderr


def test_doctor_on_a_fresh_machine_finds_nothing_broken_and_makes_nothing(shell: Shell) -> None:
    code, findings = shell.doctor()
    assert code == 0
    assert findings["embedded PostgreSQL"]["state"] == "ok"
    assert findings["records"]["state"] == "missing"
    assert findings["Claude API"]["state"] == "missing"
    assert "generate_sql" in findings["Claude API"]["effect"]
    assert findings["Langfuse"]["state"] == "missing"
    assert not shell.home.exists()


def test_doctor_looks_into_a_database_that_is_there(shell: Shell) -> None:
    assert shell.run("migrate").returncode == 0
    assert shell.doctor()[1]["identity"]["state"] == "missing"
    assert shell.run("users", "list").returncode == 0
    code, findings = shell.doctor()
    assert code == 0, findings
    for name in ("reachable", "pgvector", "server login", "SQL login", "schema", "row-level security", "identity"):
        assert findings[name]["state"] == "ok", findings[name]
    assert "owner@localhost" in findings["identity"]["says"]


def test_doctor_names_what_is_broken_and_shows_no_secret(shell: Shell) -> None:
    address = f"postgresql://someone:{SECRET}@127.0.0.1:9/none"
    answer = shell.run(
        "doctor", DATABASE_URL=address, ANTHROPIC_API_KEY=SECRET, LANGFUSE_PUBLIC_KEY=SECRET,
        LANGFUSE_SECRET_KEY=SECRET, LANGFUSE_HOST="http://127.0.0.1:9",
    )  # fmt: skip
    assert answer.returncode == 1
    assert "can't be reached" in answer.stdout
    assert "ANTHROPIC_API_KEY set" in " ".join(answer.stdout.split())
    assert "does not answer" in " ".join(answer.stdout.split())
    assert SECRET not in answer.stdout + answer.stderr
    assert "Traceback" not in answer.stderr


def test_doctor_goes_on_after_a_wrong_setting_and_finds_misspelt_ones(shell: Shell) -> None:
    code, findings = shell.doctor(QMS_RATE_LIMIT="a lot", QMS_HOEM="elsewhere")
    assert code == 1
    assert "QMS_RATE_LIMIT" in findings["values"]["says"]
    assert "QMS_HOME" in findings["QMS_HOEM"]["effect"]
    assert findings["Python"]["state"] == "ok"


def test_doctor_says_that_a_token_has_expired(started: Shell) -> None:
    import jwt

    secret = SECRET * 3
    claims = {"sub": "7d9a2f63-3b7c-4e57-9f6a-1f9d2c0b8e11", "aud": "authenticated", "iat": 1, "exp": 2}
    token = jwt.encode(claims, secret, "HS256")
    code, findings = started.doctor(QMS_ACCESS_TOKEN=token, QMS_JWT_SECRET=secret)
    assert code == 1
    assert "expired at 1970-01-01" in findings["identity"]["says"]
    assert token not in json.dumps(findings)


def test_db_path_says_where_everything_is_without_starting_it(shell: Shell) -> None:
    answer = shell.run("db", "path")
    assert answer.returncode == 0, answer.stderr
    for part in ("pgdata", "postgres.log", "user='qms_owner'", "not running"):
        assert part in answer.stdout
    assert not (shell.home / "pgdata").exists()


def test_db_psql_passes_its_arguments_and_its_exit_code_on(shell: Shell) -> None:
    answer = shell.run("db", "psql", "--", "-At", "-c", "SELECT current_user")
    assert (answer.returncode, answer.stdout.strip()) == (0, "qms_owner")
    assert shell.run("db", "psql", "--user", "qms_server", "--", "-At", "-c", "SELECT 1 / 0").returncode == 1


def test_db_reset_asks_a_person_and_a_script_has_to_say_yes(shell: Shell) -> None:
    assert shell.run("db", "psql", "--", "-c", "CREATE TABLE kept (n int)").returncode == 0
    refused = shell.run("db", "reset", typed="the data\n")
    assert refused.returncode == 1
    assert "--yes" in refused.stderr
    assert (shell.home / "pgdata").exists()
    done = shell.run("db", "reset", "--yes")
    assert done.returncode == 0, done.stderr
    assert not (shell.home / "pgdata").exists()
    assert "no database" in shell.run("db", "reset", "--yes").stdout


def test_db_reset_is_refused_while_somebody_uses_it(shell: Shell) -> None:
    with subprocess.Popen(
        [sys.executable, "-m", "qms_mcp", "db", "psql", "--", "-At"],
        env={"PATH": os.environ["PATH"], "HOME": str(shell.home.parent), "QMS_HOME": str(shell.home)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as user:
        assert user.stdin is not None
        assert user.stdout is not None
        user.stdin.write("SELECT 'here';\n")
        user.stdin.flush()
        assert user.stdout.readline().strip() == "here"
        refused = shell.run("db", "reset", "--yes")
        user.stdin.close()
    assert refused.returncode == 1
    assert "Other programs use" in refused.stderr


def test_db_commands_leave_an_external_database_alone(shell: Shell) -> None:
    for command in (("path",), ("stop",), ("reset", "--yes"), ("psql",)):
        answer = shell.run("db", *command, DATABASE_URL="postgresql://127.0.0.1:9/none")
        assert answer.returncode == 1
        assert "DATABASE_URL is set" in answer.stderr


def said(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    """Return the status of a command run in this process, and what it printed."""
    capsys.readouterr()
    status = run(list(arguments))
    printed = capsys.readouterr()
    return status, printed.out, printed.err


def test_an_organization_sets_from_when_on_it_is_alerted(started: Shell, capsys: pytest.CaptureFixture[str]) -> None:
    latency = ("alerts", "set", "latency_s", "--level", "critical", "--reason", "Long reports.")
    status, shown, _ = said(capsys, *latency, "--opens-at", "45")
    assert (status, "critical  opens above 45, closes at 36" in shown) == (0, True), shown
    _, off, _ = said(capsys, "alerts", "set", "queue_depth", "--disable", "--reason", "Nights are for batches.")
    assert off.split() == ["queue_depth", "off"]
    limits = {line.split()[0]: line for line in said(capsys, "alerts", "limits")[1].splitlines()}
    assert len(limits) == 6
    assert "opens above 45" in limits["latency_s"]
    assert "opens below 0.6, closes at 0.72" in limits["feedback_average"]
    status, _, wrong = said(capsys, *latency, "--closes-at", "60")
    assert (status, "can't clear at 60" in wrong) == (1, True), wrong
    status, _, unknown = said(capsys, "alerts", "set", "weather", "--disable", "--reason", "There is no such thing.")
    assert (status, "feedback_average" in unknown) == (1, True), unknown
    assert "No alert stands." in said(capsys, "alerts", "list")[1]
    assert "queue_depth" in started.run("alerts", "limits").stdout


def test_a_tool_is_called_from_the_terminal_and_recorded_like_any_other_call(
    started: Shell, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = started.run("call", "execute_query", "statement=SELECT 40 + 2 AS answer", "--json")
    assert asked.returncode == 0, asked.stderr
    assert "42" in asked.stdout
    assert json.loads(asked.stdout)
    refused = started.run("call", "execute_query", "--arguments", "-", typed='{"statement": "DELETE FROM qms.capas"}')
    assert (refused.returncode, refused.stdout) == (1, "")
    assert "refused_statement" in refused.stderr
    unknown = started.run("call", "no_such_tool")
    assert unknown.returncode == 1
    assert unknown.stderr.startswith("qms-mcp: There is no tool"), unknown.stderr
    assert said(capsys, "ledger", "tail")[1].count("execute_query") == 2
