"""The compliance matrix, read: clause by clause, what evidence there is, how fresh it is, and what is missing."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal
from uuid import UUID

from qms_mcp.auth.principal import Principal
from qms_mcp.db.queries import query
from qms_mcp.errors import InvalidInputError, NotFoundError
from qms_mcp.services.compliance.finding import FRAMEWORKS, choose, find_clause, find_framework
from qms_mcp.services.compliance.judging import judge_clause, judge_record
from qms_mcp.services.compliance.linking import EvidenceLinks
from qms_mcp.services.compliance.models import (
    CitedRecord,
    ClauseCoverage,
    ClauseOfRecord,
    Coverage,
    Evidence,
    Framework,
    ListedClause,
    MatrixRow,
    RecordType,
)
from qms_mcp.services.signing.service import Signing

if TYPE_CHECKING:
    from qms_mcp.db.database import Database
    from qms_mcp.db.transaction import Transaction

_LISTING = query("compliance.listing")
_MATRIX = query("compliance.matrix")
_EVIDENCE = query("compliance.evidence")
_RECORD = query("compliance.record")
_RECORD_TYPES = query("compliance.record_types")
_CLAUSES_OF_RECORD = query("compliance.clauses_of_record")
_NEWEST = 4
Only = Literal["gaps", "stale"]


class Compliance:
    """Frameworks and evidence.

    Attributes:
        links: Where evidence is linked and clauses are proposed as not applicable.
    """

    def __init__(self, database: "Database", signing: Signing) -> None:
        self._database = database
        self.links = EvidenceLinks(database, signing)

    async def frameworks(self, principal: Principal) -> list[Framework]:
        """Return every version of every framework, those in force first."""
        async with self._database.transaction(principal, read_only=True) as transaction:
            return await transaction.fetch_all(FRAMEWORKS, row=Framework)

    async def record_types(self, principal: Principal) -> list[RecordType]:
        """Return the types of records."""
        async with self._database.transaction(principal, read_only=True) as transaction:
            return await transaction.fetch_all(_RECORD_TYPES, row=RecordType)

    async def cited(self, principal: Principal, record: str) -> CitedRecord:
        """Return a record as far as it is cited.

        Raises:
            NotFoundError: There is none.
        """
        async with self._database.transaction(principal, read_only=True) as transaction:
            return await _cited(transaction, record)

    async def clauses(self, principal: Principal, framework: str) -> tuple[Framework, list[ListedClause]]:
        """Return a framework and its clauses.

        Raises:
            NotFoundError: There is no such framework.
        """
        async with self._database.transaction(principal, read_only=True) as transaction:
            found = choose(await transaction.fetch_all(FRAMEWORKS, row=Framework), framework)
            return found, await transaction.fetch_all(_LISTING, {"framework_id": found.id}, row=ListedClause)

    async def matrix(
        self,
        principal: Principal,
        framework: str,
        *,
        clause: str | None = None,
        only: Only | None = None,
        explain: bool = False,
        limit: int = 25,
        cursor: str | None = None,
    ) -> Coverage:
        """Return the clauses at or under a number with their evidence.

        Args:
            principal: Whose organization.
            framework: Key or name.
            clause: A number; all when left out.
            only: `gaps` for clauses without evidence, `stale` for those whose evidence is too old.
            explain: Say what was looked for.
            limit: Clauses at most.
            cursor: Of the page before.

        Raises:
            NotFoundError: There is no such framework or clause.
        """
        async with self._database.transaction(principal, read_only=True) as transaction:
            found = await find_framework(transaction, framework)
            under = (await find_clause(transaction, found, clause)).number if clause else None
            rows = await self._judged(transaction, found, under, explain=explain)
        kept = [row for row in rows if only is None or row.evidence == ("missing" if only == "gaps" else only)]
        return _page(found.name + (f" {under}" if under else ""), rows, kept, limit, cursor)

    async def check_record(
        self,
        principal: Principal,
        record: str,
        *,
        framework: str | None = None,
        limit: int = 25,
        cursor: str | None = None,
    ) -> Coverage:
        """Return which clauses a record is evidence for now, or could be.

        Raises:
            NotFoundError: There is no such record or framework.
        """
        async with self._database.transaction(principal, read_only=True) as transaction:
            found = await _cited(transaction, record)
            framework_id = (await find_framework(transaction, framework)).id if framework else None
            clauses = await transaction.fetch_all(
                _CLAUSES_OF_RECORD, {"record_id": found.id, "framework_id": framework_id}, row=ClauseOfRecord
            )
        rows = [judge_record(one) for one in clauses]
        return _page(f"{found.number} v{found.version} ({found.status})", rows, rows, limit, cursor)

    async def _judged(
        self, transaction: "Transaction", framework: Framework, under: str | None, *, explain: bool
    ) -> list[ClauseCoverage]:
        params = {"framework_id": framework.id, "under": under}
        clauses = await transaction.fetch_all(_MATRIX, params, row=MatrixRow)
        evidence = await gather(transaction, [clause.id for clause in clauses], most=_NEWEST)
        return [judge_clause(clause, evidence.get(clause.id, []), explain=explain) for clause in clauses]


async def _cited(transaction: "Transaction", reference: str) -> CitedRecord:
    found = await transaction.fetch_one(_RECORD, {"reference": reference}, row=CitedRecord)
    if found is None:
        raise NotFoundError(f"There is no record {reference[:60]!r}.", hint="list_records finds it.")
    return found


async def gather(transaction: "Transaction", clause_ids: list[UUID], *, most: int) -> dict[UUID, list[Evidence]]:
    """Return the evidence for clauses, by clause."""
    by_clause: dict[UUID, list[Evidence]] = {}
    for one in await transaction.fetch_all(_EVIDENCE, {"clause_ids": clause_ids, "most": most}, row=Evidence):
        by_clause.setdefault(one.clause_id, []).append(one)
    return by_clause


def _page(
    about: str, rows: Sequence[ClauseCoverage], kept: Sequence[ClauseCoverage], limit: int, cursor: str | None
) -> Coverage:
    start = _start(cursor)
    end = start + limit
    verdicts = [row.evidence for row in rows]
    return Coverage(
        about=about,
        total=len(kept),
        found=verdicts.count("found"),
        stale=verdicts.count("stale"),
        missing=verdicts.count("missing"),
        not_applicable=verdicts.count("not applicable"),
        clauses=list(kept[start:end]),
        next_cursor=str(end) if end < len(kept) else None,
    )


def _start(cursor: str | None) -> int:
    if cursor is None:
        return 0
    if not cursor.isdecimal() or len(cursor) > 6:  # noqa: PLR2004 - no framework has a million clauses
        raise InvalidInputError("This cursor is not one of ours.", hint="Pass next_cursor of the page before.")
    return int(cursor)
