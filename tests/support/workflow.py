"""A small state machine and a record on it: enough to sign something."""

import json
from uuid import UUID

from qms_mcp.auth.principal import Principal
from qms_mcp.db.database import Database
from qms_mcp.db.queries import Query, query

REASON = "Because the test wants it."
_ADMINISTER = query("local_owner.administer")
_BODY = {
    "initial": "open",
    "states": {
        "open": {"label": "Open"},
        "closed": {"label": "Closed"},
        "archived": {"label": "Archived", "final": True, "locked": ["*"]},
    },
    "transitions": [
        {
            "name": "close",
            "from": ["open"],
            "to": "closed",
            "roles": ["qa_approver"],
            "person": True,
            "meaning": "approval",
        },
        {
            "name": "archive",
            "from": ["closed"],
            "to": "archived",
            "roles": ["qa_approver"],
            "person": True,
            "meaning": "review",
        },
        {
            "name": "reject",
            "from": ["closed"],
            "to": "open",
            "roles": ["qa_approver"],
            "person": True,
            "meaning": "review",
        },
    ],
}
_DEFINE = Query(
    "test", "INSERT INTO qms.workflow_definitions (category, version, body) VALUES ('risk', 900, %(body)s::jsonb)"
)
_BECAUSE = Query("test", "SELECT set_config('qms.reason', %(reason)s, true)")
_ADD = Query("test", "SELECT i.id FROM qms.add_record('risk', %(fields)s::jsonb) AS i")
_VERSION = Query("test", "SELECT i.version FROM qms.quality_items AS i WHERE i.id = %(record_id)s")
_CHANGE = Query("test", "SELECT i.id FROM qms.change_record(%(record_id)s, %(version)s, %(fields)s::jsonb) AS i")
_REQUEST = Query(
    "test",
    "SELECT a.id FROM qms.request_decision(%(record_id)s, %(version)s, %(to_state)s, %(meaning)s, %(reason)s) AS a",
)


async def small_workflow(database: Database) -> None:
    """Ship a state machine for risks: open -> closed -> archived, both steps signed."""
    async with database.owner_transaction() as transaction:
        await transaction.execute(_ADMINISTER)
        await transaction.execute(_DEFINE, {"body": json.dumps(_BODY)})


async def small_record(database: Database, author: Principal, title: str, **fields: object) -> UUID:
    """Add a risk."""
    async with database.transaction(author) as transaction:
        await transaction.execute(_BECAUSE, {"reason": REASON})
        return (await transaction.fetch_dicts(_ADD, {"fields": json.dumps({"title": title, **fields})}))[0]["id"]


async def _version(database: Database, principal: Principal, record_id: UUID) -> int:
    async with database.transaction(principal) as transaction:
        return (await transaction.fetch_dicts(_VERSION, {"record_id": record_id}))[0]["version"]


async def change_title(database: Database, principal: Principal, record_id: UUID, title: str) -> None:
    """Change the title of a record."""
    version = await _version(database, principal, record_id)
    params = {"record_id": record_id, "version": version, "fields": json.dumps({"title": title})}
    async with database.transaction(principal) as transaction:
        await transaction.execute(_BECAUSE, {"reason": REASON})
        await transaction.execute(_CHANGE, params)


async def request_step(
    database: Database, principal: Principal, record_id: UUID, to_state: str | None, meaning: str | None = None
) -> UUID:
    """Ask for a step, or for a signature alone, and return the approval."""
    version = await _version(database, principal, record_id)
    params = {"record_id": record_id, "version": version, "to_state": to_state, "meaning": meaning, "reason": REASON}
    async with database.transaction(principal) as transaction:
        await transaction.execute(_BECAUSE, {"reason": REASON})
        return (await transaction.fetch_dicts(_REQUEST, params))[0]["id"]
