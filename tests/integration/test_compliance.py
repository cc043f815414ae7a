"""The compliance matrix: evidence found, stale or missing; links, proposals, packs, and what nobody may do."""

import hashlib
import json
import re
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from uuid import UUID, uuid4

import pytest
from mcp.client import Client
from mcp.shared.exceptions import MCPError
from mcp_types import TextContent, TextResourceContents

from qms_mcp.auth.principal import Principal
from qms_mcp.db.database import Database
from qms_mcp.db.queries import Query, query
from qms_mcp.errors import (
    ConflictError,
    InvalidInputError,
    NotAllowedError,
    NotFoundError,
    QmsError,
    StatementError,
)
from qms_mcp.services.compliance import Compliance
from qms_mcp.services.compliance.linking import EvidenceToLink
from qms_mcp.services.compliance.models import ClauseCoverage, Coverage
from qms_mcp.services.compliance.pack import InspectionPacks
from qms_mcp.services.signing.service import Signing
from tests.conftest import Tenants
from tests.support.in_process import client_for
from tests.support.people import person_with_password, set_password, sign

pytestmark = [pytest.mark.anyio, pytest.mark.shared_database]

WHY = "the auditor asked for it"
NOW = datetime.now(UTC)
LOAD = Query(
    "test",
    "INSERT INTO qms.quality_items (organization_id, category, title, status, created_at, state_since, closed_at) "
    "VALUES (%(organization_id)s, %(category)s, %(title)s, %(status)s, %(since)s, %(since)s, %(closed_at)s) "
    "RETURNING id, number, version",
)


async def load(
    database: Database,
    principal: Principal,
    category: str,
    status: str,
    *,
    days_ago: int = 1,
    title: str = "Seal leaks",
) -> str:
    """Load a record in a state, as an import by the owner does, and return its number."""
    since = NOW - timedelta(days=days_ago)
    params = {
        "organization_id": principal.organization_id,
        "category": category,
        "title": title,
        "status": status,
        "since": since,
        "closed_at": since if status == "closed" else None,
    }
    async with database.owner_transaction() as transaction:
        await transaction.execute(query("local_owner.administer"))
        (row,) = await transaction.fetch_dicts(LOAD, params)
    return str(row["number"])


async def run(database: Database, principal: Principal, sql: str, because: str = WHY) -> list[dict[str, object]]:
    returning = "" if sql.startswith(("SELECT", "TRUNCATE")) else " RETURNING 1 AS done"
    async with database.transaction(principal, because=because) as transaction:
        return await transaction.fetch_dicts(Query("test", sql + returning))


def one(coverage: Coverage, clause: str) -> ClauseCoverage:
    (row,) = [row for row in coverage.clauses if row.clause.split(" ")[0] == clause]
    return row


@pytest.fixture
def compliance(database: Database) -> Compliance:
    return Compliance(database, Signing(database))


def to(framework: str, clause: str, **more: object) -> EvidenceToLink:
    return replace(EvidenceToLink(framework, clause, WHY), **more)  # pyright: ignore[reportArgumentType]


# Reading --------------------------------------------------------------------------------------------------------------


async def test_without_records_every_clause_is_a_gap_that_says_what_was_looked_for(
    compliance: Compliance, tenants: Tenants
) -> None:
    matrix = await compliance.matrix(tenants.ours, "iso-13485", limit=100)
    # Entries of the trail exist from the first day on, and count for control of records.
    assert (matrix.found, matrix.stale, matrix.not_applicable) == (len(matrix.clauses) - matrix.missing, 0, 0)
    assert matrix.total == matrix.found + matrix.missing == 72
    row = one(matrix, "8.5.2")
    assert (row.evidence, row.cited, row.gap) == ("missing", [], "nothing found for: closed CAPAs")


async def test_a_closed_capa_is_evidence_where_an_open_one_is_not(
    database: Database, compliance: Compliance, tenants: Tenants
) -> None:
    await load(database, tenants.ours, "capa", "implementation")
    assert (await compliance.matrix(tenants.ours, "iso-13485", clause="8.5.2")).missing == 1
    closed = await load(database, tenants.ours, "capa", "closed", days_ago=3)
    row = (await compliance.matrix(tenants.ours, "iso-13485", clause="8.5.2")).clauses[0]
    since = (NOW - timedelta(days=3)).date()
    assert (row.evidence, row.cited) == ("found", [f"{closed} v1, closed since {since}"])
    assert (await compliance.matrix(tenants.ours, "iso-9001", clause="10.2")).found == 1


async def test_evidence_older_than_the_interval_is_stale(
    database: Database, compliance: Compliance, tenants: Tenants
) -> None:
    await load(database, tenants.ours, "audit", "closed", days_ago=400)
    row = (await compliance.matrix(tenants.ours, "iso-9001", clause="9.2")).clauses[0]
    assert row.evidence == "stale"
    assert "older than 365 days" in row.gap
    async with database.owner_transaction() as transaction:
        await transaction.execute(
            Query("test", 'UPDATE qms.organizations SET settings = \'{"compliance": {"review_days": 500}}\'')
        )
    # The owner is under row-level security too: nothing was changed.
    assert (await compliance.matrix(tenants.ours, "iso-9001", clause="9.2")).stale == 1
    await run(
        database, tenants.ours,
        "INSERT INTO qms.compliance_records (organization_id, standard, requirement, review_days) "
        "VALUES (qms.current_organization_id(), 'ISO 9001:2015', '9.2 Internal audit', 500)",
    )  # fmt: skip
    assert (await compliance.matrix(tenants.ours, "iso-9001", clause="9.2")).found == 1


async def test_only_gaps_and_only_stale_and_pages(database: Database, compliance: Compliance, tenants: Tenants) -> None:
    await load(database, tenants.ours, "capa", "closed")
    await load(database, tenants.ours, "audit", "closed", days_ago=800)
    gaps = await compliance.matrix(tenants.ours, "iso-9001", only="gaps", limit=100)
    assert {row.evidence for row in gaps.clauses} == {"missing"}
    assert gaps.total == gaps.missing == len(gaps.clauses)
    stale = await compliance.matrix(tenants.ours, "iso-9001", only="stale")
    assert [row.clause for row in stale.clauses] == ["9.2 Internal audit"]
    first = await compliance.matrix(tenants.ours, "iso-9001", limit=10)
    second = await compliance.matrix(tenants.ours, "iso-9001", limit=10, cursor=first.next_cursor)
    whole = await compliance.matrix(tenants.ours, "iso-9001", limit=100)
    assert [*first.clauses, *second.clauses] == whole.clauses[:20]
    assert whole.next_cursor is None
    with pytest.raises(InvalidInputError, match="cursor"):
        await compliance.matrix(tenants.ours, "iso-9001", cursor="later")


async def test_records_of_another_organization_are_no_evidence(
    database: Database, compliance: Compliance, tenants: Tenants
) -> None:
    theirs = await load(database, tenants.theirs, "capa", "closed")
    await compliance.links.link(tenants.theirs, to("iso-13485", "8.4", record=theirs))
    matrix = await compliance.matrix(tenants.ours, "iso-13485", limit=100)
    assert one(matrix, "8.5.2").evidence == "missing"
    assert one(matrix, "8.4").evidence == "missing"
    with pytest.raises(NotFoundError):
        await compliance.links.link(tenants.ours, to("iso-13485", "8.4", record=str(uuid4())))


async def test_many_records_are_cited_by_the_newest_and_counted(
    database: Database, compliance: Compliance, tenants: Tenants
) -> None:
    numbers = [await load(database, tenants.ours, "capa", "closed", days_ago=age) for age in (9, 8, 7, 6, 5, 4)]
    row = (await compliance.matrix(tenants.ours, "iso-13485", clause="8.5.2")).clauses[0]
    assert [cited.split(" ")[0] for cited in row.cited[:-1]] == numbers[:1:-1]
    assert row.cited[-1] == "and 2 more"


async def test_a_clause_of_the_legacy_regulation_shows_what_its_successors_have(
    database: Database, compliance: Compliance, tenants: Tenants
) -> None:
    closed = await load(database, tenants.ours, "capa", "closed")
    row = (await compliance.matrix(tenants.ours, "fda-qsr", clause="820.100")).clauses[0]
    assert row.evidence == "found"
    assert row.cited[0].startswith(closed)
    assert (
        row.gap
        == "replaced, looked at ISO 13485:2016 8.4, ISO 13485:2016 8.5.2, ISO 13485:2016 8.5.3 (map to be checked)"
    )


async def test_signatures_trail_and_refusals_are_evidence_for_part_11(
    database: Database, compliance: Compliance, tenants: Tenants
) -> None:
    await load(database, tenants.ours, "capa", "closed")
    before = await compliance.matrix(tenants.ours, "part-11", limit=100)
    assert one(before, "11.10(e)").cited[0].startswith("audit trail, entries 1 to ")
    assert one(before, "11.10(b)").evidence == "missing"
    await InspectionPacks(database).make(tenants.ours, "part-11", clause="11.10", reason=WHY)
    after = await compliance.matrix(tenants.ours, "part-11", limit=100)
    assert one(after, "11.10(b)").cited[0].endswith("(export)")


async def test_a_record_says_which_clauses_it_speaks_for_and_what_it_lacks(
    database: Database, compliance: Compliance, tenants: Tenants
) -> None:
    number = await load(database, tenants.ours, "capa", "implementation")
    checked = await compliance.check_record(tenants.ours, number, framework="iso-13485")
    assert checked.about == f"{number} v1 (implementation)"
    assert [(row.clause, row.evidence, row.gap) for row in checked.clauses] == [
        ("ISO 13485:2016 8.5.2 Corrective action", "missing", "it counts once it is closed (now: implementation)")
    ]
    await compliance.links.link(tenants.ours, to("iso-13485", "8.4", record=number))
    checked = await compliance.check_record(tenants.ours, number, framework="iso-13485")
    assert {row.clause.split(" ")[2]: row.evidence for row in checked.clauses} == {"8.4": "found", "8.5.2": "missing"}
    with pytest.raises(NotFoundError, match="no record 'CAPA-1999-0001'"):
        await compliance.check_record(tenants.ours, "CAPA-1999-0001")


async def test_no_answer_calls_anything_compliant(database: Database, compliance: Compliance, tenants: Tenants) -> None:
    await load(database, tenants.ours, "capa", "closed")
    await run(
        database, tenants.ours,
        "INSERT INTO qms.compliance_records (organization_id, standard, requirement, status, evidence, last_reviewed) "
        "VALUES (qms.current_organization_id(), 'ISO 13485:2016', '8.5.2 Corrective action', 'compliant', "
        "'[{\"document\": \"DOC-2026-0001\"}]', now())",
    )  # fmt: skip
    for framework in await compliance.frameworks(tenants.ours):
        matrix = await compliance.matrix(tenants.ours, framework.name, explain=True, limit=100)
        assert "complian" not in matrix.model_dump_json(exclude={"about"})
        assert {row.evidence for row in matrix.clauses} <= {"found", "stale", "missing", "not applicable"}
    pack = await InspectionPacks(database).make(tenants.ours, "iso-13485", clause="8.5", reason=WHY)
    assert b"complian" not in pack.files["index.html"] + pack.files["matrix.csv"]


async def test_a_row_of_the_matrix_finds_its_clause_and_its_evidence_is_cited(
    database: Database, compliance: Compliance, tenants: Tenants
) -> None:
    await run(
        database, tenants.ours,
        "INSERT INTO qms.compliance_records (organization_id, standard, requirement, status, evidence, last_reviewed, "
        "next_review) VALUES (qms.current_organization_id(), 'ISO 9001:2015', '5.2.1 Quality policy', 'partial', "
        "'[{\"document\": \"DOC-2026-0007\"}, \"minutes of March\"]', now(), now() - interval '2 days')",
    )  # fmt: skip
    row = (await compliance.matrix(tenants.ours, "iso-9001", clause="5.2.1")).clauses[0]
    assert row.evidence == "found"
    assert row.cited == ["DOC-2026-0007 (noted in the matrix)", "minutes of March (noted in the matrix)"]
    assert "the review of this row was due" in row.gap


# Linking --------------------------------------------------------------------------------------------------------------


async def test_a_link_keeps_the_version_and_stands_in_the_trail_of_the_record(
    database: Database, compliance: Compliance, tenants: Tenants
) -> None:
    number = await load(database, tenants.ours, "nonconformance", "closed")
    linked = await compliance.links.link(tenants.ours, to("ISO 13485", "§ 8.4", record=number))
    assert (linked.state, linked.evidence, linked.version) == ("linked", f"{number} v1", 1)
    entries = await run(
        database, tenants.ours,
        "SELECT a.seq, a.reason, a.actor_kind, a.record_id::text = a.changes #>> '{record_id,new}' AS of_record "
        "FROM qms.audit_logs a WHERE a.entity_type = 'qms.evidence_links'",
    )  # fmt: skip
    assert entries == [{"seq": linked.audit_seq, "reason": WHY, "actor_kind": "agent", "of_record": True}]
    row = (await compliance.matrix(tenants.ours, "iso-13485", clause="8.4")).clauses[0]
    assert row.cited[0].startswith(f"{number} v1 (linked, of ")


async def test_linking_again_replaces_and_withdrawing_takes_back(
    database: Database, compliance: Compliance, tenants: Tenants
) -> None:
    place = "https://example.com/minutes/2026-03"
    yesterday, tomorrow = date.today() - timedelta(days=1), date.today() + timedelta(days=2)  # noqa: DTZ011
    await compliance.links.link(
        tenants.ours, to("iso-9001", "9.3.2", uri=place, valid_until=yesterday - timedelta(days=1))
    )
    assert (await compliance.matrix(tenants.ours, "iso-9001", clause="9.3.2")).stale == 1
    await compliance.links.link(tenants.ours, to("iso-9001", "9.3.2", uri=place, valid_until=tomorrow))
    row = (await compliance.matrix(tenants.ours, "iso-9001", clause="9.3.2")).clauses[0]
    assert (row.evidence, len(row.cited)) == ("found", 1)
    assert WHY in row.cited[0]
    taken = await compliance.links.link(tenants.ours, to("iso-9001", "9.3.2", uri=place, action="withdraw"))
    assert taken.state == "withdrawn"
    assert (await compliance.matrix(tenants.ours, "iso-9001", clause="9.3.2")).missing == 1
    with pytest.raises(NotFoundError, match="Nothing of the kind is linked"):
        await compliance.links.link(tenants.ours, to("iso-9001", "9.3.2", uri=place, action="withdraw"))
    kept = await run(database, tenants.ours, "SELECT withdrawn FROM qms.evidence_links ORDER BY created_at")
    assert kept == [{"withdrawn": True}, {"withdrawn": True}]


@pytest.mark.parametrize(
    "uri", ["javascript:alert(1)", "data:text/html,x", "minutes.pdf", "https://a b", 'https://a"onclick=x', ""]
)
async def test_a_place_is_an_address_and_nothing_that_runs(compliance: Compliance, tenants: Tenants, uri: str) -> None:
    with pytest.raises(QmsError):
        await compliance.links.link(tenants.ours, to("iso-9001", "9.3.2", uri=uri))


async def test_what_can_not_be_linked_is_refused_in_words(
    database: Database, compliance: Compliance, tenants: Tenants
) -> None:
    number = await load(database, tenants.ours, "capa", "cancelled")
    links = compliance.links
    with pytest.raises(InvalidInputError, match="is cancelled"):
        await links.link(tenants.ours, to("iso-9001", "10.2", record=number))
    with pytest.raises(InvalidInputError, match="what the evidence is"):
        await links.link(tenants.ours, to("iso-9001", "10.2"))
    with pytest.raises(InvalidInputError, match="what the evidence is"):
        await links.link(tenants.ours, to("iso-9001", "10.2", record=number, uri="https://example.com"))
    with pytest.raises(InvalidInputError, match="holds no requirement"):
        await links.link(tenants.ours, to("part-11", "11.3", uri="https://example.com"))
    with pytest.raises(NotFoundError, match=r"no clause '99\.1'"):
        await links.link(tenants.ours, to("iso-9001", "99.1", uri="https://example.com"))
    with pytest.raises(NotFoundError, match="no framework"):
        await links.link(tenants.ours, to("iso-99999", "1", uri="https://example.com"))
    with pytest.raises(NotAllowedError, match="auditor"):
        await links.link(tenants.auditor, to("iso-9001", "10.2", uri="https://example.com"))
    with pytest.raises(InvalidInputError, match="reason"):
        await links.link(tenants.ours, to("iso-9001", "10.2", uri="https://example.com", reason="because"))


# What does not apply --------------------------------------------------------------------------------------------------


async def propose(compliance: Compliance, principal: Principal) -> UUID:
    wanted = to("iso-13485", "7.5.5", action="exclude", reason="no sterile product is made or sold here")
    proposed = await compliance.links.link(principal, wanted)
    assert proposed.state == "proposed, not adopted"
    assert proposed.approval_id is not None
    assert str(proposed.approval_id) in proposed.how_to_approve
    again = await compliance.links.link(principal, wanted)
    assert (again.id, again.approval_id) == (proposed.id, proposed.approval_id)
    return proposed.approval_id


async def colleague_of(database: Database, principal: Principal) -> tuple[Principal, str]:
    return await person_with_password(database, principal.organization_id, "northwind", "qa_approver")


async def test_a_proposal_changes_nothing_until_another_person_adopts_it(
    database: Database, compliance: Compliance, tenants: Tenants
) -> None:
    approval_id = await propose(compliance, tenants.ours)
    row = (await compliance.matrix(tenants.ours, "iso-13485", clause="7.5.5")).clauses[0]
    assert row.evidence == "missing"
    assert row.gap.startswith("proposed as not applicable (agent), not adopted by a person: no sterile product")
    await set_password(database, tenants.ours.user_id, "a password of ours")
    with pytest.raises(NotAllowedError, match="proposed it"):
        await sign(database, approval_id, tenants.ours, "a password of ours")
    colleague, password = await colleague_of(database, tenants.ours)
    await sign(database, approval_id, colleague, password)
    matrix = await compliance.matrix(tenants.ours, "iso-13485", clause="7.5.5")
    assert (matrix.not_applicable, matrix.clauses[0].evidence) == (1, "not applicable")
    assert (await compliance.links.link(
        tenants.ours, to("iso-13485", "7.5.5", action="exclude", reason="no sterile product is made or sold here")
    )).state == "not applicable"  # fmt: skip
    back = await compliance.links.link(tenants.ours, to("iso-13485", "7.5.5", action="include"))
    assert back.state == "applicable"
    assert (await compliance.matrix(tenants.ours, "iso-13485", clause="7.5.5")).missing == 1


async def test_another_justification_needs_another_decision(
    database: Database, compliance: Compliance, tenants: Tenants
) -> None:
    approval_id = await propose(compliance, tenants.ours)
    changed = await compliance.links.link(
        tenants.ours, to("iso-13485", "7.5.5", action="exclude", reason="sterile products are somebody else's business")
    )
    assert changed.approval_id != approval_id
    colleague, password = await colleague_of(database, tenants.ours)
    with pytest.raises(ConflictError, match="changed meanwhile"):
        await sign(database, approval_id, colleague, password)


@pytest.mark.parametrize(
    "attack",
    [
        "UPDATE qms.compliance_records SET adopted_by = qms.current_user_id(), adopted_at = now()",
        "UPDATE qms.compliance_records SET applicability = 'not_applicable'",
        "UPDATE qms.compliance_records SET clause_id = (SELECT id FROM qms.clauses LIMIT 1)",
        "UPDATE qms.compliance_records SET requirement = '8.5.2 Corrective action'",
        "DELETE FROM qms.compliance_records",
        "DELETE FROM qms.evidence_links",
        "UPDATE qms.evidence_links SET record_version = 9",
        "UPDATE qms.evidence_links SET withdrawn = false",
        "INSERT INTO qms.clauses (framework_id, number, title, kind) SELECT id, '9', 'A', 'heading' FROM qms.clauses",
        "UPDATE qms.clauses SET title = 'Ours'",
        "DELETE FROM qms.clause_evidence_rules",
        "UPDATE qms.clause_map SET checked = true",
        "TRUNCATE qms.evidence_links",
        "SELECT qms.adopt_exclusion()",
        "SELECT qms_private.add_clauses('ICH Q10', '9 Ours')",
        "UPDATE qms.approvals SET state = 'approved'",
    ],
)
async def test_the_application_role_can_adopt_or_rewrite_nothing(
    database: Database, compliance: Compliance, tenants: Tenants, attack: str
) -> None:
    approval_id = await propose(compliance, tenants.ours)
    await compliance.links.link(tenants.ours, to("iso-9001", "9.3.2", uri="https://example.com/minutes"))
    if "requirement =" in attack:
        await sign(database, approval_id, *await colleague_of(database, tenants.ours))
    with pytest.raises((NotAllowedError, ConflictError, StatementError)):
        await run(database, tenants.ours, attack)


# Packs ----------------------------------------------------------------------------------------------------------------


async def test_a_pack_holds_the_records_and_its_manifest_the_hashes(
    database: Database, compliance: Compliance, tenants: Tenants
) -> None:
    nasty = '<script>alert("x")</script>'
    number = await load(database, tenants.ours, "capa", "closed", title=nasty)
    await compliance.links.link(
        tenants.ours, to("iso-13485", "8.5.2", uri="https://example.com/a", reason="=SUM(A1:A9) minutes")
    )
    made = await InspectionPacks(database).make(tenants.ours, "iso-13485", clause="8.5.2", reason=WHY)
    assert set(made.files) == {
        "index.html", "matrix.csv", "manifest.json", f"records/{number}.json", f"records/{number}.html",
    }  # fmt: skip
    manifest = json.loads(made.files["manifest.json"])
    assert hashlib.sha256(made.files["manifest.json"]).hexdigest() == made.manifest_sha256
    for listed in manifest["files"]:
        assert hashlib.sha256(made.files[listed["path"]]).hexdigest() == listed["sha256"]
    assert {listed["path"] for listed in manifest["files"]} == set(made.files) - {"manifest.json"}
    page = made.files["index.html"].decode()
    assert f'<a href="records/{number}.html">' in page
    assert '<a href="https://example.com/a" rel="noreferrer">' in page
    assert b"'=SUM(A1:A9) minutes" in made.files["matrix.csv"]
    record = made.files[f"records/{number}.html"].decode()
    assert nasty not in record
    assert "&lt;script&gt;" in record
    whole = json.loads(made.files[f"records/{number}.json"])
    assert whole["title"] == nasty
    assert whole["trail"][0]["action"] == "loaded"


async def test_making_a_pack_is_noted_in_the_trail_with_its_hash(
    database: Database, compliance: Compliance, tenants: Tenants
) -> None:
    made = await InspectionPacks(database).make(tenants.auditor, "iso-9001", clause=None, reason=WHY)
    (entry,) = await run(
        database, tenants.ours,
        "SELECT a.actor_id, a.reason, a.metadata FROM qms.audit_logs a WHERE a.action = 'export'",
    )  # fmt: skip
    assert (entry["actor_id"], entry["reason"]) == (tenants.auditor.user_id, WHY)
    assert isinstance(entry["metadata"], dict)
    assert entry["metadata"]["manifest_sha256"] == made.manifest_sha256
    with pytest.raises(NotFoundError):
        await InspectionPacks(database).make(tenants.ours, "iso-9001", clause="77", reason=WHY)


# Over MCP -------------------------------------------------------------------------------------------------------------


async def test_the_tools_answer_with_citations_and_link_through_a_client(
    database: Database, tenants: Tenants, short_tmp: Path
) -> None:
    number = await load(database, tenants.ours, "complaint", "closed")
    async with client_for(database, tenants.ours, short_tmp) as client:
        matrix = await client.call_tool("get_compliance_matrix", {"framework": "iso-13485", "clause": "8.2"})
        assert matrix.structured_content is not None
        rows = {row["clause"].split(" ")[0]: row for row in matrix.structured_content["clauses"]}
        assert rows["8.2.2"]["cited"][0].startswith(f"{number} v1, closed since ")
        asked = {"framework": "iso-9001", "clause": "9.1.3", "record": number, "reason": WHY}
        linked = await client.call_tool("link_evidence", asked)
        assert linked.structured_content is not None
        assert linked.structured_content["evidence"] == f"{number} v1"
        checked = await client.call_tool("check_compliance", {"record": number, "framework": "iso-9001"})
        assert checked.structured_content is not None
        assert "9.1.3" in json.dumps(checked.structured_content)
        nothing = await client.call_tool("check_compliance", {})
        assert nothing.is_error
        proposed = await client.call_tool(
            "link_evidence",
            {"framework": "iso-13485", "clause": "7.5.5", "action": "exclude", "reason": "nothing sterile is made"},
        )
        assert proposed.structured_content is not None
        assert proposed.structured_content["state"] == "proposed, not adopted"
        assert "another person" in proposed.structured_content["how_to_approve"]
        text = json.dumps([one.structured_content for one in (matrix, linked, checked, proposed)])
        assert "complian" not in text


async def test_pages_show_frameworks_types_workflows_and_words(
    database: Database, tenants: Tenants, short_tmp: Path
) -> None:
    async with client_for(database, tenants.ours, short_tmp) as client:
        framework = await page(client, "qms://framework/fda-qsr")
        assert framework.startswith("# 21 CFR 820 QSR: Quality System Regulation (legacy)\n")
        assert "- 820.198 Complaint files (now 21 CFR 820 QMSR 820.35(a) (to be checked), " in framework
        types = await page(client, "qms://record-types")
        assert "| Corrective and preventive action (`capa`) | CAPA-YYYY-0001 |" in types
        workflow = await page(client, "qms://workflow/capa")
        assert "```mermaid\nstateDiagram-v2\n" in workflow
        assert "signed (" in workflow
        assert (await page(client, "qms://glossary")).startswith("# Glossary\n")
        for missing in ("qms://framework/iso-1", "qms://workflow/poem"):
            with pytest.raises(MCPError, match="not_found"):
                await page(client, missing)


async def test_prompts_name_only_tools_there_are_and_leave_decisions_to_people(
    database: Database, tenants: Tenants, short_tmp: Path
) -> None:
    capa = await load(database, tenants.ours, "capa", "closed")
    arguments = {
        "capa_from_nonconformance": {"record": await load(database, tenants.ours, "nonconformance", "closed")},
        "eight_d_report": {"record": capa},
        "audit_preparation": {"framework": "iso-13485", "clause": "8.5"},
        "management_review": {"period": "2026-01-01 to 2026-06-30"},
        "weekly_quality_review": {"week": "2026-11-16"},
        "improve_agent": {"agent": "qa"},
        "investigate_event": {"record": await load(database, tenants.ours, "complaint", "closed")},
        "sop_gap_check": {
            "document": await load(database, tenants.ours, "document", "effective"),
            "framework": "iso-9001",
        },
    }
    async with client_for(database, tenants.ours, short_tmp) as client:
        listed = {prompt.name: prompt for prompt in (await client.list_prompts()).prompts}
        offered = (await client.list_tools()).tools
        tools = {tool.name for tool in offered}
        parts = {part for tool in offered for part in tool.input_schema["properties"]}
        for name, given in arguments.items():
            assert {argument.name for argument in listed[name].arguments or ()} == set(given)
            messages = (await client.get_prompt(name, given)).messages
            said = "\n".join(one.content.text for one in messages if isinstance(one.content, TextContent))
            named = set(re.findall(r"\b[a-z]+(?:_[a-z]+)+\b", said))
            assert named - parts <= tools, name
            assert len(named & tools) >= 3
            assert "You do not approve, sign, disposition" in said
            assert all(value in said for value in given.values() if value not in {"iso-9001", "iso-13485"})
        with pytest.raises(MCPError, match="not_found"):
            await client.get_prompt("eight_d_report", {"record": "CAPA-1999-0001"})


async def page(client: Client, uri: str) -> str:
    (content,) = (await client.read_resource(uri)).contents
    assert isinstance(content, TextResourceContents)
    return content.text


# The command ----------------------------------------------------------------------------------------------------------


def test_a_pack_is_written_to_a_new_folder_and_to_no_other(tmp_path: Path) -> None:
    from qms_mcp.cli.pack import write_files

    write_files({"index.html": b"x", "records/a.json": b"{}"}, tmp_path / "new")
    assert (tmp_path / "new" / "records" / "a.json").read_bytes() == b"{}"
    with pytest.raises(InvalidInputError, match="not empty"):
        write_files({"index.html": b"x"}, tmp_path / "new")
