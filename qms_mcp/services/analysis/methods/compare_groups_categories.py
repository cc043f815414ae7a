"""Comparing the mix of categories of groups."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from qms_mcp.errors import InvalidInputError
from qms_mcp.pictures.model import Panel, Picture, Series
from qms_mcp.services.analysis.method import Computed, flagged, significant
from qms_mcp.services.analysis.methods.compare_groups_model import (
    EFFECTS,
    MOST_ROWS,
    CompareAnswer,
    CompareOptions,
    rounded,
    rows_of_tests,
)
from qms_mcp.services.analysis.table import Table
from qms_mcp.statistics.comparing import proportions
from qms_mcp.statistics.comparing.posthoc import holm
from qms_mcp.statistics.comparing.samples import NONE
from qms_mcp.statistics.comparing.tails import normal_above
from qms_mcp.statistics.comparing.wording import p_value, spoken
from qms_mcp.statistics.flags import Flag

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

from qms_mcp.services.analysis.methods.compare_groups_counting import TWO


def compare_categories(
    table: Table, groups: Sequence[str], options: CompareOptions, flags: list[Flag]
) -> Computed[CompareAnswer]:
    """Return whether the mix of categories differs between groups."""
    import numpy as np  # noqa: PLC0415

    assert isinstance(options.value, str)  # noqa: S101 - settled by the caller
    named = np.array([group.strip() or NONE for group in groups], dtype=object)
    values = np.array([text.strip() or NONE for text in table.text(options.value)], dtype=object)
    rows, row = np.unique(named, return_inverse=True)
    columns, column = np.unique(values, return_inverse=True)
    if min(len(rows), len(columns)) < TWO or len(rows) * len(columns) > 20_000:  # noqa: PLR2004
        raise InvalidInputError(
            f"There are {len(rows)} groups and {len(columns)} categories of {options.value}.",
            hint="A comparison needs two of each, and few enough to be read.",
        )
    counts = np.zeros((len(rows), len(columns)))
    np.add.at(counts, (row, column), 1)
    test, least = proportions.chi_square(counts)
    strength = proportions.cramers_v(test.statistic, counts)
    found, n = test.p < options.alpha, int(counts.sum())
    cells = _cells(counts, rows, columns, options)
    if least < 5:  # noqa: PLR2004
        flags = [
            *flags,
            Flag("few", f"The smallest expected count is {spoken(least)}: p is simulated, not chi-square's."),
        ]
    most = (
        f" Most unlike the rest: {cells[1][0]!r} has {cells[1][2]} of {cells[1][1]!r}, {spoken(cells[1][3])} expected."
    )
    tested = f"{test.name.split(' (')[0]}, {p_value(test.p)}, Cramér V = {strength:.2f}, n = {n}"
    said = f"The mix of {options.value} differs between the {len(rows)} groups ({tested}).{most}"
    if not found:
        said = f"No difference found in the mix of {options.value} ({tested}); that it is equal is not shown."
    answer = CompareAnswer(
        headline=said,
        flags=flagged(flags),
        verdict="different" if found else "no difference found",
        test=test.name,
        p=significant(test.p),
        groups=[["group", "n"], *([str(name), int(counts[at].sum())] for at, name in enumerate(rows[:MOST_ROWS]))],
        effects=[EFFECTS, ["Cramér V", rounded(strength), None, None]],
        differences=cells,
        tests=rows_of_tests([test]),
    )
    return Computed(answer, n, _stacked(counts, rows, columns, answer, options))


def _cells(counts: "NDArray[np.float64]", rows: Any, columns: Any, options: CompareOptions) -> list[list[Any]]:
    """Return the cells farthest from what is expected (adjusted residuals, Haberman 1973), p by Holm."""
    import numpy as np  # noqa: PLC0415

    n, by_row, by_column = counts.sum(), counts.sum(axis=1), counts.sum(axis=0)
    expected = np.outer(by_row, by_column) / n
    spread = np.sqrt(expected * np.outer(1 - by_row / n, 1 - by_column / n))
    z = (counts - expected) / spread
    adjusted = np.array(holm([2 * normal_above(abs(one)) for one in z.ravel()])).reshape(z.shape)
    order = np.argsort(-np.abs(z), axis=None)[: min(20, z.size)]
    header = ["group", options.value, "count", "expected", "residual_z", "p"]
    return [
        header,
        *(
            [
                str(rows[at]),
                str(columns[to]),
                int(counts[at, to]),
                *map(rounded, (float(expected[at, to]), float(z[at, to]), float(adjusted[at, to]))),
            ]
            for at, to in zip(*np.unravel_index(order, z.shape), strict=True)
        ),
    ]


def _stacked(
    counts: "NDArray[np.float64]", rows: Any, columns: Any, answer: CompareAnswer, options: CompareOptions
) -> Picture:
    roles = ("data", "second", "third", "good", "muted")
    shown = counts[:40] / counts[:40].sum(axis=1, keepdims=True) * 100
    order = (-counts.sum(axis=0)).argsort(kind="stable")[: len(roles)]
    series = tuple(
        Series(y=tuple(float(value) for value in shown[:, at]), style="line_points", name=str(columns[at]), role=role)
        for at, role in zip(order, roles, strict=False)
    )
    notes = (f"The {len(order)} most frequent of {len(columns)} categories are drawn.",) if len(columns) > 5 else ()  # noqa: PLR2004
    names = tuple(str(name) for name in rows[:40])
    panel = Panel(series=series, x_label=options.group or "", y_label="share of the group (%)", categories=names)
    subtitle = f"n = {int(counts.sum())}, {p_value(answer.p)}"
    return Picture(
        title=f"{options.value} by {options.group or 'group'}",
        panels=(panel,),
        subtitle=subtitle,
        notes=notes,
        alt=answer.headline,
    )
