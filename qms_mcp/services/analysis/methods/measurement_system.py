"""`measurement_system`: how much of what is measured is the measuring; gauge R&R, bias, linearity, agreement."""

from collections.abc import Sequence
from typing import Any, Final, Literal, TypeAlias

from pydantic import ConfigDict, Field

from qms_mcp.errors import InvalidInputError
from qms_mcp.services.analysis.method import Analysed, Computed, Method, Options, flagged
from qms_mcp.services.analysis.methods.measurement_system_pictures import (
    agreement_picture,
    bias_picture,
    gauge_picture,
    linearity_picture,
)
from qms_mcp.services.analysis.methods.measurement_system_words import (
    agreement_headline,
    agreement_result,
    bias_headline,
    bias_result,
    gauge_headline,
    gauge_result,
    linearity_headline,
    linearity_result,
)
from qms_mcp.services.analysis.table import Table
from qms_mcp.statistics.flags import Flag
from qms_mcp.statistics.measurement.agreement import agreement
from qms_mcp.statistics.measurement.bias import BiasMethod, bias
from qms_mcp.statistics.measurement.components import Scale
from qms_mcp.statistics.measurement.gauge import GaugeResult, by_anova, by_nested, by_ranges
from qms_mcp.statistics.measurement.linearity import linearity
from qms_mcp.statistics.measurement.study import Study, crossed_study

StudyKind: TypeAlias = Literal["crossed", "nested", "bias", "linearity", "attribute"]
CHOICES: Final = (
    "reference (value or column); method (anova, range); tolerance (width), process_sd, study_multiplier, alpha_pool, "
    "trial, level, nonconforming (rating), repeatability (sd, range)."
)


def _short(schema: dict[str, Any]) -> None:
    """Leave the words to `CHOICES`: they are shorter than the schema."""
    schema.clear()
    schema["type"] = "object"


class MeasurementChoices(Options):
    """How a study is computed, where the usual way is not wanted.

    Attributes:
        method: Gauge R&R by analysis of variance or by averages and ranges.
        trial: The column that numbers the trials; finds a reading that is there twice.
        tolerance: Upper less lower specification limit.
        process_sd: Historical standard deviation of the process.
        study_multiplier: Standard deviations in a study variation; 6, formerly 5.15.
        alpha_pool: The interaction is pooled when its p is above this.
        level: Of intervals.
        nonconforming: Attribute study: which rating is the bad one.
        reference: Bias: the known value. Linearity, attribute: the column of known values (or of the standard).
        repeatability: Bias study: by standard deviation or by range.
    """

    model_config = ConfigDict(json_schema_extra=_short)

    method: Literal["anova", "range"] = "anova"
    trial: str | None = None
    tolerance: float | None = Field(default=None, gt=0, allow_inf_nan=False)
    process_sd: float | None = Field(default=None, gt=0, allow_inf_nan=False)
    study_multiplier: float = Field(default=6.0, gt=0, le=20)
    alpha_pool: float = Field(default=0.25, ge=0, le=1)
    level: float = Field(default=0.95, gt=0.5, lt=1)
    nonconforming: str | None = None
    reference: float | str | None = None
    repeatability: BiasMethod = "sd"


class MeasurementOptions(MeasurementChoices):
    """What is studied.

    Attributes:
        study: Crossed or nested gauge R&R, bias, linearity, or attribute agreement.
        value: The column of readings; or several, the trials side by side.
        part: The column of the part.
        operator: The column of the operator; one operator if left out.
    """

    study: StudyKind = "crossed"
    value: str | tuple[str, ...] | None = None
    part: str | None = None
    operator: str | None = None


class MeasurementSystem(Analysed):
    """What was found.

    Attributes:
        study: Which kind of study.
        method: How it was computed, in words.
        design: How many parts, operators, trials and readings.
        result: Of the study; tables are `columns` and `rows`.
    """

    study: str
    method: str
    design: dict[str, Any] = Field(default_factory=dict[str, Any])
    result: dict[str, Any] = Field(default_factory=dict[str, Any])


def compute(table: Table, options: MeasurementOptions) -> Computed[MeasurementSystem]:
    """Return what a study says of a measurement system.

    Raises:
        InvalidInputError: A column misses, or the readings make no study of this kind.
    """
    if options.study in ("crossed", "nested"):
        return _gauge(table, options)
    if options.study == "bias":
        return _bias(table, options)
    if options.study == "linearity":
        return _linearity(table, options)
    return _attribute(table, options)


def _gauge(table: Table, options: MeasurementOptions) -> Computed[MeasurementSystem]:
    study, unit = _study(table, options)
    scale = Scale(options.study_multiplier, options.tolerance, options.process_sd)
    found = _found(study, scale, options)
    headline = gauge_headline(found, study, scale)
    design = {
        "parts": len(study.parts),
        "operators": len(study.operators),
        "trials": study.trials or "unequal",
        "readings": study.n,
    } | ({"unit": unit} if unit else {})
    answer = MeasurementSystem(
        headline=headline,
        flags=flagged(found.flags + _units(table, options)),
        study=options.study,
        method=_GAUGE_METHODS[found.method],
        design=design,
        result=gauge_result(found, study, scale),
    )
    return Computed(answer, study.n, gauge_picture(found, study, unit, headline))


_GAUGE_METHODS: Final = {
    "anova": "Analysis of variance, random model (AIAG MSA 4th ed., appendix A)",
    "range": "Average and range (AIAG MSA 4th ed., chapter III section B); K1, K2, K3 as printed there",
    "nested": "Analysis of variance, parts nested in operators",
}


def _found(study: Study, scale: Scale, options: MeasurementOptions) -> GaugeResult:
    if options.study == "nested":
        return by_nested(study, scale, level=options.level)
    if options.method == "range":
        return by_ranges(study, scale)
    return by_anova(study, scale, alpha_pool=options.alpha_pool, level=options.level)


def _study(table: Table, options: MeasurementOptions) -> tuple[Study, str]:
    parts = list(table.text(_named(options.part, "part", table)))
    operators = None if options.operator is None else list(table.text(options.operator))
    trials = None if options.trial is None else list(table.text(options.trial))
    names = _values(table, options)
    readings = [float(value) for name in names for value in table.numbers(name)]
    wide = len(names)
    if wide > 1 and trials is not None:
        raise InvalidInputError(
            "The trials stand side by side and a column numbers them as well.", hint="Leave out `trial`."
        )
    study = crossed_study(
        _with_missing(readings), parts * wide, None if operators is None else operators * wide, trials
    )
    return study, table.unit(names[0])


def _with_missing(readings: Sequence[float]) -> list[float | None]:
    return [None if reading != reading else reading for reading in readings]  # noqa: PLR0124 - nan is a missing reading


def _values(table: Table, options: MeasurementOptions) -> tuple[str, ...]:
    if isinstance(options.value, tuple):
        if not options.value:
            raise InvalidInputError("No column of readings is named.", hint="Give `value`.")
        return options.value
    others = [name for name in (options.part, options.operator, options.trial, options.reference) if name is not None]
    return (options.value or table.only_numeric(but=[name for name in others if isinstance(name, str)]),)


def _named(name: str | None, kind: str, table: Table) -> str:
    if name is None:
        raise InvalidInputError(
            f"It is not said which column is the {kind}.",
            hint=f"Give `{kind}`. The table has: {', '.join(map(repr, table.columns))}.",
        )
    return name


def _units(table: Table, options: MeasurementOptions) -> tuple[Flag, ...]:
    units = {table.unit(name) for name in _values(table, options)}
    if len(units) < 2:  # noqa: PLR2004 - one unit
        return ()
    return (Flag("mixed_units", f"The columns have different units: {', '.join(sorted(units))}.", "Convert them."),)


def _process(options: MeasurementOptions) -> float | None:
    return None if options.process_sd is None else options.study_multiplier * options.process_sd


def _bias(table: Table, options: MeasurementOptions) -> Computed[MeasurementSystem]:
    name = _values(table, options)[0]
    readings = _with_missing([float(value) for value in table.numbers(name)])
    found = bias(
        readings,
        _reference(table, options),
        method=options.repeatability,
        level=options.level,
        tolerance=options.tolerance,
        process_variation=_process(options),
    )
    unit = table.unit(name)
    headline = bias_headline(found, unit)
    by = "standard deviation" if options.repeatability == "sd" else "range by d2* (AIAG MSA appendix C)"
    answer = MeasurementSystem(
        headline=headline,
        flags=flagged(found.flags),
        study="bias",
        method=f"Independent sample method, t test; repeatability by {by}",
        design={"readings": found.n, "reference": found.reference} | ({"unit": unit} if unit else {}),
        result=bias_result(found),
    )
    return Computed(answer, found.n, bias_picture(found, readings, unit, headline))


def _reference(table: Table, options: MeasurementOptions) -> float:
    if isinstance(options.reference, float | int):
        return float(options.reference)
    if options.reference is None:
        raise InvalidInputError(
            "A bias study needs the known value of the part.", hint="Give it as `reference`, a number or a column."
        )
    known = {float(value) for value in table.numbers(options.reference, missing=False)}
    if len(known) > 1:
        raise InvalidInputError(
            f"There are {len(known)} different references.", hint="Use the linearity study for several parts."
        )
    return known.pop()


def _linearity(table: Table, options: MeasurementOptions) -> Computed[MeasurementSystem]:
    if not isinstance(options.reference, str):
        raise InvalidInputError(
            "A linearity study needs the column of the known values.", hint="Give it as `reference`."
        )
    names = _values(table, options)
    readings = _with_missing([float(value) for name in names for value in table.numbers(name)])
    references = [float(value) for value in table.numbers(options.reference, missing=False)] * len(names)
    found = linearity(
        readings,
        references,
        level=options.level,
        process_variation=_process(options),
        tolerance=options.tolerance,
    )
    unit = table.unit(names[0])
    headline = linearity_headline(found, unit)
    answer = MeasurementSystem(
        headline=headline,
        flags=flagged(found.flags),
        study="linearity",
        method="Regression of bias on reference, each reading a point (AIAG MSA 4th ed., chapter III section B)",
        design={"references": len(found.band), "readings": found.n} | ({"unit": unit} if unit else {}),
        result=linearity_result(found),
    )
    return Computed(answer, found.n, linearity_picture(found, readings, references, unit, headline))


def _attribute(table: Table, options: MeasurementOptions) -> Computed[MeasurementSystem]:
    names = _rating_columns(table, options)
    wide = len(names)
    ratings = [value for name in names for value in table.column(name)]
    parts = list(table.column(_named(options.part, "part", table))) * wide
    operators = None if options.operator is None else list(table.column(options.operator)) * wide
    if isinstance(options.reference, float | int):
        raise InvalidInputError("The standard of each part is a column.", hint="Give its name as `reference`.")
    standard = None if options.reference is None else list(table.column(options.reference)) * wide
    found = agreement(ratings, parts, operators, standard, nonconforming=options.nonconforming, level=options.level)
    headline = agreement_headline(found)
    answer = MeasurementSystem(
        headline=headline,
        flags=flagged(found.flags),
        study="attribute",
        method="Agreement by part, exact intervals; Cohen's and Fleiss' kappa (AIAG MSA 4th ed., chapter III C)",
        design={
            "parts": found.parts,
            "operators": len(found.operators),
            "trials": found.trials,
            "ratings": list(found.categories),
        },
        result=agreement_result(found),
    )
    return Computed(answer, len(ratings), agreement_picture(found, headline))


def _rating_columns(table: Table, options: MeasurementOptions) -> tuple[str, ...]:
    if options.value is None:
        raise InvalidInputError(
            "It is not said which column is the rating.",
            hint=f"Give `value`. The table has: {', '.join(map(repr, table.columns))}.",
        )
    return options.value if isinstance(options.value, tuple) else (options.value,)


MEASUREMENT_SYSTEM: Final = Method("measurement_system", "1", MeasurementOptions, compute)
