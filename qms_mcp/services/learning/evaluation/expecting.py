"""What is expected of an answer, as a dataset says it.

A dataset holds either a good answer as agents write it, or criteria, or both:

    {"answer": {"summary": ..., "insights": [...]},      # or the answer itself, without `answer` around it
     "findings": [{"subject": "CAPA-2026-0014", "measure": "status", "value": "overdue", "records": [...]}],
     "must_mention": ["CAPA-2026-0014", ["overdue", "late"]],     # a list holds alternatives
     "numbers": [{"name": "open CAPAs", "value": 7, "tolerance": 0.01}],
     "forbidden": ["I have approved"],
     "rubric": "What a judge should look at."}

What is not there is not expected: an answer is not marked down for it.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, cast

_LISTS = ("insights", "actions", "recommendations")
_CRITERIA = ("answer", "findings", "must_mention", "numbers", "forbidden", "rubric")
TOLERANCE = 0.01


@dataclass(frozen=True, slots=True)
class WantedFinding:
    """A finding an answer should have; empty fields are not looked at."""

    subject: str = ""
    measure: str = ""
    value: str = ""
    statement: str = ""
    records: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class WantedNumber:
    """A number an answer should have.

    Attributes:
        name: Words that stand with it; anywhere if empty.
        tolerance: How far off it may be, as a share of the value, or absolute for a value of 0.
    """

    name: str
    value: float
    tolerance: float = TOLERANCE


@dataclass(frozen=True, slots=True)
class Expected:
    """What a good answer has.

    Attributes:
        answer: A good one, as `AgentOutput` writes it.
        findings: None where none are named: then they are not counted.
        must_mention: Of each, one of the alternatives.
        forbidden: What no answer may say.
        rubric: What a judge should look at in particular.
    """

    answer: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType(dict[str, Any]()))
    findings: tuple[WantedFinding, ...] | None = None
    must_mention: tuple[tuple[str, ...], ...] = ()
    numbers: tuple[WantedNumber, ...] = ()
    forbidden: tuple[str, ...] = ()
    rubric: str = ""


NOTHING = Expected()


def expected_of(stored: Any) -> Expected:
    """Return what a stored item expects; what is of no known shape is a text a judge compares with."""
    if not isinstance(stored, Mapping):
        return Expected(answer={"summary": str(stored)}) if stored else NOTHING
    given = cast("Mapping[str, Any]", stored)
    answer = given.get("answer") if any(name in given for name in _CRITERIA) else given
    if isinstance(answer, str):
        answer = {"summary": answer}
    known: Mapping[str, Any] = cast("Mapping[str, Any]", answer) if isinstance(answer, Mapping) else dict[str, Any]()
    named = given.get("findings")
    return Expected(
        answer=known,
        findings=_findings(_list(named)) if isinstance(named, list) else _findings_of_answer(known),
        must_mention=tuple(
            tuple(str(one) for one in cast("list[Any]", entry)) if isinstance(entry, list) else (str(entry),)
            for entry in _list(given.get("must_mention"))
            if entry
        ),
        numbers=tuple(_numbers(_list(given.get("numbers")))),
        forbidden=tuple(str(one) for one in _list(given.get("forbidden")) if str(one).strip()),
        rubric=str(given.get("rubric") or ""),
    )


def _list(value: Any) -> list[Any]:
    return cast("list[Any]", value) if isinstance(value, list) else []


def _findings_of_answer(answer: Mapping[str, Any]) -> tuple[WantedFinding, ...] | None:
    # A good answer without findings does not say that none may be found.
    return _findings([one for name in _LISTS for one in _list(answer.get(name))]) or None


def _findings(given: Iterable[Any]) -> tuple[WantedFinding, ...]:
    return tuple(_finding(cast("Mapping[str, Any]", one)) for one in given if isinstance(one, Mapping))


def _finding(given: Mapping[str, Any]) -> WantedFinding:
    evidence: Mapping[str, Any] = given.get("evidence") or {}
    records = given.get("records") or evidence.get("records")
    return WantedFinding(
        subject=str(given.get("subject") or ""),
        measure=str(given.get("measure") or ""),
        value=str(given.get("value") or ""),
        statement=str(given.get("statement") or ""),
        records=frozenset(str(one).strip().upper() for one in _list(records)),
    )


def _numbers(given: Iterable[Any]) -> Iterable[WantedNumber]:
    for entry in given:
        one: Mapping[str, Any] = cast("Mapping[str, Any]", entry) if isinstance(entry, Mapping) else {"value": entry}
        try:
            value = float(one["value"])
            yield WantedNumber(str(one.get("name") or ""), value, float(one.get("tolerance", TOLERANCE)))
        except (KeyError, TypeError, ValueError):
            continue  # a dataset is frozen: what is no number in it can't be expected of anybody
