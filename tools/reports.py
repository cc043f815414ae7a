"""Quality reports."""

from typing import Annotated

from pydantic import Field, WithJsonSchema

from qms_mcp.context import Ctx, caller, services
from qms_mcp.registry import tool
from qms_mcp.services.analysis.source import Source
from qms_mcp.services.reports.asked import DraftedBy, Kind, QualityReport, ReportAsked

Table = WithJsonSchema({"type": "object"})


@tool(toolset="analytics", title="Quality report")
async def quality_report(  # noqa: PLR0913, PLR0917 - what it is about, what it rests on, and how it is kept
    ctx: Ctx,
    kind: Annotated[Kind, Field(description="Which.")],
    reason: Annotated[str, Field(min_length=10, max_length=2_000, description="Why.")],
    period: Annotated[str | None, Field(max_length=12, description="2026-10, 2026-Q3, 2026.")] = None,
    supplier: Annotated[str | None, Field(max_length=200, description="One.")] = None,
    volumes: Annotated[Source | None, Table, Field(description="Source.")] = None,
    costs: Annotated[Source | None, Table, Field(description="Source.")] = None,
    drafted_by: Annotated[DraftedBy, Field(description="Words.")] = "template",
    preview: Annotated[bool, Field(description="Keep nothing.")] = False,
    idempotency_key: Annotated[str | None, Field(max_length=200, description="Writes once.")] = None,
) -> QualityReport:
    """Make a report with charts, kept as a draft document (Markdown, HTML, PDF) that a person reviews and signs.

    management_review: inputs of ISO 9001 9.3.2 and ISO 13485 5.6.2, with facts or what is missing. Numbers cite
    calculations. Made again it is the next version. A period that has not begun fails.
    """
    asked = ReportAsked(
        kind=kind,
        period=period,
        supplier=supplier,
        volumes=volumes,
        costs=costs,
        drafted_by=drafted_by,
        preview=preview,
    )

    async def at(done: int, total: int, says: str) -> None:
        await ctx.report_progress(done, total, says)

    return await services(ctx).reports.report(caller(ctx), asked, reason, idempotency_key=idempotency_key, at=at)
