"""The audit trail read, verified, exported and anchored; tampering with all rights is found at the exact entry."""

import json
import subprocess
from collections.abc import Callable, Generator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from io import StringIO
from pathlib import Path
from threading import Thread
from typing import Any, Literal
from uuid import UUID

import anyio
import pytest

from qms_mcp.auth.acting import acting
from qms_mcp.auth.principal import Principal
from qms_mcp.db.database import Database
from qms_mcp.db.embedded import EmbeddedPostgres
from qms_mcp.db.queries import Query
from qms_mcp.db.wiring import Wiring
from qms_mcp.errors import InvalidInputError, NotFoundError, UnavailableError
from qms_mcp.services.trail.anchoring import FilePlace, GitPlace, UrlPlace, anchor_to, place_of
from qms_mcp.services.trail.chain import read_anchors
from qms_mcp.services.trail.export import TrailExport
from qms_mcp.services.trail.offline import verify_file
from qms_mcp.services.trail.scope import TrailFilter
from qms_mcp.services.trail.service import Trail
from tests.conftest import Tenants, add_person
from tests.support.in_process import client_for
from tests.support.tampering import BEHIND_THE_LAST, LAST, REBUILD, TAMPERING, tamper

pytestmark = pytest.mark.anyio

WHY = "found at the incoming inspection"
CALL = UUID("00000000-0000-4000-8000-000000000007")
ADD = Query("test", "SELECT r.id, r.number, r.version FROM qms.add_record(%(category)s, %(fields)s::jsonb) AS r")
CHANGE = Query("test", "SELECT r.version FROM qms.change_record(%(id)s, NULL, %(fields)s::jsonb) AS r")
ADD_PART = Query("test", "SELECT qms.add_part(%(id)s, %(part)s, %(fields)s::jsonb) AS part")
SEQS = Query("test", "SELECT a.seq, a.prev_hash, a.row_hash FROM qms.audit_logs AS a ORDER BY a.seq")


async def add(database: Database, principal: Principal, category: str = "capa", **fields: Any) -> dict[str, Any]:
    given = json.dumps({"title": "Burrs on the housing", **fields})
    async with database.transaction(principal, because=WHY) as transaction:
        return (await transaction.fetch_dicts(ADD, {"category": category, "fields": given}))[0]


async def change(database: Database, principal: Principal, record: UUID, because: str = WHY, **fields: Any) -> None:
    async with database.transaction(principal, because=because) as transaction:
        await transaction.execute(CHANGE, {"id": record, "fields": json.dumps(fields)})


async def history(database: Database, principal: Principal) -> dict[str, Any]:
    """Make a dozen entries: one record with a change and a part, and some more."""
    made = await add(database, principal)
    await change(database, principal, made["id"], title="Burrs on the housing, cavity 2", priority=2)
    async with database.transaction(principal, because="an action was agreed on") as transaction:
        fields = json.dumps({"action_type": "corrective", "description": "Polish cavity 2"})
        await transaction.execute(ADD_PART, {"id": made["id"], "part": "capa_actions", "fields": fields})
    for number in range(4):
        await add(database, principal, "nonconformance", title=f"Scratch {number}")
    return made


@pytest.fixture
def superuser(embedded: EmbeddedPostgres, database_name: str) -> str:
    return embedded.conninfo(database_name, "postgres")


async def test_the_history_of_a_record_has_its_parts_the_fields_the_reason_and_the_client(
    database: Database, tenants: Tenants
) -> None:
    with acting(CALL, "desk", "2.1"):
        made = await history(database, tenants.ours)
    page = await Trail(database).get(tenants.ours, TrailFilter(record=made["number"]), detail="full")
    assert {entry.entity for entry in page.entries} == {"qms.quality_items", "qms.capas", "qms.capa_actions"}
    assert [entry.seq for entry in page.entries] == sorted((entry.seq for entry in page.entries), reverse=True)
    assert page.total == str(len(page.entries))
    titled = [
        entry for entry in page.entries if entry.changes and "title" in entry.changes and entry.action == "update"
    ]
    assert [entry.changes for entry in titled] == [
        {"title": ["Burrs on the housing", "Burrs on the housing, cavity 2"], "priority": [0, 2]}
    ]
    entry = titled[0]
    assert (entry.reason, entry.client, entry.tool_call, entry.kind) == (WHY, "desk/2.1", str(CALL), "agent")
    assert entry.record == f"{made['number']} v2"
    assert entry.who == entry.on_behalf_of
    assert entry.who.startswith("Person ")
    assert entry.at.utcoffset() == timedelta(0)


async def test_an_entry_shows_the_time_of_the_site_too(database: Database, tenants: Tenants) -> None:
    async with database.owner_transaction() as transaction:
        await transaction.execute(Query("t", "SET LOCAL ROLE qms_definer"))
        zone = "UPDATE qms.organizations SET time_zone = 'Asia/Kolkata' WHERE id = %(id)s"
        await transaction.connection.execute(b"RESET ROLE")
        await transaction.connection.execute(b"ALTER TABLE qms.organizations NO FORCE ROW LEVEL SECURITY")
        await transaction.execute(Query("t", zone), {"id": tenants.ours.organization_id})
        await transaction.connection.execute(b"ALTER TABLE qms.organizations FORCE ROW LEVEL SECURITY")
    await add(database, tenants.ours)
    page = await Trail(database).get(tenants.ours, TrailFilter(), limit=1)
    at_site = page.entries[0].at + timedelta(hours=5, minutes=30)
    assert (page.entries[0].at_site, page.zone) == (f"{at_site:%Y-%m-%d %H:%M:%S}", "Asia/Kolkata")


async def test_long_values_are_cut_unless_all_of_it_is_wanted(database: Database, tenants: Tenants) -> None:
    made = await add(database, tenants.ours, description="a burr " * 200)
    wanted = TrailFilter(record=str(made["id"]))
    for detail, longest in (("concise", 200), ("full", 1_400)):
        page = await Trail(database).get(tenants.ours, wanted, detail=detail)  # pyright: ignore[reportArgumentType]
        (entry,) = [one for one in page.entries if one.entity == "qms.quality_items"]
        assert entry.changes is not None
        assert entry.changes["description"][0] is None
        assert longest * 0.8 < len(entry.changes["description"][1]) <= longest


async def test_pages_follow_each_other_without_a_gap_or_a_repetition(database: Database, tenants: Tenants) -> None:
    await history(database, tenants.ours)
    trail, seen, cursor = Trail(database), list[int](), None
    while True:
        page = await trail.get(tenants.ours, TrailFilter(), limit=3, cursor=cursor)
        seen += [entry.seq for entry in page.entries]
        cursor = page.next_cursor
        if cursor is None:
            break
    assert seen == list(range(int(page.total), 0, -1))
    assert len(seen) > 9


async def test_a_person_is_found_by_name_address_and_id_and_what_others_did_is_left_out(
    database: Database, tenants: Tenants
) -> None:
    other = await add_person(database, tenants.ours.organization_id, "northwind", "owner")
    await add(database, tenants.ours)
    await add(database, other, title="Somebody else's")
    trail = Trail(database)
    by_id = await trail.get(tenants.auditor, TrailFilter(person=str(other.user_id)))
    assert {entry.reason for entry in by_id.entries} == {WHY}
    assert len(by_id.entries) == 2
    name = by_id.entries[0].who
    for person in (name, name.upper(), str(other.email)):
        assert await trail.get(tenants.auditor, TrailFilter(person=person)) == by_id


async def test_a_period_and_an_action_narrow_it(database: Database, tenants: Tenants) -> None:
    await add(database, tenants.ours)
    trail, now = Trail(database), datetime.now(UTC)
    await change(database, tenants.ours, (await add(database, tenants.ours))["id"], title="Changed afterwards")
    everything = await trail.get(tenants.ours, TrailFilter())
    later = await trail.get(tenants.ours, TrailFilter(since=now))
    before = await trail.get(tenants.ours, TrailFilter(until=now))
    assert [*later.entries, *before.entries] == everything.entries
    assert all(entry.at < now for entry in before.entries)
    updates = await trail.get(tenants.ours, TrailFilter(action="update", since=now - timedelta(days=1)))
    assert [entry.action for entry in updates.entries] == ["update"]
    assert (await trail.get(tenants.ours, TrailFilter(since=now + timedelta(days=2)))).entries == []
    assert (await trail.get(tenants.ours, TrailFilter(until=now - timedelta(days=2)))).entries == []
    # Without a zone it is the organization's, which is UTC here.
    local = await trail.get(tenants.ours, TrailFilter(since=now.replace(tzinfo=None)))
    assert local == later


@pytest.mark.parametrize(
    ("wanted", "error"),
    [
        (TrailFilter(record="CAPA-1999-0001"), NotFoundError),
        (TrailFilter(person="Nobody At All"), InvalidInputError),
        (
            TrailFilter(since=datetime(2026, 2, 2, tzinfo=UTC), until=datetime(2026, 2, 1, tzinfo=UTC)),
            InvalidInputError,
        ),
    ],
)
async def test_what_does_not_exist_is_said(
    database: Database, tenants: Tenants, wanted: TrailFilter, error: type[Exception]
) -> None:
    with pytest.raises(error):
        await Trail(database).get(tenants.ours, wanted)
    with pytest.raises(InvalidInputError, match="cursor"):
        await Trail(database).get(tenants.ours, TrailFilter(), cursor="latest")


async def test_an_auditor_reads_all_of_it_and_another_organization_nothing(
    database: Database, tenants: Tenants
) -> None:
    made = await history(database, tenants.ours)
    trail = Trail(database)
    assert await trail.get(tenants.auditor, TrailFilter()) == await trail.get(tenants.ours, TrailFilter())
    theirs = await trail.get(tenants.theirs, TrailFilter())
    assert {entry.entity for entry in theirs.entries} == {"qms.memberships"}
    for reference in (made["number"], str(made["id"])):
        with pytest.raises(NotFoundError):
            await trail.get(tenants.theirs, TrailFilter(record=reference))


async def test_the_tools_answer_and_name_the_call_that_changed_something(
    database: Database, tenants: Tenants, tmp_path: Path
) -> None:
    made = await history(database, tenants.ours)
    async with client_for(database, tenants.auditor, tmp_path) as client:
        answer = await client.call_tool("get_audit_trail", {"record": made["number"], "limit": 2})
        assert not answer.is_error
        assert answer.structured_content is not None
        assert len(answer.structured_content["entries"]) == 2
        verified = await client.call_tool("verify_audit_trail", {})
        assert verified.structured_content is not None
        assert verified.structured_content["intact"] is True
        assert "superuser" in verified.structured_content["does_not_prove"]
        refused = await client.call_tool("get_audit_trail", {"record": "NC-1999-0001"})
        assert refused.is_error


# Verification ---------------------------------------------------------------------------------------------------------


async def test_an_untouched_chain_is_intact_as_a_whole_and_in_part(database: Database, tenants: Tenants) -> None:
    await history(database, tenants.ours)
    trail = Trail(database)
    whole = await trail.verify(tenants.auditor)
    assert whole.intact
    assert (whole.first, whole.last) == (1, whole.entries)
    part = await trail.verify(tenants.auditor, from_seq=4, to_seq=6)
    assert (part.intact, part.entries, part.first, part.last) == (True, 3, 4, 6)
    with pytest.raises(InvalidInputError, match="no such range"):
        await trail.verify(tenants.auditor, from_seq=whole.entries + 2)


@pytest.mark.parametrize("how", TAMPERING)
async def test_tampering_with_all_rights_is_found_at_the_exact_entry(
    database: Database, tenants: Tenants, superuser: str, how: str
) -> None:
    await history(database, tenants.ours)
    await history(database, tenants.theirs)
    trail = Trail(database)
    last = (await trail.verify(tenants.ours)).entries
    script, bad, word = TAMPERING[how]
    tamper(
        superuser, script, organization=tenants.ours.organization_id, other=tenants.theirs.organization_id, last=last
    )
    found = await trail.verify(tenants.ours)
    assert not found.intact
    assert found.bad_entry == {LAST: last, BEHIND_THE_LAST: last + 1}.get(bad, bad)
    assert word in str(found.problem)
    if "another organization" not in how:
        assert (await trail.verify(tenants.theirs)).intact


@pytest.mark.parametrize(("size", "bad"), [(3, 9), (4, 8), (4, 9), (5, 10)])
async def test_a_gap_at_the_edge_of_a_slice_is_found_too(
    database: Database,
    tenants: Tenants,
    superuser: str,
    monkeypatch: pytest.MonkeyPatch,
    size: int,
    bad: int,
) -> None:
    await history(database, tenants.ours)
    script = f"DELETE FROM qms.audit_logs WHERE seq = {bad}"
    organization, other = tenants.ours.organization_id, tenants.theirs.organization_id
    tamper(superuser, script, organization=organization, other=other, last=0)
    monkeypatch.setattr("qms_mcp.services.trail.service._SLICE", size)
    found = await Trail(database).verify(tenants.ours)
    assert (found.intact, found.bad_entry) == (False, bad)


async def test_a_range_does_not_hide_that_the_entry_before_it_was_replaced(
    database: Database, tenants: Tenants, superuser: str
) -> None:
    await history(database, tenants.ours)
    script = TAMPERING["an entry is replaced and its hash recomputed"][0]
    organization, other = tenants.ours.organization_id, tenants.theirs.organization_id
    tamper(superuser, script, organization=organization, other=other, last=0)
    found = await Trail(database).verify(tenants.ours, from_seq=10)
    assert (found.intact, found.bad_entry) == (False, 9)


# Anchors --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kept", ["in the database", "outside"])
async def test_a_chain_rebuilt_with_all_rights_is_found_by_its_anchor_only(
    database: Database, tenants: Tenants, superuser: str, tmp_path: Path, kept: str
) -> None:
    await history(database, tenants.ours)
    trail, place = Trail(database), tmp_path / "anchors.jsonl"
    anchored = await anchor_to(database, tenants.ours, FilePlace(place))
    last = (await trail.verify(tenants.ours)).entries
    organization, other = tenants.ours.organization_id, tenants.theirs.organization_id
    tamper(superuser, REBUILD, organization=organization, other=other, last=last)
    if kept == "in the database":
        found = await trail.verify(tenants.ours)
    else:
        script = "DELETE FROM qms.audit_anchors"
        tamper(superuser, script, organization=organization, other=other, last=last)
        assert (await trail.verify(tenants.ours)).intact  # nothing inside tells it from the truth any more
        outside = read_anchors(place.read_text().splitlines(), str(tenants.ours.organization_id))
        found = await trail.verify(tenants.ours, outside=outside, place=str(place))
    assert (found.intact, found.bad_entry) == (False, anchored.seq)
    assert "rebuilt" in str(found.problem)


async def test_an_anchor_is_a_line_outside_and_a_note_inside_and_says_what_it_proves(
    database: Database, tenants: Tenants, tmp_path: Path
) -> None:
    await history(database, tenants.ours)
    place = tmp_path / "anchors.jsonl"
    first = await anchor_to(database, tenants.ours, place_of(str(place)))
    second = await anchor_to(database, tenants.ours, place_of(str(place)))
    kept = read_anchors(place.read_text().splitlines(), str(tenants.ours.organization_id))
    assert kept == [first, second]
    assert read_anchors(place.read_text().splitlines(), str(tenants.theirs.organization_id)) == []
    trail = Trail(database)
    page = await trail.get(tenants.ours, TrailFilter(action="anchored"))
    assert [entry.details["seq"] for entry in page.entries if entry.details] == [second.seq, first.seq]
    by_database = await trail.verify(tenants.auditor)
    assert (by_database.intact, by_database.anchors) == (True, 2)
    assert str(place) in by_database.does_not_prove
    by_copy = await trail.verify(tenants.auditor, outside=kept, place=str(place))
    assert (by_copy.intact, by_copy.anchors) == (True, 2)
    assert f"Up to entry {second.seq}" in by_copy.proves


async def test_a_trail_that_was_cut_off_together_with_its_head_is_found_by_the_copy(
    database: Database, tenants: Tenants, superuser: str, tmp_path: Path
) -> None:
    await history(database, tenants.ours)
    kept = await anchor_to(database, tenants.ours, FilePlace(tmp_path / "anchors.jsonl"))
    organization, other = tenants.ours.organization_id, tenants.theirs.organization_id
    script = TAMPERING["everything after an entry is cut off"][0] + ";" + TAMPERING["the head is wound back"][0]
    tamper(superuser, script, organization=organization, other=other, last=0)
    found = await Trail(database).verify(tenants.ours, outside=[kept], place="the vault")
    assert (found.intact, found.bad_entry) == (False, kept.seq)
    assert "cut off" in str(found.problem)


@pytest.fixture
def receiver() -> Generator[tuple[str, list[dict[str, Any]], Callable[[int], None]]]:
    taken: list[dict[str, Any]] = []
    status = [204]

    class Receiver(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            taken.append(json.loads(self.rfile.read(int(self.headers["content-length"]))))
            self.send_response(status[0])
            self.end_headers()

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - its name in the base
            del format, args

    server = HTTPServer(("127.0.0.1", 0), Receiver)
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/anchors?key=hunter2", taken, lambda code: status.__setitem__(0, code)
    server.shutdown()
    thread.join()
    server.server_close()


async def test_a_head_is_posted_to_a_service_and_a_refusal_is_not_taken_for_an_anchor(
    database: Database, tenants: Tenants, receiver: tuple[str, list[dict[str, Any]], Callable[[int], None]]
) -> None:
    url, taken, answers = receiver
    await history(database, tenants.ours)
    kept = await anchor_to(database, tenants.ours, place_of(url))
    assert [one["row_hash"] for one in taken] == [kept.row_hash]
    answers(503)
    with pytest.raises(UnavailableError, match="503"):
        await anchor_to(database, tenants.ours, place_of(url))
    page = await Trail(database).get(tenants.ours, TrailFilter(action="anchored"))
    assert len(page.entries) == 1
    assert "hunter2" not in page.model_dump_json()


@pytest.mark.parametrize("url", ["http://anchors.example/x", "ftp://127.0.0.1/x", "file:///etc/passwd"])
def test_a_head_is_not_sent_unprotected_over_a_network(url: str) -> None:
    with pytest.raises(InvalidInputError, match="https"):
        place_of(url)
    assert UrlPlace("https://anchors.example/x").name == "https://anchors.example/x"


def git(repository: Path, *arguments: str) -> str:
    command = ["git", *arguments]
    return subprocess.run(command, cwd=repository, check=True, capture_output=True, text=True, timeout=20).stdout


async def test_a_head_is_committed_to_a_git_repository(database: Database, tenants: Tenants, tmp_path: Path) -> None:
    await history(database, tenants.ours)
    with pytest.raises(InvalidInputError, match="no git repository"):
        GitPlace(tmp_path)
    git(tmp_path, "init", "--quiet")
    kept = await anchor_to(database, tenants.ours, place_of(f"git:{tmp_path}"))
    assert kept.row_hash in git(tmp_path, "log", "--format=%s")
    assert git(tmp_path, "status", "--porcelain") == ""


# Exports --------------------------------------------------------------------------------------------------------------


async def exported(
    database: Database, principal: Principal, path: Path, form: Literal["jsonl", "html"] = "jsonl", **wanted: Any
) -> Path:
    text = StringIO()
    await TrailExport(database, principal).write(text, TrailFilter(**wanted), form)
    await anyio.Path(path).write_text(text.getvalue(), encoding="utf-8")
    return path


def verdict(path: Path, anchors: Path | None = None) -> Any:
    return verify_file(path, anchors, lambda _done, _all: None)


async def test_an_export_is_verified_without_a_database_and_notes_itself(
    database: Database, tenants: Tenants, tmp_path: Path
) -> None:
    await history(database, tenants.ours)
    await add(database, tenants.ours, title='Ünïcode "quoted" \\ 日本 \u2028 line')
    path = await exported(database, tenants.auditor, tmp_path / "trail.jsonl")
    found = verdict(path)
    inside = await Trail(database).verify(tenants.ours)
    assert found.intact
    assert (found.entries, found.head) == (inside.entries, inside.head)
    page = await Trail(database).get(tenants.ours, TrailFilter(action="export"))
    assert [(entry.seq, entry.kind) for entry in page.entries] == [(inside.last, "agent")]


BROKEN: dict[str, tuple[Callable[[list[str]], list[str]], int]] = {
    "altered": (lambda lines: [*lines[:9], lines[9].replace("inspection", "construction"), *lines[10:]], 9),
    "left out": (lambda lines: [*lines[:9], *lines[10:]], 9),
    "left out at the beginning": (lambda lines: [lines[0], *lines[2:]], 1),
    "cut off": (lambda lines: lines[:9], 9),
    "doubled": (lambda lines: [*lines[:10], lines[9], *lines[10:]], 9),
    "no line of its own": (lambda lines: [*lines[:9], "{}\n", *lines[10:]], 9),
    "not JSON": (lambda lines: [*lines[:9], lines[9][:40] + "\n", *lines[10:]], 9),
}


@pytest.mark.parametrize("how", BROKEN)
async def test_a_line_of_an_export_that_was_touched_is_named(
    database: Database, tenants: Tenants, tmp_path: Path, how: str
) -> None:
    await history(database, tenants.ours)
    path = await exported(database, tenants.ours, tmp_path / "trail.jsonl")
    break_it, bad = BROKEN[how]
    path.write_text("".join(break_it(path.read_text("utf-8").splitlines(keepends=True))), encoding="utf-8")
    found = verdict(path)
    assert (found.intact, found.bad_entry) == (False, bad)


async def test_a_file_recomputed_by_whoever_made_it_does_not_agree_with_the_anchor(
    database: Database, tenants: Tenants, tmp_path: Path, superuser: str
) -> None:
    await history(database, tenants.ours)
    anchors = tmp_path / "anchors.jsonl"
    kept = await anchor_to(database, tenants.ours, FilePlace(anchors))
    honest = await exported(database, tenants.ours, tmp_path / "honest.jsonl")
    assert f"Up to entry {kept.seq}" in verdict(honest, anchors).proves
    organization, other = tenants.ours.organization_id, tenants.theirs.organization_id
    tamper(superuser, REBUILD, organization=organization, other=other, last=0)
    forged = await exported(database, tenants.ours, tmp_path / "forged.jsonl")
    assert verdict(forged).intact
    found = verdict(forged, anchors)
    assert (found.intact, found.bad_entry) == (False, kept.seq)


async def test_the_export_of_one_record_says_that_it_is_a_selection(
    database: Database, tenants: Tenants, tmp_path: Path
) -> None:
    made = await history(database, tenants.ours)
    path = await exported(database, tenants.ours, tmp_path / "one.jsonl", record=made["number"])
    found = verdict(path)
    assert found.intact
    assert found.entries < (await Trail(database).verify(tenants.ours)).entries
    assert "selection" in found.does_not_prove
    with pytest.raises(InvalidInputError, match="no JSONL export"):
        verdict(await exported(database, tenants.ours, tmp_path / "page.html", "html"))


async def test_the_page_for_people_holds_every_entry_and_no_text_of_a_record_becomes_markup(
    database: Database, tenants: Tenants, tmp_path: Path
) -> None:
    await add(database, tenants.ours, title="<script>alert(1)</script><img src=x onerror=alert(1)>")
    page = (await exported(database, tenants.ours, tmp_path / "page.html", "html")).read_text("utf-8")
    assert page.count("<article") == (await Trail(database).verify(tenants.ours)).entries
    assert "<script" not in page
    assert "<img" not in page
    assert "&lt;script&gt;" in page
    assert "an agent for Person " in page


# Side by side ---------------------------------------------------------------------------------------------------------


async def test_fifty_writers_at_once_leave_no_gap_no_fork_and_no_doubled_number(
    wiring: Wiring, tenants: Tenants
) -> None:
    database = Database(replace(wiring, max_connections=50))
    await database.open()
    numbers: list[str] = []
    try:

        async def write(writer: int) -> None:
            for turn in range(2):
                made = await add(database, tenants.ours, "complaint", title=f"Complaint {writer}.{turn}")
                numbers.append(made["number"])
                await change(database, tenants.ours, made["id"], title=f"Changed {writer}.{turn}")

        with anyio.fail_after(120):
            async with anyio.create_task_group() as tasks:
                for writer in range(50):
                    tasks.start_soon(write, writer)
        async with database.transaction(tenants.ours, read_only=True) as transaction:
            chain = await transaction.fetch_dicts(SEQS)
        assert (await Trail(database).verify(tenants.ours)).intact
    finally:
        await database.close()
    assert [row["seq"] for row in chain] == list(range(1, len(chain) + 1))
    assert len({row["prev_hash"] for row in chain}) == len(chain)  # no two follow the same one
    assert sorted(int(number.rsplit("-", 1)[1]) for number in numbers) == list(range(1, 101))
    assert len(chain) >= 50 * 2 * 3
