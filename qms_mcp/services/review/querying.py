"""Rules about queries as a whole: what they select, join, sort and page."""

from collections.abc import Iterator

from qms_mcp.services.review.code import Spot
from qms_mcp.services.review.reading import common_tables, from_items, opening, selects, tables, word
from qms_mcp.services.review.rules import on_statement
from qms_mcp.sqltext import Token

_CHANGES = frozenset({"update", "delete"})


@on_statement(
    "select-star",
    "advice",
    why="SELECT * changes with the table, reads what nobody needs and hides what is used.",
    fix="Name the columns.",
)
def select_star(spot: Spot) -> Iterator[Token]:
    """Find SELECT * from tables."""
    statement = spot.statement
    own = common_tables(statement)
    for select in selects(statement):
        named = [name for index, name in tables(statement) if index in select.clause("from")]
        if word(statement, select.start - 2) == "exists" or not set(named) - own:
            continue
        for index in select.output:
            before, after = word(statement, index - 1), word(statement, index + 1)
            starts = before in {"select", "distinct", ",", "."} and after not in {"(", "."}
            if statement.words[index] == "*" and starts:
                yield statement.tokens[index]


@on_statement(
    "cross-join",
    "warning",
    why="A comma in FROM without WHERE pairs every row with every row.",
    fix="Write JOIN ... ON, or CROSS JOIN if that is meant.",
)
def cross_join(spot: Spot) -> Iterator[Token]:
    """Find lists in FROM without a condition."""
    yield from _commas(spot, with_where=False)


@on_statement(
    "comma-join",
    "advice",
    why="A join by comma is easily left without its condition.",
    fix="Write JOIN ... ON.",
)
def comma_join(spot: Spot) -> Iterator[Token]:
    """Find lists in FROM with a WHERE."""
    yield from _commas(spot, with_where=True)


def _commas(spot: Spot, *, with_where: bool) -> Iterator[Token]:
    statement = spot.statement
    for select in selects(statement):
        if ("where" in select.clauses) != with_where:
            continue
        for index, comma in from_items(statement, select):
            place = index
            while word(statement, place + 1) == ".":
                place += 2
            calls = word(statement, place + 1) == "("
            if comma and not calls and word(statement, index) not in {"lateral", "unnest", "("}:
                yield statement.tokens[index]


@on_statement(
    "natural-join",
    "warning",
    why="NATURAL JOIN joins on whatever columns happen to have one name, also those added later.",
    fix="Write JOIN ... USING (column) or ON.",
)
def natural_join(spot: Spot) -> Iterator[Token]:
    """Find NATURAL JOIN."""
    for index in spot.statement.find("natural"):
        if word(spot.statement, index + 1) in {"join", "left", "right", "inner", "full"}:
            yield spot.statement.tokens[index]


@on_statement(
    "distinct-over-join",
    "advice",
    why="DISTINCT over a join often only hides that the join multiplies rows.",
    fix="Ask with EXISTS what the other table is only asked about.",
)
def distinct_over_join(spot: Spot) -> Iterator[Token]:
    """Find SELECT DISTINCT with a JOIN."""
    statement = spot.statement
    for select in selects(statement):
        distinct = word(statement, select.start + 1) == "distinct" and word(statement, select.start + 2) != "on"
        if distinct and "join" in statement.words[select.clause("from").start : select.clause("from").stop]:
            yield statement.tokens[select.start + 1]


@on_statement(
    "offset-paging",
    "advice",
    why="OFFSET reads and throws away all the pages before, and skips or repeats rows that move.",
    fix="Page by key: WHERE (created_at, id) < (last ones seen) ORDER BY created_at DESC, id DESC LIMIT n.",
)
def offset_paging(spot: Spot) -> Iterator[Token]:
    """Find OFFSET."""
    for select in selects(spot.statement):
        if "offset" in select.clauses and word(spot.statement, select.clauses["offset"] + 1) != "0":
            yield spot.statement.tokens[select.clauses["offset"]]


@on_statement(
    "limit-without-order",
    "warning",
    why="LIMIT without ORDER BY returns any rows, and others the next time.",
    fix="Add ORDER BY with a unique last column.",
)
def limit_without_order(spot: Spot) -> Iterator[Token]:
    """Find LIMIT without ORDER BY."""
    statement = spot.statement
    for select in selects(statement):
        limited = "limit" in select.clauses and "from" in select.clauses
        asks = (
            word(statement, select.start - 2) == "exists" or word(statement, select.clauses.get("limit", 0) + 1) == "0"
        )
        if limited and not asks and "order" not in select.clauses:
            yield statement.tokens[select.clauses["limit"]]


@on_statement(
    "order-by-position",
    "advice",
    why="A number in ORDER BY or GROUP BY means another column once the list changes.",
    fix="Name the column.",
)
def order_by_position(spot: Spot) -> Iterator[Token]:
    """Find ORDER BY 1 and GROUP BY 1."""
    for select in selects(spot.statement):
        for name in ("order", "group"):
            for index in select.clause(name):
                token = spot.statement.tokens[index]
                if token.kind == "number" and word(spot.statement, index - 1) in {"by", ","} and _is_top(spot, index):
                    yield token
                    break


def _is_top(spot: Spot, index: int) -> bool:
    around = opening(spot.statement.words, index)
    return around < 0 or spot.statement.words[around + 1] == "select"


@on_statement(
    "order-by-random",
    "warning",
    why="ORDER BY random() reads and sorts the whole table.",
    fix="Use TABLESAMPLE, or a random key with an index.",
)
def order_by_random(spot: Spot) -> Iterator[Token]:
    """Find ORDER BY random()."""
    yield from (spot.statement.tokens[index + 2] for index in spot.statement.find("order", "by", "random"))


@on_statement(
    "order-by-in-view",
    "advice",
    why="Whoever reads the view gets no order promised, and pays for the sort.",
    fix="Sort in the query that reads the view.",
)
def order_by_in_view(spot: Spot) -> Iterator[Token]:
    """Find views that sort without LIMIT."""
    statement = spot.statement
    if statement.words[0] != "create" or not {"view"} & set(statement.words[1:4]):
        return
    for select in selects(statement):
        sorts = "order" in select.clauses and "limit" not in select.clauses
        if sorts and opening(statement.words, select.start) < 0 and word(statement, select.start + 2) != "on":
            yield statement.tokens[select.clauses["order"]]


@on_statement(
    "union-distinct",
    "advice",
    why="UNION sorts or hashes everything to drop duplicates.",
    fix="Write UNION ALL where there are none, UNION DISTINCT where dropping them is meant.",
)
def union_distinct(spot: Spot) -> Iterator[Token]:
    """Find UNION without ALL."""
    recursive = spot.statement.has("with", "recursive")
    for index in spot.statement.find("union"):
        if word(spot.statement, index + 1) not in {"all", "distinct"} and not recursive:
            yield spot.statement.tokens[index]


@on_statement(
    "change-without-where",
    "error",
    why="UPDATE or DELETE without WHERE touches every row.",
    fix="Add WHERE; write WHERE true if every row is meant.",
)
def change_without_where(spot: Spot) -> Iterator[Token]:
    """Find UPDATE and DELETE without WHERE."""
    statement, words = spot.statement, spot.statement.words
    for index, text in enumerate(words):
        if text not in _CHANGES or (index and words[index - 1] != "(") or word(statement, index + 1) in {"(", ")", ","}:
            continue
        end = next((i for i in range(index, len(words)) if _closes(words, index, i)), len(words))
        if "where" not in words[index:end] and (text == "update") == ("set" in words[index:end]):
            yield statement.tokens[index]


def _closes(words: tuple[str, ...], start: int, index: int) -> bool:
    span = words[start : index + 1]
    return words[index] == ")" and span.count("(") < span.count(")")


@on_statement(
    "insert-without-columns",
    "warning",
    why="Values go into columns by position; a new column shifts them.",
    fix="Name the columns: INSERT INTO t (a, b) VALUES ...",
)
def insert_without_columns(spot: Spot) -> Iterator[Token]:
    """Find INSERT without a list of columns."""
    statement = spot.statement
    for index in statement.find("insert", "into"):
        place = index + 3
        while word(statement, place) == ".":
            place += 2
        if word(statement, place) in {"values", "select", "with", "table"}:
            yield statement.tokens[index]
