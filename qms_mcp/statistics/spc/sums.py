"""Means that keep their digits, and the errors for what can't be averaged."""

from typing import TYPE_CHECKING, Final

from qms_mcp.errors import InvalidInputError

if TYPE_CHECKING:
    from qms_mcp.statistics.spc.rules import Mask, Values

_BLOCK: Final = 16_384  # fits the cache nearest to the core


def mean(values: "Values") -> float:
    """Return the mean, summed from a first guess of it; nan if a value is missing.

    The guess is the mean of the first block. What is summed are small deviations from it, so that values of 1e9 with a
    noise of 1e-3 keep their digits; of a single block it is the usual second pass.
    """
    import numpy as np  # noqa: PLC0415

    if not values.size:
        return float("nan")
    guess = float(np.add.reduce(values[:_BLOCK])) / min(values.size, _BLOCK)
    rest = sum(float(np.add.reduce(values[start : start + _BLOCK] - guess)) for start in range(0, values.size, _BLOCK))
    return guess + rest / values.size


def present(values: "Values", counted: "Mask") -> "Values":
    """Return the values that count and are there."""
    import numpy as np  # noqa: PLC0415

    return values[counted & ~np.isnan(values)]


def standard_deviation(values: "Values") -> float:
    """Return the standard deviation with n - 1, in two passes."""
    import numpy as np  # noqa: PLC0415

    left = values - mean(values)
    return float(np.sqrt(np.add.reduce(left * left) / (values.size - 1)))


def refuse_too_few(points: int, what: str) -> None:
    """Refuse to estimate limits from fewer than two points.

    Raises:
        InvalidInputError: There are fewer than two.
    """
    if points < 2:  # noqa: PLR2004 - a variation needs two
        raise InvalidInputError(
            f"Limits can't be estimated from {points} {what}{'' if points == 1 else 's'}: at least 2 are needed, "
            "20 to 25 to rely on them.",
            hint="Give more, or limits known before: a baseline, or target and sigma.",
        )


def refuse_no_variation(sigma: float, points: int, what: str) -> None:
    """Refuse limits of no width.

    Raises:
        InvalidInputError: Sigma is zero.
    """
    if not sigma > 0:
        raise InvalidInputError(
            f"The {points} {what}s do not vary within, so there are no control limits to compute (sigma would be 0).",
            hint="Look at how they are measured or rounded: a finer resolution, or limits known before "
            "(a baseline, or target and sigma).",
        )
