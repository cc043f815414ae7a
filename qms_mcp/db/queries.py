"""Named SQL from `sql/queries/*.sql`.

A file holds blocks that begin with `-- name: words`; a service names one as `query("catalogue.list_tables")` at
import, so that a missing one fails at start and not at a customer's. Comments are for people: the loader strips
them, because psycopg would look for parameters in them.
"""

import re
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

_BLOCK = re.compile(r"^-- name: (\w+)[ \t]*$", re.MULTILINE)
_COMMENT = re.compile(r"^\s*--.*$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Query:
    """A statement with `%(name)s` parameters, and the name it has in `sql/queries`."""

    name: str
    text: str


@cache
def _blocks(stem: str) -> dict[str, str]:
    source = files("qms_mcp.sql").joinpath("queries", f"{stem}.sql").read_text(encoding="utf-8")
    parts = _BLOCK.split(source)
    return {
        name: _COMMENT.sub("", body).strip().rstrip(";").rstrip()
        for name, body in zip(parts[1::2], parts[2::2], strict=True)
    }


def query(name: str) -> Query:
    """Return the query `file.block`.

    Raises:
        LookupError: There is no such file or block.
    """
    stem, _, block = name.partition(".")
    try:
        return Query(name, _blocks(stem)[block])
    except (KeyError, FileNotFoundError) as missing:
        raise LookupError(f"no query {name!r} in sql/queries") from missing


def all_queries() -> list[Query]:
    """Return every named query, for the tests that prepare them against the schema."""
    folder = files("qms_mcp.sql").joinpath("queries")
    stems = sorted(entry.name.removesuffix(".sql") for entry in folder.iterdir() if entry.name.endswith(".sql"))
    return [Query(f"{stem}.{block}", text) for stem in stems for block, text in _blocks(stem).items()]
