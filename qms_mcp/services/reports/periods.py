"""The days a report is about, and those it is compared with: the period of the same kind just before."""

import re
from calendar import monthrange
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from qms_mcp.errors import InvalidInputError
from qms_mcp.services.reports.asked import Kind

_MONTHS_OF = {"Q": 3, "H": 6}
_WRITTEN = re.compile(r"(?P<year>\d{4})(?:-(?P<part>\d{2}|Q[1-4]|H[12]))?", re.IGNORECASE)
_EARLIEST = 1970
_USUAL: dict[Kind, int] = {"monthly": 1, "management_review": 6, "supplier": 3, "capa_board": 1}
_YEAR = 12


@dataclass(frozen=True, slots=True)
class Period:
    """Whole months.

    Attributes:
        label: As it is written: `2026-10`, `2026-Q3`, `2026-H2`, `2026`.
        first: Its first day.
        months: How long it is.
    """

    label: str
    first: date
    months: int

    @property
    def after(self) -> date:
        """The first day that is no longer in it."""
        return months_later(self.first, self.months)

    @property
    def last(self) -> date:
        """Its last day."""
        return self.after - timedelta(days=1)

    @property
    def before(self) -> "Period":
        """The period of the same length just before."""
        return period_of(months_later(self.first, -self.months), self.months)

    @property
    def said(self) -> str:
        """In words: `October 2026`, `2026-07-01 to 2026-09-30`."""
        if self.months == 1:
            return f"{self.first:%B %Y}"
        return f"{self.first} to {self.last}"


def parsed_period(written: str) -> Period:
    """Return a period as people write it.

    Raises:
        InvalidInputError: It is none.
    """
    found = _WRITTEN.fullmatch(written.strip())
    if found is None or int(found["year"]) < _EARLIEST:
        raise _no_period(written)
    year, part = int(found["year"]), (found["part"] or "").upper()
    if not part:
        return Period(str(year), date(year, 1, 1), _YEAR)
    if part.isdigit():
        if not 1 <= int(part) <= _YEAR:
            raise _no_period(written)
        return Period(f"{year}-{part}", date(year, int(part), 1), 1)
    months = _MONTHS_OF[part[0]]
    return Period(f"{year}-{part}", date(year, (int(part[1]) - 1) * months + 1, 1), months)


def usual_period(kind: Kind, today: date) -> Period:
    """Return the period when none is named: of a CAPA board the running month, else the last whole one."""
    months = _USUAL[kind]
    start = date(today.year, (today.month - 1) // months * months + 1, 1)
    return period_of(start if kind == "capa_board" else months_later(start, -months), months)


def period_of(first: date, months: int) -> Period:
    """Return the period of some months that begins on a day, with its label."""
    if months == 1:
        return Period(f"{first:%Y-%m}", first, 1)
    if months == _YEAR:
        return Period(f"{first.year}", first, _YEAR)
    letter = next(letter for letter, length in _MONTHS_OF.items() if length == months)
    return Period(f"{first.year}-{letter}{(first.month - 1) // months + 1}", first, months)


def months_later(day: date, months: int) -> date:
    """Return the day some months later (or earlier), the last of its month at most."""
    whole = day.year * _YEAR + day.month - 1 + months
    year, month = divmod(whole, _YEAR)
    return date(year, month + 1, min(day.day, monthrange(year, month + 1)[1]))


@dataclass(frozen=True, slots=True)
class Span:
    """A period as moments, in the time zone of an organization.

    Attributes:
        before: When the period it is compared with begins.
        since: When it begins.
        until: When it ends; what happens then is after it.
        at: The moment it looks from: its end, or now while it still runs.
    """

    before: datetime
    since: datetime
    until: datetime
    at: datetime


def span_of(period: Period, now: datetime, zone: str) -> Span:
    """Return a period as moments.

    Raises:
        InvalidInputError: It has not begun.
    """
    place = ZoneInfo(zone)

    def start(day: date) -> datetime:
        return datetime.combine(day, time(), place)

    since, until = start(period.first), start(period.after)
    if since > now:
        raise InvalidInputError(
            f"{period.label} has not begun: it is {now.astimezone(place):%Y-%m-%d} there.",
            hint="Name an earlier period.",
        )
    return Span(start(period.before.first), since, until, min(until, now))


def _no_period(written: str) -> InvalidInputError:
    return InvalidInputError(
        f"{written[:30]!r} is no period.",
        hint="Write a month 2026-10, a quarter 2026-Q3, a half 2026-H2 or a year 2026.",
    )
