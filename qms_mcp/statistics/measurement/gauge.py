"""Gauge R&R: a crossed or nested study into repeatability, reproducibility and part variation.

    by_anova(study).components      # random model, interaction pooled when its p is above 0.25
    by_ranges(study)                # average-and-range method

Random model: reading = part + operator + interaction + repetition. Expected mean squares (p parts, o operators, r
trials): repetition s2; interaction s2 + r si2; operator s2 + r si2 + p r so2; part s2 + r si2 + o r sp2. The
interaction is pooled into repeatability when its p is above `alpha_pool` (AIAG manual, appendix A). A component that
comes out negative is set to zero and said. Reproducibility is operator plus interaction; gauge R&R is repeatability
plus reproducibility.
"""

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias

from qms_mcp.errors import InvalidInputError
from qms_mcp.statistics.flags import Flag
from qms_mcp.statistics.measurement.components import Component, Name, Scale, categories, components, judged
from qms_mcp.statistics.measurement.constants import k1, k2, k3
from qms_mcp.statistics.measurement.intervals import combined, pivotal
from qms_mcp.statistics.measurement.squares import Source, crossed_squares, nested_squares, source
from qms_mcp.statistics.measurement.study import Study
from qms_mcp.statistics.measurement.unbalanced import unequal_components

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

GaugeMethod: TypeAlias = Literal["anova", "range", "nested"]


@dataclass(frozen=True, slots=True)
class GaugeResult:
    """What a study says of a gauge.

    Attributes:
        method: How it was computed.
        components: Gauge R&R first, the total last.
        ndc: Number of distinct categories, 1.41 PV/GRR cut to a whole number; None when the gauge shows no variation.
        categories: The same before cutting.
        anova: The table as tested; empty for the method of ranges.
        pooled: The table after the interaction was pooled; empty when it was not.
        of_study: Interval of %GRR (of the study variation); None where there is none.
        constants: K1, K2, K3 of the method of ranges, by name.
        averages: Average range, range of operators' averages, range of parts' averages (method of ranges).
        intervals: How the intervals were computed, in words; empty when there are none.
        flags: What to know beside it.
    """

    method: GaugeMethod
    components: tuple[Component, ...]
    ndc: int | None
    categories: float | None
    anova: tuple[Source, ...]
    pooled: tuple[Source, ...]
    of_study: tuple[float, float] | None
    constants: dict[str, float]
    averages: dict[str, float]
    intervals: str
    flags: tuple[Flag, ...]

    def component(self, name: Name) -> Component | None:
        """Return a component by name; None if the method does not tell it apart."""
        return next((row for row in self.components if row.name == name), None)


_BY_MLS = (
    "Of variances: modified large-sample (Burdick, Borror and Montgomery 2005); of %GRR: generalized pivotal "
    "quantities, 100,000 draws, seed 1."
)


def by_anova(study: Study, scale: Scale | None = None, *, alpha_pool: float = 0.25, level: float = 0.95) -> GaugeResult:
    """Return components by analysis of variance of a crossed study.

    Cells of unequal size are taken by Henderson's method III (fitting constants), then without intervals of components.

    Args:
        study: Readings.
        scale: What variation is compared with.
        alpha_pool: Pool the interaction when its p is above this; 1 never pools, 0 always does.
        level: Of the intervals.

    Raises:
        InvalidInputError: All readings are equal, or parts and operators are not connected.
    """
    _fraction(alpha_pool, "alpha_pool", ends=True)
    _fraction(level, "level", ends=False)
    scale = scale or Scale()
    if study.trials is None:
        return _unequal(study, scale, alpha_pool)
    part, operator, both, error = crossed_squares(study.array())
    _refuse_flat(part.ss + operator.ss + both.ss + error.ss, study)
    model = _Crossed(len(study.parts), len(study.operators), study.trials)
    table = tuple(row for row in (part, operator, both, error) if row.df)
    flags = study.flags + _of_one_trial(both, error)
    if not both.df or not error.df or (both.p if both.p is not None else 0.0) > alpha_pool or alpha_pool == 0.0:
        rest = source("repeatability", both.df + error.df, both.ss + error.ss)
        rows = (source("part", part.df, part.ss, rest), source("operator", operator.df, operator.ss, rest), rest)
        shown = tuple(row for row in rows if row.df) if both.df and error.df else ()
        return _crossed(model, (rows[0], rows[1], None, rest), table, shown, scale, level, flags)
    return _crossed(model, (part, operator, both, error), table, (), scale, level, flags + _of_interaction(both))


@dataclass(frozen=True, slots=True)
class _Crossed:
    p: int
    o: int
    r: int


_Rows: TypeAlias = tuple[Source, Source, Source | None, Source]


def _crossed(
    model: _Crossed,
    rows: _Rows,
    table: tuple[Source, ...],
    pooled: tuple[Source, ...],
    scale: Scale,
    level: float,
    flags: tuple[Flag, ...],
) -> GaugeResult:
    part, operator, both, error = rows
    p, o, r = model.p, model.o, model.r
    noise = both or error
    raw: dict[Name, float] = {"part": (part.ms - noise.ms) / (o * r)}
    if operator.df:
        raw["operator"] = (operator.ms - noise.ms) / (p * r)
    if both is not None:
        raw["operator_by_part"] = (both.ms - error.ms) / r
    found, flags = _not_negative(raw, flags)
    variances = _summed(error.ms, found)
    zero = any(row.ms == 0 for row in (part, error))
    intervals = {} if zero else _intervals(model, rows, level)
    return _result(
        "anova",
        variances,
        scale,
        flags,
        anova=table,
        pooled=pooled,
        intervals=intervals,
        of_study=None if zero else _of_study(model, rows, level),
    )


def _intervals(model: _Crossed, rows: _Rows, level: float) -> dict[Name, tuple[float, float]]:
    part, operator, both, error = rows
    p, o, r = model.p, model.o, model.r
    noise = both or error
    found: dict[Name, tuple[float, float]] = {
        "repeatability": combined([(1.0, error)], [], level),
        "part": combined([(1 / (o * r), part)], [(1 / (o * r), noise)], level),
    }
    if not operator.df:
        found["gauge_rr"] = found["repeatability"]
        found["total"] = combined([(1 / (o * r), part), (1 - 1 / (o * r), error)], [], level)
        return found
    found["operator"] = combined([(1 / (p * r), operator)], [(1 / (p * r), noise)], level)
    by_operator, by_part = (1 / (p * r), operator), (1 / (o * r), part)
    if both is None:
        found["reproducibility"] = found["operator"]
        found["gauge_rr"] = combined([by_operator, (1 - 1 / (p * r), error)], [], level)
        rest = 1 - 1 / (p * r) - 1 / (o * r)
        found["total"] = combined([by_operator, by_part, (max(0.0, rest), error)], [], level)
        return found
    found["operator_by_part"] = combined([(1 / r, both)], [(1 / r, error)], level)
    found["reproducibility"] = combined([by_operator, ((p - 1) / (p * r), both)], [(1 / r, error)], level)
    found["gauge_rr"] = combined([by_operator, ((p - 1) / (p * r), both), ((r - 1) / r, error)], [], level)
    rest = (p * o - p - o) / (p * o * r)
    found["total"] = combined([by_operator, by_part, (max(0.0, rest), both), ((r - 1) / r, error)], [], level)
    return found


def _of_study(model: _Crossed, rows: _Rows, level: float) -> tuple[float, float]:
    """Return the interval of %GRR."""
    import numpy as np  # noqa: PLC0415

    part, operator, both, error = rows
    used = [row for row in (part, operator, both, error) if row is not None and row.df]

    def share(drawn: "list[NDArray[np.float64]]") -> "NDArray[np.float64]":
        by_name = dict(zip((row.name for row in used), drawn, strict=True))
        noise = by_name.get("operator_by_part", by_name["repeatability"])
        gauge = by_name["repeatability"] + np.maximum(0.0, (noise - by_name["repeatability"]) / model.r)
        if "operator" in by_name:
            gauge = gauge + np.maximum(0.0, (by_name["operator"] - noise) / (model.p * model.r))
        parts = np.maximum(0.0, (by_name["part"] - noise) / (model.o * model.r))
        return 100 * np.sqrt(gauge / (gauge + parts))

    return pivotal(used, share, level)


def by_nested(study: Study, scale: Scale | None = None, *, level: float = 0.95) -> GaugeResult:
    """Return components of a nested study: every operator measured parts of its own (destructive tests).

    Source: AIAG manual, chapter IV (nonreplicable systems); Burdick, Borror and Montgomery (2005), chapter 7.

    Raises:
        InvalidInputError: A part was measured by several operators, operators have unequal numbers of parts or trials,
            or all readings are equal.
    """
    import numpy as np  # noqa: PLC0415

    _fraction(level, "level", ends=False)
    scale = scale or Scale()
    by_operator = [[row[at] for row in study.cells if row[at]] for at in range(len(study.operators))]
    shared = [name for name, row in zip(study.parts, study.cells, strict=True) if sum(bool(cell) for cell in row) > 1]
    if shared:
        raise InvalidInputError(
            f"Part {shared[0]} was measured by several operators: the study is crossed, not nested.",
            hint="Use method anova; or give the parts of each operator names of their own if they are different parts.",
        )
    sizes = {(len(parts), len(cell)) for parts in by_operator for cell in parts}
    if len(sizes) != 1 or len(study.operators) < 2 or min(next(iter(sizes))) < 2:  # noqa: PLR2004
        raise InvalidInputError(
            "A nested study needs two operators or more, each with the same number of parts (two or more), each part "
            "measured equally often (twice or more).",
            hint=f"Found (parts, trials): {', '.join(map(str, sorted(sizes)))}.",
        )
    operator, part, error = nested_squares(np.array(by_operator, dtype=np.float64))
    _refuse_flat(operator.ss + part.ss + error.ss, study)
    (p, r) = sizes.pop()
    raw: dict[Name, float] = {"part": (part.ms - error.ms) / r, "operator": (operator.ms - part.ms) / (p * r)}
    found, flags = _not_negative(raw, study.flags)
    intervals: dict[Name, tuple[float, float]] = {}
    if error.ms and part.ms:
        intervals = {
            "repeatability": combined([(1.0, error)], [], level),
            "part": combined([(1 / r, part)], [(1 / r, error)], level),
            "operator": combined([(1 / (p * r), operator)], [(1 / (p * r), part)], level),
            "gauge_rr": combined([(1 / (p * r), operator), (1.0, error)], [(1 / (p * r), part)], level),
            "total": combined([(1 / (p * r), operator), ((p - 1) / (p * r), part), ((r - 1) / r, error)], [], level),
        }
        intervals["reproducibility"] = intervals["operator"]
    return _result("nested", _summed(error.ms, found), scale, flags, anova=(operator, part, error), intervals=intervals)


def by_ranges(study: Study, scale: Scale | None = None) -> GaugeResult:
    """Return components by the average-and-range method of the AIAG manual (chapter III, section B).

    EV = Rbar K1; AV = sqrt((range of operators' averages K2)^2 - EV^2 / (parts trials)); PV = range of parts' averages
    K3. It can't tell the interaction from the operator and gives no intervals.

    Raises:
        InvalidInputError: Cells are of unequal size, or there is one trial only, or all readings are equal.
    """
    scale = scale or Scale()
    if study.trials is None:
        raise InvalidInputError(*study.unequal(), hint="The method of ranges needs equal numbers: use method anova.")
    if study.trials < 2:  # noqa: PLR2004 - a range
        raise InvalidInputError(
            "With one trial there is no range within a cell.", hint="Use method anova, or measure every part again."
        )
    x = study.array()
    p, o, r = x.shape
    mean_range = float((x.max(axis=2) - x.min(axis=2)).mean())
    centred = x - x.flat[0]
    by_operator, by_part = centred.mean(axis=(0, 2)), centred.mean(axis=(1, 2))
    between = float(by_operator.max() - by_operator.min()) if o > 1 else 0.0
    parts = float(by_part.max() - by_part.min())
    _refuse_flat(mean_range + between + parts, study)
    constants = {"K1": k1(r), "K3": k3(p)} | ({"K2": k2(o)} if o > 1 else {})
    ev = mean_range * constants["K1"]
    raw: dict[Name, float] = {"part": (parts * constants["K3"]) ** 2}
    if o > 1:
        raw["operator"] = (between * constants["K2"]) ** 2 - ev**2 / (p * r)
    found, flags = _not_negative(raw, study.flags)
    return _result(
        "range",
        _summed(ev**2, found),
        scale,
        flags,
        constants=constants,
        averages={"mean_range": mean_range, "range_of_operators": between, "range_of_parts": parts},
    )


def _unequal(study: Study, scale: Scale, alpha_pool: float) -> GaugeResult:
    fitted = unequal_components(study, alpha_pool)
    found, flags = _not_negative(fitted.raw, study.flags)
    empty = study.empty
    says = f" Without a reading: {'; '.join(empty[:6])}{' and more' if len(empty) > 6 else ''}." if empty else ""  # noqa: PLR2004
    unequal = Flag(
        "unequal_sizes",
        f"{study.unequal()[0]}{says} Components are by Henderson's method III; there are no intervals.",
        "Measure what misses; or read the components as estimates without a statement of how sure they are.",
    )
    return _result(
        "anova", _summed(fitted.repeatability, found), scale, (*flags, unequal), anova=fitted.table, pooled=()
    )


def _result(  # noqa: PLR0913 - the parts of one answer
    method: GaugeMethod,
    variances: dict[Name, float],
    scale: Scale,
    flags: tuple[Flag, ...],
    *,
    anova: tuple[Source, ...] = (),
    pooled: tuple[Source, ...] = (),
    intervals: dict[Name, tuple[float, float]] | None = None,
    of_study: tuple[float, float] | None = None,
    constants: dict[str, float] | None = None,
    averages: dict[str, float] | None = None,
) -> GaugeResult:
    rows = components(variances, scale, intervals or {})
    exact = categories(variances["part"], variances["gauge_rr"])
    # A gauge that tells nothing apart has one category, not none.
    ndc = None if exact is None else max(1, math.floor(exact + 1e-9))
    return GaugeResult(
        method=method,
        components=rows,
        ndc=ndc,
        categories=exact,
        anova=anova,
        pooled=pooled,
        of_study=of_study,
        constants=constants or {},
        averages=averages or {},
        intervals=_BY_MLS if intervals else "",
        flags=flags + judged(rows, ndc, scale),
    )


def _summed(repeatability: float, found: dict[Name, float]) -> dict[Name, float]:
    """Return all components in the order they are shown."""
    reproducibility = found.get("operator", 0.0) + found.get("operator_by_part", 0.0)
    gauge = repeatability + reproducibility
    shown: dict[Name, float] = {"gauge_rr": gauge, "repeatability": repeatability}
    if "operator" in found:
        shown["reproducibility"] = reproducibility
        shown["operator"] = found["operator"]
    if "operator_by_part" in found:
        shown["operator_by_part"] = found["operator_by_part"]
    shown["part"] = found["part"]
    shown["total"] = gauge + found["part"]
    return shown


def _not_negative(raw: dict[Name, float], flags: tuple[Flag, ...]) -> tuple[dict[Name, float], tuple[Flag, ...]]:
    negative: list[Name] = [name for name, variance in raw.items() if variance < 0]
    if not negative:
        return raw, flags
    words = ", ".join(f"{name.replace('_', ' ')} ({raw[name]:.3g})" for name in negative)
    flag = Flag(
        "negative_variance",
        f"Estimated below zero and set to zero: {words}.",
        "It can't be told from zero with these readings; look at the upper end of its interval.",
    )
    return {name: max(0.0, variance) for name, variance in raw.items()}, (*flags, flag)


def _refuse_flat(spread: float, study: Study) -> None:
    if spread == 0:
        raise InvalidInputError(
            f"All {study.n} readings are equal: there is nothing to divide into parts and gauge.",
            hint="Use a gauge with a finer resolution, and parts that differ.",
        )


def _of_one_trial(both: Source, error: Source) -> tuple[Flag, ...]:
    if error.df or not both.df:
        return ()
    return (
        Flag(
            "one_trial",
            "Each operator measured each part once: repeatability contains the interaction of operator and part.",
            "Measure twice or more to tell them apart.",
        ),
    )


def _of_interaction(both: Source) -> tuple[Flag, ...]:
    if both.p is None or both.p > 0.05:  # noqa: PLR2004 - the usual level
        return ()
    return (
        Flag(
            "interaction",
            f"Operators differ by part (interaction, p = {both.p:.3g}): some parts are measured differently by some.",
            "Look at the interaction picture: which parts, and what is special in how they are held or read.",
        ),
    )


def _fraction(value: float, name: str, *, ends: bool) -> None:
    if not (0.0 < value < 1.0 or (ends and value in (0.0, 1.0))):
        raise InvalidInputError(f"{name} lies between 0 and 1; given: {value:g}.", hint="Usual: 0.25 and 0.95.")
