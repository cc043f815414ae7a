"""From what somebody wrote to the relation they meant.

`qms.quality_items`, `quality_items`, `"Odd schema"."odd.name"` and `QMS.Quality_Items` are all understood, as long as
only one relation fits.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import TypeAlias

from qms_mcp.errors import InvalidInputError, NotFoundError

_PART = r'"(?:[^"]|"")+"|[^".]+'
_QUALIFIED = re.compile(rf"(?P<schema>{_PART})\.(?P<name>.+)", re.DOTALL)
_PLAIN = re.compile(r"[a-z_][a-z0-9_$]*")
_SHOWN = 8


@dataclass(frozen=True, slots=True)
class RelationName:
    """A relation the caller may use."""

    oid: int
    schema: str
    name: str
    kind: str

    @property
    def qualified(self) -> str:
        """Return the name as it can stand in a statement."""
        return f"{quoted(self.schema)}.{quoted(self.name)}"


_Fits: TypeAlias = Callable[[RelationName], bool]


def quoted(name: str) -> str:
    """Return an identifier, quoted where it needs to be."""
    return name if _PLAIN.fullmatch(name) else '"' + name.replace('"', '""') + '"'


def sayable(text: str, *, argument: str) -> str:
    """Return `text` if PostgreSQL can take it.

    Raises:
        InvalidInputError: It holds what no text of PostgreSQL can hold.
    """
    try:
        text.encode()
    except UnicodeEncodeError:
        text = "\x00"
    if "\x00" in text:
        raise InvalidInputError(f"{argument} holds characters that no name can hold.", hint="Send plain text.")
    return text


def asked_schema(written: str) -> str | None:
    """Return the schema named in `written`, if one is."""
    match = _QUALIFIED.fullmatch(written.strip())
    return _unquoted(match["schema"]) if match else None


def resolve(written: str, relations: Sequence[RelationName]) -> RelationName:
    """Return the one relation `written` stands for.

    Raises:
        NotFoundError: There is none, or the caller may not see it.
        InvalidInputError: There are several.
    """
    for fits in _readings(written.strip()):
        found = [relation for relation in relations if fits(relation)]
        if len(found) == 1:
            return found[0]
        if found:
            names = ", ".join(relation.qualified for relation in found[:_SHOWN])
            raise InvalidInputError(f"{written[:80]!r} is ambiguous: {names}.", hint="Name it with its schema.")
    raise NotFoundError(f"There is no table or view {written[:80]!r}.", hint=_hint(written, relations))


def nearest(wrong: str, right: Iterable[str]) -> list[str]:
    """Return up to three names that were probably meant."""
    by_folded = {name.casefold(): name for name in right}
    close = get_close_matches(wrong.casefold()[:100], by_folded, n=3, cutoff=0.6)
    return [by_folded[name] for name in close]


def _readings(written: str) -> Iterator[_Fits]:
    """Yield what the words could mean, the strictest reading first."""
    match = _QUALIFIED.fullmatch(written)
    if match:
        schema, name = _unquoted(match["schema"]), _unquoted(match["name"])
        yield lambda r: (r.schema, r.name) == (schema, name)
        yield lambda r: (r.schema.casefold(), r.name.casefold()) == (schema.casefold(), name.casefold())
    bare = _unquoted(written)
    yield lambda r: r.name == bare
    yield lambda r: r.name.casefold() == bare.casefold()


def _unquoted(part: str) -> str:
    if len(part) > 1 and part[0] == part[-1] == '"':
        return part[1:-1].replace('""', '"')
    return part


def _hint(written: str, relations: Sequence[RelationName]) -> str:
    match = _QUALIFIED.fullmatch(written.strip())
    name = _unquoted(match["name"]) if match else _unquoted(written.strip())
    by_name = nearest(name, {relation.name for relation in relations})
    close = [relation.qualified for wanted in by_name for relation in relations if relation.name == wanted][:3]
    return f"Did you mean {' or '.join(close)}?" if close else "list_tables shows what there is."
