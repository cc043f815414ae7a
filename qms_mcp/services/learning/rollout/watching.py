"""What a watch begins with: how many bad runs are usual, how many must not be, and at which sum it gives the alarm.

The database keeps the sum (`ml_loop.watched`) and acts on it; the limit is set here, so that a version that is as good
as the one before is taken back by mistake only once in so many runs on average.
"""

from typing import Any

from qms_mcp.statistics.experiments.alarm_limits import alarm_limit

_FLOOR = 0.02  # nobody knows from a few hundred runs that there are fewer
_UNKNOWN = 0.05
_ENOUGH = 20
_WORSE, _AT_LEAST = 3.0, 0.15
_HIGHEST = 0.95
AVERAGE_RUN_LENGTH = 1_000.0  # runs until a false alarm
CANARY_RUNS, PRODUCTION_RUNS = 50, 200


def usual_rate(n: int, bad: int) -> float:
    """Return the share of bad runs to take for usual.

    Args:
        n: Runs of the version people have now; with fewer than 20 nothing is known.
        bad: How many of them were bad.
    """
    return _UNKNOWN if n < _ENOUGH else max(_FLOOR, (bad + 0.5) / (n + 1))


def watch_plan(n: int, bad: int, *, runs: int, average_run_length: float = AVERAGE_RUN_LENGTH) -> dict[str, Any]:
    """Return the plan of a watch, as the database reads it.

    Args:
        n: Runs of the version people have now.
        bad: How many of them were bad.
        runs: After how many runs without an alarm it has come through.
        average_run_length: How many runs there are on average before a false alarm.
    """
    usual = min(usual_rate(n, bad), 0.5)
    unacceptable = min(_HIGHEST, max(_WORSE * usual, usual + _AT_LEAST))
    found = alarm_limit(usual, unacceptable, average_run_length)
    return {
        "p0": round(usual, 6),
        "p1": round(unacceptable, 6),
        "h": round(found, 6),
        "arl": average_run_length,
        "runs": runs,
        "score_limit": 0.5,
        "baseline": {"n": n, "bad": bad},
    }
