"""Documents beside clauses and templates, and what a reader trips over."""

import pytest

from qms_mcp.services.documents.checking import Item, check, heading_likeness
from qms_mcp.services.documents.control_models import CheckedItem
from qms_mcp.services.documents.hints import NamedDocument, dead_references, mentions, text_hints
from tests.support.real_files import data_file
from tests.support.sectioning import document

PROCEDURE = """# 1 Purpose

This procedure says how documents are kept under control (ISO 13485:2016, 4.2.4).

# 2 Responsibilities

The document owner answers for the content of a document.

# 3 Procedure

## 3.1 Review and approval

The reviewer shall review each document before it is issued. Version 4.2.5 of the template is used.

## 3.2 Control of records

Records shall be kept for ten years, see FRM-021 v2 and SOP-099. The CAPA team decides.

## 3.3 Purchasing of equipment

Suppliers of measuring instruments are chosen as SOP-007 says. Calibration of instruments is bought as a service.
"""
DOCUMENT = document("SOP-001 v2", PROCEDURE)


def found_for(title: str, number: str = "", about: str = "") -> CheckedItem:
    return check(DOCUMENT, [Item(title, number, about)])[0]


def test_a_clause_that_is_named_is_found_by_its_number_first() -> None:
    first = found_for("Control of documents", "4.2.4").found[0]
    assert (first.citation, first.how, first.strength) == ("SOP-001 v2 §1", "names the clause", 1.0)
    assert "ISO 13485:2016, 4.2.4" in first.quote


def test_a_number_that_is_something_else_names_no_clause() -> None:
    hows = {quote.how for quote in found_for("Control of records", "4.2.5").found}
    assert "names the clause" not in hows


@pytest.mark.parametrize(
    ("said", "names"),
    [
        ("See clause 8.5.2.", True),
        ("See clauses 8.5.1, 8.5.2 and 8.5.3.", True),
        ("See ISO 13485 § 8.5.2(a).", True),
        ("See clause 8.5.2.1.", False),
        ("The value is 8.5.2 today.", False),
        ("See clause 18.5.2.", False),
    ],
)
def test_a_clause_is_named_by_its_whole_number_where_a_clause_is_meant(said: str, names: bool) -> None:
    checked = check(document("SOP-002 v1", f"# 1 Other\n\n{said}\n"), [Item("Corrective action", "8.5.2")])[0]
    assert bool(checked.found) == names


def test_a_number_of_a_regulation_needs_no_word_before_it() -> None:
    checked = check(document("SOP-002 v1", "# 1 Other\n\nAs 820.35(a) demands.\n"), [Item("Complaints", "820.35")])[0]
    assert checked.found[0].how == "names the clause"


def test_words_of_the_field_find_what_has_another_heading() -> None:
    first = found_for("Supplier evaluation").found
    assert [quote.citation for quote in first] == []
    first = found_for("Purchasing", "7.4").found[0]
    assert (first.citation, first.how) == ("SOP-001 v2 §3.3", "same heading")
    similar = found_for("Calibration of measuring equipment", "7.6").found[0]
    assert (similar.citation, similar.how) == ("SOP-001 v2 §3.3", "similar words")
    assert 0.5 < similar.strength <= 1


def test_what_nothing_was_found_for_comes_first() -> None:
    items = [Item("Control of documents", "4.2.4"), Item("Sterilization", "7.5.7"), Item("Infrastructure", "6.3")]
    checked = check(DOCUMENT, items)
    assert [one.item for one in checked] == ["7.5.7 Sterilization", "6.3 Infrastructure", "4.2.4 Control of documents"]
    assert [one.found for one in checked[:2]] == [[], []]


def test_a_title_that_says_nothing_takes_that_of_the_clause_above() -> None:
    assert found_for("General", "4.1", about="Sterile barrier systems").found == []
    assert found_for("General", "4.1", about="Control of records").found


def test_quotes_are_of_the_document_and_short() -> None:
    long = document("SOP-003 v1", f"# 1 Records\n\n{'Records of all kinds are kept ' * 40}.\n")
    quote = check(long, [Item("Control of records")])[0].found[0].quote
    assert len(quote) <= 300
    assert quote.startswith("Records of all kinds")


def test_headings_are_alike_whatever_their_number_and_ending() -> None:
    assert heading_likeness("4.2.4 Control of documents", "5 Document control") == 1.0
    assert heading_likeness("Responsibilities", "Roles and responsibility") >= 0.6
    assert heading_likeness("Purpose", "Records") == 0.0


def test_requirements_that_name_nobody_and_unexplained_words_are_hints() -> None:
    hints = {hint.what: hint for hint in text_hints(DOCUMENT, usual=True)}
    assert hints["a requirement that names nobody"].quote.startswith("Records shall be kept")
    assert hints["a requirement that names nobody"].where == "SOP-001 v2 §3.2"
    assert "CAPA is not explained" in hints
    assert 'no section "scope", which procedures usually have' in hints
    assert not any("purpose" in what or "responsibilities" in what or '"records"' in what for what in hints)


@pytest.mark.parametrize(
    "text",
    ["Corrective and preventive action (CAPA). CAPA is done.", "CAPA (corrective action) is done.",
     "| CAPA | corrective action |\n\nCAPA is done.", "CAPA: corrective action"],
)  # fmt: skip
def test_an_explained_word_is_no_hint(text: str) -> None:
    assert text_hints(document("SOP-001 v1", text), usual=False) == []


def test_references_to_what_is_gone_are_hints() -> None:
    known = {
        "FRM-021": NamedDocument("FRM-021", 3, 3, "effective"),
        "SOP-007": NamedDocument("SOP-007", None, 2, "obsolete"),
    }
    hints = list(dead_references(mentions(DOCUMENT), known, frozenset({"SOP"})))
    assert [hint.what for hint in hints] == [
        "FRM-021 v2 is superseded by v3",
        "SOP-099 is not in this system",
        "no version of SOP-007 is effective: the latest, v2, is obsolete",
    ]
    assert hints[0].where == "SOP-001 v2 §3.2"


def test_numbers_of_other_things_are_no_references() -> None:
    text = "UTF-8, ISO-9001, SHA-256, COVID-19, NC-2026-0003 and SOP-001 itself."
    assert list(dead_references(mentions(document("SOP-001 v1", text)), {}, frozenset({"SOP"}))) == []


def test_an_empty_document_is_checked_too() -> None:
    assert check(document("SOP-001 v1", ""), [Item("Scope")])[0].found == []
    assert text_hints(document("SOP-001 v1", ""), usual=False) == []


def test_what_replaced_what_in_a_regulation_is_found() -> None:
    text = data_file("regulations/part-820.md").read_text(encoding="utf-8")
    expected = {
        "4.2.4 Control of documents": "Document controls",
        "6.2 Human resources": "Personnel",
        "7.3.9 Control of design and development changes": "Design controls",
        "7.4.1 Purchasing process": "Purchasing controls",
        "7.5.3 Installation activities": "Installation",
        "7.5.8 Identification": "Identification",
        "7.5.9 Traceability": "Traceability",
        "7.5.11 Preservation of product": "Storage",
        "7.6 Control of monitoring and measuring equipment": "Inspection, measuring",
        "8.2.2 Complaint handling": "Complaint files",
        "8.2.4 Internal audit": "Quality audit",
        "8.3 Control of nonconforming product": "Nonconforming product",
        "8.5.2 Corrective action": "Corrective and preventive action",
    }
    items = [Item(title, number) for number, _, title in (one.partition(" ") for one in expected)]
    found = {
        one.item: " ".join(quote.citation for quote in one.found) for one in check(document("CFR v1", text), items)
    }
    missed = [item for item, where in expected.items() if where not in found[item]]
    assert len(missed) <= 1, missed
