"""Functions, procedures and DO blocks: what their head says and what their body holds."""

from dataclasses import dataclass
from functools import cached_property
from typing import Literal, TypeAlias

from qms_mcp.sqltext.lexer import Token
from qms_mcp.sqltext.plpgsql import Piece, split_body
from qms_mcp.sqltext.statements import Statement, split_statements

RoutineKind: TypeAlias = Literal["function", "procedure", "do"]
_MODES = frozenset({"in", "out", "inout", "variadic"})


@dataclass(frozen=True)
class Routine:
    """A CREATE FUNCTION, CREATE PROCEDURE or DO.

    Attributes:
        statement: All of it.
        kind: Which of the three.
        name: Its name, qualified as written; empty for DO.
        parameters: The names of its parameters that bring a value in, with the token that names each.
        returns: The words after RETURNS, up to the next clause.
        head: The words outside parameters and body.
        body: The quoted body, when there is one.
    """

    statement: Statement
    kind: RoutineKind
    name: str
    parameters: tuple[Token, ...]
    returns: str
    head: tuple[str, ...]
    body: Token | None

    @cached_property
    def language(self) -> str:
        """Return the language; PL/pgSQL for DO when none is named."""
        if "language" in self.head[:-1]:
            return self.head[self.head.index("language") + 1].strip("'").lower()
        return "plpgsql" if self.kind == "do" else "sql"

    @property
    def is_trigger(self) -> bool:
        """Say whether it is a trigger function."""
        return self.returns in {"trigger", "event_trigger"}

    @property
    def definer(self) -> bool:
        """Say whether it runs with the rights of its owner."""
        return ("security", "definer") in zip(self.head, self.head[1:], strict=False)

    @property
    def sets_search_path(self) -> bool:
        """Say whether it fixes its search path."""
        return ("set", "search_path") in zip(self.head, self.head[1:], strict=False)

    @cached_property
    def pieces(self) -> tuple[Piece, ...]:
        """Return the pieces of a PL/pgSQL body."""
        if self.body is None or self.language != "plpgsql":
            return ()
        return tuple(split_body(self.body.content, first_line=self.body.line))

    @cached_property
    def statements(self) -> tuple[Statement, ...]:
        """Return the SQL in the body."""
        if self.body is None:
            return ()
        if self.language == "plpgsql":
            return tuple(piece.embedded for piece in self.pieces if piece.embedded is not None)
        if self.language == "sql":
            return tuple(split_statements(self.body.content, first_line=self.body.line))
        return ()


def read_routine(statement: Statement) -> Routine | None:
    """Return the routine a statement creates or runs, or None when it is another kind of statement."""
    words = statement.words
    if words[0] == "do":
        body = next((token for token in statement.tokens if token.kind in {"dollar", "string"}), None)
        return Routine(statement, "do", "", (), "", words, body)
    place = 3 if words[1:3] == ("or", "replace") else 1
    kind = words[place] if len(words) > place else ""
    if words[0] != "create" or kind not in {"function", "procedure"}:
        return None
    opening = words.index("(") if "(" in words else len(words) - 1
    closing = _closing(words, opening)
    name = "".join(words[place + 1 : opening])
    rest = statement.tokens[closing + 1 :]
    body = next((t for t, before in zip(rest[1:], rest, strict=False) if before.word == "as" and _quotes(t)), None)
    head = tuple(token.word for token in rest if token is not body)
    parameters = _parameters(statement.tokens[opening + 1 : closing])
    return Routine(
        statement, "function" if kind == "function" else "procedure", name, parameters, _returns(head), head, body
    )


def _quotes(token: Token) -> bool:
    return token.kind in {"dollar", "string"}


def _closing(words: tuple[str, ...], opening: int) -> int:
    depth = 0
    for index in range(opening, len(words)):
        depth += (words[index] == "(") - (words[index] == ")")
        if depth == 0:
            return index
    return len(words) - 1


def _returns(head: tuple[str, ...]) -> str:
    if "returns" not in head:
        return ""
    after = head[head.index("returns") + 1 :]
    return after[0] if after else ""


def _parameters(tokens: tuple[Token, ...]) -> tuple[Token, ...]:
    """Return the tokens that name a parameter: the first of two or more words, after its mode."""
    found: list[Token] = []
    part: list[Token] = []
    depth = 0
    for token in tokens:
        depth += (token.text in "([") - (token.text in ")]")
        if token.text == "," and depth == 0:
            found += _named(part)
            part = []
        else:
            part.append(token)
    return tuple(found + _named(part))


def _named(part: list[Token]) -> list[Token]:
    names = [token for token in part if token.kind in {"word", "quoted"}]
    mode = names[0].word if names else ""
    if mode in _MODES:
        names = names[1:]
    follows = len(names) > 1 and part.index(names[1]) == part.index(names[0]) + 1
    return names[:1] if follows and mode != "out" and names[0].name not in {"double", "character", "timestamp"} else []
