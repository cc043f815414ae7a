"""The picture of a capability study: histogram with limits and fitted curve, and a probability plot beside it."""

import math
from typing import TYPE_CHECKING, Any, cast

from qms_mcp.pictures.model import Level, Panel, Picture, Series
from qms_mcp.statistics.capability.study import Study

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_FEWEST_BARS, _MOST_BARS = 6, 60
_CURVE = 240
_MOST_POINTS = 1_000
_SCALE_LIMIT = 3.5
_FAR = 3.0


def picture_of(made: Study, values: "NDArray[np.float64] | None", name: str, unit: str, alt: str) -> Picture:
    """Return the description of the picture; of a summary there is only the curve."""
    label = f"{name} ({unit})" if unit else name
    shown = _range(made, values)
    histogram = Panel(
        series=(*_bars(values), *_curve(made, values, shown)),
        title="Values and specification" if values is not None else "Normal distribution and specification",
        x_label=label,
        y_label="values" if values is not None else "density",
        levels=_levels(made, shown),
    )
    panels = (histogram,) if values is None else (histogram, _probability_plot(made, values, label))
    return Picture(
        title=f"Capability of {name}",
        panels=panels,
        subtitle=_subtitle(made),
        notes=tuple(flag.says for flag in made.flags[:3]) + _left_out(made, shown),
        alt=alt,
        side_by_side=True,
    )


def _range(made: Study, values: "NDArray[np.float64] | None") -> tuple[float, float]:
    """Return from where to where the picture goes: the values and the limits, unless a limit is far away."""
    mean, sd = made.found.mean, made.found.sd
    low, high = mean - 4.0 * sd, mean + 4.0 * sd
    if values is not None:
        low, high = float(values.min()), float(values.max())
    room = _FAR * (high - low)
    limits = [limit for limit in (made.specification.lsl, made.specification.usl) if limit is not None]
    near = [limit for limit in limits if low - room <= limit <= high + room]
    low, high = min(low, *near) if near else low, max(high, *near) if near else high
    margin = 0.04 * (high - low)
    return low - margin, high + margin


def _bars(values: "NDArray[np.float64] | None") -> tuple[Series, ...]:
    import numpy as np  # noqa: PLC0415

    if values is None:
        return ()
    low, high = float(values.min()), float(values.max())
    # Freedman and Diaconis, with bars no narrower than the step in which values come.
    quartiles = np.quantile(values, [0.25, 0.75])
    width = 2.0 * float(quartiles[1] - quartiles[0]) / values.size ** (1 / 3)
    wanted = math.ceil((high - low) / width) if width > 0 else _FEWEST_BARS
    bars = max(_FEWEST_BARS, min(_MOST_BARS, wanted))
    counts, edges = np.histogram(values, bars, range=(low, high))
    middles = (edges[:-1] + edges[1:]) / 2.0
    each = float(edges[1] - edges[0])
    return (
        Series(
            y=tuple(float(count) for count in counts),
            x=tuple(float(middle) for middle in middles),
            style="bars",
            name="values",
            width=0.96 * each,
        ),
    )


def _curve(made: Study, values: "NDArray[np.float64] | None", shown: tuple[float, float]) -> tuple[Series, ...]:
    """Return the density of the model, in values a bar; the slope of its normal scores gives it for every model."""
    import numpy as np  # noqa: PLC0415

    x = np.linspace(*shown, _CURVE)
    scores = _scores(made, x)
    if scores is None:
        return ()
    with np.errstate(all="ignore"):
        density = np.exp(-np.square(scores) / 2.0) / math.sqrt(2.0 * math.pi) * np.gradient(scores, x)
    area = 1.0 if values is None else _bars(values)[0].width / 0.96 * values.size
    there = np.isfinite(density) & (density >= 0.0)
    y = tuple(float(value) * area if ok else None for value, ok in zip(density, there, strict=True))
    name = "normal" if made.model is None else made.model.distribution.replace("_", "-")
    return (Series(y=y, x=tuple(float(at) for at in x), style="line", name=f"{name} fit", role="second"),)


def _scores(made: Study, x: "NDArray[np.float64]") -> "NDArray[np.float64] | None":
    import numpy as np  # noqa: PLC0415

    if made.model is None:
        return (x - made.found.mean) / made.found.sd
    if made.model.scores is None:
        return None
    curve = made.model.transformation
    scores = np.full(x.shape, np.nan)
    inside = np.ones(x.shape, bool) if curve is None else (curve.lowest < x) & (x < curve.highest)
    if made.model.fitted is not None:
        inside = x > 0.0
    scores[inside] = made.model.scores(x[inside])
    return scores


def _levels(made: Study, shown: tuple[float, float]) -> tuple[Level, ...]:
    asked = made.specification
    levels = [
        Level(values=(place,), kind="target" if name == "Target" else "spec", label=f"{name} {place:g}", upright=True)
        for name, place in (("LSL", asked.lsl), ("Target", asked.target), ("USL", asked.usl))
        if place is not None and shown[0] <= place <= shown[1]
    ]
    mean = Level(values=(made.found.mean,), kind="center", label=f"Mean {made.found.mean:.5g}", upright=True)
    return (*levels, mean)


def _left_out(made: Study, shown: tuple[float, float]) -> tuple[str, ...]:
    far = [
        f"{name} {place:g} lies outside of the picture."
        for name, place in (("LSL", made.specification.lsl), ("USL", made.specification.usl))
        if place is not None and not shown[0] <= place <= shown[1]
    ]
    return tuple(far)


def _probability_plot(made: Study, values: "NDArray[np.float64]", label: str) -> Panel:
    """Return ordered values against normal scores, at (i - 0.3)/(n + 0.4) (Benard's median ranks)."""
    import numpy as np  # noqa: PLC0415
    import scipy.special  # noqa: PLC0415

    n = int(values.size)
    ordered = np.sort(values)
    z = np.asarray(cast("Any", scipy.special).ndtri((np.arange(1, n + 1) - 0.3) / (n + 0.4)), dtype=np.float64)
    # Thinned out evenly in z: the tails, where it matters, keep every point.
    kept = range(n) if n <= _MOST_POINTS else sorted(_evenly(z))
    points = Series(
        y=tuple(float(z[at]) for at in kept),
        x=tuple(float(ordered[at]) for at in kept),
        style="points",
        name="values",
    )
    return Panel(
        series=(points, *_fit_line(made, float(ordered[0]), float(ordered[-1]), float(z[-1]))),
        title="Probability plot",
        x_label=label,
        y_label="normal score",
    )


def _evenly(z: "NDArray[np.float64]") -> set[int]:
    import numpy as np  # noqa: PLC0415

    wanted = np.linspace(float(z[0]), float(z[-1]), _MOST_POINTS)
    return {min(int(at), z.size - 1) for at in np.searchsorted(z, wanted)}


def _fit_line(made: Study, low: float, high: float, highest: float) -> tuple[Series, ...]:
    import numpy as np  # noqa: PLC0415

    x = np.linspace(low, high, _CURVE)
    scores = _scores(made, x)
    if scores is None:
        return ()
    inside = np.isfinite(scores) & (np.abs(scores) < highest + _SCALE_LIMIT / 3.0)
    name = "normal" if made.model is None else made.model.distribution.replace("_", "-")
    return (
        Series(
            y=tuple(float(at) for at in scores[inside]),
            x=tuple(float(at) for at in x[inside]),
            style="line",
            name=f"{name} fit",
            role="second",
        ),
    )


def _subtitle(made: Study) -> str:
    said = [made.specification.words()]
    if made.found.n:
        said.append(f"n = {made.found.n}")
    if made.within is not None:
        said.append(f"Cpk {made.within.indices.nearest:.2f}")
    said.append(f"Ppk {made.overall.indices.nearest:.2f}")
    return "; ".join(said)
