"""Finding anomalies in a table: values, rates, categories or texts the others do not let one expect, each with why."""

from collections.abc import Callable, Sequence
from typing import Any

from qms_mcp.errors import InvalidInputError
from qms_mcp.pictures.model import Picture
from qms_mcp.services.analysis.method import Computed, Method, flagged, significant
from qms_mcp.services.analysis.methods.find_anomalies_counts import find_rates
from qms_mcp.services.analysis.methods.find_anomalies_model import (
    MOST_POINTS,
    MOST_ROWS,
    AnomalyAnswer,
    AnomalyOptions,
    Found,
    Kind,
)
from qms_mcp.services.analysis.methods.find_anomalies_new import find_categories, find_texts
from qms_mcp.services.analysis.methods.find_anomalies_values import find_seasonal, find_values
from qms_mcp.services.analysis.table import Table
from qms_mcp.statistics.comparing.wording import spoken
from qms_mcp.statistics.numbers import as_number

_FINDERS: dict[Kind, Callable[[Table, AnomalyOptions], Found]] = {
    "value": find_values,
    "seasonal": find_seasonal,
    "rate": find_rates,
    "category": find_categories,
    "text": find_texts,
}
_WORDS = 4
_DISTINCT = 0.05
_HALF = 0.5


def compute(table: Table, options: AnomalyOptions) -> Computed[AnomalyAnswer]:
    """Return what is unusual in a table, and how sure that is."""
    if not table.rows:
        raise InvalidInputError("The table has no rows.", hint="Check the filter.")
    options = options.model_copy(update={"value": _value(table, options)})
    kind = _kind(table, options)
    found = _FINDERS[kind](table, options)
    headline = _headline(found, options)
    answer = AnomalyAnswer(
        headline=headline,
        flags=flagged(found.flags),
        kind=kind,
        found=_count(found, options),
        tested=found.tested,
        expected_false=significant(found.expected_false, 4),
        threshold=significant(found.threshold, 4),
        anomalies=[found.header, *found.rows] if found.rows else [],
        also=found.also,
    )
    return Computed(answer, found.n, _picture(found, options, headline) if found.panels else None)


def _count(found: Found, options: AnomalyOptions) -> int:
    """Return how many were found in all: their expected number of false ones is the level times that."""
    return round(found.expected_false / options.alpha) if found.rows else 0


def _value(table: Table, options: AnomalyOptions) -> str | list[str] | None:
    if options.value is not None or options.period:
        return options.value[0] if isinstance(options.value, list) and len(options.value) == 1 else options.value
    used = [name for name in (options.group, options.time, options.exposure, options.trials) if name]
    rest = [name for name in table.columns if name not in used]
    if options.kind == "rate" and not (options.exposure or options.trials):
        return None
    return rest[0] if len(rest) == 1 else table.only_numeric(but=used)


def _kind(table: Table, options: AnomalyOptions) -> Kind:
    """Return what to look for, by the options and the column."""
    if options.kind != "auto":
        if options.kind in {"value", "seasonal"} and not isinstance(options.value, str):
            raise InvalidInputError("Values are taken from one column.", hint="Name one as `value`.")
        return options.kind
    if options.period or options.exposure or options.trials:
        return "rate"
    if isinstance(options.value, list):
        return "category"
    assert options.value is not None  # noqa: S101 - settled before
    if options.season:
        return "seasonal"
    return _by_shape(table.column(options.value), since=bool(options.since))


def _by_shape(values: Sequence[Any], *, since: bool) -> Kind:
    known = [value for value in values if value is not None and str(value).strip()]
    if any(isinstance(value, int | float) and not isinstance(value, bool) for value in known):
        return "value"
    if known and not since and all(as_number(value) is not None for value in known[:1_000]):
        return "value"
    texts = [str(value) for value in known]
    if not texts:
        return "value"
    long = sum(len(text.split()) > _WORDS or len(text) > 25 for text in texts) / len(texts)  # noqa: PLR2004
    return "text" if long > _HALF and len(set(texts)) > _DISTINCT * len(texts) else "category"


def _headline(found: Found, options: AnomalyOptions) -> str:
    n = _count(found, options)
    if not n:
        return (
            f"Nothing unusual among {found.tested:,} {found.of}: none is farther out than chance puts one in "
            f"{100 * options.alpha:.3g} of 100 such tables."
        )
    first = found.rows[0]
    where = ", ".join(str(part) for part in first[: 2 if found.header[0] == "row" else 1] if str(part))
    named = f"row {where}" if found.header[0] == "row" else where
    return (
        f"{n} of {found.tested:,} {found.of} {'is' if n == 1 else 'are'} unusual (about "
        f"{spoken(found.expected_false, 2)} of them by chance). Most of all {named}: {first[-1]}."
    )


def _picture(found: Found, options: AnomalyOptions, headline: str) -> Picture:
    notes = list[str]()
    if found.n > MOST_POINTS:
        notes.append("Of each stretch the least, the largest and every anomaly is drawn.")
    if len(found.rows) == MOST_ROWS:
        notes.append(f"The {MOST_ROWS} most surprising are marked.")
    return Picture(
        title=found.title,
        panels=found.panels,
        subtitle=f"{found.tested} looked at; the share of false ones is held below {options.alpha:.0%}",
        notes=tuple(notes),
        alt=headline,
    )


FIND_ANOMALIES = Method("find_anomalies", "1", AnomalyOptions, compute)
