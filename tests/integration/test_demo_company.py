"""The demo company is the same every time, whole, and kept apart from the other one."""

from collections import Counter
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from datetime import UTC, datetime

import pytest

from qms_mcp.auth.principal import Principal
from qms_mcp.db.database import Database
from qms_mcp.db.embedded import EmbeddedPostgres
from qms_mcp.db.guard import Guard
from qms_mcp.db.local_owner import LOCAL_OWNER_ID
from qms_mcp.db.queries import Query
from qms_mcp.demo.company import COMPANIES, HALDEN, MORROW, Company
from qms_mcp.demo.load import Loaded, load_companies
from qms_mcp.demo.records import items, requirements
from qms_mcp.errors import NotAuthenticatedError
from qms_mcp.services.analysis.sources import Sources
from qms_mcp.services.analysis.workbench import Workbench
from qms_mcp.services.metrics.answer import MetricsOptions
from qms_mcp.services.metrics.definitions import EVENTS
from qms_mcp.services.metrics.method import CALCULATE_METRICS
from qms_mcp.services.sql.querying import Querying
from tests.conftest import copied_database, wiring_for

pytestmark = pytest.mark.anyio
TODAY = datetime(2026, 3, 2, tzinfo=UTC)
COUNT = Query("test", "SELECT category, count(*) AS records FROM qms.quality_items GROUP BY category")


@dataclass(frozen=True)
class Filled:
    """A database with both companies in it, which no test changes."""

    database: Database
    loaded: list[Loaded]


@pytest.fixture(scope="module")
async def filled(embedded: EmbeddedPostgres, template: str) -> AsyncGenerator[Filled]:
    with copied_database(embedded, template) as name:
        database = Database(wiring_for(embedded, name))
        await database.open()
        yield Filled(database, await load_companies(database))
        await database.close()


def manager(company: Company) -> Principal:
    return Principal(company.people[0].user_id, company.organization_id, frozenset())


def test_the_records_are_the_same_every_time() -> None:
    for company in COMPANIES:
        assert items(company, today=TODAY) == items(company, today=TODAY)
        assert requirements(company, today=TODAY) == requirements(company, today=TODAY)


def test_there_are_enough_records_of_every_type_to_ask_questions_about() -> None:
    made = items(HALDEN, today=TODAY)
    assert 280 <= len(made) <= 340
    assert set(Counter(item.category for item in made)) == {
        "nonconformance", "deviation", "complaint", "capa", "change_request", "document", "audit",
    }  # fmt: skip
    assert len(requirements(HALDEN, today=TODAY)) >= 60
    still_open = [item for item in made if item.category == "capa" and item.status != "closed"]
    assert len(still_open) >= 5
    assert any(item.due_date < TODAY for item in still_open)
    assert len({item.title for item in made}) > 150


def test_no_record_is_unfinished_or_ahead_of_its_time() -> None:
    for company in COMPANIES:
        made = items(company, today=TODAY)
        assert len({item.id for item in made}) == len(made)
        for item in made:
            assert "{" not in item.title + item.description
            assert item.created_at <= item.updated_at <= TODAY
            assert item.created_at < item.due_date


async def test_loading_twice_changes_nothing(filled: Filled) -> None:
    database, first = filled.database, filled.loaded
    assert all(loaded.new for loaded in first)
    async with database.transaction(manager(HALDEN)) as transaction:
        trail = Query("test", "SELECT count(*) AS entries FROM qms.audit_logs")
        before = await transaction.fetch_dicts(trail)
    second = await load_companies(database)
    assert [loaded.stock for loaded in second] == [loaded.stock for loaded in first]
    assert not any(loaded.new for loaded in second)
    async with database.transaction(manager(HALDEN)) as transaction:
        assert await transaction.fetch_dicts(trail) == before


async def test_every_record_has_its_entry_in_the_trail(filled: Filled) -> None:
    loaded = filled.loaded[0]
    async with filled.database.transaction(manager(HALDEN)) as transaction:
        entries = await transaction.fetch_dicts(
            Query("test", "SELECT action, actor_kind, count(*) AS n FROM qms.audit_logs GROUP BY 1, 2 ORDER BY 1")
        )
    assert {(e["action"], e["actor_kind"]) for e in entries} == {
        ("insert", "system"), ("loaded", "system"), ("update", "system"),
    }  # fmt: skip
    of_records = Query(
        "test",
        "SELECT count(*) FILTER (WHERE a.action = 'loaded' AND a.entity_type = 'qms.quality_items') AS loaded, "
        "count(*) FILTER (WHERE a.entity_type = 'qms.compliance_records') AS requirements, "
        "count(*) FILTER (WHERE a.reason IS NULL AND a.entity_type <> 'qms.memberships') AS unexplained "
        "FROM qms.audit_logs AS a",
    )
    async with filled.database.transaction(manager(HALDEN)) as transaction:
        (counted,) = await transaction.fetch_dicts(of_records)
        (chain,) = await transaction.fetch_dicts(Query("test", "SELECT bad_seq, problem FROM qms.verify_trail()"))
    assert counted == {"loaded": loaded.stock.items, "requirements": loaded.stock.requirements, "unexplained": 0}
    assert chain == {"bad_seq": None, "problem": None}


async def test_every_record_has_its_number_its_fields_and_a_state_of_its_workflow(filled: Filled) -> None:
    odd = Query(
        "test",
        "SELECT i.number, i.status FROM qms.quality_items AS i "
        "INNER JOIN qms.record_types AS t ON i.category = t.category "
        "INNER JOIN qms.workflow_definitions AS d ON i.definition_id = d.id "
        "WHERE NOT d.body -> 'states' ? i.status OR i.number NOT LIKE t.prefix || '-20__-____'",
    )
    bare = Query(
        "test",
        "SELECT count(*) AS n FROM qms.quality_items AS i WHERE NOT EXISTS ("
        "SELECT FROM qms.nonconformances AS t WHERE t.id = i.id UNION ALL "
        "SELECT FROM qms.deviations AS t WHERE t.id = i.id UNION ALL "
        "SELECT FROM qms.complaints AS t WHERE t.id = i.id UNION ALL "
        "SELECT FROM qms.capas AS t WHERE t.id = i.id UNION ALL "
        "SELECT FROM qms.change_requests AS t WHERE t.id = i.id UNION ALL "
        "SELECT FROM qms.documents AS t WHERE t.id = i.id UNION ALL "
        "SELECT FROM qms.audits AS t WHERE t.id = i.id)",
    )
    async with filled.database.transaction(manager(HALDEN)) as transaction:
        assert await transaction.fetch_dicts(odd) == []
        assert await transaction.fetch_dicts(bare) == [{"n": 0}]


async def test_disposed_quantities_add_up(filled: Filled) -> None:
    wrong = Query(
        "test",
        "SELECT n.id FROM qms.nonconformances AS n INNER JOIN qms.dispositions AS d ON d.record_id = n.id "
        "GROUP BY n.id HAVING sum(d.quantity) <> n.quantity_affected",
    )
    async with filled.database.transaction(manager(HALDEN)) as transaction:
        assert await transaction.fetch_dicts(wrong) == []


async def test_the_owner_sees_the_first_company_and_may_not_enter_the_second(filled: Filled) -> None:
    async with filled.database.transaction(manager(MORROW)) as transaction:
        theirs = {row["category"]: row["records"] for row in await transaction.fetch_dicts(COUNT)}
    visitor = Principal(LOCAL_OWNER_ID, HALDEN.organization_id, frozenset())
    async with filled.database.transaction(visitor) as transaction:
        ours = {row["category"]: row["records"] for row in await transaction.fetch_dicts(COUNT)}
    assert ours.keys() == theirs.keys()
    assert ours != theirs
    with pytest.raises(NotAuthenticatedError):
        async with filled.database.transaction(Principal(LOCAL_OWNER_ID, MORROW.organization_id, frozenset())):
            pass


# Its key figures, against SQL written apart ---------------------------------------------------------------------------

OWNER = Principal(LOCAL_OWNER_ID, HALDEN.organization_id, frozenset({"owner", "admin"}), "agent")
KNOWN = Query(
    "test",
    """
    SELECT
        count(*) FILTER (WHERE i.closed_at IS NULL) AS open,
        count(*) FILTER (WHERE i.closed_at IS NULL AND i.due_date::date < current_date) AS overdue,
        count(*) FILTER (WHERE i.closed_at IS NULL AND i.due_date IS NOT NULL) AS dated,
        percentile_cont(0.5) WITHIN GROUP (
            ORDER BY i.closed_at::date - coalesce(i.occurred_at, i.created_at)::date
        ) FILTER (WHERE i.closed_at IS NOT NULL) AS cycle
    FROM qms.quality_items AS i
    WHERE i.category = 'capa' AND i.status <> 'cancelled'
    """,
)
ESCAPES = Query(
    "test",
    """
    SELECT
        count(*) FILTER (WHERE n.detected_at_stage IN ('delivered', 'field')) AS escaped,
        count(n.detected_at_stage) AS staged, count(*) AS reported
    FROM qms.quality_items AS i INNER JOIN qms.nonconformances AS n ON i.id = n.id
    WHERE i.status <> 'cancelled'
    """,
)


async def test_key_figures_equal_what_sql_counts_apart(filled: Filled) -> None:
    bench = Workbench(filled.database, Sources(filled.database, Querying(filled.database, Guard(), 15_000)))
    asked = MetricsOptions(metrics=["ageing", "overdue", "cycle_time", "escape_rate", "reported"], types=["capa"])
    found = await bench.run(OWNER, CALCULATE_METRICS, None, asked)
    async with filled.database.transaction(OWNER, read_only=True) as transaction:
        (capas,) = await transaction.fetch_dicts(KNOWN)
        (escapes,) = await transaction.fetch_dicts(ESCAPES)
    by_name = {row[0]: dict(zip(found.values[0], row, strict=True)) for row in found.values[1:]}
    assert by_name["ageing"]["n"] == capas["open"] > 0
    assert (by_name["overdue"]["numerator"], by_name["overdue"]["denominator"]) == (capas["overdue"], capas["dated"])
    assert by_name["cycle_time"]["value"] == capas["cycle"] > 0
    assert (by_name["escape_rate"]["numerator"], by_name["escape_rate"]["n"]) == (escapes["escaped"], escapes["staged"])
    grouped = await bench.run(
        OWNER, CALCULATE_METRICS, None, MetricsOptions(metrics=["reported"], types=["nonconformance"], by="area")
    )
    assert grouped.groups
    assert sum(row[1] for row in grouped.groups["reported"][1:]) == escapes["reported"]


async def test_key_figures_of_one_company_are_none_of_the_other(filled: Filled) -> None:
    bench = Workbench(filled.database, Sources(filled.database, Querying(filled.database, Guard(), 15_000)))
    counts: list[float] = []
    for company in (HALDEN, MORROW):
        principal = manager(company)
        found = await bench.run(principal, CALCULATE_METRICS, None, MetricsOptions(metrics=["reported"]))
        async with filled.database.transaction(principal, read_only=True) as transaction:
            rows = await transaction.fetch_dicts(COUNT)
        assert found.values[1][2] == sum(row["records"] for row in rows if row["category"] in EVENTS)
        counts.append(found.values[1][2])
        assert found.provenance
        again = await bench.recompute(principal, found.provenance.calculation)
        assert again.same, again.headline
    assert counts[0] != counts[1]
