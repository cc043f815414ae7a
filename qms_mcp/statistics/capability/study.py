"""A capability study: one process, one characteristic, one specification.

made = study(individuals(values), Specification(lsl=460, usl=660, target=560), StudySettings())
made.overall.indices.nearest        # Ppk
"""

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from qms_mcp.errors import InvalidInputError
from qms_mcp.statistics.capability.choosing import Distribution, Model, choose, normality_of
from qms_mcp.statistics.capability.fallout import Expected, Observed, expected_normal, observed
from qms_mcp.statistics.capability.indices import (
    Indices,
    indices,
    nearest_bound,
    nearest_interval,
    off_middle,
    spread_interval,
    target_interval,
)
from qms_mcp.statistics.capability.percentiles import ByPercentiles, by_percentiles
from qms_mcp.statistics.capability.sanity import refuse_unusable, sanity
from qms_mcp.statistics.capability.specification import Specification
from qms_mcp.statistics.capability.stability import Stability, stability
from qms_mcp.statistics.capability.subgroups import Subgrouped
from qms_mcp.statistics.capability.within import WithinMethod, WithinSigma, within_sigma
from qms_mcp.statistics.flags import Flag
from qms_mcp.statistics.intervals import Interval
from qms_mcp.statistics.moments import Moments, moments
from qms_mcp.statistics.normality import NormalityTest
from qms_mcp.statistics.spc.constants import Convention

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_LEAST = 2


@dataclass(frozen=True, slots=True)
class StudySettings:
    """How a study is made.

    Attributes:
        sigma_method: How sigma within is estimated; as usual for the subgroups when None.
        distribution: Which one the values are taken to have.
        level: Of all intervals and of the bounds.
        power: Lambda of Box-Cox, when it is given.
        even_if_unstable: Give Cp and Cpk although the process is not stable.
        convention: Of the constants d2, c4.
        seed: Of the bootstrap.
        run_length: How many points in a row on one side of the centre are a signal.
    """

    sigma_method: WithinMethod | None = None
    distribution: Distribution = "auto"
    level: float = 0.95
    power: float | None = None
    even_if_unstable: bool = False
    convention: Convention = "published"
    seed: int = 1
    run_length: int = 9


@dataclass(frozen=True, slots=True)
class Block:
    """Indices with one sigma: within (Cp, Cpk) or overall (Pp, Ppk).

    Attributes:
        sigma: In the unit of the values, or of the transformed ones.
        says: How sigma was found.
        df: The degrees of freedom it is worth; None when they are not known.
        indices: What was computed.
        spread_interval: Of Cp or Pp.
        nearest_interval: Of Cpk or Ppk.
        nearest_bound: What Cpk or Ppk is at least, one-sided, with the confidence of the study.
        target_interval: Of Cpm.
        expected: What is expected outside.
    """

    sigma: float | None
    says: str
    df: float | None
    indices: Indices
    spread_interval: Interval | None = None
    nearest_interval: Interval | None = None
    nearest_bound: float | None = None
    target_interval: Interval | None = None
    expected: Expected | None = None


@dataclass(frozen=True, slots=True)
class Study:
    """What was found.

    Attributes:
        found: Mean, standard deviation and number of the values, in their unit.
        model: The distribution they are taken to have; None for a summary.
        normality: Of the values themselves; None when there are too few.
        stability: Whether there is one process; None for a summary.
        within: Cp and Cpk; None when they were withheld or the distribution has none.
        withheld: Why `within` is not there.
        overall: Pp and Ppk.
        points: The 0.135 %, 50 % and 99.865 % points, by the percentile method.
        observed: What was seen outside; None for a summary.
        flags: What to know.
        as_if_normal: Cp, Cpk (None where withheld) and Pp, Ppk as textbooks compute them, when the distribution taken
            is not the normal one.
    """

    specification: Specification
    found: Moments
    model: Model | None
    normality: NormalityTest | None
    stability: Stability | None
    within: Block | None
    withheld: str
    overall: Block
    points: tuple[float, float, float] | None
    observed: Observed | None
    flags: tuple[Flag, ...]
    as_if_normal: tuple[Block | None, Block] | None = None


def study(grouped: Subgrouped, specification: Specification, settings: StudySettings) -> Study:
    """Return the capability and the performance of what was measured.

    Raises:
        InvalidInputError: The values can't be used (see `refuse_unusable`), or the distribution can't be theirs.
    """
    values = grouped.values
    found = moments(values)
    refuse_unusable(values, found, specification)
    model = choose(values, settings.distribution, settings.level, settings.power)
    seen = stability(grouped, _charted(grouped, model), settings.run_length)
    flags = [*grouped.flags, *sanity(grouped, found, specification), *model.flags, *seen.flags]
    scale = _Scale.of(grouped, model, specification)
    flags += scale.flags
    overall, points = _overall(scale, model, settings)
    within, withheld = _within(scale, model, seen, settings)
    if off_middle(specification):
        says = "The target is not midway between the limits, so Cpm is min(USL - T, T - LSL) / 3 tau."
        flags.append(Flag("target_off_middle", says))
    return Study(
        specification=specification,
        found=found,
        model=model,
        normality=normality_of(values),
        stability=seen,
        within=within,
        withheld=withheld,
        overall=overall,
        points=points,
        observed=observed(values, specification, settings.level),
        flags=tuple(flags),
        as_if_normal=None if model.distribution == "normal" else _as_if_normal(grouped, specification, seen, settings),
    )


def _as_if_normal(
    grouped: Subgrouped, specification: Specification, seen: Stability, settings: StudySettings
) -> tuple[Block | None, Block]:
    """Return the indices by mean and standard deviation of the values as they are, to compare with others' figures."""
    plain, normal = _Scale(grouped, specification), Model("normal", "", "", None)
    return _within(plain, normal, seen, settings)[0], _overall(plain, normal, settings)[0]


def study_of_summary(mean: float, sd: float, n: int | None, specification: Specification, level: float) -> Study:
    """Return the indices of a process of which only mean and standard deviation are known.

    Both blocks have the one standard deviation that was given: they are Cp and Cpk if it is one within, Pp and Ppk if
    it is the overall one.

    Raises:
        InvalidInputError: The standard deviation is not positive, or n is below 2.
    """
    if not 0.0 < sd <= 1e150:  # noqa: PLR2004 - numbers.LARGEST
        raise InvalidInputError(f"A standard deviation is positive and finite; given: {sd:g}.", hint="Correct sd.")
    if n is not None and n < _LEAST:
        raise InvalidInputError(
            f"A standard deviation comes from two values at least; given: n = {n}.", hint="Correct n."
        )
    found = Moments(mean, sd, n or 0)
    block = _block(found, sd, "given", None if n is None else float(n - 1), specification, level)
    says = (
        "Only mean and sd were given: it is not known whether sd is one within (then the indices are Cp and Cpk) or "
        "overall (Pp and Ppk), and neither stability nor the distribution could be checked."
    )
    flags = [Flag("not_checked", says, "Send the values in their order.")]
    if n is None:
        flags.append(Flag("few", "Without n there are no intervals.", "Give n."))
    return Study(specification, found, None, None, None, block, "", block, None, None, tuple(flags))


@dataclass(frozen=True, slots=True)
class _Scale:
    """Values and specification on the scale the indices are computed on: their own, or the transformed one."""

    grouped: Subgrouped
    specification: Specification
    flags: tuple[Flag, ...] = ()

    @staticmethod
    def of(grouped: Subgrouped, model: Model, specification: Specification) -> "_Scale":
        import numpy as np  # noqa: PLC0415

        made = model.transformation
        if made is None:
            return _Scale(grouped, specification)
        series = np.full(grouped.series.shape, np.nan)
        there = ~np.isnan(grouped.series)
        series[there] = made.apply(grouped.series[there])
        limits, flags = _reachable(model, specification)
        return _Scale(replace(grouped, series=series, values=made.apply(grouped.values)), limits, flags)


def _reachable(model: Model, specification: Specification) -> tuple[Specification, tuple[Flag, ...]]:
    """Return the limits on the transformed scale; one that the curve never reaches asks nothing and is left out."""
    made = model.transformation
    assert made is not None  # noqa: S101 - only called for a transformation
    limits: dict[str, float | None] = {"lsl": None, "usl": None}
    flags = list[Flag]()
    given = {"lsl": specification.lsl, "usl": specification.usl}
    for name, limit in given.items():
        if limit is None:
            continue
        limits[name] = made.at(limit)
        if limits[name] is None:
            if (limit <= made.lowest) is not (name == "lsl"):
                raise InvalidInputError(
                    f"{name} ({limit:g}) lies where {made.says} has no values at all.",
                    hint="Are values and limits in the same unit? Distribution normal shows how far apart they are.",
                )
            says = f"{name} ({limit:g}) lies where {made.says} never comes: nothing is expected beyond it."
            flags.append(Flag("limit_out_of_reach", says, "The index is that of the other limit."))
    if limits["lsl"] is None and limits["usl"] is None:
        raise InvalidInputError(
            f"{model.says} reaches neither limit, so there is no index.", hint="Use distribution percentile or normal."
        )
    target = None if specification.target is None else made.at(specification.target)
    return Specification(limits["lsl"], limits["usl"], target), tuple(flags)


def _charted(grouped: Subgrouped, model: Model) -> "NDArray[np.float64]":
    import numpy as np  # noqa: PLC0415

    if model.distribution == "normal" or model.scores is None:
        return grouped.series
    series = np.full(grouped.series.shape, np.nan)
    there = ~np.isnan(grouped.series)
    series[there] = model.scores(grouped.series[there])
    return series


def _overall(scale: _Scale, model: Model, settings: StudySettings) -> tuple[Block, tuple[float, float, float] | None]:
    values = scale.grouped.values
    if model.distribution == "normal" or model.transformation is not None:
        found = moments(values)
        says = "overall standard deviation" + ("" if model.transformation is None else " of the transformed values")
        return _block(found, found.sd, says, float(found.n - 1), scale.specification, settings.level), None
    made = by_percentiles(values, model, scale.specification, settings.level, settings.seed)
    return _of_percentiles(made, model), made.points


def _of_percentiles(made: ByPercentiles, model: Model) -> Block:
    return Block(
        sigma=None,
        says=f"0.135 %, 50 % and 99.865 % points of the {model.distribution} distribution"
        + (
            f"; intervals from {made.resamples} bootstrap samples"
            if made.resamples
            else "; too many values for intervals"
        ),
        df=None,
        indices=made.indices,
        spread_interval=made.spread_interval,
        nearest_interval=made.nearest_interval,
        nearest_bound=made.nearest_bound,
        expected=made.expected,
    )


def _within(scale: _Scale, model: Model, seen: Stability, settings: StudySettings) -> tuple[Block | None, str]:
    if seen.stable is False and not settings.even_if_unstable:
        return None, "The process is not stable, so it has no capability to speak of; even_if_unstable gives it anyway."
    if model.distribution != "normal" and model.transformation is None:
        return None, "Cp and Cpk need normal or transformed values; the percentile method gives Pp and Ppk."
    try:
        sigma: WithinSigma = within_sigma(scale.grouped, settings.sigma_method, settings.convention)
    except InvalidInputError as refused:
        if settings.sigma_method is not None:
            raise
        return None, refused.message
    found = moments(scale.grouped.values)
    return _block(found, sigma.sigma, sigma.says, sigma.df, scale.specification, settings.level), ""


def _block(
    found: Moments, sigma: float, says: str, df: float | None, specification: Specification, level: float
) -> Block:
    made = indices(found.mean, sigma, specification)
    block = Block(sigma, says, df, made, expected=expected_normal(found.mean, sigma, specification))
    if df is None:
        return block
    return replace(
        block,
        spread_interval=None if made.spread is None else spread_interval(made.spread, df, level),
        nearest_interval=nearest_interval(made.nearest, found.n, df, level),
        nearest_bound=nearest_bound(made.nearest, found.n, df, level),
        target_interval=None
        if made.target is None or specification.target is None
        else target_interval(made.target, found.mean, sigma, specification.target, found.n, level),
    )
