"""What somebody has to do: records, actions, trainings, decisions and signatures, the gravest and most urgent first."""

import base64
import binascii
from collections import Counter
from typing import TYPE_CHECKING, Any

from qms_mcp.auth.principal import Principal
from qms_mcp.db.queries import query
from qms_mcp.errors import InvalidInputError
from qms_mcp.services.records.models import Work, WorkItem, cited

if TYPE_CHECKING:
    from qms_mcp.db.database import Database

# Nobody works off more than this of one kind; the first ones are the gravest.
MOST_OF_A_KIND = 100
_MY_WORK = query("records.my_work")


class MyWork:
    """Finds what waits for somebody."""

    def __init__(self, database: "Database") -> None:
        self._database = database

    async def of(self, principal: Principal, *, limit: int = 25, cursor: str | None = None) -> Work:
        """Return what the caller has to do.

        Raises:
            InvalidInputError: The cursor is not one of ours.
        """
        start = _start(cursor)
        end = start + limit
        params = {"person": principal.user_id, "max_rows": MOST_OF_A_KIND}
        async with self._database.transaction(principal, read_only=True) as transaction:
            found = await transaction.fetch_dicts(_MY_WORK, params)
        return Work(
            total=len(found),
            overdue=sum(bool(row["overdue"]) for row in found),
            counts=dict(Counter(row["kind"] for row in found)),
            items=[_item(row) for row in found[start:end]],
            next_cursor=base64.urlsafe_b64encode(str(end).encode()).decode() if end < len(found) else None,
        )


def _item(row: dict[str, Any]) -> WorkItem:
    return WorkItem(
        kind=row["kind"],
        what=row["what"],
        id=row["id"],
        citation=cited(row) if row["number"] else None,
        state=row["state"],
        risk_class=row["risk_class"],
        due=row["due"],
        overdue=row["overdue"] or None,
    )


def _start(cursor: str | None) -> int:
    if not cursor:
        return 0
    try:
        return max(0, int(base64.b64decode(cursor.encode(), altchars=b"-_", validate=True)))
    except (binascii.Error, ValueError) as wrong:
        raise InvalidInputError(
            "The cursor is not one this tool gave.", hint="Begin again without a cursor."
        ) from wrong
