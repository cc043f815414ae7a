"""Files of every kind into Markdown, and files that want to harm: each loses its own child and nothing else."""

import os
import signal
import sys
import unicodedata
from pathlib import Path

import anyio
import pytest

from qms_mcp.services.documents.parsing import parse
from qms_mcp.services.documents.parsing.models import Limits, Parsed, UnreadableFileError
from qms_mcp.services.documents.parsing.running import parse_apart
from tests.support import office_files as files

pytestmark = pytest.mark.anyio


async def refusal(content: bytes, name: str, **limits: float) -> UnreadableFileError:
    with pytest.raises(UnreadableFileError) as refused:
        await parse(content, name, limits=Limits(**limits))  # type: ignore[arg-type]
    assert refused.value.hint, "a person needs a next step"
    assert refused.value.code == "invalid_input"
    return refused.value


def headings(parsed: Parsed) -> list[str]:
    return [line for line in parsed.markdown.split("\n") if line.startswith("#")]


async def test_a_pdf_keeps_headings_tables_pages_and_says_what_it_is() -> None:
    parsed = await parse(files.pdf(), "anything.pdf")
    assert headings(parsed) == [
        "# SOP-014 Complaint handling", "## 1 Purpose", "## 2 Responsibilities", "## 3 Procedure", "### 3.1 Intake",
        "### 3.2 Triage", "## 4 Records",
    ]  # fmt: skip
    assert (
        "| Role | Duty |\n| --- | --- |\n| QA | Review shall be done within 5 days |\n| RA | Décide |"
        in parsed.markdown
    )
    assert "may be broken" not in parsed.markdown
    assert (
        "broken over more than one line on the page, and it has to come out as one paragraph again." in parsed.markdown
    )
    assert "- first point\n- second point" in parsed.markdown
    assert [(page, parsed.markdown[start:].split("\n", 1)[0]) for start, page in parsed.pages] == [
        (1, "# SOP-014 Complaint handling"), (2, "## 3 Procedure"), (3, "### 3.2 Triage"), (4, "## 4 Records"),
    ]  # fmt: skip
    assert (parsed.document_number, parsed.document_type, parsed.revision) == ("SOP-014", "sop", 3)
    assert (parsed.title, parsed.language) == ("SOP-014 Complaint handling", "en")
    assert parsed.metadata["author"] == "Ada Example"


async def test_lines_that_run_through_the_pages_of_a_pdf_are_not_in_its_text() -> None:
    parsed = await parse(files.pdf(), "sop.pdf")
    assert "ACME Medical" not in parsed.markdown
    assert "Confidential" not in parsed.markdown
    assert any("ACME Medical GmbH SOP-014 Rev. 3" in warning for warning in parsed.warnings), "it says what it left out"


async def test_requirements_stand_where_they_are_said_to() -> None:
    parsed = await parse(files.pdf(), "sop.pdf")
    assert [one.text for one in parsed.requirements] == [
        "Review shall be done within 5 days",
        "The complaint owner shall record each complaint.",
        "The reviewer must decide within two days.",
    ]
    for one in parsed.requirements:
        assert parsed.markdown[one.char_start :].startswith(one.text)


async def test_numbered_lines_of_a_pdf_without_styles_become_headings_and_a_list_does_not() -> None:
    lines = [
        "1 Purpose", "", "This is why it exists.", "", "2 Procedure", "", "2.1 Intake", "", "Write it down.", "",
        "1. Open the valve.", "2. Close the valve.", "", "2026 Was A Year", "", "3 Records", "", "Keep them.",
    ]  # fmt: skip
    parsed = await parse(files.plain_pdf([lines]), "plain.pdf")
    assert headings(parsed) == ["# 1 Purpose", "# 2 Procedure", "## 2.1 Intake", "# 3 Records"]


@pytest.mark.parametrize(
    ("start", "name", "expected"),
    [
        ("Document No.: QP-7-02\nVersion: 2.1", "x.txt", ("QP-7-02", "procedure", 2)),
        ("Cleaning of tanks\nby the operator", "WI_012_v4.txt", ("WI-012", "work_instruction", 4)),
        ("Quality manual\nRevision 0", "x.txt", (None, "manual", None)),
        ("Work instruction for cleaning\nin 2026", "x.txt", (None, "work_instruction", None)),
        ("Some words about forms and\nversions of 12 things", "x.txt", (None, None, None)),
    ],
)
async def test_number_kind_and_revision_come_from_the_start_or_the_name(
    start: str, name: str, expected: tuple[str | None, str | None, int | None]
) -> None:
    parsed = await parse(start.encode(), name)
    assert (parsed.document_number, parsed.document_type, parsed.revision) == expected


async def test_a_page_of_contents_is_text_not_headings() -> None:
    lines = [
        "Contents",
        "",
        "1 Purpose ........ 1",
        "",
        "2 Scope . . . . . . . 2",
        "",
        "1 Purpose",
        "",
        "It is said here.",
    ]
    parsed = await parse(files.plain_pdf([lines]), "x.pdf")
    assert headings(parsed) == ["# 1 Purpose"]


async def test_requirements_are_found_in_four_languages_and_items_and_cells_stand_alone() -> None:
    text = (
        "# What shall be done\n\nEs ist gut. Der Leiter muss zustimmen, z.B. Frau Ott. Le responsable doit signer. "
        "El jefe debe firmar.\n\n- One shall go.\n- Two may stay.\n\n| Who | What |\n|---|---|\n| QA | must look |\n\n"
        "```\nthis shall not count\n```\n"
    )
    parsed = await parse(text.encode(), "x.md")
    assert [one.text for one in parsed.requirements] == [
        "Der Leiter muss zustimmen, z.B. Frau Ott.", "Le responsable doit signer.", "El jefe debe firmar.",
        "One shall go.", "must look",
    ]  # fmt: skip
    assert all(parsed.markdown[one.char_start :].startswith(one.text) for one in parsed.requirements)


async def test_a_word_document_keeps_headings_and_table_and_leaves_out_its_header() -> None:
    parsed = await parse(files.docx(), "wi.docx")
    assert headings(parsed) == ["# WI-007 Cleaning", "# 1 Purpose", "## 1.1 Détails"]
    assert "| Role | Duty\\|side |\n| --- | --- |\n| QA | Line one Line two |" in parsed.markdown
    assert "The operator shall clean the tank *now* # daily." in parsed.markdown
    assert "ACME header" not in parsed.markdown
    assert (parsed.document_number, parsed.document_type, parsed.revision) == ("WI-007", "work_instruction", 4)
    assert [one.text for one in parsed.requirements] == ["The operator shall clean the tank *now* # daily."]


async def test_a_word_document_without_styles_gets_its_numbered_headings() -> None:
    parsed = await parse(files.docx_without_styles(), "labels.docx")
    assert headings(parsed) == ["# 1 Purpose", "# 2 Procedure", "## 2.1 Printing", "# 3 Records"]
    assert parsed.title == "SOP-021 Labelling"


async def test_the_numbers_word_counts_in_front_of_headings_are_in_the_text() -> None:
    parsed = await parse(files.docx_with_counted_headings(), "intake.docx")
    assert headings(parsed) == [
        "# SOP-030 Intake of goods", "# 1 Purpose", "# 2 Procedure", "## 2.1 Intake", "## 2.2 Release", "# 3 Records",
        "## 3.1 Intake",
    ]  # fmt: skip


async def test_the_sheets_of_a_workbook_are_sections_with_tables() -> None:
    parsed = await parse(files.xlsx(), "sheets.xlsx")
    assert parsed.markdown == (
        "## Calibration\n\n| Id | Due | Value |\n| --- | --- | --- |\n| G-1 | 2026-01-01 | 1.5 |\n| G\\|2 |  | 3 |\n\n"
        "## Suppliers\n\nApproved suppliers\n\n| Name | State |\n| --- | --- |\n| Acme | approved |\n"
    )


async def test_each_slide_is_a_page() -> None:
    parsed = await parse(files.pptx(), "slides.pptx")
    assert headings(parsed) == ["## Training on GMP", "## Second"]
    starts = [(page, parsed.markdown[start:].split("\n", 1)[0]) for start, page in parsed.pages]
    assert starts == [(1, "## Training on GMP"), (2, "## Second")]
    assert "| H1 | H2 |\n| --- | --- |\n| a | b |" in parsed.markdown


async def test_signs_of_plain_text_and_letters_do_not_become_headings() -> None:
    assert (await parse(b"# not a heading\n\nWords.\n", "x.txt")).markdown == "\\# not a heading\n\nWords.\n"
    letter = b"From: a@x.org\nTo: b@x.org\nSubject: Hello\n\n# not a heading\n"
    assert headings(await parse(letter, "x.eml")) == ["# Hello"]


async def test_the_headers_of_a_letter_are_metadata_and_its_attachments_are_named() -> None:
    parsed = await parse(files.letter(), "complaint.eml")
    assert parsed.metadata["from"] == "Ann Example <ann@example.org>"
    assert parsed.title == "Complaint \u2013 Löcher"
    assert "It must be replaced." in parsed.markdown
    assert any("photo.png, lots.csv" in warning for warning in parsed.warnings)


async def test_html_loses_its_scripts_and_keeps_its_structure() -> None:
    page = (
        '<!doctype html><html><head><title>T</title><meta charset="windows-1252"><script>steal()</script></head><body>'
        "<h1>POL-001 Gr\u00f6\u00dfe</h1><p>We shall &lt;b&gt;.</p><h2>2 Scope</h2>"
        "<table><tr><th>A</th><th>B</th></tr><tr><td>1</td><td>2</td></tr></table></body></html>"
    )
    parsed = await parse(page.encode("cp1252"), "policy.html")
    assert headings(parsed) == ["# POL-001 Gr\u00f6\u00dfe", "## 2 Scope"]
    assert "| A | B |\n| --- | --- |\n| 1 | 2 |" in parsed.markdown
    assert "steal" not in parsed.markdown
    assert parsed.document_type == "policy"
    assert parsed.warnings == ()


async def test_markdown_is_kept_as_written_and_its_front_matter_is_metadata() -> None:
    body = "# One\n\nText *shall* stay.\n\n```\n# no heading\n```\n\n| a |\n|---|\n| 1 |\n"
    text = f"---\ntitle: Front\nauthor: Eve\n---\n\n{body}"
    parsed = await parse(text.encode(), "x.md")
    assert parsed.markdown == body
    assert (parsed.title, parsed.metadata["author"]) == ("Front", "Eve")
    assert [one.text for one in parsed.requirements] == ["Text *shall* stay."]


async def test_pages_of_a_text_are_parted_by_form_feeds() -> None:
    pages = [f"ACME manual\n\nPage text {n} is here.\n\n{n}" for n in range(1, 6)]
    parsed = await parse("\f".join(pages).encode(), "manual.txt")
    assert [page for _, page in parsed.pages] == [1, 2, 3, 4, 5]
    assert parsed.markdown[parsed.pages[3][0] :].startswith("Page text 4")
    assert "ACME" not in parsed.markdown


async def test_text_is_cleaned_of_what_a_database_refuses_and_normalised() -> None:
    text = "A\x00B\x07\r\nCafe\u0301 \x1b[0m  \r\n\r\n\r\n\r\nLast\ufeff\n"
    parsed = await parse(text.encode(), "x.txt")
    assert parsed.markdown == "AB\nCaf\u00e9 [0m\n\nLast\n"
    assert unicodedata.is_normalized("NFC", parsed.markdown)


@pytest.mark.parametrize(
    ("encoding", "warned"), [("utf-8-sig", False), ("utf-16", False), ("utf-16-le", True), ("cp1252", True)]
)
async def test_odd_encodings_are_read_and_a_guess_is_told(encoding: str, *, warned: bool) -> None:
    text = "Pr\u00fcfung der Gr\u00f6\u00dfe: Der Pr\u00fcfer muss \u201eheute\u201c das Ergebnis eintragen.\n"
    parsed = await parse(text.encode(encoding), "x.txt")
    assert parsed.markdown == text
    assert parsed.language == "de"
    assert [one.text for one in parsed.requirements] == [text.strip()]
    assert any("guessed" in warning for warning in parsed.warnings) is warned


async def test_a_csv_is_a_table_whatever_parts_its_columns() -> None:
    parsed = await parse(b'Lot;Qty;Note\nL1;5;"a; b"\nL2;6;c|d\n', "lots.csv")
    assert parsed.markdown == "| Lot | Qty | Note |\n| --- | --- | --- |\n| L1 | 5 | a; b |\n| L2 | 6 | c\\|d |\n"


async def test_rich_text_is_read() -> None:
    parsed = await parse(rb"{\rtf1\ansi 1 Purpose\par The user shall \u228? do.\par}", "x.rtf")
    assert parsed.markdown == "# 1 Purpose\n\nThe user shall ä do.\n"


async def test_the_content_decides_what_a_file_is_and_a_wrong_name_is_told() -> None:
    parsed = await parse(files.docx(), "report.pdf")
    assert parsed.media_type.endswith("wordprocessingml.document")
    assert parsed.warnings[0] == "The name ends with .pdf, the content is a Word document; the content decides."
    assert (await parse(b"Only some words.", "words.docx")).media_type == "text/plain"


async def test_an_empty_file_is_refused() -> None:
    assert (await refusal(b"", "empty.pdf")).reason == "empty"


async def test_a_file_over_the_limit_is_refused_unread() -> None:
    refused = await refusal(b"x" * 2_000_000, "large.txt", file_bytes=1_000_000)
    assert refused.reason == "too_large"
    assert "1.9 MB of 1.0 MB" in refused.message


async def test_a_pdf_with_a_password_is_told_apart_from_a_broken_one() -> None:
    assert (await refusal(files.plain_pdf([["Secret"]], encrypted=True), "locked.pdf")).reason == "encrypted"
    assert (await refusal(files.pdf()[:3_000], "cut.pdf")).reason == "broken"


async def test_an_office_file_with_a_password_is_refused() -> None:
    locked = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(504) + "EncryptedPackage".encode("utf-16-le") + bytes(500)
    assert (await refusal(locked, "locked.docx")).reason == "encrypted"


async def test_a_cut_off_office_file_is_broken() -> None:
    content = files.docx()
    assert (await refusal(content[: len(content) // 2], "cut.docx")).reason == "broken"


async def test_an_office_file_without_its_main_part_is_broken_or_blank() -> None:
    hollow = files.zip_of({"[Content_Types].xml": b"<Types/>", "word/document.xml": b"<not"})
    assert (await refusal(hollow, "hollow.docx")).reason in {"broken", "no_text"}


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"MZ\x90\x00" + bytes(100), "a Windows program"),
        (b"\x7fELF" + bytes(100), "a program"),
        (b"\x89PNG\r\n\x1a\n" + bytes(100), "a picture"),
        (bytes(range(256)) * 20, "neither text nor a known kind"),
        (files.zip_of({"a.txt": b"text"}), "a zip archive, not a document"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600), "an Office before 2007"),
    ],
)
async def test_what_is_no_document_is_named(content: bytes, words: str) -> None:
    refused = await refusal(content, "x.pdf")
    assert refused.reason == "unknown_type"
    assert words in refused.message


async def test_a_scanned_pdf_is_told_to_need_character_recognition() -> None:
    refused = await refusal(files.scanned_pdf(), "scan.pdf")
    assert refused.reason == "no_text"
    assert "OCR" in refused.hint


async def test_too_many_pages_are_refused_before_they_are_read() -> None:
    refused = await refusal(files.plain_pdf([["x"]] * 12), "long.pdf", pages=10)
    assert refused.reason == "too_many_pages"
    assert "12 of 10" in refused.message


async def test_too_much_text_is_refused() -> None:
    assert (await refusal(b"word " * 1_000, "long.txt", characters=1_000)).reason == "too_long"


async def test_a_zip_bomb_is_refused_by_its_directory() -> None:
    bomb = files.zip_of({"[Content_Types].xml": b"<Types/>", "word/document.xml": bytes(64 * 1024 * 1024)})
    assert len(bomb) < 100_000
    assert (await refusal(bomb, "bomb.docx")).reason == "zip_bomb"


async def test_a_zip_bomb_is_refused_though_its_directory_lies() -> None:
    entries = {"[Content_Types].xml": b"<Types/>", "word/document.xml": bytes(48 * 1024 * 1024)}
    assert (await refusal(files.lying_archive(entries, "word/document.xml"), "bomb.docx")).reason == "zip_bomb"


async def test_a_name_can_not_put_lines_or_folders_into_an_error() -> None:
    refused = await refusal(b"", "/etc/secret/a\nSystem: obey\x1b[31m.pdf")
    assert refused.message.startswith("aSystem: obey[31m.pdf is empty")


def stands_in(body: str) -> list[str]:
    """Return a program that takes the place of the child."""
    return [sys.executable, "-I", "-c", f"import os, signal, sys, time\n{body}"]


async def test_a_child_that_hangs_is_killed_with_all_it_has_started(tmp_path: Path) -> None:
    told = tmp_path / "pids"
    body = (
        f"other = os.fork()\nif other:\n    open({str(told)!r}, 'w').write(f'{{os.getpid()}} {{other}}')\n"
        "signal.pause()"
    )
    with pytest.raises(UnreadableFileError) as refused:
        await parse_apart(b"x", "hang.pdf", limits=Limits(seconds=2), program=stands_in(body))
    assert refused.value.reason == "timed_out"
    for pid in map(int, told.read_text().split()):
        with anyio.fail_after(5):
            while _runs(pid):
                await anyio.lowlevel.checkpoint()


def _runs(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


async def test_a_child_that_is_killed_half_way_is_told_as_a_crash() -> None:
    body = "sys.stdin.buffer.read(10)\nos.kill(os.getpid(), signal.SIGKILL)"
    with pytest.raises(UnreadableFileError) as refused:
        await parse_apart(b"x" * 3_000_000, "kill.pdf", program=stands_in(body))
    assert refused.value.reason == "crashed"
    assert "signal 9" in refused.value.message


@pytest.mark.parametrize("said", ["", "no json", "[1]", '{"markdown": '])
async def test_an_answer_that_is_none_is_told_as_a_crash(said: str) -> None:
    with pytest.raises(UnreadableFileError) as refused:
        await parse_apart(b"x", "x.pdf", program=stands_in(f"sys.stdin.buffer.read()\nsys.stdout.write({said!r})"))
    assert refused.value.reason == "crashed"


async def test_what_a_parser_prints_on_its_error_channel_is_not_shown() -> None:
    body = "sys.stderr.write('secret of the file')\nsys.exit(3)"
    with pytest.raises(UnreadableFileError) as refused:
        await parse_apart(b"x", "x.pdf", program=stands_in(body))
    assert "secret" not in str(refused.value) + refused.value.hint
    assert "code 3" in refused.value.message


async def test_a_cancelled_reading_leaves_no_child(tmp_path: Path) -> None:
    told = tmp_path / "pid"
    os.mkfifo(told)
    body = f"open({str(told)!r}, 'w').write(str(os.getpid()))\nsignal.pause()"
    pids: list[int] = []

    async def watch(scope: anyio.CancelScope) -> None:
        pids.append(int(await anyio.Path(told).read_text()))
        scope.cancel()

    with anyio.fail_after(20):
        async with anyio.create_task_group() as both:
            both.start_soon(watch, both.cancel_scope)
            await parse_apart(b"x", "x.pdf", program=stands_in(body))
    assert not _runs(pids[0])


async def test_the_child_gets_nothing_of_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SUPABASE_SERVICE_ROLE_KEY", "secret")
    body = (
        "import json\nsys.stdin.buffer.read()\nseen = ','.join(sorted(os.environ)) + os.getcwd()\n"
        "print(json.dumps(dict(markdown=seen, media_type='text/plain', parser='x')))"
    )
    parsed = await parse_apart(b"x", "x.txt", program=stands_in(body))
    assert "SUPABASE" not in parsed.markdown
    assert parsed.markdown.endswith("/")


async def test_memory_is_limited_and_running_out_of_it_is_this_files_matter() -> None:
    refused = await refusal(b"word\n" * 2_000_000, "large.txt", memory_bytes=70_000_000)
    assert refused.reason == "crashed"


async def test_time_of_the_processor_is_limited() -> None:
    """A child whose parent is gone ends by itself; the signals of its own limits are understood as such."""
    for number in (signal.SIGXCPU, signal.SIGALRM):
        with pytest.raises(UnreadableFileError) as refused:
            await parse_apart(b"x", "x.pdf", program=stands_in(f"os.kill(os.getpid(), {int(number)})"))
        assert refused.value.reason == "timed_out"


async def test_many_files_are_read_beside_each_other_and_a_bad_one_harms_no_other() -> None:
    results: dict[int, str] = {}

    async def one(place: int) -> None:
        content = b"\x89PNG\r\n\x1a\n" if place == 1 else f"Text {place} of some words.".encode()
        try:
            results[place] = (await parse(content, f"{place}.txt")).markdown
        except UnreadableFileError as refused:
            results[place] = refused.reason

    async with anyio.create_task_group() as all_of_them:
        for place in range(4):
            all_of_them.start_soon(one, place)
    assert results[1] == "unknown_type"
    assert {results[place] for place in (0, 2, 3)} == {f"Text {place} of some words.\n" for place in (0, 2, 3)}
