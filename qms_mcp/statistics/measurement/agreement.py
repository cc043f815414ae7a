"""Attribute agreement: do people who judge parts agree with themselves, with each other and with the truth?

    agreement(ratings, parts, operators, standard)

Agreement is counted by part (all trials alike) with exact intervals, and as kappa, which takes off what chance would
give: Cohen's on the crossed decisions of two, Fleiss' among several. Effectiveness is the share of parts judged as the
standard says in every trial; a miss is a nonconforming part accepted, a false alarm a conforming part rejected, per
decision. Sources: AIAG manual, chapter III, section C; Cohen, Educ. Psychol. Meas. 20 (1960); Fleiss, Psychol. Bull.
76 (1971).
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

from qms_mcp.errors import InvalidInputError
from qms_mcp.statistics.flags import Flag
from qms_mcp.statistics.intervals import clopper_pearson

_USUAL_NONCONFORMING = frozenset(
    {"fail", "failed", "bad", "reject", "rejected", "no go", "nogo", "no-go", "nok", "not ok", "ng", "nonconforming"}
    | {"defective", "defect", "n", "no", "0"}
)
_MOST_CATEGORIES = 20
_GUIDE_PARTS = 20
_GOOD_KAPPA = 0.75


@dataclass(frozen=True, slots=True)
class Share:
    """So many of so many, with the exact (Clopper-Pearson) interval."""

    k: int
    n: int
    share: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class OperatorAgreement:
    """What one operator's decisions say.

    Attributes:
        within: Parts on which all trials are alike; None with one trial.
        effectiveness: Parts judged as the standard says in every trial; None without a standard.
        kappa_within: Fleiss' kappa among the trials.
        kappa_standard: Cohen's kappa of all decisions against the standard.
        misses: Of the decisions on nonconforming parts, those that accepted.
        false_alarms: Of the decisions on conforming parts, those that rejected.
    """

    operator: str
    within: Share | None
    effectiveness: Share | None
    kappa_within: float | None
    kappa_standard: float | None
    misses: Share | None
    false_alarms: Share | None


@dataclass(frozen=True, slots=True)
class Agreement:
    """An attribute agreement study.

    Attributes:
        between: Parts on which all decisions of all operators are alike.
        all_correct: Parts on which they are alike and as the standard says.
        kappa_between: Fleiss' kappa among all decisions.
        pairs: Cohen's kappa of two operators, their trials crossed in order.
    """

    parts: int
    trials: int
    categories: tuple[str, ...]
    nonconforming: str | None
    operators: tuple[OperatorAgreement, ...]
    between: Share | None
    all_correct: Share | None
    kappa_between: float | None
    pairs: tuple[tuple[str, str, float | None], ...]
    flags: tuple[Flag, ...] = ()


def cohen_kappa(pairs: Sequence[tuple[str, str]]) -> float | None:
    """Return Cohen's kappa of pairs of decisions; None when chance alone would agree on all (one category)."""
    n = len(pairs)
    first, second = Counter(one for one, _ in pairs), Counter(two for _, two in pairs)
    by_chance = sum(count * second[name] for name, count in first.items()) / n**2
    if by_chance >= 1:
        return None
    return (sum(one == two for one, two in pairs) / n - by_chance) / (1 - by_chance)


def fleiss_kappa(rows: Sequence[Sequence[str]]) -> float | None:
    """Return Fleiss' kappa of parts judged equally often; None with one category, or one decision a part."""
    raters = len(rows[0])
    if raters < 2:  # noqa: PLR2004 - agreement needs two
        return None
    counts = [Counter(row) for row in rows]
    total = sum((Counter(row) for row in rows), Counter[str]())
    by_chance = sum((count / (len(rows) * raters)) ** 2 for count in total.values())
    if by_chance >= 1:
        return None
    alike = sum(sum(c * (c - 1) for c in count.values()) for count in counts) / (len(rows) * raters * (raters - 1))
    return (alike - by_chance) / (1 - by_chance)


def agreement(
    ratings: Sequence[Any],
    parts: Sequence[Any],
    operators: Sequence[Any] | None = None,
    standard: Sequence[Any] | None = None,
    *,
    nonconforming: str | None = None,
    level: float = 0.95,
) -> Agreement:
    """Return how well decisions agree.

    Args:
        ratings: Decisions, as text or whole numbers.
        parts: The part of each decision.
        operators: Who decided; left out when one did.
        standard: The true category of the part of each decision.
        nonconforming: Which category is the bad one; told from its name (fail, reject, 0, ...) if left out.
        level: Of the intervals.

    Raises:
        InvalidInputError: A decision, part or operator misses; cells are of unequal size; a part has two standards;
            there are more than twenty categories; or nothing was judged twice and there is no standard.
    """
    names = [_text(rating) for rating in ratings]
    which = _column(parts, "part", len(names))
    who = [""] * len(names) if operators is None else _column(operators, "operator", len(names))
    if "" in names:
        raise InvalidInputError(
            f"Row {names.index('') + 1} has no rating.", hint="Leave out the part, or have it judged again."
        )
    truth = None if standard is None else _standards(which, _column(standard, "standard", len(names)))
    cells = _cells(names, which, who)
    categories = tuple(sorted({*names, *(truth or {}).values()}))
    if len(categories) > _MOST_CATEGORIES:
        raise InvalidInputError(
            f"There are {len(categories)} different ratings: that looks like a measurement.",
            hint="Use the crossed study for numbers; an attribute has few categories.",
        )
    people, pieces = tuple(dict.fromkeys(who)), tuple(dict.fromkeys(which))
    trials = len(cells[pieces[0], people[0]])
    if trials * len(people) < 2 and truth is None:  # noqa: PLR2004 - agreement needs two
        raise InvalidInputError("Each part was judged once.", hint="Judge again, or give the standard of each part.")
    bad = _bad(categories, nonconforming) if truth is not None else None
    rows = tuple(_of_operator(person, pieces, cells, truth, bad, level) for person in people)
    together = [[rating for person in people for rating in cells[piece, person]] for piece in pieces]
    several = len(people) > 1
    return Agreement(
        parts=len(pieces),
        trials=trials,
        categories=categories,
        nonconforming=bad,
        operators=rows,
        between=_share((len(set(row)) == 1 for row in together), level) if several else None,
        all_correct=None
        if truth is None or not several
        else _share((set(row) == {truth[piece]} for piece, row in zip(pieces, together, strict=True)), level),
        kappa_between=fleiss_kappa(together) if several else None,
        pairs=tuple((one, two, _pair(one, two, pieces, cells)) for one, two in combinations(people, 2)),
        flags=_flags(pieces, rows, truth, bad, categories),
    )


_Cells = dict[tuple[str, str], list[str]]


def _cells(names: list[str], which: list[str], who: list[str]) -> _Cells:
    cells = defaultdict[tuple[str, str], list[str]](list)
    for name, part, operator in zip(names, which, who, strict=True):
        cells[part, operator].append(name)
    sizes = {
        (part, operator): len(cells.get((part, operator), [])) for part in dict.fromkeys(which) for operator in set(who)
    }
    usual = max(set(sizes.values()), key=list(sizes.values()).count)
    odd = [
        f"part {part}{f' by {operator}' if operator else ''}: {n}"
        for (part, operator), n in sizes.items()
        if n != usual
    ]
    if odd:
        raise InvalidInputError(
            f"Not every operator judged every part {usual} times: {'; '.join(odd[:6])}{', and more' * bool(odd[6:])}.",
            hint="Leave those parts out, or have them judged.",
        )
    return dict(cells)


def _of_operator(
    person: str, pieces: tuple[str, ...], cells: _Cells, truth: dict[str, str] | None, bad: str | None, level: float
) -> OperatorAgreement:
    rows = [cells[piece, person] for piece in pieces]
    repeated = len(rows[0]) > 1
    within = _share((len(set(row)) == 1 for row in rows), level) if repeated else None
    kappa_within = fleiss_kappa(rows) if repeated else None
    if truth is None:
        return OperatorAgreement(person, within, None, kappa_within, None, None, None)
    decisions = [(rating, truth[piece]) for piece, row in zip(pieces, rows, strict=True) for rating in row]
    effective = _share((set(row) == {truth[piece]} for piece, row in zip(pieces, rows, strict=True)), level)
    misses = alarms = None
    if bad is not None:
        misses = _share((rating != bad for rating, true in decisions if true == bad), level)
        alarms = _share((rating == bad for rating, true in decisions if true != bad), level)
    return OperatorAgreement(person, within, effective, kappa_within, cohen_kappa(decisions), misses, alarms)


def _pair(one: str, two: str, pieces: tuple[str, ...], cells: _Cells) -> float | None:
    return cohen_kappa([pair for piece in pieces for pair in zip(cells[piece, one], cells[piece, two], strict=True)])


def _share(found: Iterable[bool], level: float) -> Share | None:
    seen = list(found)
    if not seen:
        return None
    low, high = clopper_pearson(sum(seen), len(seen), level)
    return Share(sum(seen), len(seen), sum(seen) / len(seen), low, high)


def _text(value: Any) -> str:
    if value is None:
        return ""
    return f"{value:g}" if isinstance(value, float) and value.is_integer() else str(value).strip()


def _column(column: Sequence[Any], kind: str, n: int) -> list[str]:
    names = [_text(value) for value in column]
    if len(names) != n or "" in names:
        at = names.index("") + 1 if "" in names else len(names) + 1
        raise InvalidInputError(f"Row {at} has no {kind}.", hint=f"Give the {kind} of each decision.")
    return names


def _standards(which: list[str], column: list[str]) -> dict[str, str]:
    truth = dict[str, str]()
    for part, standard in zip(which, column, strict=True):
        if truth.setdefault(part, standard) != standard:
            raise InvalidInputError(
                f"Part {part} has two standards, {truth[part]!r} and {standard!r}.",
                hint="A part has one true category.",
            )
    return truth


def _bad(categories: tuple[str, ...], wanted: str | None) -> str | None:
    if wanted is not None:
        if wanted not in categories:
            raise InvalidInputError(
                f"No part and no decision is {wanted!r}.", hint=f"There are: {', '.join(map(repr, categories))}."
            )
        return wanted
    named = [category for category in categories if category.casefold() in _USUAL_NONCONFORMING]
    return named[0] if len(named) == 1 and len(categories) == 2 else None  # noqa: PLR2004 - good and bad


def _flags(
    pieces: tuple[str, ...],
    rows: tuple[OperatorAgreement, ...],
    truth: dict[str, str] | None,
    bad: str | None,
    categories: tuple[str, ...],
) -> tuple[Flag, ...]:
    flags = list[Flag]()
    if len(pieces) < _GUIDE_PARTS:
        flags.append(
            Flag("few", f"{len(pieces)} parts are few for shares; the intervals are wide.", "Judge 50 parts or more.")
        )
    if len(categories) == 1:
        flags.append(
            Flag("no_variation", f"Every decision is {categories[0]!r}: kappa does not exist.", "Choose mixed parts.")
        )
    if truth is not None and bad is None and len(categories) > 1:
        flags.append(
            Flag(
                "no_nonconforming",
                f"It is not known which of {', '.join(map(repr, categories))} is nonconforming, so misses and false "
                "alarms are not told apart.",
                "Name it with `nonconforming`.",
            )
        )
    poor = [row for row in rows if row.kappa_standard is not None and row.kappa_standard < _GOOD_KAPPA]
    if poor:
        words = ", ".join(f"{row.operator or 'the operator'} {row.kappa_standard:.2f}" for row in poor)
        flags.append(
            Flag(
                "low_agreement",
                f"Kappa against the standard is below 0.75: {words} (below 0.40 is poor, by the AIAG manual).",
                "Look at the parts judged wrong: most lie near the limit; show limit samples, train, judge again.",
            )
        )
    return tuple(flags)
