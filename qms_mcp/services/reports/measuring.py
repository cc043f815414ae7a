"""The metrics of a report: computed by their definitions (qms://metrics), told as key numbers.

Three calculations: of the period, of the one before it, and of the year up to the moment for what is rare. A metric of
one type of record goes by `on_time_closure:capa`.
"""

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from qms_mcp.services.analysis.method import FlagAnswer
from qms_mcp.services.metrics.answer import MetricsOptions, MetricsReport
from qms_mcp.services.metrics.method import CALCULATE_METRICS
from qms_mcp.services.reports.asked import ReportAsked
from qms_mcp.services.reports.content import Fact, Good, Grid
from qms_mcp.services.reports.drafting import shown
from qms_mcp.services.reports.facts import ReportFacts
from qms_mcp.services.reports.periods import months_later, parsed_period

if TYPE_CHECKING:
    from collections.abc import Mapping

    from qms_mcp.auth.principal import Principal
    from qms_mcp.services.analysis.workbench import Workbench

_YEAR = 12
_OF_A_YEAR = "effectiveness_rate"
_WANTED = ("complaint_rate", "first_pass_yield", "supplier_ppm", "lot_acceptance", "cost_of_quality")
_TYPES = {
    "nonconformance": "nonconformances", "deviation": "deviations", "complaint": "complaints", "capa": "CAPAs",
    "finding": "findings", "scar": "SCARs", "change_request": "changes",
}  # fmt: skip
_BY_TYPE = ("ageing", "cycle_time", "on_time_closure")


class Measures:
    """What was measured for a report.

    Attributes:
        facts: Key numbers by the name of their metric.
        tables: Further tables by name.
        gaps: Why a metric is not there, by its name.
        flags: What one has to know of them.
        says: What each calculation is, by its id.
    """

    def __init__(self, workbench: "Workbench", principal: "Principal", asked: ReportAsked, facts: ReportFacts) -> None:
        self._workbench = workbench
        self._principal = principal
        self._asked = asked
        self._of = facts
        self.facts: dict[str, tuple[Fact, ...]] = {}
        self.tables: dict[str, Grid] = {}
        self.gaps: dict[str, str] = {}
        self.flags: list[FlagAnswer] = []
        self.says: dict[str, str] = {}

    async def take(self, supplier: str = "") -> None:
        """Measure, as far as there is something to measure.

        Args:
            supplier: The name of the one supplier the report is about.

        Raises:
            InvalidInputError: A table that was sent along can't be computed with.
        """
        if self._asked.kind in {"monthly", "management_review"}:
            await self._all()
        if self._asked.kind == "supplier" or self._asked.volumes is not None:
            await self._suppliers(supplier)
        if self._asked.kind != "supplier":
            await self._year()

    async def _all(self) -> None:
        wanted = ["monthly", "change_lead_time", "lot_acceptance"]
        now = await self._run(self._options(wanted, by="type"), "Metrics of the period")
        before = await self._run(self._options(wanted, by="type", before=True), "Metrics of the period before")
        calculation, former = _calculation(now), _table(before)
        for name, row in _table(now).items():
            self.facts[name] = (_fact(str(row["title"]).lower(), row, former.get(name), calculation),)
            if name == "cost_of_quality":
                self._cost(row, calculation)
        for metric in _BY_TYPE:
            groups, groups_before = (_groups(report, metric) for report in (now, before))
            whole = _table(now).get(metric)
            for kind, row in groups.items() if whole else ():
                title = f"{str((whole or {})['title']).lower()}: {_TYPES.get(kind, kind)}"
                told = {**row, "unit": (whole or {})["unit"], "better": (whole or {})["better"]}
                self.facts[f"{metric}:{kind}"] = (_fact(title, told, groups_before.get(kind), calculation),)
        self._gaps(now)

    async def _suppliers(self, supplier: str) -> None:
        if self._asked.volumes is None:
            self.gaps["supplier_ppm"] = (
                "PPM can't be computed: give volumes with supplier and received (and rejected, date, if known)."
            )
            return
        found = await self._run(self._options(["supplier_ppm", "lot_acceptance"], by="supplier"), "PPM of suppliers")
        calculation = _calculation(found)
        groups = {name: row for name, row in _groups(found, "supplier_ppm").items() if row["denominator"]}
        if supplier:
            groups = {name: row for name, row in groups.items() if name.casefold() == supplier.casefold()}
            self.facts["supplier_ppm"] = tuple(
                _fact(f"rejected parts of {name}", {**row, "unit": "PPM", "better": "less"}, None, calculation)
                for name, row in groups.items()
            )
        elif "supplier_ppm" in _table(found):
            self.facts["supplier_ppm"] = (_fact("rejected parts", _table(found)["supplier_ppm"], None, calculation),)
        rows = tuple(
            (name, row["numerator"], row["denominator"], row["value"], row["low"], row["high"])
            for name, row in groups.items()
        )
        columns = ("Supplier", "Rejected", "Received", "PPM", "95 % from", "to")
        if rows:
            self.tables["supplier_ppm"] = Grid("Rejected parts of suppliers", columns, rows, len(rows), calculation)
        self._gaps(found)

    async def _year(self) -> None:
        """Measure what is too rare for a month: how many CAPAs were effective in a year."""
        until = self._of.as_of
        options = MetricsOptions(
            metrics=[_OF_A_YEAR], since=months_later(until, -_YEAR) + timedelta(days=1), until=until, as_of=until
        )
        found = await self._run(options, "Metrics of the year up to the moment")
        row = _table(found).get(_OF_A_YEAR)
        if row is not None:
            self.facts["effectiveness_year"] = (_fact("effectiveness rate of a year", row, None, _calculation(found)),)

    async def _run(self, options: MetricsOptions, says: str) -> MetricsReport:
        found = await self._workbench.run(self._principal, CALCULATE_METRICS, None, options)
        made_by = found.provenance.method if found.provenance else "calculate_metrics"
        self.says[_calculation(found)] = f"{says}, {found.window}: {made_by}"
        if options.until == self._of.as_of:  # of the period before, the value alone is told
            self.flags += [flag.model_copy(update={"says": f"{says}: {flag.says}"}) for flag in found.flags]
        return found

    def _options(self, metrics: list[str], *, by: Any = None, before: bool = False) -> MetricsOptions:
        facts, asked = self._of, self._asked
        former = parsed_period(facts.period).before
        since, until = (former.first, former.last) if before else (facts.first, facts.as_of)
        return MetricsOptions(
            metrics=metrics, by=by, since=since, until=until, as_of=until, volumes=asked.volumes, costs=asked.costs
        )

    def _cost(self, row: "Mapping[str, Any]", calculation: str) -> None:
        detail: dict[str, Any] = row["detail"] or {}
        rows = tuple((name.replace("_", " "), value) for name, value in detail.items())
        title = f"Cost of quality by category ({row['unit']})"
        self.tables["cost_of_quality"] = Grid(title, ("Category", "Amount"), rows, len(rows), calculation)

    def _gaps(self, found: MetricsReport) -> None:
        left_out = found.left_out or {}
        for name in _WANTED:
            if name in left_out and name not in self.gaps:
                title = name.replace("_", " ").replace("ppm", "PPM")
                self.gaps[name] = f"{title[:1].upper()}{title[1:]} can't be computed: {left_out[name]}."


def _calculation(found: MetricsReport) -> str:
    return found.provenance.calculation if found.provenance else ""


def _table(found: MetricsReport) -> dict[str, dict[str, Any]]:
    """Return the metrics of an answer by name, each with its columns by name."""
    columns, *rows = found.values
    return {str(row[0]): dict(zip(columns, row, strict=True)) for row in rows}


def _groups(found: MetricsReport, metric: str) -> dict[str, dict[str, Any]]:
    """Return the groups of a metric by name, each with its columns by name."""
    listed = (found.groups or {}).get(metric)
    if not listed:
        return {}
    columns, *rows = listed
    return {str(row[0]): dict(zip(columns, row, strict=True)) for row in rows}


def _fact(name: str, row: "Mapping[str, Any]", before: "Mapping[str, Any] | None", calculation: str) -> Fact:
    parts: list[str] = []
    if row.get("low") is not None and row.get("high") is not None:
        parts.append(f"95 % interval {shown(row['low'])} to {shown(row['high'])}")
    if row.get("denominator") is not None and row.get("numerator") is not None:
        parts.append(f"{shown(row['numerator'])} of {shown(row['denominator'])}")
    elif row.get("n") is not None:
        parts.append(f"n = {shown(row['n'])}")
    good: Good = row["better"]
    former = before.get("value") if before else None
    return Fact(name, row["value"], former, str(row["unit"]), good, calculation, "; ".join(parts))
