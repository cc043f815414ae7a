"""When a cron expression is due, in the wall clock of a place.

Expressions of five fields are read in the local time of the organization. Where clocks are put forward, what falls into
the hour that does not exist is due an hour later, once; where they are put back, what names an hour is due the first
time it comes, and what runs every hour is due in both.
"""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from qms_mcp.errors import InvalidInputError

_FIELDS = 5
_AROUND = timedelta(hours=3)  # no place moves its clocks by more
_FAR = 5_000


def check_cron(expression: str) -> str:
    """Return the expression with single blanks.

    Raises:
        InvalidInputError: It is none of five fields, or is never due.
    """
    from croniter import croniter  # noqa: PLC0415 - only where schedules are looked at

    plain = " ".join(expression.split())
    hint = "Five fields: minute hour day month weekday, such as `20 2 * * *`."
    if len(plain.split(" ")) != _FIELDS or not croniter.is_valid(plain):
        raise InvalidInputError("This is no cron expression.", hint=hint)
    if next(_local(plain, datetime(2024, 1, 1), back=False), None) is None:  # noqa: DTZ001 - of no place
        raise InvalidInputError("This cron expression is never due.", hint=hint)
    return plain


def last_due(expression: str, zone: ZoneInfo, now: datetime) -> datetime | None:
    """Return the last moment it was due, up to and with `now`, in UTC; None if there is none within years."""
    return _nearest(expression, zone, now, back=True)


def next_due(expression: str, zone: ZoneInfo, now: datetime) -> datetime | None:
    """Return the first moment it is due after `now`, in UTC; None if there is none within years."""
    return _nearest(expression, zone, now, back=False)


def _nearest(expression: str, zone: ZoneInfo, now: datetime, *, back: bool) -> datetime | None:
    wall = now.astimezone(zone).replace(tzinfo=None, fold=0)
    # Wall clocks near a change are not in the order of time: a little beyond is looked at on both sides.
    start = wall + (_AROUND if back else -_AROUND)
    found: datetime | None = None
    end: datetime | None = None
    for local in _local(expression, start, back=back):
        if end is not None and (local < end if back else local > end):
            break
        for moment in _moments(local, zone, hourly=expression.split()[1].startswith("*")):
            if (moment <= now) is not back:
                continue
            if found is None or (moment > found if back else moment < found):
                found = moment
            if end is None:
                end = local - _AROUND if back else local + _AROUND
    return found


def _local(expression: str, start: datetime, *, back: bool) -> Iterator[datetime]:
    from croniter import CroniterBadDateError, croniter  # noqa: PLC0415 - only where schedules are looked at

    steps = croniter(expression, start)
    try:
        for _ in range(_FAR):
            yield steps.get_prev(datetime) if back else steps.get_next(datetime)
    except CroniterBadDateError:
        return


def _moments(local: datetime, zone: ZoneInfo, *, hourly: bool) -> list[datetime]:
    """Return when a wall clock shows this: once, or twice in the hour that comes again."""
    first, second = (local.replace(tzinfo=zone, fold=fold).astimezone(UTC) for fold in (0, 1))
    # In the hour that does not exist the second is before the first.
    return [first, second] if hourly and second > first else [first]
