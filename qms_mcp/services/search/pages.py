"""Versions of documents as they are read and named: whole, by section, and what there is to choose from."""

from dataclasses import dataclass
from difflib import get_close_matches
from typing import TYPE_CHECKING
from uuid import UUID

from qms_mcp.auth.principal import Principal
from qms_mcp.db.queries import query
from qms_mcp.errors import NotFoundError
from qms_mcp.services.documents.sections import Section, sections_of
from qms_mcp.services.documents.versions import DocumentVersion, find_version

if TYPE_CHECKING:
    from qms_mcp.db.database import Database

_NUMBERS = query("search.document_numbers")
_VERSIONS = query("search.versions")
_ANNOUNCED = query("search.announced")
_SHOWN = 20


@dataclass(frozen=True, slots=True)
class ReadSection:
    """A section with what stands under it.

    Attributes:
        text: Its heading, its text and its subsections.
    """

    section: Section
    text: str


@dataclass(frozen=True, slots=True)
class _Version:
    document_number: str
    revision: int | None
    state: str


class DocumentPages:
    """Reads versions of documents by the number people know them by."""

    def __init__(self, database: "Database") -> None:
        self._database = database

    async def version(self, principal: Principal, number: str, revision: int | None = None) -> DocumentVersion:
        """Return a version; without a revision the effective one, or else the latest.

        Raises:
            NotFoundError: There is none.
        """
        async with self._database.transaction(principal, read_only=True) as transaction:
            return await find_version(transaction, number, revision)

    async def section(
        self, principal: Principal, number: str, revision: int, path: str
    ) -> tuple[DocumentVersion, ReadSection]:
        """Return a section of a version by its path: the printed number, or the slug of its title.

        Raises:
            NotFoundError: There is no such version or section; the hint names sections there are.
        """
        async with self._database.transaction(principal, read_only=True) as transaction:
            version = await find_version(transaction, number, revision)
            sections = await sections_of(transaction, version.content or "")
        wanted = path.strip().removeprefix("§").strip().lower()
        for place, section in enumerate(sections):
            if section.path.lower() == wanted and section.level:
                below = (other for other in sections[place + 1 :] if other.level <= section.level)
                stop = next((other.char_start for other in below), len(version.content or ""))
                return version, ReadSection(section, (version.content or "")[section.char_start : stop].strip())
        paths = [section.path for section in sections if section.path]
        close = get_close_matches(wanted, paths, n=3, cutoff=0.5) or paths[:_SHOWN]
        raise NotFoundError(
            f"{version.label} has no section {path.strip()[:60]!r}.",
            hint=f"There is: {', '.join(close)}." if close else "It has no headings.",
        )

    async def numbers(self, principal: Principal, part: str, *, limit: int) -> list[str]:
        """Return numbers of documents that contain some characters."""
        async with self._database.transaction(principal, read_only=True) as transaction:
            rows = await transaction.fetch_dicts(_NUMBERS, {"part": part, "max_rows": limit})
        return [row["document_number"] for row in rows]

    async def versions(self, principal: Principal, number: str) -> list[int]:
        """Return the revisions of a document, the latest first."""
        async with self._database.transaction(principal, read_only=True) as transaction:
            rows = await transaction.fetch_all(_VERSIONS, {"document_number": number}, row=_Version)
        return [row.revision for row in rows if row.revision is not None]

    async def section_paths(self, principal: Principal, number: str, revision: int | None) -> list[str]:
        """Return the paths of the sections of a version, in their order; none when there is no such version."""
        async with self._database.transaction(principal, read_only=True) as transaction:
            try:
                version = await find_version(transaction, number, revision)
            except NotFoundError:
                return []
            return [section.path for section in await sections_of(transaction, version.content or "") if section.path]

    async def announced(self, principal: Principal, record_id: UUID) -> tuple[str, int] | None:
        """Return number and revision of a version that was announced; none when the caller has no such version."""
        async with self._database.transaction(principal, read_only=True) as transaction:
            rows = await transaction.fetch_dicts(_ANNOUNCED, {"record_id": record_id})
        return (rows[0]["document_number"], rows[0]["revision"] or 1) if rows else None
