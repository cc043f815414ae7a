"""Why a CAPA and not a correction: a screen over what is known of the events it would answer.

A correction removes what was found, a corrective action removes its cause. The cause is worth an investigation when
the harm could be serious, when it happens again, or when an authority is concerned. The screen names each reason it
finds with the number behind it; it never opens a CAPA by itself, and a person may open one against it, with a reason.
"""

from collections.abc import Mapping, Sequence
from typing import Literal

from qms_mcp.services.domain.frozen import Frozen

Recommendation = Literal["capa", "correction"]
Topic = Literal["severity", "recurrence", "regulatory"]


class ScreenedEvent(Frozen):
    """What the screen looks at of one source record.

    Attributes:
        citation: Number and version of the record, as `NC-2026-0007 v3`.
        similar: How many other records of its kind resemble it within the window.
        similar_records: Citations of some of them.
        grades: Classifications the record carries: grade of a finding, class of a deviation or of a recall.
        regulatory: Why an authority is concerned, one phrase each; empty when none is known.
    """

    citation: str
    category: str
    risk_class: str | None = None
    similar: int = 0
    similar_records: tuple[str, ...] = ()
    grades: tuple[str, ...] = ()
    regulatory: tuple[str, ...] = ()


class ScreenRules(Frozen):
    """Thresholds of an organization."""

    serious_classes: frozenset[str] = frozenset({"high", "critical"})
    serious_grades: frozenset[str] = frozenset({"critical", "major"})
    recurrences: int = 2
    months: int = 12


class ScreenReason(Frozen):
    """One reason for a CAPA."""

    topic: Topic
    why: str


class Screening(Frozen):
    """What the screen says, and why."""

    recommendation: Recommendation
    reasons: tuple[ScreenReason, ...]

    def words(self) -> str:
        """Return the recommendation and its reasons as a sentence or two."""
        if self.recommendation == "correction":
            return (
                "A correction suffices by the screen: no source is of a serious class, none recurs often enough, and "
                "no regulatory impact is known."
            )
        return "A CAPA is indicated. " + " ".join(f"{reason.topic.title()}: {reason.why}." for reason in self.reasons)


STANDARD_RULES = ScreenRules()


def screen(events: Sequence[ScreenedEvent], rules: ScreenRules = STANDARD_RULES) -> Screening:
    """Return whether the events call for a CAPA."""
    reasons = [reason for event in events for reason in _reasons(event, rules)]
    if len(events) > rules.recurrences:
        reasons.append(ScreenReason(topic="recurrence", why=f"{len(events)} source records describe it"))
    return Screening(recommendation="capa" if reasons else "correction", reasons=tuple(reasons))


def _reasons(event: ScreenedEvent, rules: ScreenRules) -> list[ScreenReason]:
    found: list[ScreenReason] = []
    if event.risk_class in rules.serious_classes:
        found.append(ScreenReason(topic="severity", why=f"{event.citation} has the risk class {event.risk_class}"))
    grades = sorted(set(event.grades) & rules.serious_grades)
    found += [ScreenReason(topic="severity", why=f"{event.citation} is graded {grade}") for grade in grades]
    if event.similar >= rules.recurrences:
        found.append(
            ScreenReason(
                topic="recurrence",
                why=f"{event.similar} records similar to {event.citation} in {rules.months} months{_named(event)}",
            )
        )
    found += [ScreenReason(topic="regulatory", why=f"{event.citation}: {what}") for what in event.regulatory]
    return found


def _named(event: ScreenedEvent) -> str:
    return f" ({', '.join(event.similar_records)})" if event.similar_records else ""


def regulatory_impact(category: str, content: Mapping[str, object]) -> tuple[str, ...]:
    """Return why an authority is concerned, from the fields of a record.

    Args:
        category: The kind of record.
        content: Its fields; those not known are not looked for.
    """
    found: list[str] = []
    if category == "field_action":
        found.append("it is a correction or removal in the field")
    if content.get("reportable") is True or content.get("reportability") == "reportable":
        found.append("it is reportable")
    if content.get("by_authority") is True:
        found.append("an authority raised it")
    return tuple(found)
