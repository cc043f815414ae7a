"""Real regulations, a real guidance and real letters come out as Markdown whose parts can be cited."""

import json
import re

import pytest

from qms_mcp.services.documents.parsing import parse
from tests.support.office_files import pdf
from tests.support.real_files import data_file

pytestmark = pytest.mark.anyio

_SPECIAL = re.compile(r"([\\#*_`$@<>\[\]~=/+-])")


async def test_the_headings_of_a_regulation_are_kept_word_for_word() -> None:
    source = data_file("regulations/part-803.md")
    parsed = await parse(source.read_bytes(), source.name)
    headings = [line for line in parsed.markdown.split("\n") if line.startswith("#")]
    written = source.read_text().replace("\u2009", " ")  # a thin space is a space
    assert headings == [line.rstrip() for line in written.split("\n") if line.startswith("#")]
    assert sum(line.startswith("### \u00a7 803.") for line in headings) == 26
    assert (parsed.title, parsed.language) == ("PART 803\u2014MEDICAL DEVICE REPORTING", "en")
    assert parsed.metadata["instrument"] == "21 CFR"
    assert len(parsed.requirements) > 100
    for one in parsed.requirements:
        assert " ".join(parsed.markdown[one.char_start :][:2_000].split()).startswith(one.text[:200])


async def test_a_guidance_of_41_pages_keeps_pages_and_sections_and_loses_what_runs_through_them() -> None:
    source = data_file("regulations/fda_guidance_computer_software_assurance.md")
    parsed = await parse(source.read_bytes(), source.name)
    assert [page for _, page in parsed.pages] == list(range(1, 42))
    assert parsed.markdown.count("Contains Nonbinding Recommendations") == 0
    headings = [line for line in parsed.markdown.split("\n") if line.startswith("#")]
    assert headings == [
        "# I. Introduction", "# II. Background", "# III. Scope", "# IV. Definitions",
        "# V. Computer Software Assurance",
        "## A. Computer Software Assurance Risk Framework", "### (1) Identifying the Intended Use",
        "### (2) Determining the Risk-Based Approach",
        "### (3) Production or Quality Management System Software Changes",
        "### (4) Determining the Appropriate Assurance Activities",
        "### (5) Additional Considerations for Assurance Activities", "### (6) Establishing the Appropriate Record",
        "## B. Considerations for Electronic Records Requirements", "# Appendix A. Examples",
        "## Example 1: Nonconformance Management System", "## Example 2: Learning Management System (LMS)",
        "## Example 3: Business Intelligence Applications",
        "## Example 4: Software as a Service (SaaS) Product Life Cycle Management System (PLM)",
    ]  # fmt: skip
    assert (parsed.title or "").startswith("Computer Software Assurance for Production and Quality Management System")


async def test_a_long_pdf_loses_no_word_of_a_real_text() -> None:
    source = data_file("regulations/part-820-qmsr.md")
    text = source.read_text().split("---", 2)[2]
    markup = "\n\n".join(_SPECIAL.sub(r"\\\1", line) for line in text.split("\n") if line.strip())
    parsed = await parse(pdf(f'#set page(paper: "a5")\n#set text(size: 9pt)\n{markup}'), "qmsr.pdf")
    assert len(parsed.pages) > 5
    words = re.findall(r"\w{4,}", text)
    kept = set(re.findall(r"\w{4,}", parsed.markdown))
    lost = [word for word in words if word not in kept]
    assert len(lost) <= len(words) / 200, lost[:20]


async def test_letters_come_through_as_text() -> None:
    source = data_file("warning_letters/letters.jsonl")
    letters = [json.loads(line) for line in source.read_text().splitlines()]
    for letter in letters[:: len(letters) // 5]:
        parsed = await parse(letter["text"].encode(), letter["file"].replace(".html", ".txt"))
        assert "WARNING LETTER" in parsed.markdown[:400].upper()
        assert parsed.language == "en"
        shown = "".join(letter["text"].split())
        kept = "".join(re.sub(r"^#+ ", "", parsed.markdown, flags=re.MULTILINE).split())
        assert abs(len(shown) - len(kept)) <= len(shown) / 50
