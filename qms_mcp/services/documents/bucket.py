"""Originals in Supabase Storage: the object `<organization>/<sha256>` of one private bucket.

Objects are never written over: that one is there already is as good as having stored it, once its bytes were checked.
"""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from importlib import import_module
from typing import TYPE_CHECKING
from uuid import UUID

import anyio.to_thread
from pydantic import SecretStr

from qms_mcp.errors import UnavailableError
from qms_mcp.services.documents.originals import OriginalNotKeptError, StoredAs, checked, lost

if TYPE_CHECKING:
    from storage3._async.file_api import AsyncBucketProxy
    from storage3.exceptions import StorageApiError

_SECONDS = 120
_HINT = "Check SUPABASE_URL, SUPABASE_SERVICE_ROLE_KEY and QMS_ORIGINALS_BUCKET, then try again."


class BucketOriginals:
    """Originals in a bucket.

    Args:
        url: Of the Supabase project.
        key: Its service key.
        bucket: A private bucket that exists.
    """

    stored_as: StoredAs = "supabase"

    def __init__(self, url: str, key: SecretStr, bucket: str) -> None:
        self._url = url
        self._key = key
        self._bucket = bucket

    async def keep(self, organization_id: UUID, content: bytes, sha256: str, media_type: str) -> None:
        """See `Originals.keep`."""
        from httpx import HTTPError  # noqa: PLC0415 - heavy
        from storage3.exceptions import StorageApiError  # noqa: PLC0415 - heavy

        path = f"{organization_id}/{sha256}"
        try:
            async with self._objects() as objects:
                await objects.upload(path, content, {"content-type": media_type, "upsert": "false"})
        except StorageApiError as refused:
            if not _is_there(refused):
                raise _not_kept(str(refused.message)) from None
            await self.read(organization_id, sha256)
        except HTTPError as failed:
            raise _not_kept(type(failed).__name__) from None

    async def read(self, organization_id: UUID, sha256: str) -> bytes:
        """See `Originals.read`."""
        from httpx import HTTPError  # noqa: PLC0415 - heavy
        from storage3.exceptions import StorageApiError  # noqa: PLC0415 - heavy

        try:
            async with self._objects() as objects:
                content = await objects.download(f"{organization_id}/{sha256}")
        except StorageApiError as refused:
            if _is_missing(refused):
                raise lost(sha256) from None
            raise UnavailableError(f"The storage refused: {str(refused.message)[:200]}.", hint=_HINT) from None
        except HTTPError as failed:
            raise UnavailableError(f"The storage can't be reached: {type(failed).__name__}.", hint=_HINT) from None
        return checked(content, sha256)

    @asynccontextmanager
    async def _objects(self) -> "AsyncGenerator[AsyncBucketProxy]":
        # The first import takes a second, and others are served meanwhile.
        await anyio.to_thread.run_sync(import_module, "supabase")
        import httpx  # noqa: PLC0415 - heavy; what the client below speaks through
        from supabase import AsyncClientOptions, acreate_client  # noqa: PLC0415 - heavy

        async with httpx.AsyncClient(timeout=_SECONDS, trust_env=False) as connection:
            options = AsyncClientOptions(httpx_client=connection, auto_refresh_token=False, persist_session=False)
            client = await acreate_client(self._url, self._key.get_secret_value(), options)
            yield client.storage.from_(self._bucket)


def _is_there(refused: "StorageApiError") -> bool:
    return str(refused.status) == "409" or str(refused.code).casefold() == "duplicate"


def _is_missing(refused: "StorageApiError") -> bool:
    return str(refused.status) == "404" and "bucket" not in str(refused.message).casefold()


def _not_kept(why: str) -> OriginalNotKeptError:
    return OriginalNotKeptError("not_stored", f"The original could not be stored: {why[:200]}.", hint=_HINT)
