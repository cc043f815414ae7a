"""What a single sampling plan does: the chance to accept a lot by its quality, and what follows from it.

    curve = Curve(89, 2)
    curve.acceptance(0.01)        # 0.9397: binomial, items from a process (type B)
    curve.quality_accepted(0.10)  # 0.0587: the quality accepted with 10 % (LTPD, RQL)
    Curve(89, 2, lot_size=10_000).outgoing_limit()

Three models. `binomial`: nonconforming items of a process, or of a lot much larger than the sample. `hypergeometric`:
one finite lot (type A). `poisson`: nonconformities, of which an item can have several.
Sources: Montgomery, Introduction to Statistical Quality Control, chapter 15; ISO 2859-1 clause 12; NIST e-Handbook 6.2.
"""

import math
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal, TypeAlias, cast

from qms_mcp.errors import InvalidInputError
from qms_mcp.statistics.quantiles import beta_quantile, binomial_probability, gamma_quantile

Model: TypeAlias = Literal["binomial", "hypergeometric", "poisson"]
_LARGEST_N = 10_000_000
_BISECTIONS = 60
_MOST_SUMMED = 2_000
_GRID = 400


@dataclass(frozen=True, slots=True)
class OutgoingLimit:
    """The average outgoing quality limit: the worst average quality after rejected lots were screened.

    Attributes:
        limit: AOQL, a fraction (or nonconformities per unit).
        at: The incoming quality that leads to it.
    """

    limit: float
    at: float


@dataclass(frozen=True, slots=True)
class Curve:
    """The operating characteristic of a plan.

    Attributes:
        n: Items in the sample.
        ac: Accept with so many, or fewer.
        model: How the count is distributed.
        lot_size: Items in the lot; needed for the hypergeometric model and for total inspection.
    """

    n: int
    ac: int
    model: Model = "binomial"
    lot_size: int | None = None

    def __post_init__(self) -> None:
        """Refuse what is no plan.

        Raises:
            InvalidInputError: n or ac is no count, ac is not below n (unless nonconformities are counted), or the
                sample is larger than the lot.
        """
        if not 1 <= self.n <= _LARGEST_N or self.n != int(self.n):
            raise InvalidInputError(f"A sample of {self.n:g} is none.", hint="n is a whole number from 1.")
        if self.ac < 0 or self.ac != int(self.ac):
            raise InvalidInputError(f"Ac = {self.ac:g} is no count.", hint="Ac is a whole number from 0.")
        if self.model != "poisson" and self.ac >= self.n:
            raise InvalidInputError(
                f"With n = {self.n} and Ac = {self.ac} every lot is accepted.", hint="Ac has to be below n."
            )
        if self.lot_size is not None and self.lot_size < self.n:
            raise InvalidInputError(
                f"The sample ({self.n}) is larger than the lot ({self.lot_size}).", hint="Inspect the whole lot."
            )
        if self.model == "hypergeometric" and self.lot_size is None:
            raise InvalidInputError("The hypergeometric model needs the lot size.", hint="Give lot_size.")
        if self.model == "hypergeometric" and self.ac > _MOST_SUMMED:
            raise InvalidInputError(
                f"Ac = {self.ac} is too large for the hypergeometric model.", hint="Use the binomial one."
            )

    def acceptance(self, quality: float) -> float:
        """Return the chance to accept a lot of this quality.

        For a finite lot whose quality does not make a whole number of nonconforming items: of lots with the next
        smaller and the next larger number, mixed so that the quality is right on the average.

        Raises:
            InvalidInputError: The quality is negative, or above 1 where items are counted.
        """
        if not (0.0 <= quality <= 1.0 or (self.model == "poisson" and 0.0 <= quality < math.inf)):
            raise InvalidInputError(
                f"A quality of {quality:g} is no fraction nonconforming.", hint="1 % nonconforming is 0.01."
            )
        if self.model == "poisson":
            return _poisson(self.ac, self.n * quality)
        if self.model == "binomial":
            return binomial_probability(self.ac, self.n, quality)
        return self._in_lot(quality)

    def _in_lot(self, quality: float) -> float:
        lot = cast("int", self.lot_size)
        expected = quality * lot
        below = min(lot, math.floor(expected + 1e-9))
        share = expected - below
        first = hypergeometric_at_most(self.ac, lot, below, self.n)
        if share <= 1e-9:  # noqa: PLR2004 - a whole number but for rounding
            return first
        return (1 - share) * first + share * hypergeometric_at_most(self.ac, lot, below + 1, self.n)

    def quality_accepted(self, probability: float) -> float:
        """Return the quality that is accepted with this chance: 0.10 for the RQL (LTPD), 0.50 for the indifference.

        Raises:
            InvalidInputError: The probability is not between 0 and 1.
        """
        _probability(probability, "The chance of acceptance")
        if self.model == "poisson":
            return gamma_quantile(1.0 - probability, self.ac + 1) / self.n
        if self.model == "binomial":
            return beta_quantile(1.0 - probability, self.ac + 1, self.n - self.ac)
        low, high = 0.0, 1.0
        for _ in range(_BISECTIONS):
            middle = (low + high) / 2
            low, high = (middle, high) if self._in_lot(middle) > probability else (low, middle)
        return (low + high) / 2

    def outgoing(self, quality: float) -> float:
        """Return AOQ: the average quality after lots not accepted were screened and nonconforming items replaced."""
        unseen = 1.0 if self.lot_size is None else (self.lot_size - self.n) / self.lot_size
        return self.acceptance(quality) * quality * unseen

    def total_inspection(self, quality: float) -> float:
        """Return ATI: the average number of items inspected per lot, when lots not accepted are screened.

        Raises:
            InvalidInputError: There is no lot size.
        """
        if self.lot_size is None:
            raise InvalidInputError("Average total inspection depends on the lot size.", hint="Give lot_size.")
        return self.n + (1.0 - self.acceptance(quality)) * (self.lot_size - self.n)

    def outgoing_limit(self) -> OutgoingLimit:
        """Return AOQL, the largest AOQ over all qualities: by a grid, refined by golden section."""
        top = self.quality_accepted(1e-6)
        grid = [top * step / _GRID for step in range(_GRID + 1)]
        best = max(range(_GRID + 1), key=lambda at: self.outgoing(grid[at]))
        at = _golden(self.outgoing, grid[max(0, best - 1)], grid[min(_GRID, best + 1)])
        return OutgoingLimit(self.outgoing(at), at)


@lru_cache(maxsize=8_192)
def hypergeometric_at_most(ac: int, lot: int, nonconforming: int, n: int) -> float:
    """Return P(X <= ac), X the nonconforming in a sample of n from a lot that holds so many."""
    if ac >= min(nonconforming, n):
        return 1.0
    import numpy as np  # noqa: PLC0415

    x = np.arange(max(0, n - (lot - nonconforming)), ac + 1, dtype=np.float64)
    terms = _choose(float(nonconforming), x) + _choose(float(lot - nonconforming), n - x) - _choose(float(lot), n)
    return min(1.0, float(np.exp(terms).sum()))


def _choose(n: float, k: Any) -> Any:
    """Return the logarithm of n over k; by the beta function, which keeps the digits lgamma loses when n is large."""
    import scipy.special  # noqa: PLC0415

    return -math.log(n + 1.0) - cast("Any", scipy.special).betaln(n - k + 1.0, k + 1.0)


def _poisson(ac: int, mean: float) -> float:
    import scipy.special  # noqa: PLC0415

    return float(cast("Any", scipy.special).gammaincc(ac + 1, mean))


def _probability(value: float, what: str) -> None:
    if not 0.0 < value < 1.0:
        raise InvalidInputError(f"{what} lies between 0 and 1; given: {value:g}.", hint="10 % is 0.10.")


def _golden(function: Any, low: float, high: float) -> float:
    """Return where a function with one peak between `low` and `high` has it."""
    ratio = (math.sqrt(5) - 1) / 2
    for _ in range(_BISECTIONS):
        width = ratio * (high - low)
        left, right = high - width, low + width
        low, high = (left, high) if function(left) < function(right) else (low, right)
    return (low + high) / 2
