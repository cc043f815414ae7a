"""`process_capability`: what a process makes against what is asked of it, with what had to be true for it checked."""

from typing import Any, Final

from pydantic import ConfigDict, Field, model_validator

from qms_mcp.errors import InvalidInputError
from qms_mcp.services.analysis.method import Analysed, Computed, Method, Options, flagged, significant
from qms_mcp.services.analysis.methods.process_capability_picture import picture_of
from qms_mcp.services.analysis.methods.process_capability_reading import read
from qms_mcp.services.analysis.methods.process_capability_words import block_of, headline_of, verdict_of
from qms_mcp.services.analysis.table import Table
from qms_mcp.statistics.capability.choosing import Distribution
from qms_mcp.statistics.capability.specification import Specification
from qms_mcp.statistics.capability.study import Block, Study, StudySettings, study, study_of_summary
from qms_mcp.statistics.capability.within import WithinMethod
from qms_mcp.statistics.spc.constants import Convention

CHOICES: Final = (
    "target, required (a Cpk), time, sigma_method (range, pooled...), distribution (box_cox, johnson, "
    "percentile...), level, summary {mean, sd, n} for source, even_if_unstable."
)

_WITHIN: Final = ("cp", "cpk", "cpu", "cpl")
_OVERALL: Final = ("pp", "ppk", "ppu", "ppl")


def _short(schema: dict[str, Any]) -> None:
    """Leave the words to `CHOICES`: they are shorter than the schema."""
    schema.clear()
    schema["type"] = "object"


class Summary(Options):
    """What is known of a process when its values are not at hand."""

    mean: float = Field(allow_inf_nan=False)
    sd: float = Field(allow_inf_nan=False)
    n: int | None = None


class CapabilityChoices(Options):
    """How capability is computed, where the usual way is not wanted.

    Attributes:
        target: Where the characteristic should be, for Cpm.
        required: The Cpk that is asked for; the answer says whether the data demonstrate it.
        time: The column that orders the rows, if they are not in the order they were made.
        sigma_method: range (R-bar/d2), sd (S-bar/c4), pooled (with c4), pooled_unadjusted, moving_range,
            median_moving_range; by the subgroups if left out.
        distribution: auto, normal, box_cox, yeo_johnson, johnson; percentile (the best of lognormal, weibull, gamma),
            or one of them; empirical.
        power: Lambda of Box-Cox, if not estimated.
        level: Of intervals and bounds.
        summary: Mean and sd instead of values.
        even_if_unstable: Give Cp and Cpk of a process that is not stable.
        constants: published (d2, c4 as tables print them) or exact.
        seed: Of the bootstrap of the percentile method.
        run_length: Points in a row on one side of the centre that are a signal.
    """

    model_config = ConfigDict(json_schema_extra=_short)

    target: float | None = None
    required: float | None = Field(default=None, gt=0, allow_inf_nan=False)
    time: str | None = None
    sigma_method: WithinMethod | None = None
    distribution: Distribution = "auto"
    power: float | None = Field(default=None, ge=-5, le=5)
    level: float = Field(default=0.95, gt=0.5, lt=1)
    summary: Summary | None = None
    even_if_unstable: bool = False
    constants: Convention = "published"
    seed: int = Field(default=1, ge=0)
    run_length: int = Field(default=9, ge=5, le=20)

    @model_validator(mode="after")
    def _fits_together(self) -> "CapabilityChoices":
        if self.power is not None and self.distribution != "box_cox":
            raise ValueError("power is the lambda of distribution box_cox")
        return self


class CapabilityOptions(CapabilityChoices):
    """What is asked, and how it is computed.

    Attributes:
        value: The column of values, the only numeric one if left out; several, whose rows are subgroups.
        subgroup: The column that tells which values were made under the same conditions; or how many rows after
            another were.
        lsl: Lower specification limit.
        usl: Upper specification limit.
    """

    value: str | tuple[str, ...] | None = None
    subgroup: str | int | None = None
    lsl: float | None = None
    usl: float | None = None


class ProcessCapability(Analysed):
    """What was found; see `capability.study.Study`.

    Attributes:
        method: The distribution taken, and why.
        values: Column, number, mean, standard deviation, range, specification.
        within: Cp and Cpk with what belongs to them; or why they are `withheld`. With another distribution than the
            normal one, `as_if_normal` has what mean and standard deviation alone would give.
        overall: Pp and Ppk with what belongs to them, likewise.
        observed: What was seen outside.
        checks: Normality and stability.
        verdict: Whether a required index is demonstrated.
    """

    method: str = ""
    values: dict[str, Any]
    within: dict[str, Any]
    overall: dict[str, Any]
    observed: dict[str, Any] | None = None
    checks: dict[str, Any] | None = None
    verdict: dict[str, Any] | None = None


def compute(table: Table, options: CapabilityOptions) -> Computed[ProcessCapability]:
    """Return the capability of a column of a table, or of a summary.

    Raises:
        InvalidInputError: There is no limit, nothing to compute with, or what there is can't be used.
    """
    specification = Specification(options.lsl, options.usl, options.target)
    if options.summary is not None:
        return _of_summary(table, options, options.summary, specification)
    source = read(table, options)
    grouped = source.grouped
    settings = StudySettings(
        sigma_method=options.sigma_method,
        distribution=options.distribution,
        level=options.level,
        power=options.power,
        even_if_unstable=options.even_if_unstable,
        convention=options.constants,
        seed=options.seed,
        run_length=options.run_length,
    )
    made = study(grouped, specification, settings)
    low, high = float(grouped.values.min()), float(grouped.values.max())
    values = {"column": source.name, **_moments(made), "min": significant(low), "max": significant(high)}
    answer = _answer(made, options, values | ({"unit": source.unit} if source.unit else {}))
    return Computed(answer, made.found.n, picture_of(made, grouped.values, source.name, source.unit, answer.headline))


def _of_summary(
    table: Table, options: CapabilityOptions, summary: Summary, specification: Specification
) -> Computed[ProcessCapability]:
    if table.rows:
        raise InvalidInputError(
            "Both a table and a summary were given.", hint="Leave the source out to compute from mean and sd."
        )
    made = study_of_summary(summary.mean, summary.sd, summary.n, specification, options.level)
    answer = _answer(made, options, _moments(made))
    return Computed(answer, made.found.n, picture_of(made, None, "a process", "", answer.headline))


def _answer(made: Study, options: CapabilityOptions, values: dict[str, Any]) -> ProcessCapability:
    verdict = verdict_of(made, options.required, options.level)
    return ProcessCapability(
        headline=headline_of(made, verdict, options.level),
        flags=flagged(made.flags),
        method=_method(made, options),
        values=values | _given({"lsl": options.lsl, "usl": options.usl, "target": options.target}),
        within=({"withheld": made.withheld} if made.within is None else block_of(made.within, _WITHIN))
        | _as_if_normal(made.as_if_normal and made.as_if_normal[0], _WITHIN),
        overall=block_of(made.overall, _OVERALL, made.points)
        | _as_if_normal(made.as_if_normal and made.as_if_normal[1], _OVERALL),
        observed=_observed(made),
        checks=_given({"normality": _normality(made), "stability": _stability(made)}) or None,
        verdict=verdict,
    )


def _as_if_normal(block: Block | None, names: tuple[str, str, str, str]) -> dict[str, Any]:
    """Return the indices a textbook computes from mean and standard deviation, when they are not those reported."""
    if block is None:
        return {}
    kept = ("sigma", "sigma_from", *names, "cpm", "ppm")
    return {"as_if_normal": {name: value for name, value in block_of(block, names).items() if name in kept}}


def _moments(made: Study) -> dict[str, Any]:
    counted = {"n": made.found.n} if made.found.n else {}
    return {**counted, "mean": significant(made.found.mean), "sd": significant(made.found.sd)}


def _method(made: Study, options: CapabilityOptions) -> str:
    level = f"{100 * options.level:g} %"
    if made.model is None:
        return f"normal distribution, from mean and sd; intervals at {level}"
    constants = "" if made.within is None else f"; constants {options.constants}"
    return f"{made.model.says} ({made.model.why}){constants}; intervals at {level}"


def _given(fields: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if value is not None}


def _observed(made: Study) -> dict[str, Any] | None:
    seen = made.observed
    if seen is None:
        return None
    ends = [significant(end, 6) for end in seen.interval]
    return _given(
        {"below": seen.below, "above": seen.above, "of": seen.n, "ppm": significant(seen.ppm), "ppm_interval": ends}
    )


def _normality(made: Study) -> dict[str, Any] | None:
    tested = made.normality
    if tested is None:
        return None
    return {"test": tested.test, "statistic": significant(tested.statistic, 6), "p": significant(tested.p, 4)}


def _stability(made: Study) -> dict[str, Any] | None:
    seen = made.stability
    if seen is None:
        return None
    r1 = None if seen.autocorrelation is None else significant(seen.autocorrelation.r1, 4)
    fields = {"found": seen.says, "checked": seen.checked, "signals": seen.signals, "r1": r1}
    return {"stable": seen.stable, **_given(fields)}


PROCESS_CAPABILITY = Method("process_capability", "1", CapabilityOptions, compute)
