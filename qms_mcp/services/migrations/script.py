"""A script as its statements, and a statement as its words.

The scanner knows strings, dollar quotes, comments and quoted names; the splitter adds bodies in BEGIN ATOMIC and
rules in brackets. If it cut in the wrong place, PostgreSQL would refuse the pieces: safety does not rest on it.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Literal, TypeAlias

from qms_mcp.db.guard.scan import Token, cut
from qms_mcp.errors import InvalidInputError

WordKind: TypeAlias = Literal["word", "quoted", "string", "escaped", "unicode", "param", "number", "symbol"]
_DOLLAR = re.compile(r"^\$[^$]*\$")
_NOISE = frozenset({"or", "replace", "unlogged", "temp", "temporary", "local", "global", "unique", "constraint",
                    "recursive"})  # fmt: skip


@dataclass(frozen=True, slots=True)
class Word:
    """One token as PostgreSQL reads it: words folded to lower case, quotes taken off.

    Attributes:
        kind: What it is; only `word` can be a keyword.
        text: Its value.
        line: Its line in the script, from 1.
    """

    kind: str
    text: str
    line: int

    @property
    def keyword(self) -> str:
        """The word if it can be a keyword or a symbol, else nothing."""
        return self.text if self.kind in {"word", "symbol"} else ""

    @property
    def is_name(self) -> bool:
        """Whether it can be an identifier."""
        return self.kind in {"word", "quoted"}


@dataclass(frozen=True)
class Statement:
    """One statement of a script.

    Attributes:
        number: Which one, from 1.
        text: As it was written, without what follows it.
        words: Its tokens.
    """

    number: int
    text: str
    words: tuple[Word, ...]

    @property
    def line(self) -> int:
        """The line it begins in."""
        return self.words[0].line

    @cached_property
    def head(self) -> str:
        """What kind of command it is: `create table`, `alter table`, `insert`..."""
        words = [word.keyword for word in self.words[:9]]
        first = words[0]
        if first not in {"create", "alter", "drop", "refresh"}:
            return first
        kinds = [word for word in words[1:] if word not in _NOISE]
        kind = kinds[0] if kinds else ""
        if kind in {"materialized", "event", "foreign", "text", "access", "default", "operator"} and len(kinds) > 1:
            kind = f"{kind} {kinds[1]}"
        return f"{first} {kind}"

    def has(self, *keywords: str) -> bool:
        """Say whether these keywords stand in it, one after the other."""
        return self.find(*keywords) is not None

    def find(self, *keywords: str, start: int = 0) -> int | None:
        """Return where these keywords stand one after the other, or None."""
        wanted = list(keywords)
        for index in range(start, len(self.words) - len(wanted) + 1):
            if [word.keyword for word in self.words[index : index + len(wanted)]] == wanted:
                return index
        return None

    def every(self, *keywords: str) -> Iterator[int]:
        """Yield every place where these keywords stand one after the other."""
        at = self.find(*keywords)
        while at is not None:
            yield at
            at = self.find(*keywords, start=at + 1)

    def name_at(self, index: int) -> tuple[str, int]:
        """Return the qualified name that begins at `index`, as `schema.name`, and the place after it.

        A name without a schema is in `public`, the first schema of the path scripts run under.
        """
        parts: list[str] = []
        while index < len(self.words) and self.words[index].is_name:
            parts.append(self.words[index].text)
            index += 1
            if index < len(self.words) and self.words[index].keyword == ".":
                index += 1
                continue
            break
        return (".".join(parts) if len(parts) > 1 else f"public.{parts[0]}" if parts else ""), index

    @cached_property
    def target(self) -> str:
        """The relation a CREATE, ALTER, DROP, INSERT, UPDATE, DELETE, MERGE or TRUNCATE is about."""
        if self.head in {"create index", "create trigger", "create policy", "alter policy", "drop policy",
                         "drop trigger", "alter trigger", "comment", "grant", "revoke"}:  # fmt: skip
            at = self.find("on")
            return self.name_at(_past(self, (at or 0) + 1, {"only", "table", "column", "view", "all", "tables"}))[0]
        kind = self.head.split()[-1]
        at = self.find(kind)
        noise = {"if", "not", "exists", "only", "into", "from", "view", "concurrently", "table"}
        return self.name_at(_past(self, (at or 0) + 1, noise))[0]

    @cached_property
    def bodies(self) -> tuple["Statement", ...]:
        """The bodies of functions in it, as statements of their own."""
        if self.head not in {"create function", "create procedure", "do"}:
            return ()
        return tuple(
            Statement(self.number, word.text, tuple(_words(word.text, cut(word.text), word.line)))
            for word in self.words
            if word.kind == "string" and word.text.strip()
        )


def _past(statement: Statement, index: int, noise: set[str]) -> int:
    while index < len(statement.words) and statement.words[index].keyword in noise:
        index += 1
    return index


def read_script(script: str) -> tuple[Statement, ...]:
    """Cut a script into its statements.

    Raises:
        InvalidInputError: It is empty or unfinished.
        LimitExceededError: It is too long.
    """
    tokens = cut(script)
    words = list(_words(script, tokens, 1))
    statements: list[Statement] = []
    for first, last in _spans(words):
        text = script[tokens[first].start : tokens[last].end]
        statements.append(Statement(len(statements) + 1, text, tuple(words[first : last + 1])))
    if not statements:
        raise InvalidInputError("The script is empty.", hint="Send the statements of the migration.")
    return tuple(statements)


def _words(text: str, tokens: list[Token], first_line: int) -> Iterator[Word]:
    line, reached = first_line, 0
    for token in tokens:
        line += text.count("\n", reached, token.start)
        reached = token.start
        yield Word(token.kind, _value(token.kind, text[token.start : token.end]), line)


def _value(kind: str, piece: str) -> str:
    if kind == "word":
        return piece.lower()
    if kind == "quoted":
        return piece[1:-1].replace('""', '"')
    if kind == "string":
        if tag := _DOLLAR.match(piece):
            return piece[tag.end() : -tag.end()]
        return piece[piece.index("'") + 1 : -1].replace("''", "'")
    return piece


def _spans(words: list[Word]) -> Iterator[tuple[int, int]]:
    first, depth, atomic = 0, 0, 0
    for index, word in enumerate(words):
        sign = word.keyword
        depth += (sign in {"(", "["}) - (sign in {")", "]"})
        following = words[index + 1].keyword if index + 1 < len(words) else ""
        if (sign == "begin" and following == "atomic") or (atomic and sign == "case"):
            atomic += 1
        elif atomic and sign == "end":
            atomic -= 1
        if sign == ";" and depth <= 0 and not atomic:
            if index > first:
                yield first, index - 1
            first, depth = index + 1, 0
    if first < len(words):
        yield first, len(words) - 1
