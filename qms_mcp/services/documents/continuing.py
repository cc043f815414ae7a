"""Where a text continues a document that is there: which version comes next, and what it takes over.

A version is new while it is draft, in review or approved. There is one new version at a time, so that two people do not
write the next one side by side; a file that says itself which later revision it is may come on top.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from qms_mcp.db.queries import query
from qms_mcp.db.transaction import Transaction
from qms_mcp.errors import ConflictError

_VERSIONS = query("documents.versions")
_MOST_VERSIONS = 500
_NEW = frozenset({"draft", "in_review", "approved"})
_TAKEN_OVER = ("title", "document_type", "training_required", "review_every_months", "owner_id", "tags")


@dataclass(frozen=True, slots=True)
class KnownVersion:
    """A version of a document that is there; `number` and `version` are those of its record."""

    id: UUID
    number: str
    version: int
    document_number: str
    revision: int | None
    state: str
    is_effective: bool
    content_sha256: str | None
    title: str
    document_type: str | None
    training_required: bool
    review_every_months: int | None
    owner_id: UUID | None
    tags: list[str]

    @property
    def label(self) -> str:
        """How it is cited: `SOP-014 v3`."""
        return f"{self.document_number} v{self.revision or 1}"


@dataclass(frozen=True, slots=True)
class Continuation:
    """The next version.

    Attributes:
        former: The version it continues; none for the first.
        fields: What it takes over, and its number and revision.
        warnings: What the caller should know.
    """

    former: KnownVersion | None
    fields: Mapping[str, Any]
    warnings: tuple[str, ...] = ()


async def versions_of(transaction: Transaction, document_number: str) -> list[KnownVersion]:
    """Return the versions of a document, the latest first."""
    params = {"document_number": document_number, "max_rows": _MOST_VERSIONS}
    return await transaction.fetch_all(_VERSIONS, params, row=KnownVersion)


def with_text(versions: Sequence[KnownVersion], content_sha256: str) -> KnownVersion | None:
    """Return the version that has this very text, if there is one that was not cancelled."""
    return next((v for v in versions if v.state != "cancelled" and v.content_sha256 == content_sha256), None)


def first_version(document_number: str | None, said: int | None) -> Continuation:
    """Return the first version of a document; `said` is the revision its file names."""
    fields: dict[str, Any] = {"revision": said or 1}
    if document_number:
        fields["document_number"] = document_number
    return Continuation(None, fields)


def next_version(versions: Sequence[KnownVersion], said: int | None) -> Continuation:
    """Return the version that comes after some.

    Args:
        versions: All there are, the latest first; at least one.
        said: The revision the file or the caller names.

    Raises:
        ConflictError: A new version is open already.
    """
    latest = max(v.revision or 1 for v in versions)
    later = said is not None and said > latest
    started = _started(versions)
    if started is not None and not later:
        raise ConflictError(
            f"{started.label} ({started.number}) is {started.state} already and continues this document.",
            hint=f"Change it with update_record ({started.number}), or have it cancelled or released first.",
        )
    former = _former(versions)
    revision = said if later and said is not None else latest + 1
    warnings: list[str] = []
    if said is not None and not later:
        warnings.append(f"It names revision {said}, but there is {latest} already: it became {revision}.")
    if started is not None:
        warnings.append(f"{started.label} ({started.number}) is still {started.state}.")
    taken = {name: getattr(former, name) for name in _TAKEN_OVER if getattr(former, name) not in (None, [])}
    return Continuation(
        former, {**taken, "document_number": former.document_number, "revision": revision}, tuple(warnings)
    )


def _former(versions: Sequence[KnownVersion]) -> KnownVersion:
    effective = next((v for v in versions if v.is_effective), None)
    return effective or next((v for v in versions if v.state != "cancelled"), versions[0])


def _started(versions: Sequence[KnownVersion]) -> KnownVersion | None:
    effective = max((v.revision or 1 for v in versions if v.is_effective), default=0)
    return next((v for v in versions if v.state in _NEW and (v.revision or 1) > effective), None)
