"""The charts of a report, each a calculation of its own that can be drawn and computed again."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import anyio.to_thread

from qms_mcp.errors import QmsError
from qms_mcp.pictures.model import Panel, Picture, Series
from qms_mcp.services.analysis.method import A, FlagAnswer, Method, O
from qms_mcp.services.analysis.source import Source
from qms_mcp.services.reports.content import Figure, Grid
from qms_mcp.services.reports.facts import ReportFacts
from qms_mcp.services.reports.sections.telling import worded

if TYPE_CHECKING:
    from qms_mcp.auth.principal import Principal
    from qms_mcp.services.analysis.workbench import Workbench

_FEWEST_MONTHS = 8
_MONTHS_OF_A_YEAR = 12
_CHARTED = ("nonconformance", "complaint", "deviation", "capa")


class Charts:
    """What was drawn for a report.

    Attributes:
        figures: By name.
        tables: That go with them, by name.
        gaps: Why one is not there, by name.
        flags: What the charts say one has to know.
        says: What each calculation is, by its id.

    Args:
        workbench: Computes, keeps and draws.
        principal: On whose behalf.
        facts: Of the report.
        calculation: The one the facts were kept as.
    """

    def __init__(self, workbench: "Workbench", principal: "Principal", facts: ReportFacts, calculation: str) -> None:
        self._workbench = workbench
        self._principal = principal
        self._facts = facts
        self._calculation = calculation
        self.figures: dict[str, Figure] = {}
        self.tables: dict[str, Grid] = {}
        self.gaps: dict[str, str] = {}
        self.flags: list[FlagAnswer] = []
        self.says: dict[str, str] = {}

    async def draw(self, names: Sequence[str]) -> None:
        """Draw the charts of these names, as far as there is enough to draw."""
        for name in names:
            match name:
                case "nonconformance_chart":
                    await self._counts(name, "nonconformance", "Nonconformances")
                case "complaint_chart":
                    await self._counts(name, "complaint", "Complaints")
                case "pareto":
                    await self._pareto()
                case "supplier_pareto":
                    await self._suppliers()
                case "trends":
                    await self._trends()
                case _:
                    await self._stages()

    def months(self, category: str) -> tuple[list[str], list[int]]:
        """Return whole months before the moment, from the first with any record, with the counts of a type."""
        counted = {
            row["month"]: int(row["records"]) for row in self._facts.rows("monthly") if row["category"] == category
        }
        every = {str(row["month"]) for row in self._facts.rows("monthly")}
        if not every:
            return [], []
        months = _between(min(every), self._facts.whole_month)
        if months[:1] == [self._facts.one("first_month").get("month")]:
            months = months[1:]  # the first month there is anything of is rarely whole
        return months, [counted.get(month, 0) for month in months]

    async def _counts(self, name: str, category: str, title: str) -> None:
        from qms_mcp.services.analysis.methods.spc_chart import SPC_CHART  # noqa: PLC0415 - when a chart is made
        from qms_mcp.services.analysis.methods.spc_options import SpcOptions  # noqa: PLC0415

        months, counts = self.months(category)
        if len(months) < _FEWEST_MONTHS:
            self.gaps[name] = (
                f"A control chart of {title.lower()} needs {_FEWEST_MONTHS} whole months; there are {len(months)}."
            )
            return
        if not any(counts):
            self.gaps[name] = f"There were no {title.lower()} in {len(months)} whole months: nothing to chart."
            return
        column = title.lower()
        source = Source(columns={"month": [f"{month}-01" for month in months], column: list(counts)})
        options = SpcOptions(value=column, time="month", chart="c")
        grid = Grid(f"{title} by month", ("Month", title), tuple(zip(months, counts, strict=True)), len(months))
        await self._run(name, f"{title} by month, c chart", SPC_CHART, source, options, grid)

    async def _pareto(self) -> None:
        rows = self._facts.rows("causes_of_a_year")
        await self._ranked("pareto", "Nonconformances of a year by kind of cause", "kind of cause", [
            (worded(row["value"]), int(row["records"])) for row in rows
        ])  # fmt: skip

    async def _suppliers(self) -> None:
        rows = [row for row in self._facts.rows("suppliers") if row["nonconformances"]]
        await self._ranked("supplier_pareto", "Nonconformances by supplier", "supplier", [
            (str(row["number"]), int(row["nonconformances"])) for row in rows
        ])  # fmt: skip

    async def _ranked(self, name: str, title: str, column: str, counted: Sequence[tuple[str, int]]) -> None:
        from qms_mcp.services.analysis.methods.pareto import PARETO, ParetoOptions  # noqa: PLC0415

        if len(counted) < 2:  # noqa: PLR2004 - one bar is no ranking
            return
        columns: dict[str, list[Any]] = {
            column: [one for one, _ in counted],
            "records": [count for _, count in counted],
        }
        grid = Grid(title, (column.capitalize(), "Records"), tuple(counted), len(counted))
        options = ParetoOptions(category=column, count="records")
        await self._run(name, title, PARETO, Source(columns=columns), options, grid)

    async def _trends(self) -> None:
        from qms_mcp.services.analysis.methods.detect_trends import DETECT_TRENDS  # noqa: PLC0415
        from qms_mcp.services.analysis.methods.detect_trends_model import TrendOptions  # noqa: PLC0415

        series = {f"{worded(category)}s": self.months(category) for category in _CHARTED}
        months = max((len(months) for months, _ in series.values()), default=0)
        if months < _MONTHS_OF_A_YEAR:
            self.gaps["trends"] = f"Trends by month need {_MONTHS_OF_A_YEAR} whole months; there are {months}."
            return
        points = [
            (f"{month}-01", name, count)
            for name, (days, counts) in series.items()
            if any(counts)
            for month, count in zip(days, counts, strict=True)
        ]
        columns: dict[str, list[Any]] = {
            "month": [month for month, _, _ in points],
            "records": [count for _, _, count in points],
            "type": [name for _, name, _ in points],
        }
        options = TrendOptions(value="records", time="month", group="type")
        found = await self._run("trends", "Trends of records by month", DETECT_TRENDS, Source(columns=columns), options)
        if found is not None:
            self._trend_table(found.series, found.provenance.calculation if found.provenance else "")

    def _trend_table(self, series: Sequence[Sequence[Any]], calculation: str) -> None:
        header, *rows = series
        at = {name: place for place, name in enumerate(header)}
        told = ("series", "n", "direction", "slope", "low", "high", "p_adjusted")
        titles = ("Records", "Months", "Direction", "Change a month", "95 % from", "to", "p, adjusted")
        cells = tuple(tuple(row[at[name]] for name in told) for row in rows)
        self.tables["trends"] = Grid("Trends by type of record", titles, cells, len(cells), calculation)

    async def _run(
        self, name: str, title: str, method: Method[O, A], source: Source, options: O, grid: Grid | None = None
    ) -> A | None:
        try:
            answer = await self._workbench.run(self._principal, method, source, options, "none")
        except QmsError as error:
            self.gaps[name] = f"{title} can't be charted: {error.message} {error.hint}".strip()
            return None
        calculation = answer.provenance.calculation if answer.provenance else ""
        self.says[calculation] = f"{title}: {answer.provenance.method if answer.provenance else method.name}"
        self.flags += [flag.model_copy(update={"says": f"{title}: {flag.says}"}) for flag in answer.flags]
        svg = await self._workbench.draw(self._principal, calculation, "svg")
        self.figures[name] = Figure(title, svg, f"{title}. {answer.headline}", answer.headline, calculation, grid)
        return answer

    async def _stages(self) -> None:
        """Draw open CAPAs by stage: counts of the facts, and no calculation of its own."""
        from qms_mcp.pictures.drawing import draw  # noqa: PLC0415 - loads the plotting library

        rows = self._facts.rows("capa_stages")
        if not rows:
            return
        headline = f"{sum(int(row['open']) for row in rows)} open, {sum(int(row['overdue']) for row in rows)} overdue."
        places = tuple(float(at) for at in range(1, len(rows) + 1))
        picture = Picture(
            title="Open CAPAs by stage",
            subtitle=headline,
            alt=headline,
            panels=(
                Panel(
                    series=(
                        Series(y=tuple(float(row["open"]) for row in rows), x=places, style="bars", name="open"),
                        Series(
                            y=tuple(float(row["overdue"]) for row in rows), x=places, style="bars", name="overdue",
                            role="signal", width=0.4,
                        ),
                    ),
                    categories=tuple(worded(row["state"]) for row in rows),
                    y_label="CAPAs",
                ),
            ),
        )  # fmt: skip
        svg = await anyio.to_thread.run_sync(draw, picture, "svg")
        grid = Grid(
            "Open CAPAs by stage", ("Stage", "Open", "Overdue"),
            tuple((worded(row["state"]), row["open"], row["overdue"]) for row in rows), len(rows),
        )  # fmt: skip
        self.figures["capa_stages"] = Figure(
            "Open CAPAs by stage", svg, f"Open CAPAs by stage. {headline}", headline, self._calculation, grid
        )


def _between(first: str, last: str) -> list[str]:
    """Return the months from one to another, both with it: `2026-01`, `2026-02`."""
    year, month = int(first[:4]), int(first[5:])
    found: list[str] = []
    while f"{year:04d}-{month:02d}" <= last:
        found.append(f"{year:04d}-{month:02d}")
        year, month = (year + 1, 1) if month == _MONTHS_OF_A_YEAR else (year, month + 1)
    return found
