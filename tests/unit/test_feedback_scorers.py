"""The scorers: what rules say of a run that has ended."""

from typing import Any

import pytest

from qms_mcp.services.learning.feedback.scorers import EndedRow, answer_of, cited_records, scored


def finding(*calls: str, records: tuple[str, ...] = (), **parts: Any) -> dict[str, Any]:
    return {
        "statement": "Two CAPAs are late.", "severity": "minor", "confidence": 0.9,
        "evidence": {"calls": list(calls), "records": list(records)}, **parts,
    }  # fmt: skip


def run(*findings: dict[str, Any], **parts: Any) -> EndedRow:
    output = {"summary": "Done.", "insights": list(findings), "actions": [], "recommendations": []}
    own: dict[str, Any] = {
        "status": "completed", "stop_reason": None, "output": output, "duration_ms": 1_000, "cost_usd": 0.01,
        "calls": {"c1": True, "c2": True}, "unrecorded": frozenset(), "seconds": 60, "planned_usd": 0.02, **parts,
    }  # fmt: skip
    return EndedRow(**own)


def scores(row: EndedRow, *there: str) -> dict[str, float]:
    return dict(scored(row, answer_of(row), there).by_scorer)


def test_a_good_run_has_the_full_score_of_every_scorer() -> None:
    row = run(finding("c1", records=("CAPA-2026-0014",)))
    assert scores(row, "CAPA-2026-0014") == dict.fromkeys(
        ["ended", "answer", "evidence", "tools", "latency", "cost"], 1.0
    )
    assert scored(row, answer_of(row), {"CAPA-2026-0014"}).mean == 1


def test_evidence_that_is_not_there_takes_its_share_off() -> None:
    row = run(finding("c1"), finding("c9"), finding("c1", records=("CAPA-1999-0001",)), finding())
    found = scored(row, answer_of(row), ())
    assert found.by_scorer["evidence"] == 0.25
    assert "c9" in found.notes[0]
    assert "CAPA-1999-0001" in found.notes[0]
    assert "names none" in found.notes[0]
    assert cited_records(answer_of(row)) == {"CAPA-1999-0001"}


def test_a_call_the_ledger_does_not_have_is_no_evidence() -> None:
    assert scores(run(finding("c1"), unrecorded=frozenset({"c1"})))["evidence"] == 0


def test_a_check_that_could_not_be_made_needs_no_evidence() -> None:
    assert "evidence" not in scores(run(finding(measure="check", value="not done")))


@pytest.mark.parametrize("output", [None, {"summary": "x"}, {"answer": 3}])
def test_an_answer_of_another_shape_is_worth_nothing(output: Any) -> None:
    found = scores(run(output=output))
    assert (found["answer"], found["evidence"]) == (0, 0)


@pytest.mark.parametrize(
    ("parts", "expected"),
    [
        ({"status": "failed"}, 0.0),
        ({"status": "lost"}, 0.0),
        ({"status": "partial"}, 0.5),
        ({"status": "partial", "stop_reason": "looping"}, 0.25),
        ({"status": "partial", "stop_reason": "budget"}, 0.25),
        ({"status": "partial", "stop_reason": "timeout"}, 0.25),
        ({"status": "failed", "stop_reason": "refused"}, 0.0),
    ],
)
def test_how_it_ended_counts(parts: dict[str, Any], expected: float) -> None:
    assert scores(run(finding("c1"), **parts))["ended"] == expected


def test_failed_calls_time_and_cost_take_their_share_off() -> None:
    found = scores(run(finding("c1"), calls={"c1": True, "c2": False}, duration_ms=45_000, cost_usd=0.04))
    assert found["tools"] == 0.5
    assert found["latency"] == 0.5
    assert found["cost"] == 0.5


def test_what_there_is_nothing_to_go_by_neither_helps_nor_hurts() -> None:
    row = run(finding("c1"), calls={"c1": True}, seconds=None, planned_usd=None)
    assert set(scores(row)) == {"ended", "answer", "evidence", "tools"}
    assert "tools" not in scores(run(calls={}, seconds=None))
