"""Import, export, verify and anchor from the command line, as an operator does, on a machine with nothing set up."""

import json
import os
import subprocess
import sys
from pathlib import Path

import psycopg
import pytest

from tests.support.stdio import Workplace, workplace

TABLE = "Nr;What;Day\n1;Burr on the housing;2026-02-03\n2;Scratch;2026-02-04\n3;Dent;no day\n"
MAP = """
category = "nonconformance"
system = "the old list"
external_id = "Nr"
[fields]
title = "What"
detected_on = { from = "Day", kind = "date" }
"""


def run(place: Workplace, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "qms_mcp", *map(str, arguments)],
        env={**place.environment, "COLUMNS": "200"},
        cwd=place.home.parent,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


@pytest.mark.slow  # its parts are tested one by one in test_import and test_trail
def test_what_is_imported_is_exported_verified_and_anchored_and_tampering_ends_with_status_one(tmp_path: Path) -> None:
    table, own_map, report = tmp_path / "list.csv", tmp_path / "own.toml", tmp_path / "report.json"
    trail, page, anchors = tmp_path / "trail.jsonl", tmp_path / "trail.html", tmp_path / "anchors.jsonl"
    table.write_text(TABLE)
    own_map.write_text(MAP)
    with workplace(QMS_LINGER_SECONDS="60") as place:
        tried = run(place, "import", table, "--map", own_map, "--dry-run")
        assert "2 records would be added" in tried.stdout, tried.stderr
        done = run(place, "import", table, "--map", own_map, "--report", report)
        assert done.returncode == 1  # a row was skipped
        assert "line 4 (3)" in done.stderr
        assert json.loads(report.read_text())["skipped"]["detected_on is no date"]["count"] == 1
        again = run(place, "import", table, "--map", own_map)
        assert "0 records added, 2 were there already" in again.stdout

        anchored = run(place, "audit", "anchor", "--to", anchors)
        assert anchored.returncode == 0, anchored.stderr
        written = run(place, "audit", "export", "--out", trail)
        assert written.returncode == 0, written.stderr
        assert run(place, "audit", "export", "--out", trail).returncode == 1  # is not overwritten
        assert run(place, "audit", "export", "--format", "html", "--out", page).returncode == 0
        assert "Burr on the housing" in page.read_text()
        of_one = run(place, "audit", "export", "--record", "NC-1999-0001", "--out", tmp_path / "none.jsonl")
        assert of_one.returncode == 1
        assert not (tmp_path / "none.jsonl").exists()
        whole = run(place, "audit", "verify", "--anchor", anchors)
        assert whole.returncode == 0, whole.stderr
        assert "Intact" in whole.stdout
        assert "Up to entry" in whole.stdout

        with psycopg.connect(place.conninfo(), autocommit=True) as superuser, superuser.transaction():
            superuser.execute(b"SET LOCAL session_replication_role = 'replica'")
            superuser.execute(b"UPDATE qms.audit_logs SET reason = 'nothing of the kind' WHERE seq = 3")
        broken = run(place, "audit", "verify")
        assert broken.returncode == 1
        assert "Entry 3 was altered" in broken.stdout

    # The file needs no database any more.
    nowhere = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "QMS_HOME": str(tmp_path / "nothing")}
    offline = subprocess.run(
        [sys.executable, "-m", "qms_mcp", "audit", "verify", str(trail), "--anchor", str(anchors)],
        env=nowhere,
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert offline.returncode == 0, offline.stderr
    assert not (tmp_path / "nothing").exists()
    trail.write_text(trail.read_text().replace("Burr on the housing", "Burr on the cover"))
    touched = subprocess.run(
        [sys.executable, "-m", "qms_mcp", "audit", "verify", str(trail)],
        env=nowhere,
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert touched.returncode == 1
    assert "was altered" in touched.stdout


@pytest.mark.parametrize("arguments", [("audit", "--help"), ("audit", "verify", "--help"), ("import", "--help")])
def test_the_commands_explain_themselves(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    answer = subprocess.run(
        [sys.executable, "-m", "qms_mcp", *arguments],
        env={"PATH": os.environ["PATH"], "HOME": str(tmp_path)},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert answer.returncode == 0, answer.stderr
    assert "Usage: qms-mcp" in answer.stdout
