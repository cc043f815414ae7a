"""A test that may be looked at after every run and stopped at any time, and an interval that holds at all of them.

A fixed test that is looked at again and again finds a difference sooner or later where there is none. The mixture
sequential probability ratio test weighs all differences that are possible, by a normal distribution around none,
against none: the average likelihood ratio is a martingale when there is no difference, so that it ever exceeds 1/alpha
has a probability of at most alpha (Ville's inequality).

Sources: H. Robbins, Statistical methods related to the law of the iterated logarithm, Annals of Mathematical Statistics
41 (1970), 1397-1409; R. Johari, P. Koomen, L. Pekelis, D. Walsh, Always valid inference: continuous monitoring of A/B
tests, Operations Research 70 (2022), 1806-1821; S. R. Howard, A. Ramdas, J. McAuliffe, J. Sekhon, Time-uniform,
nonparametric, nonasymptotic confidence sequences, Annals of Statistics 49 (2021), 1055-1080. With
spreads that are estimated it holds for samples that are not small: `MINIMUM` in each group.
"""

from dataclasses import dataclass
from math import exp, inf, isfinite, log, log1p, sqrt

from qms_mcp.errors import InvalidInputError

MINIMUM = 30


@dataclass(frozen=True, slots=True)
class Arm:
    """What came of one group so far.

    Attributes:
        n: Runs.
        mean: Of the measure.
        variance: Of the measure between runs, with n - 1.
    """

    n: int
    mean: float
    variance: float


@dataclass(frozen=True, slots=True)
class Sequential:
    """What is known so far; it holds whenever one looks.

    Attributes:
        difference: Second group less the first.
        low: Lower end of the interval.
        high: Upper end.
        p_value: The smallest of now; once small, it was small.
        decided: Whether it excludes that there is no difference.
        enough: Whether both groups have enough runs to say anything.
    """

    difference: float
    low: float
    high: float
    p_value: float
    decided: bool
    enough: bool


def share_arm(n: int, bad: int) -> Arm:
    """Return the group of a share: one success and one failure more than seen, so that none has no spread.

    Source: A. Agresti, B. Caffo, Simple and effective confidence intervals for proportions and differences of
    proportions, The American Statistician 54 (2000), 280-288.
    """
    if n < 0 or not 0 <= bad <= n:
        raise InvalidInputError(f"{bad} of {n} is no share.")
    smoothed = (bad + 1) / (n + 2)
    return Arm(n, bad / n if n else 0.0, smoothed * (1 - smoothed))


def compare(first: Arm, second: Arm, *, alpha: float = 0.05, expected: float = 0.1) -> Sequential:
    """Compare two groups, valid at any time.

    With the difference d of the means, its variance V = s1^2/n1 + s2^2/n2 and a mixture N(0, tau^2), the average
    likelihood ratio is sqrt(V / (V + tau^2)) exp(tau^2 d^2 / (2 V (V + tau^2))).

    Args:
        first: What is compared with.
        second: What is compared.
        alpha: How often it may ever decide that there is a difference where there is none.
        expected: tau: about which differences it is best at, in the unit of the measure.

    Raises:
        InvalidInputError: A spread is negative, or alpha or `expected` is out of range.
    """
    if not (0 < alpha < 1 and expected > 0 and isfinite(expected)):
        raise InvalidInputError("alpha lies between 0 and 1, and the expected difference is above 0.")
    if not all(isfinite(value) for arm in (first, second) for value in (arm.mean, arm.variance)):
        raise InvalidInputError("A mean or a variance is not a number.")
    if min(first.variance, second.variance) < 0:
        raise InvalidInputError("A variance can't be negative.")
    difference = second.mean - first.mean
    enough = min(first.n, second.n) >= MINIMUM
    if not enough:
        return Sequential(difference, -inf, inf, 1.0, decided=False, enough=False)
    variance = first.variance / first.n + second.variance / second.n
    if variance == 0:  # all of a group alike: nothing is known of the spread
        return Sequential(difference, -inf, inf, 1.0, decided=False, enough=True)
    tau = expected**2
    shrink = 0.5 * log1p(tau / variance)
    evidence = tau * difference**2 / (2 * variance * (variance + tau)) - shrink
    radius = sqrt(2 * variance * (variance + tau) / tau * (log(1 / alpha) + shrink))
    p_value = exp(min(0.0, -evidence))
    return Sequential(
        difference, difference - radius, difference + radius, p_value, decided=p_value <= alpha, enough=True
    )
