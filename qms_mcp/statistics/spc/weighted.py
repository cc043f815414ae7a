"""Charts that remember: EWMA and tabular CUSUM, for small lasting shifts of individual values or subgroup means.

EWMA (Roberts 1959; NIST e-Handbook 6.3.2.4; Montgomery, ch. 9.2), started at the centre:

    z_i = lambda x_i + (1 - lambda) z_(i-1)
    limits: centre +- L sigma sqrt(lambda / (2 - lambda) (1 - (1 - lambda)^(2i)))        steady: without the last factor

CUSUM (Page 1954; NIST e-Handbook 6.3.2.3; Montgomery, ch. 9.1), in the unit of the values, K = k sigma, H = h sigma:

    C+_i = max(0, x_i - (target + K) + C+_(i-1))      C-_i = max(0, (target - K) - x_i + C-_(i-1))

A head start of a part of H is the fast initial response of Lucas and Crosier (1982). Of subgroups, sigma is that of
their means, sigma / sqrt(n_i). A missing point leaves what was remembered as it is. What is plotted hangs on the points
before, so no rule but "beyond the limits" applies.
"""

from dataclasses import replace
from itertools import accumulate
from typing import TYPE_CHECKING

from qms_mcp.errors import InvalidInputError
from qms_mcp.statistics.spc.individuals import estimate_individuals, moving_ranges
from qms_mcp.statistics.spc.model import Estimate, Made, Observations, Panel, Settings
from qms_mcp.statistics.spc.rule_sets import applicable
from qms_mcp.statistics.spc.rules import Plotted, evaluate
from qms_mcp.statistics.spc.subgroups import estimate_subgroups, grouped

if TYPE_CHECKING:
    from qms_mcp.statistics.spc.rules import PerPoint, Values


def ewma(observations: Observations, settings: Settings) -> Made:
    """Return the panel of an EWMA.

    Raises:
        InvalidInputError: Lambda is not above 0 and at most 1, or centre and sigma can't be estimated.
    """
    if not 0 < settings.weight <= 1:
        raise InvalidInputError(
            f"Lambda is above 0 and at most 1, not {settings.weight:g}.", hint="0.05 to 0.3 are usual."
        )
    values, sigma, estimate = _watched(observations, settings)
    smoothed, spread = _smoothed(values, sigma, estimate.center, settings)
    away = settings.limits_at * spread
    high, low = estimate.center + away, estimate.center - away
    hits = evaluate(Plotted(smoothed, estimate.center, low, high, spread), applicable(settings.rules, "correlated"))
    return Made((Panel("EWMA", smoothed, estimate.center, low, high, spread, hits),), estimate)


def cusum(observations: Observations, settings: Settings) -> Made:
    """Return the two panels of a CUSUM: upwards (C+) and downwards (C-, as a positive sum).

    Raises:
        InvalidInputError: k is negative, h not positive, the head start not in 0 to 1, subgroups are of unequal sizes,
            or centre and sigma can't be estimated.
    """
    import numpy as np  # noqa: PLC0415

    if settings.reference < 0 or settings.decision <= 0 or not 0 <= settings.head_start < 1:
        raise InvalidInputError(
            f"A CUSUM can't have k = {settings.reference:g}, h = {settings.decision:g} and a head start of "
            f"{settings.head_start:g} h.",
            hint="k = 0.5, h = 4 or 5 and a head start of 0 or 0.5 are usual.",
        )
    values, sigma, estimate = _watched(observations, settings)
    sigmas = np.unique(np.asarray(sigma, dtype=np.float64))
    if np.count_nonzero(~np.isnan(sigmas)) > 1:
        raise InvalidInputError("The subgroups of a CUSUM need one size.", hint="Use EWMA, or X-bar/S.")
    sigma = float(sigmas[0])
    panels = [
        _sums(name, (values - estimate.center) * side, sigma, settings) for name, side in (("C+", 1.0), ("C-", -1.0))
    ]
    return Made(tuple(panels), estimate)


def _watched(observations: Observations, settings: Settings) -> "tuple[Values, PerPoint, Estimate]":
    """Return the values watched, the standard deviation of each, and what it was estimated from."""
    if not observations.grouped:
        estimate = estimate_individuals(observations, settings, moving_ranges(observations.values, settings.span))
        return observations.values, estimate.sigma, estimate
    spread = "S" if settings.sigma_method in ("s_bar", "pooled") else "R"
    groups = grouped(observations, spread)
    made = estimate_subgroups(observations, groups, settings, spread)
    return groups.means, made.sigma / groups.root(), replace(made, sd_center=None)


def _smoothed(values: "Values", sigma: "PerPoint", center: float, settings: Settings) -> "tuple[Values, PerPoint]":
    import numpy as np  # noqa: PLC0415

    weight = settings.weight
    there = ~np.isnan(values)
    smoothed = np.full(values.shape, np.nan)
    smoothed[there] = center + _discounted(values[there] - center, weight)
    if settings.steady:
        return smoothed, sigma * float(np.sqrt(weight / (2 - weight)))
    squares = np.broadcast_to(np.square(np.asarray(sigma)), values.shape)[there]
    # Var(z_i) = lambda^2 sigma_i^2 + (1 - lambda)^2 Var(z_(i-1)): the published limits when all sigma_i are alike.
    spread = np.full(values.shape, np.nan)
    spread[there] = np.sqrt(_discounted(squares * weight, 1 - (1 - weight) ** 2) * weight / (1 - (1 - weight) ** 2))
    return smoothed, spread


def _discounted(values: "Values", weight: float) -> "Values":
    """Return z_i = weight v_i + (1 - weight) z_(i-1) from z_0 = 0."""
    import numpy as np  # noqa: PLC0415

    # A plain loop: the module of scipy that has it compiled takes longer to import than a million points take here.
    steps = accumulate(values.tolist(), lambda kept, value: kept + weight * (value - kept), initial=0.0)
    return np.fromiter(steps, dtype=np.float64, count=values.size + 1)[1:]


def _sums(name: str, away: "Values", sigma: float, settings: Settings) -> Panel:
    import numpy as np  # noqa: PLC0415

    limit = settings.decision * sigma
    there = ~np.isnan(away)
    sums = np.full(away.shape, np.nan)
    sums[there] = _reset_at_zero(away[there] - settings.reference * sigma, settings.head_start * limit)
    hits = evaluate(Plotted(sums, 0.0, None, limit), applicable(settings.rules, "correlated"))
    return Panel(name, sums, 0.0, None, limit, None, hits)


def _reset_at_zero(steps: "Values", start: float) -> "Values":
    """Return c_i = max(0, c_(i-1) + step_i) from c_0 = start: the walk above its lowest point so far, or above 0."""
    import numpy as np  # noqa: PLC0415

    walk = np.add.accumulate(steps) + start
    return walk - np.minimum(0.0, np.minimum.accumulate(walk)) if walk.size else walk
