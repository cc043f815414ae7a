"""Metrics over a handful of records, each figure computed by hand beside it."""

from datetime import UTC, date, datetime
from typing import Any

import pytest

from qms_mcp.errors import InvalidInputError
from qms_mcp.services.metrics import outside, shares, timing
from qms_mcp.services.metrics.answer import MetricsOptions
from qms_mcp.services.metrics.definitions import BUNDLES, DEFINITIONS
from qms_mcp.services.metrics.method import COMPUTE, compute, settled
from qms_mcp.services.metrics.page import markdown
from qms_mcp.services.metrics.periods import periods
from qms_mcp.services.metrics.scope import Measured, Record, Scope, Window, record_of
from tests.support.fixed_reader import FixedReader

AS_OF = date(2026, 7, 1)
pytestmark = pytest.mark.anyio


def day(text: str | None) -> date | None:
    return date.fromisoformat(text) if text else None


def record(
    number: int, kind: str = "capa", reported: str = "2026-06-01", closed: str | None = None, due: str | None = None,
    *, extensions: int = 0, duplicate: bool = False, state: str = "open", **fields: Any,
) -> Record:  # fmt: skip
    made = date.fromisoformat(reported)
    return Record(f"R-{number}", kind, state, made, day(due), day(closed), extensions, duplicate, fields)


def scope(*records: Record, since: str | None = None, until: str | None = None, **tables: Any) -> Scope:
    types = tuple({one.type for one in records}) or ("capa",)
    return Scope(records, Window(day(since), day(until), AS_OF), types, **tables)


def test_every_metric_has_a_definition_and_every_definition_is_computed() -> None:
    assert set(COMPUTE) == set(DEFINITIONS)
    assert {name for names, _types in BUNDLES.values() for name in names} <= set(DEFINITIONS)
    page = markdown()
    for one in DEFINITIONS.values():
        assert one.formula in page
        assert all((one.title, one.numerator, one.left_out, one.unit, one.source))


def test_ageing_counts_days_since_the_report_of_what_is_open_on_the_day() -> None:
    found = timing.ageing(
        scope(
            record(1, reported="2026-06-21"),  # 10 days
            record(2, reported="2026-05-02"),  # 60 days
            record(3, reported="2025-07-01"),  # 365 days
            record(4, reported="2026-01-01", closed="2026-06-30"),
            record(5, reported="2026-01-02", closed="2026-07-02"),  # still open on 1 July: 180 days
            record(6, reported="2026-07-02"),  # not reported yet
        )
    )
    assert (found.value, found.n) == (120, 4)
    assert found.detail == {
        "0-30 days": 1, "31-60 days": 1, "61-90 days": 0, "91-180 days": 1, "over 180 days": 1, "oldest_days": 365,
    }  # fmt: skip
    assert found.behind == ("R-3", "R-5", "R-2", "R-1")


def test_overdue_is_the_share_of_what_is_open_with_a_due_day() -> None:
    found = shares.overdue(
        scope(
            record(1, due="2026-06-30"),
            record(2, due="2026-07-01"),  # due today is not late
            record(3, due="2026-06-01", closed="2026-06-15"),
            record(4),
            record(5, due="2026-05-02"),
        )
    )
    assert found.value == pytest.approx(200 / 3)
    assert (found.numerator, found.denominator, found.behind) == (2, 3, ("R-5", "R-1"))
    assert found.detail == {"days_late_most": 60, "days_late_median": 30.5}
    # Clopper and Pearson for 2 of 3.
    assert (found.low, found.high) == pytest.approx((9.4299, 99.1596), abs=1e-3)


def test_cycle_time_is_of_what_was_closed_in_the_window_and_says_the_median_with_open_ones() -> None:
    found = timing.cycle_time(
        scope(
            record(1, reported="2026-06-01", closed="2026-06-11"),
            record(2, reported="2026-06-01", closed="2026-06-21"),
            record(3, reported="2026-05-01", closed="2026-06-30"),
            record(4, reported="2026-06-05"),
            record(5, reported="2026-06-06"),
            record(6, reported="2026-01-01", closed="2026-02-01"),
            since="2026-06-01",
            until="2026-06-30",
        )
    )
    assert (found.value, found.n, found.behind[0]) == (20, 3, "R-3")
    assert (found.detail["q1"], found.detail["q3"], found.detail["p90"]) == (15, 40, 52)
    # Of four reported in June two were closed, after 10 and 20 days; two are open for longer: 3/4, then 1/2 are open.
    assert found.detail["median_with_open_ones"] == 20


@pytest.mark.parametrize(
    ("lives", "median"),
    [
        ([(1, True), (2, True), (3, True)], 2),
        ([(1, False), (2, True), (3, True), (4, True)], 3),
        ([(5, False), (5, False), (1, True)], None),
        ([], None),
    ],
)
def test_the_median_of_kaplan_and_meier(lives: list[tuple[int, bool]], median: float | None) -> None:
    assert timing.kaplan_meier_median(lives) == median


def test_half_of_an_even_number_is_half_whatever_the_rounding() -> None:
    for n in range(2, 200, 2):
        assert timing.kaplan_meier_median([(day, True) for day in range(1, n + 1)]) == n / 2


def test_kaplan_and_meier_agree_with_freireich_1963() -> None:
    # Remission of leukaemia under 6-MP, weeks; published median 23.
    ended, open_ones = [6, 6, 6, 7, 10, 13, 16, 22, 23], [6, 9, 10, 11, 17, 19, 20, 25, 32, 32, 34, 35]
    lives = [(weeks, True) for weeks in ended] + [(weeks, False) for weeks in open_ones]
    assert timing.kaplan_meier_median(lives) == 23


def test_on_time_is_by_the_due_day_and_extensions_are_said() -> None:
    found = shares.on_time_closure(
        scope(
            record(1, closed="2026-06-10", due="2026-06-10"),
            record(2, closed="2026-06-11", due="2026-06-10", extensions=1),
            record(3, closed="2026-06-11"),
        )
    )
    assert (found.value, found.denominator, found.behind, found.detail) == (50, 2, ("R-2",), {"extended": 1})


def test_repeats_look_back_a_year_at_the_same_place() -> None:
    same: dict[str, Any] = {"part_number": "H-1", "area": "Moulding", "cause_category": "machine"}

    def other(**changed: Any) -> dict[str, Any]:
        return same | changed

    found = shares.repeat_rate(
        scope(
            record(1, "nonconformance", "2025-05-01", **same),
            record(2, "nonconformance", "2026-06-01", **same),  # 396 days after the first
            record(3, "nonconformance", "2026-06-20", **other(part_number=" h-1 ")),
            record(4, "nonconformance", "2026-06-21", **other(area="Assembly")),
            record(5, "nonconformance", "2026-06-22", part_number="H-1"),
            record(6, "nonconformance", "2026-06-23", duplicate=True, **other(area="Lab")),
            since="2026-06-01",
        )
    )
    assert (found.numerator, found.denominator, found.behind) == (2, 4, ("R-3", "R-6"))


def test_escapes_effectiveness_training_and_reports() -> None:
    stages = ["incoming", "field", "delivered", "final", None]
    ncs = [record(n, "nonconformance", detected_at_stage=stage) for n, stage in enumerate(stages)]
    assert shares.escape_rate(scope(*ncs)).value == 50
    verdicts = ["effective", "ineffective", "effective", None]
    capas = [record(n, closed="2026-06-20", verdict=verdict) for n, verdict in enumerate(verdicts)]
    found = shares.effectiveness_rate(scope(*capas))
    assert (found.numerator, found.denominator, found.behind) == (2, 3, ("R-1",))
    trainings = [
        record(1, "training", due="2026-06-01", completed_on="2026-05-30"),
        record(2, "training", due="2026-06-01"),
        record(3, "training", due="2026-08-01"),
        record(4, "training", due="2026-06-01", waiver_reason="Did it before"),
    ]
    found = shares.training_compliance(scope(*trainings))
    assert (found.numerator, found.denominator, found.behind) == (2, 3, ("R-2",))
    complaints = [
        record(1, "complaint", reportable=True, report_due_on="2026-06-20", reported_on="2026-06-20"),
        record(2, "complaint", reportable=True, report_due_on="2026-06-20", reported_on="2026-06-21"),
        record(3, "complaint", reportable=True, report_due_on="2026-07-20"),
        record(4, "complaint", reportable=None),
        record(5, "complaint", reportable=False),
    ]
    found = shares.reportability_on_time(scope(*complaints))
    assert (found.numerator, found.denominator, found.behind) == (1, 2, ("R-2",))
    assert found.detail == {"undecided": 1}


def test_calibration_and_document_review_are_as_of_the_day() -> None:
    things = [record(n, "equipment", calibration_due_on=on) for n, on in enumerate(["2026-06-30", "2026-07-01", None])]
    assert shares.calibration_on_time(scope(*things)).value == 50
    documents = [
        record(1, "document", state="effective", next_review_on="2026-06-01"),
        record(2, "document", state="effective", next_review_on="2027-06-01"),
        record(3, "document", state="superseded", next_review_on="2020-06-01"),
    ]
    found = shares.review_on_time(scope(*documents))
    assert (found.value, found.behind) == (50, ("R-1",))


def test_findings_per_audit_by_grade() -> None:
    graded = [("a", "minor"), ("a", "major"), ("b", "minor"), (None, "minor")]
    found = timing.findings_per_audit(
        scope(*(record(n, "finding", audit_id=audit, grade=grade) for n, (audit, grade) in enumerate(graded)))
    )
    assert (found.value, found.n, found.detail) == (1.5, 2, {"major": 1, "minor": 2})


def test_complaints_per_million_units_with_garwoods_interval() -> None:
    complaints = [record(n, "complaint") for n in range(3)]
    found = outside.complaint_rate(scope(*complaints, volumes=[{"units": 40_000}, {"units": "60000"}]))
    assert (found.value, found.n, found.denominator) == (pytest.approx(30), 3, 100_000)
    # 3 events: 0.618672 to 8.767273 (Garwood's table).
    assert (found.low, found.high) == pytest.approx((6.18672, 87.67273), abs=1e-4)
    none = outside.complaint_rate(scope(volumes=[{"units": 100_000}]))
    assert (none.value, none.low, none.high) == (0, 0, pytest.approx(36.88879, abs=1e-4))


def test_yield_deliveries_and_lots() -> None:
    assert outside.first_pass_yield(scope(volumes=[{"inspected": 50, "defective": 2}])).value == 96
    assert outside.first_pass_yield(scope(volumes=[{"inspected": 50, "passed": 45}])).value == 90
    rows = [{"supplier": "A", "received": 10_000, "rejected": 12}]
    found = outside.supplier_ppm(scope(volumes=rows))
    assert (found.value, found.low, found.high) == pytest.approx((1200, 620.2, 2095.2), abs=0.2)
    delivered = [record(n, "nonconformance", supplier_id="s", quantity_affected=4) for n in (1, 2)]
    found = outside.supplier_ppm(scope(*delivered, volumes=[{"received": 1000}]))
    assert (found.value, found.behind) == (8000, ("R-1", "R-2"))
    assert outside.lot_acceptance(scope(volumes=[{"lots": 20, "lots_accepted": 19}])).value == 95


@pytest.mark.parametrize(
    ("compute_one", "rows", "why"),
    [
        (outside.first_pass_yield, [{"inspected": 5, "passed": 6}], "more than all"),
        (outside.supplier_ppm, [{"received": 1}], None),
        (outside.complaint_rate, [{"units": 0}], "no units"),
        (outside.complaint_rate, [], "it needs a table"),
        (outside.lot_acceptance, [{"lots": 3}], "lots_accepted"),
    ],
)
def test_what_can_not_be_computed_says_why(compute_one: outside.Metric, rows: list[Any], why: str | None) -> None:
    found = compute_one(scope(volumes=rows))
    assert (found.value is None) == (why is not None)
    assert (why or "") in found.why_not


@pytest.mark.parametrize("bad", [-1, "many", None, float("nan"), float("inf"), True])
def test_a_number_that_is_none_is_refused(bad: object) -> None:
    with pytest.raises(InvalidInputError, match="not a number from 0 on"):
        outside.complaint_rate(scope(volumes=[{"units": bad}]))


def test_cost_of_quality_by_category_in_one_currency() -> None:
    ncs = [
        record(1, "nonconformance", detected_at_stage="final", cost=100, currency="EUR"),
        record(2, "nonconformance", detected_at_stage="field", cost=300.5, currency="eur"),
        record(3, "nonconformance", detected_at_stage="field"),
    ]
    costs = [{"category": "Prevention", "amount": 50}, {"category": "appraisal cost", "amount": "49.5"}]
    found = outside.cost_of_quality(scope(*ncs, costs=costs))
    assert (found.value, found.unit, found.n, found.behind) == (500, "EUR", 4, ("R-2", "R-1"))
    assert found.detail == {
        "prevention": 50, "appraisal": 49.5, "internal": 100, "external": 300.5, "failure_percent": 80.1,
    }  # fmt: skip


def test_currencies_are_never_added_up() -> None:
    ncs = [record(n, "nonconformance", cost=10, currency=currency) for n, currency in enumerate(["EUR", "USD"])]
    found = outside.cost_of_quality(scope(*ncs))
    assert (found.value, found.detail) == (None, {"EUR": 10, "USD": 10})
    with pytest.raises(InvalidInputError, match="no category of cost"):
        outside.cost_of_quality(scope(costs=[{"category": "lawyers", "amount": 1}]))


@pytest.mark.parametrize(
    ("period", "names"),
    [
        ("month", ["2025-12", "2026-01", "2026-02"]),
        ("quarter", ["2025-Q4", "2026-Q1"]),
        ("year", ["2025", "2026"]),
        ("week", ["2025-W52", "2026-W01", "2026-W02", "2026-W03", "2026-W04", "2026-W05"]),
    ],
)
def test_periods_cover_the_window(period: Any, names: list[str]) -> None:
    until = "2026-02-01"
    assert [name for name, _b, _e in periods(date(2025, 12, 28), date.fromisoformat(until), period)] == names


def test_days_are_those_of_the_time_zone() -> None:
    row = {
        "number": "NC-1", "type": "nonconformance", "state": "open", "priority": 1, "risk_class": None, "owner": None,
        "supplier": None, "extensions": 0, "duplicate": False, "fields": {"area": "Lab"},
        "reported_at": datetime(2026, 6, 30, 23, 30, tzinfo=UTC), "closed_at": None,
        "due_at": datetime(2026, 7, 10, 21, 59, 59, 999999, tzinfo=UTC),
    }  # fmt: skip
    made = record_of(row, "Europe/Oslo")
    assert (made.reported, made.due, made.fields["area"]) == (date(2026, 7, 1), date(2026, 7, 10), "Lab")


# The whole ------------------------------------------------------------------------------------------------------------


def rows_in_june() -> list[dict[str, Any]]:
    return [
        {
            "number": f"NC-{n}", "type": "nonconformance", "state": "open", "priority": 1, "risk_class": "high",
            "owner": "Ada", "supplier": None, "extensions": 0, "duplicate": False, "closed_at": None, "due_at": None,
            "reported_at": datetime(2026, 4 + n % 3, 5, tzinfo=UTC),
            "fields": {"area": ["Lab", "Line 1"][n % 2], "detected_at_stage": ["final", "field"][n % 2]},
        }
        for n in range(12)
    ]  # fmt: skip


async def test_metrics_are_cut_by_group_and_by_period_as_it_stood_then() -> None:
    reader = FixedReader(rows_in_june(), today=AS_OF)
    options = MetricsOptions(metrics=["escape_rate", "ageing", "complaint_rate"], by="area", period="month",
                             since=date(2026, 4, 1))  # fmt: skip
    computed = await compute(reader, settled(reader, options))
    answer = computed.answer
    assert answer.window == "from 2026-04-01 to 2026-07-01 as of 2026-07-01"
    assert [row[0] for row in answer.values] == ["metric", "escape_rate", "ageing"]
    assert answer.left_out == {"complaint_rate": "it needs a table: give volumes with units"}
    assert answer.groups
    assert [row[:3] for row in answer.groups["escape_rate"][1:]] == [["Line 1", 100, 6], ["Lab", 0, 6]]
    assert answer.periods
    assert [row[:3] for row in answer.periods["ageing"][1:]] == [
        ["2026-04", 25, 4], ["2026-05", 41, 8], ["2026-06", 56, 12], ["2026-07", 57, 12],
    ]  # fmt: skip
    assert computed.picture
    assert len(computed.picture.panels) == 2
    assert "escapes 50 % (6 of 12)" in answer.headline


async def test_an_unknown_metric_or_type_is_answered_with_those_there_are() -> None:
    reader = FixedReader([], today=AS_OF)
    with pytest.raises(InvalidInputError, match="no metric 'mtbf'") as refused:
        await compute(reader, MetricsOptions(metrics=["mtbf"]))
    assert "cycle_time" in refused.value.hint
    with pytest.raises(InvalidInputError, match="type 'person'"):
        await compute(reader, MetricsOptions(types=["person"]))
    with pytest.raises(InvalidInputError, match="ends before"):
        settled(reader, MetricsOptions(since=date(2026, 2, 2), until=date(2026, 1, 1)))


async def test_an_empty_organization_gets_an_honest_answer() -> None:
    reader = FixedReader([], today=AS_OF)
    answer = (await compute(reader, settled(reader, MetricsOptions()))).answer
    assert [row[:4] for row in answer.values[1:]] == [["reported", "Records reported", 0, "records"]]
    assert answer.left_out
    assert answer.left_out["overdue"] == "no open record has a due day"


def test_nothing_measured_is_no_zero() -> None:
    for one in (shares.overdue, shares.escape_rate, timing.ageing, timing.cycle_time, outside.cost_of_quality):
        found: Measured = one(scope())
        assert found.value is None
        assert found.why_not
