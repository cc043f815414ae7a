"""Document control: versions compared, checked and copied, reviews that come, training on what is new."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import anyio.to_thread

from qms_mcp.auth.principal import Principal
from qms_mcp.db.queries import query
from qms_mcp.db.transaction import Transaction
from qms_mcp.errors import InvalidInputError, NotFoundError
from qms_mcp.services.compliance.finding import find_framework
from qms_mcp.services.documents.checking import Item, check
from qms_mcp.services.documents.control_models import Detail, DocumentCheck, DocumentDiff, Hint, page_of
from qms_mcp.services.documents.copies import Copies
from qms_mcp.services.documents.differences import answer, compare
from qms_mcp.services.documents.hints import NamedDocument, capped, dead_references, mentions, text_hints
from qms_mcp.services.documents.reviewing import Reviewing
from qms_mcp.services.documents.sections import DocumentText
from qms_mcp.services.documents.versions import DocumentVersion, find_version, text_of
from qms_mcp.services.trainings import place_of

if TYPE_CHECKING:
    from qms_mcp.db.database import Database

_REVISIONS = query("document_control.revisions")
_CLAUSES = query("document_control.clauses")
_NAMED = query("document_control.named_documents")
_PREFIXES = query("document_control.number_prefixes")
_MOST_REVISIONS = 500
_MOST_ITEMS = 500
_CONCISE_QUOTES = 1


@dataclass(frozen=True, slots=True)
class CheckQuestion:
    """What a document is laid beside: a framework, a template, or neither for the hints alone.

    Attributes:
        clauses: Numbers; the clauses under each are meant too. Without any, all of the framework.
        template: Another document, as it is cited.
        sections: Titles of sections the document should have.
    """

    framework: str | None = None
    clauses: Sequence[str] = ()
    template: str | None = None
    sections: Sequence[str] = ()
    limit: int = 25
    cursor: str | None = None
    detail: Detail = "concise"


class DocumentControl:
    """What is done with versions of documents besides writing them.

    Attributes:
        copies: Controlled copies.
        reviewing: Periodic review and training.
    """

    def __init__(self, database: "Database") -> None:
        self._database = database
        self.copies = Copies(database)
        self.reviewing = Reviewing(database)

    async def diff(
        self,
        principal: Principal,
        document: str,
        *,
        old: int | None = None,
        new: int | None = None,
        against: str | None = None,
        limit: int = 20,
        cursor: str | None = None,
        detail: Detail = "concise",
    ) -> DocumentDiff:
        """Compare two versions of a document, or two documents, section by section.

        Without versions the newest is compared with the one before it.

        Args:
            principal: Who asks.
            document: Its number.
            old: The version to compare with.
            new: The version that is looked at.
            against: Another document to compare with, instead of `old`.
            limit: Sections at most.
            cursor: Of the page before.
            detail: `full` shows long changes whole.

        Raises:
            InvalidInputError: There is only one version, or one has no text; the cursor is not one of ours.
            NotFoundError: There is no such document or version.
        """
        skip = place_of(cursor)
        async with self._database.transaction(principal, read_only=True) as transaction:
            after = await find_version(transaction, document, new, newest=True)
            before = await _former(transaction, after, old, against)
            texts = await text_of(transaction, before), await text_of(transaction, after)
        comparison = await anyio.to_thread.run_sync(compare, *texts)
        return answer(comparison, limit=limit, skip=skip, detail=detail)

    async def check(
        self, principal: Principal, document: str, asked: CheckQuestion, *, version: int | None = None
    ) -> DocumentCheck:
        """Say where a document speaks of clauses or of the sections of a template, and of which it does not.

        Raises:
            InvalidInputError: The document has no text, too much was asked for, or the cursor is not one of ours.
            NotFoundError: There is no such document, framework, clause or template.
        """
        skip = place_of(asked.cursor)
        async with self._database.transaction(principal, read_only=True) as transaction:
            text = await text_of(transaction, await find_version(transaction, document, version))
            against, items = await _items(transaction, asked)
            references = [] if skip else await _dead_references(transaction, text)
        checked = await anyio.to_thread.run_sync(check, text, items)
        page, next_cursor = page_of(checked, asked.limit, skip)
        if asked.detail == "concise":
            page = [one.model_copy(update={"found": one.found[:_CONCISE_QUOTES]}) for one in page]
        hints = [] if skip else await anyio.to_thread.run_sync(lambda: text_hints(text, usual=not asked.template))
        return DocumentCheck(
            document=text.label,
            against=against,
            total=len(checked),
            missing=sum(not one.found for one in checked),
            items=page,
            hints=references + hints,
            next_cursor=next_cursor,
        )


async def _former(
    transaction: Transaction, after: DocumentVersion, old: int | None, against: str | None
) -> DocumentVersion:
    if against is not None:
        return await find_version(transaction, against, old)
    if old is not None:
        return await find_version(transaction, after.document_number or after.number, old)
    params = {
        "document_id": after.id, "document_number": after.document_number, "max_rows": _MOST_REVISIONS,
    }  # fmt: skip
    for row in await transaction.fetch_dicts(_REVISIONS, params):
        if row["revision"] is not None and after.revision is not None and row["revision"] < after.revision:
            return await find_version(transaction, str(row["id"]))
    raise InvalidInputError(
        f"There is no version of {after.document_number or after.number} before {after.label}.",
        hint="Name another document to compare with.",
    )


async def _items(transaction: Transaction, asked: CheckQuestion) -> tuple[str, list[Item]]:
    """Return what a document is laid beside, and the items of it."""
    about: list[str] = []
    items: list[Item] = []
    if asked.framework:
        name, clauses = await _clauses(transaction, asked.framework, asked.clauses)
        about.append(name)
        items += clauses
    if asked.template:
        template = await text_of(transaction, await find_version(transaction, asked.template))
        about.append(template.label)
        items += [
            Item(section.title, about=_above(section.heading_path)) for section in template.sections if section.level
        ]
    if asked.sections:
        about.append("named sections")
        items += [Item(title) for title in asked.sections if title.strip()]
    if len(items) > _MOST_ITEMS:
        raise InvalidInputError(f"That is {len(items)} items; {_MOST_ITEMS} are allowed.", hint="Name clauses.")
    return ", ".join(about) or "nothing: hints only", items


async def _clauses(transaction: Transaction, wanted: str, numbers: Sequence[str]) -> tuple[str, list[Item]]:
    framework = await find_framework(transaction, wanted)
    asked = [number.strip().removeprefix("§").strip() for number in numbers if number.strip()]
    params = {"framework_id": framework.id, "numbers": asked or None}
    rows = await transaction.fetch_dicts(_CLAUSES, params)
    for number in asked:
        if not any(row["number"] == number or row["number"].startswith((f"{number}.", f"{number}(")) for row in rows):
            raise NotFoundError(
                f"{framework.name} has no clause {number[:40]!r} with requirements.",
                hint=f"qms://framework/{framework.key} lists its clauses.",
            )
    name = f"{framework.name} {', '.join(asked)}".strip()
    return name, [Item(row["title"], row["number"], row["parent_title"] or "") for row in rows]


def _above(heading_path: str) -> str:
    return heading_path.rpartition(" > ")[0].rpartition(" > ")[2]


async def _dead_references(transaction: Transaction, text: DocumentText) -> list[Hint]:
    named = mentions(text)
    if not named:
        return []
    numbers = sorted({mention.number for mention in named})
    known = await transaction.fetch_all(_NAMED, {"numbers": numbers}, row=NamedDocument)
    prefixes = frozenset(str(row["prefix"]) for row in await transaction.fetch_dicts(_PREFIXES))
    return capped(list(dead_references(named, {one.document_number.upper(): one for one in known}, prefixes)))
