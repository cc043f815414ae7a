"""The harness of the simulations runs, and what it writes is a table of what was measured."""

from tests.benchmarks.stats import Row
from tests.benchmarks.stats.__main__ import modules, written


def test_every_simulation_is_found() -> None:
    assert "trends" in modules()


def test_a_report_says_what_lies_outside_of_what_was_expected() -> None:
    rows = [
        Row("limits", "n = 5", 0.05, 0.04, 0.06, "0.05", 1_000, within=True),
        Row("limits", "n = 6", 0.5, 0.4, 0.6, "0.05", 1_000, within=False),
        Row("limits", "n = 7", 0.5, 0.4, 0.6, "", 1_000),
    ]
    text = written([("some_trial", "What was tried.", rows, 1.0)], seed=7)
    assert "seed 7" in text
    assert "2 rows have an expectation; 1 are within it and 1 are not." in text
    assert "| limits | n = 6 | 0.5 | 0.4 to 0.6 | 0.05 | 1,000 | **no** |" in text
    assert "## Some trial" in text
