"""What the ratings of a risk mean: by the action priority table, or by the matrix of the organization."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from qms_mcp.errors import InvalidInputError
from qms_mcp.services.domain.risk import PRIORITY_MEANING, RiskMatrix, rate, residual_risk

RATED: dict[str, tuple[str, ...]] = {
    "fmea": ("severity", "occurrence", "detection"),
    "iso14971": ("severity", "probability"),
}


@dataclass(frozen=True, slots=True)
class Numbers:
    """What the tables give.

    Attributes:
        columns: Of the record.
        words: The ratings and what they mean.
        notes: What a person who accepts or refuses the risk has to look at.
    """

    columns: dict[str, str]
    words: str
    rpn: int | None = None
    notes: tuple[str, ...] = ()


def rate_risk(rated: Mapping[str, Any], matrix: RiskMatrix, *, controls: int, verified: bool) -> Numbers:
    """Return what the ratings of a risk item mean.

    Args:
        rated: method, its ratings, and the residual ones if there are any.
        matrix: The criteria of ISO 14971 in this organization.
        controls: How many there are.
        verified: That each is there and works.

    Raises:
        InvalidInputError: A rating is missing or out of its range, or a residual risk has no control.
    """
    method = rated.get("method")
    if method not in RATED:
        raise InvalidInputError("A risk needs a method.", hint="fmea or iso14971.")
    first = _ratings(rated, RATED[method], "")
    if first is None:
        raise InvalidInputError(
            f"{method} is rated by {', '.join(RATED[method])}.", hint="Ask for the ratings; none is ever guessed."
        )
    second = _ratings(rated, RATED[method], "residual_")
    if second is not None and controls == 0:
        raise InvalidInputError("A residual risk is what controls leave.", hint="Name the controls.")
    if method == "fmea":
        return _fmea(first, second)
    return _chain(first, second, matrix, verified=verified)


def _ratings(rated: Mapping[str, Any], names: Sequence[str], prefix: str) -> list[int] | None:
    """Return the ratings; none when there are none."""
    found = {name: rated.get(prefix + name) for name in names}
    missing = [prefix + name for name, value in found.items() if value is None]
    if len(missing) == len(names):
        return None
    if missing:
        raise InvalidInputError(f"{', '.join(missing)} is missing.", hint="Ratings count only together.")
    return [int(value) for value in found.values() if value is not None]


def _fmea(first: Sequence[int], second: Sequence[int] | None) -> Numbers:
    rating = rate(*first)
    words = f"S{first[0]} O{first[1]} D{first[2]}: RPN {rating.rpn}, action priority {rating.action_priority}"
    columns: dict[str, str] = {"action_priority": rating.action_priority}
    notes = [f"{rating.action_priority}: {PRIORITY_MEANING[rating.action_priority]}."]
    if second is not None:
        residual = rate(*second)
        columns["residual_priority"] = residual.action_priority
        words += f"; residual S{second[0]} O{second[1]} D{second[2]}: RPN {residual.rpn}, {residual.action_priority}"
        if second[0] < first[0]:
            notes.append("A lower severity is rare: only a change of the design itself brings it.")
    return Numbers(columns, words, rating.rpn, tuple(notes))


def _chain(first: Sequence[int], second: Sequence[int] | None, matrix: RiskMatrix, *, verified: bool) -> Numbers:
    before = (first[0], first[1])
    columns: dict[str, str] = {"acceptability": matrix.region(*before)}
    if second is None:
        return Numbers(columns, matrix.words(*before))
    after = (second[0], second[1])
    residual = residual_risk(before, after, controls_verified=verified, matrix=matrix)
    columns["residual_acceptability"] = residual.after
    return Numbers(columns, f"{matrix.words(*before)}; residual {matrix.words(*after)}", notes=residual.notes)
