"""How controlled copies look: what stands on them, that text stays text, and the command that writes one."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from click.testing import CliRunner

from qms_mcp.cli.copy import command
from qms_mcp.errors import InvalidInputError
from qms_mcp.services.documents.copies import ControlledCopy, render
from qms_mcp.services.documents.copy_pages.blocks import Block, Run, blocks_of
from qms_mcp.services.documents.copy_pages.facts import CopiedRevision, CopiedSignature, CopyFacts
from tests.support.printed import pages

HOSTILE = """# 1 Purpose

#panic("no") #read("/etc/passwd") $ sum $ @label <tag> </script><script>alert(1)</script> \\#let x = 1
{{ copy }} {% raw %} `#sys` [a link](https://example.org/x) ![a picture](https://example.org/a.png)

## 1.1 Letters

\u0395\u03bb\u03bb\u03b7\u03bd\u03b9\u03ba\u03ac, \u041a\u0438\u0440\u0438\u043b\u043b\u0438\u0446\u0430, \u5236\u54c1.
"""
CONTENT = """# 1 Purpose

How complaints are handled.

# 2 Records

| Record | Kept |
| --- | --- |
| FRM-021 | 10 years |

1. Write it down.
2. Sign it.
"""


def facts(content: str, *, at: datetime = datetime(2026, 11, 22, 12, tzinfo=UTC), **fields: Any) -> CopyFacts:
    values: dict[str, Any] = {
        "organization": "Northwind #1",
        "label": "SOP-014 v3",
        "title": "Complaints *and* #returns",
        "state": "effective",
        "about": (("Document", "SOP-014 v3"),),
        "watermark": ("CONTROLLED COPY 2026-11-22", "valid on the day of printing"),
        "issued": f"Copy made by Ada, {at:%Y-%m-%d %H:%M:%S} UTC",
        "issued_at": at,
        "hashes": (("sha256 of the content", "a" * 64),),
        "blocks": tuple(blocks_of(content)),
        "signatures": (CopiedSignature("Ada Lovelace", "approval", "2026-11-20 10:00:00 Europe/Berlin", "valid"),),
        "revisions": (CopiedRevision("v3", "effective", "2026-11-20", "Ada Lovelace", "New"),),
    }
    return CopyFacts(**{**values, **fields})


def test_markdown_becomes_blocks_and_nothing_in_it_is_obeyed() -> None:
    blocks = blocks_of("## A *b*\n\n- one\n  1. two\n\n| x | y |\n| --- | --- |\n| 1 |\n\n<b>no</b>\n\n> said")
    assert blocks[0] == Block("heading", 2, runs=(Run("A "), Run("b", emphasis=True)))
    assert [(block.kind, block.level, block.marker) for block in blocks[1:3]] == [
        ("item", 0, "\u2022"),
        ("item", 1, "1."),
    ]
    assert blocks[3].rows == (((Run("x"),), (Run("y"),)), ((Run("1"),), ()))
    assert blocks[4].runs == (Run("<b>no</b>"),)
    assert blocks[5].kind == "quote"


def test_text_that_looks_like_code_is_printed_as_it_stands() -> None:
    pdf, _ = render(facts(HOSTILE), "pdf")
    text = " ".join(pages(pdf)[0].split())
    for shown in (
        '#panic("no")',
        '#read("/etc/passwd")',
        "$ sum $",
        "@label <tag>",
        "#let x = 1",
        "{{ copy }} {% raw %}",
    ):
        assert shown in text
    assert "a link (https://example.org/x)" in text
    assert "[image: a picture]" in text
    page = render(facts(HOSTILE), "html")[0].decode()
    assert "<script" not in page
    assert "&lt;script&gt;alert(1)" in page
    assert "default-src &#39;none&#39;" in page or "default-src 'none'" in page
    assert "<img" not in page
    assert "href=" not in page


def test_letters_of_other_scripts_are_printed_and_missing_ones_are_named() -> None:
    pdf, unprintable = render(facts(HOSTILE), "pdf")
    text = pages(pdf)[0]
    assert (
        "\u0395\u03bb\u03bb\u03b7\u03bd\u03b9\u03ba\u03ac, \u041a\u0438\u0440\u0438\u043b\u043b\u0438\u0446\u0430"
        in text
    )
    if unprintable:  # no font of this machine has them
        assert "[U+5236][U+54C1]" in text
        assert "different characters of this document are in no font" in text
    else:
        assert "\u5236\u54c1" in text


def test_the_same_copy_is_the_same_bytes_but_for_when_it_was_made() -> None:
    for form in ("pdf", "html"):
        assert render(facts(CONTENT), form) == render(facts(CONTENT), form)
    later = facts(CONTENT, at=datetime(2026, 11, 23, 12, tzinfo=UTC))
    first, second = (render(one, "html")[0].decode().splitlines() for one in (facts(CONTENT), later))
    assert [line for line, other in zip(first, second, strict=True) if line != other] == [
        "Copy made by Ada, 2026-11-22 12:00:00 UTC"
    ]


def test_a_pdf_is_for_the_archive_and_brings_all_it_needs() -> None:
    pdf, _ = render(facts(CONTENT), "pdf")
    assert b"pdfaid:part>2<" in pdf
    assert b"/URI" not in pdf
    assert b"/JavaScript" not in pdf
    assert b"/EmbeddedFile" not in pdf


def test_a_long_document_keeps_its_header_and_watermark_on_every_page() -> None:
    text = pages(render(facts(CONTENT * 60), "pdf")[0])
    assert len(text) > 10
    for place, page in enumerate(text, start=1):
        assert f"Page {place} of {len(text)}" in page
        assert "SOP-014 v3 (effective)" in page
        assert "CONTROLLED COPY 2026-11-22" in page
        assert "a" * 64 in page


def test_characters_a_page_would_hide_are_spelled_out() -> None:
    text = pages(render(facts("# 1 A\n\nTotal \u202e001 and\u200b gone.\n"), "pdf")[0])[0]
    assert "\\u202e001" in text
    assert "\\u200b" in text


def test_the_command_writes_a_file_and_never_over_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[object, ...]] = []

    async def made(*wanted: object) -> ControlledCopy:
        asked.append(wanted)
        return ControlledCopy("SOP-014 v3", uuid4(), "in_review", "SOP-014-v3.html", "text/html", b"page", "abc")

    monkeypatch.setattr("qms_mcp.cli.copy._issue", made)
    monkeypatch.chdir(tmp_path)
    runner = CliRunner()
    written = runner.invoke(command, ["SOP-014", "--version", "3", "--html", "--reason", "For the shop floor"])
    assert written.output == "SOP-014 v3 (in review): 4 bytes in SOP-014-v3.html.\nsha256: abc\n"
    assert Path("SOP-014-v3.html").read_bytes() == b"page"
    assert runner.invoke(command, ["SOP-014", "-o", "other.pdf"]).exit_code == 0
    assert [one[1:3] for one in asked] == [(3, "html"), (None, "pdf")]
    again = runner.invoke(command, ["SOP-014", "-o", "other.pdf"])
    assert isinstance(again.exception, InvalidInputError)
    assert len(asked) == 2, "nothing is issued that can't be written"
