"""What the trail answers."""

from datetime import datetime
from typing import Any, Literal, TypeAlias
from uuid import UUID

from qms_mcp.services.answer import Answer

Detail: TypeAlias = Literal["concise", "full"]


class TrailEntry(Answer):
    """An entry.

    Attributes:
        at: When, in UTC by the clock of the database server.
        at_site: The same moment in the zone of the organization.
        who: The printed name as it was then.
        kind: `human`, `agent` (a model acted for the person) or `system`.
        on_behalf_of: For whom an agent acted.
        record: `CAPA-2026-0014 v3`: the record it belongs to and its version then.
        entity: The table the change is in.
        changes: Per field, old and new value.
        details: Of what is no change of a field: what was exported, why something was refused.
        tool_call: The call in the ledger that made the change.
    """

    seq: int
    at: datetime
    at_site: str
    who: str = ""
    kind: str
    on_behalf_of: str | None = None
    action: str
    record: str | None = None
    entity: str
    changes: dict[str, Any] | None = None
    details: dict[str, Any] | None = None
    reason: str | None = None
    client: str | None = None
    tool_call: str | None = None
    entity_id: UUID | None = None
    versions: str | None = None
    sha256: str | None = None


class TrailPage(Answer):
    """Some entries, the newest first.

    Attributes:
        total: How many entries there are, or `1000+`.
        zone: Of `at_site`.
    """

    entries: list[TrailEntry]
    total: str
    zone: str = ""
    next_cursor: str | None = None


class Verification(Answer):
    """What a verification found.

    Attributes:
        intact: The chain is whole where it was looked at, and agrees with the anchors the database knows.
        entries: How many were recomputed.
        head: The hash of the last one: what an anchor keeps.
        bad_entry: The first one that is not as it was written.
        problem: What happened to it.
        anchors: How many heads written down elsewhere were compared.
        proves: What follows from this.
        does_not_prove: What does not.
    """

    intact: bool
    entries: int
    first: int | None = None
    last: int | None = None
    head: str | None = None
    bad_entry: int | None = None
    problem: str | None = None
    anchors: int = 0
    proves: str
    does_not_prove: str
