"""A parser for the text form of PostgreSQL's analysed trees (`pg_node_tree`).

The grammar: a node is `{TAG :field value ...}`, a list is `(value ...)`, `<>` is null, and everything else is
one word in which a backslash makes the next character ordinary. A field takes exactly one value, and only
`constvalue` is longer: `4 [ 1 0 0 0 ]`. Reading by position is what makes it safe: an alias that is named
`:funcid` is a value here and never a field. The parser keeps its own stack, so depth costs no recursion.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TypeAlias

_TOKEN = re.compile(r"[(){}]|(?:[^\\ \n\t(){}]|\\.)+", re.DOTALL)
_ESCAPE = re.compile(r"\\(.)", re.DOTALL)

Value: TypeAlias = "Node | list[Value] | str | bytes | None"


@dataclass(slots=True, eq=False)
class Node:
    """A node of the tree: its tag and its fields by name."""

    tag: str
    fields: dict[str, Value] = field(default_factory=dict[str, "Value"])

    def number(self, name: str) -> int:
        """Return the field `name` as an integer; 0 if it is missing or null."""
        value = self.fields.get(name)
        return int(value) if isinstance(value, str) else 0

    def numbers(self, name: str) -> list[int]:
        """Return the field `name`, a list of integers or OIDs, without its type mark."""
        value = self.fields.get(name)
        return [int(item) for item in value[1:] if isinstance(item, str)] if isinstance(value, list) else []

    def items(self, name: str) -> list[Value]:
        """Return the field `name` as a list; empty if it is null."""
        value = self.fields.get(name)
        return value if isinstance(value, list) else []


class TreeError(ValueError):
    """The text is no tree in the form this parser knows."""


def parse_tree(text: str) -> Value:
    """Return the value that `text` describes.

    Raises:
        TreeError: The text does not have the known form.
    """
    tokens: Iterator[str] = iter(_TOKEN.findall(text))
    try:
        return _build(tokens)
    except StopIteration as end:
        raise TreeError("the tree ends too early") from end


def _build(tokens: Iterator[str]) -> Value:
    root: list[Value] = []
    stack: list[tuple[Node | list[Value], str | None]] = []
    current: Node | list[Value] = root
    name: str | None = None
    for token in tokens:
        value: Value
        if token == "{":  # noqa: S105 - a bracket of the tree
            stack.append((current, name))
            current, name = Node(next(tokens)), None
            continue
        if token == "(":  # noqa: S105
            stack.append((current, name))
            current, name = [], None
            continue
        if token in {"}", ")"}:
            if not stack or name is not None or isinstance(current, Node) != (token == "}"):  # noqa: S105
                raise TreeError(f"unexpected {token}")
            value = current
            current, name = stack.pop()
        elif name is None and isinstance(current, Node):
            name = _field_name(token)
            continue
        else:
            value = _octets(token, tokens) if name == "constvalue" else _word(token)
        if isinstance(current, list):
            current.append(value)
        elif name is None:
            raise TreeError("a value without a field")
        else:
            current.fields[name] = value
            name = None
    if stack or len(root) != 1:
        raise TreeError("the tree is not whole")
    return root[0]


def _field_name(token: str) -> str:
    if not token.startswith(":"):
        raise TreeError(f"expected a field, found {token!r}")
    return token[1:]


def _word(token: str) -> str | None:
    if token == "<>":  # noqa: S105
        return None
    if len(token) > 1 and token[0] == '"' == token[-1]:
        token = token[1:-1]
    return _ESCAPE.sub(r"\1", token) if "\\" in token else token


def _octets(token: str, tokens: Iterator[str]) -> bytes | None:
    if token == "<>":  # noqa: S105
        return None
    if next(tokens) != "[":
        raise TreeError("expected the bytes of a constant")
    octets: list[int] = []
    for item in tokens:
        if item == "]":
            return bytes(octets)
        try:
            octets.append(int(item) & 0xFF)
        except ValueError as wrong:
            raise TreeError("expected a byte") from wrong
    raise TreeError("the bytes of a constant never end")
