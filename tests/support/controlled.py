"""Documents taken through their life: written, approved by a person, made effective."""

import json
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from qms_mcp.auth.principal import Principal
from qms_mcp.db.database import Database
from qms_mcp.db.queries import Query
from qms_mcp.services.records.models import Written
from qms_mcp.services.records.writing import RecordWriter
from tests.support.people import person_with_password, sign
from tests.support.workflow import request_step

BECAUSE = "The yearly revision of the procedure."
_MOVE = Query("test", "SELECT r.version FROM qms.transition(%(id)s, NULL, %(to)s, %(because)s) AS r")
_TODAY = Query(
    "test",
    "SELECT (now() AT TIME ZONE o.time_zone)::date AS today FROM qms.organizations AS o "
    "WHERE o.id = qms.current_organization_id()",
)


@dataclass(frozen=True)
class Library:
    """Who writes documents, and who approves them."""

    database: Database
    author: Principal
    approver: Principal
    password: str

    @classmethod
    async def of(cls, database: Database, author: Principal) -> "Library":
        """Return the library of an author, with an approver of its own."""
        organization = author.organization_id
        approver, password = await person_with_password(database, organization, "northwind", "approver", "qa_approver")
        return cls(database, author, approver, password)

    async def draft(self, number: str, revision: int, content: str, **fields: Any) -> Written:
        """Add a version."""
        values = {
            "title": f"{number} of the test",
            "document_number": number,
            "revision": revision,
            "document_type": "SOP",
            "author_id": "me",
            "owner_id": "me",
            "content": content,
            "planned_effective_on": await self.today(),
            "change_summary": f"What is new in {revision}",
            **fields,
        }
        return await RecordWriter(self.database).add(self.author, "document", values, BECAUSE)

    async def approved(self, number: str, revision: int, content: str, **fields: Any) -> Written:
        """Add a version and have it approved."""
        made = await self.draft(number, revision, content, **fields)
        await self.move(made.id, "in_review")
        await self.decide(made.id, "approved")
        return made

    async def effective(self, number: str, revision: int, content: str, **fields: Any) -> Written:
        """Add a version and take it all the way."""
        made = await self.approved(number, revision, content, **fields)
        await self.move(made.id, "effective")
        return made

    async def move(self, record_id: UUID, to_state: str, *, who: Principal | None = None) -> None:
        """Take a step nobody has to sign."""
        async with self.database.transaction(who or self.author, because=BECAUSE) as transaction:
            await transaction.execute(_MOVE, {"id": record_id, "to": to_state, "because": BECAUSE})

    async def decide(self, record_id: UUID, to_state: str) -> None:
        """Have the approver sign a step."""
        approval = await request_step(self.database, self.author, record_id, to_state)
        await sign(self.database, approval, self.approver, self.password)

    async def today(self) -> str:
        """Return the day it is for the organization."""
        async with self.database.transaction(self.author, read_only=True) as transaction:
            return str((await transaction.fetch_dicts(_TODAY))[0]["today"])

    async def shift(self, statement: str, **params: Any) -> None:
        """Change a row as nobody may in earnest: time passes, or the past differs."""
        async with self.database.owner_transaction() as transaction:
            await transaction.execute(Query("test", "SET LOCAL ROLE qms_definer"))
            await transaction.execute(Query("test", statement), {name: _plain(value) for name, value in params.items()})


def _plain(value: Any) -> Any:
    return json.dumps(value) if isinstance(value, dict) else value
