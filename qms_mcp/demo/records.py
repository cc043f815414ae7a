"""The records of a demo company: the same ones every time, with dates that count from today."""

import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid5

from qms_mcp.demo.clauses import STANDARDS
from qms_mcp.demo.company import Company, Person
from qms_mcp.demo.details import GAP, Told, details_of
from qms_mcp.demo.events import CATEGORIES, Category, Event

_HISTORY_DAYS = 540
_ON_TIME = 0.5


@dataclass(frozen=True, slots=True)
class Item:
    """A quality record; the fields up to `closed_at` are columns of qms.quality_items.

    Attributes:
        details: The columns of the table of its type.
        parts: Table and columns of each part.
    """

    id: UUID
    title: str
    description: str
    category: str
    status: str
    priority: int
    owner_id: UUID | None
    due_date: datetime
    metadata: dict[str, Any]
    created_at: datetime
    updated_at: datetime
    closed_at: datetime | None
    details: dict[str, Any]
    parts: list[tuple[str, dict[str, Any]]]


@dataclass(frozen=True, slots=True)
class Requirement:
    """A row of the compliance matrix; the fields are the columns of qms.compliance_records."""

    id: UUID
    standard: str
    requirement: str
    status: str
    evidence: list[dict[str, str]]
    last_reviewed: datetime | None
    next_review: datetime
    created_at: datetime


def items(company: Company, *, today: datetime) -> list[Item]:
    """Return the quality records of a company, by category and date."""
    chance = random.Random(company.seed)  # noqa: S311 - the same records every time; no secret depends on it
    return [item for category in CATEGORIES for item in _of_category(company, category, chance, today)]


def _of_category(company: Company, category: Category, chance: random.Random, today: datetime) -> Iterator[Item]:
    count = round(category.count * company.scale)
    ages = sorted((chance.triangular(0, _HISTORY_DAYS, 10) for _ in range(count)), reverse=True)
    for place, (event, age) in enumerate(zip(_events(category, count, chance), ages, strict=True)):
        record_id = uuid5(company.organization_id, f"{category.name} {place}")
        yield _item(company, category, event, record_id, today - timedelta(days=age), chance, today)


def _events(category: Category, count: int, chance: random.Random) -> list[Event]:
    """Return `count` events; each happens at least once when there is room."""
    drawn = list(category.events[:count])
    drawn += chance.choices(category.events, weights=[e.weight for e in category.events], k=count - len(drawn))
    chance.shuffle(drawn)
    return drawn


def _item(
    company: Company,
    category: Category,
    event: Event,
    record_id: UUID,
    created: datetime,
    chance: random.Random,
    today: datetime,
) -> Item:
    names = _names(company, created, chance)
    due = created + timedelta(days=category.days_to_close)
    reached, left = _state(category, created, due, chance, today)
    owners = [person for person in company.people if "owner" in person.roles]
    owner: Person = chance.choice(owners)
    last = len(category.states) - 1
    details = details_of(
        category.name, Told(record_id, company, event, names, owner, created, due, left, reached, last, chance)
    )
    return Item(
        id=record_id,
        title=event.title.format_map(names),
        description=event.description.format_map(names),
        category=category.name,
        status=category.states[reached],
        priority=chance.choices((0, 1, 2, 3), weights=(6, 4, 2, 1))[0],
        owner_id=owner.user_id if chance.random() > GAP else None,
        due_date=due,
        metadata={"shift": chance.choice(("early", "late", "night"))},
        created_at=created,
        updated_at=left,
        closed_at=left if reached == last else None,
        details=details.fields,
        parts=details.parts,
    )


def _names(company: Company, created: datetime, chance: random.Random) -> dict[str, str]:
    return {
        "part": chance.choice(company.parts),
        "lot": f"{created:%y%V}-{chance.randrange(100, 999)}",
        "machine": chance.choice(company.machines),
        "supplier": chance.choice(company.suppliers),
        "customer": chance.choice(company.customers),
        "area": chance.choice(company.areas),
        "number": str(chance.randrange(4, 9)),
        "count": str(chance.randrange(3, 48)),
    }


def _state(
    category: Category, created: datetime, due: datetime, chance: random.Random, today: datetime
) -> tuple[int, datetime]:
    """Return which state a record has reached, and when: most are done in time, some drag on."""
    on_time = chance.random() < _ON_TIME
    takes = (due - created) * (chance.uniform(0.4, 1.0) if on_time else chance.uniform(1.1, 8.0))
    if created + takes < today:
        return len(category.states) - 1, created + takes
    reached = int((today - created) / takes * (len(category.states) - 1))
    return reached, created + (today - created) * chance.uniform(0.3, 0.95)


def requirements(company: Company, *, today: datetime) -> list[Requirement]:
    """Return the compliance matrix of a company; one without medical devices has one standard."""
    chance = random.Random(company.seed + 1)  # noqa: S311 - as above
    standards = STANDARDS if company.scale >= 1 else dict(list(STANDARDS.items())[:1])
    made: list[Requirement] = []
    for standard, clauses in standards.items():
        for clause, title in clauses.items():
            status = chance.choices(("compliant", "partial", "pending", "gap"), weights=(12, 4, 2, 1))[0]
            reviewed = today - timedelta(days=chance.randrange(10, 420))
            evidence = [{"document": f"DOC-{reviewed.year}-{chance.randrange(1, 30):04d}"}]
            made.append(
                Requirement(
                    id=uuid5(company.organization_id, f"{standard} {clause}"),
                    standard=standard,
                    requirement=f"{clause} {title}",
                    status=status,
                    evidence=evidence if status in {"compliant", "partial"} else [],
                    last_reviewed=None if status == "pending" else reviewed,
                    next_review=reviewed + timedelta(days=365),
                    created_at=today - timedelta(days=_HISTORY_DAYS),
                )
            )
    return made


def start_of_today() -> datetime:
    """Return the midnight the dates count from."""
    return datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
