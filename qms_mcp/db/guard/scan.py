"""A linear scan of a statement, made before PostgreSQL sees it.

It knows just enough of the lexical rules (strings and their prefixes, dollar quotes, nested comments, quoted
identifiers) to count tokens, depth and statements. It decides nothing about meaning: whatever gets past it is
analysed by PostgreSQL, so a disagreement between the two can cost a clear message and never safety.
"""

import re
from dataclasses import dataclass
from typing import NamedTuple

from qms_mcp.errors import InvalidInputError, LimitExceededError, RefusedStatementError

MAX_BYTES = 64 * 1024
MAX_TOKENS = 16_000
MAX_DEPTH = 150

_CONTINUED = r"(?:(?:[ \t\f\v]|--[^\n\r]*+)*+[\n\r](?:[ \t\n\r\f\v]|--[^\n\r]*+)*+'(?:[^'\\]++|''|\\.)*+')*+"
_LETTER = "A-Za-z_\x80-\U0010ffff"
_TOKEN = re.compile(
    rf"""
      (?P<space>   [ \t\n\r\f\v]++ | --[^\n\r]*+ )
    | (?P<comment> /\* )
    | (?P<escaped> [eE]'(?:[^'\\]++|''|\\.)*+'{_CONTINUED} | [uU]&'(?:[^']++|'')*+' )
    | (?P<string>  [bBxXnN]?'(?:[^']++|'')*+' )
    | (?P<unicode> [uU]&"(?:[^"]++|"")*+" )
    | (?P<quoted>  "(?:[^"]++|"")*+" )
    | (?P<dollar>  \$(?:[{_LETTER}][{_LETTER}0-9]*+)?\$ )
    | (?P<open>    [eE]?'|["] )
    | (?P<param>   \$\d++ )
    | (?P<word>    [{_LETTER}][{_LETTER}0-9$]*+ )
    | (?P<number>  \d++(?:\.\d++)?(?:[eE][+-]?\d++)? )
    | (?P<symbol>  . )
    """,
    re.VERBOSE | re.DOTALL,
)
_COMMENT_EDGE = re.compile(r"/\*|\*/")
_CONTAINER = re.compile(r"""(?:[bBxXnN]?'|\$\w*\$)\s*[\[({"]""")


class Token(NamedTuple):
    """One token, by its place in the text; comments and white space are no tokens."""

    kind: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Scan:
    """A statement, cut into tokens."""

    text: str
    tokens: tuple[Token, ...]

    def word(self, index: int) -> str:
        """Return the token at `index` in lower case, or an empty string after the end."""
        if index >= len(self.tokens):
            return ""
        token = self.tokens[index]
        return self.text[token.start : token.end].lower()

    def from_token(self, index: int) -> str:
        """Return the text from the token at `index` to the end of the last token."""
        return self.text[self.tokens[index].start : self.tokens[-1].end]

    def names(self) -> frozenset[str]:
        """Return every identifier in the text, as PostgreSQL folds it."""
        found: set[str] = set()
        for token in self.tokens:
            piece = self.text[token.start : token.end]
            if token.kind == "word":
                found.add(piece.lower())
            elif token.kind == "quoted":
                found.add(piece[1:-1].replace('""', '"'))
        return frozenset(found)

    def has_container_literal(self) -> bool:
        """Say whether a literal may be read as an array, a composite or a range, or hides what it is."""
        return any(
            token.kind in {"escaped", "unicode"}
            or (token.kind == "string" and _CONTAINER.match(self.text, token.start, token.end) is not None)
            for token in self.tokens
        )


def scan(statement: str) -> Scan:
    """Cut `statement` into tokens and drop the semicolons after it.

    Raises:
        InvalidInputError: It is empty, unfinished, or no valid text.
        LimitExceededError: It is too long or too deeply nested.
        RefusedStatementError: It is more than one statement.
    """
    _check_text(statement)
    tokens = _cut(statement)
    _check_depth(statement, tokens)
    while tokens and statement[tokens[-1].start] == ";":
        tokens.pop()
    if not tokens:
        raise InvalidInputError("The statement is empty.", hint="Send one SELECT statement.")
    if any(token.kind == "symbol" and statement[token.start] == ";" for token in tokens):
        raise RefusedStatementError(
            "This is more than one statement.",
            hint="Send one statement at a time; combine queries with WITH or UNION ALL.",
        )
    return Scan(statement, tuple(tokens))


def cut(script: str) -> list[Token]:
    """Cut a script of any number of statements into tokens, within the same limits.

    Raises:
        InvalidInputError: It is unfinished or no valid text.
        LimitExceededError: It is too long.
    """
    _check_text(script)
    return _cut(script)


def _check_text(statement: str) -> None:
    try:
        size = len(statement.encode())
    except UnicodeEncodeError as broken:
        raise InvalidInputError(
            "The statement holds half of a surrogate pair, which is no character.",
            hint="Send valid Unicode text.",
        ) from broken
    if "\0" in statement:
        raise InvalidInputError("The statement holds a NUL character.", hint="Remove it.")
    if size > MAX_BYTES:
        raise LimitExceededError(
            f"The statement has {size:,} bytes; at most {MAX_BYTES:,} are accepted.",
            hint="Pass long lists as one array parameter: WHERE id = ANY($1).",
        )


def _cut(text: str) -> list[Token]:
    tokens: list[Token] = []
    position = 0
    while match := _TOKEN.match(text, position):
        start, position = match.span()
        kind = match.lastgroup
        if kind == "space":
            continue
        if kind == "comment":
            position = _end_of_comment(text, start)
            continue
        if kind == "dollar":
            kind, position = "string", _end_of_dollar_quote(text, match.group(), position)
        if kind is None or kind == "open":
            raise InvalidInputError(
                f"A quote that opens {_place(text, start)} is never closed.", hint="Close the quote."
            )
        tokens.append(Token(kind, start, position))
        if len(tokens) > MAX_TOKENS:
            raise LimitExceededError(
                f"The statement has more than {MAX_TOKENS:,} tokens.",
                hint="Pass long lists as one array parameter: WHERE id = ANY($1).",
            )
    return tokens


def _end_of_comment(text: str, start: int) -> int:
    depth = 0
    for edge in _COMMENT_EDGE.finditer(text, start):
        depth += 1 if edge.group() == "/*" else -1
        if depth == 0:
            return edge.end()
    raise InvalidInputError(
        f"A comment that opens {_place(text, start)} is never closed.",
        hint="Close it with */; comments nest.",
    )


def _end_of_dollar_quote(text: str, tag: str, start: int) -> int:
    end = text.find(tag, start)
    if end < 0:
        raise InvalidInputError(
            f"The dollar quote {tag} that opens {_place(text, start - len(tag))} is never closed.",
            hint=f"Close it with {tag}.",
        )
    return end + len(tag)


def _check_depth(text: str, tokens: list[Token]) -> None:
    depth = 0
    for token in tokens:
        if token.kind != "symbol":
            continue
        sign = text[token.start]
        if sign in "([":
            depth += 1
        elif sign in ")]":
            depth -= 1
        if depth > MAX_DEPTH:
            raise LimitExceededError(
                f"The statement nests more than {MAX_DEPTH} brackets deep.",
                hint="Name the parts in a WITH clause instead of nesting them.",
            )


def _place(text: str, index: int) -> str:
    line = text.count("\n", 0, index) + 1
    return f"in line {line}, column {index - text.rfind(chr(10), 0, index)},"
