"""What the values of one column say about it: how many are there, how they are written, which lie far out."""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from statistics import median
from typing import Any

from qms_mcp.services.quality_checks.placeholders import placeholder_in

# 1.4826 times the median deviation is the standard deviation of a normal distribution.
_TO_SIGMA = 1.4826
# Tukey's 3.5 marks one normal value in two thousand; here only what no spread explains.
_FAR_OUT = 5.0
_FEWEST_NUMBERS = 20
_MOST_VALUES_FOR_SPELLING = 200
_NUMBER = re.compile(r"^[+-]?\d+(?:[.,]\d+)*(?:[eE][+-]?\d+)?$")
_WITH_UNIT = re.compile(r"^[+-]?\d+(?:[.,]\d+)*\s*(?P<unit>[a-zA-Zµμ°%Ω/²³]{1,8})$")
_DATES = (
    ("year-month-day", re.compile(r"^\d{4}-\d{2}-\d{2}(?:[T ].*)?$")),
    ("day.month.year", re.compile(r"^\d{1,2}\.\d{1,2}\.\d{2,4}$")),
    ("with slashes", re.compile(r"^\d{1,2}/\d{1,2}/\d{2,4}$")),
    ("eight digits", re.compile(r"^(?:19|20)\d{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])$")),
)
_PLANNED = re.compile(
    r"(due|next|plan|expir|until|valid_to|_to$|end|review|target|deadline|schedul|effective|window|not_before|leas|hold)",
    re.IGNORECASE,
)
_NUMERIC = ("integer", "bigint", "smallint", "numeric", "double precision", "real")


@dataclass(frozen=True, slots=True)
class Column:
    """The values of a column, as JSON has them, in the order of the rows."""

    name: str
    type: str
    values: Sequence[Any]

    @property
    def filled(self) -> list[Any]:
        """Return the values that are not empty."""
        return [value for value in self.values if value is not None and (not isinstance(value, str) or value.strip())]

    @property
    def is_text(self) -> bool:
        """Return whether it holds text."""
        return self.type == "text" or self.type.startswith(("character", "citext"))

    @property
    def is_number(self) -> bool:
        """Return whether it holds numbers."""
        return self.type.startswith(_NUMERIC)

    @property
    def is_time(self) -> bool:
        """Return whether it holds dates or times."""
        return self.type == "date" or self.type.startswith("timestamp")


def far_out(column: Column) -> list[float]:
    """Return the values whose robust z (distance from the median in median deviations) is above 5."""
    if not column.is_number or column.name == "id" or column.name.endswith("_id"):
        return []
    numbers = [number for number in map(_number, column.filled) if number is not None]
    if len(numbers) < _FEWEST_NUMBERS:
        return []
    middle = median(numbers)
    spread = median(abs(number - middle) for number in numbers) * _TO_SIGMA
    if spread == 0:
        return []
    return [number for number in numbers if abs(number - middle) / spread > _FAR_OUT]


def in_the_future(column: Column, now: datetime) -> list[str]:
    """Return the values of what has happened that lie more than a day ahead."""
    if not column.is_time or _PLANNED.search(column.name):
        return []
    last = now + timedelta(days=1)
    return [str(value) for value in column.filled if (at := _instant(value)) is not None and at > last]


def kinds_of_value(column: Column) -> dict[str, int]:
    """Return how often each kind of value is in a text column: number, unit, date format or words.

    Empty when it holds one kind, or words among others: words say nothing about form.
    """
    if not column.is_text:
        return {}
    kinds = Counter(_kind(str(value).strip()) for value in column.filled)
    forms = {kind: count for kind, count in kinds.items() if kind != "words"}
    mostly_forms = sum(forms.values()) > 0.8 * kinds.total()
    mixed = len(forms) > 1 or (mostly_forms and kinds["words"] > 0)
    return dict(kinds.most_common()) if mixed and mostly_forms else {}


def spellings(column: Column) -> list[list[str]]:
    """Return groups of values that differ only in case, spaces or hyphens."""
    if not column.is_text:
        return []
    distinct = {str(value) for value in column.filled}
    if len(distinct) > _MOST_VALUES_FOR_SPELLING:
        return []
    groups: dict[str, list[str]] = {}
    for value in sorted(distinct):
        groups.setdefault(re.sub(r"[\s_-]+", " ", value.strip().casefold()), []).append(value)
    return [group for group in groups.values() if len(group) > 1]


def placeholders(column: Column) -> list[str]:
    """Return what placeholders a text column holds, one each."""
    if not column.is_text:
        return []
    found = (placeholder_in(str(value)) for value in column.filled)
    return [one for one in found if one]


def _kind(value: str) -> str:
    for name, pattern in _DATES:
        if pattern.match(value):
            return f"date {name}"
    if _NUMBER.match(value):
        return "number without unit"
    unit = _WITH_UNIT.match(value)
    return f"number in {unit['unit']}" if unit else "words"


def _number(value: Any) -> float | None:
    if isinstance(value, bool):
        return None
    try:
        number = float(value)
    except (TypeError, ValueError):
        return None
    return number if abs(number) < float("inf") else None


def _instant(value: Any) -> datetime | None:
    text = str(value)
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        return None
    if isinstance(value, date) and not isinstance(value, datetime):
        at = datetime(value.year, value.month, value.day, tzinfo=UTC)
    return at if at.tzinfo else at.replace(tzinfo=UTC)
