"""An ingest that is killed at any moment: run again to its end, each file is in once, whole, with its original."""

import hashlib
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jwt
import psycopg
import pytest

from qms_mcp.db.embedded import EmbeddedPostgres
from qms_mcp.db.local_owner import LOCAL_OWNER_ID
from tests.conftest import copied_database, wiring_for

SECRET = "a secret of a project, long enough for HS256"  # noqa: S105 - made up
WORDS = ("inspect", "measure", "record", "release", "return", "count", "label", "clean", "weigh", "store")


@dataclass(frozen=True)
class Place:
    """A folder of files, and the database and home they go to."""

    folder: Path
    home: Path
    superuser: str
    environment: dict[str, str]

    def start(self, *program: str) -> subprocess.Popen[str]:
        arguments = [*program, "ingest", str(self.folder)]
        return subprocess.Popen(
            [sys.executable, "-m", *arguments],
            env=self.environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip

    def run(self, *program: str) -> subprocess.CompletedProcess[str]:
        process = self.start(*program)
        said, wrong = process.communicate(timeout=900)
        return subprocess.CompletedProcess(process.args, process.returncode, said, wrong)

    def fetch(self, statement: str) -> list[tuple[Any, ...]]:
        with psycopg.connect(self.superuser) as connection:
            return connection.execute(statement.encode()).fetchall()

    def documents(self) -> int:
        return int(self.fetch("SELECT count(*) FROM qms.documents")[0][0])


@pytest.fixture
def place(embedded: EmbeddedPostgres, template: str, tmp_path: Path) -> Generator[Place]:
    with copied_database(embedded, template) as name:
        wiring = wiring_for(embedded, name)
        now = int(time.time())
        claims = {"sub": str(LOCAL_OWNER_ID), "aud": "authenticated", "iat": now - 60, "exp": now + 3_600}
        environment = {
            "PATH": os.environ["PATH"], "HOME": str(tmp_path), "QMS_HOME": str(tmp_path / "home"),
            "DATABASE_URL": wiring.server, "DATABASE_URL_SQL": wiring.sql, "DATABASE_URL_DIRECT": wiring.owner,
            "QMS_JWT_SECRET": SECRET, "QMS_ACCESS_TOKEN": jwt.encode(claims, SECRET, "HS256"), "COLUMNS": "200",
        }  # fmt: skip
        folder = tmp_path / "folder"
        folder.mkdir()
        yield Place(folder, tmp_path / "home", embedded.conninfo(name, "postgres"), environment)


def write_files(folder: Path, count: int) -> list[Path]:
    """Write small texts, each another one."""
    chosen = random.Random(4)  # noqa: S311 - the same files each time
    made: list[Path] = []
    for number in range(count):
        lines = "\n\n".join(
            f"## {section} Step\n\nThe operator shall {chosen.choice(WORDS)} the part {number}-{section}."
            for section in range(1, 4)
        )
        path = folder / f"{number:03d}.{'md' if number % 3 else 'txt'}"
        path.write_text(f"# Instruction {number}\n\n{lines}\n")
        made.append(path)
    return made


def all_are_in_once(place: Place, files: list[Path]) -> None:
    """Fail unless each file is one whole document."""
    expected = sorted(hashlib.sha256(path.read_bytes()).hexdigest() for path in files)
    rows = place.fetch(
        "SELECT d.id, count(f.id), min(f.sha256), count(DISTINCT s.id), "
        "(SELECT count(*) FROM search.chunks AS c WHERE c.source_id = d.id), "
        "(SELECT count(*) FROM qms.audit_logs AS a WHERE a.record_id = d.id) "
        "FROM qms.quality_items AS i LEFT JOIN qms.documents AS d ON i.id = d.id "
        "LEFT JOIN qms.document_files AS f ON d.id = f.record_id LEFT JOIN search.sources AS s ON d.id = s.id "
        "WHERE i.category = 'document' GROUP BY d.id"
    )
    assert sorted(str(row[2]) for row in rows) == expected
    for row in rows:
        assert (row[1], row[3]) == (1, 1), row
        assert row[4] >= 1, row
        assert row[5] >= 1, row
    originals = place.home / "originals"
    whole = [path for path in originals.rglob("*") if path.is_file() and not path.name.endswith(".part")]
    assert sorted(path.parent.name + path.name for path in whole) == expected
    for path in whole:
        assert hashlib.sha256(path.read_bytes()).hexdigest() == path.parent.name + path.name


def killed_by_hand(place: Place, program: tuple[str, ...], after: int, moments: random.Random) -> None:
    """Kill an ingest some moment after it has brought in so many more files."""
    wanted = place.documents() + after
    process = place.start(*program)
    try:
        while process.poll() is None and place.documents() < wanted:
            with _ignored_timeout():
                process.wait(0.02)
        with _ignored_timeout():
            process.wait(moments.random())
    finally:
        process.kill()
        process.communicate()
    assert process.returncode == -signal.SIGKILL, "it ended before it was killed"


class _ignored_timeout:  # noqa: N801 - reads as what it does
    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: type[BaseException] | None, *_rest: object) -> bool:
        return kind is subprocess.TimeoutExpired


def test_killed_at_each_step_of_a_file_nothing_is_half_there(place: Place) -> None:
    files = write_files(place.folder, 30)
    for point, nth in (("half_original", 9), ("original", 3), ("file", 5)):
        died = place.run("tests.support.dying_ingest", point, str(nth))
        assert died.returncode == -signal.SIGKILL, (point, died)
    halves = list(place.home.glob("originals/*/.*.part"))
    assert len(halves) == 1
    assert place.documents() == 2 + 2 + 4
    done = place.run("tests.support.dying_ingest", "never", "1")
    assert done.returncode == 0, done
    assert "30 files: 22 added, 0 new versions, 8 there already, 0 refused." in done.stdout
    all_are_in_once(place, files)


def test_ctrl_c_ends_after_the_file_at_hand_and_says_how_to_go_on(place: Place) -> None:
    files = write_files(place.folder, 60)
    process = place.start("tests.support.dying_ingest", "never", "1")
    while process.poll() is None and place.documents() < 3:
        with _ignored_timeout():
            process.wait(0.02)
    process.send_signal(signal.SIGINT)
    said, wrong = process.communicate(timeout=60)
    assert process.returncode == 130, (said, wrong)
    assert "are left: the same command goes on with them." in wrong
    assert "Traceback" not in wrong
    assert 3 <= place.documents() < 60
    all_are_in_once(place, files[: place.documents()])


@pytest.mark.slow
def test_two_hundred_files_killed_at_random_moments_are_all_in_once(place: Place) -> None:
    import docx

    files = write_files(place.folder, 190)
    for number in range(5):
        document = docx.Document()
        document.add_heading(f"Form {number}", 1)
        document.add_paragraph(f"The operator must sign form {number} on the day.")
        document.save(str(place.folder / f"form {number}.docx"))
        files.append(place.folder / f"form {number}.docx")
        files.append(_pdf(place.folder / f"sheet {number}.pdf", number))
    moments = random.Random(2026)  # noqa: S311 - the same moments each time
    for _ in range(6):
        killed_by_hand(place, ("qms_mcp",), moments.randint(5, 25), moments)
    done = place.run("qms_mcp")
    assert done.returncode == 0, done
    all_are_in_once(place, files)


def _pdf(path: Path, number: int) -> Path:
    import typst

    source = path.with_suffix(".typ")
    source.write_text(f"= Sheet {number}\n\nThe inspector shall keep sheet {number} for five years.\n")
    typst.compile(str(source), output=str(path))
    source.unlink()
    return path
