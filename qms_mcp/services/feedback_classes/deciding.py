"""From what rules, classifier and model say of a text to its category, urgency and way.

Harm outranks everything: a text with an undenied word of harm is `safety`, whoever says what. A classifier or a model
may raise a text to safety, never lower one.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass

from qms_mcp.services.feedback_classes.asking import Judged
from qms_mcp.services.feedback_classes.models import (
    CATEGORIES,
    Category,
    ClassifiedFeedback,
    Method,
    Routing,
    Sentiment,
    Urgency,
)
from qms_mcp.services.feedback_classes.rules import mood_of, phrase_weights
from qms_mcp.services.feedback_classes.safety import Alarm, alarm_in

_BY_RULE = 0.95
# How much a phrase of weight 1 moves the odds of its category.
_PHRASE = 0.4
_CLOSE = 0.6
_QUOTE = 120
_NEUTRAL = 0.25
# Beside no phrase at all, rules alone know nothing: `other`, and little confidence.
_NO_PHRASE = 0.2
_RECORDED = "report_event as a complaint"
_ROLES: Mapping[Category, Routing] = {
    "safety": Routing(role="regulatory", next=f"{_RECORDED}, then assess_reportability"),
    "labelling": Routing(role="regulatory", next=_RECORDED),
    "packaging": Routing(role="qa_approver", next=_RECORDED),
    "product_performance": Routing(role="qa_approver", next=_RECORDED),
    "software": Routing(role="qa_approver", next=_RECORDED),
    "usability": Routing(role="qa_approver", next=_RECORDED),
    "delivery": Routing(role="owner", next="report_event when a product is affected"),
    "service": Routing(role="owner", next="report_event when a product is affected"),
    "praise": Routing(role="owner"),
    "other": Routing(role="owner"),
}
_GRAVE = frozenset({"death", "serious_injury"})


@dataclass(frozen=True, slots=True)
class Feedback:
    """A text to classify.

    Attributes:
        of: What it is called in the answer.
        record: Number of the record it is of.
        event_type: What that record says happened.
    """

    of: str
    text: str
    record: str = ""
    event_type: str = ""


@dataclass(frozen=True, slots=True)
class _Choice:
    category: Category
    confidence: float
    runner_up: Category | None
    method: Method


def decide(
    feedback: Feedback, shares: Mapping[Category, float] | None = None, judged: Judged | None = None
) -> ClassifiedFeedback:
    """Return what a text is about.

    Args:
        feedback: The text.
        shares: Of each category, by the classifier, if there is one.
        judged: What a model says, if one was asked.
    """
    alarm = alarm_in(feedback.text)
    choice = _choice(feedback, alarm, shares, judged)
    urgency, words = _urgency(feedback, alarm, choice)
    score, mood = mood_of(feedback.text) if judged is None else _mood(judged.sentiment)
    words_of_text = " ".join(feedback.text.split())
    return ClassifiedFeedback(
        of=feedback.of,
        quote=words_of_text if len(words_of_text) <= _QUOTE else f"{words_of_text[:_QUOTE]}…",
        category=choice.category,
        confidence=round(choice.confidence, 2),
        runner_up=choice.runner_up,
        sentiment=mood,
        score=score,
        urgency=urgency,
        words=words,
        routing=_routing(feedback, choice.category, urgency),
        method=choice.method,
    )


def _choice(
    feedback: Feedback, alarm: Alarm, shares: Mapping[Category, float] | None, judged: Judged | None
) -> _Choice:
    phrases = phrase_weights(feedback.text)
    first, confidence, second, share = _ranked(phrases, shares)
    if alarm.harm or feedback.event_type in _GRAVE:
        other = judged.category if judged is not None else first
        other = other if other != "safety" else second
        return _Choice("safety", _BY_RULE, other, "rules")
    if judged is not None:
        return _Choice(judged.category, judged.confidence, first if first != judged.category else None, "model")
    method: Method = "classifier" if shares is not None else "rules"
    return _Choice(first, confidence, second if share >= _CLOSE * confidence else None, method)


def _ranked(
    phrases: Mapping[Category, float], shares: Mapping[Category, float] | None
) -> tuple[Category, float, Category, float]:
    """Return the first and the second category, each with its share."""
    if shares is None and not phrases:
        return "other", _NO_PHRASE, "product_performance", 0.0
    scores: dict[Category, float] = {
        category: (1.0 if shares is None else shares[category])
        * math.exp((_PHRASE if shares is not None else 1.0) * phrases.get(category, 0.0))
        for category in CATEGORIES
    }
    whole = sum(scores.values())
    (first, most), (second, less) = sorted(scores.items(), key=lambda one: -one[1])[:2]
    return first, most / whole, second, less / whole


def _urgency(feedback: Feedback, alarm: Alarm, choice: _Choice) -> tuple[Urgency, list[str]]:
    if feedback.event_type in _GRAVE:
        return "safety", [f"event_type {feedback.event_type}", *alarm.harm]
    if alarm.harm:
        return "safety", list(alarm.harm)
    if choice.category == "safety":
        return "safety", [f"by the {choice.method}", *alarm.denied]
    if alarm.denied:
        return "safety_denied", list(alarm.denied)
    return ("urgent", list(alarm.haste)) if alarm.haste else ("normal", [])


def _mood(score: float) -> tuple[float, Sentiment]:
    if abs(score) < _NEUTRAL:
        return round(score, 2), "neutral"
    return round(score, 2), "positive" if score > 0 else "negative"


def _routing(feedback: Feedback, category: Category, urgency: Urgency) -> Routing:
    usual = _ROLES[category]
    if urgency in {"safety", "safety_denied"}:
        step = "assess_reportability" if feedback.record else _ROLES["safety"].next
        return Routing(role="regulatory", next=f"{step} of {feedback.record}" if feedback.record else step)
    if feedback.record:
        return Routing(role=usual.role, next=f"find_similar to {feedback.record}, then transition_record")
    return usual
