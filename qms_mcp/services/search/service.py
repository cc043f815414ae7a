"""Search: by words and by meaning at once, in one statement, within one organization.

Ranking, details and the marked words come back together (`search.find`); what is left to do here is to choose how to
ask, to cut the quotes and to say in words which half answered. Row-level security holds for every part of it.
"""

import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any
from uuid import UUID

from qms_mcp.auth.principal import Principal
from qms_mcp.db.queries import query
from qms_mcp.db.transaction import Transaction
from qms_mcp.errors import ConflictError, InvalidInputError
from qms_mcp.services.search.asking import (
    cleaned,
    conditions_of,
    cursor_at,
    key_of,
    modes_of,
    offset_of,
    words_for,
)
from qms_mcp.services.search.citing import cited, placed
from qms_mcp.services.search.meaning import Meaning, Vectors, meaning_of
from qms_mcp.services.search.models import (
    Cases,
    Detail,
    Embedded,
    Filters,
    Found,
    Hit,
    IndexStatus,
    Match,
    Mode,
    OwnText,
    scores_of,
)
from qms_mcp.services.search.own_texts import OwnTexts
from qms_mcp.services.search.pages import DocumentPages
from qms_mcp.services.search.similar import SimilarCases
from qms_mcp.services.search.snippets import quoted
from qms_mcp.services.search.spelling import better_query

if TYPE_CHECKING:
    from qms_mcp.db.database import Database

COUNT_UP_TO = 200
_FIND = query("search.find")
_BY_MEANING = frozenset({"hybrid", "semantic"})


class Search:
    """Finds records, versions of documents and texts.

    Attributes:
        documents: Reads what was found.

    Args:
        database: Where the index is.
        vectors: What makes the vector of a query; without it words alone are searched.
    """

    def __init__(self, database: "Database", vectors: Vectors | None = None) -> None:
        self._database = database
        self._vectors = vectors
        self.documents = DocumentPages(database)
        self._similar = SimilarCases(database, vectors)
        self._texts = OwnTexts(database, vectors)

    async def search(
        self,
        principal: Principal,
        text: str,
        *,
        mode: Mode | None = None,
        filters: Filters | None = None,
        limit: int = 10,
        cursor: str | None = None,
        detail: Detail = "concise",
    ) -> Found:
        """Return a page of what fits a query, best first.

        Args:
            principal: Who searches.
            text: The query.
            mode: How; left out, a number is looked up, words in quotes are taken as they stand, and all else is
                searched by words and meaning.
            filters: What the search is narrowed to.
            limit: Results on a page.
            cursor: Where the page begins.
            detail: full: whole pieces, other places and scores.

        Raises:
            InvalidInputError: The query is empty or only of words that are everywhere, a filter names what does not
                exist, or the cursor is of another search.
            NotFoundError: Nobody is called like the owner.
        """
        wanted = filters or Filters()
        asked = cleaned(text)
        key = key_of(asked, mode, wanted)
        first = offset_of(cursor, key)
        try:
            rows, used, meaning = await self._rows(principal, asked, mode, wanted, (first + 1, first + limit))
        except ConflictError:
            # The model was changed between its vector and the search.
            rows, used, meaning = await self._rows(principal, asked, mode, wanted, (first + 1, first + limit))
        answered = "lexical" if used in _BY_MEANING and meaning.vector is None else used
        if answered == "lexical" and rows[0]["without_terms"]:
            raise InvalidInputError(
                "The query has only words that stand in nearly every text.",
                hint="Add a word that says what it is about.",
            )
        found = min(rows[0]["found"], COUNT_UP_TO)
        phrase = words_for("exact", asked) if used == "exact" else ""
        return Found(
            mode=answered,
            total=found,
            more_than_total=rows[0]["found"] > COUNT_UP_TO or None,
            hits=[_hit(row, phrase, detail, by_number=used == "number") for row in rows if row["place"] is not None],
            did_you_mean=better_query(asked, rows),
            note=_note(used, meaning),
            next_cursor=cursor_at(first + limit, key) if found > first + limit else None,
        )

    async def _rows(
        self, principal: Principal, asked: str, mode: Mode | None, wanted: Filters, places: tuple[int, int]
    ) -> tuple[list[dict[str, Any]], Mode, Meaning]:
        meaning, rows, used = Meaning(), list[dict[str, Any]](), modes_of(asked, mode)[0]
        for used in modes_of(asked, mode):
            if used in _BY_MEANING:
                meaning = await meaning_of(self._vectors, principal, asked)
            async with self._database.transaction(principal, read_only=True) as transaction:
                rows = await _found(transaction, used, asked, wanted, meaning, places)
            if rows[0]["found"]:
                break
        return rows, used, meaning

    async def find_similar(
        self,
        principal: Principal,
        *,
        record: UUID | str | None = None,
        text: str | None = None,
        types: Sequence[str] = (),
        limit: int = 5,
        detail: Detail = "concise",
    ) -> Cases:
        """Return cases like a record or a text, with how they ended; see `SimilarCases.like`."""
        return await self._similar.like(principal, record=record, text=text, types=types, limit=limit, detail=detail)

    async def match_embeddings(
        self, principal: Principal, vector: Sequence[float], *, limit: int, of_type: str | None, model: str | None
    ) -> list[Match]:
        """Return the pieces nearest to a vector; see `OwnTexts.match`."""
        return await self._texts.match(principal, vector, limit=limit, of_type=of_type, model=model)

    async def embed_content(self, principal: Principal, texts: Sequence[OwnText], because: str) -> Embedded:
        """Put texts of the caller's own into the index; see `OwnTexts.put`."""
        return await self._texts.put(principal, texts, because)

    async def index_status(self, principal: Principal) -> IndexStatus:
        """Return what is indexed and how far; see `OwnTexts.status`."""
        return await self._texts.status(principal)


async def _found(
    transaction: Transaction, mode: Mode, asked: str, wanted: Filters, meaning: Meaning, places: tuple[int, int]
) -> list[dict[str, Any]]:
    without = mode == "semantic" and meaning.vector is None
    return await transaction.fetch_dicts(
        _FIND,
        {
            "query": words_for(mode, asked),
            "mode": "lexical" if without else mode,
            "vector": meaning.vector,
            "model_id": meaning.model_id,
            "filters": json.dumps(await conditions_of(transaction, wanted)),
            "at_most": COUNT_UP_TO + 1,
            "first": places[0],
            "last": min(places[1], COUNT_UP_TO),
        },
    )


def _note(used: Mode, meaning: Meaning) -> str | None:
    if used in _BY_MEANING and meaning.vector is None:
        return f"Answered by words alone: {meaning.why}."
    return None


def _hit(row: Mapping[str, Any], phrase: str, detail: Detail, *, by_number: bool) -> Hit:
    full = detail == "full"
    return Hit(
        citation=cited(row, with_place=not by_number),
        type=row["content_type"],
        title=row["title"],
        quote=quoted(row["content"], row["marked"], row["identifiers"], phrase=phrase, whole=full),
        state=row["state"],
        superseded=True if row["is_current"] is False else None,
        section=None if by_number else row["section"] or None,
        page=None if by_number else row["page"],
        id=row["record_id"] or row["source_id"],
        more=[placed(place) for place in row["more"] or () if placed(place)] if full else [],
        scores=scores_of(row) if full else None,
    )
