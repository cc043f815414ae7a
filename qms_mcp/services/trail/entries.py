"""Entries as rows of the database, and as they are shown."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast
from uuid import UUID

from qms_mcp.services.trail.models import TrailEntry

_LONGEST = 200
_CUT = 160


@dataclass(frozen=True, slots=True)
class EntryRow:
    """An entry as the database returns it."""

    seq: int
    created_at: datetime
    at_site: str
    zone: str
    actor_id: UUID | None
    actor_name: str | None
    actor_kind: str | None
    on_behalf_of: str | None
    client: str | None
    tool_call_id: str | None
    action: str
    entity_type: str
    entity_id: UUID
    number: str | None
    record_version: int | None
    changes: dict[str, Any] | None
    metadata: dict[str, Any] | None
    reason: str | None
    app_version: str | None
    definition_version: int | None
    row_hash: str


@dataclass(frozen=True, slots=True)
class ListedRow(EntryRow):
    """An entry of a page, and how many there are in all."""

    total: int


@dataclass(frozen=True, slots=True)
class ExportRow(EntryRow):
    """An entry as `trail.export` returns it."""

    prev_hash: str
    canonical: str


def shown(row: EntryRow, *, full: bool) -> TrailEntry:
    """Return an entry as it is answered; without `full`, long values are cut."""
    entry = TrailEntry(
        seq=row.seq,
        at=row.created_at,
        at_site=row.at_site,
        who=who(row),
        kind=row.actor_kind or "system",
        on_behalf_of=row.on_behalf_of,
        action=row.action,
        record=record_of(row),
        entity=row.entity_type,
        changes={name: [_value(was, full), _value(now, full)] for name, was, now in differences(row.changes)} or None,
        details={name: _value(value, full) for name, value in (row.metadata or {}).items()} or None,
        reason=row.reason,
        client=row.client,
    )
    if not full:
        return entry
    more = {
        "tool_call": row.tool_call_id,
        "entity_id": row.entity_id,
        "versions": versions_of(row),
        "sha256": row.row_hash,
    }
    return entry.model_copy(update=more)


def who(row: EntryRow) -> str:
    """Return the name under which somebody acted."""
    return row.actor_name or ("the system" if row.actor_id is None else f"person {row.actor_id}")


def record_of(row: EntryRow) -> str | None:
    """Return `CAPA-2026-0014 v3`, or nothing for what is no record."""
    if row.number is None:
        return None
    return f"{row.number} v{row.record_version}" if row.record_version else row.number


def versions_of(row: EntryRow) -> str | None:
    """Return the versions of program and workflow under which it was written."""
    parts = [
        f"qms-mcp {row.app_version}" if row.app_version else "",
        f"workflow {row.definition_version}" if row.definition_version else "",
    ]
    return ", ".join(part for part in parts if part) or None


def differences(changes: Mapping[str, Any] | None) -> list[tuple[str, Any, Any]]:
    """Return what changed as field, old and new; the trail of older versions may hold other shapes."""
    found: list[tuple[str, Any, Any]] = []
    for name, value in (changes or {}).items():
        pair = cast("dict[str, Any]", value) if isinstance(value, dict) else {"new": value}
        found.append((name, pair.get("old"), pair.get("new")))
    return found


def _value(value: Any, full: bool) -> Any:
    if full or value is None or isinstance(value, (bool, int, float)):
        return value
    if isinstance(value, str):
        return value if len(value) <= _LONGEST else f"{value[:_CUT]} … ({len(value)} characters)"
    text = str(value)
    return value if len(text) <= _LONGEST else f"{text[:_CUT]} … ({len(text)} characters)"
