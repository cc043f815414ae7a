"""Row-level security as a service: write it, prove it, check it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from qms_mcp.auth.principal import Principal
from qms_mcp.db.queries import query
from qms_mcp.errors import InvalidInputError, NotFoundError
from qms_mcp.services.design.names import PLATFORM_SCHEMAS, nearest
from qms_mcp.services.rls.access import Examiner, PolicyRow, Relation, Rights
from qms_mcp.services.rls.findings import access_findings, catalogue_findings, policy_findings, ranked
from qms_mcp.services.rls.generate import generate_row_security
from qms_mcp.services.rls.models import (
    SEVERITIES,
    Access,
    Finding,
    RowSecurityReport,
    RowSecurityScript,
    Severity,
    TableAccess,
)
from qms_mcp.services.rls.personas import DATABASE_ROLES, PERSONAS, Persona, claims, settings
from qms_mcp.services.rls.templates import Template

if TYPE_CHECKING:
    from qms_mcp.db.database import Database
    from qms_mcp.db.impersonation import Impersonation
    from qms_mcp.db.transaction import Transaction

_BOUND = query("rls.bound")
_SCHEMAS = query("rls.checked_schemas")
_ALL_SCHEMAS = query("rls.schemas")
_RELATIONS = query("rls.relations")
_RIGHTS = query("rls.rights")
_POLICIES = query("rls.policies")
MOST_FINDINGS = 60
_METHOD = (
    "All tried as that role and rolled back. by statement: reached on the table itself; by policy: its policies let "
    "made-up rows of your organization (own) or of another (all) through; by rights: grants alone decide. Tested "
    "roles that are not listed get nothing."
)


@dataclass(frozen=True)
class _Named:
    name: str


@dataclass(frozen=True, slots=True)
class _Scene:
    """What is examined: the relations of a page, with the policies and rights on them."""

    relations: Sequence[Relation]
    policies: Sequence[PolicyRow]
    rights: Sequence[Rights]


class RowSecurity:
    """Generates and checks row-level security."""

    def __init__(self, database: "Database") -> None:
        self._database = database

    async def generate(
        self,
        *,
        principal: Principal,
        table: str,
        template: Template,
        roles: Sequence[str] = (),
        owner_column: str | None = None,
        append_only: bool = False,
    ) -> RowSecurityScript:
        """Return the policies of a table by template, and the test that proves them.

        Raises:
            InvalidInputError: The table has no organization_id, or the template lacks what it needs.
            NotFoundError: The table does not exist, and the name is close to one that does.
        """
        return await generate_row_security(
            self._database,
            principal=principal,
            table=table,
            template=template,
            roles=roles,
            owner_column=owner_column,
            append_only=append_only,
        )

    async def check(
        self,
        *,
        principal: Principal,
        schema: str | None = None,
        table: str | None = None,
        severity: Severity = "info",
        full: bool = False,
        limit: int = 25,
        cursor: str | None = None,
    ) -> RowSecurityReport:
        """Return who gets what from the tables, and what is wrong.

        Raises:
            InvalidInputError: The cursor is none of ours.
            NotFoundError: There is no such schema or table.
        """
        if table and "." in table:
            schema, _, table = table.partition(".")
        async with self._database.owner_transaction(rollback=True) as transaction:
            await transaction.execute(_BOUND)
            schemas = await _schemas(transaction, schema)
            relations = await transaction.fetch_all(_RELATIONS, {"schemas": schemas, "table": table}, row=Relation)
            if table and not relations:
                everything = await transaction.fetch_all(_RELATIONS, {"schemas": schemas, "table": None}, row=Relation)
                raise NotFoundError(
                    f"There is no table {table[:80]!r}.", hint=nearest(table, [one.name for one in everything])
                )
            page, next_cursor = _page(relations, limit, cursor)
            scene = await _scene(transaction, page)
            access, untested = await _impersonate(transaction, principal, scene)
            found = policy_findings(scene.policies)
            for relation in page:
                found += access_findings(relation.full_name, access[relation.oid])
            if cursor is None:
                full_name = f"{relations[0].schema}.{table}" if table else None
                found += await catalogue_findings(transaction, schemas, full_name)
        shown = [one for one in ranked(found) if SEVERITIES.index(one.severity) <= SEVERITIES.index(severity)]
        return RowSecurityReport(
            tables=[_table(relation, access[relation.oid], full=full) for relation in page],
            total_tables=len(relations),
            next_cursor=next_cursor,
            findings=shown[:MOST_FINDINGS],
            found=_counts(found),
            tested=[persona.label for persona in PERSONAS if persona.label not in untested],
            untested=untested,
            method=_METHOD,
        )


async def _schemas(transaction: "Transaction", schema: str | None) -> list[str]:
    platform = sorted(PLATFORM_SCHEMAS - {"qms_private"})
    rows = await transaction.fetch_all(_SCHEMAS, {"schema": schema, "platform": platform}, row=_Named)
    if not rows:
        known = await transaction.fetch_all(_ALL_SCHEMAS, row=_Named)
        raise NotFoundError(
            f"There is no schema {(schema or '')[:80]!r} to check.",
            hint=nearest(schema or "", [row.name for row in known if not row.name.startswith("pg_")]),
        )
    return [row.name for row in rows]


def _page(relations: Sequence[Relation], limit: int, cursor: str | None) -> tuple[list[Relation], str | None]:
    """Return a page of relations; the cursor is the name of the last one before it."""
    if cursor is not None and "." not in cursor:
        raise InvalidInputError("This cursor is not one of ours.", hint="Use next_cursor of the answer before.")
    rest = [one for one in relations if cursor is None or (one.schema, one.name) > tuple(cursor.split(".", 1))]
    page = rest[:limit]
    return page, page[-1].full_name if len(rest) > limit else None


async def _scene(transaction: "Transaction", relations: Sequence[Relation]) -> _Scene:
    params = {"relations": [one.oid for one in relations], "roles": list(DATABASE_ROLES)}
    return _Scene(
        relations,
        await transaction.fetch_all(_POLICIES, params, row=PolicyRow),
        await transaction.fetch_all(_RIGHTS, params, row=Rights),
    )


async def _impersonate(
    transaction: "Transaction", principal: Principal, scene: _Scene
) -> tuple[dict[int, list[Access]], list[str]]:
    from qms_mcp.db.impersonation import Impersonation  # noqa: PLC0415 - brings psycopg, which tools must not wait for

    impersonation = Impersonation(transaction)
    access: dict[int, list[Access]] = {relation.oid: [] for relation in scene.relations}
    untested: list[str] = []
    for persona in PERSONAS:
        if not await _enter(impersonation, principal, persona):
            # Without any right there is nothing to test.
            if any(right.role == persona.role for right in scene.rights):
                untested.append(persona.label)
            continue
        examiner = Examiner(
            impersonation, persona, user_id=principal.user_id, organization_id=principal.organization_id
        )
        for relation in scene.relations:
            rights = next((r for r in scene.rights if (r.role, r.relation) == (persona.role, relation.oid)), None)
            policies = [policy for policy in scene.policies if policy.relation == relation.oid]
            access[relation.oid].append(await examiner.examine(relation, rights, policies))
        await impersonation.leave()
    return access, untested


async def _enter(impersonation: "Impersonation", principal: Principal, persona: Persona) -> bool:
    from qms_mcp.db.impersonation import Ticket  # noqa: PLC0415 - as above

    signed = "" if persona.identity == "none" else await impersonation.sign(claims(principal, persona.identity))
    if persona.identity == "forged":
        signed = "0" * 64 + signed[64:]
    return await impersonation.act_as(persona.role, Ticket(signed, settings(principal, persona.identity)))


def _table(relation: Relation, access: Sequence[Access], *, full: bool) -> TableAccess:
    something = [one for one in access if one.sees != "none" or one.changes]
    shown = access if full else something
    return TableAccess(
        table=relation.full_name,
        rls=relation.rls,
        access={one.role: f"{one} (by {one.how})" for one in shown},
    )


def _counts(findings: Sequence[Finding]) -> dict[str, int]:
    return {level: sum(finding.severity == level for finding in findings) for level in SEVERITIES}
