"""`qms-mcp ingest`, as an operator meets it."""

import csv
import json
import time
from pathlib import Path

import jwt
import psycopg
import pytest
from click.testing import CliRunner, Result

from qms_mcp.cli import ingest
from qms_mcp.db.embedded import EmbeddedPostgres
from qms_mcp.db.local_owner import LOCAL_OWNER_ID
from qms_mcp.services.documents import preparing
from tests.conftest import copied_database, wiring_for
from tests.support.reading_here import parse_here

SECRET = "a secret of a project, long enough for HS256"  # noqa: S105 - made up


def test_the_command_refuses_a_report_it_cannot_write(tmp_path: Path) -> None:
    answer = CliRunner().invoke(ingest.command, [str(tmp_path), "--report", "report.docx"])
    assert answer.exit_code == 2
    assert ".csv or .json" in answer.output


def test_a_folder_comes_in_from_the_command_line_with_a_report(
    embedded: EmbeddedPostgres, template: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(preparing, "parse", parse_here)
    folder = tmp_path / "a folder anywhere"
    folder.mkdir()
    (folder / "=1+1.md").write_text("# Instruction\n\nThe operator shall look.\n")
    (folder / "second \x1b[31m.md").write_text("# Other instruction\n\nThe operator must look.\n")
    (folder / "third.pdf").write_bytes(b"%PDF-1.4 and nothing else")
    reports = tmp_path / "report.csv", tmp_path / "report.json"
    with copied_database(embedded, template) as name:
        wiring = wiring_for(embedded, name)
        claims = {"sub": str(LOCAL_OWNER_ID), "aud": "authenticated", "iat": time.time(), "exp": time.time() + 600}
        environment = {
            "DATABASE_URL": wiring.server, "DATABASE_URL_SQL": wiring.sql, "DATABASE_URL_DIRECT": wiring.owner,
            "QMS_HOME": str(tmp_path / "home"), "QMS_JWT_SECRET": SECRET,
            "QMS_ACCESS_TOKEN": jwt.encode(claims, SECRET, "HS256"), "COLUMNS": "160",
        }  # fmt: skip

        def run(*options: str) -> Result:
            arguments = [str(folder), *options]
            return CliRunner().invoke(ingest.command, arguments, env=environment, standalone_mode=False)

        trial = run("--dry-run")
        assert "3 files: 2 would be added, 0 would be new versions, 0 there already, 1 refused." in trial.stdout
        assert not (tmp_path / "home").exists()
        done = run("--reason", "The procedures of line 4 come in.", "--type", "procedure", "--report", str(reports[0]))
        assert done.return_value == 1, done.output
        assert "3 files: 2 added, 0 new versions, 0 there already, 1 refused." in done.stdout
        assert "\x1b" not in done.output
        again = run("--report", str(reports[1]), "--workers", "2")
        assert "3 files: 0 added, 0 new versions, 2 there already, 1 refused." in again.stdout
        with psycopg.connect(embedded.conninfo(name, "postgres")) as connection:
            kept = connection.execute(
                "SELECT d.document_type, i.drafted_by_kind FROM qms.documents AS d "
                "INNER JOIN qms.quality_items AS i ON d.id = i.id"
            ).fetchall()
    assert kept == [("procedure", "agent")] * 2
    rows = list(csv.DictReader(reports[0].read_text().splitlines()))
    assert [row["outcome"] for row in rows] == ["added", "added", "refused"]
    assert rows[0]["file"] == "'=1+1.md"
    assert rows[2]["code"] == "broken"
    report = json.loads(reports[1].read_text())
    assert [file["outcome"] for file in report["files"]] == ["there already", "there already", "refused"]
