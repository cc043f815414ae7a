"""Whether two groups are equal for practical purposes: within a margin set beforehand, by two one-sided tests."""

from dataclasses import dataclass

from qms_mcp.errors import InvalidInputError
from qms_mcp.statistics.comparing.tails import t_above, t_quantile


@dataclass(frozen=True, slots=True)
class Equivalence:
    """What two one-sided tests say (Schuirmann 1987).

    Attributes:
        margin: Differences smaller than this do not matter.
        low: Of the interval at 1 - 2 alpha: equivalent if it lies...
        high: ...within -margin..margin.
        p: The larger of both.
        equivalent: p is below alpha.
    """

    margin: float
    low: float
    high: float
    p: float
    equivalent: bool


def equivalence(value: float, error: float, df: float, margin: float, alpha: float = 0.05) -> Equivalence:
    """Return whether a difference with this standard error lies within -margin..margin.

    Raises:
        InvalidInputError: The margin is not positive.
    """
    if not margin > 0:
        raise InvalidInputError(
            f"The margin of equivalence must be positive; given: {margin:g}.",
            hint="Give the largest difference that would not matter, in the unit of the values.",
        )
    p = max(t_above((value + margin) / error, df), t_above((margin - value) / error, df))
    reach = t_quantile(1 - alpha, df) * error
    return Equivalence(margin, value - reach, value + reach, p, p < alpha)
