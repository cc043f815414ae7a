"""Have we seen this before? Cases like a record or a text, each with its causes, decisions and outcome.

The best matches by rare terms and by meaning come back with what became of them in one statement: root causes of the
case or of its CAPA, dispositions, the CAPA with the verdict on its effectiveness, and the days it took to close.
"""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any
from uuid import UUID

from qms_mcp.auth.principal import Principal
from qms_mcp.db.queries import query
from qms_mcp.db.transaction import Transaction
from qms_mcp.errors import ConflictError, InvalidInputError, NotFoundError
from qms_mcp.services.search.asking import cleaned, conditions_of
from qms_mcp.services.search.citing import cited
from qms_mcp.services.search.meaning import Meaning, Vectors, meaning_of
from qms_mcp.services.search.models import Case, Cases, Detail, Filters, scores_of
from qms_mcp.services.search.spelling import word_of

if TYPE_CHECKING:
    from qms_mcp.db.database import Database

# What happens, in contrast to what instructs (documents) or exists (suppliers, equipment).
CASES = ("nonconformance", "deviation", "complaint", "capa", "finding", "scar", "field_action", "change", "risk")
_COMPARED = [
    "part_number", "lot", "product", "supplier_id", "batch", "area", "cause_category", "serial_number", "instruction",
    "failure_mode", "event_type", "udi_di",
]  # fmt: skip
# Names of fields stand in the text of every record that has them.
_LABELS = frozenset({
    "part", "number", "lot", "product", "supplier", "batch", "area", "cause", "category", "serial", "instruction",
    "failure", "mode", "event", "type", "description", "statement", "problem", "root", "causes", "method", "evidence",
    "title", "detected", "stage", "unit", "state",
})  # fmt: skip
_SIMILAR = query("search.similar")
_CASE = query("search.case")
_QUOTE = 240
_SHOWN_CAUSES = 3
_CAUSE = 160


class SimilarCases:
    """Finds cases like one."""

    def __init__(self, database: "Database", vectors: Vectors | None = None) -> None:
        self._database = database
        self._vectors = vectors

    async def like(
        self,
        principal: Principal,
        *,
        record: UUID | str | None = None,
        text: str | None = None,
        types: Sequence[str] = (),
        limit: int = 5,
        detail: Detail = "concise",
    ) -> Cases:
        """Return cases like a record or a text, best first.

        Args:
            principal: Who asks.
            record: Number or id of a record, or
            text: What happened, in words.
            types: Types of records to look at; left out, those of events, CAPAs, changes and risks.
            limit: Cases at most.
            detail: full: with a longer quote and scores.

        Raises:
            InvalidInputError: Not exactly one of record and text is given, or a type does not exist.
            NotFoundError: There is no such record.
        """
        if (record is None) == (text is None):
            raise InvalidInputError("Give either record or text.", hint="record: a number or id. text: what happened.")
        asked = cleaned(text) if text is not None else None
        filters = Filters(types=list(types))
        try:
            rows, meaning = await self._rows(principal, record, asked, filters, limit)
        except ConflictError:
            rows, meaning = await self._rows(principal, record, asked, filters, limit)
        by_meaning = any(row["semantic_rank"] is not None for row in rows)
        why = meaning.why or "what is asked about has no vector yet"
        return Cases(
            summary=_summary(rows),
            mode="hybrid" if by_meaning else "lexical",
            cases=[_case(row, full=detail == "full") for row in rows],
            note=None if by_meaning or not rows else f"Found by words alone: {why}.",
        )

    async def _rows(
        self, principal: Principal, record: UUID | str | None, asked: str | None, filters: Filters, limit: int
    ) -> tuple[list[dict[str, Any]], Meaning]:
        # The vectors of a record are in the index already.
        meaning = Meaning() if asked is None else await meaning_of(self._vectors, principal, asked)
        async with self._database.transaction(principal, read_only=True) as transaction:
            source = None if record is None else await _record(transaction, record)
            conditions = {"types": list(CASES)} | await conditions_of(transaction, filters)
            return await similar_rows(transaction, source, asked, meaning, conditions, limit), meaning


async def similar_rows(
    transaction: Transaction,
    source: UUID | None,
    asked: str | None,
    meaning: Meaning,
    conditions: Mapping[str, Any],
    limit: int,
) -> list[dict[str, Any]]:
    """Return the rows of `search.similar` for a stored record or a text."""
    return await transaction.fetch_dicts(
        _SIMILAR,
        {
            "source_id": source,
            "text": asked,
            "vector": meaning.vector,
            "model_id": meaning.model_id,
            "filters": json.dumps(dict(conditions)),
            "max_rows": limit,
            "compared": _COMPARED,
        },
    )


async def _record(transaction: Transaction, reference: UUID | str) -> UUID:
    found = await transaction.fetch_dicts(_CASE, {"reference": str(reference).strip()})
    if not found:
        raise NotFoundError(
            f"There is no record {str(reference).strip()[:60]!r}.",
            hint="Give its number or id, or say in text what happened.",
        )
    return found[0]["id"]


def _case(row: Mapping[str, Any], *, full: bool) -> Case:
    words = " ".join(row["content"].split())
    most = len(words) if full else _QUOTE
    return Case(
        citation=cited(row),
        type=row["content_type"],
        title=row["title"],
        state=row["state"],
        in_common=in_common(row),
        root_causes=row["root_causes"] or [],
        dispositions=row["dispositions"] or [],
        capas=row["capas"] or [],
        effectiveness=row["effectiveness"],
        days_to_close=row["days_to_close"],
        quote=words if len(words) <= most else f"{words[:most].rsplit(' ', 1)[0]}…",
        id=row["record_id"],
        scores=scores_of(row) if full else None,
    )


def in_common(row: Mapping[str, Any]) -> list[str]:
    """Return what a case shares with what was asked about: fields first, then the rarest words."""
    texts = [row["title"], row["heading"], row["content"]]
    identifiers = [term.removeprefix("#").upper() for term in row["shared_terms"] or () if term.startswith("#")]
    words = [
        word_of(term, texts)
        for term in row["shared_terms"] or ()
        # Parts of identifiers are terms as well: -100 of VS-100.
        if not term.startswith("#") and not term.lstrip("-").isdecimal()
    ]
    words = [word for word in words if word not in _LABELS]
    fields = [f"same {field.removesuffix('_id').replace('_', ' ')}" for field in row["same_fields"] or ()]
    return list(dict.fromkeys([*fields, *identifiers, *words]))


def _summary(rows: Sequence[Mapping[str, Any]]) -> str:
    if not rows:
        return "No similar case is recorded."
    closed = [row for row in rows if row["closed_at"] is not None]
    parts = [f"{len(closed)} of {len(rows)} similar cases closed"]
    for title, column in (("root causes", "root_causes"), ("dispositions", "dispositions")):
        counted = Counter(value for row in rows for value in row[column] or ())
        if counted:
            parts.append(f"{title}: " + "; ".join(_times(*one) for one in counted.most_common(_SHOWN_CAUSES)))
    verdicts = Counter(row["effectiveness"] for row in rows if row["effectiveness"])
    if verdicts:
        parts.append("CAPA: " + ", ".join(_times(*one) for one in verdicts.most_common()))
    return ". ".join(parts) + "."


def _times(words: str, count: int) -> str:
    short = words if len(words) <= _CAUSE else f"{words[:_CAUSE]}…"
    return f"{short} ({count} times)" if count > 1 else short
