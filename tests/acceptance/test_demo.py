"""`qms-mcp demo`, twice, as somebody with a bare machine runs it."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path

import pytest

TOOLS = (
    "list_tables", "describe_table", "generate_sql", "execute_query", "explain_query", "design_schema",
    "create_migration", "apply_migration", "validate_data", "check_rls",
    "dispatch_agents", "get_dispatch", "cancel_dispatch", "list_dispatches",
)  # fmt: skip


@dataclass(frozen=True)
class Machine:
    """A home with a space in its path, and nothing in the environment but a path."""

    place: Path

    @property
    def home(self) -> Path:
        return self.place / "the data"

    def run(self, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "qms_mcp", *arguments],
            env={"PATH": os.environ["PATH"], "HOME": str(self.place), "QMS_HOME": str(self.home), **variables},
            cwd=self.place,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=420,
            check=False,
        )


@pytest.fixture(scope="module")
def machine(short_tmp: Path) -> Generator[Machine]:
    place = short_tmp / "a bare machine"
    place.mkdir()
    machine = Machine(place)
    yield machine
    machine.run("db", "stop", QMS_HOME=str(machine.home / "demo"))


@pytest.fixture(scope="module")
def first(machine: Machine) -> subprocess.CompletedProcess[str]:
    return machine.run("demo", "--plain")


@pytest.fixture(scope="module")
def second(machine: Machine, first: subprocess.CompletedProcess[str]) -> subprocess.CompletedProcess[str]:
    return machine.run("demo", "--plain", NO_COLOR="1", ANTHROPIC_API_KEY="is not used", DATABASE_URL="nor is this")


def test_every_step_goes_as_expected(first: subprocess.CompletedProcess[str]) -> None:
    assert first.returncode == 0, first.stdout + first.stderr
    counted = re.search(r"^(\d+) steps, (\d+) as expected$", first.stdout, re.MULTILINE)
    assert counted, first.stdout
    assert counted[1] == counted[2]
    assert "NOT AS EXPECTED" not in first.stdout
    assert "Traceback" not in first.stderr


@pytest.mark.slow
def test_a_second_time_too_with_everything_in_place(second: subprocess.CompletedProcess[str]) -> None:
    assert second.returncode == 0, second.stdout + second.stderr
    assert second.stdout.count("(in place)") == 2


def test_the_whole_main_job_is_shown(first: subprocess.CompletedProcess[str]) -> None:
    assert [tool for tool in TOOLS if f"→ {tool}" not in first.stdout] == []
    assert first.stdout.count("[refused_statement]") >= 4


def test_the_output_is_plain_text(first: subprocess.CompletedProcess[str]) -> None:
    assert "\x1b" not in first.stdout
    assert max(len(line) for line in first.stdout.splitlines() if "claude mcp add" not in line) <= 130


def test_each_company_sees_its_own_number_of_records(first: subprocess.CompletedProcess[str]) -> None:
    loaded = [int(number) for number in re.findall(r": (\d+) quality records", first.stdout)]
    answers = re.findall(r"records +organizations *\n +(\d+) +(\d+)", first.stdout)
    assert [(int(records), int(others)) for records, others in answers] == [(loaded[0], 1), (loaded[1], 1)]


def test_the_migration_waits_for_a_person_and_is_not_applied(
    machine: Machine, first: subprocess.CompletedProcess[str]
) -> None:
    assert "pending" in first.stdout
    assert "qms-mcp approvals approve" in first.stdout
    answer = machine.run(
        "db", "psql", "--", "-At", "-c", "SELECT to_regclass('qms.calibration_records') IS NULL",
        QMS_HOME=str(machine.home / "demo"),
    )  # fmt: skip
    assert answer.stdout.strip() == "t", answer.stderr


def test_the_configuration_to_paste_starts_a_server_that_exists(first: subprocess.CompletedProcess[str]) -> None:
    after = first.stdout.split("Now with your own client")[1]
    configurations = [json.loads(block) for block in re.findall(r"^\{\n.*?^\}$", after, re.MULTILINE | re.DOTALL)]
    assert len(configurations) == 4
    for configuration in configurations:
        ((servers),) = configuration.values()
        started = servers["qms"]
        assert Path(started["command"]).is_absolute()
        assert Path(started["command"]).exists()
        assert started["args"][-1] == "serve"
        assert Path(started["env"]["QMS_HOME"]).is_dir()
    assert "claude mcp add qms" in after
    for client in ("Claude Desktop", "Claude Code", "VS Code", "Cursor", "Zed"):
        assert client in after


def test_the_demo_keeps_out_of_the_home_of_ones_own_records(
    machine: Machine, first: subprocess.CompletedProcess[str]
) -> None:
    assert first.returncode == 0
    assert (machine.home / "demo" / "pgdata").is_dir()
    assert not (machine.home / "pgdata").exists()
