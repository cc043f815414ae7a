"""Names that need no quotes, and the nearest one when a name is wrong.

A name is accepted only if PostgreSQL takes it as it stands: lower case, at most 63 bytes, not reserved. So every
generated statement reads without quotes, and none can be broken out of.
"""

import hashlib
import re
from collections.abc import Iterable
from difflib import get_close_matches

from qms_mcp.errors import InvalidInputError

LONGEST = 63
_PLAIN = re.compile(r"[a-z_][a-z0-9_]*")

# pg_get_keywords(), categories R and T; a test compares it with the server.
RESERVED = frozenset(
    """
    all analyse analyze and any array as asc asymmetric authorization binary both case cast check collate
    collation column concurrently constraint create cross current_catalog current_date current_role current_schema
    current_time current_timestamp current_user default deferrable desc distinct do else end except false fetch
    for foreign freeze from full grant group having ilike in initially inner intersect into is isnull join lateral
    leading left like limit localtime localtimestamp natural not notnull null offset on only or order outer
    overlaps placing primary references returning right select session_user similar some symmetric system_user
    table tablesample then to trailing true union unique user using variadic verbose when where window with
    """.split()  # noqa: SIM905 - as the server prints them
)

# Schemas that PostgreSQL, Supabase or this server keep for themselves.
PLATFORM_SCHEMAS = frozenset(
    """
    information_schema auth extensions storage realtime vault graphql graphql_public pgbouncer pgsodium
    pgsodium_masks supabase_functions supabase_migrations net cron pgmq qms_private dbos
    """.split()  # noqa: SIM905 - one a line would be half a page
)


def nearest(wrong: str, right: Iterable[str]) -> str:
    """Return a hint that names what was probably meant, or else what there is."""
    names = sorted(set(right))
    if close := get_close_matches(wrong.lower(), names, n=1, cutoff=0.6):
        return f"Did you mean {close[0]!r}?"
    return f"There is: {', '.join(names[:40])}." if names else ""


def check_name(name: str, what: str) -> str:
    """Return `name` if PostgreSQL takes it unquoted.

    Raises:
        InvalidInputError: It does not; the hint has a name that works.
    """
    if len(name.encode()) > LONGEST:
        raise InvalidInputError(
            f"The {what} name {name[:40]!r}... is {len(name.encode())} bytes long.",
            hint=f"PostgreSQL keeps {LONGEST} bytes and would cut the rest in silence: choose a shorter name.",
        )
    if not _PLAIN.fullmatch(name) or name.startswith("pg_"):
        raise InvalidInputError(
            f"{name!r} is not a usable {what} name: lower-case letters, digits and underscores, a letter first, "
            "not beginning with pg_.",
            hint=f"Did you mean {suggested(name)!r}?",
        )
    if name in RESERVED:
        raise InvalidInputError(
            f"{name!r} is a reserved word of SQL and can't be a {what} name without quotes.",
            hint=f"Did you mean {name + ('s' if what == 'table' else '_value')!r}?",
        )
    return name


def suggested(name: str) -> str:
    """Return a usable name made from what was given."""
    words = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()
    plain = re.sub(r"[^a-z0-9]+", "_", words).strip("_").removeprefix("pg_")[:LONGEST]
    if not plain or plain[0].isdigit():
        plain = f"n_{plain}".rstrip("_")
    return f"{plain}s" if plain in RESERVED else plain


def check_distinct(names: Iterable[str], what: str) -> None:
    """Make sure that no name comes twice.

    Raises:
        InvalidInputError: One does.
    """
    seen: set[str] = set()
    for name in names:
        if name in seen:
            raise InvalidInputError(f"The {what} {name!r} is there twice.", hint="Rename or drop one of them.")
        seen.add(name)


def shortened(*parts: str) -> str:
    """Return the parts joined, cut to what PostgreSQL keeps, still distinct."""
    whole = "_".join(parts)
    if len(whole) <= LONGEST:
        return whole
    return f"{whole[: LONGEST - 9]}_{hashlib.sha256(whole.encode()).hexdigest()[:8]}"


def singular(plural: str) -> str:
    """Return the singular of an English plural, well enough for the name of a key column."""
    if plural.endswith("ies") and len(plural) > len("dies"):
        return f"{plural[:-3]}y"
    if re.search(r"(ss|x|ch|sh|zz)es$", plural):
        return plural[:-2]
    if plural.endswith("s") and not re.search(r"(ss|us|is)$", plural):
        return plural[:-1]
    return plural


def quoted(name: str) -> str:
    """Return an identifier as it stands in a statement, quoted when it has to be."""
    if _PLAIN.fullmatch(name) and name not in RESERVED:
        return name
    return '"' + name.replace('"', '""') + '"'


def literal(text: str) -> str:
    """Return a text as a SQL literal.

    Raises:
        InvalidInputError: It holds a NUL, which PostgreSQL can't store.
    """
    if "\0" in text:
        raise InvalidInputError("A text holds the character NUL.", hint="Take it out.")
    return "'" + text.replace("'", "''") + "'"
