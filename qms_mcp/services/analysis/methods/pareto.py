"""Pareto analysis of a table: the vital few categories by rows, by counts or by what they cost."""

import hashlib
from typing import Any

from pydantic import Field, field_validator

from qms_mcp.errors import InvalidInputError
from qms_mcp.pictures.model import Panel, Picture, Series
from qms_mcp.services.analysis.method import Analysed, Computed, Method, Options, flagged, significant
from qms_mcp.services.analysis.table import Table
from qms_mcp.statistics import pareto as ranking
from qms_mcp.statistics.comparing.wording import listed, p_value, with_unit
from qms_mcp.statistics.flags import Flag

_LONGEST = 80
HEADER = ["category", "weight", "rows", "share", "cumulative", "share_low", "share_high", "vital"]


class ParetoOptions(Options):
    """How to rank.

    Attributes:
        category: The column, or columns whose combinations are ranked.
        count: A column of counts, for a table that was counted already; rows are counted if left out.
        cost: A column that is added up instead (cost, minutes, kilograms).
        limit: Up to which share the vital few reach.
        level: Of the intervals of the shares, for all together.
        bars: How many categories are shown; smaller ones are shown as one bar that says what it is made of.
    """

    category: str | list[str]
    count: str | None = None
    cost: str | None = None
    limit: float = Field(default=0.8, gt=0, le=1)
    level: float = Field(default=0.95, ge=0.5, le=0.9999)
    bars: int = Field(default=20, ge=2, le=100)

    @field_validator("category")
    @classmethod
    def _some(cls, value: str | list[str]) -> str | list[str]:
        if not value:
            raise ValueError("name at least one column")
        return value


class ParetoAnswer(Analysed):
    """What a Pareto analysis answers; the first row of `rows` names the columns."""

    vital_few: list[str]
    total: float
    rows: list[list[Any]]
    tests: list[list[Any]] = Field(default=[])


def compute(table: Table, options: ParetoOptions) -> Computed[ParetoAnswer]:
    """Return the categories, largest first."""
    if options.count and options.cost:
        raise InvalidInputError("Both a count and a cost were given.", hint="Rank by one, then by the other.")
    columns = [options.category] if isinstance(options.category, str) else options.category
    names = _names(table, columns)
    weigher = options.cost or options.count
    weighs: ranking.Weighs = "amount" if options.cost else "count" if options.count else "rows"
    found = ranking.pareto(
        names,
        table.numbers(weigher) if weigher else None,
        weighs=weighs,
        limit=options.limit,
        level=options.level,
    )
    unit = table.unit(weigher) if weigher else "rows"
    flags = [*found.flags, *_alike(found), *_tail_flag(found, options.bars)]
    answer = ParetoAnswer(
        headline=_headline(found, options, unit),
        flags=flagged(flags),
        vital_few=[bar.category for bar in found.bars[: min(found.vital, options.bars)]],
        total=significant(found.total),
        rows=[HEADER, *_rows(found, options.bars)],
        tests=_tests(found),
    )
    return Computed(answer, table.rows, _picture(found, options, unit, answer.headline))


def _names(table: Table, columns: list[str]) -> list[str]:
    parts = [table.text(column) for column in columns]
    if len(parts) == 1:
        return [_short(name) for name in parts[0]]
    return [_short(" + ".join(part.strip() or ranking.NONE for part in row)) for row in zip(*parts, strict=True)]


def _short(name: str) -> str:
    """Return a name that fits a row; two long ones that begin alike stay two."""
    if len(name) <= _LONGEST:
        return name
    return f"{name[: _LONGEST - 12]}… #{hashlib.sha256(name.encode('utf-8', 'replace')).hexdigest()[:8]}"


def _rows(found: ranking.Pareto, most: int) -> list[list[Any]]:
    rows = [
        [
            bar.category,
            significant(bar.weight),
            bar.rows,
            significant(bar.share, 6),
            significant(bar.cumulative, 6),
            None if bar.low is None else significant(bar.low, 4),
            None if bar.high is None else significant(bar.high, 4),
            bar.vital,
        ]
        for bar in found.bars[:most]
    ]
    tail = found.bars[most:]
    if tail:
        weight = sum(bar.weight for bar in tail)
        share = significant(weight / found.total, 6)
        in_all = sum(bar.rows for bar in tail)
        rows.append([_tail_name(tail), significant(weight), in_all, share, 1.0, None, None, False])
    return rows


def _tail_name(tail: tuple[ranking.Bar, ...]) -> str:
    return f"({len(tail)} smaller ones)"


def _tail_flag(found: ranking.Pareto, most: int) -> list[Flag]:
    tail = found.bars[most:]
    if not tail:
        return []
    share = sum(bar.weight for bar in tail) / found.total
    largest = listed([bar.category for bar in tail], 3)
    says = f"The last row is made of the {len(tail)} smallest categories ({share:.1%} of the total): {largest}."
    return [Flag("tail", says, "It is no category of its own; ask for more bars to see them.")]


def _alike(found: ranking.Pareto) -> list[Flag]:
    """Say which categories differ in nothing but case, spaces and punctuation."""
    spelled: dict[str, list[str]] = {}
    for bar in found.bars:
        spelled.setdefault("".join(sign for sign in bar.category.casefold() if sign.isalnum()), []).append(bar.category)
    alike = [names for folded, names in spelled.items() if folded and len(names) > 1]
    if not alike:
        return []
    says = "; ".join(listed(names, 3) for names in alike[:3])
    return [Flag("alike", f"Categories that may be one, spelled differently: {says}.", "Merge them first.")]


def _tests(found: ranking.Pareto) -> list[list[Any]]:
    rows: list[list[Any]] = []
    if found.evenness:
        test = found.evenness
        rows.append([f"all equally frequent: {test.how}", significant(test.chi_square), test.df, significant(test.p)])
    if found.first_two_p is not None:
        rows.append(["first and second equally frequent: exact binomial", None, None, significant(found.first_two_p)])
    return [["test", "statistic", "df", "p"], *rows] if rows else []


def _headline(found: ranking.Pareto, options: ParetoOptions, unit: str) -> str:
    first = ", ".join(f"{bar.category} ({bar.share:.0%})" for bar in found.bars[: min(found.vital, 3)])
    more = ", ..." if found.vital > 3 else ""  # noqa: PLR2004
    whole = with_unit(found.total, unit)
    if options.cost:
        whole = f"{whole} of {options.cost}"
    if len(found.bars) == 1:
        return f"All of {whole} fall into one category, {found.bars[0].category}."
    holds = "holds" if found.vital == 1 else "hold"
    share = found.bars[found.vital - 1].cumulative
    said = f"{found.vital} of {len(found.bars)} categories {holds} {share:.0%} of {whole}: {first}{more}."
    if found.evenness and found.evenness.p > 1 - options.level:
        return f"{said} The order is no more than chance ({p_value(found.evenness.p)})."
    return said


def _picture(found: ranking.Pareto, options: ParetoOptions, unit: str, headline: str) -> Picture:
    rows = _rows(found, options.bars)
    vital = tuple(row[1] if row[7] else None for row in rows)
    others = tuple(None if row[7] else row[1] for row in rows)
    places = tuple(float(at) for at in range(1, len(rows) + 1))
    column = options.category if isinstance(options.category, str) else " and ".join(options.category)
    counted = options.cost or options.count or "rows"
    label = counted if unit in {"", "rows"} else f"{counted} ({unit})"
    series = [Series(y=vital, x=places, style="bars", name="vital few", role="data")]
    if any(value is not None for value in others):
        series.append(Series(y=others, x=places, style="bars", name="others", role="muted"))
    line = tuple(100 * row[4] for row in rows)
    series.append(Series(y=line, x=places, name="cumulated", role="second", right=True))
    panel = Panel(
        series=tuple(series),
        x_label=column,
        y_label=label,
        categories=tuple(str(row[0]) for row in rows),
        percent_right=True,
    )
    return Picture(
        title=f"Pareto of {counted} by {column}",
        panels=(panel,),
        subtitle=f"n = {sum(bar.rows for bar in found.bars)} rows, total {with_unit(found.total, unit)}, "
        f"limit {options.limit:.0%}: {found.vital} of {len(found.bars)}",
        notes=(f"The last bar is made of the {len(found.bars) - options.bars} smallest categories.",)
        if len(found.bars) > options.bars
        else (),
        alt=headline,
    )


PARETO = Method("pareto", "1", ParetoOptions, compute)
