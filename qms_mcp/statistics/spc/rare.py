"""Rare events: how much happened between them, counted (g) or as time (t).

g (Kaminski, Benneyan et al. 1992; Benneyan 2001; Montgomery, ch. 7.3): units, cases or days between events, geometric
from 0 with the mean g-bar. `sigma`: g-bar +- 3 sqrt(g-bar (g-bar + 1)), not below 0. `probability`: the 0.135 % and
99.865 % quantiles around the median, by p = 1 / (g-bar + 1).

t (Nelson, J. Quality Technology 26, 1994; Montgomery, example 7.6): time between events. `transform` (the usual): I-MR
of y = t^0.2777, which is about normal when times are exponential. `exponential` and `weibull`: the same two quantiles
of the distribution fitted to the times (by their mean; by maximum likelihood), around its median.

A point above the upper limit is good news: events have become rarer.
"""

import math
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from qms_mcp.errors import InvalidInputError
from qms_mcp.statistics.flags import Flag
from qms_mcp.statistics.spc.individuals import individuals
from qms_mcp.statistics.spc.model import Estimate, Made, Observations, Panel, Settings
from qms_mcp.statistics.spc.rule_sets import applicable
from qms_mcp.statistics.spc.rules import Plotted, evaluate
from qms_mcp.statistics.spc.sums import mean, present, refuse_no_variation, refuse_too_few

if TYPE_CHECKING:
    from qms_mcp.statistics.spc.rules import Values

POWER: Final = 0.2777
_STEPS: Final = 200


def tail(limits_at: float) -> float:
    """Return the probability beyond one limit of a normal point."""
    return math.erfc(limits_at / math.sqrt(2)) / 2


def between_counts(observations: Observations, settings: Settings) -> Made:
    """Return the panel of a g chart.

    Raises:
        InvalidInputError: A value is negative or no whole number, or there is nothing to estimate from.
    """
    import numpy as np  # noqa: PLC0415

    values = observations.values
    if (values < 0).any() or (np.floor(values) != values)[~np.isnan(values)].any():
        raise InvalidInputError(
            "A g chart counts what lies between two events: whole numbers from 0 on.",
            hint="For times that are no whole numbers use a t chart.",
        )
    kept = present(values, observations.counted())
    known = settings.known.center
    if known is None:
        refuse_too_few(kept.size, "count")
    center = mean(kept) if known is None else known
    sigma = math.sqrt(center * (center + 1))
    refuse_no_variation(sigma, kept.size, "count")
    estimate = Estimate(center, sigma, "geometric from 0" if known is None else "known before", known=known is not None)
    if settings.rare_limits == "probability":
        outside = tail(settings.limits_at)
        middle, low, high = (_geometric(center, share) for share in (0.5, outside, 1 - outside))
    else:
        away = settings.limits_at * sigma
        middle, low, high = center, max(0.0, center - away), center + away
    hits = evaluate(Plotted(values, middle, low, high), applicable(settings.rules, "count"))
    return Made((Panel("g", values, middle, low, high, sigma, hits),), estimate)


def _geometric(center: float, share: float) -> float:
    """Return the smallest x with P(X <= x) >= share, of a geometric number from 0 with this mean."""
    return max(0.0, math.ceil(math.log1p(-share) / math.log(center / (center + 1)) - 1 - 1e-12))


def between_times(observations: Observations, settings: Settings) -> Made:
    """Return the panels of a t chart: t^0.2777 and its moving ranges, or the times themselves.

    Raises:
        InvalidInputError: A time is negative (or 0 with Weibull limits), or there is nothing to estimate from.
    """
    values = observations.values
    if (values < 0).any():
        raise InvalidInputError("A time between events can't be negative.", hint="Are the events in order?")
    if settings.rare_limits in ("exponential", "weibull"):
        return _by_distribution(observations, settings)
    made = individuals(replace(observations, values=values**POWER), settings)
    main, ranges = made.panels
    low = max(0.0, float(main.lcl or 0.0))
    back = [f"{max(0.0, float(line or 0.0)) ** (1 / POWER):.6g}" for line in (low, main.center, main.ucl)]
    told = Flag("transformed", f"Charted is t^{POWER}. In units of t: LCL {back[0]}, centre {back[1]}, UCL {back[2]}.")
    estimate = replace(made.estimate, method=f"of t^{POWER}: {made.estimate.method}")
    return Made((replace(main, name=f"t^{POWER}", lcl=low), ranges), estimate, (told,))


def _by_distribution(observations: Observations, settings: Settings) -> Made:
    values, known = observations.values, settings.known
    scale, shape = known.center, known.shape if settings.rare_limits == "weibull" else 1.0
    if scale is None or shape is None:
        kept = present(values, observations.counted())
        refuse_too_few(kept.size, "time")
        scale, shape = fitted_weibull(kept) if settings.rare_limits == "weibull" else (mean(kept), 1.0)
    refuse_no_variation(scale, values.size, "time")
    outside = tail(settings.limits_at)
    middle, low, high = (scale * (-math.log1p(-share)) ** (1 / shape) for share in (0.5, outside, 1 - outside))
    hits = evaluate(Plotted(values, middle, low, high), applicable(settings.rules, "count"))
    sigma = scale * math.sqrt(math.gamma(1 + 2 / shape) - math.gamma(1 + 1 / shape) ** 2)
    words = f"{settings.rare_limits} with scale {scale:.6g}" + ("" if shape == 1 else f" and shape {shape:.6g}")
    estimate = Estimate(scale, sigma, words, shape=shape, known=known.center is not None)
    return Made((Panel("t", values, middle, low, high, sigma, hits),), estimate)


def fitted_weibull(times: "Values") -> tuple[float, float]:
    """Return scale and shape of the Weibull distribution most likely to give these times.

    The shape solves sum(t^k ln t)/sum(t^k) - 1/k = mean(ln t); the left side grows with k, so it is bisected.

    Raises:
        InvalidInputError: A time is 0, or all are alike.
    """
    import numpy as np  # noqa: PLC0415

    if (times <= 0).any():
        raise InvalidInputError(
            "Weibull limits need times above 0.", hint="Use transform, or a finer unit for events at the same time."
        )
    logs = np.log(times)
    largest, center = float(logs.max()), mean(logs)
    if float(logs.min()) == largest:
        raise InvalidInputError(f"All times are {times[0]:g}, so they have no distribution.", hint="Use I-MR.")

    def excess(shape: float) -> float:
        powers = np.exp(shape * (logs - largest))
        return float((powers * logs).sum() / powers.sum()) - 1 / shape - center

    low, high = 1e-3, 1e-3
    while excess(high) < 0:
        low, high = high, high * 2
    for _ in range(_STEPS):
        middle = (low + high) / 2
        low, high = (low, middle) if excess(middle) > 0 else (middle, high)
    powers = np.exp(high * (logs - largest))
    return float(math.exp(largest) * float(powers.mean()) ** (1 / high)), high
