"""Datasets in a real database: frozen once, unchanged, of one organization, never with a conversation on two sides."""

import hashlib
import json
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import anyio
import psycopg
import pytest
from psycopg import errors
from psycopg.conninfo import conninfo_to_dict

from qms_mcp.auth.principal import Principal
from qms_mcp.cli import run
from qms_mcp.db.database import Database
from qms_mcp.db.embedded import EmbeddedPostgres
from qms_mcp.errors import ConflictError, InvalidInputError, NotAllowedError, NotFoundError
from qms_mcp.services.learning.datasets.service import Datasets
from qms_mcp.services.learning.datasets.telling import curated_dataset
from qms_mcp.services.learning.evaluation.reading import dataset_cases
from qms_mcp.settings import Settings
from tests.conftest import Tenants, two_tenants
from tests.support.dispatching import Rows
from tests.support.in_process import client_for

pytestmark = pytest.mark.anyio
WHY = "A test freezes what it needs."


@dataclass
class World:
    """An organization with feedback."""

    datasets: Datasets
    tenants: Tenants
    rows: Rows
    database: Database

    def heard(self, agent: str, count: int, *, first: int = 0, score: float = 0.9, **parts: Any) -> None:
        """Put feedback into the table, past all rights."""
        for number in range(first, first + count):
            request = parts.get("request", f"How many CAPAs are overdue on line {number}?")
            self.rows.execute(
                "INSERT INTO ml_loop.training_data (organization_id, model_name, input, output, feedback_score, "
                "is_validated, source, group_key, agent_version) VALUES (%(org)s, %(agent)s, %(input)s, %(output)s, "
                "%(score)s, true, 'user', %(group)s, 'qa@abc')",
                org=parts.get("org", self.tenants.ours.organization_id), agent=agent, score=score, group=f"g{number}",
                input=json.dumps({"request": request}), output=json.dumps(parts.get("output", answer(number))),
            )  # fmt: skip


def answer(number: int) -> dict[str, Any]:
    finding = {
        "statement": f"Line {number} has overdue CAPAs.", "severity": "major", "confidence": 0.9,
        "evidence": {"calls": ["c1"], "records": []}, "subject": "CAPA", "measure": "overdue", "value": str(number),
    }  # fmt: skip
    return {"summary": "Overdue.", "insights": [finding], "actions": [], "recommendations": []}


def by_hand(count: int = 9) -> list[str]:
    return [json.dumps({"request": f"On line {n}?", "expected": {"must_mention": [str(n)]}}) for n in range(count)]


@pytest.fixture(scope="module")
async def world(embedded: EmbeddedPostgres, shared_database: Database) -> World:
    name = conninfo_to_dict(shared_database.wiring.server)["dbname"]
    rows = Rows(embedded.conninfo(str(name), "postgres"))
    return World(Datasets(shared_database, Settings()), await two_tenants(shared_database), rows, shared_database)


async def test_the_same_feedback_gives_the_same_version_and_more_gives_the_next(world: World) -> None:
    world.heard("qa", 20)
    ours = world.tenants.ours
    first = await world.datasets.curate(ours, "qa", reason=WHY)
    assert first.version is not None
    assert (first.version.label, first.unchanged, first.n) == ("qa-feedback@1", False, 20)
    again = await world.datasets.curate(ours, "qa", reason=WHY)
    assert again.version is not None
    assert (again.version.id, again.unchanged) == (first.version.id, True)
    before = {one.group_key: one.split for one in await world.datasets.items(ours, first.version.id)}
    world.heard("qa", 10, first=20)
    second = await world.datasets.curate(ours, "qa", reason=WHY)
    assert second.version is not None
    assert (second.version.version, second.n) == (2, 30)
    after = {one.group_key: one.split for one in await world.datasets.items(ours, second.version.id)}
    assert before.items() <= after.items()
    for named in ("qa-feedback@1", str(first.version.id), f"sha256:{first.content_sha256}"):
        assert (await world.datasets.get(ours, named)).id == first.version.id
    assert (await world.datasets.get(ours, "qa-feedback")).version == 2
    page = await world.datasets.page(ours, "qa", limit=1)
    rest = await world.datasets.page(ours, "qa", limit=1, cursor=page.next_cursor)
    assert (page.total, page.versions[0].version, rest.versions[0].version, rest.next_cursor) == (2, 2, 1, "")
    assert "qa-feedback@2 is frozen: 30 items" in curated_dataset(second).headline


async def test_a_dry_run_keeps_nothing(world: World) -> None:
    world.heard("data", 10)
    made = await world.datasets.curate(world.tenants.ours, "data", reason=WHY, dry_run=True)
    assert made.version is None
    assert (await world.datasets.page(world.tenants.ours, "data")).total == 0
    kept = await world.datasets.curate(world.tenants.ours, "data", reason=WHY)
    assert kept.content_sha256 == made.content_sha256


async def test_an_export_is_the_same_bytes_every_time_and_its_hash_is_the_version(world: World) -> None:
    ours = world.tenants.ours
    world.heard("analytics", 12)
    await world.datasets.curate(ours, "analytics", reason=WHY)
    lines = [line async for line in world.datasets.exported(ours, "analytics-feedback")]
    assert lines == [line async for line in world.datasets.exported(ours, "analytics-feedback@1")]
    body = "".join(f"{line}\n" for line in lines[1:])
    assert json.loads(lines[0])["content_sha256"] == hashlib.sha256(body.encode()).hexdigest()
    brought = await world.datasets.bring_in(ours, "analytics", "brought-back", lines, reason=WHY)
    assert brought.n == 12
    tests = [line async for line in world.datasets.exported(ours, "analytics-feedback", "test")]
    assert {json.loads(line)["split"] for line in tests[1:]} == {"test"}


async def test_an_evaluation_finds_the_cases_of_a_side(world: World) -> None:
    ours = world.tenants.ours
    world.heard("schema", 15)
    made = await world.datasets.curate(ours, "schema", reason=WHY)
    assert made.version is not None
    cases = await dataset_cases(world.database, ours, "schema", "schema-feedback@1", "test")
    items = await world.datasets.items(ours, made.version.id, "test")
    assert [one.request for one in cases.cases] == [one.request for one in items]
    assert all(one.expected.findings for one in cases.cases)


async def test_an_answer_of_a_megabyte_is_left_out_and_said(world: World) -> None:
    world.heard("ml_eval", 10)
    world.heard("ml_eval", 1, first=50, output={**answer(1), "summary": "x" * 1_000_000})
    made = await world.datasets.curate(world.tenants.ours, "ml_eval", "long", reason=WHY, dry_run=True)
    assert (made.n, made.report["left_out"]) == (10, {"too_long": 1})


async def test_a_person_of_the_organization_is_masked(world: World) -> None:
    world.rows.execute(
        "UPDATE qms.people SET printed_name = 'Žofie Nováková' WHERE user_id = %(id)s", id=world.tenants.auditor.user_id
    )
    world.heard("feedback", 10)
    world.heard("feedback", 1, first=60, request="Was Žofie Nováková late on CAPA-2026-0001?")
    made = await world.datasets.curate(world.tenants.ours, "feedback", reason=WHY)
    assert made.version is not None
    items = await world.datasets.items(world.tenants.ours, made.version.id)
    assert "Was PERSON_1 late on CAPA-2026-0001?" in {one.request for one in items}
    assert made.report["masked"] == {"person": 1}


async def test_what_is_frozen_is_not_changed_and_a_conversation_has_one_side(world: World) -> None:
    ours = world.tenants.ours
    lines = by_hand()
    made = await world.datasets.bring_in(ours, "qa", "by-hand", lines, reason=WHY)
    assert made.version is not None
    version = made.version.id
    sides = "SELECT group_key, split FROM ml_loop.dataset_groups WHERE dataset_version_id = %(v)s LIMIT 1"
    group, split = world.rows.fetch(sides, v=version)[0].values()
    other = "test" if split == "train" else "train"
    insert = (
        "INSERT INTO ml_loop.dataset_items (organization_id, dataset_version_id, position, group_key, split, input, "
        "expected, item_sha256) VALUES (%(o)s, %(v)s, 99, %(g)s, %(s)s, '{}', '{}', repeat('a', 64))"
    )
    with pytest.raises(errors.ForeignKeyViolation):
        world.rows.execute(insert, o=ours.organization_id, v=version, g=group, s=other)
    with pytest.raises(errors.UniqueViolation):
        world.rows.execute(
            "INSERT INTO ml_loop.dataset_groups (organization_id, dataset_version_id, group_key, split) "
            "VALUES (%(o)s, %(v)s, %(g)s, %(s)s)",
            o=ours.organization_id, v=version, g=group, s=other,
        )  # fmt: skip
    for statement in (
        "UPDATE ml_loop.dataset_items SET expected = '{}' WHERE dataset_version_id = %(v)s",
        "UPDATE ml_loop.dataset_groups SET split = 'train' WHERE dataset_version_id = %(v)s",
        "DELETE FROM ml_loop.dataset_items WHERE dataset_version_id = %(v)s",
        "UPDATE ml_loop.dataset_versions SET n = 1 WHERE id = %(v)s",
    ):
        with pytest.raises(psycopg.Error, match=r"append-only|change|add"):
            world.rows.execute(statement, v=version)


async def test_another_organization_sees_and_learns_nothing_of_it(world: World) -> None:
    ours, theirs = world.tenants.ours, world.tenants.theirs
    lines = by_hand()
    made = await world.datasets.bring_in(ours, "qa", "ours-alone", lines, reason=WHY)
    assert made.version is not None
    for named in ("ours-alone", str(made.version.id), f"sha256:{made.content_sha256}"):
        with pytest.raises(NotFoundError):
            await world.datasets.get(theirs, named)
    assert await world.datasets.items(theirs, made.version.id) == []
    with pytest.raises(InvalidInputError, match="no feedback yet"):
        await world.datasets.curate(theirs, "qa", reason=WHY)


async def test_who_only_reads_freezes_nothing_and_a_name_belongs_to_one_agent(world: World) -> None:
    ours = world.tenants.ours
    lines = by_hand()
    with pytest.raises(NotAllowedError):
        await world.datasets.bring_in(world.tenants.auditor, "qa", "audited", lines, reason=WHY)
    await world.datasets.bring_in(ours, "qa", "taken", lines, reason=WHY)
    with pytest.raises(ConflictError, match="of the agent qa"):
        await world.datasets.bring_in(ours, "data", "taken", lines, reason=WHY)
    for name in ("", "No Capitals", "a@1", str(uuid4())):
        with pytest.raises(InvalidInputError):
            await world.datasets.bring_in(ours, "qa", name, lines, reason=WHY)
    with pytest.raises(InvalidInputError, match="There is no agent"):
        await world.datasets.curate(ours, "nobody", reason=WHY)


async def test_cases_that_are_brought_in_are_validated_by_nobody(world: World) -> None:
    made = await world.datasets.bring_in(world.tenants.ours, "qa", "of-nobody", by_hand(), reason=WHY)
    assert made.version is not None
    items = await world.datasets.items(world.tenants.ours, made.version.id)
    assert {one.is_validated for one in items} == {False}
    assert {one.slices["origin"] for one in items} == {"imported"}


async def test_several_at_once_freeze_the_same_once_and_others_under_numbers_of_their_own(world: World) -> None:
    ours = world.tenants.ours
    labels: list[tuple[str, bool]] = []

    async def freeze(lines: list[str]) -> None:
        made = await world.datasets.bring_in(ours, "qa", "at-once", lines, reason=WHY)
        assert made.version is not None
        labels.append((made.version.label, made.unchanged))

    async with anyio.create_task_group() as group:
        for lines in (by_hand(9), by_hand(9), by_hand(12), by_hand(12)):
            group.start_soon(freeze, lines)
    assert sorted(labels) == [("at-once@1", False), ("at-once@1", True), ("at-once@2", False), ("at-once@2", True)]


async def test_feedback_on_a_real_run_becomes_an_item_with_what_the_agent_was_given(world: World) -> None:
    dispatch, ours = uuid4(), world.tenants.ours
    last, needed = uuid4(), uuid4()
    who = {"org": ours.organization_id, "user": ours.user_id, "dispatch": dispatch}
    world.rows.execute(
        "INSERT INTO agents.dispatches (id, organization_id, user_id, run_key, request, request_sha256, plan, "
        "status, finished_at) VALUES (%(dispatch)s, %(org)s, %(user)s, 'k', 'What is late?', '', '{}', 'completed', "
        "now())", **who,
    )  # fmt: skip
    for position, (key, of_run, needs) in enumerate((("first", needed, "{}"), ("then", last, "{first}"))):
        world.rows.execute(
            "INSERT INTO agents.agent_runs (id, organization_id, agent_type, input, output, user_id, actor_kind, "
            "status, dispatch_id, task_key, attempt) VALUES (%(id)s, %(org)s, 'qa', %(asked)s, "
            "%(output)s, %(user)s, 'agent', 'completed', %(dispatch)s, %(key)s, 1)",
            id=of_run, key=key, asked='{"request": "What is late?"}', output=json.dumps(answer(position)), **who,
        )  # fmt: skip
        world.rows.execute(
            "INSERT INTO agents.dispatch_tasks (dispatch_id, organization_id, key, agent, request, position, needs, "
            "seconds, state, run_id) VALUES (%(dispatch)s, %(org)s, %(key)s, 'qa', 'What is late?', %(position)s, "
            "%(needs)s, 9, 'done', %(id)s)",
            id=of_run, key=key, needs=needs, position=position, **who,
        )  # fmt: skip
    world.rows.execute(
        "INSERT INTO ml_loop.training_data (organization_id, model_name, input, output, feedback_score, run_id, "
        "source, group_key) SELECT organization_id, agent_type, input, output, 1, id, 'user', dispatch_id::text "
        "FROM agents.agent_runs WHERE id = %(id)s",
        id=last,
    )  # fmt: skip
    world.heard("qa", 10, first=300)
    made = await world.datasets.curate(ours, "qa", "with-runs", reason=WHY)
    assert made.version is not None
    (item,) = [one for one in await world.datasets.items(ours, made.version.id) if last in one.run_ids]
    assert item.group_key == str(dispatch)
    assert item.inputs == {"first": answer(0)}


async def test_the_tool_says_what_it_froze_and_what_it_left_out(world: World, tmp_path: Path) -> None:
    world.heard("qa", 10, first=500)
    world.heard("qa", 2, first=600, score=0.1)
    given = {"agent": "qa", "name": "by-tool", "reason": WHY, "validated": "only"}
    async with client_for(world.database, world.tenants.ours, tmp_path) as client:
        said = (await client.call_tool("curate_dataset", given)).structured_content
        again = (await client.call_tool("curate_dataset", {**given, "dry_run": True})).structured_content
        refused = await client.call_tool("curate_dataset", {**given, "name": "Not A Name"})
    assert said is not None
    assert again is not None
    assert said["dataset"] == again["dataset"] == "by-tool@1"
    assert said["headline"].startswith("by-tool@1 is frozen")
    assert "is this already" in again["headline"]
    assert said["left_out"]["below_threshold"] == 2
    assert sum(said["sides"].values()) == said["n"] == sum(said["slices"]["subject"].values())
    assert refused.is_error


@pytest.fixture
def shell(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """The command line on this database, on behalf of an administrator."""

    @asynccontextmanager
    async def opened(settings: object = None) -> AsyncGenerator[Database]:
        del settings
        one = Database(world.database.wiring)
        await one.open()
        try:
            yield one
        finally:
            await one.close()

    async def identify(*given: object) -> Principal:
        del given
        return world.tenants.ours

    monkeypatch.setattr("qms_mcp.cli.datasets.opened_database", opened)
    monkeypatch.setattr("qms_mcp.services.identify.identify", identify)


async def test_the_command_line_brings_in_lists_shows_and_exports(
    shell: None, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    del shell
    cases, out = tmp_path / "cases.jsonl", tmp_path / "out.jsonl"
    cases.write_text("\n".join(by_hand(9)), encoding="utf-8")

    async def command(*arguments: str) -> tuple[int, str]:
        status = await anyio.to_thread.run_sync(run, list(arguments))
        told = capsys.readouterr()
        return status, told.out + told.err

    brought = await command("datasets", "import", "schema", str(cases), "--name", "typed", "--reason", WHY)
    assert brought[0] == 0
    assert "typed@1 is frozen: 9 items" in brought[1]
    assert "typed@1\tschema\t9 items" in (await command("datasets", "list", "--agent", "schema"))[1]
    assert json.loads((await command("datasets", "show", "typed@1"))[1])["spec"]["origin"] == "imported"
    assert (await command("datasets", "export", "typed@1", "--out", str(out)))[0] == 0
    printed = (await command("datasets", "export", "typed"))[1]
    assert out.read_text(encoding="utf-8") == printed
    assert len(printed.splitlines()) == 10
    missing = await command("datasets", "export", "no-such", "--out", str(tmp_path / "nothing"))
    assert missing[0] != 0
    assert not (tmp_path / "nothing").exists()
    cases.write_text('{"request": 1}', encoding="utf-8")
    wrong = await command("datasets", "import", "schema", str(cases), "--name", "typed", "--reason", WHY)
    assert wrong[0] != 0
    assert "line 1: request is no text" in wrong[1]
