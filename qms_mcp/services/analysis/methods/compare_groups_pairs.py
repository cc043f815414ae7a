"""Comparing matched values: the same part before and after, two gauges on one part."""

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from qms_mcp.services.analysis.method import Computed, flagged, significant
from qms_mcp.services.analysis.methods.compare_groups_model import (
    DIFFERENCES,
    EFFECTS,
    CompareAnswer,
    CompareOptions,
    rounded,
    rows_of_tests,
)
from qms_mcp.services.analysis.table import Table
from qms_mcp.statistics.comparing import means, paired, power
from qms_mcp.statistics.comparing.equivalence import Equivalence, equivalence
from qms_mcp.statistics.comparing.means import Outcome
from qms_mcp.statistics.comparing.samples import samples_of
from qms_mcp.statistics.comparing.wording import p_value, spoken, with_unit
from qms_mcp.statistics.flags import Flag

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

from qms_mcp.services.analysis.methods.compare_groups_samples import GROUPS, box_picture, group_row, normality

_ENOUGH, _SURE = 30, 0.01


def compare_pairs(
    table: Table, groups: Sequence[str], keys: Sequence[str], options: CompareOptions, flags: list[Flag]
) -> Computed[CompareAnswer]:
    """Return how two groups of matched values compare."""
    assert isinstance(options.value, str)  # noqa: S101 - settled by the caller
    pairs = paired.matched(keys, groups, table.numbers(options.value))
    of, unit = paired.differences(pairs), table.unit(options.value)
    one, rank = paired.paired_t(of, options.level), paired.signed_rank(of)
    flags = [*flags, *pairs.flags]
    shape = normality([of])
    by_rank = options.kind == "ranks" or (shape is not None and shape < _SURE and of.n < _ENOUGH and not options.margin)
    if shape is not None and shape < _SURE:
        instead = "Signed ranks are compared." if by_rank else ""
        flags.append(
            Flag("not_normal", f"The differences are not normal (Anderson-Darling {p_value(shape)}).", instead)
        )
    t = Outcome("paired t", one.t, one.df, None, one.p)
    used = rank if by_rank and rank else t
    error = of.sd / math.sqrt(of.n)
    equal = equivalence(one.value, error, one.df, options.margin, options.alpha) if options.margin else None
    least = power.detectable(error, one.df, options.alpha)
    found = used.p < options.alpha
    verdict = "equivalent" if equal and equal.equivalent else "different" if found else "no difference found"
    rows: list[list[Any]] = [EFFECTS, ["mean difference", rounded(one.value), rounded(one.low), rounded(one.high)]]
    rows.append(["in standard deviations of the differences", rounded(paired.standardized(of)), None, None])
    if equal:
        name = f"equivalence within {spoken(equal.margin)}: p = {equal.p:.3g}, interval {1 - 2 * options.alpha:.0%}"
        rows.append([name, rounded(one.value), rounded(equal.low), rounded(equal.high)])
    samples, _ = samples_of([pairs.first] * of.n + [pairs.second] * of.n, _joined(pairs))
    answer = CompareAnswer(
        headline=_paired_headline(pairs, one, used, equal, least, options, unit),
        flags=flagged(flags),
        verdict=verdict,
        test=used.name,
        p=significant(used.p),
        groups=[GROUPS, *(group_row(sample, options.level) for sample in [*samples, of])],
        effects=rows,
        differences=[
            DIFFERENCES,
            [pairs.first, pairs.second, *map(rounded, (one.value, one.low, one.high, one.p, paired.standardized(of)))],
        ],
        tests=rows_of_tests([t, rank]),
        detectable=rounded(least),
    )
    return Computed(answer, 2 * of.n, box_picture([of], options, unit, answer, zero=True))


def _joined(pairs: paired.Pairs) -> "NDArray[np.float64]":
    import numpy as np  # noqa: PLC0415

    return np.concatenate([pairs.a, pairs.b])


def _paired_headline(
    pairs: paired.Pairs,
    one: means.Difference,
    used: Outcome,
    equal: Equivalence | None,
    least: float,
    options: CompareOptions,
    unit: str,
) -> str:
    ends = f"{options.level:.0%} interval {spoken(one.low)} to {spoken(one.high)}"
    tested = f"{ends}; {used.name}, {p_value(used.p)}; {len(pairs.keys)} pairs"
    names = f"{pairs.first!r} and {pairs.second!r}"
    if used.p < options.alpha:
        said = f"{options.value} differs between {names} by {with_unit(one.value, unit)} on average ({tested})."
    else:
        said = f"No difference found in {options.value} between {names}: {with_unit(one.value, unit)} ({tested})."
    if equal:
        shown = "They are equivalent" if equal.equivalent else "That they are equivalent is not shown:"
        return f"{said} {shown} within {with_unit(equal.margin, unit)} (p = {equal.p:.2g})."
    if used.p < options.alpha:
        return said
    least_said = with_unit(least, unit)
    return (
        f"{said} A difference of {least_said} would be found with a chance of 80 %; that they are equal is not shown."
    )
