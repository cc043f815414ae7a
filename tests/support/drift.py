"""Simulated samples for the detectors of drift: how often they alarm when nothing has changed, and when it has."""

from collections.abc import Callable
from typing import Any

import numpy as np

from qms_mcp.statistics.drift.categories import shift_of_categories
from qms_mcp.statistics.drift.errors import shift_of_errors
from qms_mcp.statistics.drift.model import Shift
from qms_mcp.statistics.drift.values import shift_of_values, stability_index
from qms_mcp.statistics.drift.vectors import shift_of_vectors

ALPHA = 0.01
Rng = np.random.Generator


def _values(draw: Callable[[Rng, int, float], Any]) -> Callable[[Rng, int, float], Shift]:
    return lambda rng, n, moved: shift_of_values(draw(rng, n, 0.0).tolist(), draw(rng, n, moved).tolist())


def _categories(rng: Rng, n: int, moved: float) -> Shift:
    shares = np.array([0.5, 0.3, 0.15, 0.04, 0.01])
    other = shares + moved * np.array([-0.3, 0.3, 0, 0, 0])
    names = np.array(["a", "b", "c", "d", "e"])
    return shift_of_categories(rng.choice(names, n, p=shares).tolist(), rng.choice(names, n, p=other).tolist())


def _errors(rng: Rng, n: int, moved: float) -> Shift:
    return shift_of_errors((rng.random(n) < 0.05).tolist(), (rng.random(n) < 0.05 + moved * 0.4).tolist())


def _vectors(rng: Rng, n: int, moved: float) -> Shift:
    now = rng.normal(size=(n, 24))
    now[:, 0] += 3 * moved
    return shift_of_vectors(rng.normal(size=(n, 24)).tolist(), now.tolist())


def _stability(rng: Rng, n: int, moved: float) -> Shift:
    index, limit = stability_index(rng.normal(size=n), rng.normal(moved, 1, n))
    return Shift("psi", n, n, p=0.0 if index > limit else 1.0)


# A move of 0.3 is of 0.3 standard deviations for values; for the others it is said in the measurements.
KINDS: dict[str, Callable[[Rng, int, float], Shift]] = {
    "normal": _values(lambda rng, n, moved: rng.normal(moved, 1, n)),
    "skewed": _values(lambda rng, n, moved: rng.exponential(1, n) + moved),
    "tied": _values(lambda rng, n, moved: np.round(np.clip(rng.normal(3 + moved, 1, n), 1, 5))),
    "psi": _stability,
    "categories": _categories,
    "errors": _errors,
    "vectors": _vectors,
}


def alarms(kind: str, n: int, times: int, *, moved: float, seed: int) -> int:
    """Return how often of so many times a detector alarms at one per cent."""
    rng = np.random.default_rng(seed)
    found = [KINDS[kind](rng, n, moved).p for _ in range(times)]
    return sum(p is not None and p <= ALPHA for p in found)


def false_alarms(kind: str, n: int, times: int, *, seed: int) -> int:
    """Return how often a detector alarms although nothing has changed."""
    return alarms(kind, n, times, moved=0.0, seed=seed)
