"""How a judge compares with people, and a map from its scores to theirs.

Pairs of scores, a judge's and a person's for the same answer, say how far the judge is off: its bias with an interval,
its mean absolute error, and Cohen's kappa with quadratic weights over five classes (Cohen 1968). With 20 pairs or more
two maps are tried, a straight line and a step-free isotonic one (pool adjacent violators: Ayer et al. 1955), and the
better by five-fold cross-validation is used if it is better than no map at all. The error after is the cross-validated
one: the error on the pairs it was made of would flatter it.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import pairwise
from math import sqrt
from statistics import fmean, stdev
from typing import Any, Literal, TypeAlias

LEAST_PAIRS = 20
_FOLDS = 5
_CLASSES = 5
_CONFIDENCE = 0.95

PairOfScores: TypeAlias = tuple[float, float]
Knots: TypeAlias = tuple[tuple[float, float], ...]
Method: TypeAlias = Literal["none", "linear", "isotonic"]


@dataclass(frozen=True, slots=True)
class Calibration:
    """How a judge compares with people.

    Attributes:
        n: Pairs it is made of.
        method: Of the map; `none`: scores stay as they are.
        knots: The map: judge's score and people's, in between straight.
        mae_before: Mean absolute error of the judge as it is; None without pairs.
        mae_after: The same with the map, on pairs it was not made of.
        bias: Judge minus person on average; above 0 the judge is too kind.
        bias_interval: 95 % interval of that; None for less than two pairs.
        kappa: Agreement beyond chance over five classes, quadratic weights; None where it is not defined.
        judge: Which judge.
    """

    n: int
    method: Method = "none"
    knots: Knots = ()
    mae_before: float | None = None
    mae_after: float | None = None
    bias: float | None = None
    bias_interval: tuple[float, float] | None = None
    kappa: float | None = None
    judge: str = ""

    @property
    def is_calibrated(self) -> bool:
        """Whether there were enough pairs to know how the judge compares with people."""
        return self.n >= LEAST_PAIRS

    def of(self, score: float) -> float:
        """Return the score people would be expected to give."""
        return min(1.0, max(0.0, _interpolated(self.knots, score))) if self.knots else score

    def as_spec(self) -> dict[str, Any]:
        """Return it as JSON, to be kept with an evaluation."""
        return asdict(self)

    @classmethod
    def from_spec(cls, spec: Mapping[str, Any]) -> "Calibration":
        """Return what was kept."""
        interval = spec.get("bias_interval")
        kept: dict[str, Any] = {
            **spec,
            "knots": tuple((float(x), float(y)) for x, y in spec.get("knots", ())),
            "bias_interval": None if interval is None else (float(interval[0]), float(interval[1])),
        }
        return cls(**kept)

    def in_words(self) -> str:
        """Return a sentence for people."""
        if not self.is_calibrated:
            return f"Not calibrated: {self.n} answers were scored by both the judge and a person; {LEAST_PAIRS} needed."
        low, high = self.bias_interval or (0.0, 0.0)
        kappa = "not defined" if self.kappa is None else f"{self.kappa:.2f}"
        return (
            f"Against people on {self.n} answers: bias {self.bias:+.3f} (95 % {low:+.3f} to {high:+.3f}), mean "
            f"absolute error {self.mae_before:.3f}, with the map ({self.method}) {self.mae_after:.3f}; weighted kappa "
            f"{kappa}."
        )


def calibrated(pairs: Sequence[PairOfScores], judge: str = "") -> Calibration:
    """Return how a judge compares with people.

    Args:
        pairs: Score of the judge and score of a person, each from 0 to 1, for the same answers.
        judge: Which judge.
    """
    ordered = sorted(pairs)
    n = len(ordered)
    if not n:
        return Calibration(0, judge=judge)
    before = fmean(abs(said - human) for said, human in ordered)
    bias, interval = _bias([said - human for said, human in ordered])
    method: Method = "none"
    knots: Knots = ()
    after = before
    if n >= LEAST_PAIRS:
        for name, fit in _FITS.items():
            error = _held_out(ordered, fit)
            if error < after - 1e-9:
                method, knots, after = name, fit(ordered), error
    return Calibration(n, method, knots, before, after, bias, interval, weighted_kappa(ordered), judge)


def isotonic(pairs: Sequence[PairOfScores]) -> Knots:
    """Return the never falling map with the least squared error: pool adjacent violators."""
    blocks: list[list[float]] = []  # sum of y, how many, lowest x, highest x
    by_x: dict[float, list[float]] = {}
    for x, y in pairs:
        by_x.setdefault(x, []).append(y)
    for x in sorted(by_x):
        blocks.append([sum(by_x[x]), float(len(by_x[x])), x, x])
        while len(blocks) > 1 and blocks[-2][0] / blocks[-2][1] >= blocks[-1][0] / blocks[-1][1]:
            total, count, _low, high = blocks.pop()
            blocks[-1][0] += total
            blocks[-1][1] += count
            blocks[-1][3] = high
    knots: list[tuple[float, float]] = []
    for total, count, low, high in blocks:
        knots.append((low, total / count))
        if high > low:
            knots.append((high, total / count))
    return tuple(knots)


def linear(pairs: Sequence[PairOfScores]) -> Knots:
    """Return the least squares line as a map; where all scores are one, or it would fall, the mean."""
    mean_x, mean_y = fmean(x for x, _ in pairs), fmean(y for _, y in pairs)
    spread = sum((x - mean_x) ** 2 for x, _ in pairs)
    slope = sum((x - mean_x) * (y - mean_y) for x, y in pairs) / spread if spread else 0.0
    slope = max(0.0, slope)
    return tuple((x, mean_y + slope * (x - mean_x)) for x in (0.0, 1.0))


def weighted_kappa(pairs: Sequence[PairOfScores]) -> float | None:
    """Return Cohen's kappa with quadratic weights over five classes; None where both always say the same one."""
    classes = [(round(one * (_CLASSES - 1)), round(other * (_CLASSES - 1))) for one, other in pairs]
    n = len(classes)
    if not n:
        return None
    seen = sum((one - other) ** 2 for one, other in classes) / n
    chance = sum((one - other) ** 2 for one, _ in classes for _, other in classes) / n**2
    return None if chance == 0 else 1 - seen / chance


def _bias(differences: Sequence[float]) -> tuple[float, tuple[float, float] | None]:
    mean, n = fmean(differences), len(differences)
    if n < 2:  # noqa: PLR2004 - one has no spread
        return mean, None
    from scipy import special  # noqa: PLC0415 - not at start

    half = float(special.stdtrit(n - 1, (1 + _CONFIDENCE) / 2)) * stdev(differences) / sqrt(n)
    return mean, (mean - half, mean + half)


def _held_out(ordered: Sequence[PairOfScores], fit: Callable[[Sequence[PairOfScores]], Knots]) -> float:
    """Return the mean absolute error on pairs a map was not made of; every fifth pair in order is one fold."""
    errors: list[float] = []
    for fold in range(_FOLDS):
        knots = fit([pair for place, pair in enumerate(ordered) if place % _FOLDS != fold])
        errors += [abs(min(1.0, max(0.0, _interpolated(knots, x))) - y) for x, y in ordered[fold::_FOLDS]]
    return fmean(errors)


def _interpolated(knots: Knots, x: float) -> float:
    if x <= knots[0][0]:
        return knots[0][1]
    for (low, at_low), (high, at_high) in pairwise(knots):
        if x <= high:
            return at_high if high == low else at_low + (at_high - at_low) * (x - low) / (high - low)
    return knots[-1][1]


_FITS: Mapping[Method, Callable[[Sequence[PairOfScores]], Knots]] = {"linear": linear, "isotonic": isotonic}
