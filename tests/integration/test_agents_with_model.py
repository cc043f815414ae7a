"""The six agents with a model, through dispatches on a real database: what they find, what it costs, how they fail."""

import json
import socket
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest

from qms_mcp.agents.claude.access import ClaudeAccess
from qms_mcp.agents.roster import roster
from qms_mcp.db.database import Database
from qms_mcp.db.embedded import EmbeddedPostgres
from qms_mcp.demo.load import load_companies
from qms_mcp.dispatch.run import API_AWAY
from qms_mcp.dispatch.tracing import agent_span_id, dispatch_span_id
from qms_mcp.services.dispatch.models import AskedTask, DispatchReport
from qms_mcp.settings import Settings
from tests.conftest import copied_database, wiring_for
from tests.support.agent_world import (
    OWNER,
    AgentWorld,
    Read,
    Role,
    agents_at_work,
    answers,
    competent,
    finding,
    findings_of,
    use,
)
from tests.support.claude_stub import Block, Said, by_turn, calls_badly, refuses, says
from tests.support.claude_world import certificates
from tests.support.dispatching import Rows

pytestmark = pytest.mark.anyio

_HERE = f"organization_id = '{OWNER.organization_id}'"


@pytest.fixture(scope="module")
async def world(
    embedded: EmbeddedPostgres, template: str, tmp_path_factory: pytest.TempPathFactory
) -> AsyncGenerator[AgentWorld]:
    with copied_database(embedded, template) as name:
        database = Database(wiring_for(embedded, name))
        await database.open()
        await load_companies(database)
        rows = Rows(embedded.conninfo(name, "postgres"))
        async with agents_at_work(database, tmp_path_factory.mktemp("agents"), rows) as here:
            yield here
        await database.close()


# What each agent finds ------------------------------------------------------------------------------------------------

CAUSES = "SELECT n.cause_category, count(*) AS n FROM qms.nonconformances AS n GROUP BY 1 ORDER BY 2 DESC LIMIT 1"
UNOWNED = "SELECT i.number FROM qms.quality_items AS i WHERE i.closed_at IS NULL AND i.owner_id IS NULL ORDER BY 1"
CALLED = "SELECT count(*) AS n FROM qms.quality_items AS i WHERE i.category = 'document'"
MIGRATIONS = len(list(Path("sql/migrations").glob("*.sql")))
LOOKS: Mapping[str, Sequence[Block]] = {
    "schema": [use("check_rls", limit=1), use("list_tables", schema="qms", limit=1), use("list_migrations", limit=1)],
    "data": [use("execute_query", statement=UNOWNED), use("list_records", limit=1)],
    "qa": [use("list_records", category="capa", show="overdue", sort="due", limit=2), use("verify_audit_trail")],
    "analytics": [use("execute_query", statement=CAUSES), use("list_records", category="nonconformance", limit=1)],
    "ml_eval": [use("index_status"), use("execute_query", statement=CALLED)],
    "feedback": [
        use("list_records", category="complaint", show="open", limit=2),
        use("classify_feedback", texts=["The clip broke and cut a nurse's hand.", "Thank you, all is fine."]),
    ],
}


def numbers_of(one: Read) -> list[str]:
    """Return the numbers of the records a list names."""
    return [record["citation"].split()[0] for record in one.content["records"]]


def of_schema(seen: list[Read]) -> list[Block]:
    security, tables, migrations = (one.content for one in seen)
    return answers(
        finding(
            f"Row security of {security['total_tables']} tables was looked at.", "c1",
            subject="tables", measure="count", value=str(security["total_tables"]),
        ),
        finding(f"The schema has {tables['total']} tables.", "c2", subject="qms", value=str(tables["total"])),
        finding(f"{migrations['total']} migrations are there.", "c3", subject="all", value=str(migrations["total"])),
    )  # fmt: skip


def of_data(seen: list[Read]) -> list[Block]:
    numbers = [row[0] for row in seen[0].content["rows"]]
    whole = seen[1].content["total"]
    return answers(
        finding(f"Of {whole} records there is an overview.", "c2", subject="records", value=str(whole)),
        actions=[
            finding(
                f"{len(numbers)} open records have nobody they belong to.", "c1", records=numbers,
                subject="open records", measure="without owner", value=str(len(numbers)), severity="major",
            )
        ],
    )  # fmt: skip


def of_qa(seen: list[Read]) -> list[Block]:
    late, trail = seen
    return answers(
        finding(
            f"{late.content['total']} CAPAs are late.", "c1", records=numbers_of(late),
            subject="CAPA", measure="overdue", value=str(late.content["total"]), severity="major",
        ),
        finding(f"All {trail.content['entries']} entries of the trail follow each other: {trail.content['intact']}.",
                "c2", subject="audit trail", measure="entries", value=str(trail.content["entries"])),
    )  # fmt: skip


def of_analytics(seen: list[Read]) -> list[Block]:
    (cause, count), *_ = seen[0].content["rows"]
    statement = f"Most nonconformances, {count} of {seen[1].content['total']}, come from {cause}."
    return answers(finding(statement, "c1", "c2", subject="cause", measure="most frequent", value=f"{cause} {count}"))


def of_evaluation(seen: list[Read]) -> list[Block]:
    indexed = sum(seen[0].content["sources"].values())
    count = seen[1].content["rows"][0][0]
    return answers(
        finding(f"The index holds {indexed} sources.", "c1", subject="index", measure="sources", value=str(indexed)),
        finding(f"There are {count} documents.", "c2", subject="documents", measure="count", value=str(count)),
    )


def of_feedback(seen: list[Read]) -> list[Block]:
    waiting, classes = seen
    return answers(
        finding(f"{waiting.content['total']} complaints wait to be closed.", "c1", records=numbers_of(waiting),
                subject="complaint", measure="open", value=str(waiting.content["total"])),
        finding(f"Of two remarks {classes.content['counts']['safety']} is about safety.", "c2",
                subject="remarks", measure="safety", value=str(classes.content["counts"]["safety"])),
    )  # fmt: skip


CONCLUSIONS: Mapping[str, Callable[[list[Read]], list[Block]]] = {
    "schema": of_schema, "data": of_data, "qa": of_qa, "analytics": of_analytics, "ml_eval": of_evaluation,
    "feedback": of_feedback,
}  # fmt: skip


@pytest.fixture(scope="module")
async def six(world: AgentWorld) -> DispatchReport:
    """All six at once, on the demo company."""
    return await world.done(
        *(world.asks(agent, competent(LOOKS[agent], conclude)) for agent, conclude in CONCLUSIONS.items()), at_once=6
    )


def by_subject(report: DispatchReport) -> dict[tuple[str, str], dict[str, Any]]:
    return {(item.get("subject", ""), item.get("measure", "")): item for item in findings_of(report)}


async def test_what_six_agents_say_of_the_company_is_what_the_database_says(
    world: AgentWorld, six: DispatchReport
) -> None:
    assert six.status == "completed", six
    assert {each.agent: each.state for each in six.agents} == dict.fromkeys(roster(), "done")
    found = by_subject(six)
    count = world.rows.value
    unowned = [row["number"] for row in world.rows.fetch(
        f"SELECT number FROM qms.quality_items WHERE {_HERE} AND owner_id IS NULL AND closed_at IS NULL"
    )]  # fmt: skip
    late = count(
        f"SELECT count(*) FROM qms.quality_items WHERE {_HERE} AND category = 'capa' AND closed_at IS NULL "
        "AND due_date < now()"
    )
    machine = world.rows.fetch(
        f"SELECT cause_category AS cause, count(*) AS n FROM qms.nonconformances WHERE {_HERE} GROUP BY 1 "
        "ORDER BY 2 DESC LIMIT 1"
    )[0]
    waiting = count(
        f"SELECT count(*) FROM qms.quality_items WHERE {_HERE} AND category = 'complaint' AND closed_at IS NULL"
    )
    documents = count(f"SELECT count(*) FROM qms.quality_items WHERE {_HERE} AND category = 'document'")
    sources = count(f"SELECT count(*) FROM search.sources WHERE {_HERE}")
    tables = count(
        "SELECT count(*) FROM pg_class WHERE relkind IN ('r', 'p', 'v', 'm') AND relnamespace = 'qms'::regnamespace"
    )
    assert found["open records", "without owner"]["value"] == str(len(unowned)) != "0"
    assert set(found["open records", "without owner"]["sources"][0]["records"]) == set(unowned)
    assert found["CAPA", "overdue"]["value"] == str(late) != "0"
    assert found["cause", "most frequent"]["value"] == f"{machine['cause']} {machine['n']}"
    assert found["complaint", "open"]["value"] == str(waiting) != "0"
    assert found["documents", "count"]["value"] == str(documents)
    assert found["index", "sources"]["value"] == str(sources)
    assert (found["qms", ""]["value"], found["all", ""]["value"]) == (str(tables), str(MIGRATIONS))
    assert found["remarks", "safety"]["value"] == "1"


async def test_evidence_is_traced_to_the_calls_that_were_made_and_the_records_there_are(
    world: AgentWorld, six: DispatchReport
) -> None:
    assert six.result is not None
    assert six.result["tally"]["unsupported"] == 0
    assert [item for item in findings_of(six) if item.get("unsupported") or item.get("invalid")] == []
    made = {str(call["id"]): call for call in world.calls(six)}
    for item in findings_of(six):
        for source in item["sources"]:
            assert source["calls"], item
            assert {made[call]["task_key"] for call in source["calls"]} == {source["key"]}
    assert {call["tool_name"] for call in made.values()} == {one["name"] for look in LOOKS.values() for one in look}
    assert all((call["actor_kind"], call["success"]) == ("agent", True) for call in made.values())
    assert all(call["organization_id"] == OWNER.organization_id for call in made.values())


async def test_what_each_agent_cost_is_in_its_run_and_in_the_report(world: AgentWorld, six: DispatchReport) -> None:
    price = {"opus": (5, 25), "sonnet": (3, 15), "haiku": (1, 5)}
    for each in six.agents:
        run = world.run(six, each.key)
        usage = run["token_usage"]
        assert usage["requests"] == each.turns == 2
        assert usage["cache_write"] > 1_000, usage
        assert usage["cache_read"] > 1_000, usage  # the second request finds the first in the cache
        tier = roster()[each.agent].tier  # pyright: ignore[reportArgumentType]
        assert tier in run["model"]
        into, out = price[tier]
        usd = (
            usage["input"] * into + usage["cache_write"] * into * 1.25 + usage["cache_read"] * into * 0.1
            + usage["output"] * out
        ) / 1e6  # fmt: skip
        assert float(run["cost_usd"]) == pytest.approx(usd) == pytest.approx(each.spent_usd, abs=1e-6)
        tokens = sum(usage[part] for part in ("input", "output", "cache_read", "cache_write", "cache_write_1h"))
        assert each.spent_tokens == tokens
        assert run["agent_version"] == roster()[each.agent].version  # pyright: ignore[reportArgumentType]
        assert each.tool_calls == len(LOOKS[each.agent])
    assert six.spend is not None
    assert six.spend.spent_tokens == sum(each.spent_tokens for each in six.agents)
    assert six.spend.spent_usd == pytest.approx(sum(each.spent_usd for each in six.agents), abs=1e-5)
    assert six.spend.reserved_tokens == 0


async def test_every_span_is_on_its_way_to_langfuse_as_one_tree(world: AgentWorld, six: DispatchReport) -> None:
    assert six.id is not None
    statement = (
        "SELECT t.*, (SELECT count(*) FROM agents.otlp_outbox AS o WHERE o.span_id = t.id) AS outgoing, "
        "(SELECT count(*) FROM agents.otlp_outbox AS o INNER JOIN agents.tool_calls AS c ON c.id = o.call_id "
        "WHERE c.trace_id = t.id) AS outgoing_calls FROM agents.agent_traces AS t"
    )
    spans = {str(row["id"]): row for row in world.rows.fetch(statement)}
    inner: dict[str, list[dict[str, Any]]] = {}
    for span in spans.values():
        inner.setdefault(str(span["parent_span_id"]), []).append(span)
    top = str(dispatch_span_id(six.id))
    assert (spans[top]["outgoing"], spans[top]["metadata"]["status"]) == (1, "completed")
    runs = world.rows.runs(six.id)
    assert {str(span["id"]) for span in inner[top]} == {str(agent_span_id(run["id"])) for run in runs}
    for run in runs:
        own = str(agent_span_id(run["id"]))
        turns = sorted(inner[own], key=lambda span: span["start_time"])
        assert [(span["span_type"], span["outgoing"]) for span in turns] == [("generation", 1)] * 2
        called = inner[str(turns[0]["id"])]
        assert sorted(span["span_name"] for span in called) == sorted(one["name"] for one in LOOKS[run["agent_type"]])
        assert all(span["outgoing_calls"] == 1 for span in called)
        cost = sum(span["metadata"]["cost_usd"] for span in turns)
        assert cost == pytest.approx(float(run["cost_usd"]))


# How they fail --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Case:
    """A model that goes wrong, and what is to come of it.

    Attributes:
        state: Of the task.
        status: Of its last run.
        error: Words of the error of its first run.
        attempt: In which try it ended.
        requests: That reached the API.
        calls: Tools that were called by the run, as the ledger has them.
        seconds: What it may take.
    """

    agent: str
    role: Role
    state: str = "done"
    status: str = "completed"
    stop: str | None = None
    error: str = ""
    attempt: int = 1
    requests: int = 2
    calls: tuple[str, ...] = ()
    seconds: int | None = None
    playbook: bool = False
    spends: bool = True


FINE = answers(finding("There is something to see."))
LATE = use("list_records", category="capa", show="overdue", limit=1)
UNFIT = says({"summary": "No lists at all."})


def in_order(*turns: Any) -> Role:
    """Return a role that says its turns one after the other, whatever it is asked."""
    left = iter(turns)
    return lambda _body: next(left)


def repeating(last: Sequence[Block]) -> Role:
    """Return a role that makes the same call until it may not call any more."""
    return lambda body: last if body["tool_choice"]["type"] == "none" else [LATE]


CASES: Mapping[str, Case] = {
    "overloaded": Case(
        "qa", in_order(*[refuses(529, "overloaded_error")] * 4), attempt=3, requests=4, playbook=True, spends=False,
        error="overloaded_error (529)",
    ),
    "broken_twice": Case("qa", in_order(refuses(500, "api_error"), FINE)),
    "limited": Case(
        "data", in_order(*[refuses(429, "rate_limit_error", retry_after="0")] * 2, FINE), attempt=2, requests=3,
        error="rate_limit_error (429)",
    ),
    "away_later": Case(
        "qa", in_order([LATE], *[refuses(529, "overloaded_error")] * 2, FINE), attempt=2, requests=4,
        error="overloaded_error (529)",
    ),
    "cut": Case("qa", in_order(Said(FINE, cut_after=6), FINE)),
    "key": Case("qa", in_order(refuses(401, "authentication_error")), state="failed", status="failed", requests=1,
                error="ANTHROPIC_API_KEY", spends=False),
    "badly": Case("qa", in_order(calls_badly("list_records", '{"limit": '), FINE)),
    "unknown": Case("qa", in_order([use("launch_rocket")], FINE), calls=("launch_rocket",)),
    "raising": Case("qa", in_order([use("verify_audit_trail")], FINE), calls=("verify_audit_trail",)),
    "looping": Case("qa", repeating(FINE), status="partial", stop="looping", error="again and again", requests=0),
    "looping_on": Case("qa", repeating(UNFIT), status="partial", stop="looping", error="after 2 repairs", requests=0),
    "repaired": Case("qa", in_order(UNFIT, says("I am sorry."), FINE), requests=3),
    "never_repaired": Case(
        "qa", lambda _body: UNFIT, state="failed", status="failed", requests=3, error="after 2 repairs: insights",
    ),
    "refusing": Case(
        "qa", in_order(Said(says(""), stop_reason="refusal", explanation="Not that.")), state="failed",
        status="failed", stop="refused", error="The model refused: Not that.", requests=1,
    ),
    "cut_off": Case("qa", in_order(Said(says('{"summary": "It'), stop_reason="max_tokens"), FINE)),
    "always_cut_off": Case(
        "qa", lambda _body: Said(says("{"), stop_reason="max_tokens"), state="failed", status="failed", requests=3,
        error="cut off",
    ),
    "spent": Case(
        "feedback", by_turn(Said([use("list_records", limit=1)], usage={"input_tokens": 99_000}), FINE),
        status="partial", stop="budget", requests=1, calls=("list_records",),
    ),
    "slow": Case(
        "qa", by_turn([LATE], Said(FINE, after=30)), status="partial", stop="timeout", error="8 s", seconds=8,
        calls=("list_records",),  # long enough for the first turn on a machine that is busy with the other cases
    ),
    "silent": Case("qa", by_turn(Said(FINE, after=30)), state="failed", status="failed", stop="timeout", seconds=8,
                   requests=1, spends=False),
}  # fmt: skip


@pytest.fixture(scope="module")
async def failed(world: AgentWorld) -> tuple[DispatchReport, dict[str, AskedTask]]:
    """All that can go wrong, in one dispatch."""

    async def raising(*_arguments: object, **_named: object) -> None:
        raise RuntimeError("the disk of password=hunter2secret is gone")

    tasks = {
        name: world.asks(case.agent, case.role, key=name, seconds=case.seconds, needs=())
        for name, case in CASES.items()
    }
    with patch.object(type(world.services.trail), "verify", raising):
        return await world.done(*tasks.values(), at_once=20), tasks


@pytest.mark.parametrize("name", CASES)
async def test_a_model_that_goes_wrong_ends_in_a_state_that_says_how(
    world: AgentWorld, failed: tuple[DispatchReport, dict[str, AskedTask]], name: str
) -> None:
    report, tasks = failed
    case, each = CASES[name], next(one for one in report.agents if one.key == name)
    run = world.run(report, name)
    runs = sorted((one for one in world.rows.runs(run["dispatch_id"]) if one["task_key"] == name),
                  key=lambda one: one["attempt"])  # fmt: skip
    assert (each.state, run["status"], run["stop_reason"]) == (case.state, case.status, case.stop), each
    assert (len(runs), each.attempt) == (case.attempt, case.attempt)
    assert case.error in (runs[0]["error"] or ""), runs[0]["error"]
    assert "hunter2" not in str(run)
    heard = world.heard(tasks[name])
    assert len(heard) == (case.requests or len(heard))
    assert (run["model"] == "playbook") is case.playbook
    assert (run["fallback_reason"] or "").startswith(API_AWAY) is case.playbook
    if not case.playbook:
        made = [call["tool_name"] for call in world.calls(report) if call["task_key"] == name]
        assert tuple(dict.fromkeys(made)) == (case.calls or tuple(dict.fromkeys(made)))
    assert bool(each.spent_tokens) is case.spends
    assert run["output"] is not None or case.state == "failed"


async def test_a_dispatch_of_failures_is_partial_and_its_result_says_who_failed_and_why(
    failed: tuple[DispatchReport, dict[str, AskedTask]],
) -> None:
    report, _ = failed
    assert report.status == "partial"
    assert API_AWAY in report.note
    assert report.result is not None
    told = {one["key"]: one for one in report.result["contributors"]}
    assert {key for key, one in told.items() if one["status"] == "failed"} == {
        name for name, case in CASES.items() if case.state == "failed"
    }
    for key, one in told.items():
        case = CASES[key]
        if case.state == "failed" or case.status == "partial":
            assert one["error"], key
    assert report.spend is not None
    assert report.spend.reserved_tokens == 0


async def test_a_model_is_told_what_was_wrong_with_its_call_and_its_answer(
    world: AgentWorld, failed: tuple[DispatchReport, dict[str, AskedTask]]
) -> None:
    _, tasks = failed

    def told(name: str) -> str:
        return json.dumps(world.heard(tasks[name])[-1]["messages"][-1])

    assert "have to be one JSON object" in told("badly")
    assert "This agent has no tool 'launch_rocket'" in told("unknown")
    assert "[c1] failed" in told("raising")
    assert "hunter2" not in told("raising")
    assert "does not fit the set shape" in told("repaired")
    assert "was cut off at" in told("cut_off")


async def test_calls_that_failed_are_in_the_ledger_with_their_error(
    world: AgentWorld, failed: tuple[DispatchReport, dict[str, AskedTask]]
) -> None:
    report, _ = failed
    by_tool = {(call["task_key"], call["tool_name"]): call for call in world.calls(report)}
    refused, raised = by_tool["unknown", "launch_rocket"], by_tool["raising", "verify_audit_trail"]
    assert (refused["success"], refused["error_code"]) == (False, "not_allowed")
    assert (raised["success"], raised["error_code"]) == (False, "internal")
    assert "hunter2" not in str(raised)
    assert ("badly", "list_records") not in by_tool


async def test_what_a_lost_reply_cost_is_counted(
    world: AgentWorld, failed: tuple[DispatchReport, dict[str, AskedTask]]
) -> None:
    report, _ = failed
    cut, fine = world.run(report, "cut")["token_usage"], world.run(report, "broken_twice")["token_usage"]
    assert (cut["requests"], fine["requests"]) == (1, 1)
    assert cut["cache_read"] + cut["cache_write"] > 1.5 * (fine["cache_read"] + fine["cache_write"])
    each = next(one for one in report.agents if one.key == "cut")
    assert each.spent_usd == pytest.approx(float(world.run(report, "cut")["cost_usd"]), abs=1e-6)


async def test_a_budget_of_the_dispatch_ends_a_run_in_its_middle_and_is_not_overspent(world: AgentWorld) -> None:
    role = by_turn(Said([LATE], usage={"input_tokens": 33_000}), FINE)
    report = await world.done(world.asks("qa", role), budget_tokens=40_000)
    run = world.run(report, "qa")
    assert (report.status, run["status"], run["stop_reason"]) == ("partial", "partial", "budget")
    assert "list_records (c1)" in run["output"]["summary"]
    assert report.spend is not None
    assert 33_000 < report.spend.spent_tokens <= 40_000


async def test_without_a_way_to_the_api_all_agents_go_by_their_playbooks_and_say_why(world: AgentWorld) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        closed = f"http://127.0.0.1:{probe.getsockname()[1]}"
    settings = Settings.from_environment({"ANTHROPIC_API_KEY": "k", "ANTHROPIC_BASE_URL": closed})
    access = ClaudeAccess(settings, retries=1, first_wait=0.01)
    with patch("ssl.create_default_context", certificates), patch.object(world.engine, "claude", access):
        report = await world.done(*(AskedTask(agent=agent, needs=()) for agent in ("qa", "feedback")))
        await access.aclose()
    assert report.status == "completed"
    assert API_AWAY in report.note
    for each in report.agents:
        run = world.run(report, each.key)
        assert (each.attempt, each.model) == (3, "playbook")
        assert run["fallback_reason"].startswith(API_AWAY)
        assert each.spent_tokens == 0
        first = world.rows.runs(run["dispatch_id"])
        assert sum("can't be reached" in (one["error"] or "") for one in first if one["task_key"] == each.key) == 2
    assert len(findings_of(report)) > 10


# What the merged result marks -----------------------------------------------------------------------------------------


async def test_what_is_said_twice_is_said_once_and_what_cannot_both_be_true_is_set_side_by_side(
    world: AgentWorld,
) -> None:
    late = {"subject": "CAPA", "measure": "overdue", "severity": "major"}
    same = "Fourteen corrective actions are past their due date."

    def counting(value: str, *more: dict[str, Any]) -> Role:
        return competent(
            [use("list_records", limit=1)],
            lambda _seen: answers(finding(f"{value} CAPAs are overdue.", "c1", value=value, **late), *more),
        )

    report = await world.done(
        world.asks("qa", counting("14", finding(same, "c1"))),
        world.asks("data", counting("9", finding(same.upper(), "c1"))),
    )
    assert report.result is not None
    (twice,) = [item for item in findings_of(report) if item["statement"].upper() == same.upper()]
    assert (twice["agreement"], {source["agent"] for source in twice["sources"]}) == (2, {"qa", "data"})
    (contradiction,) = report.result["contradictions"]
    assert {side["value"] for side in contradiction["sides"]} == {"14", "9"}
    assert sorted(agent for side in contradiction["sides"] for agent in side["agents"]) == ["data", "qa"]
    marked = {item["id"] for item in findings_of(report) if contradiction["id"] in item.get("contradictions", [])}
    assert marked == {side["item"] for side in contradiction["sides"]}


async def test_evidence_that_is_not_there_or_belongs_to_others_is_marked_and_supports_nothing(
    world: AgentWorld,
) -> None:
    own = world.rows.value(f"SELECT number FROM qms.quality_items WHERE {_HERE} ORDER BY number LIMIT 1")
    foreign = world.rows.value(
        f"SELECT number FROM qms.quality_items WHERE NOT {_HERE} AND number NOT IN "
        f"(SELECT number FROM qms.quality_items WHERE {_HERE}) ORDER BY number LIMIT 1"
    )
    said = {
        "call": finding("Shown by a call that was never made.", "c99"),
        "record": finding("About a record nobody has.", records=["CAPA-2099-0001"]),
        "foreign": finding("About a record of somebody else.", records=[foreign]),
        "none": finding("Shown by nothing."),
        "half": finding("Shown by one call and by none.", "c1", "c99", records=[own, foreign]),
        "good": finding("Shown by a call.", "c1", records=[own]),
    }
    report = await world.done(
        world.asks("qa", competent([use("get_record", record=own)], lambda _seen: answers(*said.values())))
    )
    items = {item["statement"]: item for item in findings_of(report)}
    marks = {
        name: (items[one["statement"]].get("unsupported", False), set(items[one["statement"]].get("invalid", [])))
        for name, one in said.items()
    }
    assert marks == {
        "call": (True, {"c99 of qa"}), "record": (True, {"CAPA-2099-0001"}), "foreign": (True, {foreign}),
        "none": (True, set()), "half": (False, {"c99 of qa", foreign}), "good": (False, set()),
    }  # fmt: skip
    assert report.result is not None
    assert report.result["tally"]["unsupported"] == 4
    assert not [one for name, one in said.items() if marks[name][0] and one["statement"] in report.result["summary"]]
