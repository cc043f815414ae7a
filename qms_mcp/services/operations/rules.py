"""From when on something is an alert: six shipped limits, each of which an organization may set otherwise.

A limit has two ends, so that a value that swings around it does not open and close an alert again and again: the alert
opens beyond `threshold` and closes only when the value is back beyond `clears_at`, shipped 20 % inside of the limit.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal, TypeAlias, get_args

from qms_mcp.errors import InvalidInputError
from qms_mcp.statistics.intervals import clopper_pearson

Metric: TypeAlias = Literal["latency_s", "error_rate", "tokens_per_day", "drift", "feedback_average", "queue_depth"]
Level: TypeAlias = Literal["warning", "critical"]
METRICS: tuple[Metric, ...] = get_args(Metric)
_FALLING: frozenset[Metric] = frozenset({"feedback_average"})
_DAY, _WEEK = 1440, 10080


@dataclass(frozen=True, slots=True)
class Rule:
    """From when on a metric is an alert.

    Attributes:
        threshold: In the unit of the metric; beyond it an alert opens.
        clears_at: Back to here it closes.
        window_minutes: How far back is looked.
        minimum_n: With less than this nothing is said.
    """

    metric: Metric
    threshold: float
    clears_at: float
    level: Level
    window_minutes: int
    minimum_n: int = 1
    enabled: bool = True

    @property
    def falls(self) -> bool:
        """Whether low values are the bad ones."""
        return self.metric in _FALLING


@dataclass(frozen=True, slots=True)
class Measured:
    """A value of a metric.

    Attributes:
        subject: An agent; empty for the whole organization.
        n: Of how many it is made.
        bad: How many of them went wrong, where they are counted.
        of_what: What of the subject, where it has several.
    """

    subject: str
    value: float
    n: int
    bad: int | None = None
    of_what: str = ""


SHIPPED: Mapping[Metric, Rule] = {
    rule.metric: rule
    for rule in (
        Rule("latency_s", 30.0, 24.0, "warning", _DAY, 5),
        Rule("error_rate", 0.05, 0.04, "critical", _DAY, 20),
        Rule("tokens_per_day", 1_000_000.0, 800_000.0, "warning", _DAY),
        Rule("drift", 0.3, 0.24, "warning", 2 * _DAY),
        Rule("feedback_average", 0.6, 0.72, "critical", _WEEK, 10),
        Rule("queue_depth", 100.0, 80.0, "warning", 1),
    )
}


def rules_of(rows: "list[dict[str, Any]]") -> dict[Metric, Rule]:
    """Return the rule of every metric: the shipped one, or what the organization set last."""
    found = dict(SHIPPED)
    for row in rows:
        found[row["metric"]] = replace(found[row["metric"]], **row)
    return found


def checked(rule: Rule) -> Rule:
    """Return a rule that can be used.

    Raises:
        InvalidInputError: It clears on the wrong side, or looks at nothing.
    """
    inside = rule.clears_at >= rule.threshold if rule.falls else rule.clears_at <= rule.threshold
    if not inside:
        raise InvalidInputError(
            f"An alert of {rule.metric} can't clear at {rule.clears_at:g} when it opens at {rule.threshold:g}.",
            hint="It clears at the limit itself or on its good side; 20 % inside is usual.",
        )
    if rule.window_minutes < 1 or rule.minimum_n < 1:
        raise InvalidInputError("The window and the least number are whole numbers from 1 on.")
    return rule


def in_words(rule: Rule, seen: Measured) -> str:
    """Say what was measured, against what; no text of a record or an answer is in it."""
    whom = f" of {seen.subject}" if seen.subject else ""
    side = "below" if rule.falls else "above"
    limit = f"; it opens {side} {_shown(rule.metric, rule.threshold)}, closes at {_shown(rule.metric, rule.clears_at)}"
    value = _shown(rule.metric, seen.value)
    match rule.metric:
        case "latency_s":
            said = f"95 % of {seen.n} answers{whom} took at most {value}"
        case "error_rate":
            low, high = clopper_pearson(seen.bad or 0, max(seen.n, 1))
            said = f"{seen.bad} of {seen.n} runs{whom} went wrong: {value} (95 % interval {low:.1%} to {high:.1%})"
        case "tokens_per_day":
            said = f"{value} in {_window(rule.window_minutes)}"
        case "drift":
            said = f"The drift{whom} is {value}{f' in {seen.of_what}' if seen.of_what else ''}"
        case "feedback_average":
            said = f"The average of {seen.n} feedbacks{whom} is {value}"
        case "queue_depth":
            said = f"{value} wait"
    return f"{said}{limit}."


def _shown(metric: Metric, value: float) -> str:
    match metric:
        case "latency_s":
            return f"{value:.1f} s"
        case "error_rate":
            return f"{value:.1%}"
        case "tokens_per_day":
            return f"{value:,.0f} tokens"
        case "queue_depth":
            return f"{value:.0f} tasks"
        case _:
            return f"{value:.3g}"


def _window(minutes: int) -> str:
    return f"{minutes // 60} h" if minutes % 60 == 0 else f"{minutes} min"
