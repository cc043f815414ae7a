"""`sampling_plan`: how many to inspect and when to accept, and what such a plan does to good and to bad lots."""

from dataclasses import dataclass
from typing import Any, Final, Literal, TypeAlias

from pydantic import ConfigDict, Field, model_validator

from qms_mcp.errors import InvalidInputError
from qms_mcp.services.analysis.method import Analysed, Computed, Method, Options, flagged, significant
from qms_mcp.services.analysis.methods.sampling_plan_picture import sampling_picture
from qms_mcp.services.analysis.table import Table
from qms_mcp.statistics.flags import Flag
from qms_mcp.statistics.sampling.curve import Curve, Model
from qms_mcp.statistics.sampling.design import designed, zero_acceptance
from qms_mcp.statistics.sampling.switching import switching_rules
from qms_mcp.statistics.sampling.tables import (
    PER_CENT_UP_TO,
    Level,
    Severity,
    Standard,
    StandardPlan,
    standard_plan,
)

Kind: TypeAlias = Literal["standard", "own", "designed", "zero"]
CHOICES: Final = (
    "severity (normal, tightened, reduced); standard (ISO 2859-1, ANSI/ASQ Z1.4); n, ac: your own; rql (%), alpha, "
    "beta: by both risks; zero_acceptance; model (binomial, hypergeometric, poisson); qualities (%) for the OC curve."
)
_SMALL_LOT = 0.10
_LARGEST_SUM = 2_000
_PER_CENT = 100.0
_MOST_QUALITIES = 50


def _short(schema: dict[str, Any]) -> None:
    """Leave the words to `CHOICES`: they are shorter than the schema."""
    schema.clear()
    schema["type"] = "object"


class SamplingChoices(Options):
    """Which plan, where it is not the usual one.

    Attributes:
        severity: Of the standard's plan.
        standard: Whose reduced plans and switching rules.
        n: Sample size of a plan of one's own.
        ac: Its acceptance number.
        rql: Quality to be rejected, in per cent (or nonconformities per 100 units).
        alpha: Producer's risk at the AQL.
        beta: Consumer's risk at the RQL.
        zero_acceptance: The smallest plan with Ac = 0 that excludes `rql` with confidence 1 - beta.
        model: How counts are distributed; by lot and AQL if left out.
        qualities: Where to give the chance of acceptance, in per cent.
    """

    model_config = ConfigDict(json_schema_extra=_short)

    severity: Severity = "normal"
    standard: Standard = "ISO 2859-1"
    n: int | None = Field(default=None, ge=1, le=10_000_000)
    ac: int | None = Field(default=None, ge=0, le=1_000_000)
    rql: float | None = Field(default=None, gt=0, le=100_000)
    alpha: float = Field(default=0.05, gt=0, lt=0.5)
    beta: float = Field(default=0.10, gt=0, lt=0.5)
    zero_acceptance: bool = False
    model: Model | None = None
    qualities: tuple[float, ...] = Field(default=(), max_length=_MOST_QUALITIES)

    @model_validator(mode="after")
    def _fits_together(self) -> "SamplingChoices":
        if (self.n is None) != (self.ac is None):
            raise ValueError("a plan of your own has both n and ac")
        if self.zero_acceptance and self.rql is None:
            raise ValueError("zero_acceptance needs rql, the quality (%) to be excluded")
        return self


class SamplingOptions(SamplingChoices):
    """What is inspected.

    Attributes:
        lot_size: Items in the lot.
        aql: Per cent nonconforming, or nonconformities per 100 units.
        level: Inspection level.
    """

    lot_size: int | None = Field(default=None, ge=1, le=1_000_000_000)
    aql: float | None = Field(default=None, gt=0, le=1000)
    level: Level = "II"


class SamplingPlan(Analysed):
    """A plan and what it does; qualities in per cent nonconforming, or nonconformities per 100 units.

    Attributes:
        plan: n, ac, re; the code letter and where an arrow led to.
        risks: At AQL and RQL, and the qualities accepted with 95, 50 and 10 %.
        outgoing: AOQL and average total inspection, if lots that are not accepted are screened.
        curve: Quality, chance of acceptance, AOQ (and ATI).
        model: How counts are taken to be distributed, and why.
        switching: What changes the severity.
    """

    plan: dict[str, Any]
    model: str
    risks: dict[str, Any] | None = None
    outgoing: dict[str, Any] | None = None
    curve: dict[str, Any] | None = None
    switching: list[str] = Field(default_factory=list[str])


@dataclass(frozen=True, slots=True)
class _Chosen:
    """A plan with how it came about."""

    kind: Kind
    curve: Curve
    re: int
    reason: str
    standard: StandardPlan | None = None


def compute(table: Table, options: SamplingOptions) -> Computed[SamplingPlan]:
    """Return a sampling plan; the table is not looked at.

    Raises:
        InvalidInputError: There is not enough to make a plan of, the AQL is none of the standard, or no plan holds the
            risks asked for.
    """
    del table
    if options.lot_size == 1:
        raise InvalidInputError("A lot of one item is inspected or not.", hint="Lots have two items or more.")
    chosen = _chosen(options)
    flags = _flags(chosen, options)
    headline = _headline(chosen, options)
    whole = _whole(chosen)
    answer = SamplingPlan(
        headline=headline,
        flags=flagged(flags),
        plan=_plan(chosen),
        model=f"{chosen.curve.model}: {chosen.reason}",
        risks=None if whole else _risks(chosen, options),
        outgoing=None if whole else _outgoing(chosen.curve, options),
        curve=None if whole else _curve(chosen.curve, options),
        switching=list(switching_rules(options.severity, options.standard)) if chosen.standard else [],
    )
    picture = None if whole else sampling_picture(chosen.curve, options.aql, _rql(chosen.curve, options), headline)
    return Computed(answer, chosen.curve.n, picture)


def _chosen(options: SamplingOptions) -> _Chosen:
    if options.n is not None and options.ac is not None:
        model, reason = _model(options, options.n)
        return _Chosen("own", Curve(options.n, options.ac, model, options.lot_size), options.ac + 1, reason)
    if options.zero_acceptance and options.rql is not None:
        curve = zero_acceptance(options.rql / _PER_CENT, 1 - options.beta, lot_size=options.lot_size)
        return _Chosen("zero", curve, 1, _reason(curve.model))
    if options.rql is not None:
        return _of_risks(options)
    if options.lot_size is None or options.aql is None:
        raise InvalidInputError(
            "A plan of the standard needs the lot size and the AQL.",
            hint="Or give n and ac to see what a plan does; or aql and rql for one with both risks.",
        )
    found = standard_plan(
        options.lot_size, options.aql, level=options.level, severity=options.severity, standard=options.standard
    )
    n = min(found.n, options.lot_size)
    model, reason = _model(options, n)
    # Between Ac and Re the lot is accepted (reduced inspection of Z1.4): what accepts it is below Re.
    ac = min(found.re - 1, n - 1) if model != "poisson" else found.re - 1
    return _Chosen("standard", Curve(n, ac, model, options.lot_size), found.re, reason, found)


def _of_risks(options: SamplingOptions) -> _Chosen:
    if options.aql is None or options.rql is None:
        raise InvalidInputError(
            "A plan with both risks needs aql, to be accepted, and rql, to be rejected.",
            hint="Or set zero_acceptance for a plan that only excludes rql.",
        )
    model: Model = options.model or ("poisson" if options.aql > PER_CENT_UP_TO else "binomial")
    curve = designed(
        options.aql / _PER_CENT,
        options.alpha,
        options.rql / _PER_CENT,
        options.beta,
        model=model,
        lot_size=options.lot_size if model == "hypergeometric" else None,
    )
    fits = options.lot_size is None or curve.n <= options.lot_size
    if not fits:
        raise InvalidInputError(
            f"Both risks need a sample of {curve.n}; the lot has {options.lot_size}.",
            hint="Use model hypergeometric, inspect the whole lot, or allow larger risks.",
        )
    return _Chosen("designed", Curve(curve.n, curve.ac, model, options.lot_size), curve.ac + 1, _reason(model))


def _model(options: SamplingOptions, n: int) -> tuple[Model, str]:
    if options.model is not None:
        return options.model, "as asked for"
    if options.aql is not None and options.aql > PER_CENT_UP_TO:
        return "poisson", _reason("poisson")
    if options.lot_size is not None and n > _SMALL_LOT * options.lot_size and (options.ac or 0) <= _LARGEST_SUM:
        return "hypergeometric", f"the sample is {n / options.lot_size:.0%} of the lot"
    return "binomial", _reason("binomial")


def _reason(model: Model) -> str:
    return {
        "binomial": "items from a process, or a lot much larger than the sample",
        "hypergeometric": "one lot of this size",
        "poisson": "nonconformities, several of which can be on one item",
    }[model]


def _whole(chosen: _Chosen) -> bool:
    return chosen.curve.lot_size is not None and chosen.curve.n >= chosen.curve.lot_size


def _plan(chosen: _Chosen) -> dict[str, Any]:
    plan: dict[str, Any] = {"kind": chosen.kind, "n": chosen.curve.n, "ac": chosen.curve.ac, "re": chosen.re}
    found = chosen.standard
    if found is None:
        return plan
    plan |= {"ac": found.ac, "standard": found.standard, "severity": found.severity, "level": found.level}
    plan["code_letter"] = found.letter
    if found.used_letter != found.letter:
        plan["plan_of_letter"] = found.used_letter
    if found.whole_lot:
        plan |= {"inspect": "every item", "sample_of_the_table": found.n}
    return plan


def _risks(chosen: _Chosen, options: SamplingOptions) -> dict[str, Any]:
    curve = chosen.curve
    risks = dict[str, float]()
    if options.aql is not None:
        risks["accepted_at_aql"] = curve.acceptance(options.aql / _PER_CENT)
        risks["producers_risk"] = 1 - risks["accepted_at_aql"]
    if options.rql is not None:
        risks["accepted_at_rql"] = curve.acceptance(options.rql / _PER_CENT)
    for name, chance in (("95", 0.95), ("50", 0.50), ("10", 0.10), ("5", 0.05)):
        risks[f"quality_accepted_{name}_percent"] = _PER_CENT * curve.quality_accepted(chance)
    risks[f"rql_at_beta_{options.beta:g}"] = _PER_CENT * curve.quality_accepted(options.beta)
    return {name: significant(value) for name, value in risks.items()}


def _outgoing(curve: Curve, options: SamplingOptions) -> dict[str, Any]:
    limit = curve.outgoing_limit()
    outgoing = {"aoql": _PER_CENT * limit.limit, "at": _PER_CENT * limit.at}
    if options.aql is not None:
        outgoing["aoq_at_aql"] = _PER_CENT * curve.outgoing(options.aql / _PER_CENT)
        if curve.lot_size is not None:
            outgoing["ati_at_aql"] = curve.total_inspection(options.aql / _PER_CENT)
    return {name: significant(value) for name, value in outgoing.items()}


def _curve(curve: Curve, options: SamplingOptions) -> dict[str, Any]:
    qualities = [quality / _PER_CENT for quality in options.qualities] or _spread(curve)
    columns = ["quality", "accepted", "aoq"] + (["ati"] if curve.lot_size is not None else [])
    rows = list[list[float]]()
    for quality in qualities:
        row = [_PER_CENT * quality, curve.acceptance(quality), _PER_CENT * curve.outgoing(quality)]
        if curve.lot_size is not None:
            row.append(curve.total_inspection(quality))
        rows.append([significant(value) for value in row])
    return {"columns": columns, "rows": rows}


def _spread(curve: Curve) -> list[float]:
    """Return the qualities at which 99, 95, ... 1 % of lots are accepted."""
    return [curve.quality_accepted(chance) for chance in (0.99, 0.95, 0.90, 0.75, 0.50, 0.25, 0.10, 0.05, 0.01)]


def _rql(curve: Curve, options: SamplingOptions) -> float:
    return options.rql if options.rql is not None else _PER_CENT * curve.quality_accepted(options.beta)


def _headline(chosen: _Chosen, options: SamplingOptions) -> str:
    curve = chosen.curve
    ac = chosen.standard.ac if chosen.standard else curve.ac
    unit = "nonconformities" if curve.model == "poisson" else "nonconforming"
    if _whole(chosen):
        return (
            f"The plan asks for a sample of {chosen.standard.n if chosen.standard else curve.n} from a lot of "
            f"{curve.lot_size}: inspect every item."
        )
    lot = f" of a lot of {curve.lot_size:,}" if curve.lot_size is not None else ""
    does = list[str]()
    per = "per 100 units" if curve.model == "poisson" else "%"
    if options.aql is not None:
        does.append(f"{curve.acceptance(options.aql / _PER_CENT):.1%} of lots at the AQL of {options.aql:g} {per}")
    does.append(f"{options.beta:.0%} at {_PER_CENT * curve.quality_accepted(options.beta):.3g} {per}")
    none = "no nonconformity" if curve.model == "poisson" else "no nonconforming item"
    rule = f"accept with {ac} {unit} or fewer" if ac else f"accept when there is {none}"
    return f"Inspect {curve.n}{lot}; {rule}. It accepts {' and '.join(does)}."


def _flags(chosen: _Chosen, options: SamplingOptions) -> tuple[Flag, ...]:
    flags = list[Flag]()
    found = chosen.standard
    if found is not None and found.whole_lot:
        flags.append(Flag("whole_lot", f"The sample ({found.n}) is not smaller than the lot ({found.lot_size})."))
    elif found is not None and found.used_letter != found.letter:
        flags.append(
            Flag(
                "arrow",
                f"Code letter {found.letter} has no plan for this AQL: an arrow leads to that of {found.used_letter}, "
                "with its own sample size.",
            )
        )
    if found is not None and found.re > found.ac + 1:
        flags.append(
            Flag(
                "gap",
                f"More than Ac = {found.ac} but fewer than Re = {found.re}: the lot is accepted, and inspection goes "
                "back to normal; the curve counts that as accepted.",
            )
        )
    if found is not None:
        flags.append(
            Flag(
                "scheme",
                "One plan alone does not protect: the AQL is a limit for a series of lots inspected with the switching "
                "rules. It is not a quality that is aimed at, nor a limit for one lot.",
                "For a single lot choose a plan by its RQL.",
            )
        )
    if not _whole(chosen) and options.aql is not None:
        risk = 1 - chosen.curve.acceptance(min(options.aql / _PER_CENT, _top(chosen.curve)))
        if chosen.kind in ("own", "zero") and risk > options.alpha:
            flags.append(
                Flag(
                    "producers_risk",
                    f"{risk:.1%} of lots at the AQL are not accepted, more than {options.alpha:.0%}.",
                    "Lots of good quality are returned: take a larger sample with a larger Ac.",
                )
            )
    return tuple(flags)


def _top(curve: Curve) -> float:
    return float("inf") if curve.model == "poisson" else 1.0


SAMPLING_PLAN: Final = Method("sampling_plan", "1", SamplingOptions, compute)
