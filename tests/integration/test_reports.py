"""Quality reports: their numbers counted in another way, their files, their versions, and what they never hold."""

import base64
import hashlib
import json
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from mcp.shared.exceptions import MCPError
from mcp_types import BlobResourceContents, TextResourceContents

from qms_mcp.auth.acting import acting
from qms_mcp.auth.principal import Principal
from qms_mcp.db.database import Database
from qms_mcp.db.embedded import EmbeddedPostgres
from qms_mcp.db.local_owner import LOCAL_OWNER_ID
from qms_mcp.db.queries import Query
from qms_mcp.demo.company import HALDEN, MORROW
from qms_mcp.demo.load import load_companies
from qms_mcp.errors import InvalidInputError, NotAllowedError, NotFoundError
from qms_mcp.services.container import Services
from qms_mcp.services.reports.asked import QualityReport, ReportAsked
from qms_mcp.services.reports.periods import usual_period
from qms_mcp.services.reports.service import Made, QualityReports
from qms_mcp.settings import Settings
from tests.conftest import Tenants, copied_database, two_tenants, wiring_for
from tests.support.browser import chromium
from tests.support.claude_stub import ClaudeStub, refuses, says
from tests.support.in_process import client_for
from tests.support.printed import pages

pytestmark = pytest.mark.anyio
OWNER = Principal(LOCAL_OWNER_ID, HALDEN.organization_id, frozenset({"owner", "admin"}), "agent")
AUDITOR = Principal(HALDEN.people[-1].user_id, HALDEN.organization_id, frozenset({"auditor"}), "agent")
THEIRS = Principal(MORROW.people[0].user_id, MORROW.organization_id, frozenset({"admin", "owner"}), "agent")
WHY = "The month is over and its report is due."
HOSTILE = '<script>alert(1)</script> #panic("x") | ![p](http://evil.example/p.png) https://evil.example'
MONTH = usual_period("monthly", date.today())  # noqa: DTZ011 - the demo counts from today, in UTC like this machine
IN_PERIOD = f"coalesce(i.occurred_at, i.created_at) >= '{MONTH.first}' AND i.created_at < '{MONTH.after}'"
OPEN_AT_END = (
    f"coalesce(i.occurred_at, i.created_at) < '{MONTH.after}' "
    f"AND (i.closed_at IS NULL OR i.closed_at >= '{MONTH.after}')"
)


@dataclass(frozen=True)
class World:
    """A database with both demo companies in it, and two organizations with nothing."""

    database: Database
    home: Path
    empty: Tenants

    @property
    def services(self) -> Services:
        return Services.over(self.database, Settings(), home=self.home)

    def reports(self, **environment: str) -> QualityReports:
        settings = Settings.from_environment(environment)
        return Services.over(self.database, settings, home=self.home).reports

    async def make(self, kind: str = "monthly", *, by: Principal = OWNER, key: str | None = None, **asked: Any) -> Made:
        wanted = ReportAsked.model_validate({"kind": kind, **asked})
        return await self.reports().make(by, wanted, WHY, idempotency_key=key)

    async def rows(self, sql: str, by: Principal = OWNER) -> list[dict[str, Any]]:
        async with self.database.transaction(by, read_only=True) as transaction:
            return await transaction.fetch_dicts(Query("test", sql))  # pyright: ignore[reportArgumentType]

    async def count(self, sql: str, by: Principal = OWNER) -> Any:
        ((value,),) = [tuple(row.values()) for row in await self.rows(sql, by)]
        return value

    async def add(self, category: str, *, by: Principal = OWNER, **fields: Any) -> str:
        made = await self.services.records.writer.add(by, category, fields, "a test needs this record")
        return made.number


@pytest.fixture(scope="module")
async def world(
    embedded: EmbeddedPostgres, template: str, tmp_path_factory: pytest.TempPathFactory
) -> AsyncGenerator[World]:
    with copied_database(embedded, template) as name:
        database = Database(wiring_for(embedded, name))
        await database.open()
        await load_companies(database)
        yield World(database, tmp_path_factory.mktemp("home"), await two_tenants(database))
        await database.close()


@pytest.fixture(scope="module")
async def monthly(world: World) -> Made:
    """The report of the last month, made once."""
    return await world.make()


def section(answer: QualityReport, title: str) -> dict[str, Any]:
    return next(one.numbers for one in answer.sections if one.title == title)


async def test_the_numbers_of_a_month_are_those_counted_in_another_way(world: World, monthly: Made) -> None:
    counted = "SELECT count(*) FROM qms.quality_items AS i WHERE i.status <> 'cancelled' AND i.category = '{}' AND {}"
    late = f"{OPEN_AT_END} AND i.due_date::date < '{MONTH.last}'"
    told = section(monthly.answer, "Nonconformities")
    assert told["nonconformances reported"] == await world.count(counted.format("nonconformance", IN_PERIOD))
    assert told["nonconformances open"] == await world.count(counted.format("nonconformance", OPEN_AT_END))
    assert told["nonconformances overdue"] == await world.count(counted.format("nonconformance", late))
    told = section(monthly.answer, "Complaints")
    assert told["complaints received"] == await world.count(counted.format("complaint", IN_PERIOD))
    assert told["complaints overdue"] == await world.count(counted.format("complaint", late))
    assert section(monthly.answer, "Corrective action")["CAPAs open"] == await world.count(
        counted.format("capa", OPEN_AT_END)
    )
    assert told["complaints received"] > 0


async def test_every_number_cites_a_calculation_that_is_kept_and_comes_out_the_same_again(
    world: World, monthly: Made
) -> None:
    text = monthly.files["markdown"].decode()
    listed = text.partition("## Calculations")[2]
    ids = [line.split("|")[2].strip() for line in listed.splitlines() if line.startswith("| c")]
    assert len(ids) == monthly.answer.calculations
    assert len(ids) >= 3
    kept = await world.rows("SELECT c.id::text AS id, c.method FROM qms.calculations AS c")
    methods = {row["id"]: row["method"] for row in kept}
    assert {methods[one] for one in ids} >= {"quality_report_facts", "calculate_metrics", "spc_chart"}
    facts = next(one for one in ids if methods[one] == "quality_report_facts")
    again = await world.services.analysis.recompute(OWNER, facts)
    assert again.same, again
    for line in text.splitlines():
        if line.startswith(("| nonconformances reported", "| nonconformances overdue")):
            assert line.rstrip(" |").rpartition(" ")[2] == "c1"


async def test_the_pdf_holds_the_numbers_and_says_on_each_page_that_it_is_a_draft(monthly: Made) -> None:
    printed = [" ".join(page.split()) for page in pages(monthly.files["pdf"])]
    told = section(monthly.answer, "Nonconformities")
    assert f"nonconformances reported {told['nonconformances reported']}" in " ".join(printed)
    assert f"nonconformances overdue {told['nonconformances overdue']}" in " ".join(printed)
    assert all("DRAFT: text drafted by template, not approved by a person" in page for page in printed)
    assert all(f"QR-{MONTH.label} v1" in page for page in printed)
    assert "compliant" not in " ".join(printed).lower()


async def test_a_report_is_kept_as_a_draft_document_with_its_files_by_their_hashes(world: World, monthly: Made) -> None:
    answer = monthly.answer
    assert (answer.document, answer.state) == (f"QR-{MONTH.label} v1", "draft")
    (row,) = await world.rows(
        "SELECT d.document_type, d.revision, d.content, d.is_effective, i.drafted_by_kind FROM qms.documents AS d "
        f"INNER JOIN qms.quality_items AS i ON i.id = d.id WHERE d.id = '{answer.id}'"
    )
    assert (row["document_type"], row["revision"], row["is_effective"]) == ("report", 1, False)
    assert row["drafted_by_kind"] == "agent"
    assert row["content"].encode() == monthly.files["markdown"]
    files = await world.rows(
        "SELECT f.role, f.sha256, f.byte_count FROM qms.document_files AS f "
        f"WHERE f.record_id = '{answer.id}' ORDER BY f.role"
    )
    assert [one["role"] for one in files] == ["attachment", "original"]
    for form, kept in (("html", files[0]), ("pdf", files[1])):
        content = monthly.files[form]
        assert kept["sha256"] == answer.files[form]["sha256"] == hashlib.sha256(content).hexdigest()
        assert kept["byte_count"] == len(content)
        assert await world.services.documents.originals.read(OWNER.organization_id, kept["sha256"]) == content
    assert answer.files["markdown"]["sha256"] == hashlib.sha256(monthly.files["markdown"]).hexdigest()
    reasons = await world.rows(f"SELECT DISTINCT a.reason FROM qms.audit_logs AS a WHERE a.record_id = '{answer.id}'")
    assert [one["reason"] for one in reasons] == [WHY]


async def test_made_again_it_is_the_next_version_and_says_whether_numbers_moved(world: World) -> None:
    period = MONTH.before.label
    first = await world.make("supplier", period=period)
    second = await world.make("supplier", period=period)
    assert (first.answer.document, second.answer.document) == (f"SR-{period} v1", f"SR-{period} v2")
    assert first.answer.unchanged is None
    assert second.answer.unchanged
    assert f"The numbers are those of SR-{period} v1." in second.answer.warnings
    assert f"The numbers are those of SR-{period} v1." in " ".join(pages(second.files["pdf"])[0].split())
    occurred = f"{MONTH.before.first + timedelta(days=3)}T10:00:00Z"
    await world.add("nonconformance", title="One more", detected_at_stage="incoming", occurred_at=occurred)
    third = await world.make("supplier", period=period)
    assert third.answer.document == f"SR-{period} v3"
    assert third.answer.unchanged is None
    title, name = "Performance of external providers", "incoming nonconformances without a supplier"
    assert section(third.answer, title)[name] == section(second.answer, title)[name] + 1


async def test_the_same_key_makes_one_report(world: World) -> None:
    first = await world.make("capa_board", key="board-1")
    before = await world.count("SELECT count(*) FROM qms.documents")
    again = await world.make("capa_board", key="board-1")
    assert again.answer.id == first.answer.id
    assert again.answer.files == first.answer.files
    assert again.answer.sections == first.answer.sections
    assert again.files == first.files
    assert "nothing was written" in " ".join(again.answer.warnings)
    assert await world.count("SELECT count(*) FROM qms.documents") == before


async def test_a_preview_is_computed_and_nothing_is_kept(world: World) -> None:
    before = await world.count("SELECT count(*) FROM qms.documents")
    made = await world.make("capa_board", preview=True, by=AUDITOR)
    assert made.answer.markdown.startswith("# CAPA board")
    assert made.answer.document == ""
    assert await world.count("SELECT count(*) FROM qms.documents") == before
    with pytest.raises(NotAllowedError, match="can't be kept"):
        await world.make("capa_board", by=AUDITOR)


async def test_a_review_answers_every_input_with_facts_or_with_what_is_missing(world: World) -> None:
    made = await world.make("management_review", preview=True)
    text = made.answer.markdown
    for number in ("ISO 9001 9.3.2 a", "ISO 9001 9.3.2 c 7", "ISO 9001 9.3.2 f", "ISO 13485 5.6.2 l"):
        assert f"| {number} |" in text
    for one in made.answer.sections[1:]:
        assert one.headline
        assert one.numbers or one.missing, one.title
    assert "No earlier management review is on record" in text


async def test_the_board_names_what_is_late_and_what_has_to_be_decided(world: World) -> None:
    made = await world.make("capa_board", preview=True)
    (late,) = await world.rows(
        "SELECT count(*) AS n, min(i.number) AS first FROM qms.quality_items AS i "
        "WHERE i.category = 'capa' AND i.closed_at IS NULL AND i.due_date::date < current_date"
    )
    told = section(made.answer, "Open CAPAs by stage and age")
    assert told["CAPAs overdue"] == late["n"] > 0
    assert "## Decisions needed" in made.answer.markdown
    assert late["first"] in made.answer.markdown


async def test_a_supplier_has_its_ppm_its_corrective_actions_and_its_certificates(world: World) -> None:
    ends = (MONTH.last + timedelta(days=20)).isoformat()
    number = await world.add(
        "supplier",
        title="Vestre Bar Stock",
        supplied_scope="bar stock",
        certificates=[{"name": "ISO 9001", "expires_on": ends}, {"name": "broken", "expires_on": "soon"}],
        occurred_at=f"{MONTH.first}T08:00:00Z",
    )
    supplier_id = await world.count(f"SELECT i.id FROM qms.quality_items AS i WHERE i.number = '{number}'")
    occurred = f"{MONTH.first + timedelta(days=2)}T08:00:00Z"
    await world.add(
        "nonconformance", title="Wrong bar", supplier_id=str(supplier_id), quantity_affected=12, occurred_at=occurred
    )
    await world.add(
        "scar", title="Wrong bars", supplier_id=str(supplier_id), requirement="bar to drawing", occurred_at=occurred
    )
    made = await world.make(
        "supplier",
        supplier="vestre bar stock",
        period=MONTH.label,
        volumes={"columns": {"supplier": ["Vestre Bar Stock"], "received": [4_000], "date": [MONTH.label]}},
    )
    assert made.answer.document == f"SR-{MONTH.label}-{number} v1"
    told = section(made.answer, "Performance of external providers")
    assert told["SCARs open"] == 1
    assert told["nonconformances that name a supplier"] == 1
    assert "3,000 PPM" in str(told), told
    assert section(made.answer, "Approvals and certificates")["certificates ending within 90 days"] == 1
    with pytest.raises(NotFoundError):
        await world.make("supplier", supplier="Nobody & Sons")
    with pytest.raises(NotFoundError):
        await world.make("supplier", supplier=number, by=THEIRS)
    with pytest.raises(InvalidInputError):
        await world.make("monthly", supplier=number)


async def test_records_and_files_of_another_organization_are_never_in_it(world: World, monthly: Made) -> None:
    await world.add("supplier", by=THEIRS, title="Zirkonsand", occurred_at=f"{MONTH.first}T08:00:00Z")
    ours = await world.make("supplier", period=MONTH.label, preview=True)
    theirs = await world.make("supplier", period=MONTH.label, by=THEIRS, preview=True)
    assert "Zirkonsand" in theirs.answer.markdown
    assert "Zirkonsand" not in ours.answer.markdown
    assert MORROW.name not in ours.answer.markdown + monthly.files["markdown"].decode()
    assert await world.reports().file(OWNER, f"QR-{MONTH.label}", 1, "pdf") == monthly.files["pdf"]
    with pytest.raises(NotFoundError):
        await world.reports().file(THEIRS, f"QR-{MONTH.label}", 1, "pdf")


@pytest.mark.parametrize("kind", ["monthly", "management_review", "supplier", "capa_board"])
async def test_of_an_organization_without_records_a_short_report_says_so(world: World, kind: str) -> None:
    made = await world.make(kind, by=world.empty.ours)
    text = made.files["markdown"].decode()
    assert made.answer.state == "draft"
    assert any(one.missing for one in made.answer.sections)
    assert "There is nothing on record for this period" in text
    assert len(pages(made.files["pdf"])) <= (7 if kind == "management_review" else 4)
    assert "Rose:" not in text


async def test_what_records_say_stays_text_in_each_form(world: World) -> None:
    before = MONTH.before.before
    await world.add("supplier", title=HOSTILE, occurred_at=f"{before.first}T08:00:00Z")
    made = await world.make("supplier", period=before.label)
    assert '#panic("x")' in " ".join(" ".join(pages(made.files["pdf"])).split())
    html = made.files["html"].decode()
    assert "<script" not in html
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in html
    assert 'src="http' not in html
    markdown = made.files["markdown"].decode()
    assert "\\<script\\>" in markdown
    assert "!\\[p\\](" in markdown


async def test_a_model_words_it_and_what_it_makes_up_is_left_out(world: World) -> None:
    wording = {
        "summary": ["CAPAs are on the board.", "There are 9876 of them."],
        "sections": [
            {"key": "stages", "sentences": ["The process is compliant.", "Some CAPAs are late. 4321 are new."]},
            {"key": "nowhere", "sentences": ["Nothing."]},
        ],
    }
    with ClaudeStub(lambda _: says(json.dumps(wording))) as stub:
        reports = world.reports(ANTHROPIC_API_KEY="stub", ANTHROPIC_BASE_URL=stub.url)
        asked = ReportAsked(kind="capa_board", drafted_by="model")
        made = await reports.make(OWNER, asked, WHY)
        with acting(None, by_agent=True):
            by_agent = await reports.make(OWNER, asked, WHY)
        sent = len(stub.requests)
    text = made.files["markdown"].decode()
    assert "Some CAPAs are late." in text
    assert "CAPAs are on the board." in text
    assert "4321" not in text.replace("4321 does not occur", "")
    assert "The process is compliant" not in text
    assert made.answer.drafted_by.startswith("the model claude")
    assert all("DRAFT: text drafted by the model claude" in " ".join(page.split()) for page in pages(made.files["pdf"]))
    assert "3 sentences of the model were left out" in " ".join(flag.says for flag in made.answer.flags)
    assert by_agent.answer.drafted_by == "template"
    assert sent == 1


async def test_without_a_model_or_with_one_that_fails_it_is_worded_by_template_and_says_so(world: World) -> None:
    asked = ReportAsked(kind="capa_board", drafted_by="model", preview=True)
    plain = (await world.reports().make(OWNER, asked, WHY)).answer
    with ClaudeStub(lambda _: refuses(400, "invalid_request_error")) as stub:
        reports = world.reports(ANTHROPIC_API_KEY="stub", ANTHROPIC_BASE_URL=stub.url)
        failed = (await reports.make(OWNER, asked, WHY)).answer
    for answer, why in ((plain, "no ANTHROPIC_API_KEY"), (failed, "could not be asked")):
        assert answer.drafted_by == "template"
        assert any(why in flag.says for flag in answer.flags)


async def test_the_tool_tells_how_far_it_is_and_its_files_can_be_downloaded(world: World) -> None:
    told: list[str] = []

    async def hear(progress: float, total: float | None, message: str | None) -> None:
        del progress, total
        told.append(message or "")

    async with client_for(world.database, OWNER, world.home) as client:
        result = await client.call_tool(
            "quality_report",
            {"kind": "capa_board", "reason": WHY, "idempotency_key": "tool-1"},
            progress_callback=hear,
        )
        answer: dict[str, Any] = result.structured_content or {}
        assert not result.is_error, result.content
        assert answer["state"] == "draft"
        assert any(message.startswith("Open CAPAs by stage and age:") for message in told)
        (pdf,) = (await client.read_resource(answer["files"]["pdf"]["uri"])).contents
        assert isinstance(pdf, BlobResourceContents)
        content = base64.b64decode(pdf.blob)
        assert hashlib.sha256(content).hexdigest() == answer["files"]["pdf"]["sha256"]
        assert pdf.mime_type == "application/pdf"
        (html,) = (await client.read_resource(answer["files"]["html"]["uri"])).contents
        assert isinstance(html, TextResourceContents)
        written = html.text.encode()
        assert hashlib.sha256(written).hexdigest() == answer["files"]["html"]["sha256"]
        (page,) = (await client.read_resource(answer["files"]["markdown"]["uri"])).contents
        assert isinstance(page, TextResourceContents)
        assert "# CAPA board" in page.text
        refused = await client.call_tool("quality_report", {"kind": "monthly", "period": "2999-01", "reason": WHY})
        assert refused.is_error
        with pytest.raises(MCPError):
            await client.read_resource("qms://report/QR-1999-01/v1/pdf")


async def test_the_page_opens_in_a_browser_loads_nothing_and_shows_its_charts(monthly: Made, tmp_path: Path) -> None:
    place = tmp_path / "report.html"
    place.write_bytes(monthly.files["html"])
    async with chromium() as browser:
        for dark in (False, True):
            page = await browser.new_page(color_scheme="dark" if dark else "light")
            asked: list[str] = []
            wrong: list[str] = []
            page.on("request", lambda request, asked=asked: asked.append(request.url))
            page.on("console", lambda message, wrong=wrong: wrong.append(message.text))
            await page.goto(place.as_uri())
            widths = await page.evaluate("[...document.images].map(i => [i.naturalWidth, i.alt.length])")
            assert len(widths) >= 3
            assert all(width > 0 and alt > 10 for width, alt in widths)
            assert [url for url in asked if not url.startswith(("file:", "data:"))] == []
            assert wrong == []
            assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth")
            heading = await page.inner_text("h1")
            assert heading.startswith("Quality report")
