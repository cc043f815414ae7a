"""Reading and verifying the trail of one organization."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import anyio

from qms_mcp.auth.principal import Principal
from qms_mcp.db.queries import query
from qms_mcp.errors import InvalidInputError
from qms_mcp.services.trail.chain import Anchor
from qms_mcp.services.trail.entries import ListedRow, shown
from qms_mcp.services.trail.models import Detail, TrailPage, Verification
from qms_mcp.services.trail.proving import Compared, as_compared, verification
from qms_mcp.services.trail.scope import TrailFilter, find_scope

if TYPE_CHECKING:
    from qms_mcp.db.database import Database
    from qms_mcp.db.transaction import Transaction

_ENTRIES = query("trail.entries")
_HEAD = query("trail.head")
_VERIFY = query("trail.verify")
_ANCHORS = query("trail.anchors")
_HASHES = query("trail.hashes")
# Counting further would take longer than reading a page.
_COUNTED = 1_000
# What PostgreSQL keeps in memory for one statement.
_SLICE = 10_000
# Each slice keeps a processor of the database server busy.
_AT_ONCE = 2
_MOST_DIGITS = 18


@dataclass(frozen=True, slots=True)
class _Slice:
    entries: int
    first_seq: int | None
    last_seq: int | None
    last_hash: str | None
    bad_seq: int | None
    problem: str | None


class Trail:
    """Reads and verifies the trail."""

    def __init__(self, database: "Database") -> None:
        self._database = database

    async def get(
        self,
        principal: Principal,
        wanted: TrailFilter,
        *,
        limit: int = 50,
        cursor: str | None = None,
        detail: Detail = "concise",
    ) -> TrailPage:
        """Return a page of entries, the newest first.

        Raises:
            InvalidInputError: Nobody is called that, the period ends before it begins, or this is no cursor.
            NotFoundError: There is no such record.
        """
        before = _place(cursor)
        async with self._database.transaction(principal, read_only=True) as transaction:
            scope = await find_scope(transaction, wanted)
            # Of the whole trail the head says how many there are.
            counted = 0 if scope.everything else _COUNTED + 1
            params = scope.parameters(before_seq=before, max_rows=limit + 1, counted=counted)
            rows = await transaction.fetch_all(_ENTRIES, params, row=ListedRow)
            total = await _head(transaction) if scope.everything else rows[0].total if rows else 0
        page = rows[:limit]
        many = not scope.everything and total > _COUNTED
        return TrailPage(
            entries=[shown(row, full=detail == "full") for row in page],
            total=f"{_COUNTED}+" if many else str(total),
            zone=page[0].zone if page else "",
            next_cursor=str(page[-1].seq) if len(rows) > limit else None,
        )

    async def verify(
        self,
        principal: Principal,
        *,
        from_seq: int = 1,
        to_seq: int | None = None,
        outside: list[Anchor] | None = None,
        place: str = "",
        at: Callable[[int, int], None] = lambda _done, _all: None,
    ) -> Verification:
        """Recompute the chain, or a part of it, and compare it with anchors.

        Args:
            principal: Whose organization.
            from_seq: The first entry.
            to_seq: The last one; the head when left out.
            outside: Anchors read from their own place; without them, those the database knows are compared.
            place: Where they were read.
            at: Called after each part with what is done and how much there is.

        Raises:
            InvalidInputError: The range begins behind the last entry, or ends before it begins.
        """
        async with self._database.transaction(principal, read_only=True) as transaction:
            head = await _head(transaction)
        if from_seq > head + 1 or (to_seq is not None and to_seq < from_seq):
            raise InvalidInputError("There is no such range.", hint=f"Entries go from 1 to {head}.")
        whole = await self._verified(principal, from_seq, to_seq, head, at)
        async with self._database.transaction(principal, read_only=True) as transaction:
            compared = await _compared(transaction, from_seq, to_seq, outside, place)
        bad = None if whole.bad_seq is None else (whole.bad_seq, whole.problem or "")
        return verification(
            entries=whole.entries,
            first=whole.first_seq,
            last=whole.last_seq,
            head=whole.last_hash,
            bad=bad,
            compared=compared,
            outside=place,
        )

    async def _verified(
        self, principal: Principal, from_seq: int, to_seq: int | None, head: int, at: Callable[[int, int], None]
    ) -> _Slice:
        """Verify slice by slice, some at once; the last one runs to the head of its own moment."""
        end = head if to_seq is None else min(to_seq, head)
        ranges: list[tuple[int, int | None]] = [
            (start, start + _SLICE - 1) for start in range(from_seq, max(end, from_seq) + 1, _SLICE)
        ]
        ranges[-1] = (ranges[-1][0], to_seq)
        found = _Slice(0, None, None, None, None, None)
        for place in range(0, len(ranges), _AT_ONCE):
            for part in await self._slices(principal, ranges[place : place + _AT_ONCE]):
                found = replace(
                    part,
                    entries=found.entries + part.entries,
                    first_seq=found.first_seq or part.first_seq,
                    last_seq=part.last_seq or found.last_seq,
                    last_hash=part.last_hash or found.last_hash,
                )
                if found.bad_seq is not None:
                    return found
            at(found.entries, end - from_seq + 1)
        return found

    async def _slices(self, principal: Principal, ranges: list[tuple[int, int | None]]) -> list[_Slice]:
        parts: dict[int, _Slice] = {}

        async def one(start: int, stop: int | None) -> None:
            async with self._database.transaction(principal, read_only=True) as transaction:
                rows = await transaction.fetch_all(_VERIFY, {"from_seq": start, "to_seq": stop}, row=_Slice)
            parts[start] = rows[0]

        if len(ranges) == 1:  # an error is itself, and not a group of one
            await one(*ranges[0])
        else:
            async with anyio.create_task_group() as tasks:
                for start, stop in ranges:
                    tasks.start_soon(one, start, stop)
        return [parts[start] for start, _stop in ranges]


async def _head(transaction: "Transaction") -> int:
    rows = await transaction.fetch_dicts(_HEAD)
    return int(rows[0]["seq"]) if rows else 0


async def _compared(
    transaction: "Transaction", from_seq: int, to_seq: int | None, outside: list[Anchor] | None, place: str
) -> list[Compared]:
    if outside is None:
        return as_compared(await transaction.fetch_dicts(_ANCHORS, {"from_seq": from_seq, "to_seq": to_seq}))
    within = [one for one in outside if one.seq >= from_seq and (to_seq is None or one.seq <= to_seq)]
    rows = await transaction.fetch_dicts(_HASHES, {"places": [one.seq for one in within]})
    now = {row["seq"]: row["row_hash"] for row in rows}
    return [Compared(one.seq, one.row_hash, place, now.get(one.seq)) for one in within]


def _place(cursor: str | None) -> int | None:
    if cursor is None:
        return None
    if not cursor.isdecimal() or len(cursor) > _MOST_DIGITS:
        raise InvalidInputError("This is no cursor.", hint="Pass next_cursor of the page before.")
    return int(cursor)
