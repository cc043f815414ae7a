"""Changing a record: fields, a piece of evidence, a link, a remark, all in one transaction and one new version.

What people decide is refused here with the way to get it decided; the database would refuse it in any case.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, get_args
from uuid import UUID

from qms_mcp.auth.principal import Principal
from qms_mcp.errors import InvalidInputError, NotAllowedError
from qms_mcp.services.records.models import LinkKind, Written
from qms_mcp.services.records.refusals import noting_refusals
from qms_mcp.services.records.writing import RecordWriter

if TYPE_CHECKING:
    from qms_mcp.db.database import Database

_STATE = frozenset({"status", "state", "closed_at", "state_since", "definition_id"})
_DECIDED = frozenset({
    "verdict", "verdict_by", "decided_by", "decided_at", "accepted_by", "accepted_at", "reportable",
    "reportability_decided_by", "is_effective", "effective_from", "effective_to", "acknowledged_at", "adopted_by",
    "adopted_at", "legal_hold",
})  # fmt: skip


@dataclass(frozen=True, slots=True)
class Update:
    """What changes.

    Attributes:
        fields: Of the base and of the type, by name.
        evidence: A piece of evidence: title, and uri, document_id or sha256; kind is `file` when left out.
        link: To another record: to, kind, note.
        note: A remark that is added.
    """

    fields: Mapping[str, Any] = field(default_factory=dict[str, Any])
    evidence: Mapping[str, Any] | None = None
    link: Mapping[str, Any] | None = None
    note: str | None = None

    @property
    def empty(self) -> bool:
        """Whether nothing would change."""
        return not (self.fields or self.evidence or self.link or (self.note or "").strip())


class RecordUpdates:
    """Changes records."""

    def __init__(self, database: "Database") -> None:
        self._database = database
        self._writer = RecordWriter(database)

    async def update(
        self, principal: Principal, reference: UUID | str, version: int, update: Update, because: str
    ) -> Written:
        """Change a record its caller saw in its latest version.

        Raises:
            ConflictError: It has another version by now, or its state locks a field.
            InvalidInputError: Nothing would change, or a field or a value is wrong.
            NotAllowedError: A person decides this.
        """
        if update.empty:
            raise InvalidInputError("Nothing would change.", hint="Give fields, evidence, a link or a note.")
        async with noting_refusals(self._database, principal, reference, {"tried": "update_record"}):
            refuse_decisions(update.fields)
            async with self._writer.open(principal, because=because) as writing:
                record_id = (await writing.change(reference, version, update.fields)).id
                if update.evidence:
                    await writing.add_part(record_id, "evidence", {"kind": "file", **update.evidence})
                if update.link:
                    await writing.link(
                        record_id, _given(update.link, "to"), _kind(update.link), update.link.get("note")
                    )
                if update.note and update.note.strip():
                    await writing.add_part(record_id, "record_notes", {"body": update.note.strip()})
                return await writing.written(record_id)


def refuse_decisions(fields: Mapping[str, Any]) -> None:
    """Refuse fields that record what a person decided.

    Raises:
        NotAllowedError: There is one among them.
    """
    if moved := sorted(_STATE & fields.keys()):
        raise NotAllowedError(
            f"{moved[0]} changes only by a step of the workflow.", hint="transition_record takes or asks for the step."
        )
    if decided := sorted(_DECIDED & fields.keys()):
        raise NotAllowedError(
            f"{decided[0]} is what a person decides, on the approval page.",
            hint="get_record lists the steps; transition_record asks a person for one.",
        )


def _given(link: Mapping[str, Any], name: str) -> str:
    value = str(link.get(name) or "").strip()
    if not value:
        raise InvalidInputError(
            f"A link needs {name}.", hint='For example {"to": "CAPA-2026-0014", "kind": "corrects"}.'
        )
    return value


def _kind(link: Mapping[str, Any]) -> str:
    kind = _given(link, "kind")
    kinds = get_args(LinkKind)
    if kind not in kinds:
        raise InvalidInputError(f"A link can't be {kind[:40]!r}.", hint=f"Kinds: {', '.join(kinds)}.")
    return kind
