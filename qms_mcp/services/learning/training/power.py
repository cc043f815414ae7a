"""How many samples it takes to see an improvement.

Two versions answer the same cases, so what counts is the spread of the differences case by case. For a two-sided paired
test at level alpha that finds a mean difference d with probability 1 - beta,

    n = ((z_(1-alpha/2) + z_(1-beta)) * s / d)**2 + z_(1-alpha/2)**2 / 2

where s is the standard deviation of the differences. The second term corrects the normal approximation for Student's t
(W. C. Guenther, Sample size formulas for normal theory t tests, The American Statistician 35, 1981, 243-244).

Before anything was measured, s is not known. If two scores of one case have the standard deviation sd each and the
correlation r, then s = sd * sqrt(2 * (1 - r)); with r = 0.5 it is sd itself, which is what is assumed. Scores lie
between 0 and 1, so sd is at most 0.5 (Popoviciu), which is assumed where there are too few scores to tell.
"""

import math
from dataclasses import dataclass

from qms_mcp.statistics.quantiles import normal_quantile

ALPHA, POWER = 0.05, 0.8
WORST_SD = 0.5
# Of fewer scores the standard deviation is not believed.
_LEAST_FOR_SD = 10
# Scores that hardly differ so far do not promise that the next ones won't.
_LEAST_SD = 0.05


@dataclass(frozen=True, slots=True)
class Needed:
    """How many paired samples an improvement takes.

    Attributes:
        n: Samples that both versions answer.
        improvement: The mean difference that is to be seen, on the scale of scores.
        sd: Of the differences, as assumed.
        power: The chance to see it.
    """

    n: int
    improvement: float
    sd: float
    power: float = POWER
    alpha: float = ALPHA


def needed(
    improvement: float, sd: float | None, n_scores: int, *, alpha: float = ALPHA, power: float = POWER
) -> Needed:
    """Return how many paired samples it takes to see an improvement.

    Args:
        improvement: Above 0, on the scale of scores.
        sd: Of the scores so far; None when there is none.
        n_scores: Of how many scores.
        alpha: Of the two-sided test.
        power: The chance to see it.
    """
    known = sd is not None and n_scores >= _LEAST_FOR_SD
    spread = min(WORST_SD, max(_LEAST_SD, sd)) if known and sd is not None else WORST_SD
    z = normal_quantile(1 - alpha / 2)
    n = ((z + normal_quantile(power)) * spread / improvement) ** 2 + z**2 / 2
    return Needed(max(2, math.ceil(n)), improvement, spread, power, alpha)
