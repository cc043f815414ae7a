"""Versions compared section by section."""

import time

import pytest

from qms_mcp.services.documents.differences import Comparison, answer, compare
from tests.support.sectioning import document

OLD = """# 1 Purpose

This procedure says how complaints are handled.

# 2 Scope

It applies to all products.

# 5 Procedure

## 5.1 Intake

The owner shall record the complaint within 2 working days. Every complaint has a number.

## 5.2 Evaluation

The reviewer shall evaluate whether an authority has to be told. The reasons are written down.

# 6 Records

| Record | Kept | Where |
| --- | --- | --- |
| FRM-021 | 5 years | archive |
| FRM-022 | 10 years | archive |
"""


def compared(old: str, new: str) -> Comparison:
    return compare(document("SOP-014 v3", old), document("SOP-014 v4", new))


def fared(comparison: Comparison) -> dict[str, str]:
    shown = answer(comparison, limit=100).changes
    return {one.section.partition(" ")[2].partition(" ")[2]: one.change for one in shown}


def test_the_same_text_has_no_differences() -> None:
    result = answer(compared(OLD, OLD))
    assert (result.total, result.changes, result.requirements) == (0, [], [])
    assert result.counts == {"unchanged": 6, "requirements": 0}


def test_changed_words_stand_between_marks_with_what_is_around_them() -> None:
    new = OLD.replace("within 2 working days", "within 1 working day")
    change = answer(compared(OLD, new)).changes[0]
    assert (change.change, change.section, change.title) == ("changed", "SOP-014 v4 §5.1", "Intake")
    assert "within [-2-]{+1+} working [-days-]{+day+}" in change.text
    assert change.words == "+2 -2"


def test_a_section_put_in_front_only_renumbers_those_behind_it() -> None:
    new = OLD.replace("## 5.1 Intake", "## 5.1 Sources\n\nComplaints come by phone.\n\n## 5.2 Intake").replace(
        "## 5.2 Evaluation", "## 5.3 Evaluation"
    )
    result = compared(OLD, new)
    assert fared(result) == {"§5.1": "added", "§5.2": "renumbered", "§5.3": "renumbered"}
    assert {one.section: one.was for one in answer(result).changes}["SOP-014 v4 §5.2"] == "§5.1"
    assert not result.requirements


def test_a_section_that_stands_elsewhere_has_moved_also_with_another_number_and_text() -> None:
    intake = (
        "## 5.1 Intake\n\nThe owner shall record the complaint within 2 working days. Every complaint has a number.\n\n"
    )
    changed = intake.replace("5.1 Intake", "6.1 Registration").replace("Every", "Each")
    new = OLD.replace(intake, "").replace("5.2 Evaluation", "5.1 Evaluation") + "\n" + changed
    result = compared(OLD, new)
    assert fared(result) == {"§5.1": "renumbered", "§6.1": "moved and changed"}
    moved = answer(result).changes[-1]
    assert moved.was == "§5.1"
    assert "[-Intake-]{+Registration+}" in moved.text
    assert not result.requirements, "a requirement that only moved is neither gone nor new"


def test_sections_that_change_places_have_moved_and_their_parts_with_them() -> None:
    text = "# A\n\nFirst words of all.\n\n## Below A\n\nSome more of it here.\n\n# B\n\nThe other thing entirely.\n"
    new = "# B\n\nThe other thing entirely.\n\n# A\n\nFirst words of all.\n\n## Below A\n\nSome more of it here.\n"
    result = compared(text, new)
    assert [(one.change, one.section) for one in answer(result).changes] == [("moved", 'SOP-014 v4 "B"')]


def test_requirements_that_came_went_or_changed_are_called_out() -> None:
    new = OLD.replace("within 2 working days", "within 1 working day").replace(
        "The reasons are written down.", "The reasons must be signed."
    )
    without = new.replace("The reviewer shall evaluate whether an authority has to be told. ", "")
    assert [(one.change, one.section) for one in answer(compared(OLD, without)).requirements] == [
        ("changed", "SOP-014 v4 §5.1"),
        ("added", "SOP-014 v4 §5.2"),
        ("removed", "SOP-014 v3 §5.2"),
    ]


def test_rows_of_a_table_are_compared_with_the_row_of_the_same_name() -> None:
    new = OLD.replace("| FRM-021 | 5 years | archive |\n", "").replace(
        "| FRM-022 | 10 years | archive |", "| FRM-030 | 1 year | desk |\n| FRM-022 | 15 years | archive |"
    )
    text = answer(compared(OLD, new)).changes[0].text
    assert "| FRM-022 | [-10-]{+15+} years | ... |" in text
    assert "[-| FRM-021 | 5 years | archive |-]" in text
    assert "{+| FRM-030 | 1 year | desk |+}" in text


def test_a_removed_section_is_shown_with_its_text_where_it_stood() -> None:
    new = OLD.replace("# 2 Scope\n\nIt applies to all products.\n\n", "")
    change = answer(compared(OLD, new)).changes[0]
    assert (change.change, change.section) == ("removed", "SOP-014 v3 §2")
    assert change.text == "[-It applies to all products.-]"


def test_another_layout_of_the_same_words_is_no_change() -> None:
    new = OLD.replace("within 2 working days. Every", "within\n2 working days.\nEvery")
    assert answer(compared(OLD, new)).total == 0


def test_a_text_without_headings_is_compared_as_one() -> None:
    change = answer(compared("Wash hands.", "Wash hands twice.")).changes[0]
    assert (change.change, change.section, change.text) == ("changed", "SOP-014 v4", "Wash hands {+twice+}.")


def test_long_answers_page_and_concise_ones_are_cut() -> None:
    old = "\n".join(f"# {n} Part {n}\n\n{'word ' * 200}\n" for n in range(1, 31))
    new = old.replace("word word", "other word")
    comparison = compared(old, new)
    first = answer(comparison, limit=12)
    last = answer(comparison, limit=12, skip=24)
    assert (first.total, len(first.changes), first.next_cursor) == (30, 12, "12")
    assert (len(last.changes), last.next_cursor, last.requirements) == (6, None, [])
    assert all(len(change.text) <= 400 for change in first.changes)
    assert len(answer(comparison, limit=1, detail="full").changes[0].text) > 400


@pytest.mark.parametrize("text", ["", "# Only a heading", "| a | b |\n| --- | --- |", "#", "[-x-]{+y+}"])
def test_odd_texts_are_compared_too(text: str) -> None:
    assert answer(compared(text, OLD)).summary
    assert answer(compared(OLD, text)).summary
    assert answer(compared(text, text)).total == 0


@pytest.mark.slow
def test_five_hundred_sections_that_all_changed_are_compared_in_seconds() -> None:
    words = [f"w{n % 997} shall x{n % 89} the y{n % 31}" for n in range(15_000)]
    old = "\n".join(f"# {n + 1} Part {n}\n\n{'. '.join(words[30 * n : 30 * n + 30])}\n" for n in range(500))
    new = "# 1 New\n\nSomething.\n" + "\n".join(
        f"# {n + 2} Part {n if n % 7 else f'now {n}'}\n\n{'. '.join(words[30 * n : 30 * n + 29])}. Z{n}\n"
        for n in reversed(range(500))
    )
    before = time.process_time()
    assert sum(compared(old, new).counts.values()) == 501
    assert time.process_time() - before < 8
