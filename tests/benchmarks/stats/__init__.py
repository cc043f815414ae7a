"""Detectors under simulation: how often they are wrong when nothing is there, and how often they find what is.

Each module here has `simulate(seed, quick) -> list[Row]`; `python -m tests.benchmarks.stats` runs all with one seed
and writes docs/statistics-measurements.md.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Row:
    """One measurement.

    Attributes:
        detector: What was tried.
        case: On what.
        measured: A rate, a run length, a coverage.
        low: Lower end of the 95 % interval of the simulation.
        high: Upper end.
        expected: What it should be, in words: "370.4 (5 %)", "0.05", ">= 0.90"; empty when it is only reported.
        n: How many repetitions.
        within: Whether it is as expected; None when it is only reported.
    """

    detector: str
    case: str
    measured: float
    low: float
    high: float
    expected: str
    n: int
    within: bool | None = None
