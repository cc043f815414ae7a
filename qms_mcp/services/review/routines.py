"""Rules about functions as a whole: what their head promises and what their body needs."""

from collections import Counter
from collections.abc import Iterator

from qms_mcp.services.review.code import Code, Spot
from qms_mcp.services.review.reading import common_tables, is_string, tables, word
from qms_mcp.services.review.rules import on_routine, on_statement
from qms_mcp.sqltext import Token, tokenize
from qms_mcp.sqltext.routines import Routine

_VOLATILITIES = frozenset({"volatile", "stable", "immutable"})


@on_routine(
    "volatility-unmarked",
    "advice",
    why="A function without a mark counts as volatile: it runs for every row and keeps indexes from being used.",
    fix="Mark it STABLE if it only reads, IMMUTABLE if it only computes, VOLATILE if it changes something.",
)
def volatility_unmarked(routine: Routine, _code: Code) -> Iterator[Token]:
    """Find functions that do not say how volatile they are."""
    writes = any(s.words[0] in {"insert", "update", "delete", "merge"} for s in routine.statements)
    if routine.kind == "function" and not routine.is_trigger and not writes and not _VOLATILITIES & set(routine.head):
        yield routine.statement.tokens[0]


@on_routine(
    "immutable-reads-table",
    "error",
    why="An IMMUTABLE function that reads a table gives stale answers: PostgreSQL computes it once and keeps it.",
    fix="Mark it STABLE.",
)
def immutable_reads_table(routine: Routine, _code: Code) -> Iterator[tuple[Token, str]]:
    """Find IMMUTABLE functions with a table in them."""
    if "immutable" not in routine.head:
        return
    for statement in routine.statements:
        own = common_tables(statement)
        for index, name in tables(statement):
            if name not in own:
                yield statement.tokens[index], name


@on_routine(
    "unqualified-table",
    "warning",
    why="Which table an unqualified name means depends on the caller's search_path.",
    fix="Write schema.table, and SET search_path = '' on the function.",
)
def unqualified_table(routine: Routine, _code: Code) -> Iterator[tuple[Token, str]]:
    """Find tables without a schema in functions."""
    if routine.kind == "do" or (routine.sets_search_path and "''" not in routine.head):
        return
    transition = {"old_table", "new_table", "old_rows", "new_rows", "inserted", "deleted"}
    known = {token.name for token in routine.parameters} | transition
    for statement in routine.statements:
        own = common_tables(statement) | known
        for index, name in tables(statement):
            if "." not in name and name not in own:
                yield statement.tokens[index], name


@on_routine(
    "unused-parameter",
    "advice",
    why="The parameter is never used.",
    fix="Remove it, or use it.",
)
def unused_parameter(routine: Routine, _code: Code) -> Iterator[tuple[Token, str]]:
    """Find parameters the body does not name."""
    if routine.language not in {"sql", "plpgsql"}:
        return
    text = routine.body.content if routine.body is not None else ""
    body = tokenize(text) if text else list(routine.statement.tokens[routine.statement.words.index(")") :])
    if any(token.kind == "param" for token in body):
        return
    used = {token.name for token in body}
    for parameter in routine.parameters:
        if parameter.name not in used:
            yield parameter, parameter.name


@on_routine(
    "unused-variable",
    "warning",
    why="The variable is declared and never used.",
    fix="Remove it.",
)
def unused_variable(routine: Routine, _code: Code) -> Iterator[tuple[Token, str]]:
    """Find declared variables nothing names."""
    used = Counter(token.name for piece in routine.pieces for token in piece.statement.tokens)
    for piece in routine.pieces:
        token = piece.statement.tokens[0]
        if piece.declares and len(piece.statement.tokens) > 1 and token.name and used[token.name] == 1:
            yield token, token.name


@on_routine(
    "transaction-in-function",
    "error",
    why="A function can't commit or roll back: it fails when it gets there.",
    fix="Make it a procedure, or leave the transaction to the caller.",
)
def transaction_in_function(routine: Routine, _code: Code) -> Iterator[Token]:
    """Find COMMIT and ROLLBACK in functions."""
    if routine.kind != "function":
        return
    inside = [piece.statement for piece in routine.pieces] or list(routine.statements)
    yield from (s.tokens[0] for s in inside if s.words[0] in {"commit", "rollback", "savepoint"})


@on_statement(
    "setting-outlives-transaction",
    "warning",
    why="The setting stays on a pooled connection and meets the next caller.",
    fix="Use SET LOCAL, set_config(..., true), or SET on the function.",
)
def setting_outlives_transaction(spot: Spot) -> Iterator[Token]:
    """Find session settings inside of routines."""
    statement = spot.statement
    if spot.routine is None:
        return
    if statement.words[0] == "set" and word(statement, 1) not in {"local", "constraints"}:
        yield statement.tokens[0]
    for index in statement.find("set_config", "("):
        rest = statement.words[index:]
        if "false" in rest[: rest.index(")") + 1 if ")" in rest else None]:
            yield statement.tokens[index]


@on_statement(
    "session-identity",
    "warning",
    why="SESSION AUTHORIZATION or SET ROLE for the session changes who acts for everything that follows.",
    fix="Use SET LOCAL ROLE in the transaction that needs it.",
)
def session_identity(spot: Spot) -> Iterator[Token]:
    """Find statements that change who acts beyond the transaction."""
    words = spot.statement.words
    if words[:2] == ("set", "role") or words[:3] in {("set", "session", "authorization"), ("set", "session", "role")}:
        yield spot.statement.tokens[0]


@on_statement(
    "sleep",
    "warning",
    why="pg_sleep keeps a connection and its locks for nothing.",
    fix="Wait in the application.",
)
def sleep(spot: Spot) -> Iterator[Token]:
    """Find pg_sleep."""
    yield from (spot.statement.tokens[index] for index in spot.statement.find("pg_sleep", "("))


@on_statement(
    "procedure-by-function",
    "advice",
    why="EXECUTE PROCEDURE in CREATE TRIGGER is the old spelling; the thing is a function.",
    fix="Write EXECUTE FUNCTION.",
)
def procedure_by_function(spot: Spot) -> Iterator[Token]:
    """Find CREATE TRIGGER ... EXECUTE PROCEDURE."""
    statement = spot.statement
    if statement.words[0] == "create" and not any(map(is_string, statement.tokens)):
        yield from (statement.tokens[index] for index in statement.find("execute", "procedure"))
