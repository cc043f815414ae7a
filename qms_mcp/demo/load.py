"""Loading the demo companies: records as the owner of the database, for they arrive in the middle of their workflow.

What follows, the compliance matrix and the triage of the day, is written as the application writes: as somebody, with
a reason, and with every trigger on.
"""

import dataclasses
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from qms_mcp.auth.principal import Principal
from qms_mcp.db.database import Database
from qms_mcp.db.local_owner import LOCAL_OWNER_ID
from qms_mcp.db.queries import query
from qms_mcp.demo.company import COMPANIES, HALDEN, Company
from qms_mcp.demo.procedures import effective_procedure
from qms_mcp.demo.records import Item, Requirement, items, requirements, start_of_today

_ADMINISTER = query("local_owner.administer")
_STEPS = [query(f"local_owner.{step}") for step in ("user", "organization", "person", "membership")]
_LOADED = query("demo.loaded")
_WHY = query("demo.why")
_ITEMS = query("demo.items")
_ROWS = query("demo.rows")
_REQUIREMENTS = query("demo.requirements")
_TRIAGED_TODAY = query("demo.triaged_today")
_LOADING = "Records of a company that does not exist, for the demo."
_TRIAGE = "Triage of the morning: the oldest open cases come first."
_VISITOR_ROLES = ("reporter", "owner", "reviewer", "approver", "admin")


@dataclass(frozen=True, slots=True)
class Stock:
    """How many records there are."""

    items: int
    requirements: int


@dataclass(frozen=True, slots=True)
class Loaded:
    """What a company has after loading, and whether this run put it there."""

    company: Company
    stock: Stock
    new: bool


async def load_companies(database: Database) -> list[Loaded]:
    """Put both companies into the database, once; a second time changes nothing.

    The owner of the embedded database gets a membership in the first company and none in the second.
    """
    today = start_of_today()
    return [await _load(database, company, today) for company in COMPANIES]


async def _load(database: Database, company: Company, today: datetime) -> Loaded:
    await _engage(database, company)
    keeper = Principal(company.people[0].user_id, company.organization_id, frozenset(), "system")
    wanted_items, wanted_requirements = items(company, today=today), requirements(company, today=today)
    if company is HALDEN:
        wanted_items.append(effective_procedure(today))
    async with database.transaction(keeper, read_only=True) as transaction:
        before = await transaction.fetch_one(_LOADED, row=Stock) or Stock(0, 0)
    if before.items >= len(wanted_items) and before.requirements >= len(wanted_requirements):
        return Loaded(company, before, new=False)
    await _put(database, company, wanted_items)
    async with database.transaction(keeper, because=_LOADING) as transaction:
        rows = {"organization_id": company.organization_id, "rows": _as_json(wanted_requirements)}
        await transaction.execute(_REQUIREMENTS, rows)
    async with database.transaction(keeper, because=_TRIAGE) as transaction:
        await transaction.execute(_TRIAGED_TODAY)
        after = await transaction.fetch_one(_LOADED, row=Stock) or Stock(0, 0)
    return Loaded(company, after, new=True)


async def _put(database: Database, company: Company, wanted: Sequence[Item]) -> None:
    """Load records in the states they are in: only the owner of the database may, and the trail says so."""
    own = [{"part": None, "id": item.id, "category": item.category, "fields": item.details} for item in wanted]
    parts = [
        {"part": table, "id": item.id, "category": item.category, "fields": fields}
        for item in wanted
        for table, fields in item.parts
    ]
    async with database.owner_transaction() as transaction:
        await transaction.execute(_ADMINISTER)
        await transaction.execute(_WHY, {"reason": _LOADING})
        organization = {"organization_id": company.organization_id}
        await transaction.execute(_ITEMS, {**organization, "rows": _as_json(wanted)})
        await transaction.execute(_ROWS, {**organization, "rows": json.dumps(own + parts, default=_plain)})


async def _engage(database: Database, company: Company) -> None:
    """Record the company and its people."""
    staff = [(p.user_id, p.email, p.name, p.roles) for p in company.people]
    if company is HALDEN:
        staff.append((LOCAL_OWNER_ID, "owner@localhost", "Local owner", _VISITOR_ROLES))
    async with database.owner_transaction() as transaction:
        await transaction.execute(_ADMINISTER)
        for user_id, email, name, roles in staff:
            params: dict[str, object] = {
                "user_id": user_id,
                "email": email,
                "printed_name": name,
                "roles": list(roles),
                "organization_id": company.organization_id,
                "organization_name": company.name,
                "slug": company.slug,
            }
            for step in _STEPS:
                await transaction.execute(step, params)


def _as_json(rows: Sequence[Item] | Sequence[Requirement]) -> str:
    return json.dumps([dataclasses.asdict(row) for row in rows], default=_plain)


def _plain(value: object) -> str:
    return value.isoformat() if isinstance(value, datetime) else str(value if isinstance(value, UUID) else repr(value))
