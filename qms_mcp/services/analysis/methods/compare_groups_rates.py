"""Comparing rates of groups: events by exposure."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from qms_mcp.errors import InvalidInputError
from qms_mcp.services.analysis.method import Computed, flagged, significant
from qms_mcp.services.analysis.methods.compare_groups_model import (
    EFFECTS,
    MOST_PAIRS,
    MOST_ROWS,
    CompareAnswer,
    CompareOptions,
    rounded,
    rows_of_tests,
)
from qms_mcp.services.analysis.table import Table
from qms_mcp.statistics.comparing import power, rates
from qms_mcp.statistics.comparing.means import Outcome
from qms_mcp.statistics.comparing.posthoc import holm
from qms_mcp.statistics.comparing.rates import Rate
from qms_mcp.statistics.comparing.samples import NONE, natural
from qms_mcp.statistics.comparing.wording import listed, p_value, spoken
from qms_mcp.statistics.flags import Flag
from qms_mcp.statistics.intervals import poisson_rate

if TYPE_CHECKING:
    pass

from qms_mcp.services.analysis.methods.compare_groups_counting import TWO, interval_picture, titled, whole_counts

_OVER = 0.01


def compare_rates(
    table: Table, groups: Sequence[str], options: CompareOptions, flags: list[Flag]
) -> Computed[CompareAnswer]:
    """Return how rates compare."""
    import numpy as np  # noqa: PLC0415

    assert isinstance(options.value, str)  # noqa: S101 - settled by the caller
    if options.exposure is None:
        raise InvalidInputError(
            "A rate needs an exposure.", hint="Name the column of units made, hours run or lots inspected."
        )
    counts, exposure = whole_counts(table, options.value), table.numbers(options.exposure).tolist()
    named = [group.strip() or NONE for group in groups]
    kept = [at for at, (k, e) in enumerate(zip(counts, exposure, strict=True)) if k is not None and e == e]  # noqa: PLR0124
    if len(kept) < len(named):
        flags = [*flags, Flag("missing", f"{len(named) - len(kept)} rows lack a count or an exposure; left out.")]
    names = sorted({named[at] for at in kept}, key=natural)
    place = np.array([names.index(named[at]) for at in kept], dtype=np.intp)
    events = np.array([counts[at] for at in kept], dtype=np.float64)
    exposed = np.array([exposure[at] for at in kept])
    if (exposed <= 0).any():
        at = kept[int(np.flatnonzero(exposed <= 0)[0])]
        raise InvalidInputError(
            f"Row {at + 1} has an exposure of {exposure[at]:g}.", hint="Leave out rows in which nothing was exposed."
        )
    made = [
        Rate(name, int(events[place == at].sum()), float(exposed[place == at].sum())) for at, name in enumerate(names)
    ]
    rates.checked(made)
    over = rates.dispersion(events, exposed, place)
    return _rates(made, over, table, options, flags)


def _rates(
    made: list[Rate], over: Outcome | None, table: Table, options: CompareOptions, flags: list[Flag]
) -> Computed[CompareAnswer]:
    whole = rates.equal_rates(made)
    tests: list[Outcome] = [whole]
    wide = over is not None and over.p < _OVER and over.statistic > 1
    unit = table.unit(options.exposure or "") or options.exposure or ""
    rows: list[list[Any]] = []
    if len(made) == TWO:
        a, b = made
        ratio, gap = rates.ratio(a, b, options.level), rates.gap(a, b, options.level)
        tests = [Outcome("exact Poisson", a.events, None, None, ratio.p), rates.likelier(a, b), whole]
        rows = [
            EFFECTS,
            ["rate ratio", *map(rounded, (ratio.ratio, ratio.low, ratio.high))],
            ["rate difference", *map(rounded, (gap.difference, gap.low, gap.high))],
        ]
        if wide and over and over.df and a.events and b.events:
            broad = rates.quasi_poisson(a, b, over.statistic, over.df, options.level)
            tests.insert(0, Outcome("quasi-Poisson", None or over.statistic, over.df, None, broad.p))
            rows.append(["rate ratio, overdispersed", *map(rounded, (broad.ratio, broad.low, broad.high))])
    elif wide and over:
        f = whole.statistic / (whole.df or 1) / over.statistic
        from qms_mcp.statistics.comparing.tails import f_above  # noqa: PLC0415

        tests.insert(0, Outcome("quasi-Poisson F", f, whole.df, over.df, f_above(f, whole.df or 1, over.df or 1)))
    if over:
        tests.append(over)
    if wide and over:
        says = f"Counts vary {spoken(over.statistic)} times as much as Poisson counts within the groups"
        flags = [*flags, Flag("overdispersed", f"{says} ({p_value(over.p)}).", "The test allows for it.")]
    used = tests[0]
    found = used.p < options.alpha
    least, least_said = _least_ratio(made, options)
    said = _rate_headline(made, used, options, unit, found=found)
    ends = [poisson_rate(rate.events, rate.exposure, options.level) for rate in made]
    answer = CompareAnswer(
        headline=said if found else f"{said} {least_said}",
        flags=flagged([*flags, *_no_event_flags(made)]),
        verdict="different" if found else "no difference found",
        test=used.name,
        p=significant(used.p),
        groups=[
            ["group", "events", "exposure", "rate", "low", "high"],
            *(
                [rate.name, rate.events, *map(rounded, (rate.exposure, rate.rate, end.low, end.high))]
                for rate, end in zip(made[:MOST_ROWS], ends, strict=False)
            ),
        ],
        effects=rows,
        differences=_rate_pairs(made, over if wide else None, options, flags),
        tests=rows_of_tests(list(tests)),
        detectable=rounded(least),
    )
    names, sizes = [rate.name for rate in made], [rate.events for rate in made]
    picture = interval_picture(
        names, sizes, [rate.rate for rate in made], [(end.low, end.high) for end in ends], answer
    )
    per = f"{options.value} by {unit}"
    return Computed(answer, sum(sizes), titled(picture, per, options))


def _no_event_flags(made: Sequence[Rate]) -> list[Flag]:
    without = [rate.name for rate in made if rate.events == 0]
    return (
        [Flag("no_events", f"No event in {listed(without)}: the interval says how high the rate may be.")]
        if without
        else []
    )


def _rate_pairs(
    made: Sequence[Rate], over: Outcome | None, options: CompareOptions, flags: list[Flag]
) -> list[list[Any]]:
    """Return the ratios of pairs; each against all others when there are many."""
    pairs = [(a, b) for at, a in enumerate(made) for b in made[at + 1 :]]
    if len(made) > 50:  # noqa: PLR2004
        k, e = sum(rate.events for rate in made), sum(rate.exposure for rate in made)
        pairs = [(rate, Rate("all others", k - rate.events, e - rate.exposure)) for rate in made]
    level = 1 - options.alpha / len(pairs)
    seen = [
        rates.quasi_poisson(a, b, over.statistic, over.df, level)
        if over and over.df and a.events and b.events
        else rates.ratio(a, b, level)
        for a, b in pairs
    ]
    adjusted = holm([one.p for one in seen])
    if len(pairs) > 1:
        differ = sum(p < options.alpha for p in adjusted)
        flags.append(Flag("many_comparisons", f"{differ} of {len(pairs)} ratios differ from 1; p by Holm."))
    ordered = sorted(zip(pairs, seen, adjusted, strict=True), key=lambda one: one[2])
    rows = [
        [a.name, b.name, rounded(one.ratio), rounded(one.low), rounded(one.high), significant(p)]
        for (a, b), one, p in ordered[:MOST_PAIRS]
    ]
    return [["first", "second", "ratio", "low", "high", "p"], *rows]


def _least_ratio(made: Sequence[Rate], options: CompareOptions) -> tuple[float | None, str]:
    if len(made) != TWO:
        return None, "That they are equal is not shown."
    a, b = made
    least = power.smallest_rate_ratio(a.events + b.events, a.exposure / (a.exposure + b.exposure), options.alpha)
    if least is None:
        return None, "Without events nothing could have been found; that the rates are equal is not shown."
    says = f"A rate {spoken(least, 3)} times as high would be found with a chance of 80 %"
    return least, f"{says}; that they are equal is not shown."


def _rate_headline(made: Sequence[Rate], used: Outcome, options: CompareOptions, unit: str, *, found: bool) -> str:
    tested = f"{used.name}, {p_value(used.p)}"
    low, high = (pick(made, key=lambda rate: rate.rate) for pick in (min, max))
    go = (
        f"{spoken(high.rate)} per {unit} in {high.name!r} ({high.events} events), "
        f"{spoken(low.rate)} in {low.name!r} ({low.events})"
    )
    if len(made) != TWO:
        said = f"between {len(made)} groups: highest {go}; {tested}"
        return f"The rate of {options.value} differs {said}." if found else f"No difference found in the rate {said}."
    ratio = rates.ratio(high, low, options.level)
    times = "" if ratio.ratio is None else f"; {spoken(ratio.ratio, 3)} times as high"
    upper = "any" if ratio.high is None else spoken(ratio.high, 3)
    ends = f"{options.level:.0%} interval {spoken(ratio.low, 3)} to {upper}"
    said = f"{go}{times} ({ends}; {tested})"
    return f"The rate of {options.value} differs: {said}." if found else f"No difference found in the rate: {said}."
