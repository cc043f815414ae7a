"""What a measurement study says: a headline in words, and its numbers as tables of named columns."""

from collections.abc import Sequence
from typing import Any

from qms_mcp.services.analysis.method import significant
from qms_mcp.statistics.measurement.agreement import Agreement, Share
from qms_mcp.statistics.measurement.bias import Bias
from qms_mcp.statistics.measurement.components import Component, Scale
from qms_mcp.statistics.measurement.gauge import GaugeResult
from qms_mcp.statistics.measurement.linearity import Coefficient, Linearity
from qms_mcp.statistics.measurement.squares import Source
from qms_mcp.statistics.measurement.study import Study

_MOST_ROWS = 100


def gauge_headline(found: GaugeResult, study: Study, scale: Scale) -> str:
    """Return what the gauge does, in a sentence."""
    gauge = found.components[0]
    rows = {row.name: row for row in found.components}
    larger = "repeatability"
    if "reproducibility" in rows and rows["reproducibility"].variance > rows["repeatability"].variance:
        larger = "reproducibility (operators)"
    compared = [f"{gauge.of_study:.1f} % of the study variation"]
    if gauge.of_tolerance is not None:
        compared.append(f"{gauge.of_tolerance:.1f} % of the tolerance")
    if gauge.of_process is not None:
        compared.append(f"{gauge.of_process:.1f} % of the process variation")
    parts = f"{len(study.parts)} parts, {len(study.operators)} operator{'s' * (len(study.operators) > 1)}"
    told = "no variation of the gauge was seen" if found.ndc is None else f"ndc {found.ndc}"
    return (
        f"Gauge R&R is {' and '.join(compared)}; {told}; the larger part is {larger} "
        f"({parts}, {study.n} readings, multiplier {scale.multiplier:g})."
    )


def gauge_result(found: GaugeResult, study: Study, scale: Scale) -> dict[str, Any]:
    """Return the numbers of a gauge R&R."""
    result: dict[str, Any] = {
        "gauge_rr_percent": significant(found.components[0].of_study),
        "ndc": found.ndc,
        "ndc_before_cutting": None if found.categories is None else significant(found.categories),
    }
    if found.of_study is not None:
        result["gauge_rr_percent_interval"] = [significant(end) for end in found.of_study]
    result["components"] = _components(found.components, scale)
    if found.anova:
        result["anova"] = _anova(found.anova)
    if found.pooled:
        result["anova_interaction_pooled"] = _anova(found.pooled)
    if found.method == "anova":
        result["interaction"] = _interaction(found)
    if found.constants:
        result["constants"] = found.constants
        result["averages"] = {name: significant(value) for name, value in found.averages.items()}
    if found.intervals:
        result["intervals"] = found.intervals
    result["operators"] = _operators(study)
    return {name: value for name, value in result.items() if value is not None or name == "ndc"}


def _interaction(found: GaugeResult) -> str:
    test = next((row for row in found.anova if row.name == "operator_by_part"), None)
    p = "" if test is None or test.p is None else f" (p = {test.p:.3g})"
    if found.component("operator_by_part") is not None:
        return f"kept{p}"
    return f"pooled into repeatability{p}"


def _components(rows: Sequence[Component], scale: Scale) -> dict[str, Any]:
    columns = ["source", "variance", "sd", "study_variation", "percent_contribution", "percent_study"]
    kept = [(row.name, row.variance, row.sd, row.study_variation, row.contribution, row.of_study) for row in rows]
    extra = list[list[float | None]]()
    if scale.tolerance is not None:
        columns.append("percent_tolerance")
        extra.append([row.of_tolerance for row in rows])
    if scale.process_sd is not None:
        columns.append("percent_process")
        extra.append([row.of_process for row in rows])
    if any(row.low is not None for row in rows):
        columns += ["variance_low", "variance_high"]
        extra += [[row.low for row in rows], [row.high for row in rows]]
    return {
        "columns": columns,
        "rows": [_rounded([*row, *(column[at] for column in extra)]) for at, row in enumerate(kept)],
    }


def _anova(rows: Sequence[Source]) -> dict[str, Any]:
    return {
        "columns": ["source", "df", "ss", "ms", "f", "p"],
        "rows": [_rounded([row.name, row.df, row.ss, row.ms, row.f, row.p]) for row in rows],
    }


def _operators(study: Study) -> dict[str, Any] | None:
    if len(study.operators) < 2:  # noqa: PLR2004 - nothing to compare
        return None
    rows = list[list[Any]]()
    for at, name in enumerate(study.operators[:_MOST_ROWS]):
        cells = [row[at] for row in study.cells if row[at]]
        values = [value for cell in cells for value in cell]
        ranges = [max(cell) - min(cell) for cell in cells if len(cell) > 1]
        mean = values[0] + sum(value - values[0] for value in values) / len(values)
        rows.append(_rounded([name, mean, sum(ranges) / len(ranges) if ranges else None]))
    return {"columns": ["operator", "mean", "mean_range"], "rows": rows}


def bias_headline(found: Bias, unit: str) -> str:
    """Return what the bias is, in a sentence."""
    end = f" {unit}" if unit else ""
    interval = f"{100 * found.level:g} % interval {found.low:.4g} to {found.high:.4g}{end}"
    if found.p is None:
        return f"The bias is {found.bias:.4g}{end}; every reading is the same, so it can't be tested (n = {found.n})."
    seen = "differs from zero" if found.p < 1 - found.level else "can't be told from zero"
    return f"The bias is {found.bias:.4g}{end} ({interval}): it {seen} (p = {found.p:.3g}, n = {found.n})."


def bias_result(found: Bias) -> dict[str, Any]:
    """Return the numbers of a bias study."""
    return _filled(
        {
            "mean": found.mean,
            "bias": found.bias,
            "repeatability_sd": found.repeatability,
            "standard_error": found.standard_error,
            "t": found.t,
            "df": found.df,
            "p": found.p,
            "bias_low": found.low,
            "bias_high": found.high,
            "level": found.level,
            "percent_tolerance": found.of_tolerance,
            "percent_process": found.of_process,
        }
    )


def line_of(found: Linearity) -> str:
    """Return the fitted line as a formula."""
    intercept = found.intercept.value
    return f"bias = {found.slope.value:.4g} x reference {'+' if intercept >= 0 else '-'} {abs(intercept):.4g}"


def linearity_headline(found: Linearity, unit: str) -> str:
    """Return what the linearity is, in a sentence."""
    slope, line = found.slope, line_of(found)
    if slope.p is None:
        return f"Every reading lies on the line {line}; there is no test (n = {found.n})."
    changes = slope.p < 1 - found.level
    said = "changes over the range" if changes else "can't be told from constant over the range"
    zero = "" if found.zero_within else "; the line of no bias leaves the band, so the gauge is biased somewhere"
    first, last = found.band[0], found.band[-1]
    ends = f"{first.fit:.4g} at {first.reference:g} to {last.fit:.4g} at {last.reference:g}{f' {unit}' if unit else ''}"
    return f"The bias {said} ({line}, slope p = {slope.p:.3g}): from {ends}{zero} (n = {found.n})."


def linearity_result(found: Linearity) -> dict[str, Any]:
    """Return the numbers of a linearity study."""
    columns = ["estimate", "standard_error", "t", "p", "low", "high"]
    return _filled(
        {
            "line": {
                "columns": ["term", *columns],
                "rows": [_rounded(["slope", *_line(found.slope)]), _rounded(["intercept", *_line(found.intercept)])],
            },
            "s": found.s,
            "r_squared": found.r_squared,
            "linearity": found.linearity,
            "percent_linearity": found.percent,
            "average_bias": found.average_bias,
            "zero_within_band": found.zero_within,
            "level": found.level,
            "parts": {
                "columns": ["reference", "n", "mean", "bias", "sd", "t", "p", "low", "high"],
                "rows": [
                    _rounded(
                        [
                            *(part.reference, part.n, part.mean, part.bias, part.repeatability),
                            *(part.t, part.p, part.low, part.high),
                        ]
                    )
                    for part in found.parts[:_MOST_ROWS]
                ],
            },
            "band": {
                "columns": ["reference", "fit", "low", "high"],
                "rows": [
                    _rounded([point.reference, point.fit, point.low, point.high]) for point in found.band[:_MOST_ROWS]
                ],
            },
        }
    )


def _line(term: Coefficient) -> list[float | None]:
    return [term.value, term.standard_error, term.t, term.p, term.low, term.high]


def agreement_headline(found: Agreement) -> str:
    """Return how well decisions agree, in a sentence."""
    if found.all_correct is not None:
        share, says = found.all_correct, "all decisions of all operators were alike and right"
    elif found.between is not None:
        share, says = found.between, "all decisions of all operators were alike"
    else:
        row = found.operators[0]
        share, says = (
            row.effectiveness or row.within,
            "every trial was right" if row.effectiveness else "trials were alike",
        )
    if share is None:
        return f"{found.parts} parts were judged once."
    worst = [row for row in found.operators if row.effectiveness is not None]
    least = (
        min(worst, key=lambda row: row.effectiveness.share if row.effectiveness else 1.0) if len(worst) > 1 else None
    )
    ends = (
        f"; the least effective operator is {least.operator} with {100 * least.effectiveness.share:.0f} %"
        if least is not None and least.effectiveness is not None
        else ""
    )
    return (
        f"On {share.k} of {share.n} parts {says}: {100 * share.share:.1f} % "
        f"(exact interval {100 * share.low:.1f} to {100 * share.high:.1f} %){ends}."
    )


def agreement_result(found: Agreement) -> dict[str, Any]:
    """Return the numbers of an attribute agreement study."""
    columns = ["operator", "kappa_within", "kappa_standard"]
    shares = ("within", "effectiveness", "misses", "false_alarms")
    rows = list[list[Any]]()
    for row in found.operators:
        numbers = [_share(getattr(row, name)) for name in shares]
        rows.append([*_rounded([row.operator, row.kappa_within, row.kappa_standard]), *numbers])
    return _filled(
        {
            "shares": "k, n, share, low, high",
            "operators": {"columns": [*columns, *shares], "rows": rows},
            "between": _share(found.between),
            "all_correct": _share(found.all_correct),
            "kappa_between": found.kappa_between,
            "kappa_pairs": [
                [one, two, None if k is None else significant(k)] for one, two, k in found.pairs[:_MOST_ROWS]
            ],
            "nonconforming": found.nonconforming,
        }
    )


def _share(share: Share | None) -> list[float] | None:
    if share is None:
        return None
    return [share.k, share.n, *(significant(value) for value in (share.share, share.low, share.high))]


def _rounded(row: Sequence[Any]) -> list[Any]:
    return [significant(value) if isinstance(value, float) else value for value in row]


def _filled(result: dict[str, Any]) -> dict[str, Any]:
    return {
        name: significant(value) if isinstance(value, float) else value
        for name, value in result.items()
        if value is not None and value != []
    }
