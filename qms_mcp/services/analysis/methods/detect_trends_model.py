"""What detect_trends takes and answers."""

from datetime import date
from typing import Any, Literal

from pydantic import Field

from qms_mcp.services.analysis.method import Analysed, Options
from qms_mcp.statistics.anomalies.times import Period
from qms_mcp.statistics.trends.many import Adjustment
from qms_mcp.statistics.trends.periods import Aggregate

Correction = Literal["auto", "none", "hamed_rao", "yue_wang", "prewhitening", "tfpw"]
ChangeKind = Literal["auto", "none", "mean", "variance", "poisson"]
FEWEST = 8
MOST_SHOWN = 50
MOST_SERIES = 1_000
HEADER = [
    "series",
    "n",
    "direction",
    "slope",
    "low",
    "high",
    "p",
    "p_adjusted",
    "p_plain",
    "autocorrelation",
    "season_p",
    "change_p",
    "shape",
    "method",
]
CHANGE_HEADER = ["series", "first_after", "row", "before", "low", "high", "after", "low", "high", "binary_agrees"]
TEST_HEADER = ["series", "test", "statistic", "value", "p"]


class TrendChoices(Options):
    """What is seldom chosen.

    Attributes:
        aggregate: How rows become periods; count without a value, mean with one.
        season: How many periods make a season; 0 for none; from the period if left out.
        alpha: The level of tests; intervals have 1 - alpha.
        correction: For autocorrelation: `auto` (simulated AR(1)), `none`, or a published one.
        adjust: Of p over many series: `holm`, `bh` or `none`.
        change_points: Of the mean, the mean and variance, or of counts (`poisson`); `none`.
        complete_to: The day up to which rows are complete, which keeps the last period.
    """

    aggregate: Aggregate | None = None
    season: int | None = Field(default=None, ge=0, le=400)
    alpha: float = Field(default=0.05, ge=0.001, le=0.2)
    correction: Correction = "auto"
    adjust: Adjustment = "holm"
    change_points: ChangeKind = "auto"
    complete_to: date | None = None


class TrendOptions(TrendChoices):
    """How trends are looked for.

    Attributes:
        value: The column; rows are counted by period if left out.
        time: The column of times, or of numbers that order the rows; the order of rows if left out.
        group: A column that tells series apart.
        period: Rows are aggregated to it; each row is a point if left out.
    """

    value: str | None = None
    time: str | None = None
    group: str | None = None
    period: Period | None = None


class DetectTrends(Analysed):
    """What detect_trends answers; the first row of each list names its columns."""

    tested: int
    significant: int
    unit: str
    series: list[list[Any]]
    changes: list[list[Any]] = Field(default=[])
    tests: list[list[Any]] = Field(default=[])
    skipped: list[list[Any]] = Field(default=[])
