"""What a search for anomalies is asked and what it answers."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field

from qms_mcp.pictures.model import Panel
from qms_mcp.services.analysis.method import Analysed, Options
from qms_mcp.services.analysis.table import Table
from qms_mcp.statistics.anomalies.times import Period, limit_of, seconds
from qms_mcp.statistics.flags import Flag

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

Kind = Literal["auto", "value", "seasonal", "rate", "category", "text"]
MOST_ROWS = 100
MOST_POINTS = 2_000
_LAST = 0.2


class AnomalyChoices(Options):
    """What may be said beside the columns.

    Attributes:
        group: Values are judged within their group; counts by group.
        period: Rows are counted by it, or each period against the others.
        exposure: A column of units, hours or lots, for counts.
        trials: The same, where a count is so many of so many.
        season: How many values make a season (12 months, 7 days).
        since: From when on categories and texts count as new; the last fifth if left out.
        alpha: The share of false ones among those found.
    """

    group: str | None = None
    period: Period | None = None
    exposure: str | None = None
    trials: str | None = None
    season: int | None = Field(default=None, ge=2, le=1_000)
    since: str | None = None
    alpha: float = Field(default=0.05, gt=0, lt=0.5)


class AnomalyOptions(AnomalyChoices):
    """What to look at.

    Attributes:
        value: The column: numbers, counts, categories or texts; several columns for unlikely combinations.
        kind: Of anomaly; chosen by the column if left out.
        time: A column of moments.
    """

    value: str | list[str] | None = None
    kind: Kind = "auto"
    time: str | None = None


class AnomalyAnswer(Analysed):
    """What was found; the first row of `anomalies` names the columns.

    Attributes:
        kind: What was looked for.
        anomalies: The most surprising first, each with why it is one.
        found: How many there are in all.
        tested: How many values, periods or categories were looked at.
        expected_false: How many false ones are to be expected among those found.
        threshold: The chance below which one was called.
        also: What is new or farthest off and yet no more than chance.
    """

    kind: str
    found: int
    tested: int
    expected_false: float
    threshold: float
    anomalies: list[list[Any]] = Field(default=[])
    also: list[list[Any]] = Field(default=[])


@dataclass(frozen=True, slots=True)
class Found:
    """What one kind of search found, before it is put into words for all kinds alike.

    Attributes:
        rows: Of `anomalies`, without the header.
        header: Their columns.
        threshold: The chance below which one was called.
        of: What was looked at, in words ("values of thickness").
        panels: Of the picture.
        n: Observations it rests on.
    """

    rows: list[list[Any]]
    header: list[str]
    tested: int
    expected_false: float
    threshold: float
    of: str
    panels: tuple[Panel, ...]
    n: int
    title: str
    also: list[list[Any]] = field(default_factory=list[list[Any]])
    flags: tuple[Flag, ...] = ()


def moments_of(table: Table, options: AnomalyOptions) -> "NDArray[np.float64] | None":
    """Return the moments of the rows, if a time is named."""
    return seconds(table.column(options.time), options.time) if options.time else None


def later_than(table: Table, options: AnomalyOptions, n: int) -> "tuple[NDArray[np.bool_], str, list[Flag]]":
    """Return which rows lie after the moment from which things count as new, what that is, and what to know."""
    import numpy as np  # noqa: PLC0415

    times = moments_of(table, options)
    if options.since and times is not None:
        limit = limit_of(options.since, times, str(options.time))
        return ~np.isnan(times) & (times >= limit), f"since {options.since}", _without(times)
    if options.since:
        from qms_mcp.errors import InvalidInputError  # noqa: PLC0415

        raise InvalidInputError("A moment was given, but no column of times.", hint="Name it as `time`.")
    if times is None:
        later = np.zeros(n, dtype=bool)
        later[n - max(1, int(n * _LAST)) :] = True
        says = f"No time was named: the rows are taken in their order, the last {int(later.sum())} as the new ones."
        return later, f"in the last {int(later.sum())} rows", [Flag("since_chosen", says, "Give time and since.")]
    limit = float(np.nanquantile(times, 1 - _LAST, method="higher"))
    if not (times < limit).any():
        limit = float(np.nextafter(np.nanmin(times), np.inf))
    at = int(np.flatnonzero(times >= limit)[np.argmin(times[times >= limit])]) if (times >= limit).any() else 0
    named = str(table.column(str(options.time))[at])
    says = f"No moment was named: what is new since {named} (the last fifth of the rows) is looked for."
    flags = [Flag("since_chosen", says, "Give since."), *_without(times)]
    return ~np.isnan(times) & (times >= limit), f"since {named}", flags


def _without(times: "NDArray[np.float64]") -> list[Flag]:
    import numpy as np  # noqa: PLC0415

    lacking = int(np.isnan(times).sum())
    return [Flag("missing", f"{lacking} rows have no time; they count as before.")] if lacking else []
