"""What is asked: the query in a form PostgreSQL takes, the mode it calls for, the filters, and the place in a list."""

import base64
import binascii
import hashlib
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from difflib import get_close_matches
from typing import Any, cast

from qms_mcp.db.queries import query
from qms_mcp.db.transaction import Transaction
from qms_mcp.errors import InvalidInputError
from qms_mcp.services.records.people import find_person
from qms_mcp.services.search.models import Filters, Mode

LONGEST_QUERY = 10_000
_KNOWN = query("search.known")
_NUMBER = re.compile(r"[A-Za-z][A-Za-z0-9]{0,11}(?:-[A-Za-z0-9]{1,8}){0,3}-(?:\d[A-Za-z0-9]{0,9})?")
_VERSIONED = re.compile(r"\s+(?:v|rev\.?)\s*\d{1,4}(?:\s+§\s*\S+)?\s*$", re.IGNORECASE)
_QUOTED = re.compile(r"\s*[\"“„](?P<words>[^\"“”„]+)[\"”“]\s*")


@dataclass(frozen=True, slots=True)
class _Known:
    types: list[str]
    states: list[str]
    frameworks: list[str]


def cleaned(text: str) -> str:
    """Return a query without what no text in the database can hold.

    Raises:
        InvalidInputError: Nothing to search for is left, or it is too long.
    """
    clean = text.replace("\x00", " ").encode("utf-8", "replace").decode("utf-8").strip()
    if not any(character.isalnum() for character in clean):
        raise InvalidInputError("The query has no words or numbers.", hint="Say in a few words what to look for.")
    if len(clean) > LONGEST_QUERY:
        raise InvalidInputError(
            f"The query has {len(clean)} characters.", hint=f"Use up to {LONGEST_QUERY}; find_similar takes a record."
        )
    return clean


def modes_of(text: str, asked: Mode | None) -> Sequence[Mode]:
    """Return the modes to try in turn, until one finds something."""
    if asked is not None:
        return (asked,)
    if _QUOTED.fullmatch(text):
        return ("exact",)
    if _NUMBER.fullmatch(_VERSIONED.sub("", text)):
        return ("number", "hybrid")
    return ("hybrid",)


def words_for(mode: Mode, text: str) -> str:
    """Return what of a query a mode looks for."""
    if mode == "number":
        return _VERSIONED.sub("", text)
    quoted = _QUOTED.fullmatch(text) if mode == "exact" else None
    return quoted["words"].strip() if quoted else text


async def conditions_of(transaction: Transaction, wanted: Filters) -> dict[str, Any]:
    """Return the filters as `search.find` takes them.

    Raises:
        InvalidInputError: A type, state or framework does not exist; the hint names those there are.
        NotFoundError: Nobody is called like the owner.
    """
    if wanted.types or wanted.states or wanted.framework:
        known = (await transaction.fetch_all(_KNOWN, row=_Known))[0]
        _refuse_unknown("type", wanted.types, known.types)
        _refuse_unknown("state", wanted.states, known.states)
        _refuse_unknown("framework", [wanted.framework] if wanted.framework else [], known.frameworks)
    owner = await find_person(transaction, wanted.owner, field="owner") if wanted.owner else None
    found = {
        "types": wanted.types,
        "states": wanted.states,
        "owner_id": str(owner) if owner else None,
        "framework": wanted.framework,
        "since": f"{wanted.since} 00:00+00" if wanted.since else None,
        "until": f"{wanted.until + timedelta(days=1)} 00:00+00" if wanted.until else None,
        "tags": wanted.tags,
        "document": wanted.document,
        "superseded": wanted.superseded,
    }
    return {name: value for name, value in found.items() if value}


def _refuse_unknown(what: str, named: Sequence[str], known: Sequence[str]) -> None:
    for name in named:
        if name not in known:
            close = get_close_matches(name.lower(), known, n=1)
            meant = f"Did you mean {close[0]!r}? " if close else ""
            raise InvalidInputError(f"There is no {what} {name[:60]!r}.", hint=f"{meant}There is: {', '.join(known)}.")


def key_of(text: str, mode: Mode | None, wanted: Filters) -> str:
    """Return what a cursor is bound to."""
    asked = json.dumps([text, mode, wanted.model_dump(mode="json")])
    return hashlib.sha256(asked.encode()).hexdigest()[:12]


def cursor_at(offset: int, key: str) -> str:
    """Return where the next page begins."""
    return base64.urlsafe_b64encode(json.dumps([offset, key]).encode()).decode()


def offset_of(cursor: str | None, key: str) -> int:
    """Return how many results were shown before.

    Raises:
        InvalidInputError: The cursor is of another search, or of none.
    """
    if not cursor:
        return 0
    try:
        offset, of_key = cast("list[Any]", json.loads(base64.b64decode(cursor.encode(), altchars=b"-_", validate=True)))
        offset = int(offset)
    except (binascii.Error, ValueError, TypeError) as wrong:
        raise InvalidInputError("The cursor is not one this tool gave.", hint="Search without a cursor.") from wrong
    if of_key != key or offset < 0:
        raise InvalidInputError("The cursor is of another search.", hint="Search without a cursor.")
    return offset
