"""Comparing proportions of groups: so many of so many, also within pairs."""

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
from qms_mcp.statistics.comparing import power, proportions
from qms_mcp.statistics.comparing.equivalence import Equivalence
from qms_mcp.statistics.comparing.means import Outcome
from qms_mcp.statistics.comparing.posthoc import holm
from qms_mcp.statistics.comparing.proportions import Share
from qms_mcp.statistics.comparing.samples import NONE, natural
from qms_mcp.statistics.comparing.tails import normal_above, normal_quantile
from qms_mcp.statistics.comparing.wording import listed, p_value
from qms_mcp.statistics.flags import Flag
from qms_mcp.statistics.intervals import clopper_pearson

if TYPE_CHECKING:
    pass

from qms_mcp.services.analysis.methods.compare_groups_counting import (
    TWO,
    events_of,
    few_flags,
    interval_picture,
    titled,
    whole_counts,
)


def compare_proportions(
    table: Table, groups: Sequence[str], options: CompareOptions, flags: list[Flag]
) -> Computed[CompareAnswer]:
    """Return how proportions compare."""
    shares, event, seen = _shares(table, groups, options)
    proportions.checked(shares)
    flags = [*flags, *seen, *few_flags([share.events for share in shares], [share.n for share in shares])]
    tests = _proportion_tests(shares)
    used = tests[0]
    found = used.p < options.alpha
    two = shares if len(shares) == TWO else []
    equal = _equal_proportions(two, options) if options.margin and two else None
    if options.margin and not two:
        flags.append(Flag("no_equivalence", "Equivalence is tested between two groups."))
    pairs = _proportion_pairs(shares, options, flags)
    least, said_least = _least_proportion(shares, options)
    said = _proportion_headline(shares, event, used, options, found=found)
    if equal:
        shown = "They are equivalent" if equal.equivalent else "That they are equivalent is not shown:"
        said = f"{said} {shown} within {equal.margin:.1%} (p = {equal.p:.2g})."
    elif not found and said_least:
        said = f"{said} {said_least}"
    answer = CompareAnswer(
        headline=said,
        flags=flagged(flags),
        verdict="equivalent" if equal and equal.equivalent else "different" if found else "no difference found",
        test=used.name,
        p=significant(used.p),
        groups=[
            ["group", "n", "events", "proportion", "low", "high"],
            *(
                [s.name, s.n, s.events, *map(rounded, (s.proportion, *_exact(s, options.level)))]
                for s in shares[:MOST_ROWS]
            ),
        ],
        effects=_proportion_effects(two, equal, options),
        differences=pairs,
        tests=rows_of_tests(list(tests)),
        detectable=rounded(least),
    )
    ends = [_exact(share, options.level) for share in shares]
    picture = interval_picture(
        [s.name for s in shares], [s.n for s in shares], [s.proportion for s in shares], ends, answer
    )
    label = f"proportion {event}"
    return Computed(answer, sum(share.n for share in shares), titled(picture, label, options))


def _exact(share: Share, level: float) -> tuple[float, float]:
    low, high = clopper_pearson(share.events, share.n, level)
    return low, high


def _shares(table: Table, groups: Sequence[str], options: CompareOptions) -> tuple[list[Share], str, list[Flag]]:
    assert isinstance(options.value, str)  # noqa: S101 - settled by the caller
    named = [group.strip() or NONE for group in groups]
    if options.trials:
        events, trials = whole_counts(table, options.value), whole_counts(table, options.trials)
        summed: dict[str, list[int]] = {}
        flags = list[Flag]()
        for name, k, n in zip(named, events, trials, strict=True):
            if k is None or n is None:
                flags.append(Flag("missing", f"A row of {name!r} lacks its count or its trials and is left out."))
                continue
            row = summed.setdefault(name, [0, 0])
            row[0], row[1] = row[0] + k, row[1] + n
        made = [Share(name, k, n) for name, (k, n) in sorted(summed.items(), key=lambda one: natural(one[0]))]
        empty = [share.name for share in made if share.n == 0 and share.events == 0]
        if empty:
            flags.append(Flag("empty_groups", f"Groups of which nothing was looked at are left out: {listed(empty)}."))
        return [share for share in made if share.name not in empty], options.value, flags[:5]
    happened, event, flags = events_of(table, options)
    counted: dict[str, list[int]] = {}
    for name, one in zip(named, happened, strict=True):
        row = counted.setdefault(name, [0, 0])
        if one is not None:
            row[0], row[1] = row[0] + one, row[1] + 1
    empty = [name for name, (_, n) in counted.items() if n == 0]
    if empty:
        flags.append(Flag("empty_groups", f"Groups without any value are left out: {listed(empty)}."))
    made = [Share(name, k, n) for name, (k, n) in sorted(counted.items(), key=lambda one: natural(one[0])) if n]
    return made, event, flags


def _proportion_tests(shares: Sequence[Share]) -> list[Outcome]:
    """Return the tests, the one the verdict rests on first."""
    import numpy as np  # noqa: PLC0415

    whole, _ = proportions.chi_square(np.array([[share.events, share.n - share.events] for share in shares], float))
    if len(shares) != TWO:
        return [whole]
    a, b = shares
    both, higher, lower = proportions.fisher(a, b)
    return [
        Outcome("Fisher exact", a.events, None, None, both),
        Outcome(f"Fisher exact, {a.name} higher", a.events, None, None, higher),
        Outcome(f"Fisher exact, {a.name} lower", a.events, None, None, lower),
        whole,
        proportions.score_z(a, b),
    ]


def _equal_proportions(two: Sequence[Share], options: CompareOptions) -> Equivalence:
    """Return whether two proportions are equivalent: the score interval at 1 - 2 alpha lies within the margin."""
    a, b = two
    margin = options.margin or 0.0
    gap = proportions.miettinen_nurminen(a, b, 1 - 2 * options.alpha)

    def beyond(edge: float) -> float:
        # The one-sided score test at the edge of the margin: z of Miettinen and Nurminen.
        z = normal_quantile(1 - options.alpha)
        reach = (gap.value - gap.low) if edge < 0 else (gap.high - gap.value)
        return normal_above(z * abs(gap.value - edge) / reach) if reach > 0 else 0.0

    p = max(
        beyond(-margin) if gap.value > -margin else 1.0,
        beyond(margin) if gap.value < margin else 1.0,
    )
    return Equivalence(margin, gap.low, gap.high, p, gap.low > -margin and gap.high < margin)


def _proportion_effects(two: Sequence[Share], equal: Equivalence | None, options: CompareOptions) -> list[list[Any]]:
    if len(two) != TWO:
        return []
    a, b = two
    gap, score = proportions.newcombe(a, b, options.level), proportions.miettinen_nurminen(a, b, options.level)
    odds = proportions.odds_ratio(a, b, options.level)
    rows: list[list[Any]] = [
        EFFECTS,
        ["risk difference (Newcombe)", *map(rounded, (gap.value, gap.low, gap.high))],
        ["risk difference (Miettinen-Nurminen)", *map(rounded, (score.value, score.low, score.high))],
        ["odds ratio (conditional, exact)", *map(rounded, odds)],
        ["risk ratio", rounded(a.proportion / b.proportion) if b.events else None, None, None],
        ["Cohen h", rounded(proportions.standardized(a.proportion, b.proportion)), None, None],
    ]
    if equal:
        name = f"equivalence within {equal.margin:g}: p = {equal.p:.3g}, interval {1 - 2 * options.alpha:.0%}"
        rows.append([name, rounded(gap.value), rounded(equal.low), rounded(equal.high)])
    return rows


def _proportion_pairs(shares: Sequence[Share], options: CompareOptions, flags: list[Flag]) -> list[list[Any]]:
    pairs = [(a, b) for at, a in enumerate(shares) for b in shares[at + 1 :]]
    if len(shares) > 50:  # noqa: PLR2004
        k, n = sum(share.events for share in shares), sum(share.n for share in shares)
        pairs = [(share, Share("all others", k - share.events, n - share.n)) for share in shares]
    adjusted = holm([proportions.fisher(a, b)[0] for a, b in pairs])
    level = 1 - options.alpha / len(pairs)
    ordered = sorted(zip(pairs, adjusted, strict=True), key=lambda one: one[1])
    if len(pairs) > 1:
        differ = sum(p < options.alpha for p in adjusted)
        says = f"{differ} of {len(pairs)} comparisons differ (Fisher exact); p is adjusted for their number (Holm)."
        flags.append(Flag("many_comparisons", says))
    rows: list[list[Any]] = []
    for (a, b), p in ordered[:MOST_PAIRS]:
        gap = proportions.newcombe(a, b, level)
        rows.append([a.name, b.name, *map(rounded, (gap.value, gap.low, gap.high)), significant(p)])
    return [DIFFERENCES[:-1], *rows]


def _least_proportion(shares: Sequence[Share], options: CompareOptions) -> tuple[float | None, str]:
    if len(shares) != TWO:
        return None, "That they are equal is not shown."
    a, b = sorted(shares, key=lambda share: share.proportion)
    base = (a.events + b.events) / (a.n + b.n)
    least = power.smallest_proportion(base, a.n, b.n, options.alpha)
    if least is None:
        return None, "With so few no difference would have been found for sure; that they are equal is not shown."
    says = f"From {base:.1%} in one group, {least:.1%} in the other would be found with a chance of 80 %"
    return least - base, f"{says}; that they are equal is not shown."


def _proportion_headline(
    shares: Sequence[Share], event: str, used: Outcome, options: CompareOptions, *, found: bool
) -> str:
    tested = f"{used.name}, {p_value(used.p)}"
    if len(shares) == TWO:
        a, b = shares
        gap = proportions.newcombe(a, b, options.level)
        sizes = ", ".join(f"{one.events} of {one.n} in {one.name!r} ({one.proportion:.1%})" for one in (a, b))
        ends = f"{options.level:.0%} interval {100 * gap.low:.1f} to {100 * gap.high:.1f}"
        apart = f"{100 * gap.value:+.1f} percentage points ({ends}; {tested})"
        return f"{event} differs: {sizes}, {apart}." if found else f"No difference found in {event}: {sizes}, {apart}."
    low, high = (pick(shares, key=lambda share: share.proportion) for pick in (min, max))
    go = (
        f"from {low.proportion:.1%} in {low.name!r} ({low.events} of {low.n}) to {high.proportion:.1%} in {high.name!r}"
    )
    said = f"{go} ({high.events} of {high.n}; {tested})"
    if found:
        return f"{event} differs between the {len(shares)} groups: {said}."
    return f"No difference found in {event} between {len(shares)} groups: {said}."


def compare_paired_proportions(
    table: Table, groups: Sequence[str], keys: Sequence[str], options: CompareOptions, flags: list[Flag]
) -> Computed[CompareAnswer]:
    """Return how two matched groups of yes and no compare, by McNemar's exact test."""
    import numpy as np  # noqa: PLC0415

    from qms_mcp.statistics.comparing.paired import matched  # noqa: PLC0415

    if options.trials or options.margin:
        raise InvalidInputError("Pairs of yes and no take no trials and no margin.", hint="Leave them out.")
    happened, event, seen = events_of(table, options)
    values = np.array([np.nan if one is None else float(one) for one in happened])
    pairs = matched(keys, groups, values)
    a_only, b_only = int(((pairs.a == 1) & (pairs.b == 0)).sum()), int(((pairs.a == 0) & (pairs.b == 1)).sum())
    p, n = proportions.mcnemar(a_only, b_only), len(pairs.keys)
    shares = [Share(pairs.first, int(pairs.a.sum()), n), Share(pairs.second, int(pairs.b.sum()), n)]
    found = p < options.alpha
    of = f"{shares[0].proportion:.1%} in {pairs.first!r} and {shares[1].proportion:.1%} in {pairs.second!r}"
    only = f"{a_only} pairs only in the first, {b_only} only in the second; McNemar exact, {p_value(p)}; {n} pairs"
    said = f"{event} differs: {of} ({only})." if found else f"No difference found in {event}: {of} ({only})."
    answer = CompareAnswer(
        headline=said if found else f"{said} That they are equal is not shown.",
        flags=flagged([*flags, *seen, *pairs.flags]),
        verdict="different" if found else "no difference found",
        test="McNemar exact",
        p=significant(p),
        groups=[
            ["group", "n", "events", "proportion", "low", "high"],
            *([s.name, s.n, s.events, *map(rounded, (s.proportion, *_exact(s, options.level)))] for s in shares),
        ],
        tests=rows_of_tests([Outcome("McNemar exact", a_only, None, None, p)]),
        effects=_discordant(a_only, b_only, options),
    )
    ends = [_exact(share, options.level) for share in shares]
    picture = interval_picture([s.name for s in shares], [n, n], [s.proportion for s in shares], ends, answer)
    return Computed(answer, 2 * n, titled(picture, f"proportion {event}", options))


def _discordant(a_only: int, b_only: int, options: CompareOptions) -> list[list[Any]]:
    if not a_only + b_only:
        return []
    low, high = clopper_pearson(a_only, a_only + b_only, options.level)
    share = a_only / (a_only + b_only)
    return [EFFECTS, ["first only, of the pairs that differ", rounded(share), rounded(low), rounded(high)]]
