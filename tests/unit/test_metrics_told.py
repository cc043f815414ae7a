"""What metrics say beside their values: what could not be divided, dated or taken for granted."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from qms_mcp.errors import InvalidInputError
from qms_mcp.services.analysis.source import Source
from qms_mcp.services.metrics import outside, shares
from qms_mcp.services.metrics.answer import MetricsOptions, MetricsReport
from qms_mcp.services.metrics.method import compute, settled
from qms_mcp.services.metrics.periods import days_of
from qms_mcp.services.metrics.scope import Record, Scope, Step, Window
from tests.support.fixed_reader import FixedReader

AS_OF = date(2026, 7, 1)
pytestmark = pytest.mark.anyio


def nonconformance(number: int, on: str = "2026-06-05", **fields: Any) -> dict[str, Any]:
    return {
        "number": f"NC-{number}", "type": fields.pop("type", "nonconformance"), "state": "open", "priority": number % 2,
        "risk_class": None, "owner": None, "supplier": None, "extensions": 0, "duplicate": False, "closed_at": None,
        "due_at": None, "reported_at": datetime.fromisoformat(on).replace(tzinfo=UTC), "fields": fields,
    }  # fmt: skip


async def ask(rows: list[dict[str, Any]], *metrics: str, **options: Any) -> MetricsReport:
    reader = FixedReader(rows, today=AS_OF)
    return (await compute(reader, settled(reader, MetricsOptions(metrics=list(metrics), **options)))).answer


def codes(report: MetricsReport) -> set[str]:
    return {flag.code for flag in report.flags}


@pytest.mark.parametrize(
    ("text", "first", "last"),
    [
        ("2026-02", date(2026, 2, 1), date(2026, 2, 28)),
        ("2026-Q4", date(2026, 10, 1), date(2026, 12, 31)),
        ("2026-W01", date(2025, 12, 29), date(2026, 1, 4)),
        ("2026", date(2026, 1, 1), date(2026, 12, 31)),
        ("2026-02-28T23:00:00Z", date(2026, 2, 28), date(2026, 2, 28)),
    ],
)
def test_a_row_may_name_a_day_or_a_period(text: str, first: date, last: date) -> None:
    assert days_of(text) == (first, last)


@pytest.mark.parametrize("text", ["2026-13", "2026-02-30", "2026-W54", "28.02.2026", "2026-Q5", ""])
def test_what_is_no_day_is_none(text: str) -> None:
    assert days_of(text) is None


async def test_a_row_with_a_day_nobody_can_read_is_refused() -> None:
    sent = Source(columns={"date": ["03/2026"], "units": [5]})
    with pytest.raises(InvalidInputError, match="no day and no period"):
        await ask([], "complaint_rate", volumes=sent)


async def test_rows_without_a_day_and_rows_over_an_edge_are_said() -> None:
    sent = Source(columns={"date": ["2026-06", None], "units": [5, 5]})
    found = await ask([], "complaint_rate", volumes=sent, since=date(2026, 6, 1), until=date(2026, 6, 20))
    assert codes(found) == {"few", "undated", "across"}
    whole = await ask([], "complaint_rate", volumes=sent, since=date(2026, 6, 1), until=date(2026, 6, 30))
    assert codes(whole) == {"few", "undated"}


async def test_a_repeat_is_one_whatever_the_group_of_the_former_one() -> None:
    same = {"part_number": "H-1", "area": "Lab", "cause_category": "machine"}
    rows = [nonconformance(1, "2026-05-01", **same), nonconformance(2, "2026-06-01", **same)]
    found = await ask(rows, "repeat_rate", by="priority")
    assert found.groups
    assert [row[:3] for row in found.groups["repeat_rate"][1:]] == [["0", 100, 1], ["1", 0, 1]]


async def test_units_that_name_no_product_stand_for_all_and_that_is_said() -> None:
    rows = [nonconformance(n, type="complaint", product=["A", "B"][n % 2]) for n in range(4)]
    sent = Source(columns={"units": [1000]})
    found = await ask(rows, "complaint_rate", by="product", volumes=sent)
    assert found.groups
    assert [row[:2] for row in found.groups["complaint_rate"][1:]] == [["A", 2000], ["B", 2000]]
    assert "undivided" in codes(found)
    named = Source(columns={"units": [1000, 500], "product": ["A", "B"]})
    found = await ask(rows, "complaint_rate", by="product", volumes=named)
    assert found.groups
    assert [row[:2] for row in found.groups["complaint_rate"][1:]] == [["B", 4000], ["A", 2000]]
    assert "undivided" not in codes(found)


async def test_a_cost_that_names_no_area_is_in_no_area() -> None:
    rows = [nonconformance(n, area=["A", "B"][n], cost=10, currency="EUR") for n in range(2)]
    sent = Source(columns={"category": ["prevention"], "amount": [100], "currency": ["EUR"]})
    found = await ask(rows, "cost_of_quality", by="area", costs=sent)
    assert found.groups
    assert {row[0]: row[1] for row in found.groups["cost_of_quality"][1:]} == {"(not said)": 100, "A": 10, "B": 10}
    assert found.values[1][2] == 120


async def test_a_yield_without_the_column_is_not_repeated_for_each_group() -> None:
    sent = Source(columns={"inspected": [10], "passed": [9]})
    found = await ask([nonconformance(1, area="Lab")], "first_pass_yield", by="area", volumes=sent)
    assert found.groups
    assert found.groups["first_pass_yield"][1:] == [["(not said)", 90, 10, 55.4984, 99.7471, 9, 10]]


def test_a_cost_without_currency_and_a_cost_told_twice_are_said() -> None:
    costly = Record("NC-1", "nonconformance", "open", AS_OF, None, None, 0, False, {"cost": 10, "currency": "EUR"})
    window = Window(None, None, AS_OF)
    found = outside.cost_of_quality(
        Scope([costly], window, ("capa",), costs=[{"category": "internal failure", "amount": 5}])
    )
    assert (found.value, {flag.code for flag in found.flags}) == (15, {"currency", "counted_twice"})
    assert found.detail["internal_because_no_stage"] == 1


async def test_currencies_are_told_apart_with_their_sums() -> None:
    rows = [nonconformance(n, cost=10, currency=["EUR", "USD"][n]) for n in range(2)]
    found = await ask(rows, "cost_of_quality")
    assert found.left_out == {
        "cost_of_quality": "costs are in several currencies (10.00 EUR, 10.00 USD), and nothing is converted"
    }


def test_quantities_in_several_units_are_not_added_up() -> None:
    delivered = [
        Record(f"NC-{unit}", "nonconformance", "open", AS_OF, None, None, 0, False,
               {"supplier_id": "s", "quantity_affected": 2, "unit": unit})
        for unit in ("kg", "pieces")
    ]  # fmt: skip
    found = outside.supplier_ppm(Scope(delivered, Window(None, None, AS_OF), ("scar",), volumes=[{"received": 100}]))
    assert (found.value, found.why_not) == (None, "quantities are in kg, pieces; give volumes with rejected")


def test_what_is_due_today_is_not_late() -> None:
    complaint = Record("CP-1", "complaint", "open", date(2026, 6, 1), None, None, 0, False,
                       {"reportable": True, "report_due_on": "2026-07-01"})  # fmt: skip
    found = shares.reportability_on_time(Scope([complaint], Window(None, None, AS_OF), ("complaint",)))
    assert found.value is None
    training = Record("TR-1", "training", "assigned", date(2026, 6, 1), AS_OF, None, 0, False, {})
    assert shares.training_compliance(Scope([training], Window(None, None, AS_OF), ("training",))).value is None


def test_a_record_as_it_stood_on_a_day() -> None:
    steps = (
        Step(date(2026, 1, 10), "verified", "closed", final=True),
        Step(date(2026, 1, 20), "closed", "reopened", final=False),
        Step(date(2026, 2, 5), "reopened", "cancelled", final=True),
    )
    record = Record(
        "NC-1", "nonconformance", "cancelled", date(2026, 1, 1), None, date(2026, 2, 5), 0, False, {}, steps
    )
    stood = {
        day: record.at(date.fromisoformat(day)) for day in ("2026-01-09", "2026-01-10", "2026-01-20", "2026-02-05")
    }
    assert [one and (one.state, one.closed) for one in stood.values()] == [
        ("verified", None), ("closed", date(2026, 1, 10)), ("reopened", None), None,
    ]  # fmt: skip


async def test_a_day_to_come_and_too_many_rows_are_refused() -> None:
    with pytest.raises(InvalidInputError, match="yet to come"):
        await ask([], "overdue", as_of=AS_OF + timedelta(days=1))
    wanted = ("reported", "ageing", "escape_rate", "repeat_rate", "cost_of_quality")
    whole = nonconformance(
        1, detected_at_stage="final", part_number="H", area="Lab", cause_category="man", cost=1, currency="EUR"
    )
    with pytest.raises(InvalidInputError, match="more than 500 rows"):
        await ask([whole], *wanted, period="day", since=AS_OF - timedelta(days=110))


async def test_many_groups_are_cut_and_that_is_said() -> None:
    rows = [nonconformance(n, area=f"Area {n % 300}", detected_at_stage="field") for n in range(900)]
    found = await ask(rows, "reported", by="area")
    assert found.groups
    assert len(found.groups["reported"]) == 51
    assert "250 groups are not shown" in next(flag.says for flag in found.flags if flag.code == "more_groups")


async def test_a_due_day_of_now_is_said_when_looked_at_from_an_earlier_day() -> None:
    row = nonconformance(1) | {"due_at": datetime(2026, 6, 10, tzinfo=UTC)}
    assert "as_of" in codes(await ask([row], "overdue", as_of=date(2026, 6, 30)))
    assert "as_of" not in codes(await ask([row], "overdue"))
