"""Rules about definitions: types of columns, tables, and statements that can't be run twice."""

import re
from collections.abc import Iterator

from qms_mcp.services.review.code import Code, Spot
from qms_mcp.services.review.reading import closing, word
from qms_mcp.services.review.rules import on_code, on_statement
from qms_mcp.sqltext import Statement, Token

_AMOUNT = re.compile(
    r"(price|amount|cost|total|balance|salary|fee|weight|length|width|height|measure|value|result|limit|tolerance)"
)
_FLOATS = frozenset({"real", "float", "float4", "float8", "double"})
_CREATED = frozenset({"table", "index", "schema", "extension", "sequence", "view", "materialized"})


def _typed(spot: Spot) -> Iterator[tuple[Token, int]]:
    """Yield each column or variable that is given a type: its name, and the index where the type begins."""
    statement = spot.statement
    if spot.piece is not None and spot.piece.declares:
        return
    if statement.words[0] not in {"create", "alter"} or "table" not in statement.words[1:5]:
        return
    for index in range(2, len(statement.tokens)):
        name, before = statement.tokens[index - 1], word(statement, index - 2)
        if name.name and before in {"(", ",", "column", "add", "exists"}:
            yield name, index
        elif name.word == "type" and word(statement, index - 3) == "column":
            yield statement.tokens[index - 2], index


def _columns_of_type(spot: Spot, *types: str) -> Iterator[tuple[Token, str, int]]:
    for name, index in _typed(spot):
        if word(spot.statement, index) in types:
            yield spot.statement.tokens[index], name.name, index


@on_statement(
    "timestamp-without-zone",
    "warning",
    why="A timestamp without time zone is no moment: its meaning depends on who reads it.",
    fix="Use timestamptz.",
)
def timestamp_without_zone(spot: Spot) -> Iterator[tuple[Token, str]]:
    """Find columns of type timestamp."""
    for token, name, index in _columns_of_type(spot, "timestamp"):
        if spot.statement.words[index + 1 : index + 5].count("with") == 0:
            yield token, name


@on_statement(
    "char-padded",
    "warning",
    why="char(n) pads with blanks that count in some comparisons and not in others.",
    fix="Use text with a CHECK on its length.",
)
def char_padded(spot: Spot) -> Iterator[tuple[Token, str]]:
    """Find columns of type char(n)."""
    for token, name, index in _columns_of_type(spot, "char", "character", "bpchar"):
        if word(spot.statement, index + 1) != "varying":
            yield token, name


@on_statement(
    "varchar-limited",
    "advice",
    why="A limit in the type is hard to change later and no faster than text.",
    fix="Use text, with CHECK (length(x) <= n) if there is a limit.",
)
def varchar_limited(spot: Spot) -> Iterator[tuple[Token, str]]:
    """Find columns of type varchar(n)."""
    for token, name, index in _columns_of_type(spot, "varchar"):
        if word(spot.statement, index + 1) == "(":
            yield token, name


@on_statement(
    "money-type",
    "warning",
    why="money has no currency, and its decimals depend on a setting of the server.",
    fix="Use numeric and a column for the currency.",
)
def money_type(spot: Spot) -> Iterator[tuple[Token, str]]:
    """Find columns of type money."""
    yield from ((token, name) for token, name, _ in _columns_of_type(spot, "money"))


@on_statement(
    "serial-type",
    "advice",
    why="serial leaves a sequence with rights and ownership of its own.",
    fix="Use GENERATED ALWAYS AS IDENTITY, or uuid DEFAULT gen_random_uuid().",
)
def serial_type(spot: Spot) -> Iterator[tuple[Token, str]]:
    """Find columns of type serial."""
    yield from ((t, name) for t, name, _ in _columns_of_type(spot, "serial", "bigserial", "smallserial", "serial4"))


@on_statement(
    "json-type",
    "advice",
    why="json keeps the text: no equality, no index, parsed at every read.",
    fix="Use jsonb.",
)
def json_type(spot: Spot) -> Iterator[tuple[Token, str]]:
    """Find columns of type json."""
    yield from ((token, name) for token, name, _ in _columns_of_type(spot, "json"))


@on_statement(
    "float-amount",
    "warning",
    why="Amounts and measured values in floating point lose digits and compare wrongly at limits.",
    fix="Use numeric.",
)
def float_amount(spot: Spot) -> Iterator[tuple[Token, str]]:
    """Find amounts and measurements in floating point."""
    for token, name, _ in _columns_of_type(spot, *_FLOATS):
        if _AMOUNT.search(name):
            yield token, name


@on_statement(
    "table-without-key",
    "warning",
    why="Without a primary key rows can't be told apart, linked to or audited.",
    fix="Add id uuid PRIMARY KEY DEFAULT gen_random_uuid().",
)
def table_without_key(spot: Spot) -> Iterator[Token]:
    """Find CREATE TABLE without PRIMARY KEY."""
    statement = spot.statement
    if not _creates_table(statement) or statement.has("primary", "key"):
        return
    if not {"partition", "inherits", "like"} & set(statement.words) and "as" not in statement.words[:6]:
        yield statement.tokens[0]


def _creates_table(statement: Statement) -> bool:
    words = statement.words
    return words[0] == "create" and (words[1:2] == ("table",) or words[1:3] == ("unlogged", "table")) and "(" in words


@on_code(
    "foreign-key-without-index",
    "advice",
    why="Deleting or changing the row referred to, and joining to it, reads this whole table.",
    fix="CREATE INDEX ON table (column).",
)
def foreign_key_without_index(code: Code) -> Iterator[tuple[Token, str]]:
    """Find columns that refer to another table and lead no index in this text."""
    led = {lead for statement in code.statements for lead in _index_leads(statement)}
    for statement in filter(_creates_table, code.statements):
        words = statement.words
        table = words[words.index("(") - 1]
        start, depth = words.index("("), 0
        column = 0
        for index in range(start, closing(words, start)):
            depth += (words[index] == "(") - (words[index] == ")")
            if depth == 1 and words[index] in {"(", ","}:
                column = index + 1
            elif words[index] == "references" and depth == 1 and words[column] not in {"constraint", "foreign"}:
                own = {"primary", "unique"} & set(words[column:index])
                if not own and (table, words[column]) not in led:
                    yield statement.tokens[column], words[column]


def _index_leads(statement: Statement) -> Iterator[tuple[str, str]]:
    words = statement.words
    if words[0] == "create" and "index" in words[1:3] and "on" in words and "(" in words:
        bracket = words.index("(")
        table = [text for text in words[words.index("on") + 1 : bracket] if text != "only"]
        name = table[: table.index("using")][-1] if "using" in table else table[-1]
        yield name, words[bracket + 1]
    elif _creates_table(statement):
        table = words[words.index("(") - 1]
        for phrase in (("unique", "("), ("primary", "key", "(")):
            yield from ((table, words[index + len(phrase)]) for index in statement.find(*phrase))


@on_code(
    "create-not-repeatable",
    "advice",
    why="Run a second time, the script stops here.",
    fix="Add IF NOT EXISTS or OR REPLACE where the script has to be repeatable; a numbered migration need not be.",
)
def create_not_repeatable(code: Code) -> Iterator[tuple[Token, str]]:
    """Find the first CREATE that fails the second time."""
    for statement in code.statements:
        words = statement.words
        kinds = [text for text in words[1:4] if text in _CREATED]
        if words[0] == "create" and kinds and "replace" not in words[:3] and not statement.has("if", "not", "exists"):
            yield statement.tokens[0], f"CREATE {kinds[0].upper()}"
            return


@on_code(
    "drop-not-repeatable",
    "advice",
    why="If the object is not there, the script stops here.",
    fix="Write DROP ... IF EXISTS.",
)
def drop_not_repeatable(code: Code) -> Iterator[Token]:
    """Find the first DROP without IF EXISTS."""
    for statement in code.statements:
        dropping = (
            statement.words[0] == "drop" or statement.has("drop", "column") or statement.has("drop", "constraint")
        )
        if dropping and not statement.has("if", "exists"):
            yield statement.tokens[0]
            return


@on_statement(
    "drop-cascade",
    "warning",
    why="CASCADE drops whatever depends on the object, whoever made it.",
    fix="Drop the dependent objects by name.",
)
def drop_cascade(spot: Spot) -> Iterator[Token]:
    """Find DROP and TRUNCATE with CASCADE."""
    statement = spot.statement
    drops = statement.words[0] in {"drop", "truncate"} or (statement.words[0] == "alter" and "drop" in statement.words)
    if drops and statement.words[-1] == "cascade":
        yield statement.tokens[-1]


@on_code(
    "upper-case-name",
    "advice",
    why="A name with capitals has to be quoted in every statement from now on.",
    fix="Use lower_case_names.",
)
def upper_case_name(code: Code) -> Iterator[tuple[Token, str]]:
    """Find quoted names with capitals, each once."""
    seen: set[str] = set()
    for spot in code.spots:
        for token in spot.statement.tokens:
            if token.kind == "quoted" and token.name != token.name.lower() and token.name not in seen:
                seen.add(token.name)
                yield token, token.name
