"""Rules about conditions: comparisons that are never true, can't use an index, or lie about time."""

from collections.abc import Iterator

from qms_mcp.services.review.code import Spot
from qms_mcp.services.review.reading import COMPARISONS, DATE, closing, is_string, opening, word
from qms_mcp.services.review.rules import on_statement
from qms_mcp.sqltext import Statement, Token

_HIDING = frozenset({
    "lower", "upper", "date", "to_char", "extract", "date_trunc", "date_part", "coalesce", "trim", "btrim", "substr",
    "substring", "left", "right", "cast", "concat", "abs", "replace", "md5",
})  # fmt: skip
_MOMENT = ("_at", "_time", "timestamp", "_ts")
_CASTS_OF_TIME = frozenset({"date", "timestamp", "timestamptz", "time", "timetz", "interval"})
_ENDS_OF_SET = frozenset({"where", "from", "returning"})


@on_statement(
    "null-comparison",
    "error",
    why="A comparison with NULL is never true, not even NULL = NULL.",
    fix="Write IS NULL, IS NOT NULL or IS DISTINCT FROM.",
)
def null_comparison(spot: Spot) -> Iterator[Token]:
    """Find = NULL in conditions; assignments are none."""
    statement = spot.statement
    assigned = set(_assigned(statement))
    assigns = spot.piece is not None and word(statement, 1) in {"=", "."}
    for index in statement.find("null"):
        if word(statement, index - 1) not in {"=", "<>", "!="} or index - 1 in assigned:
            continue
        if statement.words[0] != "set" and not (assigns and statement.words.index("=") == index - 1):
            yield statement.tokens[index - 1]


def _assigned(statement: Statement) -> Iterator[int]:
    """Yield the indexes in the SET list of an UPDATE, and in attribute lists of CREATE and ALTER."""
    words = statement.words
    for start in statement.find("set"):
        depth = 0
        for index in range(start, len(words)):
            depth += (words[index] == "(") - (words[index] == ")")
            if depth < 0 or (depth == 0 and words[index] in _ENDS_OF_SET):
                break
            if depth == 0:
                yield index


@on_statement(
    "not-in-subquery",
    "warning",
    why="NOT IN is never true once the subquery returns a NULL.",
    fix="Write NOT EXISTS (SELECT FROM ... WHERE ...).",
)
def not_in_subquery(spot: Spot) -> Iterator[Token]:
    """Find NOT IN (SELECT ...)."""
    yield from (spot.statement.tokens[index] for index in spot.statement.find("not", "in", "(", "select"))


@on_statement(
    "leading-wildcard",
    "advice",
    why="A pattern that begins with % can't use an ordinary index.",
    fix="Search with a trigram index (pg_trgm), full text search, or a pattern that begins with letters.",
)
def leading_wildcard(spot: Spot) -> Iterator[Token]:
    """Find LIKE '%...'."""
    for index, text in enumerate(spot.statement.words[:-1]):
        token = spot.statement.tokens[index + 1]
        if text in {"like", "ilike"} and is_string(token) and token.content[:1] == "%" and len(token.content) > 1:
            yield token


@on_statement(
    "function-on-column",
    "advice",
    why="A function around the column keeps an ordinary index on it from being used.",
    fix="Compare the bare column with a range, or index the expression.",
)
def function_on_column(spot: Spot) -> Iterator[tuple[Token, str]]:
    """Find functions and casts of columns that are compared in WHERE."""
    statement, words = spot.statement, spot.statement.words
    for index in range(_where(words), len(words)):
        if words[index] in _HIDING and word(statement, index + 1) == "(":
            end = closing(words, index + 1)
            columns = [t for t in statement.tokens[index + 2 : end] if t.name and t.word not in _CASTS_OF_TIME]
            if columns and word(statement, end + 1) in COMPARISONS | {"between", "in", "like"}:
                yield statement.tokens[index], f"{words[index]}()"
        casts = words[index] == "::" and word(statement, index + 1) in {"date", "text"}
        if casts and word(statement, index + 2) in COMPARISONS | {"between"} and statement.tokens[index - 1].name:
            yield statement.tokens[index - 1], f"{words[index - 1]}::{words[index + 1]}"


def _where(words: tuple[str, ...]) -> int:
    return words.index("where") if "where" in words and words[0] not in {"create", "alter"} else len(words)


@on_statement(
    "between-moments",
    "warning",
    why="BETWEEN includes both ends: the last day is lost but for its midnight, or a moment is counted twice.",
    fix="Write at >= 'first day' AND at < 'day after the last'.",
)
def between_moments(spot: Spot) -> Iterator[Token]:
    """Find BETWEEN over points in time."""
    statement = spot.statement
    for index in statement.find("between"):
        if index == 0:
            continue
        column = statement.tokens[index - 1].name
        if column.endswith(_MOMENT) or (
            word(statement, index + 1) in {"timestamp", "timestamptz"} and word(statement, index + 2) != "("
        ):
            yield statement.tokens[index]


@on_statement(
    "count-for-exists",
    "warning",
    why="Counting all rows to learn whether there is one reads all of them.",
    fix="Write EXISTS (SELECT FROM ... WHERE ...).",
)
def count_for_exists(spot: Spot) -> Iterator[Token]:
    """Find (SELECT count(*) ...) > 0."""
    statement, words = spot.statement, spot.statement.words
    for index in statement.find("count", "("):
        around = opening(words, index)
        if around < 0 or words[around + 1] != "select" or word(statement, index - 1) not in {"select", "."}:
            continue
        end = closing(words, around)
        compared = word(statement, end + 1), word(statement, end + 2)
        if compared in {(">", "0"), ("=", "0"), ("<>", "0"), ("!=", "0"), (">=", "1"), ("<", "1")}:
            yield statement.tokens[index]


@on_statement(
    "date-as-text",
    "warning",
    why="The text is cast by the session's settings: 03/04/2026 is March or April, and the zone is anybody's.",
    fix="Write DATE '2026-04-03' or TIMESTAMPTZ '2026-04-03 00:00+00'.",
)
def date_as_text(spot: Spot) -> Iterator[Token]:
    """Find dates in strings that nothing casts."""
    statement = spot.statement
    for index, token in enumerate(statement.tokens):
        if not is_string(token) or not DATE.match(token.content):
            continue
        before = word(statement, index - 1)
        compared = before in COMPARISONS | {"between", "and"} and not _is_assignment(statement, index)
        if compared and word(statement, index + 1) != "::":
            yield token


def _is_assignment(statement: Statement, index: int) -> bool:
    return index - 1 in set(_assigned(statement))


@on_statement(
    "fraction-equality",
    "warning",
    why="Floating-point values are rarely equal to a decimal fraction.",
    fix="Compare with a tolerance, abs(a - b) < e, or store numeric.",
)
def fraction_equality(spot: Spot) -> Iterator[Token]:
    """Find = 0.1 in conditions."""
    statement = spot.statement
    assigned = set(_assigned(statement))
    for index, token in enumerate(statement.tokens):
        fraction = token.kind == "number" and "." in token.text and float(token.text) % 1 != 0
        if fraction and word(statement, index - 1) in {"=", "<>", "!="} and index - 1 not in assigned:
            yield token
