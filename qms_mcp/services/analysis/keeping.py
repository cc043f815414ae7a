"""Keeping a calculation: everything somebody needs to compute the number again, and nothing can be changed after."""

import hashlib
import json
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from importlib.metadata import version
from typing import TYPE_CHECKING, Any
from uuid import UUID

from qms_mcp import __version__
from qms_mcp.db.queries import query
from qms_mcp.errors import NotFoundError
from qms_mcp.services.analysis.evaluating import Evaluated, canonical, dumped
from qms_mcp.services.analysis.method import AnyMethod
from qms_mcp.services.analysis.source import Source

if TYPE_CHECKING:
    from qms_mcp.auth.principal import Principal
    from qms_mcp.db.database import Database
    from qms_mcp.db.transaction import Transaction

_KEEP = query("calculations.keep")
_GET = query("calculations.get")
_MOST_KEPT_BYTES = 2_000_000


@dataclass(frozen=True, slots=True)
class Kept:
    """A calculation that was kept.

    Attributes:
        method: Its name and version, with what it was computed by.
        answer: As it was kept.
    """

    id: UUID
    at: datetime
    method: str
    answer: dict[str, Any]
    answer_sha256: str


async def keep(
    database: "Database",
    principal: "Principal",
    method: AnyMethod,
    source: Source | None,
    evaluated: Evaluated,
    *,
    repeats: UUID | None = None,
) -> Kept:
    """Keep what was computed."""
    answer = dumped(evaluated.computed)
    digest = hashlib.sha256(canonical(answer)).hexdigest()
    picture = evaluated.computed.picture
    params = {
        "method": method.name,
        "method_version": method.version,
        "software": json.dumps(software()),
        "source": None if source is None else _as_kept(source, evaluated),
        "source_says": evaluated.says.replace("\0", ""),
        "options": _json(evaluated.options.model_dump(mode="json", exclude_none=True)),
        "n": evaluated.computed.n,
        "input_rows": evaluated.rows,
        "input_sha256": evaluated.input_sha256,
        "answer": _json(answer),
        "answer_sha256": digest,
        "picture": None if picture is None else _json(picture.model_dump(mode="json", exclude_defaults=True)),
        "repeats": repeats,
    }
    async with database.transaction(principal) as transaction:
        row = (await transaction.fetch_dicts(_KEEP, params))[0]
    return Kept(row["id"], row["created_at"], f"{method.name} {method.version}", answer, digest)


async def kept_row(transaction: "Transaction", calculation: UUID) -> dict[str, Any]:
    """Return a calculation.

    Raises:
        NotFoundError: There is none with this id that the caller may see.
    """
    rows = await transaction.fetch_dicts(_GET, {"id": calculation})
    if not rows:
        raise NotFoundError(f"There is no calculation {calculation}.", hint="It is in `provenance` of the answer.")
    return rows[0]


@cache
def software() -> dict[str, str]:
    """Return what computes, by version."""
    return {"qms-mcp": __version__, **{name: version(name) for name in ("numpy", "scipy")}}


def _as_kept(source: Source, evaluated: Evaluated) -> str:
    text = _json(source.model_dump(mode="json", exclude_defaults=True))
    if len(text) <= _MOST_KEPT_BYTES:
        return text
    return json.dumps({"sent_along": evaluated.says, "bytes": len(text), "sha256": evaluated.input_sha256})


def _json(value: Any) -> str:
    # jsonb holds no NUL; nothing a person can read is lost with it.
    return json.dumps(value, ensure_ascii=False, allow_nan=False).replace("\\u0000", "")
