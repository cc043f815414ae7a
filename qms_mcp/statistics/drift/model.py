"""What a comparison with a reference found."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any, Literal, TypeAlias

Band: TypeAlias = Literal["none", "mild", "severe", "too few"]
MILD, SEVERE = 0.1, 0.3


@dataclass(frozen=True, slots=True)
class Shift:
    """A metric compared with its reference.

    Attributes:
        method: Which tests and effect.
        n_reference: Observations of the reference.
        n_current: Observations now.
        baseline: What stands for the reference: a mean, a share.
        current: The same now.
        statistic: Of the leading test; None when there were too few.
        p: That there is no difference, over all tests of the method.
        effect: With its sign, where it has one.
        severity: From 0 to 1; it means nothing unless the test is passed.
        details: Numbers of each test.
    """

    method: str
    n_reference: int
    n_current: int
    baseline: float | None = None
    current: float | None = None
    statistic: float | None = None
    p: float | None = None
    effect: float | None = None
    severity: float = 0.0
    details: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType(dict[str, Any]()))

    @property
    def enough(self) -> bool:
        """Whether there were enough observations to say anything."""
        return self.p is not None


def holm(shifts: Mapping[str, Shift]) -> dict[str, float]:
    """Return the adjusted p of each shift that could be tested: together they err no more often than one alone.

    S. Holm, A simple sequentially rejective multiple test procedure, Scandinavian Journal of Statistics 6 (1979).
    """
    tested = sorted((shift.p, name) for name, shift in shifts.items() if shift.p is not None)
    adjusted: dict[str, float] = {}
    highest = 0.0
    for place, (p, name) in enumerate(tested):
        highest = max(highest, min(1.0, p * (len(tested) - place)))
        adjusted[name] = highest
    return adjusted


def band(shift: Shift, adjusted: float | None, *, alpha: float, severe: float = SEVERE) -> Band:
    """Return how much a shift matters.

    Args:
        shift: What was found.
        adjusted: Its p over all metrics.
        alpha: From which p on a difference counts.
        severe: From which severity on it is severe.
    """
    if not shift.enough or adjusted is None:
        return "too few"
    if adjusted > alpha or shift.severity < min(MILD, severe):
        return "none"
    return "severe" if shift.severity >= severe else "mild"


def too_few(method: str, reference: Sequence[object], current: Sequence[object], least: int) -> Shift | None:
    """Return what to say when there are too few observations; None when there are enough."""
    if min(len(reference), len(current)) >= least:
        return None
    return Shift(method, len(reference), len(current), details=MappingProxyType({"least": least}))


def with_details(shift: Shift, **more: Any) -> Shift:
    """Return a shift with more details."""
    return replace(shift, details=MappingProxyType({**shift.details, **more}))
