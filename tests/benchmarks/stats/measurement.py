"""How often the intervals of a gauge study hold the true value: of the gauge, of the parts, and of %GRR."""

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from qms_mcp.statistics.intervals import clopper_pearson
from qms_mcp.statistics.measurement.gauge import by_anova
from qms_mcp.statistics.measurement.study import Study
from tests.benchmarks.stats import Row

if TYPE_CHECKING:
    import numpy as np

_LEAST = 0.93
_NAMES = ("gauge R&R variance, MLS", "part variance, MLS", "%GRR, pivotal", "repeatability, chi-square")


@dataclass(frozen=True)
class Case:
    """A gauge: its standard deviations, and how it is studied."""

    name: str
    parts: int
    operators: int
    trials: int
    operator: float
    interaction: float
    repeatability: float = 0.3

    @property
    def gauge(self) -> float:
        """Return the true variance of the gauge; that of the parts is 1."""
        return self.operator**2 + self.interaction**2 + self.repeatability**2

    def study(self, rng: "np.random.Generator") -> Study:
        """Return the readings of one study."""
        x = (
            rng.normal(0, 1.0, self.parts)[:, None, None]
            + rng.normal(0, self.operator, self.operators)[None, :, None]
            + rng.normal(0, self.interaction, (self.parts, self.operators))[:, :, None]
            + rng.normal(0, self.repeatability, (self.parts, self.operators, self.trials))
        )
        cells = tuple(tuple(tuple(float(value) for value in cell) for cell in row) for row in x)
        parts = tuple(f"P{at}" for at in range(self.parts))
        return Study(cells, parts, tuple(f"O{at}" for at in range(self.operators)))


CASES = (
    Case("10 x 3 x 3, no interaction", 10, 3, 3, 0.2, 0.0),
    Case("10 x 3 x 3, interaction", 10, 3, 3, 0.2, 0.25),
    Case("10 x 3 x 2, operators alike", 10, 3, 2, 0.0, 0.0),
    Case("20 x 6 x 2, interaction", 20, 6, 2, 0.2, 0.15),
)


def simulate(seed: int, quick: bool) -> list[Row]:
    """Return coverage of 95 % intervals; the interaction is pooled or not as in use (p above 0.25)."""
    import numpy as np

    rng = np.random.default_rng(seed)
    return [row for case in CASES for row in _coverage(case, rng, 100 if quick else 2_000)]


def _coverage(case: Case, rng: "np.random.Generator", repeats: int) -> list[Row]:
    percent = 100 * math.sqrt(case.gauge / (case.gauge + 1.0))
    hits = dict.fromkeys(_NAMES, 0)
    for _ in range(repeats):
        found = by_anova(case.study(rng))
        rows = {row.name: row for row in found.components}
        truths = {"gauge_rr": case.gauge, "part": 1.0, "repeatability": case.repeatability**2}
        held = {name: (rows[name].low or 0.0) <= true <= (rows[name].high or 0.0) for name, true in truths.items()}
        hits["gauge R&R variance, MLS"] += held["gauge_rr"]
        hits["part variance, MLS"] += held["part"]
        hits["repeatability, chi-square"] += held["repeatability"]
        assert found.of_study is not None
        hits["%GRR, pivotal"] += found.of_study[0] <= percent <= found.of_study[1]
    return [_row(name, case.name, count, repeats) for name, count in hits.items()]


def _row(name: str, case: str, hits: int, repeats: int) -> Row:
    low, high = clopper_pearson(hits, repeats)
    return Row(
        detector=f"Interval of {name}",
        case=f"{case}, 95 %",
        measured=hits / repeats,
        low=low,
        high=high,
        expected=f">= {_LEAST}",
        n=repeats,
        within=high >= _LEAST,
    )
