"""Groups of measured values: how they are listed, whether they look normal, and how they are drawn."""

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from qms_mcp.pictures.model import Level, Panel, Picture, Series
from qms_mcp.services.analysis.method import significant
from qms_mcp.services.analysis.methods.compare_groups_model import (
    CompareAnswer,
    CompareOptions,
    rounded,
)
from qms_mcp.statistics.comparing.samples import Sample
from qms_mcp.statistics.comparing.tails import t_quantile
from qms_mcp.statistics.comparing.wording import p_value

if TYPE_CHECKING:
    pass


GROUPS = ["group", "n", "mean", "sd", "median", "low", "high"]


TWO = 2


def group_row(sample: Sample, level: float) -> list[Any]:
    """Return a group as it is listed, with the interval of its mean."""
    import numpy as np  # noqa: PLC0415

    base = sample.mean - sample.centre
    row: list[Any] = [sample.name, sample.n, significant(sample.mean, 15)]
    if sample.n == 1:
        return [*row, None, significant(sample.mean, 15), None, None]
    reach = t_quantile((1 + level) / 2, sample.n - 1) * sample.sd / math.sqrt(sample.n)
    middle = base + float(np.median(sample.deviations))
    return [
        *row,
        rounded(sample.sd),
        significant(middle, 15),
        rounded(sample.mean - reach),
        rounded(sample.mean + reach),
    ]


def normality(samples: Sequence[Sample]) -> float | None:
    """Return the p-value that values within groups are normal (Anderson-Darling); None where too few tell."""
    import numpy as np  # noqa: PLC0415

    from qms_mcp.statistics.normality import anderson_darling  # noqa: PLC0415

    able = [sample for sample in samples if sample.n >= 3 and sample.variance > 0]  # noqa: PLR2004
    if sum(sample.n for sample in able) < 8:  # noqa: PLR2004
        return None
    # Residuals of a group of n vary (n - 1) / n as much as the values do.
    parts = [(s.deviations - s.centre) / (s.sd * math.sqrt((s.n - 1) / s.n)) for s in able]
    return anderson_darling(np.concatenate(parts)).p


def box_picture(
    samples: Sequence[Sample], options: CompareOptions, unit: str, answer: CompareAnswer, *, zero: bool = False
) -> Picture:
    """Return the groups as boxes (whiskers to 1.5 quartile distances), with the intervals of their means."""
    import numpy as np  # noqa: PLC0415

    shown = samples[:40]
    boxes, outliers = list[float](), list[tuple[float, float]]()
    for at, sample in enumerate(shown, 1):
        first, middle, third = (float(q) for q in np.percentile(sample.values, [25, 50, 75]))
        reach = 1.5 * (third - first)
        inside = sample.values[(sample.values >= first - reach) & (sample.values <= third + reach)]
        boxes += [float(inside.min()), first, middle, third, float(inside.max())]
        beyond = sample.values[(sample.values < first - reach) | (sample.values > third + reach)]
        outliers += [(float(at), float(value)) for value in beyond[: 2_000 // len(shown)]]
    places = tuple(float(at) for at in range(1, len(shown) + 1))
    series = [Series(y=tuple(boxes), x=places, style="box", name="quartiles", role="data")]
    if outliers:
        x, y = zip(*outliers, strict=True)
        series.append(Series(y=y, x=x, style="points", name="beyond 1.5 quartile distances", role="muted"))
    # A group of one has no interval: it is drawn as its value.
    ends = [
        (row[5], row[6]) if row[5] is not None else (row[2], row[2])
        for row in (group_row(s, options.level) for s in shown)
    ]
    series.append(
        Series(
            y=tuple(sample.mean for sample in shown),
            x=places,
            style="points",
            name=f"mean with {options.level:.0%} interval",
            role="second",
            low=tuple(low for low, _ in ends),
            high=tuple(high for _, high in ends),
        )
    )
    label = f"{options.value} ({unit})" if unit else str(options.value)
    n = sum(sample.n for sample in samples)
    panel = Panel(
        series=tuple(series),
        y_label=label,
        x_label=options.group or "",
        categories=tuple(f"{sample.name} (n = {sample.n})" for sample in shown),
        levels=(Level(values=(0.0,), kind="target", label="no difference"),) if zero else (),
    )
    notes = (f"The first {len(shown)} of {len(samples)} groups are drawn.",) if len(shown) < len(samples) else ()
    title = f"{options.value} by {options.group or options.split or 'group'}"
    return Picture(
        title=title,
        panels=(panel,),
        subtitle=f"n = {n}, {answer.test}, {p_value(answer.p)}",
        notes=notes,
        alt=answer.headline,
    )
