"""What is said about a plan follows fixed rules."""

from typing import Any

import pytest

from qms_mcp.services.sql.index_rules import TableFacts, propose
from qms_mcp.services.sql.plan_rules import read, summary
from qms_mcp.services.sql.plan_tree import read_plan
from qms_mcp.services.sql.withholding import one_digit, withhold

ORGANIZATION = {
    "Node Type": "Result",
    "Parent Relationship": "InitPlan",
    "Subplan Name": "InitPlan 1",
    "Output": ["qms.current_organization_id()"],
    "Total Cost": 0.26,
    "Plan Rows": 1,
}
BIG = TableFacts("qms.readings", rows=2_000_000, pages=40_000)


def scan(**more: Any) -> dict[str, Any]:
    return {
        "Node Type": "Seq Scan",
        "Parent Relationship": "Outer",
        "Schema": "qms",
        "Relation Name": "readings",
        "Alias": "r",
        "Plan Rows": 200,
        "Total Cost": 60_000.0,
        "Filter": "((r.status = 'open'::text) AND (r.taken_at > '2026-01-01'::date) "
        "AND (r.organization_id = (InitPlan 1).col1))",
        **more,
    }


def plan(*children: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"Node Type": "Limit", "Total Cost": 60_001.0, "Plan Rows": 100, "Plans": list(children), **more}


def kinds(root: dict[str, Any]) -> list[str]:
    return [finding.kind for finding in read(read_plan(root))]


def test_a_step_that_costs_most_is_slow_and_one_that_costs_little_is_not() -> None:
    findings = read(read_plan(plan(scan())))
    assert [(f.kind, f.node) for f in findings if f.kind == "slow"] == [("slow", "Seq Scan on qms.readings")]
    assert "slow" not in kinds(plan(scan(**{"Total Cost": 20.0}), **{"Total Cost": 21.0}))


def test_measured_time_counts_before_estimated_cost() -> None:
    cheap_but_slow = {"Node Type": "Function Scan", "Function Name": "f", "Total Cost": 1.0, "Plan Rows": 1,
                      "Actual Total Time": 80.0, "Actual Rows": 1, "Actual Loops": 1}  # fmt: skip
    root = plan(cheap_but_slow, scan(**{"Actual Total Time": 5.0, "Actual Rows": 200, "Actual Loops": 1}),
                **{"Actual Total Time": 86.0, "Actual Rows": 100, "Actual Loops": 1})  # fmt: skip
    slow = [finding for finding in read(read_plan(root)) if finding.kind == "slow"]
    assert [finding.node for finding in slow] == ["Function Scan on f"]
    assert "93% of it in Function Scan on f" in summary(read_plan(root), 0.2, 86.1)


def test_time_of_a_subplan_is_counted_where_it_is_asked_for() -> None:
    aside = {**ORGANIZATION, "Actual Total Time": 9.0, "Actual Rows": 1, "Actual Loops": 1}
    below = scan(**{"Actual Total Time": 9.5, "Actual Rows": 200, "Actual Loops": 1})
    root = plan(aside, below, **{"Actual Total Time": 9.6, "Actual Rows": 100, "Actual Loops": 1})
    assert [f.node for f in read(read_plan(root)) if f.kind == "slow"] == ["Seq Scan on qms.readings"]


@pytest.mark.parametrize(
    ("expected", "actual", "loops", "wrong"),
    [(200, 90_000, 1, True), (90_000, 200, 1, True), (200, 1_900, 1, False), (1, 20, 1, False), (1, 20, 50, True)],
)
def test_an_estimate_is_wrong_from_a_factor_of_ten_on_and_not_for_a_handful(
    expected: int, actual: int, loops: int, wrong: bool
) -> None:
    step = scan(**{"Plan Rows": expected, "Actual Rows": actual, "Actual Loops": loops, "Actual Total Time": 0.01})
    assert ("estimate" in kinds(plan(step))) is wrong


def test_a_step_that_never_ran_has_no_wrong_estimate() -> None:
    step = scan(**{"Plan Rows": 90_000, "Actual Rows": 0, "Actual Loops": 0, "Actual Total Time": 0.0})
    assert "estimate" not in kinds(plan(step))


@pytest.mark.parametrize(
    ("marks", "says"),
    [
        ({"Node Type": "Sort", "Sort Space Type": "Disk", "Sort Space Used": 3528}, "Sorts on disk (3,528 kB)"),
        ({"Node Type": "Hash", "Hash Batches": 8, "Original Hash Batches": 1}, "split into 8 parts"),
        ({"Node Type": "Aggregate", "Strategy": "Hashed", "Disk Usage": 9000}, "Groups on disk (9,000 kB)"),
    ],
)
def test_what_spills_to_disk_is_named(marks: dict[str, Any], says: str) -> None:
    spills = [f for f in read(read_plan(plan({"Plan Rows": 1, "Total Cost": 1.0, **marks}))) if f.kind == "spill"]
    assert len(spills) == 1
    assert says in spills[0].says
    in_memory = {"Node Type": "Sort", "Sort Space Type": "Memory", "Sort Space Used": 25, "Hash Batches": 1}
    assert "spill" not in kinds(plan(in_memory))


def test_a_nested_loop_over_many_rows_is_named() -> None:
    def loop(rows: int) -> dict[str, Any]:
        inner = {**scan(), "Parent Relationship": "Inner"}
        return {"Node Type": "Nested Loop", "Plan Rows": rows, "Total Cost": 9.0,
                "Plans": [scan(**{"Plan Rows": rows}), inner]}  # fmt: skip

    assert "loop" in kinds(plan(loop(50_000)))
    assert "loop" not in kinds(plan(loop(500)))


def test_row_level_security_is_named_as_such_in_every_form_plans_write_it() -> None:
    for condition, subplan in [
        ("(r.organization_id = (InitPlan 1).col1)", "InitPlan 1"),
        ("(r.organization_id = $0)", "InitPlan 1 (returns $0)"),
        ("(r.organization_id = qms.current_organization_id())", "InitPlan 1"),
    ]:
        root = plan({**ORGANIZATION, "Subplan Name": subplan}, scan(Filter=condition))
        found = [f for f in read(read_plan(root)) if f.kind == "row_security"]
        assert [f.node for f in found] == ["qms.readings"], condition
    assert "row_security" not in kinds(plan(scan(Filter="(r.status = 'open'::text)")))


def test_an_index_is_proposed_with_the_organization_first_then_equality_then_a_range() -> None:
    findings, indexes = propose(read_plan(plan(ORGANIZATION, scan())), {"qms.readings": BIG})
    assert [finding.kind for finding in findings] == ["scan"]
    assert [i.statement for i in indexes] == ["CREATE INDEX ON qms.readings (organization_id, status, taken_at);"]


@pytest.mark.parametrize(
    "facts",
    [
        TableFacts("qms.readings", rows=300, pages=4),
        TableFacts("qms.readings", rows=2_000_000, pages=40_000, indexes=[["status", "organization_id", "taken_at"]]),
    ],
    ids=["a tiny table", "an index that is there"],
)
def test_no_index_is_proposed_for(facts: TableFacts) -> None:
    _, indexes = propose(read_plan(plan(ORGANIZATION, scan())), {"qms.readings": facts})
    assert indexes == []


def test_no_index_is_proposed_when_most_rows_are_wanted_or_for_alternatives() -> None:
    most = scan(**{"Plan Rows": 1_500_000})
    either = scan(Filter="((r.status = 'open'::text) OR (r.lot = 'A'::text))")
    for step in (most, either):
        assert propose(read_plan(plan(step)), {"qms.readings": BIG})[1] == []


@pytest.mark.parametrize(
    ("condition", "index"),
    [
        ("(r.attributes @> '{\"a\": 1}'::jsonb)", "USING gin (attributes)"),
        ("(r.note ~~* '%seal%'::text)", "USING gin (note gin_trgm_ops)"),
        ('(r."Odd Name" = 5)', '("Odd Name")'),
        ("(lower(r.note) = 'x'::text)", None),
    ],
)
def test_other_conditions_get_the_index_that_serves_them(condition: str, index: str | None) -> None:
    _, indexes = propose(read_plan(plan(scan(Filter=condition))), {"qms.readings": BIG})
    assert [i.statement for i in indexes] == ([f"CREATE INDEX ON qms.readings {index};"] if index else [])


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        (b"  Rows Removed by Filter: 312", b"  Rows Removed by Filter: withheld"),
        (b'"Rows Removed by Filter": 312,', b'"Rows Removed by Filter": "withheld",'),
        (b"<Rows-Removed-by-Filter>312</Rows-Removed-by-Filter>",
         b"<Rows-Removed-by-Filter>withheld</Rows-Removed-by-Filter>"),
        (b"Seq Scan on t  (cost=0.00..35.50 rows=2534 width=4) (actual time=0.1..0.2 rows=17.00 loops=1)",
         b"Seq Scan on t  (cost=0.00..35.50 rows=3000 width=4) (actual time=0.1..0.2 rows=17.00 loops=1)"),
        (b"->  Bitmap Index Scan on i  (cost=0.0..4.2 rows=8 width=0) (actual time=0.0..0.1 rows=413.00 loops=1)",
         b"->  Bitmap Index Scan on i  (cost=0.0..4.2 rows=8 width=0) (actual time=0.0..0.1 rows=withheld loops=1)"),
        (b'{"Node Type": "Bitmap Index Scan", "Plan Rows": 8, "Actual Rows": 413.00, "x": 1}',
         b'{"Node Type": "Bitmap Index Scan", "Plan Rows": 8, "Actual Rows": "withheld", "x": 1}'),
        (b'{"Node Type": "Bitmap Index Scan", "Plans": [{"Node Type": "Sort", "Actual Rows": 4}]}',
         b'{"Node Type": "Bitmap Index Scan", "Plans": [{"Node Type": "Sort", "Actual Rows": 4}]}'),
        (b"  Heap Blocks: exact=44", b"  Heap Blocks: "),
        (b"    Heap Fetches: 90", b"    Heap Fetches: withheld"),
        (b"Execution Time: 0.388 ms", b"Execution Time: 0.388 ms"),
    ],
)  # fmt: skip
def test_counts_of_rows_of_others_are_withheld_and_estimates_rounded(written: bytes, shown: bytes) -> None:
    assert withhold(written) == shown


def test_one_digit_is_kept() -> None:
    assert [one_digit(count) for count in (0, 1, 9, 14, 149, 2534)] == [0, 1, 9, 10, 100, 3000]
