"""What a caller may choose of a control chart, and the limits it may be judged against."""

import re
from typing import Any, Final, cast

from pydantic import ConfigDict, Field, field_validator, model_validator

from qms_mcp.errors import InvalidInputError
from qms_mcp.services.analysis.method import Options
from qms_mcp.statistics.spc.constants import Convention, constants_of
from qms_mcp.statistics.spc.model import ChartKind, Known, RareLimits, Settings, SigmaMethod
from qms_mcp.statistics.spc.rule_sets import DEFAULT, rule_set

_KINDS: Final[dict[str, ChartKind]] = {
    "imr": "I-MR", "i": "I-MR", "xmr": "I-MR", "individuals": "I-MR", "ximr": "I-MR",
    "individual": "I-MR", "individualsmovingrange": "I-MR", "individualmovingrange": "I-MR", "individualsimr": "I-MR",
    "xbarr": "X-bar/R", "xr": "X-bar/R", "xbars": "X-bar/S", "xs": "X-bar/S", "averagerange": "X-bar/R",
    "p": "p", "np": "np", "c": "c", "u": "u",
    "laneyp": "Laney p'", "p'": "Laney p'", "laneyp'": "Laney p'", "pprime": "Laney p'",
    "laneyu": "Laney u'", "u'": "Laney u'", "laneyu'": "Laney u'", "uprime": "Laney u'",
    "laneypprime": "Laney p'", "laneyuprime": "Laney u'",
    "ewma": "EWMA", "cusum": "CUSUM", "tabularcusum": "CUSUM", "g": "g", "t": "t",
}  # fmt: skip


def chart_kind(name: str) -> ChartKind:
    """Return a chart by one of its usual names (XmR, xbar-r, Laney p').

    Raises:
        InvalidInputError: There is no such chart.
    """
    spoken = re.sub(r"\b(?:and|charts?)\b|chart", "", name.lower().replace("\u2019", "'").replace("_", " "))
    plain = re.sub(r"[^a-z']", "", spoken)
    if plain not in _KINDS:
        raise InvalidInputError(
            f"There is no control chart {name[:40]!r}.", hint=f"There are {', '.join(dict.fromkeys(_KINDS.values()))}."
        )
    return _KINDS[plain]


_FROZEN = (
    "sigma_limits", "constants", "sigma_method", "span", "lambda_", "steady", "k", "h", "head_start", "rare_limits",
)  # fmt: skip


class FrozenLimits(Options):
    """What a chart of phase II is judged against: made in phase I, signed off by a person.

    Attributes:
        chart: Which chart it is for.
        center: The centre (of p and np a proportion, of c and u a rate, of t that of t^0.2777 or the scale).
        sigma: The standard deviation of one observation, within.
        subgroup_sizes: The sizes of the subgroups, or units a point, it was made from: lowest and highest.
        constants: The convention of the factors.
        sigma_method: How sigma was estimated; as usual for the chart if None.
        sigma_limits: How many sigma the limits stand from the centre.
        span: Of moving ranges.
        sigma_z: Laney's.
        shape: Weibull's.
        sd_center: S-bar of unequal subgroups.
        rare_limits: Of g and t.
        lambda_: Of EWMA.
        steady: Of EWMA: limits as they become in the long run.
        k: Of CUSUM.
        h: Of CUSUM.
        head_start: Of CUSUM, as a part of h.
        points: How many points it was made from.
        value: What was charted.
        unit: Its unit; empty if none is known.
        name: What it is called, with its version.
        signed_off: A person signed it.
    """

    model_config = ConfigDict(allow_inf_nan=False)

    chart: str
    center: float
    sigma: float = Field(ge=0)
    subgroup_sizes: tuple[float, ...] = ()
    constants: Convention = "published"
    sigma_method: SigmaMethod | None = None
    sigma_limits: float = Field(default=3.0, gt=0, le=10)
    span: int = Field(default=2, ge=2, le=25)
    sigma_z: float | None = Field(default=None, gt=0)
    shape: float | None = Field(default=None, gt=0)
    sd_center: float | None = Field(default=None, gt=0)
    rare_limits: RareLimits | None = None
    lambda_: float = Field(default=0.2, gt=0, le=1)
    steady: bool = False
    k: float = Field(default=0.5, ge=0)
    h: float = Field(default=5.0, gt=0)
    head_start: float = Field(default=0.0, ge=0, lt=1)
    points: int = 0
    value: str = ""
    unit: str = ""
    name: str = ""
    version: str = ""
    signed_off: bool = False

    @property
    def known(self) -> Known:
        """Return what is known by it."""
        return Known(self.center, self.sigma, self.sigma_z, self.shape, self.sd_center, frozen=True)


class SpcChoices(Options):
    """What few charts need.

    Attributes:
        size: Of counts: the column of units inspected (areas), or one number for all.
        ranges: When the values are means of subgroups: the column of their ranges; subgroup_size (or size) is n.
        deviations: Or the column of their standard deviations.
        time: The column that orders the rows; labels points.
        stage: The column whose value begins limits anew when it changes.
        run_length: How many points on one side are a run, instead of what the set says.
        target: The centre, if it is known (a standard, the target of EWMA and CUSUM).
        sigma: The standard deviation of one observation, if it is known.
        lambda_: Weight of the newest value in EWMA.
        L: How many sigma the limits of EWMA stand from the centre; `sigma_limits` if None.
        steady: EWMA with limits as they become in the long run.
        k: Reference of CUSUM in sigma.
        h: Decision interval of CUSUM in sigma.
        head_start: Of CUSUM as a part of h (0.5: fast initial response).
        exclude: Numbers (from 1) of points left out of the estimates.
        exclude_reason: Why; needed with exclude.
        iterate: Leave out points beyond the limits and compute again, until none is; every round is told.
        constants: Factors as published tables print them, or exact.
        sigma_method: How sigma is estimated; as usual for the chart if None.
        sigma_limits: How many sigma the limits stand from the centre.
        span: How many values a moving range spans.
        rare_limits: Of g: sigma or probability; of t: transform, exponential or weibull.
    """

    size: str | float | None = None
    ranges: str | None = None
    deviations: str | None = None
    time: str | None = None
    stage: str | None = None
    run_length: int | None = Field(default=None, ge=3, le=100)
    target: float | None = Field(default=None, allow_inf_nan=False)
    sigma: float | None = Field(default=None, gt=0, allow_inf_nan=False)
    lambda_: float | None = Field(default=None, gt=0, le=1)
    L: float | None = Field(default=None, gt=0, le=10)
    steady: bool | None = None
    k: float | None = Field(default=None, ge=0)
    h: float | None = Field(default=None, gt=0)
    head_start: float | None = Field(default=None, ge=0, lt=1)
    exclude: tuple[int, ...] = ()
    exclude_reason: str = Field(default="", max_length=2_000)
    iterate: bool = False
    constants: Convention | None = None
    sigma_method: SigmaMethod | None = None
    sigma_limits: float | None = Field(default=None, gt=0, le=10)
    span: int | None = Field(default=None, ge=2, le=25)
    rare_limits: RareLimits | None = None


class SpcMore(SpcChoices):
    """What a caller gives beside the values, the chart and the rules.

    Attributes:
        baseline: Frozen limits by the name of their document.
    """

    baseline: str | None = Field(default=None, max_length=100)


class SpcOptions(SpcChoices):
    """Options of a control chart.

    Attributes:
        value: The column charted, or several whose values of a row are a subgroup; the only numeric one if None.
        subgroup: The column that says which values belong together.
        subgroup_size: Or how many in a row do.
        chart: Which chart; chosen by the data if None.
        rules: The rule set, perhaps with a selection: nelson, western_electric, aiag, limits; "nelson 1-4".
        baseline: Frozen limits: nothing is estimated.
    """

    value: str | tuple[str, ...] | None = None
    subgroup: str | None = None
    subgroup_size: int | None = Field(default=None, ge=1, le=10_000)
    chart: str | None = None
    rules: str = DEFAULT
    baseline: FrozenLimits | None = None

    @field_validator("value", mode="before")
    @classmethod
    def _several(cls, value: Any) -> Any:
        return tuple(cast("list[Any]", value)) if isinstance(value, list) else value

    @model_validator(mode="after")
    def _reasoned(self) -> "SpcOptions":
        if self.exclude and len(self.exclude_reason.strip()) < 5:  # noqa: PLR2004 - a word
            raise ValueError("points are left out for a reason only: give exclude_reason, the cause that was found")
        if self.baseline and (self.exclude or self.iterate):
            raise ValueError("against a baseline nothing is estimated, so nothing can be left out")
        changed = self._against(self.baseline) if self.baseline else []
        if changed:
            raise ValueError(
                f"{', '.join(changed)}: the baseline says that; leave it out, or chart without the baseline"
            )
        if self.ranges and self.deviations:
            raise ValueError("give ranges or deviations, not both")
        if (self.ranges or self.deviations) and (self.subgroup_size is None) == (self.size is None):
            raise ValueError("with ranges or deviations give n of the subgroups: subgroup as a number, or size")
        if self.subgroup and self.subgroup_size:
            raise ValueError("give subgroup or subgroup_size, not both")
        return self

    def _against(self, baseline: FrozenLimits) -> list[str]:
        """Return the options that would move frozen limits."""
        given = [name for name in ("target", "sigma") if getattr(self, name) is not None]
        for name in _FROZEN:
            value = getattr(self, name)
            if value is not None and value != getattr(baseline, name):
                given.append(name)
        return [*given, "L"] if self.L is not None and baseline.sigma_limits != self.L else given

    def settings(self, kind: ChartKind) -> Settings:
        """Return how the chart is made; what a baseline says goes before all but the rules."""
        usual = self.baseline or FrozenLimits(chart=kind, center=0, sigma=1)
        limits_at = self.sigma_limits if self.sigma_limits is not None else usual.sigma_limits
        if kind == "EWMA" and self.L is not None:
            limits_at = self.L
        return Settings(
            rules=rule_set(self.rules, self.run_length),
            constants=constants_of(self.constants or usual.constants),
            sigma_method=self.sigma_method or usual.sigma_method or ("s_bar" if self.deviations else None),
            span=self.span or usual.span,
            limits_at=limits_at,
            known=self.baseline.known if self.baseline else Known(self.target, self.sigma),
            weight=self.lambda_ or usual.lambda_,
            steady=usual.steady if self.steady is None else self.steady,
            reference=usual.k if self.k is None else self.k,
            decision=self.h or usual.h,
            head_start=usual.head_start if self.head_start is None else self.head_start,
            rare_limits=self.rare_limits or usual.rare_limits,
        )
