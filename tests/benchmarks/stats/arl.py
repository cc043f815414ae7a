"""How long control charts run until they signal: falsely when nothing has changed, and after a shift of the mean.

Known limits, normal values. Expected are, where they are known:

- a point beyond 3 sigma: 1 / P(beyond), exactly; runs of k: (1 - p^k) / (p^k (1 - p)), of one side 2^k - 1, exactly;
- Western Electric rules together: Champ and Woodall, Technometrics 29 (1987), 393-399;
- EWMA: Lucas and Saccucci, Technometrics 32 (1990), as in Montgomery, table 9.11;
- CUSUM: Hawkins (1993), as in Montgomery, table 9.3.

Series stand one after the other with a gap between, across which no rule reaches, so that many are looked at in one go.
What has not signalled at the end of its series counts with its length (as for a constant rate of signals).
"""

import math
from typing import TYPE_CHECKING

from qms_mcp.statistics.spc.individuals import individuals
from qms_mcp.statistics.spc.model import ChartKind, Known, Observations, Settings
from qms_mcp.statistics.spc.rule_sets import rule_set
from qms_mcp.statistics.spc.rules import Plotted, Rule, evaluate
from qms_mcp.statistics.spc.stages import control_chart
from tests.benchmarks.stats import Row

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Values = NDArray[np.float64]

SHIFTS = (0.5, 1.0, 1.5, 2.0, 3.0)
TOLERANCE = 0.05
_CHAMP_WOODALL = {"western_electric 1,2": 225.44, "western_electric 1,3": 166.05, "western_electric": 91.75}
# Of the other sets only what differs from Nelson's.
_DISTINCT = {"nelson": "2-8", "western_electric": "4", "aiag": "2"}
_EWMA: dict[tuple[float, float], dict[float, float]] = {
    (0.1, 2.814): {0.0: 500, 1.0: 10.3},
    (0.2, 2.962): {0.0: 500, 1.0: 10.8},
    (0.4, 3.054): {0.0: 500, 1.0: 14.3},
}
_CUSUM: dict[float, dict[float, float]] = {
    4.0: {0.0: 168, 0.5: 26.6, 1.0: 8.38, 1.5: 4.75, 2.0: 3.34, 3.0: 2.19},
    5.0: {0.0: 465, 0.5: 38.0, 1.0: 10.4, 1.5: 5.75, 2.0: 4.01, 3.0: 2.57},
}


def simulate(seed: int, quick: bool = False) -> list[Row]:
    """Return run lengths of rule 1, of every rule and set, of EWMA and CUSUM; false alarms with estimated limits."""
    import numpy as np

    random = np.random.default_rng(seed)
    many = 1_500 if quick else 20_000
    rows = [_row("I-MR, rule 1", 0.0, _of_rules(random, rule_set("limits"), 0.0, many), _beyond(0.0))]
    rows += [
        _row("I-MR, rule 1", shift, _of_rules(random, rule_set("limits"), shift, many), _beyond(shift))
        for shift in SHIFTS
    ]
    rows += [row for name, numbers in _DISTINCT.items() for row in _each_rule(random, name, numbers, many // 4)]
    rows += [row for name in ("nelson 1-4", "nelson", "aiag") for row in _set(random, name, many // 4)]
    rows += [row for name in _CHAMP_WOODALL for row in _set(random, name, many // 2)]
    rows += _weighted(random, many // 5)
    return rows + [_estimated(random, points, many // 10) for points in (25, 50, 100, 300)]


def _each_rule(random: "np.random.Generator", name: str, numbers: str, many: int) -> list[Row]:
    rows = list[Row]()
    for rule in rule_set(f"{name} {numbers}"):
        rows.append(_row(f"{name}, rule {rule.number}", 0.0, _of_rules(random, (rule,), 0.0, many), _exact(rule)))
        lengths = _of_rules(random, (rule,), 1.0, many) if rule.pattern != "within" else None
        if lengths is not None:
            rows.append(_row(f"{name}, rule {rule.number}", 1.0, lengths, None))
    return rows


def _set(random: "np.random.Generator", name: str, many: int) -> list[Row]:
    rules = rule_set(name)
    numbers = f"rules {', '.join(str(rule.number) for rule in rules)} of {name.split(maxsplit=1)[0]}"
    return [
        _row(numbers, shift, _of_rules(random, rules, shift, many), _CHAMP_WOODALL.get(name) if not shift else None)
        for shift in (0.0, *SHIFTS)
    ]


def _weighted(random: "np.random.Generator", many: int) -> list[Row]:
    rows = list[Row]()
    for (weight, limits_at), expected in _EWMA.items():
        how = Settings(rules=rule_set("limits"), known=Known(0, 1), weight=weight, limits_at=limits_at, steady=True)
        rows += [
            _row(f"EWMA, lambda {weight}, L {limits_at}", shift, _of_chart(random, "EWMA", how, shift, many), arl)
            for shift in (0.0, *SHIFTS)
            for arl in (expected.get(shift),)
        ]
    for decision, expected in _CUSUM.items():
        how = Settings(rules=rule_set("limits"), known=Known(0, 1), decision=decision)
        rows += [
            _row(f"CUSUM, k 0.5, h {decision:g}", shift, _of_chart(random, "CUSUM", how, shift, many), arl)
            for shift in (0.0, *SHIFTS)
            for arl in (expected.get(shift),)
        ]
    return rows


def _of_rules(random: "np.random.Generator", rules: tuple[Rule, ...], shift: float, many: int) -> tuple["Values", int]:
    """Return how long each series ran, and how many of them signalled."""
    import numpy as np

    if any(rule.pattern == "outside" for rule in rules) and len(rules) == 1 and not shift:
        length, many = 40_000, max(100, many // 10)
    else:
        length = 4_000 if not shift or len(rules) == 1 else 1_200
    lengths: list[Values] = []
    signalled, at_once = 0, max(1, 1_000_000 // length)
    for start in range(0, many, at_once):
        series = random.normal(shift, 1, (min(at_once, many - start), length + 1))
        series[:, -1] = np.nan
        plotted = Plotted(series.ravel(), 0.0, -3.0, 3.0, 1.0)
        fired = np.unique(np.concatenate([hits.at for hits in evaluate(plotted, rules)]))
        run, signals = _first(fired, series.shape[0], length)
        lengths.append(run)
        signalled += signals
    return np.concatenate(lengths), signalled


def _first(fired: "NDArray[np.intp]", series: int, length: int) -> tuple["Values", int]:
    import numpy as np

    starts = np.arange(series) * (length + 1)
    found = np.append(fired, np.iinfo(np.intp).max)[np.searchsorted(fired, starts)]
    there = found < starts + length
    return np.where(there, found - starts + 1, length).astype(np.float64), int(there.sum())


def _of_chart(
    random: "np.random.Generator", kind: ChartKind, how: Settings, shift: float, many: int
) -> tuple["Values", int]:
    import numpy as np

    length = 4_000 if not shift else 600
    lengths, signalled = np.full(many, float(length)), 0
    for at in range(many):
        done = 0
        # Most signal early: a short stretch first, and the whole only if it stays quiet.
        series = random.normal(shift, 1, length)
        for stop in (length // 16, length):
            panels = control_chart(kind, Observations(series[:stop]), how).stages[0].panels
            firsts = [hits.first for panel in panels for hits in panel.hits if hits.first is not None]
            if firsts:
                done = min(firsts) + 1
                break
        if done:
            lengths[at], signalled = done, signalled + 1
    return lengths, signalled


def _estimated(random: "np.random.Generator", points: int, many: int) -> Row:
    """Return the rate of points beyond limits that were estimated from so many values."""
    import numpy as np

    outside, ahead = 0, 500
    rates = np.empty(many)
    for at in range(many):
        made = individuals(Observations(random.normal(size=points)), Settings()).panels[0]
        assert isinstance(made.ucl, float)
        assert isinstance(made.lcl, float)
        later = random.normal(size=ahead)
        beyond = int(((later > made.ucl) | (later < made.lcl)).sum())
        outside, rates[at] = outside + beyond, beyond / ahead
    rate, spread = outside / many / ahead, 1.96 * float(rates.std()) / math.sqrt(many)
    case = f"false alarms a point, limits from {points} values (0.0027 with known ones)"
    return Row("I-MR, rule 1", case, rate, rate - spread, rate + spread, "", many)


def _row(detector: str, shift: float, found: tuple["Values", int], expected: float | None) -> Row:
    lengths, signalled = found
    arl = float(lengths.sum()) / max(signalled, 1)
    # Run lengths are about geometric, so the number of signals is about Poisson.
    half = 1.96 * max(float(lengths.std()), 1e-9) / math.sqrt(max(signalled, 1))
    case = "ARL in control" if not shift else f"ARL after a shift of {shift:g} sigma"
    # Of too few series nothing can be said.
    within = None if expected is None or half > TOLERANCE * expected else abs(arl / expected - 1) <= TOLERANCE
    said = "" if expected is None else f"{expected:.4g} (5 %)"
    return Row(detector, case, arl, arl - half, arl + half, said, lengths.size, within)


def _beyond(shift: float) -> float:
    def tail(z: float) -> float:
        return math.erfc(z / math.sqrt(2)) / 2

    return 1 / (tail(3 - shift) + tail(3 + shift))


def _exact(rule: Rule) -> float | None:
    inside = math.erf(1 / math.sqrt(2))
    if rule.pattern == "one_side":
        return 2.0**rule.length - 1
    shares = {"within": inside, "outside": 1 - inside}
    if rule.pattern not in shares:
        return None
    share = shares[rule.pattern] ** rule.length
    return (1 - share) / (share * (1 - shares[rule.pattern]))
