"""Rules about the statements of a PL/pgSQL body."""

from collections.abc import Iterator
from itertools import groupby

from qms_mcp.services.review.code import Code, Spot
from qms_mcp.services.review.reading import word
from qms_mcp.services.review.rules import on_routine, on_statement
from qms_mcp.sqltext import Token
from qms_mcp.sqltext.plpgsql import Piece
from qms_mcp.sqltext.routines import Routine

_CHANGES = frozenset({"insert", "update", "delete", "merge"})
_MOMENTS = frozenset({"now", "current_timestamp", "transaction_timestamp", "localtimestamp"})
_AGGREGATES = frozenset({"count", "sum", "min", "max", "avg", "bool_or", "bool_and", "exists", "coalesce"})
_LEVELS = frozenset({"debug", "log", "info", "notice", "warning"})


def _handlers(routine: Routine) -> Iterator[tuple[Piece, list[Piece]]]:
    """Yield each exception handler: its `when`, and what it does."""
    inside = [piece for piece in routine.pieces if piece.handler is not None]
    for _, group in groupby(inside, key=lambda piece: piece.handler):
        head, *rest = list(group)
        yield head, [piece for piece in rest if piece.statement.words[0] != "end"]


@on_routine(
    "swallowed-exception",
    "error",
    why="Every error, also a full disk or a cancelled query, disappears without a trace.",
    fix="Catch the one condition that is expected, or RAISE again.",
)
def swallowed_exception(routine: Routine, _code: Code) -> Iterator[Token]:
    """Find WHEN OTHERS THEN NULL."""
    for head, rest in _handlers(routine):
        if "others" in head.statement.words and all(piece.statement.words[0] == "null" for piece in rest):
            yield head.statement.tokens[head.statement.words.index("others")]


@on_routine(
    "broad-handler",
    "warning",
    why="WHEN OTHERS that does not raise again treats errors nobody thought of as the one expected.",
    fix="Name the conditions (unique_violation, ...), or end with RAISE.",
)
def broad_handler(routine: Routine, _code: Code) -> Iterator[Token]:
    """Find WHEN OTHERS that goes on."""
    for head, rest in _handlers(routine):
        does = {piece.statement.words[0] for piece in rest}
        raises = any(p.statement.words[0] == "raise" and word(p.statement, 1) not in _LEVELS for p in rest)
        if "others" in head.statement.words and does - {"null"} and not raises:
            yield head.statement.tokens[head.statement.words.index("others")]


@on_routine(
    "raise-without-code",
    "advice",
    why="Without an error code a program can only guess from the text what happened.",
    fix="Add USING ERRCODE = '...'.",
)
def raise_without_code(routine: Routine, _code: Code) -> Iterator[Token]:
    """Find RAISE EXCEPTION without ERRCODE."""
    for piece in routine.pieces:
        words = piece.statement.words
        raises = words[0] == "raise" and (
            word(piece.statement, 1) == "exception" or word(piece.statement, 1)[:1] == "'"
        )
        if raises and not {"errcode", "sqlstate"} & set(words):
            yield piece.statement.tokens[0]


@on_routine(
    "row-by-row",
    "advice",
    why="A loop that changes one row at a time does in many statements what one can do.",
    fix="Write one INSERT ... SELECT, UPDATE ... FROM or MERGE.",
)
def row_by_row(routine: Routine, _code: Code) -> Iterator[Token]:
    """Find FOR ... IN SELECT with a change of rows in it."""
    head: Piece | None = None
    for piece in routine.pieces:
        words = piece.statement.words
        if words[0] == "for" and {"select", "with"} & set(words):
            head = piece
        elif head is not None and piece.loops <= head.loops:
            head = None
        elif head is not None and words[0] in _CHANGES:
            yield head.statement.tokens[0]
            head = None


@on_statement(
    "now-in-loop",
    "advice",
    why="now() is the start of the transaction: it stays the same in every round of the loop.",
    fix="Use clock_timestamp() if the time of each round is meant.",
)
def now_in_loop(spot: Spot) -> Iterator[Token]:
    """Find now() in loops."""
    if spot.piece is None or not spot.piece.loops:
        return
    for index, text in enumerate(spot.statement.words):
        if text in _MOMENTS and (word(spot.statement, index + 1) == "(" or "current" in text or "local" in text):
            yield spot.statement.tokens[index]


@on_routine(
    "into-unchecked",
    "warning",
    why="SELECT INTO takes any one of several rows, and NULL when there is none, without a word.",
    fix="Write INTO STRICT, or test FOUND (and say which row with ORDER BY ... LIMIT 1).",
)
def into_unchecked(routine: Routine, _code: Code) -> Iterator[Token]:
    """Find SELECT INTO whose outcome nobody looks at."""
    for place, piece in enumerate(routine.pieces):
        statement, words = piece.statement, piece.statement.words
        if words[0] not in {"select", "with"} or "into" not in words or "strict" in words or "from" not in words:
            continue
        into = words.index("into")
        if word(statement, into - 1) in {"insert", "merge"} or _aggregates(words, into):
            continue
        target = statement.tokens[min(into + 1, len(words) - 1)].name
        if not any(_looks_at(later, target) for later in routine.pieces[place + 1 :]):
            yield statement.tokens[into]


def _aggregates(words: tuple[str, ...], into: int) -> bool:
    calls = {words[i] for i in range(len(words) - 1) if words[i + 1] == "("}
    grouped = any(name in _AGGREGATES or name.endswith("_agg") for name in calls)
    return grouped and ("group" not in words or into < 0)


def _looks_at(piece: Piece, target: str) -> bool:
    words = piece.statement.words
    if "found" in words:
        return True
    for index, token in enumerate(piece.statement.tokens):
        if token.name == target and (
            word(piece.statement, index + 1) == "is"
            or (word(piece.statement, index + 1) == "." and word(piece.statement, index + 3) == "is")
            or word(piece.statement, index - 2) == "coalesce"
        ):
            return True
    return False
