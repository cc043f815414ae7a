"""From a source and options to an answer: read, compute in a thread, and remember what was read by its hash."""

import hashlib
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import TYPE_CHECKING, Any, cast

import anyio.to_thread

from qms_mcp.errors import InvalidInputError
from qms_mcp.services.analysis.method import AnyMethod, Computed, Method, Options
from qms_mcp.services.analysis.table import Table

if TYPE_CHECKING:
    from qms_mcp.auth.principal import Principal
    from qms_mcp.db.database import Database
    from qms_mcp.db.queries import Query
    from qms_mcp.db.transaction import Transaction
    from qms_mcp.services.analysis.source import Source
    from qms_mcp.services.analysis.sources import Sources


@dataclass(frozen=True, slots=True)
class Evaluated:
    """What came out, and of what.

    Attributes:
        options: As they were settled: what was relative to now is absolute.
        rows: How many rows were read.
        input_sha256: Of the rows as they were read.
        says: Where they come from, in words.
        notes: What was seen in reading.
    """

    computed: Computed[Any]
    options: Options
    rows: int
    input_sha256: str
    says: str
    notes: tuple[str, ...] = ()


@dataclass(slots=True)
class _Reading:
    """A `Reader` over one transaction, that hashes what it reads."""

    transaction: "Transaction"
    principal: "Principal"
    sources: "Sources"
    today: date
    now: datetime
    zone: str
    count: int = 0
    says: list[str] = field(default_factory=list[str])
    notes: list[str] = field(default_factory=list[str])
    digest: Any = field(default_factory=hashlib.sha256)

    async def rows(self, query: "Query", params: Mapping[str, Any] | None = None) -> list[dict[str, Any]]:
        found = await self.transaction.fetch_dicts(query, params)
        self.count += len(found)
        self.digest.update(canonical(found))
        return found

    async def table(self, source: "Source") -> Table:
        read = await self.sources.read(self.principal, source)
        self.count += read.rows
        self.says.append(read.says)
        self.notes += read.notes
        self.digest.update(canonical(read.columns))
        return read


async def evaluate_table(method: Method[Any, Any], table: Table, options: Options) -> Evaluated:
    """Return what a method makes of a table.

    Raises:
        InvalidInputError: The method can't compute with it; the message says why.
    """
    computed, digest = await anyio.to_thread.run_sync(_compute, method, table, options, abandon_on_cancel=True)
    return Evaluated(computed, options, table.rows, digest, table.says, table.notes)


async def evaluate_records(
    method: AnyMethod, database: "Database", sources: "Sources", principal: "Principal", options: Options
) -> Evaluated:
    """Return what a method makes of the records, as of one moment."""
    from qms_mcp.db.queries import query  # noqa: PLC0415 - named at first use

    assert not isinstance(method, Method)  # noqa: S101 - the caller looked
    async with database.transaction(principal, one_moment=True) as transaction:
        moment = (await transaction.fetch_dicts(query("calculations.moment")))[0]
        reader = _Reading(transaction, principal, sources, moment["today"], moment["now"], moment["zone"])
        settled = method.settled(reader, options) if method.settled else options
        computed = await method.compute(reader, settled)
    says = "; ".join(["the records of the organization", *reader.says])
    return Evaluated(computed, settled, reader.count, reader.digest.hexdigest(), says, tuple(reader.notes))


def _compute(method: Method[Any, Any], table: Table, options: Options) -> tuple[Computed[Any], str]:
    import numpy as np  # noqa: PLC0415

    # Whatever overflows ends in a number that is none, and such an answer is refused by its place (`dumped`).
    with np.errstate(all="ignore"):
        computed = method.compute(table, options)
    return computed, hashlib.sha256(canonical(table.columns)).hexdigest()


def canonical(value: Any) -> bytes:
    """Return a value as JSON that is the same for the same value."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True, default=str).encode()


def dumped(computed: Computed[Any]) -> dict[str, Any]:
    """Return an answer as JSON values, without its provenance.

    Raises:
        InvalidInputError: It holds a number that is none: the values are beyond double precision.
    """
    # In JSON they would have become null, and nobody would see them.
    _refuse_no_numbers(computed.answer.model_dump(exclude={"provenance"}), "answer")
    return computed.answer.model_dump(mode="json", exclude={"provenance"})


def _refuse_no_numbers(value: Any, place: str) -> None:
    if isinstance(value, float) and not math.isfinite(value):
        raise InvalidInputError(
            f"The numbers can't be computed with in double precision: {place} would be {value}.",
            hint="Look for values that are far too large or all but equal, or measure from a nearer zero.",
        )
    if isinstance(value, dict):
        for name, part in cast("dict[str, Any]", value).items():
            _refuse_no_numbers(part, f"{place}.{name}")
    elif isinstance(value, list | tuple):
        for at, part in enumerate(cast("Sequence[Any]", value)):
            _refuse_no_numbers(part, f"{place}[{at}]")
