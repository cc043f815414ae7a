"""Reading events and counts out of a table, and drawing shares and rates, for the comparisons of counts."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from qms_mcp.errors import InvalidInputError
from qms_mcp.pictures.model import Panel, Picture, Series
from qms_mcp.services.analysis.methods.compare_groups_model import (
    CompareAnswer,
    CompareOptions,
)
from qms_mcp.services.analysis.table import Table
from qms_mcp.statistics.comparing.samples import natural
from qms_mcp.statistics.comparing.wording import listed, p_value
from qms_mcp.statistics.flags import Flag
from qms_mcp.statistics.numbers import as_number

if TYPE_CHECKING:
    pass


TWO = 2


_YES = ("yes", "y", "true", "1", "1.0", "fail", "failed", "nok", "ng", "defective", "rejected", "late", "overdue")


def events_of(table: Table, options: CompareOptions) -> tuple[list[bool | None], str, list[Flag]]:
    """Return of each row whether it had the event, what the event is, and what to know about it."""
    assert isinstance(options.value, str)  # noqa: S101 - settled by the caller
    written = [_written(value) for value in table.column(options.value)]
    seen = sorted({text for text in written if text}, key=natural)
    flags = list[Flag]()
    if "" in written:
        flags.append(Flag("missing", f"{written.count('')} rows have no {options.value} and are left out."))
    if not seen:
        raise InvalidInputError(f"There is no value of {options.value}.", hint="Check the filter and the column.")
    event = _written(options.event) if options.event is not None else _event_of(seen)
    if event is None or (event not in seen and options.event is not None):
        raise InvalidInputError(
            f"It is not clear which value of {options.value} counts: it has {listed(seen, 8)}.",
            hint="Name it as `event`.",
        )
    if options.event is None:
        flags.append(Flag("event_chosen", f"What is counted is {options.value} = {event!r}.", "Name another `event`."))
    return [None if text == "" else text == event for text in written], f"{options.value} = {event}", flags


def _written(value: Any) -> str:
    """Return a value as text in which 1, 1.0 and "1" are the same."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    number = as_number(value)
    if number is not None and number == number and number == int(number):  # noqa: PLR0124 - not nan
        return str(int(number))
    return str(value).strip().casefold()


def _event_of(seen: Sequence[str]) -> str | None:
    known = [text for text in seen if text in _YES]
    if known:
        return known[0]
    if len(seen) == 1:
        return {"false": "true", "0": "1", "no": "yes"}.get(seen[0], seen[0])
    return seen[-1] if len(seen) == TWO else None


def whole_counts(table: Table, column: str) -> list[int | None]:
    """Return a column as counts, None where one is missing.

    Raises:
        InvalidInputError: A value is negative or not whole.
    """
    made = list[int | None]()
    for at, value in enumerate(table.numbers(column).tolist(), 1):
        if value != value:  # noqa: PLR0124 - nan
            made.append(None)
            continue
        if value < 0 or value != int(value):
            raise InvalidInputError(
                f"{column} must be whole counts; row {at} has {value:g}.", hint="Give counts, not shares or per cent."
            )
        made.append(int(value))
    return made


def few_flags(events: Sequence[int], sizes: Sequence[int]) -> list[Flag]:
    """Say where counts are too few, or none, to show much."""
    if sum(events) == 0:
        return [Flag("no_events", "No group has an event: the intervals say how many there may be all the same.")]
    if sum(events) == sum(sizes):
        return [Flag("no_events", "Every one had the event: the intervals say how many may not.")]
    if min(sizes) < 10:  # noqa: PLR2004
        return [Flag("few", f"The smallest group has {min(sizes)}.", "Only large differences show.")]
    return []


def interval_picture(
    names: Sequence[str],
    sizes: Sequence[int],
    values: Sequence[float],
    ends: Sequence[tuple[float, float]],
    answer: CompareAnswer,
) -> Picture:
    """Return what was seen in each group with its interval."""
    shown = slice(0, 40)
    series = Series(
        y=tuple(values[shown]),
        style="points",
        role="data",
        name="seen, with its exact interval",
        low=tuple(low for low, _ in ends[shown]),
        high=tuple(high for _, high in ends[shown]),
    )
    labels = tuple(f"{name} (n = {size})" for name, size in zip(names[shown], sizes[shown], strict=True))
    notes = (f"The first 40 of {len(names)} groups are drawn.",) if len(names) > 40 else ()  # noqa: PLR2004
    panel = Panel(series=(series,), categories=labels)
    subtitle = f"n = {sum(sizes)}, {answer.test}, {p_value(answer.p)}"
    return Picture(title="", panels=(panel,), subtitle=subtitle, notes=notes, alt=answer.headline)


def titled(picture: Picture, label: str, options: CompareOptions) -> Picture:
    """Return a picture with its title and the names of its axes."""
    by = options.group or options.split or "group"
    panel = picture.panels[0].model_copy(update={"y_label": label, "x_label": options.group or ""})
    return picture.model_copy(update={"title": f"{label} by {by}", "panels": (panel,)})
