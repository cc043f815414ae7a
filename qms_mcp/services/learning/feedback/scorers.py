"""Scorers: what rules can say of a run that has ended, each from 0 to 1. The score of the run is their mean.

`ended` says how it stopped, `answer` whether the answer has the shape it must have, `evidence` which share of its
findings names calls and records that are there, `tools` which share of its calls worked, `latency` and `cost` how it
stood against what it was allowed. A scorer that has nothing to go by is left out: it neither helps nor hurts.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from qms_mcp.agents.outputs import AgentOutput

# An answer that had to stop is worth something; that it gave up for these reasons, little.
_STOPPED = {"refused": 0.0, "looping": 0.25, "budget": 0.25, "timeout": 0.25, "turn_limit": 0.5, "tool_call_limit": 0.5}
_PARTIAL = 0.5
# Up to half of the time allowed nothing is taken off; at all of it, everything.
_UNHURRIED = 0.5
_UNCHECKED = "not done"


@dataclass(frozen=True, slots=True)
class EndedRow:
    """A run that has ended, as its rows say.

    Attributes:
        status: completed, partial, failed or lost.
        stop_reason: Why it had to stop, if it had to.
        output: Its answer, as JSON.
        duration_ms: From its start.
        cost_usd: None: without a model.
        calls: By label, whether the call worked.
        unrecorded: Labels of calls the ledger does not have.
        seconds: How long it was allowed to take.
        planned_usd: What was planned for it; None: nothing was.
    """

    status: str
    stop_reason: str | None
    output: Mapping[str, Any] | None
    duration_ms: int | None
    cost_usd: float | None
    calls: Mapping[str, bool]
    unrecorded: frozenset[str]
    seconds: int | None
    planned_usd: float | None


@dataclass(frozen=True, slots=True)
class Scores:
    """What the scorers say.

    Attributes:
        by_scorer: From 0 to 1.
        notes: What took something off.
    """

    by_scorer: Mapping[str, float]
    notes: tuple[str, ...]

    @property
    def mean(self) -> float:
        """The score of the run."""
        return sum(self.by_scorer.values()) / len(self.by_scorer)


def answer_of(run: EndedRow) -> AgentOutput | None:
    """Return the answer of a run; None where there is none of the shape it must have."""
    try:
        return None if run.output is None else AgentOutput.model_validate(run.output)
    except ValidationError:
        return None


def cited_records(answer: AgentOutput | None) -> set[str]:
    """Return the records an answer cites."""
    return {name for _, one in answer.findings() for name in one.evidence.records} if answer else set()


def scored(run: EndedRow, answer: AgentOutput | None, there: Collection[str]) -> Scores:
    """Return what the scorers say of a run.

    Args:
        run: The run.
        answer: Its answer, where it has the right shape.
        there: Of the records it cites, those that exist.
    """
    found = {
        "ended": _ended(run),
        "answer": (0.0, "no answer of the right shape") if answer is None else (1.0, ""),
        "evidence": _evidence(run, answer, there),
        "tools": _tools(run),
        "latency": _latency(run),
        "cost": _cost(run),
    }
    given = {name: one for name, one in found.items() if one is not None}
    return Scores(
        {name: round(score, 4) for name, (score, _) in given.items()},
        tuple(f"{name}: {why}" for name, (_, why) in given.items() if why),
    )


def _ended(run: EndedRow) -> tuple[float, str]:
    if run.stop_reason in _STOPPED:
        return _STOPPED[run.stop_reason], f"it stopped: {run.stop_reason}"
    if run.status == "completed":
        return 1.0, ""
    return (_PARTIAL, "only in part") if run.status == "partial" else (0.0, f"it {run.status}")


def _evidence(run: EndedRow, answer: AgentOutput | None, there: Collection[str]) -> tuple[float, str] | None:
    """Return which share of the findings rests on what is there; a check that could not be made needs nothing."""
    if answer is None:
        return 0.0, "no findings to check"
    findings = [one for _, one in answer.findings() if not (one.measure == "check" and one.value == _UNCHECKED)]
    if not findings:
        return None
    wrong: list[str] = []
    good = 0
    for one in findings:
        missing = [call for call in one.evidence.calls if call not in run.calls or call in run.unrecorded]
        missing += [name for name in one.evidence.records if name not in there]
        empty = not one.evidence.calls and not one.evidence.records
        good += not missing and not empty
        wrong += missing or (["a finding names none"] if empty else [])
    share = good / len(findings)
    told = ", ".join(dict.fromkeys(wrong))[:300]
    return share, "" if share == 1 else f"{len(findings) - good} of {len(findings)} findings do not hold: {told}"


def _tools(run: EndedRow) -> tuple[float, str] | None:
    if not run.calls:
        return None
    failed = sum(not worked for worked in run.calls.values())
    return 1 - failed / len(run.calls), f"{failed} of {len(run.calls)} calls failed" if failed else ""


def _latency(run: EndedRow) -> tuple[float, str] | None:
    if run.duration_ms is None or not run.seconds:
        return None
    share = run.duration_ms / 1000 / run.seconds
    score = min(1.0, max(0.0, (1 - share) / (1 - _UNHURRIED)))
    return score, "" if score == 1 else f"{run.duration_ms / 1000:.1f} s of {run.seconds} s allowed"


def _cost(run: EndedRow) -> tuple[float, str] | None:
    if run.cost_usd is None or not run.planned_usd:
        return None
    score = min(1.0, run.planned_usd / run.cost_usd) if run.cost_usd > 0 else 1.0
    return score, "" if score == 1 else f"{run.cost_usd:.4f} USD of {run.planned_usd:.4f} planned"
