"""The rules of the review, each with code it must object to and code it must leave alone."""

from pathlib import Path

import pytest

from qms_mcp.services.review.code import Code
from qms_mcp.services.review.rules import all_rules
from qms_mcp.services.review.service import findings_of
from qms_mcp.sqltext import split_statements
from qms_mcp.sqltext.plpgsql import split_body
from qms_mcp.sqltext.routines import read_routine
from tests.support.review_examples import EXAMPLES, Example

ROOT = Path(__file__).resolve().parents[2]
OWN = sorted([*(ROOT / "sql" / "migrations").glob("*.sql"), *(ROOT / "sql" / "queries").glob("*.sql")])


def found(text: str) -> set[str]:
    return {finding.rule for finding in findings_of(Code.read(text), "migration")}


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example.rule)
def test_a_rule_objects_to_the_bad_and_leaves_the_good_alone(example: Example) -> None:
    assert example.rule in found(example.bad)
    assert example.rule not in found(example.good)


def test_every_rule_has_an_example_and_says_what_to_do() -> None:
    rules = all_rules()
    assert len(rules) >= 60
    assert {example.rule for example in EXAMPLES} == {rule.id for rule in rules}
    for rule in rules:
        assert rule.why.endswith((".", ".)")), rule.id
        assert rule.fix, rule.id


@pytest.mark.parametrize("path", OWN, ids=lambda path: path.name)
def test_our_own_sql_has_no_error(path: Path) -> None:
    findings = list(findings_of(Code.read(path.read_text(encoding="utf-8"))))
    assert [f"{finding.line}: {finding.rule}" for finding in findings if finding.severity == "error"] == []


def test_findings_name_the_line_also_inside_of_a_function() -> None:
    text = (
        "SELECT 1;\n\nCREATE FUNCTION qms.f() RETURNS void LANGUAGE plpgsql STABLE AS $$\nBEGIN\n"
        "    -- a comment; with a semicolon\n    PERFORM 1;\n    UPDATE qms.things SET x = 1;\nEND\n$$;"
    )
    finding = next(f for f in findings_of(Code.read(text)) if f.rule == "change-without-where")
    assert finding.line == 7


def test_strings_and_comments_are_not_code() -> None:
    text = "SELECT 'DELETE FROM a; x = NULL' AS x, $q$ UPDATE a SET b = 1 $q$ AS y -- GRANT ALL\n/* SELECT * /* */ */"
    assert found(text) == set()


def test_statements_are_cut_at_semicolons_outside_of_bodies() -> None:
    text = (
        "SELECT ';'; CREATE FUNCTION f() RETURNS int BEGIN ATOMIC SELECT CASE WHEN true THEN 1 END; SELECT 2; END;"
        "SELECT E'a\\';' AS \";\"; DO $a$ BEGIN NULL; END $a$"
    )
    assert [statement.words[0] for statement in split_statements(text)] == ["select", "create", "select", "do"]


def test_a_body_is_cut_into_pieces_with_their_place() -> None:
    body = """
        DECLARE n int; BEGIN FOR i IN 1..2 LOOP n := CASE WHEN i > 1 THEN 1 ELSE 2 END; END LOOP;
        IF n > 1 THEN RETURN; ELSE PERFORM 1; END IF; EXCEPTION WHEN unique_violation THEN RAISE; END
    """
    pieces = [(" ".join(p.statement.words[:2]), p.loops, p.declares, p.handler) for p in split_body(body)]
    assert pieces == [
        ("n int", 0, True, None),
        ("for i", 0, False, None),
        ("n :=", 1, False, None),
        ("end loop", 1, False, None),
        ("if n", 0, False, None),
        ("return", 0, False, None),
        ("perform 1", 0, False, None),
        ("end if", 0, False, None),
        ("exception when", 0, False, 1),
        ("raise", 0, False, 1),
        ("end", 0, False, 1),
    ]


def test_the_head_of_a_function_is_read() -> None:
    text = """
        CREATE OR REPLACE FUNCTION qms.f(a int, OUT b text, c numeric(3, 1) DEFAULT 1, int) RETURNS SETOF text
        LANGUAGE sql SECURITY DEFINER SET search_path TO '' AS $$ SELECT a $$
    """
    routine = read_routine(split_statements(text)[0])
    assert routine is not None
    assert [token.name for token in routine.parameters] == ["a", "c"]
    assert (routine.name, routine.language) == ("qms.f", "sql")
    assert routine.definer
    assert routine.sets_search_path
