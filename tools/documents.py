"""Documents: brought in from files, revised, compared, and laid beside what they should cover."""

from typing import Annotated, Any

from pydantic import Field, WithJsonSchema

from qms_mcp.context import Ctx, caller, services
from qms_mcp.registry import tool
from qms_mcp.services.documents.control import CheckQuestion
from qms_mcp.services.documents.control_models import Detail, DocumentCheck, DocumentDiff
from qms_mcp.services.documents.models import FileOutcome, IngestAnswer, Ingested, Revised
from qms_mcp.services.documents.revising import Revision
from qms_mcp.services.documents.service import Source

Document = Annotated[str, Field(min_length=1, max_length=100, description="SOP-014 v3, SOP-014.")]
Reason = Annotated[str, Field(min_length=10, max_length=2_000, description="Why; kept in the audit trail.")]
Key = Annotated[str | None, Field(max_length=200, description="The same key writes once.")]
Text = Annotated[str | None, Field(max_length=2_000_000, description="Markdown.")]
Object = WithJsonSchema({"type": "object"})
Limit = Annotated[int, Field(ge=1, le=100, description="A page.")]
Cursor = Annotated[str | None, Field(max_length=100, description="next_cursor.")]
How = Annotated[Detail, Field(description="full: nothing cut.")]


@tool(toolset="documents", title="Ingest documents", repeats=True)
async def ingest_document(  # noqa: PLR0913, PLR0917 - four ways a document can come
    ctx: Ctx,
    reason: Reason,
    path: Annotated[str | None, Field(max_length=4_000, description="File or folder.")] = None,
    content_base64: Annotated[str | None, Field(description="Bytes.")] = None,
    text: Text = None,
    url: Annotated[str | None, Field(max_length=2_000, description="Of an allowed host.")] = None,
    file_name: Annotated[str | None, Field(max_length=255, description="Of bytes or text.")] = None,
    fields: Annotated[dict[str, Any] | None, Object, Field(description="document_number, title, owner_id, ...")] = None,
    idempotency_key: Key = None,
) -> IngestAnswer:
    """Bring a PDF, Office file, HTML, Markdown, text or e-mail, or a folder of them, in as draft documents.

    One of path, content_base64, text, url. The same bytes are one document; a known number with another text is its
    next version. A file of a folder that can't be read is refused, the rest goes on.
    """

    async def at(done: int, total: int, last: FileOutcome) -> None:
        await ctx.report_progress(done, total, f"{last.file}: {last.outcome}")

    source = Source(path=path, content_base64=content_base64, text=text, url=url, file_name=file_name)
    made = await services(ctx).documents.ingest(
        caller(ctx), source, reason, fields=fields, idempotency_key=idempotency_key, at=at
    )
    return IngestAnswer.of(made) if isinstance(made, Ingested) else IngestAnswer.of_folder(made)


@tool(toolset="documents", title="Revise a document")
async def revise_document(  # noqa: PLR0913, PLR0917 - what changes, where it comes from and why
    ctx: Ctx,
    document: Document,
    reason: Reason,
    change_summary: Annotated[str, Field(min_length=3, max_length=5_000, description="What is different.")],
    text: Text = None,
    path: Annotated[str | None, Field(max_length=4_000, description="Or a file.")] = None,
    change: Annotated[str | None, Field(max_length=60, description="CR number.")] = None,
    fields: Annotated[dict[str, Any] | None, Object, Field(description="What else differs.")] = None,
    idempotency_key: Key = None,
) -> Revised:
    """Write the next version of a controlled document as a draft: same number, next revision, the whole new text.

    Give text or path. Title, type, owner, training and review are taken over. Fails while a new version is open
    (change that one), or when the text is the same.
    """
    revision = Revision(document, change_summary, change, fields)
    source = Source(path=path, text=text)
    made = await services(ctx).documents.revise(caller(ctx), revision, source, reason, idempotency_key=idempotency_key)
    return Revised.of(made)


@tool(toolset="documents", title="Compare documents", reads=True)
async def diff_documents(
    ctx: Ctx,
    document: Document,
    other: Annotated[str | None, Field(max_length=100, description="Another document.")] = None,
    from_version: Annotated[int | None, Field(ge=1, description="Default: before it.")] = None,
    to_version: Annotated[int | None, Field(ge=1, description="Default: the newest.")] = None,
    detail: How = "concise",
    limit: Limit = 20,
    cursor: Cursor = None,
) -> DocumentDiff:
    """Compare two versions of a document, or two documents, section by section.

    Sections are added, removed, changed, moved or renumbered, with [-removed-] and {+added+} words; requirement
    sentences that changed are listed apart. Fails when there is one version only.
    """
    return await services(ctx).documents.control.diff(
        caller(ctx),
        document,
        old=from_version,
        new=to_version,
        against=other,
        limit=limit,
        cursor=cursor,
        detail=detail,
    )


@tool(toolset="documents", title="Check a document", reads=True)
async def check_document(  # noqa: PLR0913, PLR0917 - each is something to lay it beside
    ctx: Ctx,
    document: Document,
    framework: Annotated[str | None, Field(max_length=100, description="iso-13485, ...")] = None,
    clauses: Annotated[list[str] | None, Field(max_length=200, description="Default: all.")] = None,
    template: Annotated[str | None, Field(max_length=100, description="Another document.")] = None,
    sections: Annotated[list[str] | None, Field(max_length=100, description="Titles.")] = None,
    detail: How = "concise",
    limit: Limit = 25,
    cursor: Cursor = None,
) -> DocumentCheck:
    """Lay a document beside clauses, a template or section titles: quotes where each is covered, and what is missing.

    Also hints: dead references, placeholders. Quotes, no verdict: say evidence found or missing, never compliant. An
    unknown clause fails.
    """
    asked = CheckQuestion(
        framework=framework,
        clauses=clauses or (),
        template=template,
        sections=sections or (),
        limit=limit,
        cursor=cursor,
        detail=detail,
    )
    return await services(ctx).documents.control.check(caller(ctx), document, asked)
