"""The guard's own scanner and the parser of PostgreSQL's trees, from the inside."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qms_mcp.db.guard.scan import scan
from qms_mcp.db.guard.tree import Node, TreeError, parse_tree
from qms_mcp.errors import InvalidInputError, LimitExceededError, QmsError, RefusedStatementError

ESCAPED = set(" \n\t(){}\\")


def written(text: str) -> str:
    """Write a string as PostgreSQL's outToken does."""
    if not text:
        return '""'
    lead = text[0] in '<"' or (text[0].isascii() and text[0].isdigit())
    lead = lead or (text[0] in "+-" and (text[1:2] == "." or (text[1:2].isascii() and text[1:2].isdigit())))
    return ("\\" if lead else "") + "".join(f"\\{sign}" if sign in ESCAPED else sign for sign in text)


names = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), min_size=1)


@given(names)
def test_any_alias_comes_back_as_it_was_and_is_never_a_field(name: str) -> None:
    tree = parse_tree(f'{{ALIAS :aliasname {written(name)} :colnames ("{written(name)}") :funcid 7}}')
    assert isinstance(tree, Node)
    assert tree.fields == {"aliasname": name, "colnames": [name], "funcid": "7"}


@given(st.text(alphabet=st.sampled_from('{}()[]<>: \\"abQUERY:funcid0123\n')))
def test_no_text_breaks_the_parser(text: str) -> None:
    try:
        parse_tree(text)
    except TreeError:
        return


@pytest.mark.parametrize(
    "text", ["", "{", "{QUERY", "{QUERY :a}", "{QUERY :a 1 2}", "(a", "a b", "{A :constvalue 4 [ 1", "}", "{A :b )}"]
)
def test_half_a_tree_is_an_error(text: str) -> None:
    with pytest.raises(TreeError):
        parse_tree(text)


def test_a_deep_tree_costs_no_recursion() -> None:
    tree = parse_tree("{A :b " * 50_000 + "1" + "}" * 50_000)
    assert isinstance(tree, Node)


@given(st.text())
def test_no_text_breaks_the_scanner(text: str) -> None:
    try:
        scanned = scan(text)
    except QmsError:
        return
    assert all(a.end <= b.start for a, b in zip(scanned.tokens, scanned.tokens[1:], strict=False))


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        ("SELECT 'it''s'", 2),
        ("SELECT E'a\\'b; c'", 2),
        ("SELECT E'a'\n  'b\\'; c'", 2),
        ("SELECT $a$ ; $b$ ; $a$", 2),
        ("SELECT foo$a$bar", 2),
        ("SELECT 1 -- ; 2", 2),
        ("SELECT /* ; /* ; */ ; */ 1", 2),
        ('SELECT U&"a;""b", U&\'x;y\'', 4),
        ("SELECT $1, $2;;", 4),
        ("SELECT b'01', x'ff', n'a'", 6),
        ("SELECT 1.5e-3", 2),
    ],
)
def test_tokens_end_where_postgres_ends_them(text: str, tokens: int) -> None:
    assert len(scan(text).tokens) == tokens


@pytest.mark.parametrize("text", ["SELECT 1; SELECT 2", "; SELECT 1", "SELECT 'a'; ;b", "SELECT 1 -- a\n; x"])
def test_more_than_one_statement_is_seen(text: str) -> None:
    with pytest.raises(RefusedStatementError):
        scan(text)


@pytest.mark.parametrize(
    "text", ["SELECT '", 'SELECT "', "SELECT /* /* */", "SELECT $a$ $b$", "E'\\'", "a\0", "\udfff"]
)
def test_an_unfinished_statement_is_named(text: str) -> None:
    with pytest.raises(InvalidInputError):
        scan(text)


@pytest.mark.parametrize(
    "text",
    [
        "SELECT " + "+".join(["1"] * 28_000),
        "SELECT " + "(" * 10_000 + "1" + ")" * 10_000,
        "SELECT " + "[" * 151,
        "SELECT '" + "ü" * 33_000 + "'",
        "SELECT " + "'" * 60_000 + " + 1" * 1_000 + "x" * 2_000,
        "SELECT " + "a'b' " * 12_000,
    ],
)
def test_size_and_depth_are_capped_before_postgres_sees_anything(text: str) -> None:
    begun = time.perf_counter()
    with pytest.raises(LimitExceededError):
        scan(text)
    assert time.perf_counter() - begun < 1
