"""Files become documents: once each, with their original, and none because of another."""

import errno
import hashlib
import os
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any
from uuid import uuid4

import anyio
import psycopg
import pytest
from pydantic import AnyHttpUrl, SecretStr

from qms_mcp.auth.principal import Principal
from qms_mcp.db.database import Database
from qms_mcp.db.embedded import EmbeddedPostgres
from qms_mcp.db.queries import Query
from qms_mcp.db.wiring import Wiring
from qms_mcp.errors import ConflictError, InternalError, InvalidInputError, NotAllowedError, NotFoundError
from qms_mcp.services.documents import originals as keeping
from qms_mcp.services.documents import preparing
from qms_mcp.services.documents.fetching import Fetched, list_folder, read_path
from qms_mcp.services.documents.folder import Folder
from qms_mcp.services.documents.models import FileOutcome, FolderIngested, Ingested
from qms_mcp.services.documents.originals import LocalOriginals, OriginalNotKeptError, originals_for
from qms_mcp.services.documents.parsing.models import UnreadableFileError
from qms_mcp.services.documents.service import Documents, Source
from qms_mcp.settings import Settings
from tests.conftest import REASON, Tenants, copied_database, two_tenants, wiring_for
from tests.support.office_files import plain_pdf
from tests.support.reading_here import parse_here
from tests.support.storage_stub import storage_stub

pytestmark = pytest.mark.anyio

DOCUMENTS = Query(
    "test",
    "SELECT i.id, i.number, i.title, i.status, i.source, i.external_id, i.drafted_by_kind, d.*, "
    "(SELECT jsonb_agg(to_jsonb(f)) FROM qms.document_files AS f WHERE f.record_id = i.id) AS files, "
    "(SELECT count(*) FROM search.chunks AS c WHERE c.source_id = i.id) AS chunks "
    "FROM qms.quality_items AS i INNER JOIN qms.documents AS d ON i.id = d.id "
    "WHERE i.title LIKE %(title)s ORDER BY i.number",
)
SOP = """# Receiving inspection

Document no.: {number} Rev {revision}

## 1 Purpose

{text}

## 2 Procedure

The inspector shall count the parts. Damaged parts must be set aside.
"""


@dataclass(frozen=True)
class World:
    """A database for all tests of this module; each uses numbers and words of its own."""

    database: Database
    tenants: Tenants
    documents: Documents
    home: Path
    superuser: str
    wiring: Wiring

    async def ingest(self, text: str | bytes, name: str = "a.md", **options: Any) -> Ingested:
        content = text if isinstance(text, bytes) else text.encode()
        fetched = Fetched(content, name, f"/a/folder/{name}")
        return await self.documents.ingesting.ingest(self.tenants.ours, fetched, REASON, **options)

    async def rows(self, title: str = "%", principal: Principal | None = None) -> list[dict[str, Any]]:
        async with self.database.transaction(principal or self.tenants.ours, read_only=True) as transaction:
            return await transaction.fetch_dicts(DOCUMENTS, {"title": title})

    async def folder(self, root: Path, **options: Any) -> FolderIngested:
        read = partial(read_path, roots=[root], limit=self.documents.limit)
        folder = Folder(root, list_folder(root, [root]), read, **options)
        return await self.documents.folders.ingest(self.tenants.ours, folder, REASON)


@pytest.fixture(scope="module")
async def world(
    embedded: EmbeddedPostgres, template: str, tmp_path_factory: pytest.TempPathFactory
) -> AsyncGenerator[World]:
    home = tmp_path_factory.mktemp("home")
    with copied_database(embedded, template) as name:
        wiring = wiring_for(embedded, name)
        database = Database(wiring)
        await database.open()
        tenants = await two_tenants(database)
        documents = Documents(database, Settings(), home)
        yield World(database, tenants, documents, home, embedded.conninfo(name, "postgres"), wiring)
        await database.close()


@pytest.fixture(autouse=True)
def _without_children(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    if "children" not in request.fixturenames:
        monkeypatch.setattr(preparing, "parse", parse_here)


@pytest.fixture
def children() -> None:
    """Files are read in child processes, as they are."""


def sop(number: str, text: str = "Parts are looked at.", revision: int = 1) -> str:
    return SOP.format(number=number, text=text, revision=revision)


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


# One file ------------------------------------------------------------------------------------------------------------


async def test_a_file_becomes_a_draft_with_its_text_its_structure_and_its_original(world: World) -> None:
    content = sop("SOP-101", revision=3).encode()
    made = await world.ingest(content, "SOP-101 Receiving.md", fields={"title": "Receiving 101"})
    assert (made.citation, made.document_number, made.revision, made.state) == ("SOP-101 v3", "SOP-101", 3, "draft")
    assert (made.sections, made.requirements, made.language, made.existed) == (3, 2, "en", None)
    assert made.pieces >= 1
    assert made.audit_seq > 0
    (row,) = await world.rows("Receiving 101")
    assert row["content"].startswith("# Receiving inspection")
    assert row["content_sha256"] == sha256(row["content"].encode())
    assert (row["author_id"], row["document_type"]) == (world.tenants.ours.user_id, "sop")
    assert row["structure"]["media_type"] == "text/markdown"
    assert row["structure"]["requirements"] == 2
    assert row["drafted_by_kind"] == "agent"
    (file,) = row["files"]
    assert (file["file_name"], file["sha256"], file["byte_count"], file["stored_as"]) == (
        "SOP-101 Receiving.md", sha256(content), len(content), "local",
    )  # fmt: skip
    assert file["ingested_from"] == "/a/folder/SOP-101 Receiving.md"
    kept = world.home / "originals" / made.sha256[:2] / made.sha256[2:]
    assert kept.read_bytes() == content
    assert await world.documents.originals.read(world.tenants.ours.organization_id, made.sha256) == content


async def test_the_same_bytes_are_one_document_whatever_the_file_is_called(world: World) -> None:
    made = await world.ingest(sop("SOP-102"))
    again = await world.ingest(sop("SOP-102"), "copy of it.txt")
    assert (again.id, again.existed, again.version) == (made.id, True, made.version)
    assert "nothing was written" in again.warnings[0]
    there = await world.documents.ingesting.ingest(
        world.tenants.theirs, Fetched(sop("SOP-102").encode(), "a.md", "x"), REASON
    )
    assert (there.existed, there.id == made.id) == (None, False)


async def test_the_same_file_from_many_at_once_is_one_document(world: World) -> None:
    made: list[Ingested] = []

    async def one() -> None:
        made.append(await world.ingest(sop("SOP-103"), fields={"title": "At once 103"}))

    async with anyio.create_task_group() as tasks:
        for _ in range(4):
            tasks.start_soon(one)
    assert len({one.id for one in made}) == 1
    assert sorted(bool(one.existed) for one in made) == [False, True, True, True]
    assert len(await world.rows("At once 103")) == 1


async def test_the_same_key_writes_once(world: World) -> None:
    made = await world.ingest(sop("SOP-104"), idempotency_key="key 104")
    again = await world.ingest(sop("SOP-104", "Other words."), idempotency_key="key 104")
    assert (again.id, again.existed) == (made.id, True)
    assert "idempotency_key" in again.warnings[0]


async def test_another_text_under_a_known_number_is_the_next_version_and_says_so(world: World) -> None:
    first = await world.ingest(sop("SOP-105"), fields={"review_every_months": 12, "title": "Kept 105"})
    with pytest.raises(ConflictError, match=f"SOP-105 v1 .{first.number}. is draft already"):
        await world.ingest(sop("SOP-105", "Other words."))
    cancel(world, first)
    second = await world.ingest(sop("SOP-105", "Other words."))
    assert (second.citation, second.revises, second.outcome) == ("SOP-105 v2", "SOP-105 v1", "revised")
    assert "names revision 1, but there is 1 already" in " ".join(second.warnings)
    assert [(row["revision"], row["review_every_months"]) for row in await world.rows("Kept 105")] == [(1, 12), (2, 12)]


async def test_a_file_that_names_a_later_revision_comes_on_top(world: World) -> None:
    first = await world.ingest(sop("SOP-106"))
    third = await world.ingest(sop("SOP-106", "Third.", revision=3))
    assert (third.citation, third.revises) == ("SOP-106 v3", "SOP-106 v1")
    told = await world.ingest(sop("SOP-106", "Told.", revision=3), fields={"revision": "5"})
    assert told.citation == "SOP-106 v5"
    assert f"SOP-106 v1 ({first.number}) is still draft" in " ".join(third.warnings)


async def test_the_same_text_in_another_file_is_the_same_version(world: World) -> None:
    made = await world.ingest(sop("SOP-107"))
    other = await world.ingest("\ufeff" + sop("SOP-107").replace("\n", "\r\n"))
    assert (other.id, other.existed) == (made.id, True)
    assert "Its text is that of SOP-107 v1" in other.warnings[0]


async def test_a_number_that_is_only_mentioned_is_not_that_of_the_document(world: World) -> None:
    text = "# Notes of a talk\n\n" + "We talked about many things. " * 15 + "\n\nSee SOP-108 for the rest of it.\n"
    made = await world.ingest(text)
    assert made.document_number is None
    assert made.citation == f"{made.number} v{made.version}"
    assert "mentions SOP-108" in made.warnings[0]
    assert "update_record" in made.warnings[0]
    assert (await world.ingest(sop("SOP-108"))).citation == "SOP-108 v1"


async def test_two_numbers_are_a_question(world: World) -> None:
    with pytest.raises(UnreadableFileError, match="SOP-109, its name says WI-110") as asked:
        await world.ingest(sop("SOP-109"), "WI-110.md")
    assert asked.value.reason == "which_number"
    made = await world.ingest(sop("SOP-109"), "WI-110.md", fields={"document_number": "WI-110"})
    assert made.citation == "WI-110 v1"


@pytest.mark.parametrize("field", ["content", "structure", "source", "external_id"])
async def test_what_comes_from_the_file_cannot_be_given(world: World, field: str) -> None:
    with pytest.raises(InvalidInputError, match=field):
        await world.ingest(sop("SOP-111"), fields={field: "x"})


async def test_an_unknown_field_leaves_nothing(world: World) -> None:
    before = len(await world.rows())
    with pytest.raises(InvalidInputError, match="favourite_colour"):
        await world.ingest(sop("SOP-112"), fields={"favourite_colour": "blue"})
    assert len(await world.rows()) == before


async def test_who_may_only_read_brings_nothing_in_and_fills_no_disk(world: World) -> None:
    content = sop("SOP-113").encode()
    with pytest.raises(NotAllowedError):
        await world.documents.ingesting.ingest(world.tenants.auditor, Fetched(content, "a.md", "x"), REASON)
    assert not (world.home / "originals" / sha256(content)[:2] / sha256(content)[2:]).exists()


async def test_a_reason_that_says_nothing_is_refused_before_anything_is_read(world: World) -> None:
    with pytest.raises(InvalidInputError, match="reason"):
        await world.documents.ingesting.ingest(world.tenants.ours, Fetched(b"", "a.md", "x"), "why not")


async def test_names_and_texts_of_any_letters_are_kept(world: World) -> None:
    name = os.fsdecode(b"Pr\xfcfung \x1b[31m.md")
    made = await world.ingest("# Prüfung 114\n\nGrüße \u0000 an \u202eall", name)
    (row,) = await world.rows("Prüfung 114")
    assert row["number"] == made.number
    assert "\x1b" not in row["files"][0]["file_name"]


# Originals -----------------------------------------------------------------------------------------------------------


async def test_a_full_disk_is_said_and_leaves_no_half_file(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_handle: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(keeping.os, "fsync", full)
    with pytest.raises(OriginalNotKeptError, match="full") as refused:
        await LocalOriginals(tmp_path / "originals").keep(uuid4(), b"abc", sha256(b"abc"), "text/plain")
    assert refused.value.reason == "disk_full"
    assert [path for path in (tmp_path / "originals").rglob("*") if path.is_file()] == []
    before = len(await world.rows())
    with pytest.raises(OriginalNotKeptError):
        await world.ingest(sop("SOP-120"))
    assert len(await world.rows()) == before


@pytest.mark.skipif(os.geteuid() != 0, reason="NOT TESTED with a full disk: only root can mount a small one")
async def test_a_disk_that_is_really_full_refuses_one_file_and_takes_the_next(tmp_path: Path) -> None:
    mounted = await anyio.run_process(["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", tmp_path], check=False)
    if mounted.returncode != 0:
        pytest.skip("NOT TESTED with a full disk: this system mounts none")
    try:
        originals, large = LocalOriginals(tmp_path / "originals"), os.urandom(400_000)
        with pytest.raises(OriginalNotKeptError, match="full"):
            await originals.keep(uuid4(), large, sha256(large), "text/plain")
        await originals.keep(uuid4(), b"small", sha256(b"small"), "text/plain")
        (kept,) = [path for path in (tmp_path / "originals").rglob("*") if path.is_file()]
        assert kept.read_bytes() == b"small"
    finally:
        await anyio.run_process(["umount", tmp_path])


async def test_a_damaged_original_is_noticed_and_a_missing_one_is_named(tmp_path: Path) -> None:
    originals, key = LocalOriginals(tmp_path / "originals"), sha256(b"abc")
    with pytest.raises(NotFoundError):
        await originals.read(uuid4(), key)
    await originals.keep(uuid4(), b"abc", key, "text/plain")
    path = originals.path_of(key)
    assert path.stat().st_mode & 0o777 == 0o400
    path.chmod(0o600)
    path.write_bytes(b"abd")
    with pytest.raises(InternalError, match="does not hold the bytes"):
        await originals.read(uuid4(), key)
    await originals.keep(uuid4(), b"abc", key, "text/plain")
    assert await originals.read(uuid4(), key) == b"abc"


async def test_what_a_killed_process_left_half_written_goes_with_the_next_write(tmp_path: Path) -> None:
    originals, key = LocalOriginals(tmp_path / "originals"), sha256(b"abc")
    folder = originals.path_of(key).parent
    folder.mkdir(parents=True)
    old, young = folder / ".old.part", folder / ".young.part"
    old.write_bytes(b"a")
    young.write_bytes(b"a")
    os.utime(old, (1, 1))
    await originals.keep(uuid4(), b"abc", key, "text/plain")
    assert sorted(path.name for path in folder.iterdir()) == sorted([key[2:], ".young.part"])


async def test_originals_go_to_the_bucket_when_there_is_one(world: World, tmp_path: Path) -> None:
    organization = world.tenants.ours.organization_id
    with storage_stub("service key") as storage:
        settings = Settings(
            supabase_url=AnyHttpUrl(storage.address),
            supabase_service_role_key=SecretStr("service key"),
            qms_originals_bucket="originals",
        )
        documents = Documents(world.database, settings, tmp_path)
        content = sop("SOP-121").encode()
        fetched = Fetched(content, "a.md", "x")
        made = await documents.ingesting.ingest(world.tenants.ours, fetched, REASON, fields={"title": "Bucket 121"})
        assert storage.objects == {f"originals/{organization}/{made.sha256}": content}
        assert list(storage.media_types.values()) == ["text/markdown"]
        (row,) = await world.rows("Bucket 121")
        assert row["files"][0]["stored_as"] == "supabase"
        assert await documents.originals.read(organization, made.sha256) == content
        assert not (tmp_path / "originals").exists()

        # stored before, by a process that died: it is looked at and left alone
        await documents.originals.keep(organization, content, made.sha256, "text/plain")
        assert list(storage.media_types.values()) == ["text/markdown"]
        storage.objects = dict.fromkeys(storage.objects, b"other bytes")
        with pytest.raises(InternalError):
            await documents.originals.keep(organization, content, made.sha256, "text/plain")
        with pytest.raises(NotFoundError):
            await documents.originals.read(uuid4(), made.sha256)
        storage.refusal = ("413", "Payload too large", "The object exceeded the maximum allowed size")
        before = len(await world.rows())
        with pytest.raises(OriginalNotKeptError, match="maximum allowed size") as refused:
            await documents.ingesting.ingest(world.tenants.ours, Fetched(sop("SOP-122").encode(), "a.md", "x"), REASON)
        assert "service key" not in refused.value.prose()
        assert len(await world.rows()) == before
    with pytest.raises(OriginalNotKeptError, match="ConnectError"):
        await documents.originals.keep(organization, b"a", sha256(b"a"), "text/plain")
    assert isinstance(originals_for(Settings(qms_originals_bucket="originals"), tmp_path), LocalOriginals)


# Folders -------------------------------------------------------------------------------------------------------------


def bad_files(root: Path) -> dict[str, str]:
    """Write files that can't be read, and return the code each is refused with."""
    (root / "empty.docx").touch()
    (root / "broken.pdf").write_bytes(b"%PDF-1.7\n1 0 obj\n<< /Type /Catalog >>\ntrailer nothing")
    (root / "locked.pdf").write_bytes(plain_pdf([["Secret"]], encrypted=True))
    (root / "long.pdf").write_bytes(plain_pdf([[f"Page {page}"] for page in range(10_000)]))
    with (root / "huge.pdf").open("wb") as huge:
        huge.truncate(1024**3)
    (root / "picture.png").write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(50))
    (root / "blank.txt").write_text(" \n\n ")
    return {
        "empty.docx": "empty", "broken.pdf": "broken", "huge.pdf": "too_large", "blank.txt": "no_text",
        "picture.png": "unknown_type", "locked.pdf": "encrypted", "long.pdf": "too_many_pages",
    }  # fmt: skip


async def test_one_bad_file_stops_no_other_and_each_says_what_is_wrong(
    world: World, tmp_path: Path, children: None
) -> None:
    codes = bad_files(tmp_path)
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "SOP-130.md").write_text(sop("SOP-130"))
    (tmp_path / "a.txt").write_bytes("Prüfanweisung 131\n\nDer Prüfer muss messen.".encode("cp1252"))
    (tmp_path / "really text.pdf").write_text("# Instruction 132\n\nThe name says PDF.")
    (tmp_path / "copy.md").write_text(sop("SOP-130"))
    heard: list[tuple[int, int, str]] = []

    async def at(done: int, total: int, last: FileOutcome) -> None:
        heard.append((done, total, last.file))

    report = await world.folder(tmp_path, at=at)
    files = {file.file: file for file in report.files}
    assert list(files) == sorted(files, key=lambda name: tmp_path / name)
    assert [name for _, _, name in heard] == list(files)
    assert heard[-1][:2] == (len(files), len(files))
    assert {name: files[name].code for name in codes} == codes
    assert all(files[name].outcome == "refused" and files[name].why for name in codes)
    assert report.counts == {"added": 3, "revised": 0, "there already": 1, "refused": len(codes)}
    assert files["b/SOP-130.md"].outcome == "added" or files["copy.md"].outcome == "added"
    assert any("content decides" in warning for warning in files["really text.pdf"].warnings)

    again = await world.folder(tmp_path)
    assert again.counts == {"added": 0, "revised": 0, "there already": 4, "refused": len(codes)}


async def test_a_folder_goes_on_where_it_stopped_and_never_reads_twice(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for place in range(5):
        (tmp_path / f"{place}.md").write_text(f"# Piece {place}\n\nOf the folder that goes on.")
    first = await world.folder(tmp_path, most_new=2)
    assert (first.counts["added"], first.left) == (2, 3)
    asked: list[int] = []

    def enough() -> bool:
        asked.append(1)
        return len(asked) > 4  # two that are there, two new ones

    second = await world.folder(tmp_path, enough=enough)
    assert (second.counts["there already"], second.counts["added"], second.left) == (2, 2, 1)
    third = await world.folder(tmp_path, at_once=3)
    assert (third.counts["there already"], third.counts["added"], third.left) == (4, 1, 0)

    def no_parser(*_args: object, **_options: object) -> None:
        raise AssertionError("it was read again")

    monkeypatch.setattr(preparing, "parse", no_parser)
    assert (await world.folder(tmp_path)).counts["there already"] == 5


async def test_a_trial_says_what_would_be_and_writes_nothing(world: World, tmp_path: Path) -> None:
    await world.ingest(sop("SOP-140"))
    (tmp_path / "1.md").write_text(sop("SOP-140"))
    (tmp_path / "2.md").write_text(sop("SOP-140", "Later.", revision=2))
    (tmp_path / "3.md").write_text(sop("SOP-141"))
    before = len(await world.rows())
    report = await world.folder(tmp_path, trial=True)
    assert [(file.outcome, file.document) for file in report.files] == [
        ("there already", "SOP-140 v1"), ("revised", "SOP-140 v2"), ("added", "SOP-141 v1"),
    ]  # fmt: skip
    assert len(await world.rows()) == before
    originals = world.home / "originals"
    content = (tmp_path / "3.md").read_bytes()
    assert not (originals / sha256(content)[:2] / sha256(content)[2:]).exists()


async def test_a_full_disk_in_a_folder_is_said_of_each_file(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for place in range(3):
        (tmp_path / f"{place}.md").write_text(f"# Full {place}\n\nNo room for it.")
    calls: list[int] = []
    settle = os.fsync

    def nearly_full(handle: int) -> None:
        calls.append(1)
        if len(calls) == 1:
            raise OSError(errno.ENOSPC, "No space left on device")
        settle(handle)

    monkeypatch.setattr(keeping.os, "fsync", nearly_full)
    report = await world.folder(tmp_path)
    assert [(file.outcome, file.code) for file in report.files] == [
        ("refused", "disk_full"), ("added", ""), ("added", ""),
    ]  # fmt: skip


async def test_without_a_database_a_folder_stops_and_says_so(world: World, tmp_path: Path) -> None:
    for place in range(3):
        (tmp_path / f"{place}.md").write_text(f"# Gone {place}\n\nThe database goes.")
    broken = Database(world.wiring)
    await broken.open()
    documents = Documents(broken, Settings(), world.home)

    async def at(done: int, total: int, last: FileOutcome) -> None:
        await broken.close()

    read = partial(read_path, roots=[tmp_path])
    folder = Folder(tmp_path, list_folder(tmp_path, [tmp_path]), read, at=at)
    report = await documents.folders.ingest(world.tenants.ours, folder, REASON)
    assert (len(report.files), report.left) == (1, 2)
    assert "stopped early" in report.stopped


# Where from ----------------------------------------------------------------------------------------------------------


async def test_exactly_one_source_is_needed(world: World) -> None:
    for source in (Source(), Source(path="a", text="b")):
        with pytest.raises(InvalidInputError, match="Exactly one"):
            await world.documents.ingest(world.tenants.ours, source, REASON)


async def test_a_path_outside_is_refused_and_the_folders_are_named(world: World, tmp_path: Path) -> None:
    outside = tmp_path / "secret.md"
    outside.write_text("# Secret")
    for path in (str(outside), "../secret.md", "/etc/passwd", "nothing.md"):
        with pytest.raises(NotFoundError) as refused:
            await world.documents.ingest(world.tenants.ours, Source(path=path), REASON)
        assert str(world.home / "inbox") in refused.value.hint
        assert "QMS_INGEST_ROOTS" in refused.value.hint
    assert (world.home / "inbox").is_dir()


async def test_files_and_folders_of_the_inbox_text_and_bytes_come_in(world: World) -> None:
    async def ingest(**options: Any) -> Any:
        return await world.documents.ingest(world.tenants.ours, because=REASON, **options)

    inbox = world.home / "inbox"
    (inbox / "more").mkdir(parents=True, exist_ok=True)
    (inbox / "one.md").write_text("# Inbox one\n\nA file.")
    (inbox / "more" / "two.md").write_text("# Inbox two\n\nAnother file.")
    one = await ingest(source=Source(path="one.md"))
    assert isinstance(one, Ingested)
    assert one.title == "Inbox one"
    folder = await ingest(source=Source(path="more"))
    assert isinstance(folder, FolderIngested)
    assert [(file.file, file.outcome) for file in folder.files] == [("two.md", "added")]
    whole = await ingest(source=Source(path=str(inbox)))
    assert [(file.file, file.outcome) for file in whole.files] == [
        ("more/two.md", "there already"), ("one.md", "there already"),
    ]  # fmt: skip
    typed = await ingest(source=Source(text="Only words, no heading."), fields={"title": "Typed words"})
    assert typed.title == "Typed words"
    sent = await ingest(source=Source(content_base64="IyBTZW50CgpCeXRlcy4=", file_name="sent.md"))
    assert sent.title == "Sent"


def cancel(world: World, made: Ingested) -> None:
    """Make a document a cancelled one, past its workflow."""
    with psycopg.connect(world.superuser) as connection:
        connection.execute("SET session_replication_role = replica")
        connection.execute("UPDATE qms.quality_items SET status = 'cancelled' WHERE id = %s", [made.id])
