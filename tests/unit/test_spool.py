"""The spool: on disk before anything goes on, whole or not at all, each file replayed by one process."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from qms_mcp.ledger import spool as module
from qms_mcp.ledger.spool import Spool


def entry(number: int, **more: Any) -> dict[str, Any]:
    return {"op": "begin_call", "id": str(number), **more}


def replayed(spool: Spool) -> list[str]:
    found: list[str] = []
    for claim in spool.claims():
        found += [e["id"] for batch in claim.batches(3) for e in batch]
        claim.done()
    return found


def test_entries_come_back_in_their_order_and_say_that_they_waited(tmp_path: Path) -> None:
    spool = Spool(tmp_path / "spool")
    spool.append([entry(1), entry(2)])
    spool.append([entry(3), entry(4)])
    claims = [[e for batch in claim.batches(3) for e in batch] for claim in spool.claims()]
    assert [e["id"] for e in claims[0]] == ["1", "2", "3", "4"]
    assert all(e["replayed"] for e in claims[0])
    assert replayed(spool) == ["1", "2", "3", "4"]
    assert replayed(spool) == []
    assert not spool.waiting()


def test_files_come_back_in_the_order_they_were_begun(tmp_path: Path) -> None:
    for number in range(5):
        spool = Spool(tmp_path)
        spool.append([entry(number)])
        spool.close()
    assert replayed(Spool(tmp_path)) == ["0", "1", "2", "3", "4"]


def test_only_its_owner_may_read_it(tmp_path: Path) -> None:
    spool = Spool(tmp_path / "spool")
    spool.append([entry(1)])
    assert (tmp_path / "spool").stat().st_mode & 0o077 == 0
    assert all(path.stat().st_mode & 0o077 == 0 for path in (tmp_path / "spool").iterdir())


def test_a_file_another_process_is_writing_is_left_alone(tmp_path: Path) -> None:
    writing, looking = Spool(tmp_path), Spool(tmp_path)
    writing.append([entry(1)])
    assert replayed(looking) == []
    writing.append([entry(2)])
    writing.close()
    assert replayed(looking) == ["1", "2"]


def test_a_file_another_process_is_replaying_is_left_alone(tmp_path: Path) -> None:
    spool = Spool(tmp_path)
    spool.append([entry(1)])
    claims = spool.claims()
    next(claims)
    assert replayed(Spool(tmp_path)) == []
    claims.close()  # it could not be replayed after all
    assert replayed(Spool(tmp_path)) == ["1"]


def test_a_file_cannot_be_claimed_between_its_making_and_its_locking(tmp_path: Path) -> None:
    """Whoever claimed it then would remove it, and what is written to it afterwards would be lost."""
    seen: list[list[str]] = []
    original = os.open

    def spying(path: Any, *arguments: Any, **keywords: Any) -> int:
        descriptor = original(path, *arguments, **keywords)
        if str(path).startswith(str(tmp_path)):
            seen.append(replayed(Spool(tmp_path)))
        return descriptor

    spool = Spool(tmp_path)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module.os, "open", spying)
        spool.append([entry(1)])
    spool.append([entry(2)])
    spool.close()
    assert seen
    assert replayed(Spool(tmp_path)) == ["1", "2"]


def test_a_torn_last_line_is_left_out_and_the_rest_is_kept(tmp_path: Path) -> None:
    spool = Spool(tmp_path)
    spool.append([entry(1), entry(2)])
    spool.close()
    file = next(tmp_path.glob("*.jsonl"))
    file.write_bytes(file.read_bytes()[:-20])
    assert replayed(Spool(tmp_path)) == ["1"]


def test_a_process_killed_with_entries_on_disk_loses_none_and_frees_its_file(tmp_path: Path) -> None:
    code = (
        "import os, signal, sys\nfrom pathlib import Path\nfrom qms_mcp.ledger.spool import Spool\n"
        "spool = Spool(Path(sys.argv[1]))\n"
        "for n in range(50): spool.append([{'op': 'begin_call', 'id': str(n)}])\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    assert subprocess.run([sys.executable, "-c", code, str(tmp_path)], check=False, timeout=60).returncode == -9
    assert replayed(Spool(tmp_path)) == [str(n) for n in range(50)]


def test_any_text_can_be_spooled(tmp_path: Path) -> None:
    spool = Spool(tmp_path)
    assert spool.append([entry(1, text="half \ud800, nul \x00, line\u2028\r\nbreak", other=object())])
    assert replayed(spool) == ["1"]


def test_a_disk_that_fills_up_leaves_no_half_line_behind(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    spool = Spool(tmp_path)
    spool.append([entry(1)])
    original, room = os.write, [10]

    def filling(descriptor: int, content: Any) -> int:
        if not room[0]:
            raise OSError(28, "No space left on device")
        written = original(descriptor, bytes(content)[: room[0]])
        room[0] -= written
        return written

    monkeypatch.setattr(module.os, "write", filling)
    assert not spool.append([entry(2)])
    assert '"id": "2"' in caplog.text  # the log is the last resort
    monkeypatch.setattr(module.os, "write", original)
    assert spool.append([entry(3)])
    assert replayed(spool) == ["1", "3"]


def test_a_folder_that_cannot_be_made_is_said_and_not_raised(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "file").write_text("in the way")
    spool = Spool(tmp_path / "file" / "spool")
    assert not spool.append([entry(1)])
    spool.set_aside(entry(2))
    assert '"id": "1"' in caplog.text
    assert '"id": "2"' in caplog.text


def test_a_refused_entry_is_kept_for_a_person(tmp_path: Path) -> None:
    spool = Spool(tmp_path)
    spool.set_aside(entry(1))
    spool.set_aside(entry(2))
    kept = [json.loads(line)["id"] for line in (tmp_path / "refused.txt").read_text().splitlines()]
    assert kept == ["1", "2"]
    assert replayed(spool) == []
