"""Reports before they have a database: periods, words, what a model may say, and text that stays text."""

from datetime import UTC, date, datetime

import pytest

from qms_mcp.errors import InvalidInputError
from qms_mcp.services.reports.asked import Kind
from qms_mcp.services.reports.checking import checked, numbers_of, refusal, tokens
from qms_mcp.services.reports.composing import document_number
from qms_mcp.services.reports.content import Fact, Grid, Report, Section
from qms_mcp.services.reports.drafting import Footing, drafted, shown, summary, two_sided
from qms_mcp.services.reports.pages.html import render_html
from qms_mcp.services.reports.pages.markdown import escaped, render_markdown
from qms_mcp.services.reports.pages.pdf import on_paper, render_pdf
from qms_mcp.services.reports.periods import months_later, parsed_period, span_of, usual_period
from qms_mcp.services.reports.sections.inputs import INPUTS, ISO_9001, ISO_13485
from tests.support.printed import pages

MONTH = Footing(days=31, days_before=30)
AT = datetime(2026, 11, 2, 8, tzinfo=UTC)
HOSTILE = (
    '#panic("no") #read("/etc/passwd") $ x $ <script>alert(1)</script> ![p](http://evil.example/p.png) | `x` '
    "[l](javascript:alert(1)) {{ report }} \u202egnp.exe https://evil.example www.evil.example\n# not a heading"
)


def report_of(*sections: Section, drafted_by: str = "template", **fields: object) -> Report:
    values: dict[str, object] = {
        "kind": "monthly",
        "label": "QR-2026-10 v1",
        "title": "Quality report, October 2026",
        "organization": "Northwind #1",
        "period": "2026-10 (2026-10-01 to 2026-10-31)",
        "as_of": "2026-11-01 00:00 UTC",
        "made": "2026-11-02 08:00 UTC",
        "drafted_by": drafted_by,
        "sections": sections,
        "summary": ("Nothing rose.",),
        "numbers_sha256": "a" * 64,
        "calculations": (("3e0d5f4e-0000-4000-8000-000000000000", "Counts and lists"),),
    }
    return Report(**{**values, **fields})  # type: ignore[arg-type] # pyright: ignore[reportArgumentType]


def section_of(*facts: Fact, grids: tuple[Grid, ...] = (), **fields: object) -> Section:
    values: dict[str, object] = {"key": "s", "title": "Complaints", "headline": "7 complaints.", "facts": facts}
    return Section(**{**values, "grids": grids, **fields})  # type: ignore[arg-type] # pyright: ignore[reportArgumentType]


@pytest.mark.parametrize(
    ("written", "first", "last", "before"),
    [
        ("2026-10", date(2026, 10, 1), date(2026, 10, 31), "2026-09"),
        ("2026-01", date(2026, 1, 1), date(2026, 1, 31), "2025-12"),
        ("2026-q3", date(2026, 7, 1), date(2026, 9, 30), "2026-Q2"),
        ("2026-Q1", date(2026, 1, 1), date(2026, 3, 31), "2025-Q4"),
        ("2026-H2", date(2026, 7, 1), date(2026, 12, 31), "2026-H1"),
        ("2024", date(2024, 1, 1), date(2024, 12, 31), "2023"),
    ],
)
def test_a_period_is_read_as_people_write_it(written: str, first: date, last: date, before: str) -> None:
    period = parsed_period(written)
    assert (period.first, period.last, period.before.label) == (first, last, before)


@pytest.mark.parametrize("written", ["2026-13", "2026-00", "2026-Q5", "October", "2026-10-01", "", "0000", "26-10"])
def test_what_is_no_period_is_refused_with_what_is_one(written: str) -> None:
    with pytest.raises(InvalidInputError) as refused:
        parsed_period(written)
    assert "2026-Q3" in refused.value.hint


@pytest.mark.parametrize(
    ("kind", "label"),
    [("monthly", "2026-10"), ("management_review", "2026-H1"), ("supplier", "2026-Q3"), ("capa_board", "2026-11")],
)
def test_without_a_period_it_is_the_last_whole_one(kind: Kind, label: str) -> None:
    assert usual_period(kind, date(2026, 11, 23)).label == label


def test_a_period_begins_and_ends_at_midnight_of_its_place_and_looks_from_now_while_it_runs() -> None:
    now = datetime(2026, 10, 20, 12, tzinfo=UTC)
    span = span_of(parsed_period("2026-10"), now, "America/New_York")
    # Clocks there go back on the first of November: the month is an hour longer than 31 days.
    assert span.since == datetime(2026, 10, 1, 4, tzinfo=UTC)
    assert span.until == datetime(2026, 11, 1, 4, tzinfo=UTC)
    assert span.before == datetime(2026, 9, 1, 4, tzinfo=UTC)
    assert span.at == now
    with pytest.raises(InvalidInputError, match="has not begun"):
        span_of(parsed_period("2026-11"), now, "UTC")
    assert months_later(date(2026, 3, 31), -1) == date(2026, 2, 28)


def test_a_report_is_numbered_by_kind_and_period() -> None:
    assert document_number("monthly", "2026-10") == "QR-2026-10"
    assert document_number("management_review", "2026-H2") == "MR-2026-H2"
    assert document_number("supplier", "2026-Q3", "SUP-2026-0004") == "SR-2026-Q3-SUP-2026-0004"


def test_all_inputs_of_both_standards_stand_there_by_number() -> None:
    numbers = [one.number for one in INPUTS]
    assert len(set(numbers)) == len(numbers)
    assert {n.removeprefix(f"{ISO_9001} ").split()[0] for n in numbers if n.startswith(ISO_9001)} == set("abcdef")
    assert [n for n in numbers if n.startswith(f"{ISO_9001} c")] == [f"{ISO_9001} c {place}" for place in range(1, 8)]
    assert {n.removeprefix(f"{ISO_13485} ") for n in numbers if n.startswith(ISO_13485)} == set("abcdefghijkl")


def test_words_say_what_rose_and_fell_with_the_number_before_and_whether_chance_would_do() -> None:
    section = section_of(
        Fact("complaints received", 20, 5, good="less", counted=True),
        Fact("nonconformances reported", 6, 7, good="less", counted=True),
        Fact("cost", 100.5, 250.0, unit="EUR"),
        Fact("complaints overdue", 3, 3, good="less"),
        grids=(Grid("The oldest", ("Record", "Title"), (("CMP-2026-0001 v2", "x"),)),),
    )
    said = " ".join(drafted(section, MONTH))
    assert "Complaints received: 20, 15 more than in the period before (5): more than chance alone would do" in said
    assert (
        "Nonconformances reported: 6, 1 fewer than in the period before (7): within what chance alone would do" in said
    )
    assert "Cost: 100.5 EUR, 149.5 EUR less than in the period before (250)." in said
    assert "Overdue or late: complaints overdue 3." in said
    assert "Look first at CMP-2026-0001 v2" in said


def test_words_invent_nothing_when_there_is_nothing_to_say() -> None:
    section = section_of(Fact("complaints received", 4, 4, counted=True))
    assert drafted(section, MONTH) == ("Nothing rose, fell or is overdue in these numbers.",)
    assert drafted(section_of(), MONTH) == ()
    assert summary([section], MONTH) == ("No number rose or fell against the period before, and nothing is overdue.",)


def test_a_running_period_is_not_said_to_have_fewer_events_than_a_whole_one() -> None:
    section = section_of(Fact("complaints received", 3, 9, counted=True))
    said = summary([section], Footing(days=10, days_before=30, running=True))
    assert not any(line.startswith("Fell") for line in said)
    assert "still runs" in said[-1]


def test_two_counts_are_compared_by_the_exact_conditional_test() -> None:
    # With equal days the counts 20 and 5 are binomial(25, 1/2): 2 P(X <= 5) = 2 * 68,406 / 2**25.
    assert two_sided(20, 5, Footing(30, 30)) == pytest.approx(2 * 68_406 / 2**25, rel=1e-12)
    assert two_sided(5, 20, Footing(30, 30)) == pytest.approx(2 * 68_406 / 2**25, rel=1e-12)
    assert two_sided(0, 0, MONTH) == 1.0
    assert two_sided(10, 10, Footing(30, 30)) == 1.0


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "not known"),
        (1234567, "1,234,567"),
        (12.0, "12"),
        (12.3456, "12.35"),
        (123456.78, "123,456.8"),
        ("x", "x"),
    ],
)
def test_numbers_are_written_as_people_read_them(value: object, text: str) -> None:
    assert shown(value) == text


FACTS = section_of(
    Fact("complaints received", 20, 5),
    Fact("rate", 12.345, unit="%", note="95 % interval 10.1 to 14.9"),
    grids=(Grid("Late", ("Record", "Days"), (("CAPA-2026-0014 v3", 45),), total=12),),
)


@pytest.mark.parametrize(
    "sentence",
    [
        "Complaints received rose from 5 to 20.",
        "The rate is 12.3 % (10.1 to 14.9).",
        "CAPA-2026-0014 is 45 days late, and one of 12.",
        "Twenty complaints came in.",
        "Look at CAPA-2026-0014 v3 first.",
        "Nothing else moved.",
    ],
)
def test_a_sentence_may_stand_when_all_its_numbers_are_in_the_facts(sentence: str) -> None:
    assert refusal(sentence, numbers_of(FACTS)) == ""


@pytest.mark.parametrize(
    ("sentence", "why"),
    [
        ("Complaints rose by 300 %.", "300"),
        ("Complaints rose by 15.", "15"),
        ("CAPA-2026-0015 is late.", "CAPA-2026-0015"),
        ("CAPA-2026-0014 v4 is late.", "v4"),
        ("Eleven complaints came in.", "11"),
        ("Complaints doubled.", "doubled"),
        ("The rate is 12.9 %.", "12.9"),
        ("It was due on 2026-10-05.", "2026-10-05"),
        ("The process is compliant.", "compliant"),
        ("This is non-compliance.", "non-compliance"),
        ("The system conforms to the standard.", "conforms to"),
        ("The result is acceptable.", "acceptable"),
        (f"Word {'word ' * 200}.", "longer"),
    ],
)
def test_a_sentence_with_a_number_or_a_verdict_of_its_own_is_left_out(sentence: str, why: str) -> None:
    assert why in refusal(sentence, numbers_of(FACTS))


def test_of_several_sentences_only_the_bad_ones_are_left_out_and_each_says_why() -> None:
    kept, dropped = checked(
        ["Complaints rose from 5 to 20. That is 300 % more. See CAPA-2026-0014."], numbers_of(FACTS)
    )
    assert kept == ["Complaints rose from 5 to 20.", "See CAPA-2026-0014."]
    assert [(one.sentence, one.why) for one in dropped] == [("That is 300 % more.", "300 does not occur in the facts")]


def test_numbers_are_the_same_however_they_are_written() -> None:
    assert tokens("1,234.50 and \u22127 and 007") == frozenset({"1234.5", "7"})


def test_titles_of_records_stay_text_in_markdown() -> None:
    from markdown_it import MarkdownIt

    grid = Grid("Records", ("Record", "Title"), (("NC-2026-0001 v1", HOSTILE),))
    text = render_markdown(report_of(section_of(headline=HOSTILE, grids=(grid,), missing=(HOSTILE,), words=(HOSTILE,))))
    parsed = MarkdownIt("commonmark", {"html": True}).enable("table").parse(text)
    kinds = {token.type for token in parsed} | {child.type for token in parsed for child in token.children or ()}
    assert not kinds & {"html_block", "html_inline", "link_open", "image"}
    headings = [parsed[at + 1].content for at, token in enumerate(parsed) if token.type == "heading_open"]
    assert not any("not a heading" in heading for heading in headings)
    rows = [token for token in parsed if token.type == "tr_open"]
    assert len(rows) == 1 + 7 + 2 + 2
    assert "\u202e" not in text
    assert "https:" not in text
    assert "www.evil" not in text


@pytest.mark.parametrize("text", ["- item", "1. item", "+ x", "= x", "12) x"])
def test_a_line_of_records_begins_no_list(text: str) -> None:
    from markdown_it import MarkdownIt

    assert MarkdownIt("commonmark").parse(escaped(text))[0].type == "paragraph_open"


def test_titles_of_records_stay_text_in_html() -> None:
    grid = Grid(HOSTILE, ("Record", HOSTILE), (("NC-2026-0001 v1", HOSTILE),))
    section = section_of(Fact(HOSTILE, HOSTILE), headline=HOSTILE, grids=(grid,), missing=(HOSTILE,), words=(HOSTILE,))
    page = render_html(report_of(section, title=HOSTILE, organization=HOSTILE)).decode()
    assert "<script" not in page
    assert "&lt;script&gt;" in page
    assert 'src="http' not in page
    assert 'href="http' not in page
    assert 'href="javascript' not in page
    assert "default-src 'none'" in page
    assert "\u202e" not in page


def test_titles_of_records_stay_text_in_the_pdf_and_each_page_says_that_it_is_a_draft() -> None:
    rows = tuple((f"NC-2026-{place:04d} v1", HOSTILE) for place in range(60))
    section = section_of(
        Fact(HOSTILE, 12.5, unit="%"), headline=HOSTILE, grids=(Grid(HOSTILE, ("Record", "Title"), rows),)
    )
    pdf, _ = render_pdf(report_of(section, title=HOSTILE, drafted_by="the model claude-x"), AT)
    printed = [" ".join(page.split()) for page in pages(pdf)]
    assert len(printed) > 2
    assert all("DRAFT: text drafted by the model claude-x, not approved by a person" in page for page in printed)
    assert '#panic("no") #read("/etc/passwd")' in printed[0]
    assert "<script>alert(1)</script>" in printed[0]


def test_the_same_report_gives_the_same_bytes() -> None:
    report = report_of(section_of(Fact("complaints received", 3, 4)))
    assert render_pdf(report, AT) == render_pdf(report, AT)
    assert render_html(report) == render_html(report)


def test_letters_no_font_here_has_stand_as_code_points_and_the_report_says_so() -> None:
    pdf, missing = render_pdf(report_of(section_of(headline="A \U0001f9ff sign")), AT)
    text = " ".join(" ".join(pages(pdf)).split())
    assert missing == 0 or "[U+1F9FF]" in text
    assert missing == 0 or "stand as their code points" in text


def test_a_drawing_goes_to_paper_in_the_colours_of_a_light_page() -> None:
    svg = (
        b"<svg xmlns='http://www.w3.org/2000/svg'><style>.q1{--paper:#ffffff}\n"
        b"@media (prefers-color-scheme:dark){.q1{--paper:#000}}\n.q1[data-theme=dark]{--paper:#000}\n"
        b".q1c0{fill:#ffffff;fill:var(--paper)}</style></svg>"
    )
    drawn = on_paper(svg)
    assert ".q1c0{fill:#ffffff}" in drawn
    assert "@media" not in drawn
    assert "data-theme" not in drawn


def test_an_empty_report_is_short_and_says_what_is_missing() -> None:
    report = report_of(section_of(headline="No supplier is on record.", missing=("No supplier is on record.",)))
    text = render_markdown(report)
    assert len(text) < 3_000
    assert "Missing:" in text
