"""A PL/pgSQL body becomes pieces: its statements and the heads of its blocks, with where each stands.

`IF a THEN b; END IF;` is three pieces: `if a`, `b` and `end if`. Keywords that only open something (`THEN`, `LOOP`,
`ELSE`, `BEGIN`, `DECLARE`) belong to no piece.
"""

from dataclasses import dataclass, field
from functools import cached_property

from qms_mcp.sqltext.lexer import Token, tokenize
from qms_mcp.sqltext.statements import Statement, statement_of

_OPENERS = frozenset({"then", "loop", "else", "begin", "declare"})


@dataclass(frozen=True)
class Piece:
    """One statement or block head of a body.

    Attributes:
        statement: Its text and tokens.
        declares: It stands in a DECLARE section.
        loops: How many loops are around it.
        handler: The number of the exception handler it belongs to, the handler's own `when ...` included.
    """

    statement: Statement
    declares: bool
    loops: int
    handler: int | None

    @cached_property
    def embedded(self) -> Statement | None:
        """Return the SQL in it: the statement itself, or the query of a FOR loop, RETURN QUERY or an expression."""
        statement, words = self.statement, self.statement.words
        if self.declares or words[0] in {"raise", "get", "close", "exit", "continue", "null", "end"}:
            return None
        if words[0] == "for" and "in" in words:
            return _from(statement, words.index("in") + 1)
        if words[:2] == ("return", "query"):
            return _from(statement, 2)
        return statement


def _from(statement: Statement, index: int) -> Statement | None:
    tokens = list(statement.tokens[index:])
    if not tokens:
        return None
    offset = tokens[0].start - statement.start
    return Statement(statement.text[offset:], tuple(tokens), (), tokens[0].start, tokens[0].line)


@dataclass
class _Block:
    kind: str
    handles: bool = False


@dataclass
class _Cutter:
    text: str
    pieces: list[Piece] = field(default_factory=list[Piece])
    current: list[Token] = field(default_factory=list[Token])
    blocks: list[_Block] = field(default_factory=list[_Block])
    declares: bool = False
    brackets: int = 0
    cases: int = 0
    handlers: int = 0

    def take(self, token: Token) -> None:
        word = token.word
        if word in {"(", "["}:
            self.brackets += 1
        elif word in {")", "]"}:
            self.brackets -= 1
        elif self.brackets == 0 and self._bounds(token):
            return
        self.current.append(token)

    def _bounds(self, token: Token) -> bool:
        """Say whether a token ends the piece before it, and belongs to none itself."""
        word = token.word
        if word == ";":
            self.flush()
            return True
        if word == "case" and self.current:
            self.cases += 1
        elif word == "end" and self.cases:
            self.cases -= 1
        elif word in _OPENERS and not self.cases and not self._is_ending():
            self.flush()
            self._open(word)
            return True
        return False

    def _is_ending(self) -> bool:
        return bool(self.current) and self.current[0].word == "end"

    def _open(self, word: str) -> None:
        self.declares = word == "declare"
        if word in {"loop", "begin"}:
            self.blocks.append(_Block(word))

    def flush(self) -> None:
        if not self.current:
            return
        tokens, self.current = self.current, []
        self.cases = 0
        first = tokens[0].word
        inner = self.blocks[-1] if self.blocks else None
        if first == "exception" and inner is not None and not self.declares:
            inner.handles = True
        if inner is not None and inner.handles and first in {"when", "exception"}:
            self.handlers += 1
        self.pieces.append(
            Piece(
                statement_of(self.text, tokens, []),
                self.declares,
                sum(block.kind == "loop" for block in self.blocks),
                self.handlers if any(block.handles for block in self.blocks) else None,
            )
        )
        if first in {"if", "case"}:
            self.blocks.append(_Block(first))
        elif first == "end" and self.blocks:
            self.blocks.pop()


def split_body(body: str, *, first_line: int = 1) -> list[Piece]:
    """Return the pieces of a PL/pgSQL body in their order.

    Raises:
        InvalidInputError: A quote or a comment is never closed.
    """
    cutter = _Cutter(body)
    for token in tokenize(body, first_line=first_line):
        if token.kind != "comment":
            cutter.take(token)
    cutter.flush()
    return cutter.pieces
