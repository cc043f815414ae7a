"""A script becomes statements: cut at semicolons, but not inside a `BEGIN ATOMIC` body."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from qms_mcp.sqltext.lexer import Token, tokenize


@dataclass(frozen=True)
class Statement:
    """One statement, without the semicolon that ends it.

    Attributes:
        text: From its first token to its last.
        tokens: Its tokens without comments; never empty.
        comments: The comments in it and, after the statement before, in front of it.
        start: Where it begins in the script.
        line: The line it begins in.
    """

    text: str
    tokens: tuple[Token, ...]
    comments: tuple[Token, ...]
    start: int
    line: int

    @cached_property
    def words(self) -> tuple[str, ...]:
        """Return its tokens as text, bare words in lower case."""
        return tuple(token.word for token in self.tokens)

    def find(self, *phrase: str) -> Iterator[int]:
        """Yield every index at which these words stand in a row; bare words only match bare words."""
        words, size = self.words, len(phrase)
        for index in range(len(words) - size + 1):
            if words[index : index + size] == phrase:
                yield index

    def has(self, *phrase: str) -> bool:
        """Say whether these words stand in it in a row."""
        return next(self.find(*phrase), None) is not None

    def starts(self, *phrase: str) -> bool:
        """Say whether it begins with these words."""
        return self.words[: len(phrase)] == phrase


def split_statements(text: str, *, first_line: int = 1) -> list[Statement]:
    """Return the statements of a script in their order; empty ones are left out.

    Raises:
        InvalidInputError: A quote or a comment is never closed.
        LimitExceededError: The text is too long.
    """
    statements: list[Statement] = []
    tokens: list[Token] = []
    comments: list[Token] = []
    blocks = 0
    for token in tokenize(text, first_line=first_line):
        if token.kind == "comment":
            comments.append(token)
            continue
        if token.text == ";" and blocks == 0:
            if tokens:
                statements.append(statement_of(text, tokens, comments))
            tokens, comments = [], []
            continue
        blocks = _blocks_after(blocks, tokens, token)
        tokens.append(token)
    if tokens:
        statements.append(statement_of(text, tokens, comments))
    return statements


def statement_of(text: str, tokens: list[Token], comments: list[Token]) -> Statement:
    """Return the statement that these tokens of `text` make."""
    first, last = tokens[0], tokens[-1]
    return Statement(text[first.start : last.end], tuple(tokens), tuple(comments), first.start, first.line)


def _blocks_after(blocks: int, before: list[Token], token: Token) -> int:
    """Count the open blocks of an SQL-standard function body."""
    word = token.word
    if blocks == 0:
        return int(word == "atomic" and bool(before) and before[-1].word == "begin")
    if word == "case":
        return blocks + 1
    return blocks - 1 if word == "end" else blocks
