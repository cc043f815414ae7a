"""What may be dispositioned of a nonconforming quantity: all of it once, and none of it twice.

Quantities are exact decimals in one unit. The decision itself belongs to a person of the material review board; these
functions only see to it that the numbers add up.
"""

from collections.abc import Iterable
from decimal import Decimal
from typing import Literal, get_args

from qms_mcp.errors import ConflictError, InvalidInputError
from qms_mcp.services.domain.frozen import Frozen

Disposition = Literal["use_as_is", "rework", "repair", "regrade", "scrap", "return_to_supplier"]

DISPOSITIONS: tuple[Disposition, ...] = get_args(Disposition)
# A concession needs a justification; what was worked on needs the result of verifying it again (ISO 13485 8.3).
NEEDS_JUSTIFICATION: frozenset[Disposition] = frozenset({"use_as_is", "repair", "regrade"})
NEEDS_REVERIFICATION: frozenset[Disposition] = frozenset({"rework", "repair"})


class Quantities(Frozen):
    """How much is affected, decided on and still open, in one unit."""

    affected: Decimal
    dispositioned: Decimal
    unit: str = ""

    @property
    def remaining(self) -> Decimal:
        """What nobody has decided on yet."""
        return self.affected - self.dispositioned

    @property
    def complete(self) -> bool:
        """Whether all of it is decided on."""
        return self.remaining == 0

    def words(self) -> str:
        """Return the three numbers as a sentence."""
        unit = f" {self.unit}" if self.unit else ""
        return (
            f"{plain(self.dispositioned)} of {plain(self.affected)}{unit} dispositioned, {plain(self.remaining)} remain"
        )


def add_up(affected: Decimal, decided: Iterable[Decimal], *, unit: str = "") -> Quantities:
    """Return the quantities of a nonconformance.

    Raises:
        InvalidInputError: A quantity is no positive number.
        ConflictError: More is dispositioned than is affected.
    """
    if not affected.is_finite() or affected < 0:
        raise InvalidInputError("The affected quantity has to be a number, zero or more.")
    amounts = [_positive(amount) for amount in decided]
    total = sum(amounts, Decimal(0))
    if total > affected:
        raise ConflictError(
            f"{plain(total)} dispositioned is more than the {plain(affected)} affected.",
            hint="Correct the affected quantity first, with a reason, or disposition less.",
        )
    return Quantities(affected=affected, dispositioned=total, unit=unit)


def check_disposition(now: Quantities, quantity: Decimal, *, kind: Disposition, justification: str = "") -> Quantities:
    """Return what the quantities would be after one more disposition.

    Raises:
        InvalidInputError: The quantity is not positive, or a concession has no justification.
        ConflictError: It is more than remains.
    """
    _positive(quantity)
    if kind in NEEDS_JUSTIFICATION and not justification.strip():
        raise InvalidInputError(
            f"{kind} needs a justification.", hint="Say why the product may be used although it does not conform."
        )
    if quantity > now.remaining:
        raise ConflictError(
            f"{plain(quantity)} is more than the {plain(now.remaining)} that remain of {plain(now.affected)}.",
            hint="Disposition what remains, or correct the affected quantity first, with a reason.",
        )
    return now.model_copy(update={"dispositioned": now.dispositioned + quantity})


def plain(amount: Decimal) -> str:
    """Return a number without exponent and trailing zeros."""
    text = f"{amount:f}"
    return (text.rstrip("0").rstrip(".") or "0") if "." in text else text


def _positive(amount: Decimal) -> Decimal:
    if not amount.is_finite() or amount <= 0:
        raise InvalidInputError(
            "A dispositioned quantity has to be a number above zero.", hint="Leave out what is not decided yet."
        )
    return amount
