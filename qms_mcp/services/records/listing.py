"""Lists of records, a page at a time, by the place where the page before ended.

The place is a key of the order (created, due, risk), so that a page costs the same however far down it is, and
records that are added meanwhile are neither skipped nor shown twice. Counting stops at a thousand: nobody reads on,
and to count a hundred thousand takes longer than to show a page. What words find is counted only as far as it was
shown: a word of every other title would cost more to count than all the rest.
"""

import base64
import binascii
import json
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, cast
from uuid import UUID

from qms_mcp.auth.principal import Principal
from qms_mcp.db.queries import query
from qms_mcp.db.transaction import Transaction
from qms_mcp.errors import InvalidInputError
from qms_mcp.services.records.models import ListedRecord, RecordFilter, RecordPage, cited
from qms_mcp.services.records.people import find_person

if TYPE_CHECKING:
    from qms_mcp.db.database import Database

COUNT_UP_TO = 1_000
_PAGE = query("records.page")
_COUNT = query("records.count")
_KEYS = {"newest": ("created_key",), "due": ("due_key",), "risk": ("risk_rank", "due_key")}


class RecordLists:
    """Lists of records."""

    def __init__(self, database: "Database") -> None:
        self._database = database

    async def page(
        self, principal: Principal, wanted: RecordFilter, *, limit: int = 25, cursor: str | None = None
    ) -> RecordPage:
        """Return a page of a list.

        Raises:
            InvalidInputError: The cursor is of another list, or nobody is called like the owner.
        """
        after, seen = _place(cursor, wanted.sort)
        async with self._database.transaction(principal, read_only=True) as transaction:
            params = {
                "filters": json.dumps(await _conditions(transaction, wanted)),
                "sort": wanted.sort,
                "after": json.dumps(after) if after else None,
                "max_rows": limit + 1,
                "at_most": COUNT_UP_TO + 1,
            }
            rows = await transaction.fetch_dicts(_PAGE, params)
            seen += min(len(rows), limit)
            total = seen + max(0, len(rows) - limit)
            if len(rows) > limit and not wanted.text:
                total = (await transaction.fetch_dicts(_COUNT, params))[0]["total"]
        counted_to = seen if wanted.text else max(COUNT_UP_TO, seen)
        return RecordPage(
            total=min(total, counted_to),
            more_than_total=total > counted_to or None,
            records=[_listed(row) for row in rows[:limit]],
            next_cursor=_cursor(rows[limit - 1], wanted.sort, seen) if len(rows) > limit else None,
        )


async def _conditions(transaction: Transaction, wanted: RecordFilter) -> dict[str, Any]:
    """Return what the list is narrowed to, without what is not asked for."""
    # Only of open records is there something to order by due time or by risk.
    show = "open" if wanted.sort != "newest" and wanted.show == "all" else wanted.show
    return {
        name: value
        for name, value in {
            "category": wanted.category,
            "state": wanted.state,
            "show": show if show != "all" else None,
            "owner_id": str(await find_person(transaction, wanted.owner, field="owner")) if wanted.owner else None,
            "risk_class": wanted.risk_class,
            "tags": wanted.tags,
            "text": (wanted.text or "").strip(),
            "since": f"{wanted.since} 00:00+00" if wanted.since else None,
            "before": f"{wanted.until + timedelta(days=1)} 00:00+00" if wanted.until else None,
        }.items()
        if value
    }


def _listed(row: dict[str, Any]) -> ListedRecord:
    return ListedRecord(
        citation=cited(row),
        id=row["id"],
        type=row["category"],
        title=row["title"],
        state=row["state"],
        risk_class=row["risk_class"],
        owner=row["owner"],
        due=row["due_date"],
        overdue=row["overdue"] or None,
        drafted_by_agent=row["drafted_by_agent"] or None,
        created_at=row["created_at"],
    )


def _cursor(row: dict[str, Any], sort: str, seen: int) -> str:
    place = [sort, seen, *(row[key] for key in _KEYS[sort]), str(row["id"])]
    return base64.urlsafe_b64encode(json.dumps(place).encode()).decode()


def _place(cursor: str | None, sort: str) -> tuple[list[Any] | None, int]:
    """Return where the page before ended, and how many records were shown up to there.

    Raises:
        InvalidInputError: It is not a cursor of a list in this order.
    """
    if not cursor:
        return None, 0
    try:
        place = cast("list[Any]", json.loads(base64.b64decode(cursor.encode(), altchars=b"-_", validate=True)))
        kind, seen, *keys, last = place
        UUID(last)
        if kind != sort or len(keys) != len(_KEYS[sort]):
            raise InvalidInputError("The cursor is of a list in another order.", hint="Begin again without a cursor.")
        if sort == "risk":
            int(keys[0])
        if keys[-1] != "infinity":
            datetime.fromisoformat(keys[-1])
        return [*keys, last], max(0, int(seen))
    except (binascii.Error, ValueError, TypeError, AttributeError) as wrong:
        raise InvalidInputError(
            "The cursor is not one this tool gave.", hint="Begin again without a cursor."
        ) from wrong
