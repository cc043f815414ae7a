"""The lexer: a text becomes tokens, each knowing its line."""

import re
from bisect import bisect_right
from dataclasses import dataclass
from typing import Literal, TypeAlias

from qms_mcp.errors import InvalidInputError, LimitExceededError

MAX_CHARACTERS = 400_000

Kind: TypeAlias = Literal["word", "quoted", "string", "dollar", "number", "param", "operator", "comment"]

_LETTER = "A-Za-z_\x80-\U0010ffff"
_TOKEN = re.compile(
    rf"""
      (?P<space>    \s++ )
    | (?P<comment>  --[^\n]*+ )
    | (?P<block>    /\* )
    | (?P<escaped>  [eE]'(?:[^'\\]++|''|\\.)*+' )
    | (?P<string>   (?:[bBxXnN]|[uU]&)?'(?:[^']++|'')*+' )
    | (?P<quoted>   (?:[uU]&)?"(?:[^"]++|"")*+" )
    | (?P<dollar>   \$(?:[{_LETTER}][{_LETTER}0-9]*+)?\$ )
    | (?P<param>    \$\d++ )
    | (?P<word>     [{_LETTER}][{_LETTER}0-9$]*+ )
    | (?P<number>   (?:\d++(?:\.(?!\.)\d*+)?|\.\d++)(?:[eE][+-]?\d++)? )
    | (?P<open>     ['"] )
    | (?P<operator> ::|:=|=>|\.\.|\|\||<=|>=|<>|!=|!~~?\*?|->>?|\#>>?|@>|<@|~~?\*?|&&|. )
    """,
    re.VERBOSE | re.DOTALL,
)
_COMMENT_EDGE = re.compile(r"/\*|\*/")


@dataclass(frozen=True, slots=True)
class Token:
    """One token.

    Attributes:
        kind: What it is; the body of a function is one `dollar` token.
        text: As it stands in the text.
        start: Where it begins in the text.
        line: The line it begins in, counted from one.
    """

    kind: Kind
    text: str
    start: int
    line: int

    @property
    def end(self) -> int:
        """Return where the token ends."""
        return self.start + len(self.text)

    @property
    def word(self) -> str:
        """Return a bare word in lower case, anything else as it stands."""
        return self.text.lower() if self.kind == "word" else self.text

    @property
    def name(self) -> str:
        """Return the identifier as PostgreSQL folds it; empty when it is none."""
        if self.kind == "word":
            return self.text.lower()
        return self.text[1:-1].replace('""', '"') if self.kind == "quoted" and self.text[0] == '"' else ""

    @property
    def content(self) -> str:
        """Return what stands between the quotes of a string or a dollar quote."""
        if self.kind == "dollar":
            tag = self.text.index("$", 1) + 1
            return self.text[tag:-tag]
        if self.kind == "string":
            return self.text[self.text.index("'") + 1 : -1].replace("''", "'")
        return self.text


def tokenize(text: str, *, first_line: int = 1) -> list[Token]:
    """Cut a text into tokens, comments included.

    Args:
        text: Any number of statements.
        first_line: The line the text begins in, for a part of a larger one.

    Raises:
        InvalidInputError: A quote or a comment is never closed.
        LimitExceededError: The text is too long.
    """
    if len(text) > MAX_CHARACTERS:
        raise LimitExceededError(
            f"The text has {len(text):,} characters; at most {MAX_CHARACTERS:,} are read.", hint="Send it in parts."
        )
    breaks = [position for position, character in enumerate(text) if character == "\n"]
    tokens: list[Token] = []
    position = 0
    while match := _TOKEN.match(text, position):
        start, position = match.span()
        group = match.lastgroup or "operator"
        line = first_line + bisect_right(breaks, start - 1)
        if group == "space":
            continue
        if group == "open":
            raise _unclosed("quote", line)
        if group == "block":
            position = _end_of_comment(text, start, line)
        elif group == "dollar":
            position = _end_of_dollar_quote(text, match.group(), position, line)
        tokens.append(Token(_KINDS[group], text[start:position], start, line))
    return tokens


_KINDS: dict[str, Kind] = {
    "comment": "comment",
    "block": "comment",
    "escaped": "string",
    "string": "string",
    "quoted": "quoted",
    "dollar": "dollar",
    "param": "param",
    "word": "word",
    "number": "number",
    "operator": "operator",
}


def _unclosed(what: str, line: int) -> InvalidInputError:
    return InvalidInputError(f"A {what} that opens in line {line} is never closed.", hint=f"Close the {what}.")


def _end_of_comment(text: str, start: int, line: int) -> int:
    depth = 0
    for edge in _COMMENT_EDGE.finditer(text, start):
        depth += 1 if edge.group() == "/*" else -1
        if depth == 0:
            return edge.end()
    raise _unclosed("comment", line)


def _end_of_dollar_quote(text: str, tag: str, start: int, line: int) -> int:
    end = text.find(tag, start)
    if end < 0:
        raise _unclosed(f"dollar quote {tag}", line)
    return end + len(tag)
