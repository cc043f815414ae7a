"""A million observations on a control chart, against numpy computing the same means and ranges in the same process."""

import time
from collections.abc import Callable

import numpy as np
import pytest

from qms_mcp.statistics.spc.model import ChartKind, Observations, Settings
from qms_mcp.statistics.spc.rule_sets import rule_set
from qms_mcp.statistics.spc.stages import control_chart

pytestmark = pytest.mark.bench

OBSERVATIONS = np.random.default_rng(1).normal(50, 2, 1_000_000)
SUBGROUPS = OBSERVATIONS.reshape(-1, 5)
RATIO = 3.0


def fastest(*measures: Callable[[], object], rounds: int = 15) -> list[float]:
    """Return the fastest of each, in CPU time, taken in turn."""
    taken: list[list[float]] = [[] for _ in measures]
    for _ in range(rounds):
        for times, measure in zip(taken, measures, strict=True):
            started = time.process_time()
            measure()
            times.append(time.process_time() - started)
    return [min(times) for times in taken]


def by_numpy_single() -> tuple[float, float]:
    ranges = np.abs(np.diff(OBSERVATIONS))
    return float(OBSERVATIONS.mean()), float(ranges.mean())


def by_numpy_grouped() -> tuple[float, float]:
    means, ranges = SUBGROUPS.mean(axis=1), SUBGROUPS.max(axis=1) - SUBGROUPS.min(axis=1)
    return float(means.mean()), float(ranges.mean())


CASES = [
    ("I-MR", OBSERVATIONS, by_numpy_single, "limits"),
    ("I-MR", OBSERVATIONS, by_numpy_single, "nelson 1-4"),
    ("X-bar/R", SUBGROUPS, by_numpy_grouped, "nelson 1-4"),
    ("X-bar/R", SUBGROUPS, by_numpy_grouped, "nelson"),
    ("X-bar/R", SUBGROUPS, by_numpy_grouped, "western_electric"),
]


@pytest.mark.parametrize(("kind", "values", "by_numpy", "rules"), CASES, ids=[f"{case[0]} {case[3]}" for case in CASES])
def test_a_million_observations_take_at_most_three_times_their_means_and_ranges(
    kind: ChartKind,
    values: "np.ndarray[tuple[int, ...], np.dtype[np.float64]]",
    by_numpy: Callable[[], tuple[float, float]],
    rules: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    settings = Settings(rules=rule_set(rules))

    def charted() -> object:
        return control_chart(kind, Observations(values), settings)

    ours, theirs = fastest(charted, by_numpy)
    with capsys.disabled():
        print(f"\n{kind}, {rules}: {1e3 * ours:.1f} ms, numpy {1e3 * theirs:.1f} ms, ratio {ours / theirs:.2f}")  # noqa: T201 - what a benchmark is for
    assert ours <= RATIO * theirs
