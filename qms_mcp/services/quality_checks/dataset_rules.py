"""The rules of dataset-v1: what a sample of rows shows, column by column, and what the rules of a table gave."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from qms_mcp.services.quality_checks.columns import (
    Column,
    far_out,
    in_the_future,
    kinds_of_value,
    placeholders,
    spellings,
)
from qms_mcp.services.quality_checks.report import Found, Report
from qms_mcp.services.validation.models import RuleResult

_HALF, _FIFTH = 0.5, 0.2
_FEWEST_FOR_CONSTANT = 20
_SHOWN = 3
# What differs from row to row whatever they say.
_OWN_TO_A_ROW = frozenset({"id", "created_at", "updated_at", "number", "row_hash", "seq"})


@dataclass(frozen=True, slots=True)
class Sample:
    """Rows that were looked at.

    Attributes:
        columns: Name and type of each.
        keys: Columns that name a row.
    """

    columns: Sequence[tuple[str, str]]
    rows: Sequence[Sequence[Any]]
    keys: frozenset[str] = frozenset()

    def column(self, place: int) -> Column:
        """Return the values of a column."""
        name, kind = self.columns[place]
        return Column(name, kind, [row[place] for row in self.rows])


def check_sample(sample: Sample, now: datetime, report: Report) -> None:
    """Check the rows of a sample."""
    if not sample.rows:
        return
    columns = [sample.column(place) for place in range(len(sample.columns))]
    report.applied("S03", _empty(columns, _HALF, 1.01))
    report.applied("S04", _empty(columns, _FIFTH, _HALF))
    if len(sample.rows) >= _FEWEST_FOR_CONSTANT:
        report.applied("S05", _constant(columns))
    report.applied("S06", _duplicates(sample))
    if any(column.is_number for column in columns):
        report.applied("S07", _far_out(columns))
    if any(column.is_time for column in columns):
        report.applied("S08", _future(columns, now))
    if any(column.is_text for column in columns):
        report.applied("S09", _mixed(columns))
        report.applied("S10", _spellings(columns))
        report.applied("S11", _placeholders(columns))


def check_validation(results: Sequence[RuleResult], report: Report) -> None:
    """Enter what the rules gave that a table implies."""
    failed = [result for result in results if result.status == "failed"]
    errors = [result for result in results if result.status == "error"]
    if failed or len(errors) < len(results):
        report.applied("S02", [
            Found(
                f"{result.rule}: {result.failing} of {result.checked} rows fail ({result.inferred_from})",
                "validate_data shows which rows", field=result.rule[:60],
            ) for result in failed
        ])  # fmt: skip
    if errors:
        report.could_not("S02", f"{len(errors)} of {len(results)} implied rules, the first: {errors[0].error}")


def _empty(columns: Sequence[Column], least: float, below: float) -> Iterator[Found]:
    for column in columns:
        whole = len(column.values)
        empty = whole - len(column.filled)
        if least <= empty / whole < below:
            yield Found(
                f"{empty} of {whole} rows have no {column.name} ({empty / whole:.0%})",
                "fill it, or drop the column if nobody needs it",
                field=column.name,
            )


def _constant(columns: Sequence[Column]) -> Iterator[Found]:
    for column in columns:
        filled = column.filled
        if len(filled) >= _FEWEST_FOR_CONSTANT and len({repr(value) for value in filled}) == 1:
            yield Found(
                f"all {len(filled)} values of {column.name} are {str(filled[0])[:60]!r}",
                "check whether it was really recorded",
                field=column.name,
            )


def _duplicates(sample: Sample) -> Iterator[Found]:
    own = sample.keys | _OWN_TO_A_ROW
    places = [place for place, (name, _) in enumerate(sample.columns) if name not in own]
    if not places:
        return
    counted = Counter(repr([row[place] for place in places]) for row in sample.rows)
    again = {row: count for row, count in counted.items() if count > 1}
    # Rows that are nothing but key are alike by nature.
    again.pop(repr([None] * len(places)), None)
    if again:
        row, count = max(again.items(), key=lambda one: one[1])
        yield Found(
            f"{sum(again.values()) - len(again)} rows repeat another; one stands {count} times: {row[:160]}",
            "keep one of each, or add what tells them apart",
            field=", ".join(sample.columns[place][0] for place in places[:5]),
        )


def _far_out(columns: Sequence[Column]) -> Iterator[Found]:
    for column in columns:
        numbers = far_out(column)
        if numbers:
            shown = ", ".join(f"{number:g}" for number in sorted(set(numbers), key=abs, reverse=True)[:_SHOWN])
            yield Found(
                f"{len(numbers)} of {len(column.filled)} values lie far outside: {shown}",
                "check the measurement and the unit; leave them out only with a reason",
                field=column.name,
            )


def _future(columns: Sequence[Column], now: datetime) -> Iterator[Found]:
    for column in columns:
        later = in_the_future(column, now)
        if later:
            yield Found(
                f"{len(later)} of {len(column.filled)} lie in the future, up to {max(later)}",
                "correct the dates, or name the column for what is planned",
                field=column.name,
            )


def _mixed(columns: Sequence[Column]) -> Iterator[Found]:
    for column in columns:
        kinds = kinds_of_value(column)
        if kinds:
            shown = ", ".join(f"{count} {kind}" for kind, count in list(kinds.items())[:5])
            yield Found(f"kinds of value are mixed: {shown}", "write all in one unit and form", field=column.name)


def _spellings(columns: Sequence[Column]) -> Iterator[Found]:
    for column in columns:
        groups = spellings(column)
        if groups:
            shown = "; ".join(" / ".join(repr(value[:40]) for value in group[:_SHOWN]) for group in groups[:_SHOWN])
            yield Found(f"{len(groups)} values in several spellings: {shown}", "choose one of each", field=column.name)


def _placeholders(columns: Sequence[Column]) -> Iterator[Found]:
    for column in columns:
        found = placeholders(column)
        if found:
            shown = ", ".join(repr(value) for value in sorted(set(found))[:_SHOWN])
            yield Found(
                f"{len(found)} of {len(column.filled)} values are placeholders: {shown}",
                "say what is the case, or leave it empty",
                field=column.name,
            )
