"""How records hang together: where one came from, what it led to, and which lack a link they should have.

`up` follows links to what came first (the complaint behind a CAPA), `down` to what followed (the training after a
change). A diagram holds numbers and states only: titles are texts of anybody, and a diagram is a program.
"""

import re
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any
from uuid import UUID

from qms_mcp.auth.principal import Principal
from qms_mcp.db.queries import query
from qms_mcp.services.records.models import MissingLink, Trace, TracedLink, TracedRecord, Way, cited
from qms_mcp.services.records.references import find_record

if TYPE_CHECKING:
    from qms_mcp.db.database import Database

MOST_RECORDS = 60
_TRACE = query("records.trace")
_EDGES = query("records.edges")
_MISSING = query("records.missing_links")
_ORPHANS = query("records.orphans")


class Tracing:
    """Follows links."""

    def __init__(self, database: "Database") -> None:
        self._database = database

    async def trace(self, principal: Principal, reference: UUID | str, *, way: Way = "both", depth: int = 6) -> Trace:
        """Return what a record came from and led to.

        Raises:
            NotFoundError: There is no such record.
        """
        async with self._database.transaction(principal, read_only=True) as transaction:
            params = {
                "record_id": await find_record(transaction, reference),
                "way": way,
                "most_steps": depth,
                "max_rows": MOST_RECORDS + 1,
            }
            rows = await transaction.fetch_dicts(_TRACE, params)
            shown = rows[:MOST_RECORDS]
            ids = [row["id"] for row in shown]
            numbers = {row["id"]: row["number"] for row in shown}
            edges = await transaction.fetch_dicts(_EDGES, {"ids": ids})
            missing = await transaction.fetch_dicts(_MISSING, {"ids": ids})
        links = sorted((numbers[edge["from_id"]], str(edge["kind"]), numbers[edge["to_id"]]) for edge in edges)
        return Trace(
            records=[_traced(row) for row in shown],
            links=[TracedLink(from_number=start, kind=kind, to_number=end) for start, kind, end in links],
            missing=_missing(missing),
            mermaid=mermaid(shown, links),
            truncated=len(rows) > MOST_RECORDS or None,
        )

    async def orphans(self, principal: Principal) -> Trace:
        """Return records that should hang together with another one and do not."""
        async with self._database.transaction(principal, read_only=True) as transaction:
            rows = await transaction.fetch_dicts(_ORPHANS, {"max_rows": MOST_RECORDS + 1})
        return Trace(missing=_missing(rows[:MOST_RECORDS]), truncated=len(rows) > MOST_RECORDS or None)


def _missing(rows: Iterable[dict[str, Any]]) -> list[MissingLink]:
    return [
        MissingLink(
            citation=cited(row), type=row["category"], title=row["title"], state=row["state"], missing=row["missing"]
        )
        for row in rows
    ]


def _traced(row: dict[str, Any]) -> TracedRecord:
    return TracedRecord(
        citation=cited(row), type=row["category"], title=row["title"], state=row["state"], steps=row["steps"]
    )


def mermaid(records: Iterable[dict[str, Any]], links: Iterable[tuple[str, str, str]]) -> str:
    """Return the diagram of a trace."""
    lines = ["flowchart TD"]
    for row in records:
        shape = ('(["', '"])') if row["steps"] == 0 else ('["', '"]')
        lines.append(f"    {_node(row['number'])}{shape[0]}{cited(row)}<br/>{_word(row['state'])}{shape[1]}")
    lines += [f"    {_node(start)} -->|{_word(kind)}| {_node(end)}" for start, kind, end in links]
    return "\n".join(lines)


def _node(number: str) -> str:
    return re.sub(r"\W", "_", number)


def _word(text: str) -> str:
    return re.sub(r"[^\w ]", " ", text)
