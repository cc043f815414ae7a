"""The 8D report: what stands in it, what it says of a gap, and that no text of a record gets out of its place."""

from datetime import date
from html.parser import HTMLParser
from pathlib import Path

import pytest
from click.testing import CliRunner

from qms_mcp.cli.report import command
from qms_mcp.errors import InvalidInputError
from qms_mcp.services.domain.causes import CauseNode
from qms_mcp.services.domain.eight_d import CapaFile, CauseAnalysis, EightD, ReportedAction, ReportedSignature, compose
from qms_mcp.services.domain.eight_d_pages import NOTHING, html, markdown

HOSTILE = "<script>alert(1)</script> [x](javascript:alert(2)) | **bold** `code` </dd><img src=x onerror=alert(3)>"
FULL = CapaFile(
    number="CAPA-2026-0014",
    version=7,
    title="Leaking seals",
    state="effectiveness",
    risk_class="high",
    owner="Ada Owner",
    sources=("NC-2026-0007 v3",),
    screening="A CAPA is indicated.",
    problem_statement="34 of 120 pumps leak.",
    actions=(
        ReportedAction(action_type="containment", description="Quarantine lot 7", completed_on=date(2026, 2, 1)),
        ReportedAction(
            action_type="corrective",
            description="Set the tool life",
            owner="Ben Doer",
            due_on=date(2026, 3, 1),
            completed_on=date(2026, 2, 20),
            evidence="CR-2026-0002 v4",
            accepted_by="Cy Checker",
        ),
        ReportedAction(action_type="preventive", description="Review all tool lives", owner="Ben Doer"),
    ),
    analyses=(
        CauseAnalysis(
            method="five_whys",
            nodes=(
                CauseNode(key="0", statement="Seals leak"),
                CauseNode(key="1", parent="0", statement="No tool life", is_root_cause=True, evidence=("tool log",)),
            ),
        ),
    ),
    criterion="complaints <= 3 (baseline 12)",
    checks=("met: 2 against <= 3",),
    verdict="effective",
    signatures=(
        ReportedSignature(
            name="Quinn Approver",
            meaning="approval",
            verdict="signed",
            signed_at="2026-03-02 10:00 Europe/Berlin",
            standing="valid",
        ),
    ),
)


class Page(HTMLParser):
    """Counts the tags of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))


def test_each_discipline_holds_its_part_of_the_record() -> None:
    by_code = {
        discipline.code: " ".join(f"{a}: {b}" for a, b in discipline.lines) for discipline in compose(FULL).disciplines
    }
    assert list(by_code) == [f"D{number}" for number in range(9)]
    assert "Source: NC-2026-0007 v3" in by_code["D0"]
    assert "CAPA owner: Ada Owner" in by_code["D1"]
    assert by_code["D1"].count("Ben Doer") == 1
    assert "Quarantine lot 7 (done 2026-02-01)" in by_code["D3"]
    assert "Root cause: No tool life (evidence: tool log)" in by_code["D4"]
    assert "complaints <= 3" in by_code["D5"]
    assert "accepted by Cy Checker" in by_code["D6"]
    assert "Review all tool lives" in by_code["D7"]
    assert "Verdict: effective" in by_code["D8"]


def test_a_gap_is_said_and_not_left_out() -> None:
    empty = compose(CapaFile(number="CAPA-2026-0001", version=1, title="x", state="draft"))
    assert len(empty.disciplines) == 9
    text = markdown(empty)
    assert text.count(NOTHING) == 8, "only the state is known"
    assert "None yet." in text
    assert html(empty).count(NOTHING) == 8


def test_both_renderings_cite_the_version_and_show_who_signed_what_when() -> None:
    for page in (markdown(compose(FULL)), html(compose(FULL))):
        assert "CAPA-2026-0014 v7" in page
        for part in ("Quinn Approver", "approval", "2026-03-02 10:00 Europe/Berlin", "valid"):
            assert part in page
    assert "```mermaid\nflowchart TD" in markdown(compose(FULL))


def test_what_a_model_drafted_is_marked_until_a_person_adopts_it() -> None:
    drafted = FULL.model_copy(update={"drafted_by_model": True})
    assert "Drafted with a model" in markdown(compose(drafted))
    assert "Drafted with a model" in html(compose(drafted))
    assert "Drafted with a model" not in html(compose(FULL))


def test_no_text_of_a_record_becomes_markup() -> None:
    hostile = FULL.model_copy(
        update={
            "title": HOSTILE,
            "problem_statement": HOSTILE,
            "owner": HOSTILE,
            "actions": (ReportedAction(action_type="corrective", description=HOSTILE, owner=HOSTILE),),
            "signatures": (
                ReportedSignature(name=HOSTILE, meaning="m", verdict="signed", signed_at="t", standing="valid"),
            ),
        }
    )
    clean, page = Page(html(compose(FULL))), Page(html(compose(hostile)))
    assert {tag for tag, _ in page.tags} <= {tag for tag, _ in clean.tags}
    images = [attributes for tag, attributes in page.tags if tag == "img"]
    assert images
    assert all(str(attributes["src"]).startswith("data:image/svg+xml;base64,") for attributes in images)
    assert not [attributes for _, attributes in page.tags if any(name.startswith("on") for name in attributes)]
    text = markdown(compose(hostile))
    assert "<script" not in text
    assert "[x](" not in text
    assert "**bold**" not in text


def test_the_page_is_self_contained() -> None:
    page = html(compose(FULL))
    assert "default-src 'none'" in page
    assert "http://" not in page.replace("http-equiv", "")
    assert "https://" not in page


def test_an_analysis_that_is_not_sound_is_told_and_not_drawn() -> None:
    broken = CauseAnalysis(
        method="five_whys", nodes=(CauseNode(key="0", statement="A"), CauseNode(key="1", statement="B"))
    )
    causes = compose(FULL.model_copy(update={"analyses": (broken,)})).disciplines[4]
    assert causes.diagrams == ()
    assert ("5 Whys", "can't be drawn: An analysis has one top node, the problem; here are 2.") in causes.lines
    assert ("Statement", "B") in causes.lines


def test_the_command_writes_a_page_or_markdown_and_never_over_a_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def made(_capa: str) -> EightD:
        return compose(FULL)

    monkeypatch.setattr("qms_mcp.cli.report._report", made)
    runner = CliRunner()
    shown = runner.invoke(command, ["8d", "CAPA-2026-0014"])
    assert shown.output == markdown(compose(FULL))
    page = tmp_path / "report.html"
    assert runner.invoke(command, ["8d", "CAPA-2026-0014", "--out", str(page)]).exit_code == 0
    assert page.read_text(encoding="utf-8") == html(compose(FULL))
    again = runner.invoke(command, ["8d", "CAPA-2026-0014", "--out", str(page)])
    assert isinstance(again.exception, InvalidInputError)
