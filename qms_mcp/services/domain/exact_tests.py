"""Exact probabilities for small counts, with nothing but the standard library.

All are one-sided: how likely it is to see so few (or so many) events, or still fewer (more), if nothing had changed.
Terms are summed in logarithms, so that large counts neither overflow nor vanish.
"""

import math
from collections.abc import Iterable
from typing import Literal

Tail = Literal["at_most", "at_least"]


def poisson_tail(events: int, expected: float, tail: Tail) -> float:
    """Return P(X <= events) or P(X >= events) of a Poisson count with the mean `expected`."""
    if expected <= 0:
        return 1.0 if tail == "at_most" or events == 0 else 0.0
    lower = _summed(_poisson_log(k, expected) for k in range(events + (tail == "at_most")))
    return lower if tail == "at_most" else _complement(lower)


def binomial_tail(events: int, trials: int, probability: float, tail: Tail) -> float:
    """Return P(X <= events) or P(X >= events) of a binomial count."""
    chosen = range(events + 1) if tail == "at_most" else range(events, trials + 1)
    if probability <= 0 or probability >= 1:
        certain = 0 if probability <= 0 else trials
        return 1.0 if certain in chosen else 0.0
    return _summed(_binomial_log(k, trials, probability) for k in chosen)


def compare_counts(events: int, exposure: float, before: int, exposure_before: float, tail: Tail) -> float:
    """Return the exact conditional test of two Poisson rates.

    Given the total of both, the events of now are binomial with the share their exposure has.
    """
    return binomial_tail(events, events + before, exposure / (exposure + exposure_before), tail)


def compare_proportions(events: int, trials: int, before: int, trials_before: int, tail: Tail) -> float:
    """Return Fisher's exact test of two proportions, one-sided."""
    total = events + before
    lowest, highest = max(0, total - trials_before), min(trials, total)
    chosen = range(lowest, events + 1) if tail == "at_most" else range(events, highest + 1)
    whole = _choose_log(trials + trials_before, total)
    return _summed(_choose_log(trials, k) + _choose_log(trials_before, total - k) - whole for k in chosen)


def _poisson_log(k: int, expected: float) -> float:
    return k * math.log(expected) - expected - math.lgamma(k + 1)


def _binomial_log(k: int, trials: int, probability: float) -> float:
    return _choose_log(trials, k) + k * math.log(probability) + (trials - k) * math.log1p(-probability)


def _choose_log(n: int, k: int) -> float:
    return math.lgamma(n + 1) - math.lgamma(k + 1) - math.lgamma(n - k + 1)


def _summed(logarithms: Iterable[float]) -> float:
    return min(1.0, math.fsum(math.exp(term) for term in logarithms))


def _complement(probability: float) -> float:
    return max(0.0, 1.0 - probability)
