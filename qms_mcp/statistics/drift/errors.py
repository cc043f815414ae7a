"""Errors in the order in which they happened: has their share risen, and since when?

A Bernoulli cumulative sum (M. R. Reynolds, Z. G. Stoumbos, A CUSUM chart for monitoring a proportion when inspecting
continuously, Journal of Quality Technology 31, 1999) finds a rise while it is going on. Its limit is that of an average
run length of a hundred streams like this one (G. Lorden, Procedures for reacting to a change in distribution, Annals of
Mathematical Statistics 42, 1971, whose bound is on the safe side), so a false alarm is rarer than one in a hundred. The
effect is Cohen's h, the difference of the arc
sines of the square roots of the shares, up to 1.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import asin, log, sqrt
from types import MappingProxyType
from typing import Any, cast

from qms_mcp.statistics.drift.model import Shift, too_few

METHOD = "Bernoulli CUSUM"
LEAST = 30
_WORSE, _AT_LEAST = 3.0, 0.15


@dataclass(frozen=True, slots=True)
class Alarm:
    """Where a cumulative sum reached its limit.

    Attributes:
        at: Which observation, from 1.
        since: The observation after the sum was last 0: about when the rise began.
    """

    at: int
    since: int
    value: float


def run(outcomes: Sequence[bool], usual: float, unacceptable: float, limit: float) -> Alarm | None:
    """Return where the sum first reaches its limit; None when it never does.

    Args:
        outcomes: True for an error, in their order.
        usual: p0, the share of errors there always is.
        unacceptable: p1, the share to be found.
        limit: In units of log-likelihood.
    """
    up, down = log(unacceptable / usual), log((1 - unacceptable) / (1 - usual))
    value, since = 0.0, 1
    for place, bad in enumerate(outcomes, start=1):
        value = max(0.0, value + (up if bad else down))
        if value == 0:
            since = place + 1
        elif value >= limit:
            return Alarm(place, since, value)
    return None


def shift_of_errors(reference: Sequence[bool], current: Sequence[bool], *, least: int = LEAST) -> Shift:
    """Compare a stream of errors with a reference; p is 0.01 or less exactly when the cumulative sum alarms."""
    from scipy import stats  # noqa: PLC0415 - heavy

    if (few := too_few(METHOD, reference, current, least)) is not None:
        return few
    bad_before, bad_now = sum(reference), sum(current)
    before, now = bad_before / len(reference), bad_now / len(current)
    # The upper end of what the reference allows: that it had few errors does not prove that there are few.
    highest = cast("Any", stats).beta.ppf(0.9, bad_before + 1, len(reference) - bad_before) if before < 1 else 0.5
    usual = min(0.5, float(highest))
    unacceptable = min(0.95, max(_WORSE * usual, usual + _AT_LEAST))
    limit = log(100.0 * len(current))
    alarm = run(current, usual, unacceptable, limit)
    table = [[bad_now, len(current) - bad_now], [bad_before, len(reference) - bad_before]]
    found: Any = cast("Any", stats).fisher_exact(table, alternative="greater")
    p = float(found.pvalue)
    h = 2 * asin(sqrt(now)) - 2 * asin(sqrt(before))
    return Shift(
        METHOD, len(reference), len(current), baseline=before, current=now,
        statistic=alarm.value if alarm else 0.0, p=min(p, 0.01) if alarm else max(p, 0.011),
        effect=h, severity=min(1.0, max(0.0, h)),
        details=MappingProxyType({
            "p_fisher": p, "usual": usual, "unacceptable": unacceptable, "limit": limit,
            "alarm_at": alarm.at if alarm else None, "since": alarm.since if alarm else None,
        }),
    )  # fmt: skip
