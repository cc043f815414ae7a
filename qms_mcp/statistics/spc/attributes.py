"""Counts: nonconforming units (p, np) and nonconformities (c, u), and Laney's charts when they vary more than chance.

Sources: Montgomery, ch. 7; NIST e-Handbook 6.3.3; AIAG SPC 2nd ed. With n_i units (areas) of point i:

    p   p-bar +- 3 sqrt(p-bar (1 - p-bar) / n_i)      p-bar = all nonconforming / all units
    np  n p-bar +- 3 sqrt(n p-bar (1 - p-bar))        all n alike
    c   c-bar +- 3 sqrt(c-bar)
    u   u-bar +- 3 sqrt(u-bar / n_i)                  u-bar = all nonconformities / all areas

The lower limit is never below 0, the upper of p and np never above 1 and n. Laney (Improved control charts for
attributes, Quality Engineering 14, 2002) multiplies the sigma of p and u by sigma_z: the average moving range of
z_i = (p_i - p-bar) / sigma_i, divided by d2.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias

from qms_mcp.errors import InvalidInputError
from qms_mcp.statistics.spc.individuals import moving_ranges
from qms_mcp.statistics.spc.model import Estimate, Made, Observations, Panel, Settings
from qms_mcp.statistics.spc.rule_sets import applicable
from qms_mcp.statistics.spc.rules import Plotted, evaluate
from qms_mcp.statistics.spc.sums import mean, refuse_too_few

if TYPE_CHECKING:
    from qms_mcp.statistics.spc.rules import Mask, PerPoint, Values

AttributeKind: TypeAlias = Literal["p", "np", "c", "u", "Laney p'", "Laney u'"]


@dataclass(frozen=True, slots=True)
class Counted:
    """Counts with the opportunities they were found in; nan where one of the two is missing."""

    counts: "Values"
    sizes: "Values"

    @property
    def rates(self) -> "Values":
        """Return counts per unit."""
        return self.counts / self.sizes


def attributes(observations: Observations, settings: Settings, kind: AttributeKind) -> Made:
    """Return the one panel of a chart of counts.

    Raises:
        InvalidInputError: A count is negative, no whole number or larger than its n; sizes are missing, not positive,
            or unequal where they may not be; or there is nothing to estimate from.
    """
    proportion = kind in ("p", "np", "Laney p'")
    counted = checked_counts(observations, kind)
    estimate = _estimate(counted, observations.counted(), settings, kind)
    sigma = unit_sigma(estimate.center, counted.sizes, proportion=proportion)
    if estimate.sigma_z is not None:
        sigma = sigma * estimate.sigma_z
    scale = float(counted.sizes[~_missing(counted)][0]) if kind == "np" else 1.0
    values = counted.counts if kind in ("np", "c") else counted.rates
    return Made((_panel(kind, values, scale * estimate.center, _per(scale * sigma), settings),), estimate)


def _panel(kind: AttributeKind, values: "Values", center: float, sigma: "PerPoint", settings: Settings) -> Panel:
    import numpy as np  # noqa: PLC0415

    low = np.maximum(0.0, center - settings.limits_at * sigma)
    high = center + settings.limits_at * sigma
    if kind in ("p", "Laney p'"):
        high = np.minimum(1.0, high)
    low, high = (float(low), float(high)) if isinstance(sigma, float) else (low, high)
    rules = applicable(settings.rules, "count")
    hits = evaluate(Plotted(values, center, low, high, sigma), rules)
    return Panel(kind, values, center, low, high, sigma, hits)


def unit_sigma(center: float, sizes: "Values", *, proportion: bool) -> "Values":
    """Return the standard deviation of each rate by chance alone: binomial of proportions, else Poisson."""
    import numpy as np  # noqa: PLC0415

    return np.sqrt(center * (1 - center) / sizes if proportion else center / sizes)


def checked_counts(observations: Observations, kind: AttributeKind) -> Counted:
    """Return the counts with their sizes, as the chart allows them.

    Raises:
        InvalidInputError: As `attributes` says.
    """
    import numpy as np  # noqa: PLC0415

    counts, sizes = observations.values, observations.sizes
    _refuse(counts < 0, counts, "negative", "A count is 0 or more.")
    _refuse(np.floor(counts) != counts, counts, "no whole number", "Give counts, not rates or measurements.")
    if sizes is None:
        if kind != "c":
            raise InvalidInputError(
                f"A {kind} chart needs to know how many units (what area) each count was found in.",
                hint="Name the column as size, or give one number for all.",
            )
        sizes = np.ones(counts.shape)
    _refuse(sizes <= 0, sizes, "not positive", "A size is how many units were inspected, or the area looked at.")
    counted = Counted(np.where(np.isnan(sizes), np.nan, counts), np.where(np.isnan(counts), np.nan, sizes))
    if kind in ("p", "np", "Laney p'"):
        _refuse(
            counted.counts > counted.sizes, counts, "larger than its n",
            "Of n units at most n are nonconforming. Chart nonconformities per unit with u.",
        )  # fmt: skip
    _refuse_unequal(counted, kind)
    return counted


def _estimate(counted: Counted, included: "Mask", settings: Settings, kind: AttributeKind) -> Estimate:
    known, laney = settings.known, kind.startswith("Laney")
    proportion = kind in ("p", "np", "Laney p'")
    kept = included & ~_missing(counted)
    center = known.center
    if center is None:
        refuse_too_few(int(kept.sum()), "count")
        total = float(counted.sizes[kept].sum())
        center = float(counted.counts[kept].sum()) / (total if kind != "c" else float(kept.sum()))
    _refuse_nothing(center, proportion=proportion)
    sigma_z = None
    if laney:
        sigma_z = known.sigma_z
        if sigma_z is None:
            refuse_too_few(int(kept.sum()), "count")
            sigma_z = variation_beyond_chance(counted, center, kept, settings, proportion=proportion)
    sigma = float(unit_sigma(center, _one(), proportion=proportion)[0])
    all_known = known.center is not None and (not laney or known.sigma_z is not None)
    method = "known before" if all_known else ("binomial" if proportion else "Poisson")
    return Estimate(center, sigma, f"{method}{' times sigma_z' if laney else ''}", sigma_z=sigma_z, known=all_known)


def variation_beyond_chance(
    counted: Counted, center: float, kept: "Mask", settings: Settings, *, proportion: bool
) -> float:
    """Return Laney's sigma_z: about 1 when counts vary as chance alone makes them.

    Raises:
        InvalidInputError: The rates do not vary from one point to the next.
    """
    import numpy as np  # noqa: PLC0415

    z = (counted.rates - center) / unit_sigma(center, counted.sizes, proportion=proportion)
    ranges = moving_ranges(z)[1:]
    ranges = ranges[kept[1:] & kept[:-1] & ~np.isnan(ranges)]
    if not ranges.size or not ranges.any():
        raise InvalidInputError(
            "The rates do not vary from point to point, so sigma_z can't be computed.", hint="Use p or u."
        )
    return mean(ranges) / settings.constants.d2(2)


def _missing(counted: Counted) -> "Mask":
    import numpy as np  # noqa: PLC0415

    return np.isnan(counted.counts)


def _per(sigma: "Values") -> "PerPoint":
    import numpy as np  # noqa: PLC0415

    there = sigma[~np.isnan(sigma)]
    return float(there[0]) if there.size and (there == there[0]).all() else sigma


def _one() -> "Values":
    import numpy as np  # noqa: PLC0415

    return np.ones(1)


def _refuse_nothing(center: float, *, proportion: bool) -> None:
    if center <= 0 or (proportion and center >= 1):
        seen = "no nonconformity at all" if center <= 0 else "nothing but nonconforming units"
        raise InvalidInputError(
            f"There is {seen}, so the counts have no variation and no control limits.",
            hint="Chart what happens between events (g or t), or inspect more units a point.",
        )


def _refuse_unequal(counted: Counted, kind: AttributeKind) -> None:
    sizes = counted.sizes[~_missing(counted)]
    if kind in ("np", "c") and sizes.size and (sizes != sizes[0]).any():
        other = "p" if kind == "np" else "u"
        raise InvalidInputError(
            f"A chart {kind} needs the same size at every point; here it is {sizes.min():g} to {sizes.max():g}.",
            hint=f"Use {other}: its limits follow the size.",
        )


def _refuse(wrong: "Mask", values: "Values", what: str, hint: str) -> None:
    import numpy as np  # noqa: PLC0415

    # A missing value compares false, except as unequal.
    at = np.flatnonzero(wrong & ~np.isnan(values))
    if at.size:
        named = ", ".join(f"{values[place]:g} at point {place + 1}" for place in at[:5])
        more = f" and {at.size - 5} more" if at.size > 5 else ""  # noqa: PLR2004 - as many as are named
        raise InvalidInputError(
            f"{at.size} of the values {'is' if at.size == 1 else 'are'} {what}: {named}{more}.", hint=hint
        )
