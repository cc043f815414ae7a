"""Tools that check: rows against rules, tables against their promises, and SQL before it runs."""

from typing import Annotated, Literal

from pydantic import Field

from qms_mcp.context import Ctx, caller, services
from qms_mcp.registry import tool
from qms_mcp.services.review.models import Review
from qms_mcp.services.sql_tests.service import GeneratedTests
from qms_mcp.services.validation.models import Validation, ValidationRule

Table = Annotated[str, Field(description="schema.table")]


@tool(toolset="sql", title="Validate data", reads=True)
async def validate_data(
    ctx: Ctx,
    table: Table,
    rules: Annotated[
        list[ValidationRule] | None,
        Field(max_length=50, description="Left out: inferred."),
    ] = None,
    limit: Annotated[int, Field(ge=0, le=5, description="Failing rows to show per rule.")] = 5,
) -> Validation:
    """Check the rows your organization sees against rules: how many fail, and which.

    Use it before a constraint is added, after an import, or to see how good the data are. Without rules it checks those
    the table implies and says where each comes from. A rule that can't run is an error of that rule only, and the
    verdict is then failed.
    """
    return await services(ctx).validation.validate(caller(ctx), table, rules, samples=limit)


@tool(toolset="sql", title="Generate tests", reads=True)
async def generate_tests(
    ctx: Ctx,
    table: Table,
    style: Annotated[Literal["plain", "pgtap"], Field(description="Script style.")] = "plain",
) -> GeneratedTests:
    """Write SQL tests for a table: required columns, defaults, checks, keys, isolation, triggers, rights.

    Values that satisfy or break each constraint are tried out in PostgreSQL. Nothing is run or stored: a person saves
    the script and runs it with `qms-mcp test-sql FILE`, which rolls it all back. What could not be covered is listed in
    skipped. Fails for views.
    """
    return await services(ctx).sql_tests.generate(caller(ctx), table, style)


@tool(toolset="sql", title="Review SQL", reads=True)
async def review_code(
    ctx: Ctx,
    code: Annotated[str, Field(min_length=1, max_length=200_000, description="SQL or PL/pgSQL statements.")],
    kind: Annotated[
        Literal["auto", "query", "function", "migration"], Field(description="What it is meant to be.")
    ] = "auto",
) -> Review:
    """Review SQL and PL/pgSQL without running it: findings with severity, line, reason and fix.

    Use it before create_migration, on functions and policies, and on queries someone else wrote. Some 70 rules look for
    injection, unsafe SECURITY DEFINER, holes in row-level security, wrong NULL logic, lost errors and slow patterns;
    PostgreSQL resolves the names in queries. It finds patterns, not intentions: no finding is no proof.
    """
    return await services(ctx).review.review(code, kind)
