"""From values as they arrive to numbers one may compute with; what is no number is refused by its place.

clean([9.8, None, "10.1"], "thickness")     # array([9.8, nan, 10.1]); None is a missing value
"""

import math
from collections.abc import Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from qms_mcp.errors import InvalidInputError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

LARGEST = 1e150
_MOST_NAMED = 5


def clean(values: "Sequence[Any] | NDArray[np.float64]", name: str, *, missing: bool = True) -> "NDArray[np.float64]":
    """Return values as float64; a missing one (None, empty text) is nan.

    Args:
        values: Numbers, decimals, or text that is a plain number ("10.1", "1e-3"); None for a missing one.
        name: What they are called, for the error.
        missing: Whether missing values are allowed.

    Raises:
        InvalidInputError: A value is text, a truth value, infinite, not a number, or so large (above 1e150) that its
            square can't be represented; or one is missing and may not be; or there is none at all.
    """
    import numpy as np  # noqa: PLC0415

    array = _quick(values, name) if _all_floats(values) else _one_by_one(values, name)
    bad = np.flatnonzero(np.isinf(array) | (np.abs(array) > LARGEST))
    if bad.size:
        raise _refusal(
            name, [(int(at), array[at]) for at in bad], "infinite or too large to compute with (above 1e150)"
        )
    if not missing and np.isnan(array).any():
        raise _refusal(name, [(int(at), None) for at in np.flatnonzero(np.isnan(array))], "missing")
    if not array.size or np.isnan(array).all():
        raise InvalidInputError(f"There is no value of {name}.", hint="Check the filter and the name of the column.")
    return array


def _all_floats(values: "Sequence[Any] | NDArray[np.float64]") -> bool:
    import numpy as np  # noqa: PLC0415

    return isinstance(values, np.ndarray) or all(type(value) is float for value in values)


def _quick(values: "Sequence[Any] | NDArray[np.float64]", name: str) -> "NDArray[np.float64]":
    import numpy as np  # noqa: PLC0415

    array = np.asarray(values, dtype=np.float64)
    if not isinstance(values, np.ndarray) and np.isnan(array).any():
        # In a list a missing value is None: a nan is a number somebody failed to compute.
        raise _refusal(name, [(int(at), math.nan) for at in np.flatnonzero(np.isnan(array))], "not a number")
    return array


def _one_by_one(values: "Sequence[Any] | NDArray[np.float64]", name: str) -> "NDArray[np.float64]":
    import numpy as np  # noqa: PLC0415

    made, wrong = np.full(len(values), np.nan), list[tuple[int, Any]]()
    for at, value in enumerate(values):
        number = as_number(value)
        if number is None:
            wrong.append((at, value))
        made[at] = math.nan if number is None else number
    if wrong:
        raise _refusal(name, wrong, "not a number")
    return made


MISSING = math.nan


def as_number(value: Any) -> float | None:
    """Return a value as a number, `MISSING` when it is left out, None when it is something else."""
    if value is None or (isinstance(value, str) and not value.strip()):
        return MISSING
    if isinstance(value, bool):
        return None
    if isinstance(value, int | float | Decimal):
        number = _as_float(value)
    elif isinstance(value, str):
        try:
            # Not "1_000", and no digits of other scripts: what is no plain number in a table is text.
            number = float(value) if value.isascii() and "_" not in value else math.nan
        except ValueError:
            return None
    else:
        return None
    return None if math.isnan(number) else number


def _as_float(value: float | Decimal) -> float:
    try:
        return float(value)
    except OverflowError:
        return math.inf


def _refusal(name: str, wrong: Sequence[tuple[int, Any]], what: str) -> InvalidInputError:
    named = ", ".join(
        f"row {at + 1}" if value is None else f"row {at + 1} ({str(value)[:30]!r})" for at, value in wrong[:_MOST_NAMED]
    )
    more = f" and {len(wrong) - _MOST_NAMED} more" if len(wrong) > _MOST_NAMED else ""
    return InvalidInputError(
        f"{len(wrong)} of the values of {name} {'is' if len(wrong) == 1 else 'are'} {what}: {named}{more}.",
        hint="Correct them, leave them out with a filter, or give null for a value that is missing.",
    )
