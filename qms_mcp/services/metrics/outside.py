"""Metrics that need numbers the records do not hold: units, deliveries, lots, costs, sent along as a table."""

import math
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from qms_mcp.errors import InvalidInputError
from qms_mcp.services.metrics.scope import Measured, Record, Scope
from qms_mcp.services.metrics.shares import share_of
from qms_mcp.statistics.flags import Flag
from qms_mcp.statistics.intervals import poisson_rate
from qms_mcp.statistics.numbers import MISSING, as_number

_MILLION = 1_000_000
CATEGORIES = ("prevention", "appraisal", "internal", "external")
_EXTERNAL = ("delivered", "field")
_NO_CURRENCY = "no currency"


def complaint_rate(scope: Scope) -> Measured:
    """Return complaints per million units, with the exact interval of a Poisson rate."""
    units = _sum(scope.volumes, "units")
    if units is None:
        return _wanting("volumes", "units")
    if units <= 0:
        return Measured(None, 0, why_not="there are no units in the window")
    found = scope.reported(("complaint",))
    low, high = poisson_rate(len(found), units)
    behind = tuple(one.number for one in found[:20])
    rate = _MILLION * len(found) / units
    return Measured(rate, len(found), _MILLION * low, _MILLION * high, len(found), units, behind=behind)


def first_pass_yield(scope: Scope) -> Measured:
    """Return units right the first time out of units inspected."""
    inspected = _sum(scope.volumes, "inspected")
    if inspected is None:
        return _wanting("volumes", "inspected and passed (or defective)")
    passed, defective = _sum(scope.volumes, "passed"), _sum(scope.volumes, "defective")
    if passed is None and defective is None:
        return _wanting("volumes", "passed or defective")
    right = passed if passed is not None else inspected - (defective or 0)
    return _share(right, inspected, "nothing was inspected in the window")


def supplier_ppm(scope: Scope) -> Measured:
    """Return rejected per million received units."""
    received = _sum(scope.volumes, "received")
    if received is None:
        return _wanting("volumes", "received, with supplier")
    rejected = _sum(scope.volumes, "rejected")
    if rejected is not None:
        return _share(rejected, received, "nothing was received in the window", scale=_MILLION)
    of_deliveries = [one for one in scope.reported(("nonconformance",)) if one.fields.get("supplier_id")]
    units = sorted({unit for one in of_deliveries if (unit := str(one.fields.get("unit") or "").strip().casefold())})
    if len(units) > 1:
        return Measured(None, 0, why_not=f"quantities are in {', '.join(units)}; give volumes with rejected")
    counted = math.fsum(float(one.fields.get("quantity_affected") or 0) for one in of_deliveries)
    if counted > received:
        return Measured(None, 0, why_not=f"more is nonconforming ({counted:g}) than was received ({received:g})")
    found = _share(counted, received, "nothing was received in the window", scale=_MILLION)
    behind = tuple(one.number for one in of_deliveries[:20])
    return Measured(
        found.value, found.n, found.low, found.high, found.numerator, found.denominator, behind=behind,
        detail={"from_nonconformances": len(of_deliveries)}, why_not=found.why_not,
    )  # fmt: skip


def lot_acceptance(scope: Scope) -> Measured:
    """Return lots accepted out of lots received."""
    lots, accepted = _sum(scope.volumes, "lots"), _sum(scope.volumes, "lots_accepted")
    if lots is None or accepted is None:
        return _wanting("volumes", "lots and lots_accepted")
    return _share(accepted, lots, "no lot was received in the window")


def cost_of_quality(scope: Scope) -> Measured:
    """Return the sum of the four categories of cost, in one currency.

    Raises:
        InvalidInputError: A category of the table is none of the four, or an amount is no number or negative.
    """
    costly = [one for one in scope.reported(("nonconformance",)) if one.fields.get("cost") is not None]
    sums = _by_currency(costly, scope.costs)
    if not sums:
        return Measured(None, 0, why_not="no nonconformance has a cost, and no table of costs was given")
    flags = [*_taken_for(sums), *_told_twice(costly, scope.costs)]
    n = len(costly) + len(scope.costs)
    if len(sums) > 1:
        totals = {name: round(sum(parts.values()), 2) for name, parts in sorted(sums.items())}
        told = ", ".join(f"{total:,.2f} {name}" for name, total in totals.items())
        why_not = f"costs are in several currencies ({told}), and nothing is converted"
        return Measured(None, n, detail=totals, why_not=why_not)
    currency, parts = next(iter(sums.items()))
    total, failure = math.fsum(parts.values()), parts["internal"] + parts["external"]
    detail = {kind: round(amount, 2) for kind, amount in parts.items()}
    detail["failure_percent"] = round(100 * failure / total, 2) if total else 0.0
    unsaid = sum(not one.fields.get("detected_at_stage") for one in costly)
    if unsaid:
        detail["internal_because_no_stage"] = unsaid
    behind = tuple(one.number for one in sorted(costly, key=lambda one: -float(one.fields["cost"]))[:20])
    return Measured(
        total, n, unit=currency, detail=detail, behind=behind, numerator=total, flags=tuple(flags)
    )  # fmt: skip


def _by_currency(costly: Sequence[Record], costs: Sequence[Mapping[str, Any]]) -> dict[str, dict[str, float]]:
    amounts: dict[str, dict[str, list[float]]] = defaultdict(lambda: {kind: [] for kind in CATEGORIES})
    for one in costly:
        kind = "external" if one.fields.get("detected_at_stage") in _EXTERNAL else "internal"
        amounts[_currency(one.fields)][kind].append(float(one.fields["cost"]))
    for row in costs:
        amounts[_currency(row)][_category(row)].append(_amount(row))
    return {name: {kind: math.fsum(given) for kind, given in parts.items()} for name, parts in amounts.items()}


def _currency(row: Mapping[str, Any]) -> str:
    return str(row.get("currency") or "").strip().upper() or _NO_CURRENCY


def _taken_for(sums: dict[str, dict[str, float]]) -> list[Flag]:
    """Add what names no currency to the one there is, and say so."""
    if _NO_CURRENCY not in sums or len(sums) != 2:  # noqa: PLR2004 - one currency and what names none
        return []
    named = next(name for name in sums if name != _NO_CURRENCY)
    unnamed = sums.pop(_NO_CURRENCY)
    for kind, amount in unnamed.items():
        sums[named][kind] += amount
    says = f"{math.fsum(unnamed.values()):,.2f} of cost name no currency and were taken for {named}."
    return [Flag("currency", says, "Name the currency of each cost.")]


def _told_twice(costly: Sequence[Record], costs: Sequence[Mapping[str, Any]]) -> list[Flag]:
    if not costly or not any(_category(row) in {"internal", "external"} for row in costs):
        return []
    says = f"Failure costs come from {len(costly)} nonconformances and from the table too: both are in the sum."
    return [Flag("counted_twice", says, "Leave out of the table what the nonconformances hold.")]


def _category(row: Mapping[str, Any]) -> str:
    said = str(row.get("category") or "").strip().casefold().removesuffix(" cost").removesuffix(" failure")
    if said not in CATEGORIES:
        raise InvalidInputError(
            f"{row.get('category')!r} is no category of cost.", hint=f"They are: {', '.join(CATEGORIES)}."
        )
    return said


def _amount(row: Mapping[str, Any]) -> float:
    return _number(row, "amount")


def _number(row: Mapping[str, Any], name: str) -> float:
    number = as_number(row.get(name))
    if number is None or number is MISSING or not 0 <= number < float("inf"):
        raise InvalidInputError(
            f"{row.get(name)!r} in column {name!r} is not a number from 0 on.", hint="Correct or leave out the row."
        )
    return number


def _sum(rows: Sequence[Mapping[str, Any]], name: str) -> float | None:
    """Return the sum of a column; None when no row has it."""
    there = [row for row in rows if name in row]
    return sum(_number(row, name) for row in there) if there else None


def _share(k: float, n: float, nothing: str, *, scale: float = 100.0) -> Measured:
    if k > n:
        return Measured(None, 0, why_not=f"{k:g} of {n:g} is more than all of them")
    if k != int(k) or n != int(n):
        # Metres and kilograms have no exact interval.
        return Measured(scale * k / n, 0, numerator=k, denominator=n) if n else Measured(None, 0, why_not=nothing)
    return share_of(int(k), int(n), nothing, scale=scale)


def _wanting(table: str, columns: str) -> Measured:
    return Measured(None, 0, why_not=f"it needs a table: give {table} with {columns}")


Metric = Callable[[Scope], Measured]
