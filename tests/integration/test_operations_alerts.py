"""Alerts on a real database: opened and closed once, acknowledged, told; and what was used."""

import json
import logging
import threading
from collections.abc import Generator
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import anyio
import pytest
from mcp.shared.exceptions import MCPError
from mcp_types import TextResourceContents
from psycopg.conninfo import conninfo_to_dict

from qms_mcp.auth.principal import Principal
from qms_mcp.db.database import Database
from qms_mcp.db.durable import ensure_durable_schema
from qms_mcp.db.embedded import EmbeddedPostgres
from qms_mcp.errors import ConflictError, InvalidInputError, NotAllowedError, NotFoundError
from qms_mcp.services.operations.alerts import Alerts
from qms_mcp.services.operations.channels import Channels
from qms_mcp.services.operations.rules import SHIPPED
from qms_mcp.services.operations.usage import Usage
from qms_mcp.settings import Settings
from tests.conftest import add_person
from tests.support.dispatching import Rows
from tests.support.in_process import client_for
from tests.support.stdio import text_of

pytestmark = pytest.mark.anyio
SETTINGS = Settings.from_environment({})
WHY = "Somebody looks into it."


@dataclass
class Site:
    """An organization of its own, whose rows are written past all rights."""

    database: Database
    rows: Rows
    principal: Principal
    dispatches: dict[str, UUID] = field(default_factory=dict[str, UUID])

    @property
    def alerts(self) -> Alerts:
        return Alerts(self.database, SETTINGS)

    def dispatch(self, purpose: str = "work") -> UUID:
        if purpose not in self.dispatches:
            self.dispatches[purpose] = self.rows.value(
                "INSERT INTO agents.dispatches (organization_id, user_id, run_key, request, request_sha256, plan, "
                "purpose, status) VALUES (%(org)s, %(person)s, %(key)s, 'r', repeat('a', 64), '{}', %(purpose)s, "
                "'running') RETURNING id",
                org=self.principal.organization_id, person=self.principal.user_id, key=uuid4().hex, purpose=purpose,
            )  # fmt: skip
        return self.dispatches[purpose]

    def runs(self, n: int, *, purpose: str = "work", agent: str = "qa", **parts: Any) -> None:
        own: dict[str, Any] = {
            "status": "completed", "ms": 1000, "usage": "{}", "cost": 0.0, "model": "claude", "stop": None,
            "lane": "shipped", **parts,
        }  # fmt: skip
        self.rows.execute(
            "INSERT INTO agents.agent_runs (organization_id, agent_type, input, status, stop_reason, lane, "
            "duration_ms, token_usage, cost_usd, model, dispatch_id, task_key, attempt, created_at, completed_at) "
            "SELECT %(org)s, %(agent)s, '{}', %(status)s, %(stop)s, %(lane)s, %(ms)s, %(usage)s::jsonb, %(cost)s, "
            "%(model)s, %(dispatch)s, gen_random_uuid()::text, 1, now(), now() FROM generate_series(1, %(n)s)",
            org=self.principal.organization_id, agent=agent, n=n, dispatch=self.dispatch(purpose), **own,
        )  # fmt: skip

    def forget_runs(self) -> None:
        """Let the runs so far be of last week: they can't be taken away."""
        self.rows.execute(
            "UPDATE agents.agent_runs SET completed_at = completed_at - interval '7 days' "
            "WHERE organization_id = %(o)s",
            o=self.principal.organization_id,
        )

    def events(self, kind: str) -> list[dict[str, Any]]:
        return self.rows.fetch(
            "SELECT metadata, actor_kind FROM qms.audit_logs WHERE organization_id = %(o)s AND action = %(kind)s",
            o=self.principal.organization_id, kind=kind,
        )  # fmt: skip


@pytest.fixture(scope="module")
def rows(embedded: EmbeddedPostgres, shared_database: Database) -> Rows:
    name = conninfo_to_dict(shared_database.wiring.server)["dbname"]
    return Rows(embedded.conninfo(str(name), "postgres"))


@pytest.fixture
async def site(shared_database: Database, rows: Rows) -> Site:
    slug = f"site-{uuid4().hex[:8]}"
    return Site(shared_database, rows, await add_person(shared_database, uuid4(), slug, "admin"))


async def events(site: Site, metric: str) -> list[str]:
    return [one.event for one in await site.alerts.evaluate(site.principal) if one.metric == metric]


# Opened, closed -------------------------------------------------------------------------------------------------------


async def test_an_alert_opens_beyond_the_limit_stays_between_and_closes_when_clearly_back(site: Site) -> None:
    site.runs(20, ms=31_000)
    assert await events(site, "latency_s") == ["opened"]
    site.forget_runs()
    site.runs(20, ms=27_000)  # below the limit of 30 s, and not below the 24 s at which it closes
    assert await events(site, "latency_s") == ["still"]
    assert (await site.alerts.page(site.principal)).items[0].value == 27.0
    site.forget_runs()
    site.runs(20, ms=20_000)
    assert await events(site, "latency_s") == ["closed"]
    assert await events(site, "latency_s") == ["none"]
    site.forget_runs()
    site.runs(20, ms=27_000)
    assert await events(site, "latency_s") == ["none"]
    assert (await site.alerts.page(site.principal)).total == 0
    assert (await site.alerts.page(site.principal, state="closed")).total == 1
    assert [one["actor_kind"] for one in site.events("alert_opened")] == ["system"]
    assert site.events("alert_closed")[0]["metadata"]["value"] == 20.0


async def test_errors_are_an_alert_only_of_enough_runs_and_of_the_agent_that_makes_them(site: Site) -> None:
    site.runs(17, agent="qa")
    site.runs(2, agent="qa", status="failed")
    site.runs(30, agent="data")
    assert await events(site, "error_rate") == ["none"]  # 19 runs of qa are too few
    site.runs(1, agent="qa", status="partial", stop="timeout")
    assert sorted(await events(site, "error_rate")) == ["none", "opened"]
    (alert,) = (await site.alerts.page(site.principal, metric="error_rate")).items
    assert (alert.subject, alert.level, alert.value, alert.n) == ("qa", "critical", 0.15, 20)
    assert "95 % interval 3.2% to 37.9%" in alert.message


@pytest.mark.parametrize("purpose", ["evaluation", "trial", "shadow"])
async def test_what_only_measures_a_version_is_no_alert(site: Site, purpose: str) -> None:
    usage = json.dumps({"input": 900_000})
    site.runs(30, purpose=purpose, lane=purpose, status="failed", ms=99_000, usage=usage)
    found = {(one.metric, one.value) for one in await site.alerts.evaluate(site.principal)}
    assert found == {("tokens_per_day", 0.0), ("queue_depth", 0.0)}


async def test_tokens_of_all_kinds_count_and_an_empty_day_closes(site: Site) -> None:
    usage = {
        "input": 200_000,
        "output": 100_000,
        "cache_read": 100_000,
        "cache_write": 50_000,
        "cache_write_1h": 50_001,
    }
    site.runs(2, usage=json.dumps(usage))
    assert await events(site, "tokens_per_day") == ["opened"]
    site.forget_runs()
    assert await events(site, "tokens_per_day") == ["closed"]


async def test_bad_feedback_of_people_is_an_alert_and_scores_of_rules_are_not(site: Site) -> None:
    site.runs(12, agent="qa")
    give = (
        "INSERT INTO ml_loop.feedback_loop (organization_id, run_id, source, score, given_kind, model_name, label) "
        "SELECT r.organization_id, r.id, %(source)s, %(score)s, 'agent', r.agent_type, 'automatic' "
        "FROM agents.agent_runs AS r WHERE r.organization_id = %(o)s"
    )
    site.rows.execute(give, o=site.principal.organization_id, source="automated", score=0.1)
    assert await events(site, "feedback_average") == []
    site.rows.execute(give, o=site.principal.organization_id, source="user", score=0.5)
    assert await events(site, "feedback_average") == ["opened"]


async def test_the_newest_drift_of_an_agent_counts(site: Site) -> None:
    measure = (
        "INSERT INTO ml_loop.drift_metrics (organization_id, model_name, metric_type, drift_score, n_current, "
        "severity, created_at) VALUES (%(o)s, 'qa', %(of)s, %(score)s, 200, %(severity)s, "
        "now() - make_interval(hours => %(hours)s))"
    )
    for of, score, hours, severity in (
        ("score", 0.9, 5, "severe"), ("score", 0.1, 1, "mild"), ("latency", 0.35, 2, "severe"),
        ("tools", 0.8, 2, "none"),  # a large difference of few, as chance makes it
    ):  # fmt: skip
        site.rows.execute(measure, o=site.principal.organization_id, of=of, score=score, hours=hours, severity=severity)
    assert await events(site, "drift") == ["opened"]
    (alert,) = (await site.alerts.page(site.principal)).items
    assert (alert.value, "in latency" in alert.message) == (0.35, True)


async def test_two_processes_that_look_at_once_open_one_alert(site: Site) -> None:
    site.runs(20, ms=31_000)
    seen = list[str]()

    async def look() -> None:
        seen.extend(await events(site, "latency_s"))

    async with anyio.create_task_group() as tasks:
        for _ in range(6):
            tasks.start_soon(look)
    assert sorted(seen) == ["opened", *["still"] * 5]
    assert len(site.events("alert_opened")) == 1


async def test_an_organization_sets_its_own_limits(site: Site) -> None:
    site.runs(20, ms=6_000)
    assert await events(site, "latency_s") == ["none"]
    own = replace(SHIPPED["latency_s"], threshold=5.0, clears_at=4.0)
    await site.alerts.set_rule(site.principal, own, WHY)
    assert await events(site, "latency_s") == ["opened"]
    await site.alerts.set_rule(site.principal, replace(own, enabled=False), WHY)
    assert await events(site, "latency_s") == []
    with pytest.raises(InvalidInputError):
        await site.alerts.set_rule(site.principal, replace(own, clears_at=9.0), WHY)


# Seen by somebody -----------------------------------------------------------------------------------------------------


async def test_an_alert_is_acknowledged_once_and_stays_until_the_value_is_back(site: Site) -> None:
    site.runs(20, ms=31_000)
    await events(site, "latency_s")
    (alert,) = (await site.alerts.page(site.principal, state="open")).items
    first = await site.alerts.acknowledge(site.principal, alert.id, WHY)
    again = await site.alerts.acknowledge(site.principal, alert.id, "Somebody else came later.")
    assert first.state == again.state == "acknowledged"
    assert await events(site, "latency_s") == ["still"]
    (seen,) = (await site.alerts.page(site.principal)).items
    assert seen.acknowledged.endswith(f"(agent): {WHY}")
    assert len(site.events("alert_acknowledged")) == 1
    site.forget_runs()
    site.runs(20)
    assert await events(site, "latency_s") == ["closed"]
    with pytest.raises(ConflictError):
        await site.alerts.acknowledge(site.principal, alert.id, WHY)


async def test_an_auditor_reads_alerts_and_does_nothing_about_them(site: Site) -> None:
    site.runs(20, ms=31_000)
    await events(site, "latency_s")
    auditor = await add_person(site.database, site.principal.organization_id, "x", "auditor")
    (alert,) = (await site.alerts.page(auditor)).items
    for forbidden in (
        site.alerts.acknowledge(auditor, alert.id, WHY),
        site.alerts.evaluate(auditor),
        site.alerts.set_rule(auditor, SHIPPED["drift"], WHY),
    ):
        with pytest.raises(NotAllowedError):
            await forbidden
    assert (await Usage(site.database).page(auditor)).items[0].runs == 20


async def test_another_organization_sees_no_alert_and_no_usage(site: Site) -> None:
    site.runs(20, ms=31_000)
    await events(site, "latency_s")
    (alert,) = (await site.alerts.page(site.principal)).items
    stranger = await add_person(site.database, uuid4(), f"other-{uuid4().hex[:8]}", "admin")
    assert (await site.alerts.page(stranger, state="all")).total == 0
    assert (await Usage(site.database).page(stranger)).total == 0
    assert [one.event for one in await site.alerts.evaluate(stranger)] == ["none", "none"]
    for named in (alert.id, "nonsense"):
        with pytest.raises(NotFoundError):
            await site.alerts.acknowledge(stranger, named, WHY)


async def test_alerts_page_and_say_how_many_there_are(site: Site) -> None:
    for agent in ("qa", "data", "schema"):
        site.runs(20, agent=agent, ms=31_000)
    await site.alerts.evaluate(site.principal)
    first = await site.alerts.page(site.principal, limit=2)
    rest = await site.alerts.page(site.principal, limit=2, cursor=first.next_cursor)
    assert (first.total, len(first.items), len(rest.items), rest.next_cursor) == (3, 2, 1, "")
    assert {one.subject for one in (*first.items, *rest.items)} == {"qa", "data", "schema"}
    with pytest.raises(InvalidInputError):
        await site.alerts.page(site.principal, cursor="yesterday")
    with pytest.raises(InvalidInputError):
        await site.alerts.page(site.principal, metric="mood")


# Told -----------------------------------------------------------------------------------------------------------------


@dataclass
class Heard:
    """An address on this machine, and what it was told."""

    address: str
    bodies: list[dict[str, Any]]
    status: int = 200


@pytest.fixture
def heard() -> Generator[Heard]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            if place.status == 200:
                place.bodies.append(body)
            self.send_response(place.status)
            self.end_headers()

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - its name in the standard library
            del format, args

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    place = Heard(f"http://127.0.0.1:{server.server_port}/alerts?key=hunter2", [])
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield place
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


async def test_an_alert_is_told_once_per_state_over_all_processes(site: Site, heard: Heard) -> None:
    site.runs(20, ms=31_000)
    await events(site, "latency_s")
    several = [Alerts(site.database, SETTINGS, Channels(webhook=heard.address)) for _ in range(4)]
    told = list[int]()

    async def tell(one: Alerts) -> None:
        told.append(await one.tell(site.principal))

    async with anyio.create_task_group() as tasks:
        for one in several:
            tasks.start_soon(tell, one)
    assert sum(told) == 1
    site.forget_runs()
    site.runs(20)
    await events(site, "latency_s")
    assert [await one.tell(site.principal) for one in several] == [1, 0, 0, 0]
    assert [body["event"] for body in heard.bodies] == ["alert.open", "alert.closed"]
    assert heard.bodies[0]["metric"] == "latency_s"
    assert heard.bodies[0]["last_value"] == 31.0


@pytest.mark.filterwarnings("ignore:'imghdr' is deprecated:DeprecationWarning")  # apprise imports it
async def test_a_channel_that_is_away_stops_nothing_and_is_tried_again(
    site: Site, heard: Heard, caplog: pytest.LogCaptureFixture
) -> None:
    site.runs(20, ms=31_000)
    await events(site, "latency_s")
    alerts = Alerts(site.database, SETTINGS, Channels(["json://127.0.0.1:9/hunter2"], heard.address))
    heard.status = 503
    with caplog.at_level(logging.WARNING):
        assert await alerts.tell(site.principal) == 0
    assert "503" in caplog.text
    assert "did not take an alert" in caplog.text
    assert "hunter2" not in caplog.text
    heard.status = 200
    assert await alerts.tell(site.principal) == 1  # the one of apprise is still away, and keeps nothing back
    assert await alerts.tell(site.principal) == 0
    assert len(heard.bodies) == 1


@pytest.mark.filterwarnings("ignore:'imghdr' is deprecated:DeprecationWarning")  # apprise imports it
async def test_apprise_tells_an_address_of_its_own(site: Site, heard: Heard) -> None:
    site.runs(20, ms=31_000)
    await events(site, "latency_s")
    address = heard.address.replace("http://", "json://").split("?")[0]
    alerts = Alerts(site.database, SETTINGS, Channels([address]))
    assert await alerts.tell(site.principal) == 1
    assert "latency_s of qa, warning" in heard.bodies[0]["title"]


# Used -----------------------------------------------------------------------------------------------------------------


async def test_usage_is_that_of_the_rows_and_what_measures_is_apart(site: Site) -> None:
    usage = json.dumps({"input": 10, "output": 20, "cache_read": 30, "cache_write": 3, "cache_write_1h": 2})
    site.runs(100, usage=usage, cost=0.01)
    site.rows.execute(
        "UPDATE agents.agent_runs AS r SET duration_ms = 100 * n.place FROM (SELECT b.id, "
        "row_number() OVER () AS place FROM agents.agent_runs AS b WHERE b.organization_id = %(o)s) AS n "
        "WHERE r.id = n.id",
        o=site.principal.organization_id,
    )
    site.runs(5, agent="data", status="failed", cost=0.1, model="other")
    site.runs(7, purpose="evaluation", lane="evaluation", cost=1.0)
    page = await Usage(site.database).page(site.principal, days=10)
    qa, data = page.items
    assert (qa.key, qa.runs, qa.per_day) == ("qa", 100, 10.0)
    assert (qa.tokens_in, qa.tokens_out, qa.cache_read, qa.cache_write, qa.cost_usd) == (1000, 2000, 3000, 500, 1.0)
    # Of 0.1, 0.2 ... 10.0 s, between neighbours where the place is none of them.
    assert (qa.p50_s, qa.p95_s, qa.p99_s) == (5.05, 9.505, 9.901)
    assert (qa.error_rate, qa.error_low, qa.error_high) == (0.0, 0.0, 0.0362)
    assert (data.error_rate, data.error_low, data.error_high) == (1.0, 0.4782, 1.0)
    assert page.measuring is not None
    assert (page.measuring.runs, page.measuring.cost_usd) == (7, 7.0)
    assert page.headline.startswith("105 runs in the last 10 days, 5 went wrong, 1.50 USD. This month cost 8.50 USD")
    by_model = await Usage(site.database).page(site.principal, by="model", limit=1)
    assert (by_model.total, by_model.items[0].key) == (2, "claude")
    by_day = await Usage(site.database).page(site.principal, by="day")
    assert [one.runs for one in by_day.items] == [105]
    assert [one.per_day for one in by_day.items] == [105.0]


async def test_what_is_left_of_the_budget_counts_all_that_was_paid_for(site: Site) -> None:
    site.runs(2, cost=1.5)
    site.runs(1, purpose="trial", lane="trial", cost=2.0)
    site.rows.execute(
        "INSERT INTO ml_loop.model_answers (organization_id, purpose, request_sha256, model, answer, cost_usd) "
        "VALUES (%(o)s, 'judge', repeat('a', 64), 'm', 'x', 0.25)",
        o=site.principal.organization_id,
    )
    usage = Usage(site.database)
    assert (await usage.page(site.principal)).budget_left_usd is None
    site.rows.execute(
        "UPDATE qms.organizations SET settings = settings || '{\"monthly_budget_usd\": 100}' WHERE id = %(o)s",
        o=site.principal.organization_id,
    )
    page = await usage.page(site.principal)
    assert (page.budget_usd, page.budget_left_usd) == (100.0, 94.75)
    assert page.measuring is not None
    assert page.measuring.cost_usd == 2.25


async def test_usage_by_tool_has_its_calls_and_errors(site: Site) -> None:
    call = (
        "INSERT INTO agents.tool_calls (organization_id, tool_name, state, success, finished_at, duration_ms, fence) "
        "SELECT %(o)s, %(tool)s, 'finished', n > %(bad)s, now(), 10 * n, 0 FROM generate_series(1, %(n)s) AS n"
    )
    for tool, n, bad in (("list_records", 4, 1), ("get_spc", 2, 0)):
        site.rows.execute(call, o=site.principal.organization_id, tool=tool, n=n, bad=bad)
    page = await Usage(site.database).page(site.principal, by="tool")
    assert [(one.key, one.runs, one.error_rate) for one in page.items] == [
        ("list_records", 4, 0.25),
        ("get_spc", 2, 0.0),
    ]
    assert page.items[0].tokens_in is None
    with pytest.raises(InvalidInputError):
        await Usage(site.database).page(site.principal, days=0)


# As a client uses it --------------------------------------------------------------------------------------------------


async def test_a_client_lists_acknowledges_and_reads_the_page(site: Site, short_tmp: Path) -> None:
    await ensure_durable_schema(site.database.wiring.owner)  # a client that writes starts the engine
    site.runs(20, ms=31_000, cost=0.5)
    await events(site, "latency_s")
    async with client_for(site.database, site.principal, short_tmp) as client:
        listed = await client.call_tool("get_alerts", {"metric": "latency_s"})
        assert listed.structured_content is not None
        assert listed.structured_content["headline"] == "1 alert stands."
        alert = listed.structured_content["items"][0]["id"]
        done = await client.call_tool("acknowledge_alert", {"alert": alert, "reason": WHY})
        assert "It stays until the value is back." in text_of(done)
        used = await client.call_tool("get_usage", {"by": "agent"})
        assert used.structured_content is not None
        assert used.structured_content["items"][0]["cost_usd"] == 10.0
        (page,) = (await client.read_resource("qms://alerts")).contents
        assert isinstance(page, TextResourceContents)
        assert "latency_s of qa, acknowledged since" in page.text
        assert "| feedback_average | < 0.6 | 0.72 | critical | 10080 min | 10 | yes |" in page.text
        (closed,) = (await client.read_resource("qms://alerts?state=closed")).contents
        assert isinstance(closed, TextResourceContents)
        assert "There is no such alert." in closed.text
        with pytest.raises(MCPError, match="no state"):
            await client.read_resource("qms://alerts?state=angry")
