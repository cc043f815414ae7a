"""What goes into a control chart, and what it is: stages of panels of points with their limits."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Literal, TypeAlias

from qms_mcp.statistics.flags import Flag
from qms_mcp.statistics.spc.constants import PUBLISHED, Constants
from qms_mcp.statistics.spc.rules import Hits, Rule

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from qms_mcp.statistics.spc.rules import Mask, PerPoint, Values

ChartKind: TypeAlias = Literal[
    "I-MR", "X-bar/R", "X-bar/S", "p", "np", "c", "u", "Laney p'", "Laney u'", "EWMA", "CUSUM", "g", "t"
]
SigmaMethod: TypeAlias = Literal["average_mr", "median_mr", "sd", "r_bar", "s_bar", "pooled", "weighted"]
RareLimits: TypeAlias = Literal["sigma", "probability", "transform", "exponential", "weibull"]
ATTRIBUTES: Final = ("p", "np", "c", "u", "Laney p'", "Laney u'")
FEW: Final = 20


@dataclass(frozen=True, slots=True)
class Observations:
    """What was observed, in the order it was made.

    Attributes:
        values: One value a point, or a row of values a subgroup (nan where one is missing or a subgroup is smaller).
            Counts, for attribute charts; units or times between events, for rare events.
        sizes: Of attribute charts, a point: units inspected, or areas of opportunity.
        spreads: Of subgroups of which only that is known: their ranges or standard deviations; `values` are their
            means then, `sizes` how many values each had.
        included: Which points count when centre and sigma are estimated; all if None.
    """

    values: "Values"
    sizes: "Values | None" = None
    included: "Mask | None" = None
    spreads: "Values | None" = None

    @property
    def points(self) -> int:
        """Return how many points there are."""
        return self.values.shape[0]

    def part(self, start: int, stop: int) -> "Observations":
        """Return the observations of a stage."""
        return Observations(
            self.values[start:stop],
            None if self.sizes is None else self.sizes[start:stop],
            None if self.included is None else self.included[start:stop],
            None if self.spreads is None else self.spreads[start:stop],
        )

    @property
    def grouped(self) -> bool:
        """Return whether a point is a subgroup of measured values."""
        return self.values.ndim > 1 or self.spreads is not None

    def counted(self) -> "Mask":
        """Return which points count in an estimate."""
        import numpy as np  # noqa: PLC0415

        return np.ones(self.points, dtype=np.bool_) if self.included is None else self.included


@dataclass(frozen=True, slots=True)
class Known:
    """What is known before: a standard, or what an earlier chart was frozen at. What is None is estimated.

    Attributes:
        center: The centre of the panel of values; of p and np a proportion, of c and u a rate.
        sigma: The standard deviation of one observation.
        sigma_z: Of Laney's charts: the variation beyond that of chance.
        shape: Of a t chart with Weibull limits: the shape; the centre is the scale then.
        sd_center: Of X-bar/S with unequal sizes as textbooks make it: the S-bar its limits are made of.
        frozen: It is what a chart of this kind was frozen at, so its factors are used; else a standard that was given.
    """

    center: float | None = None
    sigma: float | None = None
    sigma_z: float | None = None
    shape: float | None = None
    sd_center: float | None = None
    frozen: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """How a chart is made.

    Attributes:
        rules: What is looked for.
        constants: The factors used.
        sigma_method: How sigma is estimated; as usual for the chart if None.
        span: How many observations a moving range spans.
        limits_at: How many sigma the limits stand from the centre.
        known: What is not estimated.
        weight: Lambda of an EWMA.
        steady: Limits of an EWMA as they become in the long run, instead of those exact for each point.
        reference: k of a CUSUM, in sigma.
        decision: h of a CUSUM, in sigma.
        head_start: Where a CUSUM starts, as a part of h (0.5 gives the fast initial response).
        rare_limits: Of g: `sigma` or `probability`; of t: `transform`, `exponential` or `weibull`.
    """

    rules: tuple[Rule, ...] = ()
    constants: Constants = PUBLISHED
    sigma_method: SigmaMethod | None = None
    span: int = 2
    limits_at: float = 3.0
    known: Known = field(default_factory=Known)
    weight: float = 0.2
    steady: bool = False
    reference: float = 0.5
    decision: float = 5.0
    head_start: float = 0.0
    rare_limits: RareLimits | None = None


@dataclass(frozen=True, slots=True)
class Panel:
    """Points with their lines.

    Attributes:
        name: I, MR, X-bar, R, S, p, np, c, u, EWMA, C+, C-, g, t^0.2777, t.
        values: The points; nan for a gap.
        center: The centre line, one or one a point.
        lcl: The lower limit; None if there is none.
        ucl: The upper limit.
        sigma: The standard deviation of a point; None where it has none that means something.
        hits: Which rules fire where.
        reach: How many observed points a plotted one is made of: the span of a moving range, else 1.
    """

    name: str
    values: "Values"
    center: "PerPoint"
    lcl: "PerPoint | None"
    ucl: "PerPoint | None"
    sigma: "PerPoint | None"
    hits: tuple[Hits, ...] = ()
    reach: int = 1

    def line(self, which: Literal["center", "lcl", "ucl"], at: int) -> float | None:
        """Return a line at a point."""
        import numpy as np  # noqa: PLC0415

        value: float | NDArray[np.float64] | None = getattr(self, which)
        if value is None or isinstance(value, float | int):
            return value
        number = float(value[at])
        return None if np.isnan(number) else number


@dataclass(frozen=True, slots=True)
class Estimate:
    """What a stage is held against.

    Attributes:
        center: The centre.
        sigma: The standard deviation of one observation (of the transformed time on a t chart).
        method: How sigma was found, in words.
        sigma_z: Laney's.
        shape: Weibull's.
        sd_center: The S-bar of unequal subgroups, when limits are made of it.
        known: Nothing of it was estimated from these points.
    """

    center: float
    sigma: float
    method: str
    sigma_z: float | None = None
    shape: float | None = None
    sd_center: float | None = None
    known: bool = False


@dataclass(frozen=True, slots=True)
class Made:
    """What a family makes of the observations of a stage."""

    panels: tuple[Panel, ...]
    estimate: Estimate
    flags: tuple[Flag, ...] = ()


@dataclass(frozen=True, slots=True)
class Stage:
    """Points held against the same estimate.

    Attributes:
        name: What the stage is called; empty when there is only one.
        start: The 0-based place of its first point.
        panels: The main one first.
        estimate: What its limits were made of.
        flags: What to know beside it.
    """

    name: str
    start: int
    panels: tuple[Panel, ...]
    estimate: Estimate
    flags: tuple[Flag, ...] = ()

    @property
    def points(self) -> int:
        """Return how many points it has."""
        return self.panels[0].values.shape[0]


@dataclass(frozen=True, slots=True)
class Chart:
    """A control chart.

    Attributes:
        kind: Which.
        stages: One after the other.
        excluded: Places of the points left out of the estimates, 0-based.
        rounds: What each round of an iterated exclusion left out, 0-based.
    """

    kind: ChartKind
    stages: tuple[Stage, ...]
    excluded: tuple[int, ...] = ()
    rounds: tuple[tuple[int, ...], ...] = ()
