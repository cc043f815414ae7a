"""Records through the services: written once, read whole, listed, followed, and what waits for whom."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import anyio
import pytest

from qms_mcp.auth.principal import Principal
from qms_mcp.db.database import Database
from qms_mcp.db.queries import Query
from qms_mcp.errors import ConflictError, InvalidInputError, NotAllowedError, NotFoundError, QmsError
from qms_mcp.services.records.models import RecordFilter, Written
from qms_mcp.services.records.service import Records
from qms_mcp.services.records.updating import Update
from qms_mcp.services.signing.service import Signing
from qms_mcp.services.workflow.service import Workflow
from tests.conftest import Tenants, add_person
from tests.support.in_process import client_for
from tests.support.people import person_with_password, sign

pytestmark = [pytest.mark.anyio, pytest.mark.shared_database]

BECAUSE = "found at the incoming inspection"
NC = {"title": "Burrs on the housing", "risk_class": "high", "detected_at_stage": "incoming", "quantity_affected": 12}
ENTRIES = Query(
    "test",
    "SELECT a.seq, a.entity_type, a.action, a.actor_kind, a.record_version, a.reason, a.metadata "
    "FROM qms.audit_logs AS a "
    "WHERE a.record_id = %(record_id)s ORDER BY a.seq",
)


async def entries(database: Database, principal: Principal, record_id: UUID) -> list[dict[str, Any]]:
    async with database.transaction(principal, read_only=True) as transaction:
        return await transaction.fetch_dicts(ENTRIES, {"record_id": record_id})


async def add(database: Database, principal: Principal, category: str = "nonconformance", **fields: Any) -> Written:
    return await Records(database).writer.add(principal, category, {"title": "A record", **fields}, BECAUSE)


async def test_a_new_record_is_cited_by_number_and_version_and_found_in_the_trail(
    database: Database, tenants: Tenants
) -> None:
    made = await Records(database).writer.add(tenants.ours, "nonconformance", NC, BECAUSE)
    assert made.number == f"NC-{datetime.now(UTC).year}-0001"
    assert made.citation == f"{made.number} v1"
    assert made.state == "open"
    trail = await entries(database, tenants.ours, made.id)
    assert trail[-1]["seq"] == made.audit_seq
    assert {entry["reason"] for entry in trail} == {BECAUSE}


async def test_a_reason_that_says_nothing_is_refused_before_anything_is_written(
    database: Database, tenants: Tenants
) -> None:
    with pytest.raises(InvalidInputError, match="at least 10 characters"):
        await Records(database).writer.add(tenants.ours, "nonconformance", NC, "  because  ")
    assert (await Records(database).list(tenants.ours, RecordFilter())).total == 0


async def test_the_same_key_makes_one_record_however_often_and_from_however_many_sides(
    database: Database, tenants: Tenants
) -> None:
    writer = Records(database).writer
    made: list[Written] = []

    async def once() -> None:
        made.append(await writer.add(tenants.ours, "nonconformance", NC, BECAUSE, idempotency_key="call-7"))

    async with anyio.create_task_group() as tasks:
        for _ in range(6):
            tasks.start_soon(once)
    assert len({one.id for one in made}) == 1
    assert sorted(bool(one.warnings) for one in made) == [False, True, True, True, True, True]
    assert (await Records(database).list(tenants.ours, RecordFilter())).total == 1
    other = await writer.add(tenants.theirs, "nonconformance", NC, BECAUSE, idempotency_key="call-7")
    assert other.id != made[0].id


async def test_people_and_records_are_given_by_the_names_people_use(database: Database, tenants: Tenants) -> None:
    supplier = await add(database, tenants.ours, "supplier", title="Castings Ltd")
    colleague = await add_person(database, tenants.ours.organization_id, "northwind", "owner")
    made = await add(
        database, tenants.ours, owner_id="me", assigned_to=colleague.email, supplier_id=supplier.number.lower()
    )
    seen = await Records(database).get(tenants.ours, made.number)
    assert seen.fields["owner_id"].startswith("Person ")
    assert seen.fields["assigned_to"].startswith("Person ")
    assert seen.fields["supplier_id"] == supplier.number
    assert [(link.kind, link.citation) for link in seen.links] == [("supplied_by", supplier.citation)]
    by_name = await add(database, tenants.ours, owner_id=seen.fields["assigned_to"].upper())
    owned = (await Records(database).get(tenants.ours, by_name.id)).fields["owner_id"]
    assert owned == seen.fields["assigned_to"]


async def test_people_of_another_organization_are_nobody_here(database: Database, tenants: Tenants) -> None:
    for reference in (tenants.theirs.email, str(tenants.theirs.user_id), "somebody else"):
        with pytest.raises(NotFoundError, match="nobody in this organization"):
            await add(database, tenants.ours, owner_id=reference)


async def test_only_the_latest_version_can_be_changed(database: Database, tenants: Tenants) -> None:
    records = Records(database)
    made = await add(database, tenants.ours)
    changed = await records.update(tenants.ours, made.number, 1, Update(fields={"area": "Line 2"}), BECAUSE)
    assert changed.version == 2
    with pytest.raises(ConflictError, match="version 2 now, not 1"):
        await records.update(tenants.ours, made.number, 1, Update(fields={"area": "Line 3"}), BECAUSE)
    assert (await records.get(tenants.ours, made.id)).fields["area"] == "Line 2"


async def test_fields_evidence_a_link_and_a_note_are_one_new_version(database: Database, tenants: Tenants) -> None:
    records = Records(database)
    complaint = await add(database, tenants.ours, "complaint", title="It leaks")
    made = await add(database, tenants.ours)
    changed = await records.update(
        tenants.ours,
        made.id,
        1,
        Update(
            fields={"area": "Line 2", "tags": ["burr"]},
            evidence={"title": "Photo", "uri": "https://files.example/1.jpg"},
            link={"to": complaint.number, "kind": "caused_by"},
            note="Seen by the second shift.",
        ),
        "the photo arrived from the line",
    )
    assert changed.version == 2
    seen = await records.get(tenants.ours, made.id)
    assert seen.citation == changed.citation
    assert seen.parts["evidence"].entries[0]["title"] == "Photo"
    assert seen.parts["record_notes"].entries[0]["body"] == "Seen by the second shift."
    assert [(link.kind, link.citation) for link in seen.links] == [("caused_by", complaint.citation)]
    back = await records.get(tenants.ours, complaint.number)
    assert [(link.kind, link.citation) for link in back.links] == [("is caused_by of", seen.citation)]
    trail = await entries(database, tenants.ours, made.id)
    assert trail[-1]["seq"] == changed.audit_seq
    written = [entry for entry in trail if entry["record_version"] == 2]
    assert {"qms.evidence", "qms.record_links", "qms.record_notes"} <= {entry["entity_type"] for entry in written}


async def test_when_one_part_of_an_update_fails_nothing_of_it_stays(database: Database, tenants: Tenants) -> None:
    records = Records(database)
    made = await add(database, tenants.ours)
    bad = Update(fields={"area": "Line 2"}, link={"to": "CAPA-1999-0001", "kind": "caused_by"})
    with pytest.raises(NotFoundError):
        await records.update(tenants.ours, made.id, 1, bad, BECAUSE)
    seen = await records.get(tenants.ours, made.id)
    assert seen.version == 1
    assert "area" not in seen.fields


REFUSED: list[tuple[Update, type[QmsError], str]] = [
    (Update(), InvalidInputError, "Nothing would change"),
    (Update(fields={"colour": "red"}), InvalidInputError, "colour"),
    (Update(fields={"risk_class": "awful"}), InvalidInputError, "does not fit"),
    (Update(link={"to": "NC-2026-0001", "kind": "likes"}), InvalidInputError, "likes"),
    (Update(link={"kind": "corrects"}), InvalidInputError, "needs to"),
    (Update(fields={"status": "closed"}), NotAllowedError, "step of the workflow"),
    (Update(fields={"verdict": "effective"}), NotAllowedError, "person decides"),
    (Update(fields={"adopted_by": "me"}), NotAllowedError, "person decides"),
]


async def test_an_update_that_cannot_be_says_why(database: Database, tenants: Tenants) -> None:
    made = await add(database, tenants.ours)
    for update, kind, words in REFUSED:
        with pytest.raises(kind, match=words):
            await Records(database).update(tenants.ours, made.id, 1, update, BECAUSE)
    assert (await Records(database).get(tenants.ours, made.id)).version == 1


async def test_the_attempt_to_decide_stands_in_the_trail(database: Database, tenants: Tenants) -> None:
    made = await add(database, tenants.ours, "capa")
    with pytest.raises(NotAllowedError):
        await Records(database).update(tenants.ours, made.id, 1, Update(fields={"verdict": "effective"}), BECAUSE)
    last = (await entries(database, tenants.ours, made.id))[-1]
    assert last["action"] == "refused"
    assert last["metadata"]["tried"] == "update_record"
    assert "verdict" in last["metadata"]["why"]


async def test_an_auditor_reads_and_writes_nothing(database: Database, tenants: Tenants) -> None:
    made = await add(database, tenants.ours)
    assert (await Records(database).get(tenants.auditor, made.number)).title == "A record"
    with pytest.raises(QmsError):
        await Records(database).update(tenants.auditor, made.id, 1, Update(note="I was here"), BECAUSE)
    with pytest.raises(QmsError):
        await add(database, tenants.auditor)
    assert (await Records(database).get(tenants.ours, made.id)).version == 1


async def test_records_of_another_organization_do_not_exist(database: Database, tenants: Tenants) -> None:
    records = Records(database)
    theirs = await add(database, tenants.theirs, title="Secret formula")
    for reference in (theirs.id, theirs.number):
        with pytest.raises(NotFoundError):
            await records.get(tenants.ours, reference)
        with pytest.raises(NotFoundError):
            await records.trace(tenants.ours, reference)
    for wanted in (RecordFilter(), RecordFilter(text="Secret"), RecordFilter(sort="due"), RecordFilter(sort="risk")):
        assert (await records.list(tenants.ours, wanted)).records == []
    assert (await records.my_work(tenants.ours)).total == 0


async def test_a_record_says_what_may_come_next_and_who_wrote_it(database: Database, tenants: Tenants) -> None:
    made = await Records(database).writer.add(tenants.ours, "nonconformance", NC, BECAUSE)
    seen = await Records(database).get(tenants.ours, made.number)
    assert seen.drafted.startswith("AI-drafted for Person ")
    assert "never instructions" in seen.note
    steps = {step.to_state: step for step in seen.next_steps}
    assert steps["contained"].by == "anyone"
    assert any("containment" in why for why in steps["contained"].blocked)
    assert steps["cancelled"].by == "person"
    assert steps["cancelled"].meaning == "cancellation"
    assert any("qa_approver" in why for why in steps["cancelled"].not_you)
    assert seen.clock.due is not None
    assert seen.fields["quantity_affected"] == 12
    assert "lot" not in seen.fields


async def test_long_texts_are_cut_unless_all_is_wanted(database: Database, tenants: Tenants) -> None:
    records = Records(database)
    made = await add(database, tenants.ours, description="x" * 5_000)
    await records.writer.add_parts(
        tenants.ours, made.id, "record_notes", [{"body": f"note {n}"} for n in range(9)], BECAUSE
    )
    short = await records.get(tenants.ours, made.id)
    assert len(short.fields["description"]) < 800
    assert "detail=full" in short.fields["description"]
    assert (short.parts["record_notes"].count, len(short.parts["record_notes"].entries)) == (9, 5)
    full = await records.get(tenants.ours, made.id, full=True)
    assert len(full.fields["description"]) == 5_000
    assert len(full.parts["record_notes"].entries) == 9


async def test_a_signature_is_valid_until_the_record_changes(database: Database, tenants: Tenants) -> None:
    records, workflow = Records(database), Workflow(database, Signing(database))
    person, password = await person_with_password(database, tenants.ours.organization_id, "northwind", "reviewer")
    made = await add(database, tenants.ours)
    asked = await workflow.request_signature(tenants.ours, made.number, 1, "review", "the review is complete")
    assert asked.pending is not None
    assert [one.approval_id for one in (await records.get(tenants.ours, made.id)).waiting] == [
        asked.pending.approval_id
    ]
    await sign(database, asked.pending.approval_id, person, password)
    seen = await records.get(tenants.ours, made.id)
    assert [signature.status for signature in seen.signatures] == ["valid"]
    assert seen.waiting == []
    await records.update(tenants.ours, made.id, seen.version, Update(fields={"title": "Another title"}), BECAUSE)
    after = (await records.get(tenants.ours, made.id)).signatures[0]
    assert after.status == "content_changed"
    assert any("title" in path for path in after.changed)


async def some_records(database: Database, principal: Principal) -> None:
    """Add a few records that differ in everything a list can be narrowed to."""
    now = datetime.now(UTC)
    writer = Records(database).writer
    rows: list[tuple[str, Mapping[str, Any]]] = [
        ("nonconformance", {"title": "Leaking valve", "risk_class": "low", "tags": ["valve"], "owner_id": "me"}),
        ("nonconformance", {"title": "Scratched lens", "risk_class": "critical", "tags": ["lens", "optics"]}),
        ("complaint", {"title": "Valve leaks at the customer", "risk_class": "high"}),
        ("capa", {"title": "Weld seam porosity", "risk_class": "medium", "due_date": (now - timedelta(3)).isoformat()}),
        ("supplier", {"title": "Castings Ltd", "due_date": (now + timedelta(90)).isoformat()}),
    ]
    for category, fields in rows:
        await writer.add(principal, category, fields, BECAUSE)


LISTS: list[tuple[RecordFilter, list[str]]] = [
    (RecordFilter(category="nonconformance"), ["Scratched lens", "Leaking valve"]),
    (RecordFilter(state="open", category="nonconformance"), ["Scratched lens", "Leaking valve"]),
    (RecordFilter(show="overdue"), ["Weld seam porosity"]),
    (RecordFilter(show="closed"), []),
    (RecordFilter(owner="me"), ["Leaking valve"]),
    (RecordFilter(risk_class="high"), ["Valve leaks at the customer"]),
    (RecordFilter(tags=["optics", "lens"]), ["Scratched lens"]),
    (RecordFilter(tags=["optics", "valve"]), []),
    (RecordFilter(text="leak"), ["Valve leaks at the customer", "Leaking valve"]),
    (RecordFilter(text="LEAK valve"), ["Valve leaks at the customer", "Leaking valve"]),
    (RecordFilter(text="customer lens"), []),
    (RecordFilter(text="nc-"), ["Scratched lens", "Leaking valve"]),
    (RecordFilter(text="'; DROP"), []),
    (RecordFilter(text="..."), []),
    (RecordFilter(category="no such type"), []),
    (RecordFilter(sort="risk", show="all"), ["Scratched lens", "Valve leaks at the customer"]),
    (RecordFilter(sort="due"), ["Weld seam porosity"]),
]


async def test_a_list_is_narrowed_and_ordered(database: Database, tenants: Tenants) -> None:
    await some_records(database, tenants.ours)
    for wanted, titles in LISTS:
        page = await Records(database).list(tenants.ours, wanted)
        found = [record.title for record in page.records]
        # Only the first places of an order are named here.
        assert (found if wanted.sort == "newest" else found[: len(titles)]) == titles, wanted
        assert page.total == len(page.records)


async def test_days_of_a_list_are_whole_days(database: Database, tenants: Tenants) -> None:
    await add(database, tenants.ours)
    today = datetime.now(UTC).date()
    records = Records(database)
    assert (await records.list(tenants.ours, RecordFilter(since=today, until=today))).total == 1
    assert (await records.list(tenants.ours, RecordFilter(until=today - timedelta(1)))).total == 0
    assert (await records.list(tenants.ours, RecordFilter(since=today + timedelta(1)))).total == 0


@pytest.mark.parametrize("sort", ["newest", "due", "risk"])
async def test_pages_show_everything_once_while_records_are_added(
    database: Database, tenants: Tenants, sort: Any
) -> None:
    records = Records(database)
    classes = ["low", None, "critical", "high"]
    made = {(await add(database, tenants.ours, risk_class=classes[n % 4])).number for n in range(11)}
    seen: list[str] = []
    cursor: str | None = None
    for _ in range(10):
        page = await records.list(tenants.ours, RecordFilter(sort=sort), limit=3, cursor=cursor)
        assert page.total >= 11
        seen += [record.citation.split()[0] for record in page.records]
        cursor = page.next_cursor
        if cursor is None:
            break
        await add(database, tenants.ours, "supplier")
    assert len(seen) == len(set(seen))
    assert made <= set(seen)


async def test_what_words_find_is_counted_as_far_as_it_was_shown(database: Database, tenants: Tenants) -> None:
    records = Records(database)
    for _ in range(5):
        await add(database, tenants.ours, title="Leaking valve")
    totals: list[tuple[int, bool | None]] = []
    cursor: str | None = None
    for _ in range(3):
        page = await records.list(tenants.ours, RecordFilter(text="leak"), limit=2, cursor=cursor)
        totals.append((page.total, page.more_than_total))
        cursor = page.next_cursor
    assert totals == [(2, True), (4, True), (5, None)]
    assert cursor is None


async def test_a_cursor_of_somebody_else_is_refused(database: Database, tenants: Tenants) -> None:
    records = Records(database)
    for _ in range(3):
        await add(database, tenants.ours)
    cursor = (await records.list(tenants.ours, RecordFilter(), limit=1)).next_cursor
    with pytest.raises(InvalidInputError, match="another order"):
        await records.list(tenants.ours, RecordFilter(sort="due"), limit=1, cursor=cursor)
    for wrong in ("x", "%%%", "e30=", "WyJuZXdlc3QiLCAieCIsICJ5Il0="):
        with pytest.raises(InvalidInputError, match="cursor"):
            await records.list(tenants.ours, RecordFilter(), cursor=wrong)


async def test_my_work_is_what_waits_for_me_the_gravest_first(database: Database, tenants: Tenants) -> None:
    records, workflow = Records(database), Workflow(database, Signing(database))
    quality = await add_person(database, tenants.ours.organization_id, "northwind", "qa_approver")
    mild = await add(database, tenants.ours, title="Mild", risk_class="low", owner_id=quality.email)
    grave = await add(database, tenants.ours, title="Grave", risk_class="critical", assigned_to=quality.email)
    capa = await add(database, tenants.ours, "capa", title="Fix it", risk_class="high")
    action = {"action_type": "corrective", "description": "Change the tool", "owner_id": str(quality.user_id)}
    await records.writer.add_parts(tenants.ours, capa.id, "capa_actions", [{**action, "due_on": "2026-01-02"}], BECAUSE)
    await add(database, tenants.ours, "training", title="Read the SOP", trainee_id=quality.email)
    asked = await workflow.transition(tenants.ours, mild.number, 1, "cancelled", "it is no nonconformance at all")
    assert asked.pending is not None
    work = await records.my_work(quality)
    assert work.counts == {"record": 2, "action": 1, "training": 1, "decision": 1}
    assert work.overdue == 1
    assert [item.citation for item in work.items[:2]] == [grave.citation, f"{capa.number} v2"]
    assert {item.kind for item in work.items[2:4]} == {"record", "decision"}
    assert work.items[-1].kind == "training"
    first = await records.my_work(quality, limit=2)
    rest = await records.my_work(quality, limit=9, cursor=first.next_cursor)
    assert [*first.items, *rest.items] == work.items
    # Nobody is asked to decide on what is not for them.
    assert "decision" not in (await records.my_work(tenants.ours)).counts


async def test_a_trace_follows_the_story_both_ways(database: Database, tenants: Tenants) -> None:
    records = Records(database)
    hostile = 'x"] click A "javascript:alert(1)" %% <script>'
    complaint = await add(database, tenants.ours, "complaint", title=hostile)
    nc = await add(database, tenants.ours)
    capa = await add(database, tenants.ours, "capa")
    change = await add(database, tenants.ours, "change_request")
    document = await add(database, tenants.ours, "document")
    training = await add(database, tenants.ours, "training", document_id=document.number)
    unrelated = await add(database, tenants.ours)
    for start, end, kind in (
        (nc, complaint, "caused_by"),
        (capa, nc, "caused_by"),
        (change, capa, "implements"),
        (change, document, "affects"),
    ):
        await records.writer.link(tenants.ours, start.number, end.number, kind, BECAUSE)
    story = [complaint, nc, capa, change, document, training]

    def numbers(trace: Any) -> list[str]:
        return [record.citation.split()[0] for record in trace.records]

    assert numbers(await records.trace(tenants.ours, complaint.number)) == [one.number for one in story]
    assert numbers(await records.trace(tenants.ours, training.number, way="up")) == [
        one.number for one in reversed(story)
    ]
    middle = await records.trace(tenants.ours, capa.number, depth=1)
    assert set(numbers(middle)) == {nc.number, capa.number, change.number}
    whole = await records.trace(tenants.ours, capa.id)
    assert set(numbers(whole)) == {one.number for one in story}
    assert unrelated.number not in numbers(whole)
    assert ("trains_on", document.number) in {(link.kind, link.to_number) for link in whole.links}
    assert "javascript" not in whole.mermaid
    assert whole.mermaid.startswith("flowchart TD\n")
    assert f"{change.number.replace('-', '_')} -->|implements| {capa.number.replace('-', '_')}" in whole.mermaid


async def test_a_ring_of_links_ends(database: Database, tenants: Tenants) -> None:
    records = Records(database)
    ring = [await add(database, tenants.ours) for _ in range(4)]
    for start, end in zip(ring, [*ring[1:], ring[0]], strict=True):
        await records.writer.link(tenants.ours, start.id, end.id, "relates_to", BECAUSE)
    with anyio.fail_after(20):
        trace = await records.trace(tenants.ours, ring[0].id, depth=12)
    assert len(trace.records) == len(trace.links) == 4


async def test_a_record_that_lacks_its_link_is_an_orphan_until_it_has_one(database: Database, tenants: Tenants) -> None:
    records = Records(database)
    nc = await add(database, tenants.ours, capa_required=True, capa_rationale="it came back twice")
    orphans = (await records.trace(tenants.ours, None)).missing
    assert [(one.citation, "no CAPA" in one.missing) for one in orphans] == [(nc.citation, True)]
    assert [one.citation for one in (await records.trace(tenants.ours, nc.id)).missing] == [nc.citation]
    capa = await add(database, tenants.ours, "capa")
    assert capa.citation in {one.citation for one in (await records.trace(tenants.ours, None)).missing}
    await records.writer.link(tenants.ours, capa.id, nc.id, "caused_by", BECAUSE)
    assert (await records.trace(tenants.ours, None)).missing == []
    assert (await records.trace(tenants.theirs, None)).missing == []


async def test_a_client_finds_reads_changes_and_follows_a_record(
    database: Database, tenants: Tenants, tmp_path: Path
) -> None:
    made = await Records(database).writer.add(tenants.ours, "nonconformance", {**NC, "owner_id": "me"}, BECAUSE)
    async with client_for(database, tenants.ours, tmp_path) as client:

        async def call(name: str, **arguments: Any) -> dict[str, Any]:
            answer = await client.call_tool(name, arguments)
            assert not answer.is_error, answer.content
            assert answer.structured_content is not None
            return dict(answer.structured_content)

        listed = await call("list_records", text="burr", show="open")
        assert [record["citation"] for record in listed["records"]] == [made.citation]
        assert listed["records"][0]["drafted_by_agent"] is True
        assert (await call("my_work"))["counts"] == {"record": 1}
        changed = await call(
            "update_record",
            record=made.number,
            version=1,
            reason="the parts were put aside today",
            fields={"containment": "Put on hold", "contained_on": "2026-11-20"},
        )
        assert changed["citation"] == f"{made.number} v2"
        moved = await call(
            "transition_record", record=made.number, to_state="contained", version=2, reason="all of it is on hold"
        )
        assert (moved["state"], moved["version"]) == ("contained", 3)
        seen = await call("get_record", record=made.number, detail="full")
        assert seen["state"] == "contained"
        traced = await call("trace_record", record=made.number)
        assert traced["records"][0]["citation"] == f"{made.number} v3"
        asked = await call(
            "request_signature", record=made.number, meaning="review", version=3, reason="the review is complete"
        )
        assert asked["pending"]["approval_id"]
        refused = await client.call_tool("get_record", {"record": "NC-1999-0001"})
        assert refused.is_error
