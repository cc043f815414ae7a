"""The records a metric looks at: some types, a window of days, as of a day."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from qms_mcp.errors import InvalidInputError
from qms_mcp.services.analysis.table import Table
from qms_mcp.services.metrics.periods import days_of
from qms_mcp.statistics.flags import Flag

_CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True)
class Step:
    """A transition: on a day from a state to another, and whether that one is final."""

    on: date
    before: str
    after: str
    final: bool


@dataclass(frozen=True, slots=True)
class Record:
    """A record, in days of the organization's time zone.

    Attributes:
        reported: The day it occurred, else was recorded.
        closed: The day it was closed; None while it is open.
        fields: Those of its type, with the base's.
        steps: Its transitions, the first first; none if it was taken over from elsewhere as it stood.
    """

    number: str
    type: str
    state: str
    reported: date
    due: date | None
    closed: date | None
    extensions: int
    duplicate: bool
    fields: Mapping[str, Any]
    steps: tuple[Step, ...] = ()

    def at(self, as_of: date) -> "Record | None":
        """Return the record as it stood at the end of a day; None if it was cancelled by then.

        State and closing go by the transitions; due day, owner and the other fields are those of now.
        """
        gone = [step for step in self.steps if step.on <= as_of]
        if len(gone) == len(self.steps):
            known = self.closed is None or self.closed <= as_of
            return None if self.state == _CANCELLED and known else self
        state = gone[-1].after if gone else self.steps[0].before
        closed = gone[-1].on if gone and gone[-1].final else None
        return None if state == _CANCELLED else replace(self, state=state, closed=closed)

    def entered(self, state: str) -> date | None:
        """Return the day on which it first came to a state."""
        return next((step.on for step in self.steps if step.after == state), None)

    def day(self, name: str) -> date | None:
        """Return a field that is a day."""
        value = self.fields.get(name)
        return date.fromisoformat(value[:10]) if isinstance(value, str) and value else None


@dataclass(frozen=True, slots=True)
class Window:
    """Days from `since` to `until`, both counted; None is without end.

    Attributes:
        as_of: The day from which it is looked: what was reported later is not there, what was closed later is open.
    """

    since: date | None
    until: date | None
    as_of: date

    def holds(self, day: date | None) -> bool:
        """Say whether a day is in it."""
        return (
            day is not None
            and day <= self.as_of
            and (self.since is None or day >= self.since)
            and (self.until is None or day <= self.until)
        )


@dataclass(frozen=True, slots=True)
class Scope:
    """What a metric is computed of.

    Attributes:
        records: Of all types that were read.
        window: When.
        types: Those the caller wants; metrics with types of their own do not heed it.
        volumes: Numbers the records do not hold, as rows.
        costs: The same, of costs.
        repeats: The numbers of the records that repeat a former one, when they were looked for among more records.
    """

    records: Sequence[Record]
    window: Window
    types: tuple[str, ...]
    volumes: Sequence[Mapping[str, Any]] = ()
    costs: Sequence[Mapping[str, Any]] = ()
    repeats: frozenset[str] | None = None

    def of(self, types: Iterable[str]) -> list[Record]:
        """Return the records of some types that were reported by as_of."""
        wanted = frozenset(types) or frozenset(self.types)
        return [one for one in self.records if one.type in wanted and one.reported <= self.window.as_of]

    def reported(self, types: Iterable[str]) -> list[Record]:
        """Return those reported in the window."""
        return [one for one in self.of(types) if self.window.holds(one.reported)]

    def closed(self, types: Iterable[str]) -> list[Record]:
        """Return those closed in the window."""
        return [one for one in self.of(types) if self.window.holds(one.closed)]

    def open(self, types: Iterable[str]) -> list[Record]:
        """Return those open on as_of."""
        return [one for one in self.of(types) if one.closed is None or one.closed > self.window.as_of]

    def at(self, window: Window) -> "Scope":
        """Return the same in another window, records as they stood at its end; rows with a day are those in it."""
        return replace(
            self,
            window=window,
            records=[then for one in self.records if (then := one.at(window.as_of)) is not None],
            volumes=[row for row in self.volumes if _within(row, window)],
            costs=[row for row in self.costs if _within(row, window)],
        )

    def where(self, keep: Callable[[Record], bool], rows: Callable[[Mapping[str, Any]], bool]) -> "Scope":
        """Return the part of some records, and of some rows of the tables."""
        return replace(
            self,
            records=[one for one in self.records if keep(one)],
            volumes=[row for row in self.volumes if rows(row)],
            costs=[row for row in self.costs if rows(row)],
        )


@dataclass(frozen=True, slots=True)
class Measured:
    """What a metric came to.

    Attributes:
        value: None when there is nothing to compute it of.
        n: How many observations it rests on.
        low: Lower end of its interval.
        high: Upper end.
        numerator: What was counted.
        denominator: Out of what.
        unit: When it is not that of the definition (a currency).
        detail: What goes with it: quartiles, bands of age, sums by category.
        behind: The numbers of the records behind it, the weightiest first.
        why_not: Why there is no value.
        flags: What one has to know of it.
    """

    value: float | None
    n: int
    low: float | None = None
    high: float | None = None
    numerator: float | None = None
    denominator: float | None = None
    unit: str = ""
    detail: Mapping[str, Any] = field(default_factory=dict[str, Any])
    behind: tuple[str, ...] = ()
    why_not: str = ""
    flags: tuple[Flag, ...] = ()


def _within(row: Mapping[str, Any], window: Window) -> bool:
    day = day_of(row)
    return day is None or window.holds(day)


def day_of(row: Mapping[str, Any]) -> date | None:
    """Return the first day of a row of a table that was given; None when it names none."""
    days = span_of(row)
    return days and days[0]


def span_of(row: Mapping[str, Any]) -> tuple[date, date] | None:
    """Return the first and last day of a row: its `date`, `day`, `week`, `month`, `quarter`, `year` or `period`.

    Raises:
        InvalidInputError: What stands there is no day and no period.
    """
    for name in ("date", "day", "week", "month", "quarter", "year", "period"):
        value = row.get(name)
        if value in {None, ""}:
            continue
        text = f"{value:g}" if isinstance(value, float) else str(value).strip()
        days = days_of(text)
        if days is None:
            raise InvalidInputError(
                f"{text[:40]!r} in column {name!r} is no day and no period.",
                hint="Write 2026-03-31, 2026-W07, 2026-03, 2026-Q1 or 2026.",
            )
        return days
    return None


def rows_of(table: Table) -> list[dict[str, Any]]:
    """Return a table as rows with lower-case names."""
    names = [name.strip().lower() for name in table.columns]
    return [dict(zip(names, row, strict=True)) for row in zip(*table.columns.values(), strict=True)]


def record_of(row: Mapping[str, Any], zone: str) -> Record:
    """Return a record from its row."""
    here = ZoneInfo(zone)

    def day(moment: datetime | None) -> date | None:
        return None if moment is None else moment.astimezone(here).date()

    reported, due = day(row["reported_at"]), day(row["due_at"])
    assert reported  # noqa: S101 - a record has always been recorded
    base = {name: row.get(name) for name in ("priority", "risk_class", "owner", "supplier", "person", "document")}
    fields = {**row["fields"], **base}
    return Record(
        number=row["number"],
        type=row["type"],
        state=row["state"],
        reported=reported,
        due=due,
        closed=day(row["closed_at"]),
        extensions=int(row["extensions"]),
        duplicate=bool(row["duplicate"]),
        fields=fields,
        steps=tuple(
            Step(datetime.fromisoformat(at).astimezone(here).date(), before or "", after, final)
            for at, before, after, final in row.get("history") or ()
        ),
    )
