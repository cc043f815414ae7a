"""CAPAs on the real database: opened for a reason, investigated, planned, followed and checked."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from mcp_types import TextResourceContents

from qms_mcp.auth.principal import Principal
from qms_mcp.db.database import Database
from qms_mcp.db.queries import Query
from qms_mcp.errors import ConflictError, InvalidInputError, NotFoundError, QmsError, RefusedStatementError
from qms_mcp.services.capas.causes import Analysis
from qms_mcp.services.capas.models import CauseInput, CriterionInput, OpenedCapa, PlannedAction
from qms_mcp.services.capas.opening import NewCapa
from qms_mcp.services.capas.planning import Progress
from qms_mcp.services.capas.service import Capas
from qms_mcp.services.container import Services
from qms_mcp.services.domain.causes import Method
from qms_mcp.services.domain.eight_d_pages import html, markdown
from qms_mcp.services.records.writing import RecordWriter
from qms_mcp.settings import Settings
from tests.conftest import REASON, Tenants
from tests.support.in_process import client_for

pytestmark = [pytest.mark.anyio, pytest.mark.shared_database]

TODAY = datetime.now(UTC).date()
ROWS = Query("test", "SELECT count(*) AS n FROM qms.root_causes AS r")
LAST_REASON = Query(
    "test", "SELECT a.reason FROM qms.audit_logs AS a WHERE a.record_id = %(id)s ORDER BY a.seq DESC LIMIT 1"
)


def ago(days: int) -> date:
    return TODAY - timedelta(days=days)


@dataclass(frozen=True)
class Site:
    """Where a test works, and shorthands for what it does there."""

    database: Database
    principal: Principal
    capas: Capas

    async def record(self, category: str = "nonconformance", title: str = "Leaking seal", **fields: Any) -> str:
        """Add a record and return its number."""
        writer = RecordWriter(self.database)
        return (await writer.add(self.principal, category, {"title": title, **fields}, REASON)).number

    async def open(self, *sources: str, override: str | None = "The user wants one.", **more: Any) -> OpenedCapa:
        wanted = NewCapa(
            sources=sources or (await self.record(risk_class="high"),),
            title="Seals of pump P-100 leak",
            problem_statement="34 of 120 pumps built since week 14 leak after 200 hours.",
            risk_class="high",
        )
        return await self.capas.open(self.principal, wanted, reason=REASON, override=override, **more)

    async def whys(self, capa: str, *nodes: CauseInput, **more: Any):  # noqa: ANN201 - what the service returns
        analysis = Analysis(method="five_whys", nodes=nodes, **more)
        return await self.capas.record_causes(self.principal, capa, analysis, reason=REASON)

    async def plan(self, capa: str, criterion: CriterionInput | None = None, actions: Sequence[PlannedAction] = ()):  # noqa: ANN201
        return await self.capas.plan(self.principal, capa, actions=actions, criterion=criterion, reason=REASON)


@pytest.fixture
def site(database: Database, tenants: Tenants) -> Site:
    return Site(database, tenants.ours, Services.over(database, Settings()).capas)


def why(key: str, parent: str | None, statement: str, **more: Any) -> CauseInput:
    return CauseInput(key=key, parent=parent, statement=statement, **more)


def action(kind: str = "corrective", due: date | None = None) -> PlannedAction:
    fields = {"type": kind, "description": "Set the tool life for the alloy", "owner": "me"}
    return PlannedAction.model_validate({**fields, "due_on": due or TODAY + timedelta(days=20)})


def criterion(**changes: Any) -> CriterionInput:
    fields: dict[str, Any] = {
        "metric": "complaints about leaks",
        "measure": "count",
        "counted": {"category": "complaint", "tags": ["leak"]},
        "baseline": 12,
        "target": 1,
        "window_start": ago(30),
        "window_end": ago(1),
        "minimum_sample": 30,
    }
    return CriterionInput.model_validate({**fields, **changes})


async def test_a_single_minor_source_gets_a_correction_unless_the_user_overrides(site: Site) -> None:
    minor = await site.record(risk_class="low")
    with pytest.raises(ConflictError, match="A correction suffices") as refused:
        await site.open(minor, override=None)
    assert "override" in refused.value.hint
    opened = await site.open(minor, override="The customer contract asks for one.")
    assert opened.number.startswith("CAPA-")
    assert "The customer contract asks for one." in opened.why


async def test_the_screen_counts_similar_records_and_names_them(site: Site) -> None:
    others = [await site.record(title=f"Leaking seal at pump {number}") for number in range(3)]
    await site.record(title="Scratched label")
    opened = await site.open(await site.record(title="Leaking seal of a pump", risk_class="low"), override=None)
    assert "3 records similar to NC-" in opened.why
    assert others[-1] in opened.why


async def test_regulatory_impact_and_grade_are_reasons_for_a_capa(site: Site) -> None:
    finding = await site.record("finding", "Calibration overdue", grade="major")
    assert "is graded major" in (await site.open(finding, override=None)).why
    action_in_field = await site.record("field_action", "Removal of lot 7")
    assert "correction or removal in the field" in (await site.open(action_in_field, override=None)).why


async def test_a_new_capa_is_open_linked_to_its_sources_and_its_reason_is_in_the_trail(site: Site) -> None:
    source = await site.record(risk_class="critical")
    opened = await site.open(source, override=None)
    assert opened.state == "open"
    assert opened.citation == f"{opened.number} v{opened.version}"
    assert opened.audit_seq > 0
    report = await site.capas.eight_d(site.principal, opened.number)
    symptom = dict(report.disciplines[0].lines)
    assert symptom["Source"].startswith(source)
    assert "risk class critical" in symptom["Why a CAPA"]
    async with site.database.transaction(site.principal, read_only=True) as transaction:
        entry = await transaction.fetch_dicts(LAST_REASON, {"id": opened.id})
    assert entry[0]["reason"] == REASON


async def test_the_same_key_opens_the_same_capa(site: Site) -> None:
    source = await site.record(risk_class="high")
    first = await site.open(source, idempotency_key="once")
    again = await site.open(source, idempotency_key="once")
    assert (again.id, again.number) == (first.id, first.number)
    assert again.warnings


async def test_an_unknown_source_and_a_source_of_somebody_else_are_not_found(site: Site, tenants: Tenants) -> None:
    theirs = await RecordWriter(site.database).add(tenants.theirs, "nonconformance", {"title": "Secret"}, REASON)
    for reference in ("NC-1999-0001", str(theirs.id)):
        with pytest.raises(NotFoundError):
            await site.open(reference)


async def test_a_five_whys_grows_call_by_call_into_one_chain(site: Site) -> None:
    capa = await site.open()
    first = await site.whys(capa.number, why("p", None, "Seals leak"), why("a", "p", "The O-ring is extruded"))
    second = await site.whys(
        capa.number,
        why("b", first.nodes["a"], "The tool was worn"),
        why("c", "b", "No tool life is set", is_root_cause=True, evidence=["tool log 2026-05"]),
        summary="Tool life was never set for this alloy.",
    )
    assert second.root_causes == ["No tool life is set"]
    assert second.version > first.version
    assert second.diagram.startswith("flowchart TD")
    assert "Root cause: No tool life is set" in second.diagram
    drawn = await site.capas.record_causes(
        site.principal, capa.number, Analysis(method="five_whys", nodes=()), reason=REASON, render="svg"
    )
    assert drawn.diagram.startswith("<svg ")
    assert "ROOT CAUSE" in drawn.diagram


async def test_what_is_no_sound_analysis_is_refused_and_nothing_of_it_is_kept(site: Site) -> None:
    capa = await site.open()
    with pytest.raises(InvalidInputError, match="without evidence"):
        await site.whys(capa.number, why("p", None, "Seals leak"), why("a", "p", "Worn tool", is_root_cause=True))
    started = await site.whys(capa.number, why("p", None, "Seals leak"), why("a", "p", "Worn tool"))
    with pytest.raises(InvalidInputError, match="is a chain"):
        await site.whys(capa.number, why("x", started.nodes["p"], "Wrong oil"))
    async with site.database.transaction(site.principal, read_only=True) as transaction:
        assert (await transaction.fetch_dicts(ROWS))[0]["n"] == 2


async def test_a_statement_can_be_corrected_marked_and_withdrawn_with_its_reason(site: Site) -> None:
    capa = await site.open()
    made = await site.whys(
        capa.number, why("p", None, "Seals leak"), why("a", "p", "Worn tool"), why("b", "a", "Bad steel")
    )
    await site.whys(capa.number, CauseInput(key=made.nodes["b"], withdraw="The steel was tested and is good."))
    marked = await site.whys(
        capa.number, CauseInput(key=made.nodes["a"], is_root_cause=True, evidence=["NC-2026-0001 v1", " "])
    )
    assert marked.root_causes == ["Worn tool"]
    assert set(marked.nodes) == {made.nodes["p"], made.nodes["a"]}
    with pytest.raises(InvalidInputError, match="still explained"):
        await site.whys(capa.number, CauseInput(key=made.nodes["p"], withdraw="No longer a problem."))


TREES: dict[Method, list[dict[str, Any]]] = {
    "fishbone": [{"key": "p", "statement": "Leak"}, {"key": "a", "parent": "p", "statement": "x", "category": "man"}],
    "is_is_not": [
        {"key": "p", "statement": "Leak"},
        {"key": "a", "parent": "p", "statement": "x", "dimension": "where", "facet": "is_not"},
    ],
    "fault_tree": [
        {"key": "p", "statement": "Leak", "gate": "and"},
        {"key": "a", "parent": "p", "statement": "worn"},
        {"key": "b", "parent": "p", "statement": "hot"},
    ],
}


async def test_the_other_methods_are_kept_with_what_makes_them(site: Site) -> None:
    capa = await site.open()
    cut_sets: list[str] = []
    for method, nodes in TREES.items():
        analysis = Analysis(method=method, nodes=[CauseInput.model_validate(node) for node in nodes])
        made = await site.capas.record_causes(site.principal, capa.number, analysis, reason=REASON)
        assert len(made.nodes) == len(nodes)
        cut_sets += made.cut_sets
    assert cut_sets == ["hot AND worn"]
    report = await site.capas.eight_d(site.principal, capa.number)
    assert [diagram.title for diagram in report.disciplines[4].diagrams] == ["Fishbone", "Is / is not", "Fault tree"]


async def test_an_old_version_is_refused(site: Site) -> None:
    capa = await site.open()
    with pytest.raises(ConflictError, match="is at version"):
        await site.capas.plan(site.principal, capa.number, actions=[action()], reason=REASON, version=capa.version + 7)


async def test_a_plan_says_what_is_still_missing_for_its_approval(site: Site) -> None:
    capa = await site.open()
    async with RecordWriter(site.database).open(site.principal, because=REASON) as writing:
        move = Query("test", "SELECT (qms.transition(%(id)s, NULL, 'investigation', %(reason)s)).id")
        await writing.transaction.fetch_dicts(move, {"id": capa.id, "reason": REASON})
    planned = await site.plan(capa.number, actions=[action(), action("preventive")])
    assert [entry.split()[:2] for entry in planned.actions] == [["1", "corrective:"], ["2", "preventive:"]]
    assert any("no root cause" in missing for missing in planned.missing)
    assert any("criterion" in missing for missing in planned.missing)
    await site.plan(capa.number, criterion())
    complete = await site.whys(
        capa.number, why("p", None, "Leak"), why("a", "p", "Worn", is_root_cause=True, evidence=["log"])
    )
    again = await site.plan(capa.number, actions=[action("correction")])
    assert complete.state == again.state == "investigation"
    assert again.missing == []


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"target": 20}, "worse than the baseline"),
        ({"window_end": ago(40)}, "ends before it begins"),
        ({"counted": None}, "which records count"),
        ({"measure": "rate"}, "records it is per"),
    ],
)
async def test_a_criterion_that_cannot_be_measured_is_refused(site: Site, change: dict[str, Any], said: str) -> None:
    capa = await site.open()
    with pytest.raises(InvalidInputError, match=said):
        await site.plan(capa.number, criterion(**change))


async def test_a_statement_that_writes_or_gives_no_value_is_refused_when_it_is_planned(site: Site) -> None:
    capa = await site.open()
    value = {"measure": "value", "counted": None, "baseline": 0.9, "target": 1.33, "comparator": ">="}
    with pytest.raises(RefusedStatementError):
        await site.plan(capa.number, criterion(**value, statement="DELETE FROM qms.capas"))
    with pytest.raises(InvalidInputError, match="column named value"):
        await site.plan(capa.number, criterion(**value, statement="SELECT 1 AS n"))
    with pytest.raises(QmsError):
        await site.plan(capa.number, criterion(**value, statement="SELECT nonsense"))


async def test_an_action_is_done_only_with_evidence_and_not_on_a_day_to_come(site: Site) -> None:
    capa = await site.open()
    await site.plan(capa.number, actions=[action()])

    async def told(**more: Any) -> Any:
        return await site.capas.update_action(site.principal, capa.number, Progress(action="1", **more), reason=REASON)

    with pytest.raises(InvalidInputError, match="something shows it"):
        await told(completed_on=ago(1))
    with pytest.raises(InvalidInputError, match="still to come"):
        await told(completed_on=TODAY + timedelta(days=3), evidence="later")
    with pytest.raises(InvalidInputError, match="Nothing is said"):
        await told()
    assert "(due " in (await told(progress="half done")).action
    done = await told(completed_on=ago(1), evidence="CR-2026-0002 v4")
    assert (done.open_actions, f"done {ago(1)}" in done.action) == (0, True)
    with pytest.raises(NotFoundError, match="has no action '9'"):
        await site.capas.update_action(site.principal, capa.number, Progress(action="9"), reason=REASON)


async def test_more_time_is_a_request_and_the_due_date_stays(site: Site) -> None:
    capa = await site.open()
    planned = await site.plan(capa.number, actions=[action(due=TODAY + timedelta(days=5))])
    asked = await site.capas.update_action(
        site.principal, capa.number, Progress(action="1", extend_to=TODAY + timedelta(days=40)), reason=REASON
    )
    assert asked.extension.startswith("EXT-")
    assert asked.action == planned.actions[0]
    with pytest.raises(InvalidInputError, match="not later than the due date"):
        await site.capas.update_action(
            site.principal, capa.number, Progress(action="1", extend_to=TODAY), reason=REASON
        )


async def complain(site: Site, days_ago: int, *tags: str, title: str = "Pump leaks", **more: Any) -> str:
    when = datetime.now(UTC) - timedelta(days=days_ago)
    return await site.record("complaint", title, occurred_at=when.isoformat(), tags=list(tags), **more)


async def test_a_count_sees_exactly_the_records_of_its_window_and_says_which(site: Site) -> None:
    capa = await site.open()
    await site.plan(capa.number, criterion())
    inside = await complain(site, 10, "leak")
    await complain(site, 10, "noise")
    await complain(site, 45, "leak")
    await complain(site, 0, "leak")
    await site.record(title="Leak", tags=["leak"])
    report = await site.capas.check_effectiveness(site.principal, capa.number)
    assert (report.verdict, report.value, report.events, report.n) == ("met", 1, 1, 30)
    assert report.records == [f"{inside} v1"]
    assert "records of complaint tagged leak" in report.query
    assert report.chance is not None
    assert report.chance < 0.001
    await complain(site, 11, "leak")
    assert (await site.capas.check_effectiveness(site.principal, capa.number)).verdict == "not_met"


async def test_a_count_can_be_narrowed_by_fields_of_the_type_and_of_the_site_and_by_words(site: Site) -> None:
    capa = await site.open()
    await complain(site, 9, product="P-100", metadata={"line": "3"}, title="Pump drips oil")
    await complain(site, 9, product="P-200", metadata={"line": "3"}, title="Pump drips oil")
    for counted, expected in (
        ({"category": "complaint", "fields": {"product": "P-100"}}, 1),
        ({"category": "complaint", "fields": {"line": "3"}}, 2),
        ({"category": "complaint", "fields": {"line": "3", "product": "P-300"}}, 0),
        ({"category": "complaint", "words": "OIL drips"}, 2),
    ):
        await site.plan(capa.number, criterion(counted=counted, target=5))
        assert (await site.capas.check_effectiveness(site.principal, capa.number)).events == expected, counted


async def test_a_rate_needs_its_opportunities(site: Site) -> None:
    capa = await site.open()
    per = {"category": "nonconformance", "words": "inspected"}
    rate = criterion(measure="rate", per=per, baseline=0.5, target=0.25, minimum_sample=4)
    await site.plan(capa.number, rate)
    await complain(site, 5, "leak")
    when = (datetime.now(UTC) - timedelta(days=5)).isoformat()
    for _ in range(3):
        await site.record(title="Lot inspected", occurred_at=when)
    early = await site.capas.check_effectiveness(site.principal, capa.number)
    assert (early.verdict, early.n) == ("too_early", 3)
    await site.record(title="Lot inspected", occurred_at=when)
    report = await site.capas.check_effectiveness(site.principal, capa.number)
    assert (report.verdict, report.value, report.n) == ("met", 0.25, 4)


async def test_a_value_comes_from_its_statement_on_the_window(site: Site) -> None:
    capa = await site.open()
    statement = (
        "SELECT count(*)::numeric / 2 AS value, count(*) AS n FROM qms.quality_items "
        "WHERE category = 'complaint' AND occurred_at >= $1::date AND occurred_at < $2::date + 1"
    )
    value = criterion(
        measure="value", counted=None, statement=statement, baseline=0.1, target=1, comparator=">=", minimum_sample=2
    )
    await site.plan(capa.number, value)
    await complain(site, 5)
    await complain(site, 6)
    report = await site.capas.check_effectiveness(site.principal, capa.number)
    assert (report.verdict, report.value, report.n, report.query) == ("met", 1.0, 2, statement)


async def test_an_open_window_is_too_early_and_as_of_cannot_look_ahead(site: Site) -> None:
    capa = await site.open()
    with pytest.raises(ConflictError, match="no effectiveness criterion"):
        await site.capas.check_effectiveness(site.principal, capa.number)
    await site.plan(capa.number, criterion(window_end=TODAY + timedelta(days=30)))
    report = await site.capas.check_effectiveness(site.principal, capa.number)
    assert (report.verdict, report.n) == ("too_early", 30)
    past = await site.capas.check_effectiveness(site.principal, capa.number, as_of=ago(20))
    assert past.n == 10
    with pytest.raises(InvalidInputError, match="still to come"):
        await site.capas.check_effectiveness(site.principal, capa.number, as_of=TODAY + timedelta(days=60))


async def test_a_check_is_kept_only_with_a_reason_and_only_as_of_today(site: Site) -> None:
    capa = await site.open()
    await site.plan(capa.number, criterion())
    read = await site.capas.check_effectiveness(site.principal, capa.number)
    again = await site.capas.check_effectiveness(site.principal, capa.number)
    assert (read.kept, read.citation) == ("", again.citation)
    kept = await site.capas.check_effectiveness(site.principal, capa.number, reason=REASON)
    assert kept.kept
    assert kept.citation != read.citation
    with pytest.raises(InvalidInputError, match="as of today"):
        await site.capas.check_effectiveness(site.principal, capa.number, as_of=ago(3), reason=REASON)
    report = await site.capas.eight_d(site.principal, capa.number)
    assert any(label == "Effectiveness" and ": met, " in text for label, text in report.disciplines[6].lines)


async def test_the_8d_of_a_capa_holds_its_whole_story_in_both_forms(site: Site) -> None:
    capa = await site.open()
    await site.whys(
        capa.number, why("p", None, "Leak"), why("a", "p", "No tool life", is_root_cause=True, evidence=["log"])
    )
    await site.plan(capa.number, criterion(), [action("containment"), action(), action("preventive")])
    report = await site.capas.eight_d(site.principal, capa.number)
    for page in (markdown(report), html(report)):
        for part in ("Seals of pump P-100 leak", "No tool life", "Set the tool life", "complaints about leaks"):
            assert part in page
        assert "Drafted with a model" in page, "an agent wrote it and nobody adopted it yet"
    with pytest.raises(InvalidInputError, match="is no CAPA"):
        await site.capas.eight_d(site.principal, await site.record())


async def test_a_criterion_written_past_the_plan_is_shown_and_not_computed(site: Site) -> None:
    capa = await site.open()
    odd = {"criterion": {"metric": "fewer leaks", "baseline": "many"}, "window_starts_on": str(ago(9))}
    fields = {**odd, "window_ends_on": str(ago(1)), "minimum_sample": 1}
    await RecordWriter(site.database).change(site.principal, capa.number, None, fields, REASON)
    with pytest.raises(InvalidInputError, match="can't be computed"):
        await site.capas.check_effectiveness(site.principal, capa.number)
    assert "fewer leaks" in markdown(await site.capas.eight_d(site.principal, capa.number))


async def test_the_other_organization_finds_nothing(site: Site, tenants: Tenants) -> None:
    capa = await site.open()
    for reference in (capa.number, str(capa.id)):
        with pytest.raises(NotFoundError):
            await site.capas.eight_d(tenants.theirs, reference)
        with pytest.raises(NotFoundError):
            await site.capas.check_effectiveness(tenants.theirs, reference)


async def test_a_client_goes_from_a_nonconformance_to_the_8d(site: Site, tmp_path: Path) -> None:
    source = await site.record(risk_class="high")
    async with client_for(site.database, site.principal, tmp_path) as client:

        async def call(tool: str, **arguments: Any) -> dict[str, Any]:
            result = await client.call_tool(tool, {"reason": REASON, **arguments})
            assert not result.is_error, result.content
            assert result.structured_content is not None
            return result.structured_content

        opened = await call(
            "open_capa",
            sources=[source],
            title="Seals leak",
            problem_statement="34 of 120 pumps leak after 200 hours.",
            risk_class="high",
        )
        capa = {"capa": opened["number"]}
        nodes = [
            {"key": "p", "statement": "Seals leak"},
            {"key": "a", "parent": "p", "statement": "No tool life", "is_root_cause": True, "evidence": ["log"]},
        ]
        causes = await call("record_root_cause", **capa, version=opened["version"], method="five_whys", nodes=nodes)
        planned = await call(
            "plan_capa",
            **capa,
            version=causes["version"],
            actions=[json.loads(action().model_dump_json())],
            criterion=json.loads(criterion().model_dump_json(exclude_none=True)),
        )
        done = await call(
            "update_capa_action",
            **capa,
            version=planned["version"],
            action="1",
            completed_on=ago(1).isoformat(),
            evidence="CR-2026-0002 v4",
        )
        checked = await call("check_effectiveness", **capa)
        assert (done["open_actions"], checked["verdict"]) == (0, "met")
        bad = await client.call_tool("plan_capa", {**capa, "version": 1, "reason": REASON, "actions": [{"type": "x"}]})
        assert bad.is_error
        page = await client.read_resource(f"qms://capa/{opened['number']}/8d")
        assert isinstance(page.contents[0], TextResourceContents)
        assert "## D4 Root cause" in page.contents[0].text
