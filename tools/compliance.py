"""Tools for frameworks: what evidence there is for their clauses, and linking more."""

from datetime import date
from typing import Annotated, Literal

from pydantic import Field

from qms_mcp.context import Ctx, caller, services
from qms_mcp.errors import InvalidInputError
from qms_mcp.registry import tool
from qms_mcp.services.compliance.linking import EvidenceToLink
from qms_mcp.services.compliance.models import Coverage, Linked

Framework = Annotated[str, Field(max_length=80, description="e.g. iso-13485, part-11.")]
Limit = Annotated[int, Field(ge=1, le=100, description="Clauses at most.")]
Cursor = Annotated[str | None, Field(description="next_cursor of the page before.")]


@tool(toolset="quality", title="Compliance matrix", reads=True)
async def get_compliance_matrix(
    ctx: Ctx,
    framework: Framework,
    clause: Annotated[str | None, Field(max_length=40, description="This clause and those under it.")] = None,
    only: Annotated[Literal["gaps", "stale"] | None, Field(description="Without evidence, or with old.")] = None,
    limit: Limit = 25,
    cursor: Cursor = None,
) -> Coverage:
    """Show a framework clause by clause: evidence with citations, how fresh it is, and the gaps.

    Evidence is what counts by itself (such as closed CAPAs or effective documents), what somebody linked, and what the
    matrix notes. It is found, stale or missing; never say of a clause that it is fulfilled. qms://framework/{key} lists
    all clauses.
    """
    return await services(ctx).compliance.matrix(
        caller(ctx), framework, clause=clause, only=only, limit=limit, cursor=cursor
    )


@tool(toolset="quality", title="Check evidence", reads=True)
async def check_compliance(
    ctx: Ctx,
    framework: Annotated[
        str | None, Field(max_length=80, description="e.g. iso-13485; with a record, optional.")
    ] = None,
    clause: Annotated[str | None, Field(max_length=40, description="This clause and those under it.")] = None,
    record: Annotated[str | None, Field(max_length=40, description="Number or id: what this record shows.")] = None,
    limit: Limit = 25,
    cursor: Cursor = None,
) -> Coverage:
    """Check what evidence there is for a clause, or which clauses a record is evidence for.

    Says what was looked for and cites what was found, is stale or missing. It does not judge content: report the
    evidence and leave the judgement to a person. Fails when the framework, clause or record does not exist.
    """
    compliance = services(ctx).compliance
    if record is not None:
        return await compliance.check_record(caller(ctx), record, framework=framework, limit=limit, cursor=cursor)
    if framework is None:
        raise InvalidInputError(
            "Name a framework or a record.",
            hint="iso-9001, iso-13485, fda-qmsr, part-11, annex-11, ich-q10; or a number such as CAPA-2026-0014.",
        )
    return await compliance.matrix(caller(ctx), framework, clause=clause, explain=True, limit=limit, cursor=cursor)


@tool(toolset="quality", title="Link evidence")
async def link_evidence(
    ctx: Ctx,
    framework: Framework,
    clause: Annotated[str, Field(max_length=40, description="Its number.")],
    reason: Annotated[str, Field(min_length=10, max_length=2_000, description="Why.")],
    record: Annotated[str | None, Field(max_length=40, description="Number or id.")] = None,
    uri: Annotated[str | None, Field(max_length=2_000, description="Where it is, if outside.")] = None,
    valid_until: Annotated[date | None, Field(description="Stale after this day.")] = None,
    action: Annotated[
        Literal["link", "withdraw", "exclude", "include"],
        Field(description="exclude: it does not apply."),
    ] = "link",
) -> Linked:
    """Link a record or a uri to a clause as evidence, or propose that the clause does not apply.

    A link keeps the record's version; withdraw takes it back. exclude counts only once
    another person adopted it: tell the user how_to_approve. include undoes it at once.
    """
    wanted = EvidenceToLink(
        framework=framework,
        clause=clause,
        reason=reason,
        record=record,
        uri=uri,
        valid_until=valid_until,
        action=action,
    )
    return await services(ctx).compliance.links.link(caller(ctx), wanted)
