"""Metrics over records whose history was written down by hand: what stood on a day, and whose records count."""

import json
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest

from qms_mcp.db.database import Database
from qms_mcp.db.embedded import EmbeddedPostgres
from qms_mcp.db.guard import Guard
from qms_mcp.db.queries import Query
from qms_mcp.services.analysis.source import Source
from qms_mcp.services.analysis.sources import Sources
from qms_mcp.services.analysis.workbench import Workbench
from qms_mcp.services.metrics.answer import MetricsOptions, MetricsReport
from qms_mcp.services.metrics.method import CALCULATE_METRICS
from qms_mcp.services.sql.querying import Querying
from tests.conftest import Tenants, copied_database, two_tenants, wiring_for

pytestmark = pytest.mark.anyio
Steps = tuple[tuple[str, str, str], ...]  # day, from, to


def noon(day: str | None) -> datetime | None:
    return None if day is None else datetime.combine(date.fromisoformat(day), datetime.min.time(), UTC).replace(hour=12)


@dataclass(frozen=True)
class World:
    """One database for the tests of this module."""

    database: Database
    tenants: Tenants
    workbench: Workbench
    superuser: str

    async def ask(self, *metrics: str, theirs: bool = False, **options: Any) -> MetricsReport:
        """Compute metrics for us, or for the other organization."""
        principal = self.tenants.theirs if theirs else self.tenants.ours
        asked = MetricsOptions(metrics=list(metrics), **options)
        return await self.workbench.run(principal, CALCULATE_METRICS, None, asked)

    def enter(
        self, of: UUID | None, table: str, category: str, number: str, status: str, on: str,
        closed: str | None = None, due: str | None = None, steps: Steps = (), **fields: Any,
    ) -> UUID:  # fmt: skip
        """Write a record as if the days had passed."""
        record = uuid4()
        with psycopg.connect(self.superuser) as connection:
            connection.execute("SET session_replication_role = replica")
            connection.execute(
                "INSERT INTO qms.quality_items (id, organization_id, title, category, number, status, created_at, "
                "closed_at, due_date) VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s)",
                [record, of, number, category, number, status, noon(on), noon(closed), noon(due)],
            )
            connection.execute(
                f"INSERT INTO qms.{table} SELECT (jsonb_populate_record("
                f"(SELECT t FROM qms.{table} AS t WHERE false), %s::jsonb)).*",  # pyright: ignore[reportArgumentType]
                [json.dumps({"delivered": False, "cycle": 1, **fields, "id": str(record), "organization_id": str(of),
                             "created_at": str(noon(on))})],
            )  # fmt: skip
            for version, (day, before, after) in enumerate(steps, 2):
                connection.execute(
                    "INSERT INTO qms.transitions (organization_id, record_id, record_version, name, from_state, "
                    "to_state, reason, by_kind, definition_id, created_at) SELECT %s, %s, %s, 'step', %s, %s, "
                    "'a test', 'human', w.id, %s FROM qms.workflow_definitions AS w WHERE w.category = %s "
                    "ORDER BY w.id LIMIT 1",
                    [of, record, version, before, after, noon(day), category],
                )
        return record


@pytest.fixture(scope="module")
async def world(embedded: EmbeddedPostgres, template: str) -> AsyncGenerator[World]:
    with copied_database(embedded, template) as name:
        database = Database(wiring_for(embedded, name))
        await database.open()
        tenants = await two_tenants(database)
        workbench = Workbench(database, Sources(database, Querying(database, Guard(), 15_000)))
        made = World(database, tenants, workbench, embedded.conninfo(name, "postgres"))
        _enter_all(made)
        yield made
        await database.close()


def _enter_all(world: World) -> None:
    ours, theirs = world.tenants.ours.organization_id, world.tenants.theirs.organization_id
    reopened = (
        ("2026-01-10", "verified", "closed"),
        ("2026-01-20", "closed", "reopened"),
        ("2026-02-05", "reopened", "closed"),
    )
    world.enter(ours, "nonconformances", "nonconformance", "NC-1", "closed", "2026-01-01", "2026-02-05",
                steps=reopened, area="Lab", detected_at_stage="final", cost=100, currency="EUR")  # fmt: skip
    world.enter(ours, "nonconformances", "nonconformance", "NC-2", "cancelled", "2026-01-05", "2026-01-25",
                steps=(("2026-01-25", "open", "cancelled"),), area="Lab", detected_at_stage="field")  # fmt: skip
    world.enter(ours, "nonconformances", "nonconformance", "NC-3", "closed", "2026-01-02", "2026-01-04", area="Line 1",
                detected_at_stage="field", cost=50, currency="EUR")  # fmt: skip
    for number, made in (("SC-1", "2026-01-20"), ("SC-2", "2026-02-10")):
        world.enter(ours, "scars", "scar", number, "response", "2026-01-01", steps=((made, "issued", "response"),),
                    response_due_on="2026-01-31")  # fmt: skip
    held = world.enter(ours, "audits", "audit", "AU-1", "closed", "2026-01-01", "2026-01-30", planned_to="2026-01-15",
                       area="Stores")  # fmt: skip
    world.enter(ours, "audits", "audit", "AU-2", "closed", "2026-01-01", "2026-01-30", planned_to="2026-01-16")
    world.enter(ours, "audits", "audit", "AU-3", "planned", "2026-01-01", planned_to="2026-01-17")
    for number in range(3):
        world.enter(ours, "findings", "finding", f"AF-{number}", "open", "2026-01-15", audit_id=str(held),
                    grade="minor")  # fmt: skip
    document = world.enter(ours, "documents", "document", "SOP-1", "effective", "2026-01-01", document_number="SOP-1",
                           is_effective=True, training_required=True, editors=[])  # fmt: skip
    person = str(world.tenants.ours.user_id)
    for number, done in enumerate(("2026-01-10", "2026-01-25", None)):
        world.enter(ours, "trainings", "training", f"TR-{number}", "completed" if done else "assigned", "2026-01-01",
                    done, "2026-01-20", document_id=str(document), trainee_id=person, completed_on=done)  # fmt: skip
    for number in range(7):
        world.enter(theirs, "nonconformances", "nonconformance", f"NC-{number}", "open", "2026-01-03", area="Lab",
                    detected_at_stage="field", cost=9, currency="USD")  # fmt: skip


def row_of(report: MetricsReport, name: str) -> dict[str, Any]:
    (found,) = [row for row in report.values[1:] if row[0] == name]
    return dict(zip(report.values[0], found, strict=True))


OPEN_ON = """
    SELECT count(*) AS n FROM qms.quality_items AS i
    WHERE i.category = 'nonconformance' AND i.created_at < '{day}'::date + 1 AND NOT EXISTS (
        SELECT FROM (
            SELECT t.to_state FROM qms.transitions AS t
            WHERE t.record_id = i.id AND t.created_at < '{day}'::date + 1 ORDER BY t.created_at DESC LIMIT 1
        ) AS last WHERE last.to_state IN ('closed', 'cancelled')
    ) AND NOT (
        i.closed_at < '{day}'::date + 1 AND NOT EXISTS (SELECT FROM qms.transitions AS t WHERE t.record_id = i.id)
    )
"""


@pytest.mark.parametrize(
    ("day", "behind"),
    [
        ("2026-01-09", ["NC-1", "NC-2"]),
        ("2026-01-15", ["NC-2"]),  # NC-1 is closed for the first time
        ("2026-01-24", ["NC-1", "NC-2"]),  # and open again
        ("2026-01-30", ["NC-1"]),  # NC-2 was cancelled
        ("2026-02-05", []),
    ],
)
async def test_what_was_open_on_a_day_goes_by_the_transitions(world: World, day: str, behind: list[str]) -> None:
    found = await world.ask("ageing", types=["nonconformance"], as_of=date.fromisoformat(day))
    assert (found.records or {}).get("ageing", []) == behind
    async with world.database.transaction(world.tenants.ours, read_only=True) as transaction:
        counted = await transaction.fetch_dicts(
            Query("test", OPEN_ON.format(day=day))  # pyright: ignore[reportArgumentType]
        )
    assert counted == [{"n": len(behind)}]


async def test_the_state_is_that_of_the_day(world: World) -> None:
    found = await world.ask("reported", types=["nonconformance"], as_of=date(2026, 1, 22), by="state")
    assert found.groups
    assert {row[0]: row[1] for row in found.groups["reported"][1:]} == {"reopened": 1, "open": 1, "closed": 1}


async def test_a_record_that_was_closed_twice_counts_in_the_window_of_each_closing_as_it_stood_then(
    world: World,
) -> None:
    january = await world.ask("cycle_time", types=["nonconformance"], since=date(2026, 1, 1), until=date(2026, 1, 12),
                              as_of=date(2026, 1, 12))  # fmt: skip
    assert (row_of(january, "cycle_time")["n"], row_of(january, "cycle_time")["value"]) == (2, 5.5)
    now = await world.ask("cycle_time", types=["nonconformance"], since=date(2026, 2, 1), until=date(2026, 2, 28))
    assert (row_of(now, "cycle_time")["n"], row_of(now, "cycle_time")["value"]) == (1, 35)


async def test_escapes_and_costs_are_of_this_organization_and_of_nothing_cancelled(world: World) -> None:
    ours = await world.ask("escape_rate", "cost_of_quality")
    assert (row_of(ours, "escape_rate")["numerator"], row_of(ours, "escape_rate")["denominator"]) == (1, 2)
    cost = row_of(ours, "cost_of_quality")
    assert (cost["value"], cost["unit"], cost["detail"]["external"]) == (150, "EUR", 50)
    theirs = await world.ask("escape_rate", "cost_of_quality", theirs=True)
    assert (row_of(theirs, "escape_rate")["denominator"], row_of(theirs, "cost_of_quality")["value"]) == (7, 63)


async def test_a_supplier_answers_on_the_day_the_record_came_to_its_response(world: World) -> None:
    found = row_of(await world.ask("scar_response"), "scar_response")
    assert (found["numerator"], found["denominator"], found["detail"]["days_median"]) == (1, 2, 29.5)
    assert (await world.ask("scar_response")).records == {"scar_response": ["SC-2"]}


async def test_an_audit_without_a_finding_counts_and_a_finding_has_the_area_of_its_audit(world: World) -> None:
    found = await world.ask("findings_per_audit", by="area", since=date(2026, 1, 1), until=date(2026, 1, 31))
    row = row_of(found, "findings_per_audit")
    assert (row["value"], row["numerator"], row["denominator"]) == (1.5, 3, 2)
    assert found.groups
    assert found.groups["findings_per_audit"][1][:3] == ["Stores", 3, 1]


async def test_training_by_document_says_what_was_done_in_time(world: World) -> None:
    found = await world.ask("training", by="document")
    row = row_of(found, "training_compliance")
    assert (row["numerator"], row["denominator"]) == (2, 3)
    assert row["detail"] == {"assigned": 3, "done_in_time": 1, "overdue": 1, "not_yet_due": 0}
    assert found.groups
    assert [one[0] for one in found.groups["training_compliance"][1:]] == ["SOP-1"]


async def test_units_are_read_from_sql_as_the_caller_and_a_recomputation_is_the_same(world: World) -> None:
    units = Source(sql="SELECT 1000 * count(*) AS received, 1 AS rejected FROM qms.quality_items "
                       "WHERE category = 'nonconformance'")  # fmt: skip
    found = await world.ask("supplier_ppm", volumes=units)
    assert row_of(found, "supplier_ppm")["denominator"] == 3000
    assert found.provenance
    again = await world.workbench.recompute(world.tenants.ours, found.provenance.calculation)
    assert again.same, again.headline
