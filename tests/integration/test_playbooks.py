"""What agents find without a model is true: each finding is held against figures counted in another way."""

from collections.abc import AsyncGenerator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from qms_mcp.agents.definition import Task
from qms_mcp.agents.outputs import AgentOutput, Finding
from qms_mcp.agents.playing import PlaybookWorker
from qms_mcp.agents.roster import roster
from qms_mcp.agents.working import AgentResult
from qms_mcp.auth.principal import Principal
from qms_mcp.db.database import Database
from qms_mcp.db.embedded import EmbeddedPostgres
from qms_mcp.db.local_owner import LOCAL_OWNER_ID
from qms_mcp.db.queries import Query
from qms_mcp.demo.company import HALDEN
from qms_mcp.demo.load import load_companies
from qms_mcp.services.imports.maps import load_map
from qms_mcp.services.imports.service import Imports
from tests.conftest import add_person, copied_database, wiring_for
from tests.support.agent_calls import ClientCalls
from tests.support.in_process import client_for
from tests.support.real_events import events_file

pytestmark = pytest.mark.anyio
REVIEW = "Prepare the weekly quality review."
OWNER = Principal(LOCAL_OWNER_ID, HALDEN.organization_id, frozenset({"owner", "admin"}), "agent")
DRAFT = {
    "name": "note_colour",
    "script": "ALTER TABLE qms.record_notes ADD COLUMN colour text;",
    "reason": "A test wants a draft that waits.",
}
RATED = Query(
    "test",
    "INSERT INTO ml_loop.feedback_loop (organization_id, source, score, record_id) "
    "SELECT %(organization_id)s, 'user', s.score, i.id FROM (VALUES (0.2), (0.4)) AS s (score), "
    "(SELECT q.id FROM qms.quality_items AS q WHERE q.organization_id = %(organization_id)s LIMIT 1) AS i",
)


@dataclass(frozen=True)
class World:
    """A database with both demo companies in it."""

    database: Database
    home: Path

    async def count(self, sql: str, principal: Principal = OWNER) -> Any:
        """Return the one value a statement gives, counted as the owner of the organization sees it."""
        (row,) = await self.rows(sql, principal)
        (value,) = row.values()
        return value

    async def rows(self, sql: str, principal: Principal = OWNER) -> list[dict[str, Any]]:
        async with self.database.transaction(principal, read_only=True) as transaction:
            return await transaction.fetch_dicts(Query("test", sql))  # pyright: ignore[reportArgumentType]

    async def play(self, agent: str, *, principal: Principal = OWNER, **asked: Any) -> tuple[AgentResult, ClientCalls]:
        """Let an agent work by its playbook, with the tools it may always use."""
        definition = roster()[agent]
        async with client_for(self.database, principal, self.home) as client:
            calls = ClientCalls(client, definition.reads)
            task = Task("t1", agent, asked.pop("request", REVIEW), **asked)
            worker = PlaybookWorker(definition, task, calls)
            assert await worker.turn()
        return worker.result(), calls


@pytest.fixture(scope="module")
async def world(
    embedded: EmbeddedPostgres, template: str, tmp_path_factory: pytest.TempPathFactory
) -> AsyncGenerator[World]:
    with copied_database(embedded, template) as name:
        database = Database(wiring_for(embedded, name))
        await database.open()
        await load_companies(database)
        here = World(database, tmp_path_factory.mktemp("home"))
        async with client_for(database, OWNER, here.home) as client:
            drafted = await client.call_tool("create_migration", DRAFT)
            assert not drafted.is_error, drafted.content
            for number in range(5):
                await client.call_tool("get_record", {"record": f"CAPA-1999-{number:04}"})  # there is none: it fails
        async with database.transaction(OWNER) as transaction:
            await transaction.execute(RATED, {"organization_id": OWNER.organization_id})
        yield here
        await database.close()


@pytest.fixture(scope="module")
async def played(world: World) -> Mapping[str, tuple[AgentResult, ClientCalls]]:
    """The whole work of every agent on the demo company, once."""
    return {agent: await world.play(agent) for agent in roster()}


def output_of(played: Mapping[str, tuple[AgentResult, ClientCalls]], agent: str) -> AgentOutput:
    output = played[agent][0].output
    assert output is not None
    return output


def measured(output: AgentOutput, subject: str, measure: str) -> Finding:
    """The one finding about something."""
    (found,) = [one for _, one in output.findings() if (one.subject, one.measure) == (subject, measure)]
    return found


# What holds of all ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("agent", roster())
async def test_every_finding_cites_a_call_that_was_made_and_records_that_exist(
    world: World, played: Mapping[str, tuple[AgentResult, ClientCalls]], agent: str
) -> None:
    result, calls = played[agent]
    assert (result.status, result.model, result.error) == ("completed", "playbook", "")
    assert result.tool_calls == len(calls.made) <= roster()[agent].limits.tool_calls
    output = output_of(played, agent)
    findings = [finding for _, finding in output.findings()]
    assert len(findings) >= 5
    assert [one.statement for one in findings if one.statement.startswith("Could not be checked")] == []
    assert [one for one in findings if not (one.subject and one.measure and one.value)] == []
    assert {label for one in findings for label in one.evidence.calls} <= set(calls.answers)
    assert all(one.evidence.calls for one in findings)
    known = {row["number"] for row in await world.rows("SELECT i.number FROM qms.quality_items AS i")}
    assert {number for one in findings for number in one.evidence.records} <= known
    assert "complian" not in f"{output.summary} {findings}".lower()


# Each agent on the demo company --------------------------------------------------------------------------------------


async def test_the_schema_agent_finds_every_foreign_key_without_an_index_and_the_draft_that_waits(
    world: World, played: Mapping[str, tuple[AgentResult, ClientCalls]]
) -> None:
    output = output_of(played, "schema")
    bare = await world.count(
        "SELECT count(*) FROM pg_catalog.pg_class AS c "
        "INNER JOIN pg_catalog.pg_namespace AS n ON c.relnamespace = n.oid "
        "WHERE c.relkind IN ('r', 'p') AND NOT c.relforcerowsecurity AND n.nspname IN ('qms', 'agents', 'ml_loop') "
        "AND EXISTS (SELECT FROM pg_catalog.pg_attribute AS a "
        "WHERE a.attrelid = c.oid AND a.attname = 'organization_id')"
    )
    assert (bare, measured(output, "tables", "without forced row security").value) == (0, "0")
    unindexed = await world.rows(
        "SELECT k.conname FROM pg_catalog.pg_constraint AS k "
        "WHERE k.contype = 'f' AND k.conrelid = 'qms.capas'::regclass "
        "AND NOT EXISTS (SELECT FROM pg_catalog.pg_index AS i WHERE i.indrelid = k.conrelid "
        "AND i.indkey[0] = k.conkey[1] AND (cardinality(k.conkey) = 1 OR i.indkey[1] = k.conkey[2]))"
    )
    lint = measured(output, "foreign key index", "cases")
    assert len(unindexed) == 1
    assert int(lint.value) > len(unindexed)
    draft = measured(output, "migration note_colour", "state")
    assert (draft.value, draft.severity) == ("draft", "minor")
    assert measured(output, "migrations", "waiting drafts").value == "1"


async def test_a_table_that_is_open_to_all_is_critical(world: World) -> None:
    async with world.database.owner_transaction() as transaction:
        await transaction.connection.execute(
            b"CREATE TABLE qms.loose (organization_id uuid, note text); GRANT SELECT ON qms.loose TO qms_app"
        )
    try:
        result, calls = await world.play("schema", subject="qms.loose")
    finally:
        async with world.database.owner_transaction() as transaction:
            await transaction.connection.execute(b"DROP TABLE qms.loose")
    assert result.output is not None
    open_to_all = measured(result.output, "qms.loose", "without forced row security")
    assert (open_to_all.severity, open_to_all.value) == ("critical", "1")
    assert measured(result.output, "qms.loose", "primary key").value == "none"
    assert measured(result.output, "qms.loose", "columns").value == "2"
    assert [tool for tool, _ in calls.made] == ["check_rls", "describe_table"]


async def test_the_data_agent_counts_what_open_records_lack(
    world: World, played: Mapping[str, tuple[AgentResult, ClientCalls]]
) -> None:
    output = output_of(played, "data")
    orphans = await world.rows(
        "SELECT i.number FROM qms.quality_items AS i WHERE i.closed_at IS NULL AND i.owner_id IS NULL"
    )
    lacking = measured(output, "open records", "without owner")
    assert int(lacking.value) == len(orphans) > 0
    assert set(lacking.evidence.records) == {row["number"] for row in orphans}
    assert lacking in output.actions
    unanswered = await world.count(
        "SELECT count(*) FROM qms.nonconformances AS n WHERE n.capa_required AND n.id NOT IN "
        "(SELECT unnest(ARRAY[l.from_id, l.to_id]) FROM qms.record_links AS l INNER JOIN qms.capas AS c "
        "ON c.id IN (l.from_id, l.to_id))"
    )
    missing = measured(output, "nonconformance", "missing link: capa_required is set, but no CAPA is linked")
    assert (int(missing.value), missing.severity) == (unanswered, "major")
    assert measured(output, "records", "impossible dates").value == "0"
    (twin, *_) = [one for one in output.insights if one.measure == "same text"]
    texts = await world.rows(
        "SELECT DISTINCT lower(i.title) AS title, lower(i.description) AS description FROM qms.quality_items AS i "
        f"WHERE i.number = ANY ('{{{','.join(twin.evidence.records)}}}')"
    )
    assert len(texts) == 1
    assert twin.confidence < 1


async def test_the_quality_agent_finds_what_is_late_and_what_waits_for_a_decision_on_reporting(
    world: World, played: Mapping[str, tuple[AgentResult, ClientCalls]]
) -> None:
    output = output_of(played, "qa")
    overdue = await world.count(
        "SELECT count(*) FROM qms.quality_items AS i WHERE i.due_date < clock_timestamp() AND i.closed_at IS NULL"
    )
    assert int(measured(output, "records", "overdue").value) == overdue > 50
    capas = await world.rows(
        "SELECT i.number FROM qms.quality_items AS i WHERE i.category = 'capa' AND i.closed_at IS NULL "
        "AND i.due_date < clock_timestamp() ORDER BY i.due_date"
    )
    late = measured(output, "CAPA", "overdue")
    assert (int(late.value), late.evidence.records) == (len(capas), [capas[0]["number"]])
    undecided = await world.rows(
        "SELECT i.number FROM qms.complaints AS c INNER JOIN qms.quality_items AS i USING (id) "
        "WHERE i.status <> 'closed' AND c.reportable IS NULL AND c.aware_on < current_date - 30"
    )
    waiting = measured(output, "complaint", "undecided on reporting after 30 days")
    assert set(waiting.evidence.records) == {row["number"] for row in undecided}
    assert measured(output, "audit trail", "intact").value == "yes"
    assert measured(output, "ISO 13485:2016", "clauses without evidence").severity in {"minor", "major"}
    assert output.actions[0].severity in {"critical", "major"}


async def test_the_quality_agent_looks_at_the_record_it_is_asked_about(world: World) -> None:
    (capa,) = await world.rows(
        "SELECT i.number, i.status, (current_timestamp - i.due_date) AS late FROM qms.quality_items AS i "
        "WHERE i.category = 'capa' AND i.closed_at IS NULL AND i.due_date < now() - interval '40 days' "
        "ORDER BY i.due_date LIMIT 1"
    )
    result, calls = await world.play("qa", subject=capa["number"], request="Investigate this.")
    assert result.output is not None
    assert measured(result.output, capa["number"], "state").value == capa["status"]
    days = measured(result.output, capa["number"], "days overdue")
    assert (int(days.value), days.severity) == (capa["late"].days, "major")
    missing = measured(result.output, capa["number"], "missing link")
    assert missing.evidence.records == [capa["number"]]
    asked_about = {
        argument for _, arguments in calls.made for argument in arguments.values() if isinstance(argument, str)
    }
    assert asked_about == {capa["number"]}
    assert {tool for tool, _ in calls.made} >= {"get_record", "check_quality", "trace_record", "check_compliance"}


async def test_a_record_that_does_not_exist_could_not_be_checked(world: World) -> None:
    result, _ = await world.play("qa", subject="CAPA-1999-0001", request="Investigate this.")
    assert (result.status, result.transient) == ("failed", False)
    assert result.output is not None
    assert measured(result.output, "CAPA-1999-0001", "check").value == "not done"


async def test_the_analytics_agent_computes_ages_months_and_repetition(
    world: World, played: Mapping[str, tuple[AgentResult, ClientCalls]]
) -> None:
    output = output_of(played, "analytics")
    ages = await world.rows(
        "SELECT (now() - i.created_at) AS age FROM qms.quality_items AS i WHERE i.category = 'capa' "
        "AND i.closed_at IS NULL ORDER BY i.created_at"
    )
    days = sorted(row["age"].total_seconds() / 86_400 for row in ages)
    middle = (days[(len(days) - 1) // 2] + days[len(days) // 2]) / 2
    assert int(measured(output, "CAPA", "median days open").value) == pytest.approx(middle, abs=0.6)
    last_month = await world.count(
        "SELECT count(*) FROM qms.complaints AS c WHERE to_char(c.received_on, 'YYYY-MM') = "
        "to_char(date_trunc('month', now() AT TIME ZONE 'UTC') - interval '1 day', 'YYYY-MM')"
    )
    (newest,) = [one for one in output.insights if one.subject == "complaint" and one.measure.startswith("events in ")]
    assert int(newest.value) == last_month
    repeated = next(one for one in output.insights if one.measure == "complaints in a year")
    counted = await world.count(
        f"SELECT count(*) FROM qms.complaints AS c WHERE c.product = '{repeated.subject}' "
        "AND c.received_on > (SELECT max(m.received_on) - 365 FROM qms.complaints AS m)"
    )
    assert int(repeated.value) == counted >= 3
    causes = await world.rows(
        "SELECT n.cause_category, count(*) AS n FROM qms.nonconformances AS n GROUP BY 1 ORDER BY 2 DESC"
    )
    top = f"{causes[0]['cause_category']} {causes[0]['n']}"
    assert measured(output, "nonconformance by cause", "most frequent").value == top


async def test_analytics_cautions_where_the_data_agent_found_something_grave(
    world: World, played: Mapping[str, tuple[AgentResult, ClientCalls]]
) -> None:
    before = output_of(played, "data")
    result, _ = await world.play("analytics", inputs={"data": before})
    assert result.output is not None
    caution = measured(result.output, "figures", "findings on their data")
    grave = sum(finding.severity in {"critical", "major"} for _, finding in before.findings())
    assert int(caution.value) == grave > 0


async def test_the_evaluation_agent_sees_the_calls_that_failed_and_the_low_ratings(
    world: World, played: Mapping[str, tuple[AgentResult, ClientCalls]]
) -> None:
    output = output_of(played, "ml_eval")
    failed = await world.count(
        "SELECT count(*) FROM agents.tool_calls AS t WHERE t.tool_name = 'get_record' AND t.success IS FALSE "
        "AND t.error_code = 'not_found' AND t.tool_input ->> 'record' LIKE 'CAPA-1999-000%%'"
    )
    assert failed >= 5
    seen = measured(output, "error not_found", "calls in thirty days")
    assert int(seen.value) >= 5
    (told,) = [one for one in output.insights if (one.subject, one.measure) == ("get_record", "failed in thirty days")]
    assert int(told.value) == 5
    assert measured(output, "answers", "mean rating from user").value == "0.3"
    assert measured(output, "answers", "mean rating from user").severity == "major"


async def test_the_feedback_agent_names_what_waits_for_an_answer_and_what_repeats(
    world: World, played: Mapping[str, tuple[AgentResult, ClientCalls]]
) -> None:
    output = output_of(played, "feedback")
    waiting = await world.rows(
        "SELECT i.number FROM qms.quality_items AS i INNER JOIN qms.complaints AS c USING (id) "
        "WHERE i.closed_at IS NULL AND c.replied_on IS NULL AND age(current_date, c.received_on) > interval '30 days' "
        "AND c.received_on < current_date - 30"
    )
    unanswered = measured(output, "complaint", "without reply after thirty days")
    assert set(unanswered.evidence.records) == {row["number"] for row in waiting}
    assert unanswered.severity == "major"
    themes = [one for one in output.insights if one.subject.startswith("theme ") and one.measure == "complaints"]
    assert len(themes) >= 2
    for theme in themes:
        titles = await world.rows(
            "SELECT i.title FROM qms.quality_items AS i "
            f"WHERE i.number = ANY ('{{{','.join(theme.evidence.records)}}}')"
        )
        assert len(titles) == min(int(theme.value), 20) >= 3
        words = theme.subject.removeprefix("theme ").split()
        assert all(word in row["title"].lower() for row in titles for word in words)
    classified = [one for one in output.insights if one.measure == "classified"]
    assert sum(int(one.value) for one in classified) == await world.count(
        "SELECT least(50, count(*)) FROM qms.complaints"
    )


# Other organizations -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("agent", ["data", "qa", "analytics", "feedback", "ml_eval"])
async def test_an_organization_without_records_has_nothing_grave_and_nothing_of_another(
    world: World, agent: str
) -> None:
    newcomer = await add_person(world.database, uuid4(), f"empty-{agent.replace('_', '-')}", "owner", "qa_approver")
    result, _ = await world.play(agent, principal=newcomer)
    assert result.output is not None
    assert result.status == "completed"
    grave = [one for _, one in result.output.findings() if one.severity in {"critical", "major"}]
    assert {one.measure for one in grave} <= {"clauses without evidence"}
    assert [one.evidence.records for _, one in result.output.findings() if one.evidence.records] == []


@pytest.fixture(scope="module")
async def real(world: World) -> Principal:
    """An organization with a part of the real events."""
    files = {"maude_event": "maude_bone_cement_2017.csv", "nhtsa_complaint": "nhtsa_complaints.jsonl"}
    paths = {named: events_file(name) for named, name in files.items()}
    person = await add_person(world.database, uuid4(), "real", "owner", "qa_approver")
    for named, path in paths.items():
        await Imports(world.database, person).run(path, load_map(named), limit=40)
    return person


async def test_of_real_events_each_agent_finds_something_true(world: World, real: Principal) -> None:
    outputs: dict[str, AgentOutput] = {}
    for agent in ("data", "qa", "analytics", "feedback"):
        result, _ = await world.play(agent, principal=real)
        assert (result.status, result.output is not None) == ("completed", True)
        outputs[agent] = result.output or pytest.fail("it has an answer")
        assert "Could not be checked" not in str(outputs[agent])
    whole = await world.count("SELECT count(*) FROM qms.complaints", real)
    assert whole == int(measured(outputs["feedback"], "complaint", "count").value) == 80
    hurt = await world.rows(
        "SELECT i.number FROM qms.complaints AS c INNER JOIN qms.quality_items AS i USING (id) "
        "WHERE c.event_type = 'serious_injury'",
        real,
    )
    injuries = measured(outputs["feedback"], "complaint", "event type serious injury")
    assert int(injuries.value) == len(hurt) > 2
    assert set(injuries.evidence.records) <= {row["number"] for row in hurt}
    undecided = await world.count("SELECT count(*) FROM qms.complaints AS c WHERE c.reportable IS NULL", real)
    assert int(measured(outputs["qa"], "complaint", "undecided on reporting").value) == undecided == 80
    unowned = await world.count("SELECT count(*) FROM qms.quality_items AS i WHERE i.owner_id IS NULL", real)
    lacking = [one for _, one in outputs["data"].findings() if one.measure == "without owner"]
    assert sum(int(one.value) for one in lacking) == unowned
    product = next(one for one in outputs["analytics"].insights if one.measure == "complaints in a year")
    named = await world.count(
        "SELECT count(*) FROM qms.complaints AS c WHERE c.product = "
        f"'{product.subject}' AND c.received_on > (SELECT max(m.received_on) - 365 FROM qms.complaints AS m)",
        real,
    )
    assert int(product.value) == named >= 3
