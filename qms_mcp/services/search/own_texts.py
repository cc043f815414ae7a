"""Texts and vectors of callers in the same index, and how far the index is."""

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any
from uuid import UUID

from qms_mcp.auth.principal import Principal
from qms_mcp.db.queries import query
from qms_mcp.services.search.citing import cited
from qms_mcp.services.search.meaning import Vectors, as_text, meaning_of
from qms_mcp.services.search.models import Embedded, IndexStatus, Match, ModelProgress, OwnText

if TYPE_CHECKING:
    from qms_mcp.db.database import Database

_MATCH = query("search.match_embeddings")
_PUT_TEXT = query("search.put_text")
_PUT_VECTOR = query("search.put_vector")
_PROGRESS = query("search.progress")
_SOURCES = query("search.sources_by_type")


class OwnTexts:
    """Puts texts of callers into the index, and matches vectors of theirs."""

    def __init__(self, database: "Database", vectors: Vectors | None = None) -> None:
        self._database = database
        self._vectors = vectors

    async def match(
        self, principal: Principal, vector: Sequence[float], *, limit: int, of_type: str | None, model: str | None
    ) -> list[Match]:
        """Return the pieces nearest to a vector, of one model.

        Raises:
            InvalidInputError: No model has vectors of so many dimensions.
        """
        params = {"vector": as_text(vector), "max_rows": limit, "of_type": of_type, "model": model}
        async with self._database.transaction(principal, read_only=True) as transaction:
            rows = await transaction.fetch_dicts(_MATCH, params)
        return [
            Match(
                citation=cited(row, with_place=False),
                type=row["content_type"],
                content=row["content"],
                similarity=round(row["similarity"], 4),
                id=row["id"],
            )
            for row in rows
        ]

    async def put(self, principal: Principal, texts: Sequence[OwnText], because: str) -> Embedded:
        """Put texts into the index, all or none; found by words at once, and by meaning when they have a vector.

        Raises:
            InvalidInputError: A type is that of records, or a vector does not fit.
            NotAllowedError: The caller may not write.
        """
        async with self._database.transaction(principal, because=because) as transaction:
            ids = list[UUID]()
            for text in texts:
                row = (await transaction.fetch_dicts(_PUT_TEXT, _parameters(text)))[0]
                if text.vector is not None:
                    params = {"source_id": row["id"], "vector": as_text(text.vector)}
                    await transaction.execute(_PUT_VECTOR, params)
                ids.append(row["id"])
        if self._vectors is not None:
            self._vectors.wake()
        return Embedded(ids=ids, note="Found by words now, and by meaning once they have their vector.")

    async def status(self, principal: Principal) -> IndexStatus:
        """Return what is indexed, how far each model is, and whether queries have vectors now."""
        meaning = await meaning_of(self._vectors, principal, "status")
        async with self._database.transaction(principal, read_only=True) as transaction:
            progress = await transaction.fetch_dicts(_PROGRESS)
            sources = await transaction.fetch_dicts(_SOURCES)
        return IndexStatus(
            semantic="ready" if meaning.vector else meaning.why,
            stale=progress[0]["stale"] if progress else 0,
            sources={row["content_type"]: row["sources"] for row in sources},
            models=[_progress(row) for row in progress],
        )


def _parameters(text: OwnText) -> dict[str, Any]:
    return {
        "content_type": text.content_type,
        "title": text.title,
        "content": text.content.replace("\x00", " "),
        "source_table": text.source_table,
        "source_id": text.source_id,
        "metadata": json.dumps(text.metadata) if text.metadata else None,
    }


def _progress(row: dict[str, Any]) -> ModelProgress:
    return ModelProgress(
        model=row["key"],
        state=row["state"],
        provider=row["provider"],
        dims=row["dims"],
        pieces=row["chunks"],
        done=row["done"],
        queued=row["queued"],
        in_work=row["leased"],
        failed=row["failed"],
        last_error=row["last_error"],
        waiting_since=row["oldest_queued"].isoformat() if row["oldest_queued"] else None,
        tokens=row["tokens"],
        cost_usd=float(row["cost"]) if row["cost"] is not None else None,
    )
