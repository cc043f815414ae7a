"""How many runs an experiment needs to see a difference that matters.

Both formulas compare two independent groups with normal approximations; the second group may be `ratio` times as large
as the first.
"""

from dataclasses import dataclass
from math import ceil, isfinite, sqrt

from qms_mcp.errors import InvalidInputError

MOST_RUNS = 10_000_000


@dataclass(frozen=True, slots=True)
class SampleSize:
    """A plan.

    Attributes:
        first: Runs of the first group.
        second: Runs of the second.
        difference: The smallest difference it will see.
        alpha: How often it sees one where there is none.
        power: How often it sees that one.
    """

    first: int
    second: int
    difference: float
    alpha: float
    power: float

    @property
    def total(self) -> int:
        """Runs of both."""
        return self.first + self.second


def for_proportions(
    first: float, second: float, *, alpha: float = 0.05, power: float = 0.8, ratio: float = 1.0
) -> SampleSize:
    """Return the size that tells two shares apart, two-sided.

    Source: J. L. Fleiss, B. Levin, M. C. Paik, Statistical Methods for Rates and Proportions, 3rd edition, Wiley 2003,
    sections 4.2 and 4.4, without correction for continuity:
    n1 = (z(1-alpha/2) sqrt((r+1) p q) + z(power) sqrt(r p1 q1 + p2 q2))^2 / (r (p1-p2)^2), p = (p1 + r p2) / (r+1).

    Args:
        first: Share in the first group, above 0 and below 1.
        second: Share in the second that is to be seen.
        alpha: How often it may see a difference where there is none.
        power: How often it has to see this one.
        ratio: Size of the second group over that of the first.

    Raises:
        InvalidInputError: A share is none, or they are the same.
    """
    if not (0 < first < 1 and 0 < second < 1) or first == second:
        raise InvalidInputError("Two different shares above 0 and below 1 are needed.")
    alpha_z, power_z = _quantiles(alpha, power, ratio)
    mean = (first + ratio * second) / (ratio + 1)
    root = alpha_z * sqrt((ratio + 1) * mean * (1 - mean)) + power_z * sqrt(
        ratio * first * (1 - first) + second * (1 - second)
    )
    return _sized(root**2 / (ratio * (first - second) ** 2), ratio, abs(first - second), alpha, power)


def for_means(
    difference: float, sd: float, *, alpha: float = 0.05, power: float = 0.8, ratio: float = 1.0
) -> SampleSize:
    """Return the size that tells two means apart, two-sided, with the same known spread in both groups.

    Source: S.-C. Chow, J. Shao, H. Wang, Y. Lokhnygina, Sample Size Calculations in Clinical Research, 3rd edition,
    CRC Press 2018, section 3.2: n1 = (z(1-alpha/2) + z(power))^2 sd^2 (1 + 1/r) / difference^2.

    Args:
        difference: The smallest that has to be seen, in the unit of the measure.
        sd: Standard deviation within a group, in the same unit.
        alpha: How often it may see a difference where there is none.
        power: How often it has to see this one.
        ratio: Size of the second group over that of the first.

    Raises:
        InvalidInputError: The difference or the spread is not above 0.
    """
    if not (difference > 0 and sd > 0 and isfinite(difference) and isfinite(sd)):
        raise InvalidInputError("The difference and the standard deviation have to be above 0.")
    alpha_z, power_z = _quantiles(alpha, power, ratio)
    return _sized((alpha_z + power_z) ** 2 * sd**2 * (1 + 1 / ratio) / difference**2, ratio, difference, alpha, power)


def _quantiles(alpha: float, power: float, ratio: float) -> tuple[float, float]:
    if not (0 < alpha < 1 and 0 < power < 1 and ratio > 0 and isfinite(ratio)):
        raise InvalidInputError("alpha and power lie between 0 and 1, and the ratio is above 0.")
    from scipy.special import ndtri  # noqa: PLC0415 - scipy is slow to load

    return float(ndtri(1 - alpha / 2)), float(ndtri(power))


def _sized(first: float, ratio: float, difference: float, alpha: float, power: float) -> SampleSize:
    if first * max(ratio, 1.0) > MOST_RUNS:
        raise InvalidInputError(
            f"It would take more than {MOST_RUNS:,} runs.", hint="Look for a greater difference, or share more evenly."
        )
    # Rounding up may not come from the last digit of a sum that is whole.
    n = max(2, ceil(first - 1e-9))
    return SampleSize(n, max(2, ceil(first * ratio - 1e-9)), difference, alpha, power)
