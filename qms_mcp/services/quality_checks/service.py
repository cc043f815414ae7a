"""Quality checks: one subject, one rule set, one report, a page of findings at a time.

A page is cut out of a report made anew, so that it says what is true now; the cursor is how many findings were shown.
"""

import re
from typing import TYPE_CHECKING

import anyio.to_thread

from qms_mcp.db.queries import query
from qms_mcp.errors import InvalidInputError, NotFoundError, QmsError
from qms_mcp.services.documents.control import CheckQuestion
from qms_mcp.services.documents.versions import find_version, text_of
from qms_mcp.services.quality_checks import chain_rules, document_rules, record_rules
from qms_mcp.services.quality_checks.models import Kind, QualityCheck
from qms_mcp.services.quality_checks.record_reading import read_record
from qms_mcp.services.quality_checks.report import Report
from qms_mcp.services.quality_checks.rule_sets import DOCUMENT, RECORD
from qms_mcp.services.records.references import find_record
from qms_mcp.services.trainings import place_of

if TYPE_CHECKING:
    from collections.abc import Callable
    from uuid import UUID

    from qms_mcp.auth.principal import Principal
    from qms_mcp.db.database import Database
    from qms_mcp.services.documents.control import DocumentControl
    from qms_mcp.services.documents.control_models import DocumentCheck
    from qms_mcp.services.quality_checks.dataset_reading import Datasets
    from qms_mcp.services.search.service import Search

_TRAININGS = query("quality_checks.trainings")
_STATEMENT = re.compile(r"(?is)^\s*(?:select|with|values|table)\b.*\s")
_TABLE = re.compile(r'^\s*(?:"[^"]+"|\w+)\s*\.\s*(?:"[^"]+"|\w+)\s*$|^[a-z_][a-z0-9_]*$')
_RECORD = re.compile(r"^\s*(?:[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}|[A-Za-z]{2,5}-\d{4}-\d+)\s*$")
_TEXT_RULES = ("D09", "D10", "D11", "D12", "D13")


class QualityChecks:
    """Checks how complete and consistent something is.

    Args:
        database: Where it is.
        search: Finds records that say the same.
        control: Checks the texts of documents.
        datasets: Makes what checks rows; it needs psycopg, so it is made when first used.
    """

    def __init__(
        self, database: "Database", search: "Search", control: "DocumentControl", datasets: "Callable[[], Datasets]"
    ) -> None:
        self._database = database
        self._search = search
        self._control = control
        self._datasets = datasets

    async def check(
        self,
        principal: "Principal",
        subject: str,
        kind: Kind | None = None,
        *,
        limit: int = 25,
        cursor: str | None = None,
    ) -> QualityCheck:
        """Return what the rules find in a record, a document or rows.

        Args:
            principal: Who asks.
            subject: Number or id of a record, number of a document, a table, or a SELECT.
            kind: What it is; left out, as it looks.
            limit: Findings at most.
            cursor: Of the page before.

        Raises:
            NotFoundError: There is nothing of that name that the caller may see.
            InvalidInputError: The subject is empty, or the cursor is not one of ours.
            QmsError: A statement may not or can't run.
        """
        skip = place_of(cursor)
        if not subject.strip():
            raise InvalidInputError(
                "There is nothing to check.", hint="Name a record, a document, a table or a SELECT."
            )
        report = await self._report(principal, subject.strip(), kind or kind_of(subject))
        return report.page(limit, skip)

    async def _report(self, principal: "Principal", subject: str, kind: Kind) -> Report:
        if kind == "dataset":
            return await self._datasets().check(principal, subject)
        if kind == "document":
            return await self._document(principal, subject)
        return await self._record(principal, subject)

    async def _record(self, principal: "Principal", reference: str) -> Report:
        async with self._database.transaction(principal, read_only=True) as transaction:
            facts = await read_record(transaction, await find_record(transaction, reference))
        if facts.category == "document":
            return await self._document(principal, str(facts.id))
        report = Report(facts.citation, RECORD)
        record_rules.check_fields(facts, report)
        record_rules.check_dates(facts, report)
        record_rules.check_people(facts, report)
        chain_rules.check_chain(facts, report)
        await chain_rules.check_duplicates(facts, report, self._search, principal)
        report.notes += [f"Looked at {one}." for one in facts.cut]
        return report

    async def _document(self, principal: "Principal", reference: str) -> Report:
        text = None
        async with self._database.transaction(principal, read_only=True) as transaction:
            version = await find_version(transaction, reference, newest=True)
            facts = await read_record(transaction, version.id)
            trainings = (await transaction.fetch_dicts(_TRAININGS, {"record_id": version.id}))[0]
            if (version.content or "").strip():
                text = await text_of(transaction, version)
        report = Report(version.label, DOCUMENT)
        document_rules.check_control(facts, trainings, report)
        if text is None:
            for rule in _TEXT_RULES:
                report.could_not(rule, "its text is not kept here")
            return report
        hints = await self._hints(principal, version.id, report)
        if hints is not None:
            await anyio.to_thread.run_sync(document_rules.check_text, text, hints.hints, report)
        return report

    async def _hints(self, principal: "Principal", version: "UUID", report: Report) -> "DocumentCheck | None":
        try:
            return await self._control.check(principal, str(version), CheckQuestion())
        except NotFoundError:
            raise
        except QmsError as error:
            for rule in _TEXT_RULES:
                report.could_not(rule, error.message)
            return None


def kind_of(subject: str) -> Kind:
    """Return what a subject looks like."""
    if _STATEMENT.match(subject) or _TABLE.match(subject):
        return "dataset"
    return "record" if _RECORD.match(subject) else "document"
