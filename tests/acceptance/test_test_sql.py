"""`qms-mcp test-sql` as a person runs it: on files, folders and patterns, with an exit status a script can use."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from qms_mcp.db.embedded import EmbeddedPostgres

GOOD = """\
-- test: a title is required
-- expect: QM024 title
SELECT pg_temp.become('a');
INSERT INTO qms.quality_items (organization_id, category) VALUES (pg_temp.organization('a'), 'capa');
"""
BAD = """\
-- test: one is two
SELECT pg_temp.verify(1 = 2, 'one is not two');
"""
TAP = """\
BEGIN;
SELECT plan(2);
SELECT ok(true, 'true is true');
SELECT throws_ok($$SELECT 1 / 0$$, '22012', NULL, 'nothing is divided by zero');
SELECT * FROM finish();
ROLLBACK;
"""


@pytest.fixture
def scripts(tmp_path: Path) -> Path:
    folder = tmp_path / "a folder"
    folder.mkdir()
    for name, text in (("good.sql", GOOD), ("bad.sql", BAD), ("tap.sql", TAP)):
        (folder / name).write_text(text, encoding="utf-8")
    return folder


def run(embedded: EmbeddedPostgres, database: str, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
    environment = {
        "PATH": "/usr/bin:/bin",
        "DATABASE_URL": embedded.conninfo(database, "qms_server"),
        "DATABASE_URL_DIRECT": embedded.conninfo(database, "qms_owner"),
        "DATABASE_URL_SQL": embedded.conninfo(database, "qms_sql"),
    }
    command = [sys.executable, "-m", "qms_mcp", "test-sql", *map(str, arguments)]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=60)


def test_a_folder_of_scripts_is_run_and_a_failure_is_the_exit_status(
    database_name: str, embedded: EmbeddedPostgres, scripts: Path
) -> None:
    answer = run(embedded, database_name, scripts, "--json")
    assert answer.returncode == 1, answer.stderr
    report = json.loads(answer.stdout)
    assert (report["passed"], report["failed"], report["skipped"]) == (3, 1, 0)
    failed = [test for script in report["scripts"] for test in script["tests"] if test["state"] == "failed"]
    assert [(test["name"], test["line"]) for test in failed] == [("one is two", 2)]
    assert "one is not two" in failed[0]["message"]
    assert "verify" in failed[0]["statement"]


def test_what_passes_ends_with_zero_and_says_how_long_it_took(
    database_name: str, embedded: EmbeddedPostgres, scripts: Path
) -> None:
    answer = run(embedded, database_name, scripts / "[gt]*.sql")
    assert answer.returncode == 0, answer.stderr + answer.stdout
    lines = answer.stdout.splitlines()
    assert "ok 1 - a title is required" in answer.stdout
    assert "ok 3 - nothing is divided by zero" in answer.stdout
    assert " ms)" in answer.stdout
    assert lines[-2:] == ["1..3", "# 3 passed, 0 failed, 0 skipped"]


def test_a_script_that_is_not_there_is_named(database_name: str, scripts: Path, embedded: EmbeddedPostgres) -> None:
    answer = run(embedded, database_name, scripts / "missing.sql")
    assert answer.returncode == 1
    assert "missing.sql" in answer.stderr
    assert "Traceback" not in answer.stderr
