"""Documents, as the tools and commands see them: bring in, revise, and what document control does with versions."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import anyio.to_thread

from qms_mcp.auth.principal import Principal
from qms_mcp.errors import InvalidInputError, NotFoundError
from qms_mcp.services.documents import fetching
from qms_mcp.services.documents.control import DocumentControl
from qms_mcp.services.documents.fetching import Fetched
from qms_mcp.services.documents.folder import Folder, FolderIngesting, no_word
from qms_mcp.services.documents.ingesting import Ingesting
from qms_mcp.services.documents.models import FileOutcome, FolderIngested, Ingested
from qms_mcp.services.documents.originals import originals_for
from qms_mcp.services.documents.parsing.models import Limits
from qms_mcp.services.documents.revising import Revising, Revision
from qms_mcp.settings import Settings

if TYPE_CHECKING:
    from qms_mcp.db.database import Database

_MEGABYTE = 1024 * 1024
Progress = Callable[[int, int, FileOutcome], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Source:
    """Where a document comes from: one of four.

    Attributes:
        path: In a folder documents may be read from.
        content_base64: Its bytes.
        text: Markdown or plain text.
        url: On a host documents may be fetched from.
        file_name: What bytes or a text are called.
    """

    path: str | None = None
    content_base64: str | None = None
    text: str | None = None
    url: str | None = None
    file_name: str | None = None


class Documents:
    """Bringing documents in, revising them, and comparing, checking, copying and reviewing their versions.

    Attributes:
        originals: The files documents came from.
        ingesting: Single files.
        folders: Folders of files.
        control: Versions compared, checked, copied and reviewed.

    Args:
        database: Where documents are.
        settings: Which folders and hosts are allowed, and where originals are kept.
        home: Folder of this machine's data.
    """

    def __init__(self, database: "Database", settings: Settings, home: Path) -> None:
        self._inbox = () if settings.qms_ingest_roots else (home / "inbox",)
        self._roots = settings.qms_ingest_roots or self._inbox
        self._hosts = settings.qms_ingest_hosts
        self.limit = settings.qms_ingest_max_megabytes * _MEGABYTE
        self.originals = originals_for(settings, home)
        self.ingesting = Ingesting(database, self.originals, Limits(file_bytes=self.limit))
        self.folders = FolderIngesting(self.ingesting)
        self._revising = Revising(database, self.ingesting)
        self.control = DocumentControl(database)

    async def ingest(
        self,
        principal: Principal,
        source: Source,
        because: str,
        *,
        fields: Mapping[str, Any] | None = None,
        idempotency_key: str | None = None,
        at: Progress | None = None,
    ) -> Ingested | FolderIngested:
        """Bring in a file, or a folder of files.

        Args:
            principal: On whose behalf.
            source: Where it comes from; a path may be a folder.
            because: Why.
            fields: Of the document, or of each.
            idempotency_key: The same key writes once; of a folder each file is written once anyway.
            at: Hears how far a folder is.

        Raises:
            InvalidInputError: Not exactly one source is named, or the file can't be read.
            NotFoundError: There is no such file in the allowed folders, or no such address.
        """
        _one_of(source)
        if source.path is not None:
            folder = await self._folder(source.path)
            if folder is not None:
                wanted = Folder(*folder, self._reader, fields or {}, at=at or no_word)
                return await self.folders.ingest(principal, wanted, because)
        fetched = await self._fetched(source, fields or {})
        return await self.ingesting.ingest(principal, fetched, because, fields=fields, idempotency_key=idempotency_key)

    async def revise(
        self,
        principal: Principal,
        revision: Revision,
        source: Source,
        because: str,
        *,
        idempotency_key: str | None = None,
    ) -> Ingested:
        """Write the next version of a document; see `Revising.revise`."""
        _one_of(source)
        fetched = await self._fetched(source, {"title": revision.document})
        return await self._revising.revise(principal, revision, fetched, because, idempotency_key=idempotency_key)

    async def _fetched(self, source: Source, fields: Mapping[str, Any]) -> Fetched:
        if source.path is not None:
            return await anyio.to_thread.run_sync(self._read, source.path)
        if source.url is not None:
            return await fetching.fetch_url(source.url, self._hosts, self.limit)
        if source.text is not None:
            name = source.file_name or f"{fields.get('title') or 'text'}.md"
            return Fetched(source.text.encode("utf-8", "replace"), name, "text")
        content = fetching.decode_base64(source.content_base64 or "", limit=self.limit)
        return Fetched(content, source.file_name or "document", "content")

    async def _folder(self, path: str) -> tuple[Path, list[Path]] | None:
        """Return a folder and its files; None when the path is not a folder."""
        return await anyio.to_thread.run_sync(self._listed, path)

    def _listed(self, path: str) -> tuple[Path, list[Path]] | None:
        self._make_inbox()
        try:
            files = fetching.list_folder(path, self._roots)
        except NotFoundError:
            return None  # a file, or nothing; reading it says which
        places = [Path(root, path).resolve() for root in self._roots]
        return next((place for place in places if place.is_dir()), places[0]), files

    def _read(self, path: str) -> Fetched:
        self._make_inbox()
        try:
            return fetching.read_path(path, self._roots, limit=self.limit)
        except NotFoundError as missing:
            raise NotFoundError(missing.message, hint=self._allowed()) from None

    def _reader(self, file: Path) -> Fetched:
        return fetching.read_path(file, self._roots, limit=self.limit)

    def _make_inbox(self) -> None:
        for folder in self._inbox:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)

    def _allowed(self) -> str:
        folders = ", ".join(str(root) for root in self._roots)
        return f"Files are read from {folders} (QMS_INGEST_ROOTS); put it there, or send its content."


def _one_of(source: Source) -> None:
    given = [source.path, source.content_base64, source.text, source.url]
    if sum(one is not None for one in given) != 1:
        raise InvalidInputError(
            "Exactly one of path, content_base64, text and url is needed.", hint="Leave the others out."
        )
