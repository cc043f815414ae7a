"""How a record becomes something to read: sections of fields, and what changed, side by side.

The content of a record is JSON made by the database. Ids of people become names, times become times; everything else
is shown as it is.
"""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final, cast
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from qms_mcp.services.signing.models import ShownRecord

_FIRST: Final = ("number", "title", "description", "category", "risk_class", "priority", "owner_id", "assigned_to")
_LEFT_OUT: Final = frozenset({"id", "organization_id", "details"})
_MICROSECONDS: Final = frozenset({"created_at", "due_date", "occurred_at"})
_ID: Final = re.compile(r"[0-9a-f]{8}-[0-9a-f-]{27}")
_NOTHING: Final = "\N{EM DASH}"


@dataclass(frozen=True, slots=True)
class Field:
    """One line of a record."""

    label: str
    value: str


@dataclass(frozen=True, slots=True)
class Section:
    """Fields that belong together: the record itself, the fields of its type, or one part of it."""

    title: str
    fields: list[Field]


@dataclass(frozen=True, slots=True)
class Change:
    """One field that differs."""

    label: str
    old: str
    new: str


class Reader:
    """Puts the content of one record into words.

    Args:
        people: Names for the ids of people.
        zone: The IANA zone of whoever reads.
    """

    def __init__(self, people: Mapping[str, str] | None, zone: str) -> None:
        self._people = people or {}
        self._zone = zone

    def sections(self, content: Mapping[str, Any]) -> list[Section]:
        """Return a record as sections."""
        base = {key: value for key, value in content.items() if key not in _LEFT_OUT and not _is_part(value)}
        ordered = [*(key for key in _FIRST if key in base), *sorted(base.keys() - set(_FIRST))]
        sections = [Section("Record", self._fields({key: base[key] for key in ordered}))]
        details = content.get("details")
        if isinstance(details, dict):
            sections.append(Section("Details", self._fields(cast("dict[str, Any]", details))))
        for key, value in sorted(content.items()):
            if _is_part(value):
                for place, part in enumerate(cast("list[dict[str, Any]]", value), start=1):
                    sections.append(Section(f"{_label(key)} {place}", self._fields(part)))
        return [section for section in sections if section.fields]

    def changes(self, old: Mapping[str, Any], new: Mapping[str, Any]) -> list[Change]:
        """Return what differs between two contents, by path; parts are matched by their id."""
        before, after = dict(_flat(old)), dict(_flat(new))
        return [
            Change(_label(path), self.word(path, before.get(path)), self.word(path, after.get(path)))
            for path in sorted(before.keys() | after.keys())
            if before.get(path) != after.get(path) and path != "due_date"
        ]

    def trail(self, entries: list[dict[str, Any]]) -> list[Change]:
        """Return what entries of the audit trail changed."""
        return [
            Change(
                _label(f"{str(entry['entity']).removeprefix('qms.')}.{field}"),
                self.word(field, change.get("old")),
                self.word(field, change.get("new")),
            )
            for entry in entries
            for field, change in sorted(cast("dict[str, dict[str, Any]]", entry.get("changes") or {}).items())
            if field not in {"id", "organization_id", "record_id", "created_by", "created_kind", "created_at"}
        ]

    def word(self, path: str, value: Any) -> str:
        """Return a value in words."""
        if value is None or value in ("", [], {}):
            return _NOTHING
        if isinstance(value, bool):
            return "yes" if value else "no"
        if isinstance(value, int) and path.rpartition(".")[2] in _MICROSECONDS:
            return when(datetime.fromtimestamp(value / 1_000_000, UTC), self._zone)
        if isinstance(value, str):
            return self._people.get(value, value) if _ID.fullmatch(value) else value
        if isinstance(value, list) and all(isinstance(one, str) for one in cast("list[Any]", value)):
            return ", ".join(self.word(path, one) for one in cast("list[Any]", value))
        return json.dumps(value, indent=2, ensure_ascii=False) if isinstance(value, (dict, list)) else str(value)

    def _fields(self, content: Mapping[str, Any]) -> list[Field]:
        return [
            Field(_label(key), self.word(key, value))
            for key, value in content.items()
            if key not in _LEFT_OUT and value not in (None, "", [], {})
        ]


def since_signed(record: ShownRecord, reader: Reader) -> list[Change]:
    """Return what changed since the record was last signed, or what made the present version."""
    if record.signed_content is not None:
        return reader.changes(record.signed_content, record.content)
    if record.version > 1:
        return reader.trail(record.last_changes or [])
    return []


def when(instant: datetime, zone: str) -> str:
    """Return an instant in a zone and in UTC, both named."""
    in_utc = instant.astimezone(UTC)
    try:
        local = instant.astimezone(ZoneInfo(zone))
    except (ZoneInfoNotFoundError, ValueError):
        return f"{in_utc:%Y-%m-%d %H:%M:%S} UTC"
    if zone in {"UTC", "Etc/UTC"}:
        return f"{in_utc:%Y-%m-%d %H:%M:%S} UTC"
    return f"{local:%Y-%m-%d %H:%M:%S} {zone} ({in_utc:%Y-%m-%d %H:%M:%S} UTC)"


def _is_part(value: Any) -> bool:
    items = cast("list[Any]", value) if isinstance(value, list) else []
    return bool(items) and all(isinstance(item, dict) and "id" in item for item in items)


def _flat(content: Mapping[str, Any], before: str = "") -> Iterator[tuple[str, Any]]:
    for key, value in content.items():
        path = f"{before}.{key}" if before else key
        if _is_part(value):
            for part in cast("list[dict[str, Any]]", value):
                yield from _flat({k: v for k, v in part.items() if k != "id"}, f"{path}.{str(part['id'])[:8]}")
        elif isinstance(value, dict) and value:
            yield from _flat(cast("dict[str, Any]", value), path)
        else:
            yield path, value


def _label(path: str) -> str:
    words = path.replace("_id", "").replace("_", " ").replace(".", " \N{SINGLE RIGHT-POINTING ANGLE QUOTATION MARK} ")
    return words[:1].upper() + words[1:]
