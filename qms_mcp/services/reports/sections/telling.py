"""What all sections are made with: citing records, counting rows, and tables of them."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from qms_mcp.services.reports.content import Cell, Fact, Figure, Good, Grid
from qms_mcp.services.reports.facts import ReportFacts

Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Known:
    """What sections are made from.

    Attributes:
        facts: Counts and lists.
        calculation: The one they were kept as.
        measures: Metrics by name, as key numbers.
        figures: Charts by name.
        tables: Further tables by name: the PPM of suppliers, the cost of quality.
        gaps: Why a metric or a chart is not there, by its name.
    """

    facts: ReportFacts
    calculation: str
    measures: Mapping[str, tuple[Fact, ...]] = field(default_factory=dict[str, tuple[Fact, ...]])
    figures: Mapping[str, Figure] = field(default_factory=dict[str, Figure])
    tables: Mapping[str, Grid] = field(default_factory=dict[str, Grid])
    gaps: Mapping[str, str] = field(default_factory=dict[str, str])

    def fact(
        self,
        name: str,
        value: Cell,
        before: Cell = None,
        *,
        unit: str = "",
        good: Good = "neither",
        note: str = "",
        counted: bool = False,
    ) -> Fact:
        """Return a key number out of the facts."""
        return Fact(name, value, before, unit, good, self.calculation, note, counted)

    def measured(self, *names: str) -> tuple[Fact, ...]:
        """Return the metrics of these names, those there are."""
        return tuple(fact for name in names for fact in self.measures.get(name, ()))

    def drawn(self, *names: str) -> tuple[Figure, ...]:
        """Return the charts of these names, those there are."""
        return tuple(self.figures[name] for name in names if name in self.figures)

    def not_there(self, *names: str) -> tuple[str, ...]:
        """Return why metrics and charts of these names are not there."""
        return tuple(self.gaps[name] for name in names if name in self.gaps)

    def grid(
        self, title: str, columns: Sequence[str], rows: Iterable[Sequence[Cell]], found: Sequence[Row] = ()
    ) -> tuple[Grid, ...]:
        """Return a table, or nothing when it would be empty."""
        made = tuple(tuple(row) for row in rows)
        total = int(found[0].get("total") or len(made)) if found else len(made)
        return (Grid(title, tuple(columns), made, total, self.calculation),) if made else ()


def cite(row: Row) -> str:
    """Return how a record is cited as it was read: `CAPA-2026-0014 v3`."""
    return f"{row['number']} v{row['version']}"


def worded(value: object) -> str:
    """Return a code of ours as words: `use_as_is` as `use as is`; nothing for what is not said."""
    return "not said" if value in (None, "") else str(value).replace("_", " ")


def many(count: int, one: str, several: str = "") -> str:
    """Return a count with its noun: `1 record`, `3 records`."""
    return f"{count:,} {one if count == 1 else several or f'{one}s'}"


def total_of(rows: Iterable[Row], column: str) -> int:
    """Return the sum of a column."""
    return sum(int(row.get(column) or 0) for row in rows)


def of_dimension(rows: Iterable[Row], dimension: str) -> list[Row]:
    """Return the rows of one dimension of a breakdown."""
    return [row for row in rows if row["dimension"] == dimension]


def breakdown(known: Known, query: str, dimension: str) -> tuple[Grid, ...]:
    """Return a breakdown as a table: value, now, before."""
    rows = of_dimension(known.facts.rows(query), dimension)
    if not [row for row in rows if row["value"] is not None]:
        return ()
    cells = [(worded(row["value"]), row["records"], row["records_before"]) for row in rows]
    return known.grid(f"By {dimension}", (dimension.capitalize(), "In the period", "Before"), cells, rows)
