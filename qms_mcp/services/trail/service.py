"""Reading and verifying the trail of one organization."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

from qms_mcp.auth.principal import Principal
from qms_mcp.db.queries import query
from qms_mcp.errors import InvalidInputError, NotFoundError
from qms_mcp.services.trail.chain import Anchor
from qms_mcp.services.trail.entries import EntryRow, shown
from qms_mcp.services.trail.models import Detail, TrailPage, Verification
from qms_mcp.services.trail.proving import Compared, as_compared, verification

if TYPE_CHECKING:
    from qms_mcp.db.database import Database
    from qms_mcp.db.transaction import Transaction

_SCOPE = query("trail.scope")
_PLAN_ANEW = query("trail.plan_anew")
_ENTRIES = query("trail.entries")
_TOTAL = query("trail.total")
_HEAD = query("trail.head")
_VERIFY = query("trail.verify")
_ANCHORS = query("trail.anchors")
_HASHES = query("trail.hashes")
# Counting further would take longer than reading a page.
_COUNTED = 1_000
# What PostgreSQL keeps in memory for one statement.
_SLICE = 10_000
_MOST_DIGITS = 18


@dataclass(frozen=True, slots=True)
class TrailFilter:
    """Which entries are wanted.

    Attributes:
        record: Number or id; its parts, links, decisions and signatures come along.
        person: Printed name, e-mail address, id, or `me`.
        action: `insert`, `update`, `requested`, `approved`, `export`, `signed_in`, ...
        since: From this time on; without a zone it is the organization's.
        until: To before this time.
    """

    record: str | None = None
    person: str | None = None
    action: str | None = None
    since: datetime | None = None
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Scope:
    """The same as parameters of a query."""

    record_id: UUID | None = None
    person_id: UUID | None = None
    action: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    lowest: int | None = None
    highest: int | None = None

    def parameters(self, **more: Any) -> dict[str, Any]:
        """Return the parameters of a query, and some more."""
        own = {name: getattr(self, name) for name in Scope.__slots__}
        return {**own, **more}

    @property
    def everything(self) -> bool:
        """Say whether nothing is left out."""
        return self == Scope()


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
            if scope.everything:
                total = await _head(transaction)
            else:
                await transaction.execute(_PLAN_ANEW)
                counted = await transaction.fetch_dicts(_TOTAL, scope.parameters(max_rows=_COUNTED + 1))
                total = counted[0]["entries"]
            params = scope.parameters(before_seq=before, max_rows=limit + 1)
            rows = await transaction.fetch_all(_ENTRIES, params, row=EntryRow)
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
        """Verify slice by slice; the last one runs to the head of its own moment."""
        found = _Slice(0, None, None, None, None, None)
        end = head if to_seq is None else min(to_seq, head)
        start = from_seq
        while True:
            last = start + _SLICE > end
            stop = to_seq if last else start + _SLICE - 1
            async with self._database.transaction(principal, read_only=True) as transaction:
                rows = await transaction.fetch_all(_VERIFY, {"from_seq": start, "to_seq": stop}, row=_Slice)
            part = rows[0]
            found = replace(
                part,
                entries=found.entries + part.entries,
                first_seq=found.first_seq or part.first_seq,
                last_seq=part.last_seq or found.last_seq,
                last_hash=part.last_hash or found.last_hash,
            )
            at(found.entries, end - from_seq + 1)
            if last or found.bad_seq is not None:
                return found
            start += _SLICE


async def find_scope(transaction: "Transaction", wanted: TrailFilter) -> Scope:
    """Return what the words of a filter mean.

    Raises:
        InvalidInputError: Nobody is called that, or the period ends before it begins.
        NotFoundError: There is no such record.
    """
    if not (wanted.record or wanted.person or wanted.since or wanted.until):
        return Scope(action=wanted.action)
    since, until = wanted.since, wanted.until
    params = {
        "record": wanted.record,
        "person": wanted.person,
        "since": since if since and since.tzinfo else None,
        "since_local": since if since and not since.tzinfo else None,
        "until": until if until and until.tzinfo else None,
        "until_local": until if until and not until.tzinfo else None,
    }
    row = (await transaction.fetch_dicts(_SCOPE, params))[0]
    if wanted.record and row["record_id"] is None:
        raise NotFoundError(
            f"There is no record {wanted.record[:60]!r}.", hint="list_records finds it by words or type."
        )
    if wanted.person and len(row["people"]) != 1:
        raise InvalidInputError(
            f"{'Several people' if row['people'] else 'Nobody'} of this organization: {wanted.person[:60]!r}.",
            hint="Give `me`, an e-mail address, an exact printed name, or the id of the person.",
        )
    if row["since"] and row["until"] and row["since"] >= row["until"]:
        raise InvalidInputError("The period ends before it begins.", hint="`since` has to be before `until`.")
    return Scope(
        record_id=row["record_id"] if wanted.record else None,
        person_id=row["people"][0] if wanted.person else None,
        action=wanted.action,
        since=row["since"],
        until=row["until"],
        # Before the first or behind the last entry there is none.
        lowest=row["lowest"] or (_beyond(since)),
        highest=row["highest"] if row["highest"] is not None else (0 if until else None),
    )


def _beyond(since: datetime | None) -> int | None:
    return 10**_MOST_DIGITS if since else None


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
