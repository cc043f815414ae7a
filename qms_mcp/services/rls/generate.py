"""Policies for one table, existing or planned, with the test that proves them."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from qms_mcp.auth.principal import Principal
from qms_mcp.db.queries import query
from qms_mcp.errors import InvalidInputError, NotFoundError
from qms_mcp.services.design.blueprint import ExistingTable
from qms_mcp.services.design.names import PLATFORM_SCHEMAS, check_name, nearest, quoted
from qms_mcp.services.rls.models import RowSecurityScript
from qms_mcp.services.rls.proof import proof_sql
from qms_mcp.services.rls.templates import ROLES, TEMPLATE_POLICIES, Rules, Template, reasons, row_security_sql

if TYPE_CHECKING:
    from qms_mcp.db.database import Database

_SUBJECT = query("rls.subject")
_TABLES = query("rls.existing_tables")
OWNER_COLUMNS = ("created_by", "owner_id", "assigned_to", "user_id", "requested_by", "drafted_by", "given_by")


@dataclass(frozen=True)
class Subject:
    """A table as the catalogue knows it."""

    kind: str
    columns: list[str]
    uuid_columns: list[str]
    policies: list[str]
    append_only: bool
    indexed: bool


async def generate_row_security(
    database: "Database",
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
        NotFoundError: The schema of the table does not exist, and the name is close to one that does.
    """
    schema, name = _split(table)
    async with database.transaction(principal, read_only=True) as transaction:
        subject = await transaction.fetch_one(_SUBJECT, {"schema": schema, "table": name}, row=Subject)
        known = await transaction.fetch_all(_TABLES, {"schemas": None}, row=ExistingTable) if subject is None else []
    if subject is None:
        _check_planned(schema, name, known)
    rules = Rules(
        f"{quoted(schema)}.{quoted(name)}",
        template,
        _checked_roles(template, roles),
        _owner_column(template, owner_column, subject),
        append_only or (subject is not None and subject.append_only),
    )
    if subject is not None:
        _check_subject(table, subject)
    return _answer(rules, subject)


def _answer(rules: Rules, subject: Subject | None) -> RowSecurityScript:
    there = subject.policies if subject else []
    warnings: list[str] = []
    if others := [name for name in there if name not in TEMPLATE_POLICIES]:
        warnings.append(
            f"{rules.table} keeps other policies ({', '.join(others)}); PostgreSQL joins them by OR, so each may open "
            "what these close."
        )
    if subject and not subject.indexed:
        warnings.append(f"No index of {rules.table} begins with organization_id: every query would scan all of it.")
    if subject is None:
        warnings.append(f"{rules.table} does not exist yet: run the script after its CREATE TABLE.")
    return RowSecurityScript(
        table=rules.table,
        planned=subject is None,
        script=row_security_sql(rules, replaced=[name for name in there if name in TEMPLATE_POLICIES]) + "\n",
        test=proof_sql(replace(rules)),
        decisions=dict(reasons(rules)),
        warnings=warnings,
        next_step=(
            "Give the script to create_migration. Save the test as a .sql file and run it with `qms-mcp test-sql`; "
            "check_rls then shows who sees what."
        ),
    )


def _split(table: str) -> tuple[str, str]:
    schema, dot, name = table.partition(".")
    if not dot or not schema or not name or "." in name:
        raise InvalidInputError(f"{table[:80]!r} is no schema.table.", hint="For example qms.quality_items.")
    if schema in PLATFORM_SCHEMAS or schema.startswith("pg_"):
        raise InvalidInputError(
            f"The schema {schema} is kept for the platform.", hint="Its policies are not ours to make."
        )
    return schema, name


def _check_planned(schema: str, name: str, known: Sequence[ExistingTable]) -> None:
    """Refuse a table that is missing because its name is misspelt."""
    check_name(schema, "schema")
    check_name(name, "table")
    hint = nearest(f"{schema}.{name}", [table.name for table in known])
    if hint.startswith("Did you mean") and _close(f"{schema}.{name}", hint):
        raise NotFoundError(f"There is no table {schema}.{name}.", hint=hint)


def _close(wanted: str, hint: str) -> bool:
    """Whether the difference is a slip of the hand and not another word."""
    found = hint.split("'")[1]
    return sorted(wanted.replace("_", "").rstrip("s")) == sorted(found.replace("_", "").rstrip("s"))


def _checked_roles(template: Template, roles: Sequence[str]) -> tuple[str, ...]:
    for role in roles:
        if role not in ROLES:
            raise InvalidInputError(f"There is no role {role[:40]!r}.", hint=nearest(role[:40], ROLES))
    if template == "role" and not roles:
        raise InvalidInputError("The template role needs roles: who may write?", hint=f"Of {', '.join(ROLES)}.")
    if template == "role" and "auditor" in roles:
        raise InvalidInputError("An auditor reads all and writes none.", hint="Leave auditor out of roles.")
    if template == "organization" and roles:
        raise InvalidInputError("The template organization takes no roles.", hint="Use the template role or owner.")
    if template == "owner" and set(roles) >= set(ROLES) - {"auditor"}:
        raise InvalidInputError("If every role sees all, nobody is an owner.", hint="Use the template organization.")
    return tuple(dict.fromkeys(roles))


def _owner_column(template: Template, given: str | None, subject: Subject | None) -> str | None:
    if template != "owner":
        if given:
            raise InvalidInputError(f"The template {template} takes no owner_column.", hint="Use the template owner.")
        return None
    if subject is None:
        return check_name(given or OWNER_COLUMNS[0], "column")
    if given is not None and given not in subject.uuid_columns:
        raise InvalidInputError(
            f"There is no uuid column {given[:80]!r}.", hint=nearest(given[:80], subject.uuid_columns)
        )
    found = given or next((column for column in OWNER_COLUMNS if column in subject.uuid_columns), None)
    if found is None:
        raise InvalidInputError(
            "Which column names the owner of a row?",
            hint=f"Give owner_column; uuid: {', '.join(subject.uuid_columns)}.",
        )
    return found


def _check_subject(table: str, subject: Subject) -> None:
    if subject.kind not in {"r", "p"}:
        raise InvalidInputError(
            f"{table} is no table, so it can't have policies.",
            hint="A view gets WITH (security_invoker = true), and the policies of its tables apply.",
        )
    if "organization_id" not in subject.columns:
        raise InvalidInputError(
            f"{table} has no organization_id to tell organizations apart.",
            hint="Add it: organization_id uuid NOT NULL REFERENCES qms.organizations (id), with an index.",
        )
