"""Words by template: what rose, what fell, what is overdue, and which record to look at first.

Plain rules over the numbers of a section. Nothing is explained and nothing is judged: whether a difference is more than
chance would do is computed (the exact conditional test of two Poisson counts, Przyborowski and Wilenski 1940), and what
it means is for people to say.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from qms_mcp.services.domain.exact_tests import compare_counts
from qms_mcp.services.reports.content import Cell, Fact, Report, Section

_ALPHA = 0.05
_CITED = frozenset({"Record", "CAPA", "SCAR", "Supplier"})
_MOST_LISTED = 3
_MOST_TOLD = 8
_OF_OTHERS = "requirements"  # standards are there whoever keeps records
NOTHING = "Nothing is on record for this, in the period or before it."
_LATE_WORDS = ("overdue", "late", "past their day", "expired", "out of tolerance")


@dataclass(frozen=True, slots=True)
class Footing:
    """How long the two periods are, so that counts of unequal ones are compared fairly.

    Attributes:
        days: Of the period so far.
        days_before: Of the period before.
        running: The period still runs.
    """

    days: float
    days_before: float
    running: bool = False


def drafted(section: Section, footing: Footing) -> tuple[str, ...]:
    """Return what to say of a section."""
    if section.is_empty:
        return (NOTHING,)
    said = [sentence for fact in section.facts if (sentence := _change(fact, footing))]
    late = [fact for fact in section.facts if _is_late(fact) and isinstance(fact.value, int | float) and fact.value > 0]
    if late:
        said.append(f"Overdue or late: {'; '.join(f'{fact.name} {shown(fact.value)}' for fact in late)}.")
    if first := _first_records(section):
        said.append(first)
    if not said and any(fact.value is not None for fact in section.facts):
        said.append(
            "Nothing rose, fell or is overdue in these numbers." if _has_before(section) else "See the numbers."
        )
    return tuple(said)


def summary(report_sections: Sequence[Section], footing: Footing) -> tuple[str, ...]:
    """Return the summary of a report."""
    if all(section.is_empty or not section.facts or section.key == _OF_OTHERS for section in report_sections):
        return (
            "There is nothing on record for this period or the one before it: the sections say what they would need.",
        )
    rose, fell = list[str](), list[str]()
    told: set[str] = set()
    for fact in (fact for section in report_sections for fact in section.facts):
        if fact.name in told or not _comparable(fact):
            continue
        told.add(fact.name)
        difference, unit = _scaled_difference(fact, footing), f" {fact.unit}" if fact.unit else ""
        if difference:
            (rose if difference > 0 else fell).append(
                f"{fact.name} {shown(fact.value)}{unit} (before {shown(fact.before)}{unit})"
            )
    lines = [
        *_list("Rose", rose),
        *_list("Fell", fell),
        *_list("Overdue or late", list(dict.fromkeys(_late_facts(report_sections)))),
    ]
    if not lines:
        lines.append("No number rose or fell against the period before, and nothing is overdue.")
    if footing.running:
        lines.append("The period still runs: counts so far are compared with a whole period before it.")
    return tuple(lines)


def shown(value: object) -> str:
    """Return a value as a report writes it."""
    if value is None:
        return "not known"
    if isinstance(value, bool) or not isinstance(value, int | float):
        return str(value)
    if isinstance(value, int) or value.is_integer():
        return f"{int(value):,}"
    return f"{value:,.4g}" if abs(value) < 1_000 else f"{value:,.1f}"  # noqa: PLR2004 - four digits are enough to read


def numbers_key(report: Report) -> Sequence[Sequence[Cell]]:
    """Return every key number and table cell, for the digest that tells whether numbers changed."""
    facts = [[section.key, fact.name, fact.value, fact.before] for section in report.sections for fact in section.facts]
    grids = [
        [section.key, grid.title, *row] for section in report.sections for grid in section.grids for row in grid.rows
    ]
    return [*facts, *grids]


def _change(fact: Fact, footing: Footing) -> str:
    if not _comparable(fact):
        return ""
    now, before = float(fact.value or 0), float(fact.before or 0)
    if now == before:
        return ""
    unit, less = (f" {fact.unit}", "less") if fact.unit else ("", "fewer")
    if fact.unit == "%":
        points = f"{shown(_tidy(abs(now - before)))} points {'higher' if now > before else 'lower'}"
        former = f"than in the period before ({shown(fact.before)} %)"
        return f"{_capital(fact.name)}: {shown(fact.value)} %, {points} {former}."
    difference = f"{shown(_tidy(abs(now - before)))}{unit} {'more' if now > before else less} than in the period before"
    sentence = f"{_capital(fact.name)}: {shown(fact.value)}{unit}, {difference} ({shown(fact.before)})"
    return f"{sentence}{_chance(fact, now, before, footing)}."


def _chance(fact: Fact, now: float, before: float, footing: Footing) -> str:
    if not fact.counted or footing.days <= 0 or footing.days_before <= 0:
        return ""
    p = two_sided(int(now), int(before), footing)
    measured = "p < 0.001" if p < 0.001 else f"p = {p:.2g}"  # noqa: PLR2004 - smaller ones say nothing more
    if p < _ALPHA:
        return f": more than chance alone would do ({measured})"
    return f": within what chance alone would do ({measured})"


def two_sided(now: int, before: int, footing: Footing) -> float:
    """Return how likely a difference of two counts is, were their rates the same: twice the smaller exact tail."""
    if now + before == 0:
        return 1.0
    tails = (
        compare_counts(now, footing.days, before, footing.days_before, "at_most"),
        compare_counts(now, footing.days, before, footing.days_before, "at_least"),
    )
    return min(1.0, 2 * min(tails))


def _comparable(fact: Fact) -> bool:
    return all(isinstance(value, int | float) and not isinstance(value, bool) for value in (fact.value, fact.before))


def _scaled_difference(fact: Fact, footing: Footing) -> float:
    """Return the difference; of a period that still runs, only of what is not a count of events so far."""
    if footing.running and fact.counted:
        return 0.0
    return float(fact.value or 0) - float(fact.before or 0)


def _is_late(fact: Fact) -> bool:
    return fact.good == "less" and any(word in fact.name for word in _LATE_WORDS)


def _late_facts(sections: Sequence[Section]) -> Iterator[str]:
    for section in sections:
        for fact in section.facts:
            if _is_late(fact) and isinstance(fact.value, int | float) and fact.value > 0:
                yield f"{fact.name} {shown(fact.value)}"


def _first_records(section: Section) -> str:
    for grid in section.grids:
        if grid.columns[0] in _CITED and grid.rows:
            cited = list(dict.fromkeys(str(row[0]) for row in grid.rows))[:_MOST_LISTED]
            return f"Look first at {', '.join(cited)} (table “{grid.title}”)."
    return ""


def _has_before(section: Section) -> bool:
    return any(_comparable(fact) for fact in section.facts)


def _list(word: str, parts: Sequence[str]) -> Iterator[str]:
    if parts:
        more = f"; and {len(parts) - _MOST_TOLD} more" if len(parts) > _MOST_TOLD else ""
        yield f"{word}: {'; '.join(parts[:_MOST_TOLD])}{more}."


def _tidy(value: float) -> float | int:
    return int(value) if value.is_integer() else float(f"{value:.4g}")


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
