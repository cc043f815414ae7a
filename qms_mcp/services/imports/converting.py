"""From a row of a file to the fields of a record."""

import re
from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation
from typing import Any, cast

from qms_mcp.services.imports.maps import COLUMN_OF_TEMPLATE, ImportMap, Rule

_SPACE = re.compile(r"\s+")
_TRUE, _FALSE = frozenset({"true", "yes", "y", "1", "t"}), frozenset({"false", "no", "n", "0", "f"})


class RowError(Exception):
    """A row can't be used.

    Args:
        reason: What is wrong, the same for all rows with the same fault.
        detail: What is wrong with this one.
    """

    def __init__(self, reason: str, detail: str = "") -> None:
        super().__init__(reason)
        self.reason = reason
        self.detail = detail


def external_id_of(row: Mapping[str, Any], map_: ImportMap) -> str:
    """Return the id of a row in its own system.

    Raises:
        RowError: It has none.
    """
    found = _converted("external_id", map_.external_id, row)
    if found is None or not str(found).strip():
        raise RowError("it has no id of its own", f"external_id: {map_.external_id.mentioned()} is empty")
    return str(found).strip()


def fields_of(row: Mapping[str, Any], map_: ImportMap) -> dict[str, Any]:
    """Return the fields of the record a row becomes, without where it is from.

    Raises:
        RowError: A value can't be used.
    """
    fields = dict(_values(row, map_.fields))
    metadata = dict(_values(row, map_.metadata))
    if metadata:
        fields["metadata"] = metadata
    if not str(fields.get("title", "")).strip():
        raise RowError("it has no title", f"title: {map_.fields['title'].mentioned()} is empty")
    return fields


def _values(row: Mapping[str, Any], rules: Mapping[str, Rule]) -> Iterator[tuple[str, Any]]:
    for name, rule in rules.items():
        value = _converted(name, rule, row)
        if value is None and rule.required:
            raise RowError(f"{name} is missing", f"{rule.mentioned()} is empty")
        if value is not None:
            yield name, value


def _converted(name: str, rule: Rule, row: Mapping[str, Any]) -> Any:
    for case in rule.cases:
        found = at_path(row, case.column)
        if case.equals is not None and _plain(found).casefold() == case.equals.casefold():
            return case.value
        if case.above is not None and (number := _number(_plain(found))) is not None and number > Decimal(case.above):
            return case.value
    raw = _raw(rule, row)
    if raw is None or (isinstance(raw, str) and not raw.strip()):
        return rule.otherwise
    if rule.values:
        known = {word.casefold(): meaning for word, meaning in rule.values.items()}
        word = _plain(raw).strip().casefold()
        if word not in known and rule.otherwise is None:
            raise RowError(f"{name} has a word the map does not know", f"{name}: {_plain(raw)[:80]!r}")
        return known.get(word, rule.otherwise) or None
    try:
        return _of_kind(rule, raw)
    except ValueError:
        if rule.otherwise is not None:
            return rule.otherwise
        raise RowError(f"{name} is no {rule.kind}", f"{name}: {_plain(raw)[:80]!r}") from None


def _raw(rule: Rule, row: Mapping[str, Any]) -> Any:
    if rule.value is not None:
        return rule.value
    if rule.template is not None:
        found = {
            name: _plain(_first(row, tuple(name.split("|")))) for name in COLUMN_OF_TEMPLATE.findall(rule.template)
        }
        if not any(text.strip() for text in found.values()):
            return None
        filled = COLUMN_OF_TEMPLATE.sub(lambda match: found[match[1]], rule.template)
        return _SPACE.sub(" ", filled).strip(" :,-")
    return _first(row, rule.columns)


def _first(row: Mapping[str, Any], columns: tuple[str, ...]) -> Any:
    """Return the first value that is not empty."""
    for column in columns:
        found = at_path(row, column)
        if found is not None and (not isinstance(found, str) or found.strip()):
            return found
    return None


def at_path(row: Mapping[str, Any], path: str) -> Any:
    """Return a value by its name, or by a path into objects and lists; None when there is none."""
    if path in row:
        return row[path]
    value: Any = row
    for part in path.split("."):
        if isinstance(value, Mapping):
            value = cast("Mapping[str, Any]", value).get(part)
        elif isinstance(value, list) and part.isdecimal() and int(part) < len(cast("list[Any]", value)):
            value = cast("list[Any]", value)[int(part)]
        else:
            return None
    return value


def _of_kind(rule: Rule, raw: Any) -> Any:
    text = _plain(raw).strip()
    match rule.kind:
        case "date":
            return _moment(text, rule.formats).date().isoformat()
        case "time":
            moment = _moment(text, rule.formats)
            return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).isoformat()
        case "number" | "integer":
            number = _number(text)
            if number is None or (rule.kind == "integer" and number != number.to_integral_value()):
                raise ValueError(text)
            return int(number) if number == number.to_integral_value() else float(number)
        case "boolean":
            if text.casefold() not in _TRUE | _FALSE:
                raise ValueError(text)
            return text.casefold() in _TRUE
        case "list":
            items: list[Any] = cast("list[Any]", raw) if isinstance(raw, list) else text.split(",")
            return [item for item in (_plain(one).strip() for one in items) if item]
        case "text":
            return text if rule.longest is None or len(text) <= rule.longest else f"{text[: rule.longest - 1]}…"


def _moment(text: str, formats: tuple[str, ...]) -> datetime:
    if not formats:
        return datetime.fromisoformat(text)
    for form in formats:
        try:
            return datetime.strptime(text, form)  # noqa: DTZ007 - a zone is in the format, or it is a day
        except ValueError:
            continue
    raise ValueError(text)


def _number(text: str) -> Decimal | None:
    try:
        number = Decimal(text.strip().replace(",", ""))
    except InvalidOperation:
        return None
    return number if number.is_finite() else None


def _plain(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, (list, tuple)):
        return ", ".join(_plain(item) for item in cast("list[Any]", value))
    return value.isoformat() if isinstance(value, date) else str(value)
