"""Trend tests under autocorrelation: their level without a trend, and their power with one; changes of level likewise.

Series are stationary normal AR(1) processes of variance 1. A trend rises by 2 standard deviations over the series; a
change is one of 2 standard deviations in the middle. Tests are at 5 %. The default correction is the simulated one; how
cautious it is in short series was chosen with simulations like these, of other seeds for trends, of this one too for
changes; run again with seed 4711, which nothing was chosen by, it held as well. A row is as expected unless its whole
interval lies above what is allowed, which leaves room above the nominal 5 %.
"""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from qms_mcp.statistics.intervals import clopper_pearson
from qms_mcp.statistics.trends import change_level
from qms_mcp.statistics.trends.changes import pelt, pettitt
from qms_mcp.statistics.trends.corrections import Published, corrected
from qms_mcp.statistics.trends.mann_kendall import mann_kendall
from qms_mcp.statistics.trends.many import Adjustment, adjusted
from qms_mcp.statistics.trends.order_one import order_one, simulated
from qms_mcp.statistics.trends.seasonal_order_one import seasonal_order_one
from tests.benchmarks.stats import Row

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Values = NDArray[np.float64]

_ALPHA = 0.05
_RISE = 2.0
_LENGTHS = (24, 50, 100, 200)
_PHIS = (0.0, 0.3, 0.5, 0.7)
_PUBLISHED: tuple[Published, ...] = ("hamed_rao", "yue_wang", "prewhitening", "tfpw")
_NEAR = 2


def simulate(seed: int, quick: bool = False) -> list[Row]:
    """Return level and power of trend tests and of change detectors."""
    runs = 20 if quick else 1_600
    lengths = (24,) if quick else _LENGTHS
    rows = list[Row]()
    for n in lengths:
        for phi in _PHIS:
            rows += _trends(n, phi, runs, seed)
    for n in lengths[:3]:
        for phi in (0.0, 0.5):
            rows += _changes(n, phi, runs // 4, seed + 1)
    rows += [_season(n, phi, runs // 2, seed + 2) for n in (36, 60, 120) for phi in (0.0, 0.5)]
    return rows + [_many(how, runs // 10, seed + 3) for how in ("none", "holm", "bh")]


def default_p(values: "Values") -> float:
    """Return the p of the default test."""
    plain = mann_kendall(values)
    return order_one(values, plain.s, plain.variance, _ALPHA).p


def plain_p(values: "Values") -> float:
    """Return the p of the test for independent values."""
    return mann_kendall(values).p_normal


def _published(how: Published) -> "Callable[[Values], float]":
    return lambda values: corrected(values, how).p


def _trends(n: int, phi: float, runs: int, seed: int) -> list[Row]:
    import numpy as np

    series = simulated(n, phi, runs, seed)
    rising = series + np.linspace(0, _RISE, n)
    case, fewer = f"n = {n}, phi = {phi:g}", max(runs // 5, 10)
    rows = [
        _row("default, level", case, [default_p(one) for one in series], "<= 0.06", 0.06),
        _row("default, power", case, [default_p(one) for one in rising[: runs // 4]]),
        _row("no correction, level", case, [plain_p(one) for one in series[: runs // 4]]),
        _row("no correction, power", case, [plain_p(one) for one in rising[: runs // 8]]),
    ]
    if n <= 100:
        for how in _PUBLISHED:
            test = _published(how)
            rows.append(_row(f"{how}, level", case, [test(one) for one in series[:fewer]]))
            rows.append(_row(f"{how}, power", case, [test(one) for one in rising[: fewer // 2]]))
    return rows


def _changes(n: int, phi: float, runs: int, seed: int) -> list[Row]:
    import numpy as np

    series = simulated(n, phi, runs, seed)
    changed = series + _RISE * (np.arange(n) >= n // 2)
    case = f"n = {n}, phi = {phi:g}"
    found = [_places(one) for one in changed]
    near = [any(abs(place - n // 2) <= _NEAR for place in places) for places in found]
    wrong = "<= 0.07"
    return [
        _share("PELT, false alarms", case, [bool(_places(one)) for one in series], wrong, 0.07),
        _share("PELT, a change found", case, [bool(places) for places in found]),
        _share("PELT, found within 2", case, near),
        _share("PELT, more than one", case, [len(places) > 1 for places in found]),
        _row("Pettitt AR(1), false alarms", case, [change_level.pettitt_p(one) for one in series], "<= 0.07", 0.07),
        _row("Pettitt AR(1), power", case, [change_level.pettitt_p(one) for one in changed]),
        _row("Pettitt as published, false alarms", case, [pettitt(one).p for one in series]),
    ]


def _places(values: "Values") -> list[int]:
    level = change_level.change_level(values, _ALPHA)
    return pelt(values, level.critical * level.long_run)


def _season(n: int, phi: float, runs: int, seed: int) -> Row:
    import numpy as np

    places = np.arange(n) % 12
    series = simulated(n, phi, runs, seed) + 2 * np.sin(2 * np.pi * places / 12)
    found = [seasonal_order_one(one, places, 12).p for one in series]
    return _row("default with a season, level", f"n = {n}, phi = {phi:g}", found, "<= 0.07", 0.07)


def _many(how: Adjustment, runs: int, seed: int) -> Row:
    """Return how often at least one of 20 series without a trend is said to have one."""
    series = simulated(24, 0.0, 20 * max(runs, 2), seed).reshape(-1, 20, 24)
    hits = [min(adjusted([default_p(one) for one in group], how)) <= _ALPHA for group in series]
    expected = "" if how == "none" else "<= 0.08"
    return _share(f"20 series, {how}, any false trend", "n = 24, phi = 0", hits, expected, 0.08)


def _row(detector: str, case: str, p: Sequence[float], expected: str = "", most: float = 1.0) -> Row:
    return _share(detector, case, [value <= _ALPHA for value in p], expected, most)


def _share(detector: str, case: str, hits: Sequence[bool], expected: str = "", most: float = 1.0) -> Row:
    """Return a share; it is as expected when its interval does not lie above the most that is allowed."""
    interval = clopper_pearson(sum(hits), len(hits))
    within = interval.low <= most if expected else None
    return Row(detector, case, sum(hits) / len(hits), interval.low, interval.high, expected, len(hits), within)
