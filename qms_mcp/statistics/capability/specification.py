"""The specification: what is asked of a characteristic. Not control limits, which the process itself sets."""

import math
from dataclasses import dataclass

from qms_mcp.errors import InvalidInputError
from qms_mcp.statistics.numbers import LARGEST


@dataclass(frozen=True, slots=True)
class Specification:
    """Limits and target, in the unit of the values; at least one limit.

    Attributes:
        lsl: Lower specification limit.
        usl: Upper specification limit.
        target: Where the characteristic should be; needed for Cpm only.
    """

    lsl: float | None = None
    usl: float | None = None
    target: float | None = None

    def __post_init__(self) -> None:
        for name in ("lsl", "usl", "target"):
            value: float | None = getattr(self, name)
            if value is not None and not (math.isfinite(value) and abs(value) <= LARGEST):
                raise InvalidInputError(f"{name} is {value}: no number to compute with.", hint=f"Correct {name}.")
        if self.lsl is None and self.usl is None:
            raise InvalidInputError(
                "There is no specification limit, so there is nothing to be capable of.",
                hint="Give lsl, usl or both; they come from the drawing or the specification, not from the data.",
            )
        if self.lsl is not None and self.usl is not None and self.lsl >= self.usl:
            raise InvalidInputError(
                f"lsl ({self.lsl:g}) is not below usl ({self.usl:g}).", hint="Were they exchanged, or one mistyped?"
            )
        if self.target is not None and not self._holds(self.target):
            raise InvalidInputError(
                f"The target ({self.target:g}) is not within the specification ({self.words()}).",
                hint="Correct the target, or leave it out: only Cpm needs it.",
            )

    @property
    def width(self) -> float | None:
        """Return usl - lsl; None when there is only one limit."""
        return None if self.lsl is None or self.usl is None else self.usl - self.lsl

    def words(self) -> str:
        """Return it in words."""
        if self.lsl is None:
            return f"at most {self.usl:g}"
        return f"at least {self.lsl:g}" if self.usl is None else f"{self.lsl:g} to {self.usl:g}"

    def _holds(self, value: float) -> bool:
        return (self.lsl is None or self.lsl <= value) and (self.usl is None or value <= self.usl)
