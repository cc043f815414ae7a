"""What is new: categories, combinations and subjects of texts that earlier rows do not let one expect."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from qms_mcp.errors import InvalidInputError
from qms_mcp.pictures.model import Panel, Series
from qms_mcp.services.analysis.method import significant
from qms_mcp.services.analysis.methods.find_anomalies_model import MOST_ROWS, AnomalyOptions, Found, later_than
from qms_mcp.services.analysis.table import Table
from qms_mcp.statistics.anomalies.control import called
from qms_mcp.statistics.anomalies.rare import Surge, surges, unlikely_together
from qms_mcp.statistics.anomalies.texts import Cluster, novelty
from qms_mcp.statistics.comparing.samples import NONE
from qms_mcp.statistics.comparing.wording import listed, one_in, p_value, spoken
from qms_mcp.statistics.flags import Flag

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

CATEGORIES = ["category", "before", "after", "expected", "p", "why"]
TOGETHER = ["row", "combination", "count", "expected", "p", "why"]
TEXTS = ["terms", "before", "after", "p", "example_row", "example", "why"]
_MOST_CELLS = 1_000_000
_EXAMPLE = 200
_ALSO = 20


def find_categories(table: Table, options: AnomalyOptions) -> Found:
    """Return categories that come far more often than before, or never did; combinations where no time is named."""
    columns = [options.value] if isinstance(options.value, str) else list(options.value or [])
    named = [[text.strip() or NONE for text in table.text(column)] for column in columns]
    if len(named) > 1 and not options.time and not options.since:
        return _together(named, columns, options)
    categories = [" + ".join(parts) for parts in zip(*named, strict=True)]
    later, since, flags = later_than(table, options, table.rows)
    found = surges(categories, later)
    result = called(_padded([surge.p for surge in found.surges], found.categories), options.alpha)
    rows = [_surge_row(found.surges[at], found.before, found.after, since) for at in result.places(MOST_ROWS)]
    picked = set(result.places())
    fresh = [surge for at, surge in enumerate(found.surges) if at not in picked and not surge.before]
    also = [[surge.category, surge.before, surge.after, significant(surge.p, 4)] for surge in fresh[:_ALSO]]
    says = (
        f"{found.new_rows} of {found.after} rows {since} have a category never seen in the {found.before} before; "
        f"about {spoken(found.unseen * found.after, 3)} were to be expected (Good-Turing), {p_value(found.new_p)}"
    )
    flags.append(Flag("new_categories", f"{says}."))
    of = f"categories of {' and '.join(columns)} {since}"
    title = f"{' and '.join(columns)}: new or more frequent {since}"
    panel = _before_after([found.surges[at] for at in result.places(20)], found.before, found.after)
    return Found(
        rows,
        CATEGORIES,
        result.tested,
        result.expected_false,
        result.threshold,
        of,
        (panel,) if panel else (),
        table.rows,
        title,
        also=[["new_but_not_surprising", "before", "after", "p"], *also] if also else [],
        flags=tuple(flags),
    )


def _padded(p: Sequence[float], in_all: int) -> "Floats":
    """Return the chances, with those that can't be surprising (1) for the rest that was looked at."""
    import numpy as np  # noqa: PLC0415

    return np.concatenate([np.array(p, dtype=np.float64), np.ones(max(0, in_all - len(p)))])


def _surge_row(surge: Surge, before: int, after: int, since: str) -> list[Any]:
    if surge.before:
        seen = f"{surge.before} of {before:,} rows before, {surge.after} of {after:,} {since}"
        why = f"{seen}: {spoken(surge.after / max(surge.expected, 1e-9), 3)} times as many as expected"
    else:
        why = f"never in {before:,} rows before, {surge.after} of {after:,} {since} (first in row {surge.first + 1})"
    why = f"{why}; by chance {one_in(surge.p)}"
    return [surge.category, surge.before, surge.after, significant(surge.expected, 4), significant(surge.p, 4), why]


def _before_after(shown: Sequence[Surge], before: int, after: int) -> Panel | None:
    if not shown:
        return None
    return Panel(
        series=(
            Series(
                y=tuple(100 * surge.before / before for surge in shown),
                x=tuple(at + 0.8 for at in range(len(shown))),
                style="bars",
                width=0.38,
                name="before",
                role="muted",
            ),
            Series(
                y=tuple(100 * surge.after / after for surge in shown),
                x=tuple(at + 1.2 for at in range(len(shown))),
                style="bars",
                width=0.38,
                name="after",
                role="signal",
            ),
        ),
        y_label="share of the rows (%)",
        categories=tuple(surge.category[:40] for surge in shown),
    )


def _together(named: list[list[str]], columns: list[str], options: AnomalyOptions) -> Found:
    seen = unlikely_together(named)
    cells = 1
    for column in named:
        cells = min(_MOST_CELLS, cells * len(set(column)))
    result = called(_padded([one.p for one in seen], cells), options.alpha)
    rows = list[list[Any]]()
    for at in result.places(MOST_ROWS):
        one = seen[at]
        why = (
            f"{' and '.join(map(repr, one.categories))} all but exclude each other, yet are together in {one.count} "
            f"{'row' if one.count == 1 else 'rows'}; if {' and '.join(columns)} had nothing to do with each other "
            f"{spoken(one.expected, 3)} were to be expected, so few by chance {one_in(one.p)}"
        )
        combined = " + ".join(one.categories)
        rows.append([one.row + 1, combined, one.count, significant(one.expected, 4), significant(one.p, 4), why])
    n, of = len(named[0]), f"combinations of {' and '.join(columns)}"
    counts = (result.tested, result.expected_false, result.threshold)
    return Found(rows, TOGETHER, *counts, of, (), n, f"Exceptional {of}")


def find_texts(table: Table, options: AnomalyOptions) -> Found:
    """Return the subjects that texts speak of more than before, or for the first time."""
    if not isinstance(options.value, str):
        raise InvalidInputError("Texts are taken from one column.", hint="Name one.")
    texts = table.text(options.value)
    later, since, flags = later_than(table, options, table.rows)
    found = novelty(texts, later)
    result = called(_padded([cluster.p for cluster in found.clusters], found.tested), options.alpha)
    shown = [found.clusters[at] for at in result.places(MOST_ROWS)]
    rows = [_cluster_row(cluster, texts, found.before, found.after, since) for cluster in shown]
    also = [
        [row + 1, texts[row][:_EXAMPLE], significant(nearest, 3), significant(share, 4)]
        for row, nearest, share in found.alone[:_ALSO]
    ]
    if found.alone:
        says = f"{len(found.alone)} texts {since} are near to no other one; a text alone proves nothing new."
        flags.append(Flag("alone", says, "Read them."))
    counts = (result.tested, result.expected_false, result.threshold)
    as_surges = [Surge(", ".join(one.terms[:3]), one.before, one.after, 0.0, one.p, one.example) for one in shown[:20]]
    panel = _before_after(as_surges, found.before, found.after)
    header = ["row", "text_alone", "nearest_before", "share_as_far"]
    return Found(
        rows,
        TEXTS,
        *counts,
        f"clusters of near texts of {options.value} {since}",
        (panel,) if panel else (),
        found.before + found.after,
        f"{options.value}: subjects new or more frequent {since}",
        also=[header, *also] if also else [],
        flags=(*flags, *found.flags),
    )


def _cluster_row(cluster: Cluster, texts: Sequence[str], before: int, after: int, since: str) -> list[Any]:
    terms = ", ".join(cluster.terms)
    fresh = cluster.rows[-1] if cluster.example not in cluster.rows else cluster.example
    seen = f"{cluster.after} of {after:,} texts {since} speak of {listed(list(cluster.terms[:3]))}"
    was = f"{cluster.before} of {before:,} before" if cluster.before else f"none of {before:,} before"
    why = f"{seen}, {was}; by chance {one_in(cluster.p)}"
    if not cluster.before and cluster.nearest:
        why = f"{why}; the nearest text before has a cosine of {cluster.nearest:.2f}"
    example = texts[fresh][:_EXAMPLE]
    return [terms, cluster.before, cluster.after, significant(cluster.p, 4), fresh + 1, example, why]
