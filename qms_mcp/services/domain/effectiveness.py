"""Whether the actions of a CAPA worked: a criterion fixed beforehand, and its verdict on the data of a window.

A criterion says what is measured, what it was (baseline), what it has to become (target), from when to when, and how
much data it takes at least. The verdict is a comparison of numbers, nothing more: `met`, `not_met`, or `too_early` when
the window is still open or too little was seen. How likely the difference is by chance goes along as information and
never changes the verdict. Whether the CAPA was effective is for a person to say.
"""

from datetime import date
from typing import Literal

from pydantic import Field

from qms_mcp.errors import InvalidInputError
from qms_mcp.services.domain.exact_tests import (
    Tail,
    binomial_tail,
    compare_counts,
    compare_proportions,
    poisson_tail,
)
from qms_mcp.services.domain.frozen import Frozen

Measure = Literal["count", "rate", "value"]
Comparator = Literal["<=", "<", ">=", ">"]
Verdict = Literal["met", "not_met", "too_early"]

_LONGEST_METRIC = 500


class Counted(Frozen):
    """Which records count: those of a category, narrowed by tags, fields and words.

    Attributes:
        category: The kind of record, as `complaint`.
        tags: All of them have to be on the record.
        fields: Values the record has to have, own columns or site fields.
        words: Words that have to occur in title or description.
    """

    category: str
    tags: tuple[str, ...] = ()
    fields: dict[str, str | bool | int | float] = Field(default_factory=dict[str, str | bool | int | float])
    words: str = ""


class Baseline(Frozen):
    """What it was before.

    Attributes:
        value: The value of the metric itself (events a window, rate, or value).
        events: Events seen, if it was counted.
        exposure: Over how many days (count) or opportunities (rate) they were seen.
    """

    value: float
    events: int | None = None
    exposure: float | None = None


class Criterion(Frozen):
    """A measurable criterion of effectiveness.

    Attributes:
        metric: What is measured, in words.
        measure: How: `count` of records, `rate` of records of `counted` per record of `per`, `value` of a query.
        counted: For count and rate: which records are events.
        per: For rate: which records are the opportunities.
        statement: For value: one SELECT that returns `value` and, if it can, `n`.
        minimum_sample: At least so many days (count), opportunities (rate) or units (value) have to be seen.
    """

    metric: str
    measure: Measure
    counted: Counted | None = None
    per: Counted | None = None
    statement: str | None = None
    baseline: Baseline
    target: float
    comparator: Comparator = "<="
    window_start: date
    window_end: date
    minimum_sample: int = 1

    @property
    def days(self) -> int:
        """How many days the window has, its first and its last included."""
        return (self.window_end - self.window_start).days + 1


class Observation(Frozen):
    """What was seen in the window so far.

    Attributes:
        value: The value of the metric; None when nothing can be computed yet.
        events: Events counted, for count and rate.
        sample: Days of the window seen, opportunities, or units.
        days: How many days of the window have passed, at least one of them whole.
    """

    value: float | None
    sample: int
    days: int
    events: int | None = None


class Effectiveness(Frozen):
    """A verdict with its numbers.

    Attributes:
        chance: How likely a result this good is if nothing had changed (one-sided, exact); None when not computable.
        method: How `chance` was computed.
        why: The verdict in a sentence.
    """

    verdict: Verdict
    value: float | None
    sample: int
    chance: float | None
    method: str
    why: str


def check_criterion(criterion: Criterion) -> Criterion:
    """Return the criterion when it can be measured.

    Raises:
        InvalidInputError: Something is missing or contradicts itself.
    """
    problem = next((said for wrong, said in _problems(criterion) if wrong), None)
    if problem:
        raise InvalidInputError(f"The effectiveness criterion can't be measured: {problem}.", hint=_HINT)
    return criterion


_HINT = (
    "It takes a metric, a measure (count, rate or value) with its source, a baseline, a target that improves on it, a "
    "window and a minimum sample."
)


def _problems(criterion: Criterion) -> tuple[tuple[bool, str], ...]:
    lower = criterion.comparator in {"<=", "<"}
    target, baseline = criterion.target, criterion.baseline.value
    return (
        (not 1 <= len(criterion.metric.strip()) <= _LONGEST_METRIC, "the metric needs 1 to 500 characters"),
        (criterion.window_end <= criterion.window_start, "the window ends before it begins"),
        (criterion.minimum_sample < 1, "the minimum sample has to be 1 or more"),
        (criterion.measure != "value" and criterion.counted is None, "it does not say which records count"),
        (criterion.measure == "rate" and criterion.per is None, "a rate needs the records it is per"),
        (criterion.measure == "value" and not (criterion.statement or "").strip(), "a value needs a statement"),
        (criterion.measure == "count" and criterion.minimum_sample > criterion.days, "the minimum is above its days"),
        (
            target > baseline if lower else target < baseline,
            f"the target {target:g} is worse than the baseline {baseline:g}",
        ),
    )


def observe_count(criterion: Criterion, events: int, today: date) -> Observation:
    """Return what a count saw: its sample is the days of the window that have passed."""
    days = days_seen(criterion, today)
    return Observation(value=float(events), events=events, sample=days, days=days)


def observe_rate(criterion: Criterion, events: int, opportunities: int, today: date) -> Observation:
    """Return what a rate saw: its sample is the opportunities."""
    rate = events / opportunities if opportunities else None
    return Observation(value=rate, events=events, sample=opportunities, days=days_seen(criterion, today))


def observe_value(criterion: Criterion, value: float | None, n: int, today: date) -> Observation:
    """Return what a query saw."""
    return Observation(value=value, sample=n, days=days_seen(criterion, today))


def days_seen(criterion: Criterion, today: date) -> int:
    """Return how many whole days of the window are over."""
    return max(0, min((today - criterion.window_start).days, criterion.days))


def judge(criterion: Criterion, seen: Observation, today: date) -> Effectiveness:
    """Return the verdict on what was seen until `today`; the last day of the window has to be over."""
    chance, method = _chance(criterion, seen)
    verdict, why = _verdict(criterion, seen, today)
    return Effectiveness(verdict=verdict, value=seen.value, sample=seen.sample, chance=chance, method=method, why=why)


def _verdict(criterion: Criterion, seen: Observation, today: date) -> tuple[Verdict, str]:
    unit = {"count": "days", "rate": "opportunities", "value": "units"}[criterion.measure]
    enough = seen.sample >= criterion.minimum_sample
    shown = "no value" if seen.value is None else f"{seen.value:g}"
    against = f"{shown} against {criterion.comparator} {criterion.target:g} (baseline {criterion.baseline.value:g})"
    if today <= criterion.window_end:
        if _beyond_repair(criterion, seen):
            return "not_met", f"{against}: the window is open until {criterion.window_end}, but a count only grows"
        return "too_early", f"the window is open until {criterion.window_end}; so far {against}, {seen.sample} {unit}"
    if not enough or seen.value is None:
        return "too_early", f"{seen.sample} {unit} seen, {criterion.minimum_sample} needed; so far {against}"
    if _holds(seen.value, criterion.comparator, criterion.target):
        return "met", f"{against}, {seen.sample} {unit}"
    return "not_met", f"{against}, {seen.sample} {unit}"


def _beyond_repair(criterion: Criterion, seen: Observation) -> bool:
    """Return whether nothing that still happens in the window can meet the target."""
    return (
        criterion.measure == "count"
        and criterion.comparator in {"<=", "<"}
        and seen.value is not None
        and not _holds(seen.value, criterion.comparator, criterion.target)
    )


def _holds(value: float, comparator: Comparator, target: float) -> bool:
    return {"<=": value <= target, "<": value < target, ">=": value >= target, ">": value > target}[comparator]


def _chance(criterion: Criterion, seen: Observation) -> tuple[float | None, str]:
    tail: Tail = "at_most" if criterion.comparator in {"<=", "<"} else "at_least"
    if seen.events is None or seen.sample < 1:
        return None, "not computed"
    if criterion.measure == "count":
        return _chance_of_count(criterion, seen.events, seen.sample, tail)
    return _chance_of_rate(criterion.baseline, seen.events, seen.sample, tail)


def _chance_of_count(criterion: Criterion, events: int, days: int, tail: Tail) -> tuple[float | None, str]:
    base = criterion.baseline
    if base.events is not None and base.exposure:
        chance = compare_counts(events, days, base.events, base.exposure, tail)
        return chance, "exact conditional test of two Poisson rates"
    expected = base.value * days / criterion.days
    return poisson_tail(events, expected, tail), "exact Poisson test against the baseline"


def _chance_of_rate(base: Baseline, events: int, opportunities: int, tail: Tail) -> tuple[float | None, str]:
    if events > opportunities:
        return None, "not computed: more events than opportunities"
    if base.events is not None and base.exposure and base.events <= base.exposure:
        chance = compare_proportions(events, opportunities, base.events, int(base.exposure), tail)
        return chance, "Fisher's exact test"
    if not 0 <= base.value <= 1:
        return None, "not computed: the baseline is no proportion"
    return binomial_tail(events, opportunities, base.value, tail), "exact binomial test against the baseline"
