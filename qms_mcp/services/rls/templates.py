"""Policies by template, and the words for why they look as they do.

Every policy compares organization_id with the verified identity of the transaction, inside a sub-select so that it
is asked once per statement. The templates differ in who may write, and in which rows of the organization one sees.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

from qms_mcp.services.design.names import literal, quoted

Template: TypeAlias = Literal["organization", "role", "owner"]
ROLES = ("reporter", "owner", "reviewer", "approver", "qa_approver", "mrb", "regulatory", "auditor", "admin")

# Another template on the same table replaces these: left behind, they would keep open what it closes.
TEMPLATE_POLICIES = frozenset(
    ("read_own", "add_own", "change_own", "add_by_role", "change_by_role", "read_mine", "add_mine", "change_mine")
)

_OWN = "organization_id = (SELECT qms.current_organization_id())"
_WRITES = "(SELECT qms.may_write())"


@dataclass(frozen=True, slots=True)
class Policy:
    """A policy, in parts."""

    name: str
    command: Literal["SELECT", "INSERT", "UPDATE"]
    using: str | None = None
    check: str | None = None


@dataclass(frozen=True, slots=True)
class Rules:
    """What a table's policies are made from.

    Attributes:
        table: Schema and name, quoted where needed.
        template: Who sees and writes what.
        roles: template role: who may write. template owner: who sees all rows of the organization.
        owner_column: template owner: the column that names the person.
        append_only: Rows are added and never changed.
    """

    table: str
    template: Template = "organization"
    roles: Sequence[str] = ()
    owner_column: str | None = None
    append_only: bool = False


def policies(rules: Rules) -> list[Policy]:
    """Return the policies of a table: reading, adding and, unless it is append-only, changing."""
    if rules.template == "role":
        writer = _any_role(rules.roles)
        made = [
            Policy("read_own", "SELECT", _OWN),
            Policy("add_by_role", "INSERT", None, f"{_OWN} AND {writer}"),
            Policy("change_by_role", "UPDATE", f"{_OWN} AND {writer}", f"{_OWN} AND {writer}"),
        ]
    elif rules.template == "owner":
        mine = f"{quoted(rules.owner_column or '')} = (SELECT qms.current_user_id())"
        seen = f"({mine} OR {_any_role(rules.roles)})" if rules.roles else mine
        made = [
            Policy("read_mine", "SELECT", f"{_OWN} AND {seen}"),
            Policy("add_mine", "INSERT", None, f"{_OWN} AND {mine} AND {_WRITES}"),
            Policy("change_mine", "UPDATE", f"{_OWN} AND {mine} AND {_WRITES}", f"{_OWN} AND {mine}"),
        ]
    else:
        made = [
            Policy("read_own", "SELECT", _OWN),
            Policy("add_own", "INSERT", None, f"{_OWN} AND {_WRITES}"),
            Policy("change_own", "UPDATE", f"{_OWN} AND {_WRITES}", _OWN),
        ]
    return made[:2] if rules.append_only else made


def _any_role(roles: Sequence[str]) -> str:
    return "(SELECT " + " OR ".join(f"qms.has_role({literal(role)})" for role in roles) + ")"


def row_security_sql(rules: Rules, *, replaced: Sequence[str] = ()) -> str:
    """Return the statements: row-level security on and forced, the policies, the rights.

    Args:
        rules: Which template on which table.
        replaced: Policies that are dropped first.
    """
    lines = [
        f"ALTER TABLE {rules.table} ENABLE ROW LEVEL SECURITY;",
        f"ALTER TABLE {rules.table} FORCE ROW LEVEL SECURITY;",
        *(f"DROP POLICY {quoted(name)} ON {rules.table};" for name in replaced),
        *(_policy_sql(rules.table, policy) for policy in policies(rules)),
        f"GRANT SELECT ON {rules.table} TO qms_app, qms_sql;",
        f"GRANT {'INSERT' if rules.append_only else 'INSERT, UPDATE'} ON {rules.table} TO qms_app;",
    ]
    return "\n".join(lines)


def _policy_sql(table: str, policy: Policy) -> str:
    who = "qms_app, qms_sql" if policy.command == "SELECT" else "qms_app"
    lines = [f"CREATE POLICY {policy.name} ON {table} FOR {policy.command} TO {who}"]
    if policy.using:
        lines.append(f"USING ({policy.using})")
    if policy.check:
        lines.append(f"WITH CHECK ({policy.check})")
    return "\n".join(lines) + ";"


def reasons(rules: Rules) -> list[tuple[str, str]]:
    """Return what was decided for these policies, and why."""
    said = [
        (
            "row-level security is enabled and forced",
            "without FORCE the owner of the table, and every view it owns, would see all organizations",
        ),
        (
            "policies ask qms.current_organization_id()",
            "it verifies a signed identity; a setting such as request.jwt.claims can be set by any SQL",
        ),
        ("the function stands in a sub-select", "PostgreSQL then asks once per statement, not once per row"),
        ("no policy and no right to delete", "quality records are never deleted; cancel and obsolete are states"),
        (_template_says(rules), _TEMPLATE_WHY[rules.template]),
    ]
    if rules.append_only:
        said.append(("no policy and no right to update", "append-only: a correction is a new row"))
    return said


def _template_says(rules: Rules) -> str:
    if rules.template == "role":
        return f"everybody in the organization reads; {', '.join(rules.roles)} write"
    if rules.template == "owner":
        others = f"; {', '.join(rules.roles)} see all of the organization" if rules.roles else ""
        return f"a person sees and changes the rows with themselves in {rules.owner_column}{others}"
    return "everybody in the organization reads, whoever may write writes"


_TEMPLATE_WHY: dict[Template, str] = {
    "organization": "qms.may_write() is false for someone who is only an auditor",
    "role": "qms.has_role() reads the roles from the membership, not from what the caller says",
    "owner": "INSERT and UPDATE check the same column, so nobody writes in another's name",
}
