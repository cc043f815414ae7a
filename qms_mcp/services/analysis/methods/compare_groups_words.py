"""What a comparison of means says in a sentence."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from qms_mcp.services.analysis.methods.compare_groups_model import (
    CompareOptions,
)
from qms_mcp.statistics.comparing import effects, means, posthoc, ranks
from qms_mcp.statistics.comparing.equivalence import Equivalence
from qms_mcp.statistics.comparing.means import Outcome
from qms_mcp.statistics.comparing.samples import Sample
from qms_mcp.statistics.comparing.wording import p_value, spoken, with_unit

if TYPE_CHECKING:
    pass

from qms_mcp.services.analysis.methods.compare_groups_samples import TWO


def mean_headline(
    samples: Sequence[Sample],
    used: Outcome,
    after: posthoc.PostHoc | None,
    equal: Equivalence | None,
    detectable: float | None,
    options: CompareOptions,
    unit: str,
) -> str:
    """Return what was found, in a sentence or three."""
    found, value = used.p < options.alpha, str(options.value)
    tested = f"{used.name}, {p_value(used.p)}"
    if after is None:
        said = _of_two(samples, found=found, tested=tested, options=options, unit=unit)
    else:
        able = sorted(samples, key=lambda sample: sample.mean)
        low, high = able[0], able[-1]
        means_said = (
            f"from {with_unit(low.mean, unit)} in {low.name!r} to {with_unit(high.mean, unit)} in {high.name!r}"
        )
        n = sum(sample.n for sample in samples)
        if found:
            pairs = sum(pair.p < options.alpha for pair in after.pairs)
            said = (
                f"{value} differs between the {len(samples)} groups ({tested}, n = {n}): means go {means_said}; "
                f"{pairs} of {len(after.pairs)} comparisons differ."
            )
        else:
            said = (
                f"No difference found in {value} between {len(samples)} groups ({tested}, n = {n}); "
                f"means go {means_said}."
            )
    if equal and equal.equivalent:
        return f"{said} They are equivalent within {with_unit(equal.margin, unit)} (p = {equal.p:.2g})."
    if equal and not found:
        return (
            f"{said} That they are equivalent within {with_unit(equal.margin, unit)} is not shown (p = {equal.p:.2g})."
        )
    if not found and detectable is not None:
        apart = "A difference" if after is None else "Two groups that differ by"
        seen = (
            f"{apart} of {with_unit(detectable, unit)}" if after is None else f"{apart} {with_unit(detectable, unit)}"
        )
        return f"{said} {seen} would be found with a chance of 80 %; that they are equal is not shown."
    return said


def _of_two(samples: Sequence[Sample], *, found: bool, tested: str, options: CompareOptions, unit: str) -> str:
    a, b = samples
    sizes = f"n = {a.n} and {b.n}"
    if min(a.n, b.n) < TWO:
        return f"{'A' if found else 'No'} difference found between {a.name!r} and {b.name!r} ({tested}, {sizes})."
    if tested.startswith("Mann-Whitney"):
        return _by_rank_of_two(a, b, found=found, tested=f"{tested}; {sizes}", options=options, unit=unit)
    one = means.difference(a, b, options.level)
    ends = f"{options.level:.0%} interval {spoken(one.low)} to {spoken(one.high)}"
    if not found:
        return (
            f"No difference found in {options.value} between {a.name!r} and {b.name!r}: "
            f"{with_unit(one.value, unit)} ({ends}; {tested}; {sizes})."
        )
    more = "higher" if one.value > 0 else "lower"
    low, high = sorted((abs(one.low), abs(one.high)))
    ends = f"{options.level:.0%} interval {spoken(low)} to {spoken(high)}" if one.low * one.high > 0 else ends
    size = effects.standardized(a, b)
    word = f", a {effects.in_words(size)} difference" if size is not None else ""
    return (
        f"{options.value} is {with_unit(abs(one.value), unit)} {more} on average in {a.name!r} than in {b.name!r} "
        f"({ends}; {tested}; {sizes}){word}."
    )


def _by_rank_of_two(a: Sample, b: Sample, *, found: bool, tested: str, options: CompareOptions, unit: str) -> str:
    rank, moved = ranks.superiority(a, b, options.level), ranks.shift(a, b, options.level)
    higher, lower = (a, b) if rank.value > 0 else (b, a)
    share = f"in {(1 + abs(rank.value)) / 2:.0%} of all pairs the value of {higher.name!r} is the higher one"
    apart = ""
    if moved:
        ends = f"{options.level:.0%} interval {spoken(moved.low)} to {spoken(moved.high)}"
        apart = f"; {a.name!r} is shifted by {with_unit(moved.value, unit)} ({ends})"
    if not found:
        return f"No difference found in {options.value} between {a.name!r} and {b.name!r} ({tested}): {share}{apart}."
    return f"{options.value} tends to be higher in {higher.name!r} than in {lower.name!r} ({tested}): {share}{apart}."
