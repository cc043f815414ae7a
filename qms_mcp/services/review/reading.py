"""What several rules need to find in a statement: brackets, SELECTs with their clauses, and the tables they name."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from qms_mcp.sqltext import Statement, Token

COMPARISONS = frozenset({"=", "<>", "!=", "<", ">", "<=", ">="})
DATE = re.compile(r"^\s*(\d{4}-\d{1,2}-\d{1,2}|\d{1,2}[./-]\d{1,2}[./-]\d{2,4})(?:[ T]\d|\s*$)")
UUID = re.compile(r"^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$", re.IGNORECASE)

_CLAUSES = frozenset({"from", "where", "group", "having", "order", "limit", "offset", "window", "for", "fetch",
                      "returning"})  # fmt: skip
_SET_OPERATIONS = frozenset({"union", "intersect", "except"})
_FROM_TAKERS = frozenset({"extract", "substring", "trim", "overlay", "position"})
_NOT_NAMES = frozenset({
    "select", "lateral", "only", "values", "unnest", "rows", "table", "as", "where", "set", "if", "exists", "not",
})  # fmt: skip


def closing(words: tuple[str, ...], opening: int) -> int:
    """Return the index of the bracket that closes the one at `opening`, or the last index."""
    depth = 0
    for index in range(opening, len(words)):
        depth += (words[index] == "(") - (words[index] == ")")
        if depth == 0:
            return index
    return len(words) - 1


def opening(words: tuple[str, ...], inside: int) -> int:
    """Return the index of the bracket that opens around `inside`, or -1 at the top."""
    depth = 0
    for index in range(inside - 1, -1, -1):
        depth += (words[index] == ")") - (words[index] == "(")
        if depth < 0:
            return index
    return -1


def word(statement: Statement, index: int) -> str:
    """Return the word at `index`, or nothing outside of the statement."""
    return statement.words[index] if 0 <= index < len(statement.words) else ""


@dataclass(frozen=True, slots=True)
class Select:
    """A SELECT in a statement.

    Attributes:
        start: The index of its SELECT.
        end: The index after its last token.
        clauses: Where its clauses begin, by their first word.
        compound: It is joined to another one by UNION, INTERSECT or EXCEPT.
    """

    start: int
    end: int
    clauses: dict[str, int] = field(default_factory=dict[str, int])
    compound: bool = False

    def clause(self, name: str) -> range:
        """Return the indexes of a clause, empty when there is none."""
        if name not in self.clauses:
            return range(0)
        first = self.clauses[name]
        later = [place for place in self.clauses.values() if place > first]
        return range(first, min([*later, self.end]))

    @property
    def output(self) -> range:
        """Return the indexes of what it selects."""
        return range(self.start + 1, min([*self.clauses.values(), self.end]))


def selects(statement: Statement) -> list[Select]:
    """Return every SELECT of a statement, with its clauses."""
    words = statement.words
    return [_select(words, index) for index, text in enumerate(words) if text == "select" and _is_keyword(words, index)]


def _is_keyword(words: tuple[str, ...], index: int) -> bool:
    before = words[index - 1] if index else ""
    return before not in {"grant", "for", "revoke", "."} and not (index and words[0] in {"grant", "revoke"})


def _select(words: tuple[str, ...], start: int) -> Select:
    clauses: dict[str, int] = {}
    before = words[start - 1] if start else ""
    compound = before in _SET_OPERATIONS or before in {"all", "distinct"}
    depth = 0
    for index in range(start + 1, len(words)):
        text = words[index]
        if text in {"(", "["}:
            depth += 1
        elif text in {")", "]"}:
            depth -= 1
            if depth < 0:
                return Select(start, index, clauses, compound)
        elif depth == 0 and text in _SET_OPERATIONS:
            return Select(start, index, clauses, compound=True)
        elif depth == 0 and text in _CLAUSES and not _is_comparison(words, index):
            clauses.setdefault(text, index)
    return Select(start, len(words), clauses, compound)


def _is_comparison(words: tuple[str, ...], index: int) -> bool:
    """Say whether a FROM belongs to IS DISTINCT FROM, and an ORDER or GROUP to WITHIN GROUP."""
    return words[index - 1] in {"distinct", "within", "."} and (
        words[index] != "from" or words[index - 2] in {"is", "not"}
    )


def from_items(statement: Statement, select: Select) -> Iterator[tuple[int, bool]]:
    """Yield where each item of a FROM list begins, and whether a comma stands before it."""
    depth = 0
    span = select.clause("from")
    for index in span:
        text = statement.words[index]
        depth += (text in "([") - (text in ")]")
        if index == span.start or (depth == 0 and text in {",", "join"}):
            yield index + 1, text == ","


def tables(statement: Statement) -> Iterator[tuple[int, str]]:
    """Yield the index and the qualified name of every table a statement names; functions are none."""
    words = statement.words
    for index, text in enumerate(words):
        if not _introduces(words, index, text):
            continue
        place = index + 1
        while place < len(words) and words[place] in {"only", "if", "exists", "lateral"}:
            place += 1
        yield from _name(statement, place)
        if text == "from":
            for item, comma in _comma_items(words, place):
                if comma:
                    yield from _name(statement, item)


def _introduces(words: tuple[str, ...], index: int, text: str) -> bool:
    before = words[index - 1] if index else ""
    if text == "from":
        around = opening(words, index)
        takes = around > 0 and words[around - 1] in _FROM_TAKERS
        return not takes and not _is_comparison(words, index)
    if text == "into":
        return before in {"insert", "merge"}
    return text == "join" or (text == "update" and (index == 0 or before == "("))


def _comma_items(words: tuple[str, ...], start: int) -> Iterator[tuple[int, bool]]:
    depth = 0
    for index in range(start, len(words)):
        text = words[index]
        depth += (text in "([") - (text in ")]")
        if depth < 0 or (depth == 0 and (text in _CLAUSES or text in _SET_OPERATIONS or text in {"set", "returning"})):
            return
        if depth == 0 and text == ",":
            yield index + 1, True


def _name(statement: Statement, index: int) -> Iterator[tuple[int, str]]:
    parts: list[str] = []
    place = index
    while place < len(statement.tokens) and (name := statement.tokens[place].name):
        parts.append(name)
        if word(statement, place + 1) != ".":
            break
        place += 2
    calls = word(statement, place + 1) == "(" and word(statement, index - 1) != "into"
    if parts and not calls and (parts[0] not in _NOT_NAMES or len(parts) > 1):
        yield index, ".".join(parts)


def common_tables(statement: Statement) -> frozenset[str]:
    """Return the names WITH gives to queries."""
    words = statement.words
    return frozenset(
        statement.tokens[index - 1].name
        if words[index - 1] != ")"
        else statement.tokens[opening(words, index - 1) - 1].name
        for index in range(1, len(words))
        if words[index] == "as" and _opens_query(words, index) and "with" in words[:index]
    )


def _opens_query(words: tuple[str, ...], index: int) -> bool:
    place = index + 1
    while place < len(words) and words[place] in {"not", "materialized"}:
        place += 1
    return place < len(words) and words[place] == "("


def is_string(token: Token) -> bool:
    """Say whether a token is a quoted value."""
    return token.kind == "string"
