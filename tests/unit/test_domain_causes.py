"""Analyses of causes: which are sound, and that their renderings hold whatever a statement says."""

import re
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qms_mcp.errors import InvalidInputError, LimitExceededError
from qms_mcp.services.domain.cause_mermaid import label, mermaid
from qms_mcp.services.domain.cause_svg import svg
from qms_mcp.services.domain.causes import (
    CATEGORIES,
    DIMENSIONS,
    FACETS,
    CauseNode,
    CauseTree,
    Method,
    cut_sets,
)
from qms_mcp.services.domain.svg import FONT, wrapped

SVG = "{http://www.w3.org/2000/svg}"
EVIDENCE = ("NC-2026-0003 v2",)
HOSTILE = [
    'leak" --> x["</text><script>alert(1)</script>',
    "%%{init: {'theme': 'dark'}}%%",
    "```\n# not a heading\n```",
    "a & b < c > d ' \" ` # ; | { } [ ] ( )",
    "nul \x00 bell \x07 half \ud800 marks",
    "end\nclick n0 href javascript:alert(1)",
    "W" * 500,
    "größe 尺寸が違う مقاس",
]


def node(key: str, parent: str | None = None, statement: str = "something", **more: Any) -> CauseNode:
    return CauseNode(key=key, parent=parent, statement=statement, **more)


def whys(*statements: str) -> list[CauseNode]:
    return [
        node(str(place), str(place - 1) if place else None, statement) for place, statement in enumerate(statements)
    ]


def every_method(statement: str) -> list[CauseTree]:
    """One sound analysis of each method, with the same statement everywhere."""
    root: dict[str, Any] = {"is_root_cause": True, "evidence": (statement.strip() or "e",)}
    return [
        CauseTree("five_whys", [*whys(statement, statement), node("r", "1", statement, **root)]),
        CauseTree(
            "fishbone",
            [
                node("p", None, statement),
                *(node(category, "p", statement, category=category) for category in CATEGORIES),
                node("r", "machine", statement, **root),
            ],
        ),
        CauseTree(
            "is_is_not",
            [
                node("p", None, statement),
                *(node(f"{d}{f}", "p", statement, dimension=d, facet=f) for d in DIMENSIONS for f in FACETS),
                node("r", "p", statement, dimension="when", facet="change", **root),
            ],
        ),
        CauseTree(
            "fault_tree",
            [
                node("t", None, statement, gate="or"),
                node("a", "t", statement, gate="and"),
                node("b", "a", statement),
                node("c", "a", statement),
                node("r", "t", statement, **root),
            ],
        ),
    ]


def refusal(method: Method, *nodes: CauseNode) -> InvalidInputError:
    with pytest.raises(InvalidInputError) as refused:
        CauseTree(method, nodes)
    return refused.value


def test_a_root_cause_without_evidence_is_refused() -> None:
    error = refusal("five_whys", *whys("p"), node("r", "0", "worn tool", is_root_cause=True))
    assert "'worn tool' is marked as a root cause without evidence" in error.message
    assert (
        "without evidence"
        in refusal("five_whys", *whys("p"), node("r", "0", is_root_cause=True, evidence=(" ",))).message
    )


def test_a_root_cause_is_the_end_of_its_line_and_not_the_problem() -> None:
    marked: dict[str, Any] = {"is_root_cause": True, "evidence": EVIDENCE}
    assert "explained further" in refusal("five_whys", node("0"), node("1", "0", **marked), node("2", "1")).message
    assert "problem itself" in refusal("five_whys", node("0", **marked)).message


def test_five_whys_is_a_chain_of_at_most_ten() -> None:
    assert "is a chain" in refusal("five_whys", node("0"), node("1", "0"), node("2", "0")).message
    assert len(CauseTree("five_whys", whys(*"abcdefghijk")).nodes) == 11
    assert "deeper than the 10 levels" in refusal("five_whys", *whys(*"abcdefghijkl")).message


def test_a_tree_has_one_top_no_strangers_and_no_circle() -> None:
    assert "here are 2" in refusal("fault_tree", node("a"), node("b")).message
    assert "here are 0" in refusal("fault_tree").message
    assert "does not exist: 'z'" in refusal("five_whys", node("a"), node("b", "z")).message
    assert "go in a circle" in refusal("five_whys", node("a"), node("b", "c"), node("c", "b")).message
    assert "same key" in refusal("five_whys", node("a"), node("a", "a")).message


def test_branches_of_a_fishbone_have_one_of_six_categories_and_keep_it() -> None:
    assert "needs a category" in refusal("fishbone", node("p"), node("a", "p")).message
    mixed = (node("p"), node("a", "p", category="man"), node("b", "a", category="machine"))
    assert "is machine below a cause that is man" in refusal("fishbone", *mixed).message
    tree = CauseTree("fishbone", [node("p"), node("a", "p", category="man"), node("b", "a")])
    assert tree.category_of(tree.walk()[-1]) == "man"


def test_cells_of_an_is_is_not_table_have_a_place_and_only_differences_are_causes() -> None:
    assert "needs a dimension" in refusal("is_is_not", node("p"), node("a", "p")).message
    described = node("a", "p", dimension="what", facet="is", is_root_cause=True, evidence=EVIDENCE)
    assert "describes the problem" in refusal("is_is_not", node("p"), described).message


def test_a_fault_tree_has_gates_over_two_or_more_events() -> None:
    assert "needs a gate" in refusal("fault_tree", node("t"), node("a", "t"), node("b", "t")).message
    assert "has 1 input" in refusal("fault_tree", node("t", gate="and"), node("a", "t")).message


def test_minimal_cut_sets_drop_what_a_smaller_set_already_causes() -> None:
    tree = CauseTree(
        "fault_tree",
        [
            node("t", gate="or"),
            node("x", "t", gate="and"),
            node("a", "x"),
            node("b", "x"),
            node("c", "t"),
        ],
    )
    assert cut_sets(tree) == (frozenset({"c"}), frozenset({"a", "b"}))


def test_an_analysis_has_limits() -> None:
    with pytest.raises(LimitExceededError):
        CauseTree("fishbone", [node("p"), *(node(str(n), "p", category="man") for n in range(100))])
    assert "1 to 2000" in refusal("five_whys", node("p", statement="x" * 2001)).message
    assert "more than 20" in refusal("five_whys", node("p", evidence=tuple("abcdefghijklmnopqrstu"))).message


def test_too_many_combinations_are_refused_and_do_not_take_forever() -> None:
    nodes = [node("t", gate="and")]
    for gate in range(5):
        nodes += [node(f"g{gate}", "t", gate="or"), *(node(f"g{gate}e{n}", f"g{gate}") for n in range(10))]
    with pytest.raises(LimitExceededError):
        cut_sets(CauseTree("fault_tree", nodes))


def check_svg(image: str) -> None:
    root = ET.fromstring(image)  # noqa: S314 - our own output is what is tested
    assert root.attrib["viewBox"].split()[2] == "800"
    assert {element.tag.removeprefix(SVG) for element in root.iter()} <= {
        "svg", "title", "desc", "style", "defs", "marker", "path", "rect", "polyline", "text",
    }  # fmt: skip
    for element in root.iter():
        assert not any(name.startswith("on") or name.endswith("href") for name in element.attrib)
    assert "prefers-color-scheme: dark" in image
    height = float(root.attrib["height"])
    for text in root.iter(f"{SVG}text"):
        assert 0 <= float(text.attrib["x"]) < 800
        assert 0 < float(text.attrib["y"]) <= height


MERMAID_LINE = re.compile(
    r'flowchart (TD|LR)|    [ng]\d+(\["[^"]*"\]|\(\["[^"]*"\]\)|\{\{"[^"]*"\}\})|    [ng]\d+ (-->\|why\?\||---) [ng]\d+'
    r"|    classDef \w+ stroke:#[0-9A-F]{6},stroke-width:\dpx|    class n\d+(,n\d+)* (root|problem)"
)


def check_mermaid(chart: str) -> None:
    for line in chart.split("\n"):
        assert MERMAID_LINE.fullmatch(line), line
        quoted = re.sub(r"<br/>|#\d+;", "", line.partition('"')[2])
        assert not set(quoted) & set("<>#;%`&\\|"), line


@pytest.mark.parametrize("statement", HOSTILE)
def test_hostile_statements_stay_text_in_every_rendering(statement: str) -> None:
    for tree in every_method(statement):
        check_svg(svg(tree))
        check_mermaid(mermaid(tree))


@given(st.text(min_size=1, max_size=300).filter(lambda text: bool(text.strip())))
def test_any_statement_stays_text_in_every_rendering(statement: str) -> None:
    for tree in every_method(statement):
        check_svg(svg(tree))
        check_mermaid(mermaid(tree))


def test_renderings_show_the_root_cause_in_words_not_only_in_colour() -> None:
    for tree in every_method("worn tool"):
        assert "ROOT CAUSE" in svg(tree)
        assert "Root cause: " in mermaid(tree)
    assert label("a\nb") == "a b"


@given(st.text(max_size=400), st.integers(60, 700))
def test_wrapping_loses_no_letter_and_keeps_every_line_in_its_width(text: str, width: int) -> None:
    lines = wrapped(text, width)
    assert "".join("".join(lines).split()) == "".join(text.split())
    assert all(len(line) * 0.55 * FONT <= width + FONT for line in lines)
