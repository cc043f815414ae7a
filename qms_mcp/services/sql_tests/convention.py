"""How a test script for `qms-mcp test-sql` is written.

A script is plain SQL with a few comments that mean something, each alone on its line:

    -- Anything before the first test is the set-up: it runs once, as the owner of the schema.
    -- test: a title is required
    -- expect: 23502
    SELECT pg_temp.become('a');
    INSERT INTO qms.things (organization_id) VALUES (pg_temp.organization('a'));

    -- test: a row of A is not seen by B
    SELECT pg_temp.become('b');
    SELECT pg_temp.verify((SELECT count(*) FROM qms.things) = 0, 'B sees rows of A');

    -- test: needs data nobody can make up
    -- skip: no value satisfies the check

- A test passes when none of its statements raises an error. With `-- expect: SQLSTATE [part of the message]` its
  **last** statement must fail with that SQLSTATE (`error` for any), and the others must not.
- Each test begins as the owner, in a savepoint that is rolled back; the whole file runs in one transaction that is
  rolled back, so a script holds no BEGIN, COMMIT, ROLLBACK or SAVEPOINT. Nothing stays in the database.
- There are two organizations, `a` and `b`, each with one person of the same name who holds every role but auditor,
  and an `auditor` of A:
    - `pg_temp.become(who, as_role => 'qms_app')`: act as a, b, auditor, nobody (no identity) or owner
    - `pg_temp.organization(who)`, `pg_temp.person(who)`: their ids
    - `pg_temp.enrol(who, at, roles)`: add a person, `enrol('qa', 'a', ARRAY['reporter'])`; then `become('qa')`
    - `pg_temp.newcomer()`: the id of a person who belongs nowhere
    - `pg_temp.verify(condition, message)`: fail unless the condition is true
- A file without `-- test:` that calls `plan(...)` is a pgTAP script: each `ok` line is a test. BEGIN at its start and
  ROLLBACK at its end are left out. Where the extension is missing, the functions generated scripts use are lent.
"""

import re
from dataclasses import dataclass
from importlib.resources import files

from qms_mcp.errors import InvalidInputError
from qms_mcp.sqltext import Statement, split_statements, tokenize

_MARK = re.compile(r"--\s*(test|expect|skip):\s*(.*?)\s*$")
_EXPECT = re.compile(r"(?P<state>[0-9A-Z]{5}|error)(?:\s+(?P<part>.+))?$")
_CONTROL = frozenset({"begin", "start", "commit", "end", "abort", "rollback", "savepoint", "release"})


@dataclass(frozen=True, slots=True)
class Expectation:
    """How the last statement of a test must fail.

    Attributes:
        state: The SQLSTATE, or `error` for any.
        part: What the message must contain; empty for anything.
    """

    state: str
    part: str = ""


@dataclass(frozen=True, slots=True)
class Block:
    """One test of a script."""

    name: str
    line: int
    statements: tuple[Statement, ...]
    expect: Expectation | None = None
    skip: str = ""


@dataclass(frozen=True, slots=True)
class Script:
    """A script: its set-up and its tests; a pgTAP script has no tests here, its output names them."""

    name: str
    setup: tuple[Statement, ...]
    tests: tuple[Block, ...]
    tap: bool = False


def read_script(text: str, name: str) -> Script:
    """Read a test script.

    Raises:
        InvalidInputError: It breaks the convention; the message names the line.
    """
    marks = [
        (token.line, token.start, match.group(1), match.group(2))
        for token in tokenize(text)
        if token.kind == "comment" and (match := _MARK.match(token.text))
    ]
    starts = [(line, start, title) for line, start, kind, title in marks if kind == "test"]
    if not starts:
        return _unmarked(text, name)
    setup = tuple(split_statements(text[: starts[0][1]]))
    _refuse_control(setup, name)
    tests: list[Block] = []
    for index, (line, start, title) in enumerate(starts):
        end = starts[index + 1][1] if index + 1 < len(starts) else len(text)
        notes = {kind: value for _, at, kind, value in marks if start < at < end}
        statements = tuple(split_statements(text[start:end], first_line=line))
        _refuse_control(statements, name)
        tests.append(_block(title, line, statements, notes, name))
    return Script(name, setup, tuple(tests))


def _unmarked(text: str, name: str) -> Script:
    statements = tuple(split_statements(text))
    if any(statement.has("plan", "(") or statement.has("no_plan", "(") for statement in statements):
        if statements[0].words[0] in {"begin", "start"}:
            statements = statements[1:]
        if statements and statements[-1].words[0] == "rollback":
            statements = statements[:-1]
        _refuse_control(statements, name)
        return Script(name, statements, (), tap=True)
    _refuse_control(statements, name)
    if not statements:
        return Script(name, (), ())
    return Script(name, (), (Block("the whole script", statements[0].line, statements),))


def _block(title: str, line: int, statements: tuple[Statement, ...], notes: dict[str, str], name: str) -> Block:
    expect = None
    if "expect" in notes:
        match = _EXPECT.match(notes["expect"])
        if match is None:
            raise InvalidInputError(
                f"{name}: the test in line {line} expects {notes['expect'][:60]!r}, which is no SQLSTATE.",
                hint="Write `-- expect: 23505`, or `-- expect: error` for any.",
            )
        expect = Expectation(match["state"], match["part"] or "")
    if not statements and "skip" not in notes:
        raise InvalidInputError(
            f"{name}: the test in line {line} has no statement.", hint="Add one, or `-- skip: why`."
        )
    return Block(title or f"line {line}", line, statements, expect, notes.get("skip", ""))


def _refuse_control(statements: tuple[Statement, ...], name: str) -> None:
    for statement in statements:
        words = statement.words
        if words[0] in _CONTROL or words[:2] == ("prepare", "transaction"):
            raise InvalidInputError(
                f"{name}: line {statement.line} says {words[0].upper()}; the whole script runs in one transaction.",
                hint="Leave it out: each test is rolled back by itself.",
            )


def prelude() -> tuple[Statement, ...]:
    """Return the statements that make the identities and functions scripts use."""
    return tuple(split_statements(prelude_text()))


def prelude_text() -> str:
    """Return the prelude as text, for scripts that must also run without this project."""
    return files("qms_mcp.services.sql_tests").joinpath("prelude.sql").read_text(encoding="utf-8")


def lent_tap() -> tuple[Statement, ...]:
    """Return the statements that make the pgTAP functions generated scripts use."""
    text = files("qms_mcp.services.sql_tests").joinpath("tap.sql").read_text(encoding="utf-8")
    return tuple(split_statements(text))
