"""Comparing means of groups of measured values: which test is right for them, and what it says."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from qms_mcp.errors import InvalidInputError
from qms_mcp.services.analysis.method import Computed, flagged, significant
from qms_mcp.services.analysis.methods.compare_groups_model import (
    DIFFERENCES,
    EFFECTS,
    MOST_PAIRS,
    MOST_ROWS,
    CompareAnswer,
    CompareOptions,
    rounded,
    rows_of_tests,
)
from qms_mcp.services.analysis.table import Table
from qms_mcp.statistics.comparing import effects, means, posthoc, power, ranks
from qms_mcp.statistics.comparing.equivalence import Equivalence, equivalence
from qms_mcp.statistics.comparing.means import Anova, Outcome
from qms_mcp.statistics.comparing.samples import Sample, samples_of
from qms_mcp.statistics.comparing.variance import brown_forsythe
from qms_mcp.statistics.comparing.wording import listed, p_value, spoken, with_unit
from qms_mcp.statistics.flags import Flag

if TYPE_CHECKING:
    pass

from qms_mcp.services.analysis.methods.compare_groups_samples import GROUPS, TWO, box_picture, group_row, normality
from qms_mcp.services.analysis.methods.compare_groups_words import mean_headline

_ENOUGH = 30


_SURE = 0.01


def compare_means(
    table: Table, groups: Sequence[str], options: CompareOptions, flags: list[Flag]
) -> Computed[CompareAnswer]:
    """Return how the means of groups compare; by ranks where means would mislead."""
    assert isinstance(options.value, str)  # noqa: S101 - settled by the caller
    samples, seen = samples_of(groups, table.numbers(options.value))
    flags = [*flags, *seen, *_size_flags(samples)]
    unit = table.unit(options.value)
    if all(sample.deviations.min() == sample.deviations.max() == samples[0].deviations[0] for sample in samples):
        raise InvalidInputError(
            f"All {sum(sample.n for sample in samples)} values of {options.value} are equal "
            f"({with_unit(samples[0].mean, unit)}): there is nothing to compare.",
            hint="Check the resolution of the measurement.",
        )
    classical = means.anova(samples)
    spread = brown_forsythe(samples)
    by_rank, why = _by_ranks(samples, options)
    flags += [*why, *_spread_flags(samples, spread)]
    used = _test(samples, classical, by_rank=by_rank, flags=flags)
    found = used.p < options.alpha
    two = [sample for sample in samples if sample.n > 1] if len(samples) == TWO else []
    equal = _equivalence(two, options, flags)
    verdict = "equivalent" if equal and equal.equivalent else "different" if found else "no difference found"
    after = posthoc.post_hoc(samples, options.level) if len(samples) > TWO else None
    detectable = _detectable(samples, two, options.alpha)
    answer = CompareAnswer(
        headline=mean_headline(samples, used, after, equal, detectable, options, unit),
        flags=flagged(flags),
        verdict=verdict,
        test=used.name,
        p=significant(used.p),
        groups=[GROUPS, *(group_row(sample, options.level) for sample in samples[:MOST_ROWS])],
        effects=_effects(samples, two, classical, equal, options),
        differences=_differences(after, two, options, flags),
        tests=rows_of_tests(_tests(samples, two, classical, spread)),
        anova=_anova(classical),
        detectable=rounded(detectable),
    )
    n = sum(sample.n for sample in samples)
    return Computed(answer, n, box_picture(samples, options, unit, answer))


def _size_flags(samples: Sequence[Sample]) -> list[Flag]:
    flags = list[Flag]()
    single = [sample.name for sample in samples if sample.n == 1]
    if single:
        says = f"{len(single)} groups have one value and take part in no test of their own: {listed(single)}."
        flags.append(Flag("few", says, "Give at least two values a group."))
    few = [f"{sample.name} ({sample.n})" for sample in samples if 1 < sample.n < 5]  # noqa: PLR2004
    if few:
        flags.append(Flag("few", f"Groups with fewer than 5 values: {listed(few)}.", "Only large differences show."))
    if len(samples) > posthoc.MOST_PAIRED:
        says = f"{len(samples)} groups are compared each against all others, not in pairs."
        flags.append(Flag("many_groups", says, "Compare fewer groups to see pairs."))
    if len(samples) > MOST_ROWS:
        flags.append(Flag("shortened", f"{MOST_ROWS} of {len(samples)} groups are listed; all are in the tests."))
    return flags


def _by_ranks(samples: Sequence[Sample], options: CompareOptions) -> tuple[bool, list[Flag]]:
    """Return whether ranks are compared rather than means, and what was seen of the shape."""
    if options.kind == "ranks":
        return True, []
    p = normality(samples)
    if p is None or p >= _SURE:
        return False, []
    least = min(sample.n for sample in samples)
    says = f"Within the groups the values are not normal (Anderson-Darling {p_value(p)})"
    if options.kind == "mean" and options.margin:
        return False, [Flag("not_normal", f"{says}; equivalence is tested on means all the same.")]
    if least >= _ENOUGH:
        return False, [Flag("not_normal", f"{says}; with at least {least} a group means can still be compared.")]
    instead = "Ranks are compared instead of means; the tests of means are listed beside them."
    return True, [Flag("not_normal", f"{says}, and the smallest group has {least}.", instead)]


def _spread_flags(samples: Sequence[Sample], spread: Outcome | None) -> list[Flag]:
    if not spread or spread.p >= _SURE:
        return []
    able = [sample for sample in samples if sample.n > 1]
    least, most = min(able, key=lambda one: one.variance), max(able, key=lambda one: one.variance)
    says = (
        f"The groups do not vary alike (Brown-Forsythe {p_value(spread.p)}): sd {spoken(least.sd)} in {least.name!r}, "
        f"{spoken(most.sd)} in {most.name!r}."
    )
    return [Flag("unequal_variances", says, "Welch's test allows for it; the classical analysis of variance does not.")]


def _test(samples: Sequence[Sample], classical: Anova, *, by_rank: bool, flags: list[Flag]) -> Outcome:
    """Return the test the verdict rests on."""
    able = [sample for sample in samples if sample.n > 1]
    rank = (
        ranks.mann_whitney(samples[0], samples[1]) if len(samples) == TWO else ranks.kruskal_wallis(samples)
    )  # all equal was refused before
    if by_rank and rank:
        return rank
    if len(able) == TWO and len(samples) == TWO:
        found = means.difference(able[0], able[1])
        return Outcome("Welch t", found.t, found.df, None, found.p)
    whole = means.welch(able) if len(able) > 1 else None
    if whole:
        return whole
    still = [sample.name for sample in samples if sample.variance == 0 and sample.n > 1]
    if rank and still:
        says = f"In {len(still)} groups nothing varies ({listed(still)}): ranks are compared instead of means."
        flags.append(Flag("zero_dispersion", says, "Check the resolution, or whether values were copied."))
        return rank
    says = "One group has but one value: that all vary alike is taken for granted."
    flags.append(Flag("few", says, "Collect more."))
    return Outcome("ANOVA", classical.f, classical.between_df, classical.within_df, classical.p)


def _equivalence(two: Sequence[Sample], options: CompareOptions, flags: list[Flag]) -> Equivalence | None:
    if not options.margin:
        return None
    if len(two) != TWO:
        flags.append(Flag("no_equivalence", "Equivalence is tested between two groups with two values each or more."))
        return None
    error, df = means.standard_error(*two)
    return equivalence(two[0].centre - two[1].centre, error, df, options.margin, options.alpha)


def _detectable(samples: Sequence[Sample], two: Sequence[Sample], alpha: float) -> float | None:
    if len(two) == TWO:
        return power.smallest_difference(two[0], two[1], alpha)
    able = [sample for sample in samples if sample.n > 1]
    if len(able) < TWO or not any(sample.variance for sample in able):
        return None
    return power.smallest_range(able, alpha)


def _effects(
    samples: Sequence[Sample],
    two: Sequence[Sample],
    classical: Anova,
    equal: Equivalence | None,
    options: CompareOptions,
) -> list[list[Any]]:
    rows: list[list[Any]] = [EFFECTS]
    if len(two) == TWO:
        a, b = two
        found = means.difference(a, b, options.level)
        rows.append(["difference of means", rounded(found.value), rounded(found.low), rounded(found.high)])
        g = effects.hedges_g(a, b, options.level)
        if g:
            rows.append([g.name, rounded(g.value), rounded(g.low), rounded(g.high)])
        rank = ranks.superiority(a, b, options.level)
        rows.append(["rank-biserial", rounded(rank.value), rounded(rank.low), rounded(rank.high)])
        moved = ranks.shift(a, b, options.level)
        if moved:
            rows.append(["Hodges-Lehmann shift", rounded(moved.value), rounded(moved.low), rounded(moved.high)])
    eta = effects.eta_squared(classical)
    rows.append([f"{eta.name} (90 %)", rounded(eta.value), rounded(eta.low), rounded(eta.high)])
    if len(samples) > TWO:
        rows.append(["omega squared", rounded(effects.omega_squared(classical)), None, None])
    if equal:
        name = f"equivalence within {spoken(equal.margin)}: p = {equal.p:.3g}, interval {1 - 2 * options.alpha:.0%}"
        rows.append([name, rounded(two[0].centre - two[1].centre), rounded(equal.low), rounded(equal.high)])
    return rows


def _differences(
    after: posthoc.PostHoc | None, two: Sequence[Sample], options: CompareOptions, flags: list[Flag]
) -> list[list[Any]]:
    if after is None:
        if len(two) != TWO:
            return []
        a, b = two
        one = means.difference(a, b, options.level)
        pairs = [posthoc.Pair(a.name, b.name, one.value, one.low, one.high, one.p, effects.standardized(a, b))]
    else:
        pairs = list(after.pairs)
        significant_ones = sum(pair.p < options.alpha for pair in pairs)
        says = f"{significant_ones} of {len(pairs)} comparisons differ ({after.how})"
        listed_ones = f"; the {MOST_PAIRS} with the smallest p are listed" if len(pairs) > MOST_PAIRS else ""
        flags.append(Flag("many_comparisons", f"{says}; p is adjusted for their number{listed_ones}."))
    rows = [
        [
            pair.first,
            pair.second,
            rounded(pair.difference),
            rounded(pair.low),
            rounded(pair.high),
            significant(pair.p),
            rounded(pair.g),
        ]
        for pair in pairs[:MOST_PAIRS]
    ]
    return [DIFFERENCES, *rows]


def _tests(
    samples: Sequence[Sample], two: Sequence[Sample], classical: Anova, spread: Outcome | None
) -> list[Outcome | None]:
    anova = Outcome("ANOVA", classical.f, classical.between_df, classical.within_df, classical.p)
    if len(two) == TWO:
        welch, student = means.difference(two[0], two[1]), means.pooled_difference(two[0], two[1])
        return [
            Outcome("Welch t", welch.t, welch.df, None, welch.p),
            Outcome("Student t (equal variances)", student.t, student.df, None, student.p),
            anova,
            ranks.mann_whitney(two[0], two[1]),
            spread,
        ]
    able = [sample for sample in samples if sample.n > 1]
    return [means.welch(able) if len(able) > 1 else None, anova, ranks.kruskal_wallis(samples), spread]


def _anova(table: Anova) -> list[list[Any]]:
    between = [significant(value, 15) for value in (table.between_ss, table.between_ms, table.f, table.p)]
    within = [significant(value, 15) for value in (table.within_ss, table.within_ms)]
    return [
        ["source", "df", "ss", "ms", "f", "p"],
        ["between", table.between_df, *between],
        ["within", table.within_df, *within, None, None],
    ]
