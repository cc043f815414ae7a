"""Assessing risks: the numbers are computed here from the ratings, never taken from the caller.

Whether a risk is accepted is decided by a person, in the workflow of the record.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from typing import TYPE_CHECKING, Any
from uuid import UUID

from pydantic import ValidationError

from qms_mcp.auth.principal import Principal
from qms_mcp.db.queries import query
from qms_mcp.errors import InvalidInputError
from qms_mcp.services.domain.risk import DEFAULT_MATRIX, RiskMatrix
from qms_mcp.services.events.records import record_of
from qms_mcp.services.records.models import Written
from qms_mcp.services.records.people import People
from qms_mcp.services.records.writing import MADE_BEFORE, RecordWriter, Writing
from qms_mcp.services.risks.models import Control, RiskAssessed, RiskInput
from qms_mcp.services.risks.rating import Numbers, rate_risk

if TYPE_CHECKING:
    from qms_mcp.db.database import Database

_RATING = query("risks.rating")
_CONTROLS = query("risks.controls")
_MATRIX = query("risks.matrix")
# What is computed: a caller who gives it as a field is told so.
_COMPUTED = frozenset({"rpn", "action_priority", "acceptability", "residual_rpn", "residual_priority",
                       "residual_acceptability"})  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Rated:
    method: str | None
    severity: int | None
    occurrence: int | None
    detection: int | None
    probability: int | None
    residual_severity: int | None
    residual_occurrence: int | None
    residual_detection: int | None
    residual_probability: int | None
    action_priority: str | None
    acceptability: str | None
    residual_priority: str | None
    residual_acceptability: str | None


_RATINGS = frozenset(field.name for field in fields(_Rated)) - {"method"} - _COMPUTED


@dataclass(frozen=True, slots=True)
class _ControlSeen:
    control_kind: str
    description: str
    verified: bool


class Risks:
    """Assesses risks."""

    def __init__(self, database: "Database") -> None:
        self._writer = RecordWriter(database)
        self._people = People(database)

    async def assess(
        self, principal: Principal, given: RiskInput, because: str, *, idempotency_key: str | None = None
    ) -> RiskAssessed:
        """Add or update a risk item and compute what its ratings mean.

        Raises:
            InvalidInputError: A rating is missing or out of its range, or a residual risk has no control.
            ConflictError: The state of the item locks it.
            NotFoundError: A record or person that is named does not exist.
        """
        fields = await self._people.resolve_fields(principal, _fields(given))
        async with self._writer.open(principal, because=because) as writing:
            if given.record:
                record_id = (await record_of(writing, given.record, "risk")).id
                if fields:
                    await writing.change(record_id, None, fields)
            else:
                made = await writing.add("risk", fields, idempotency_key=idempotency_key)
                record_id = made.id
                if MADE_BEFORE in made.warnings:
                    return _answer(made, await _numbers(writing, record_id, await _rated(writing, record_id)))
            await _add_controls(writing, record_id, given.controls)
            for reference in given.about:
                await writing.link(record_id, reference, "relates_to")
            rated = await _rated(writing, record_id)
            numbers = await _numbers(writing, record_id, rated)
            if any(rated[name] != value for name, value in numbers.columns.items()):
                await writing.change(record_id, None, numbers.columns)
            return _answer(await writing.written(record_id), numbers)


def _fields(given: RiskInput) -> dict[str, Any]:
    wrong = _COMPUTED & {*given.fields, *given.ratings}
    if wrong:
        raise InvalidInputError(f"{', '.join(sorted(wrong))}: computed from the ratings.", hint="Give ratings instead.")
    unknown = set(given.ratings) - _RATINGS
    if unknown:
        raise InvalidInputError(
            f"{', '.join(sorted(unknown))}: no such rating.", hint=f"Ratings: {', '.join(sorted(_RATINGS))}."
        )
    return {name: value for name, value in {**given.fields, **given.ratings}.items() if value is not None}


async def _add_controls(writing: Writing, record_id: UUID, new: Sequence[Control]) -> None:
    before = {(control.control_kind, control.description) for control in await _controls(writing, record_id)}
    for control in new:
        if (control.control_kind, control.description) not in before:
            await writing.add_part(record_id, "risk_controls", control.model_dump())


async def _controls(writing: Writing, record_id: UUID) -> list[_ControlSeen]:
    return await writing.transaction.fetch_all(_CONTROLS, {"record_id": record_id}, row=_ControlSeen)


async def _rated(writing: Writing, record_id: UUID) -> dict[str, Any]:
    rated = await writing.transaction.fetch_one(_RATING, {"record_id": record_id}, row=_Rated)
    return asdict(rated) if rated else {}


async def _numbers(writing: Writing, record_id: UUID, rated: Mapping[str, Any]) -> Numbers:
    controls = await _controls(writing, record_id)
    return rate_risk(
        rated,
        await _matrix(writing),
        controls=len(controls),
        verified=bool(controls) and all(control.verified for control in controls),
    )


async def _matrix(writing: Writing) -> RiskMatrix:
    """Return the organization's criteria, or those shipped.

    Raises:
        InvalidInputError: The organization's own make no sense.
    """
    rows = await writing.transaction.fetch_dicts(_MATRIX)
    own = rows[0]["matrix"] if rows else None
    if own is None:
        return DEFAULT_MATRIX
    try:
        return RiskMatrix.model_validate(own)
    except ValidationError as wrong:
        raise InvalidInputError(
            "The setting risk_matrix of this organization can't be used.", hint="An administrator has to correct it."
        ) from wrong


def _answer(made: Written, numbers: Numbers) -> RiskAssessed:
    made = made.model_copy(update={"warnings": [*made.warnings, *numbers.notes]})
    known: dict[str, int | str] = {**numbers.columns, **({"rpn": numbers.rpn} if numbers.rpn else {})}
    return RiskAssessed(**dict(made), rating=numbers.words, numbers=known)
