"""What is wrong: the lints of the catalogue, of the policies' text, and of what personas got."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from qms_mcp.db.queries import Query, query
from qms_mcp.services.rls.access import PolicyRow
from qms_mcp.services.rls.expressions import calls_per_row, wrapped
from qms_mcp.services.rls.models import SEVERITIES, Access, Finding, Severity
from qms_mcp.services.rls.personas import PERSONAS

if TYPE_CHECKING:
    from qms_mcp.db.transaction import Transaction

READERS = ("qms_app", "qms_sql", "qms_probe", "anon", "authenticated")
LINTS: Mapping[str, Query] = {
    name: query(f"rls.lint_{name}")
    for name in (
        "rls_disabled",
        "rls_not_forced",
        "policy_always_true",
        "no_policy",
        "forgeable_policy",
        "definer_without_search_path",
        "function_for_everybody",
        "no_primary_key",
        "tenant_index",
        "foreign_key_index",
        "policy_index",
        "unused_index",
        "duplicate_index",
        "extension_in_public",
        "view_passes_rls",
        "open_grant",
        "unbound_owner",
    )
}


@dataclass(frozen=True)
class LintRow:
    """A finding as its query returns it."""

    relation: str | None
    object: str
    severity: Severity
    problem: str
    fix: str


async def catalogue_findings(transaction: "Transaction", schemas: Sequence[str], table: str | None) -> list[Finding]:
    """Run every lint over these schemas; of one table only, when it is named."""
    found: list[Finding] = []
    params = {"schemas": list(schemas), "roles": list(READERS)}
    for name, lint in LINTS.items():
        rows = await transaction.fetch_all(lint, params, row=LintRow)
        found += [
            Finding(lint=name, severity=row.severity, object=row.object, problem=row.problem, fix=row.fix)
            for row in rows
            if table is None or row.relation == table
        ]
    return found


def policy_findings(policies: Sequence[PolicyRow]) -> list[Finding]:
    """Return the policies that call a function once per row."""
    found: list[Finding] = []
    for policy in policies:
        parts = {"USING": policy.using_expression or "", "WITH CHECK": policy.check_expression or ""}
        slow = [call for text in parts.values() for call in calls_per_row(text)]
        if not slow:
            continue
        better = " ".join(f"{word} ({wrapped(text)})" for word, text in parts.items() if text)
        found.append(
            Finding(
                severity="warning",
                lint="policy_per_row",
                object=f"{policy.name} on {policy.table_name}",
                problem=f"{slow[0]} is called once per row; in a sub-select it is called once per statement.",
                fix=f"ALTER POLICY {policy.name} ON {policy.table_name} {better};",
            )
        )
    return found


def access_findings(table: str, access: Sequence[Access]) -> list[Finding]:
    """Return what personas got that they must not."""
    may = {persona.label: persona.may for persona in PERSONAS}
    across = [one for one in access if one.sees == "all" or " all" in one.changes]
    within = [one for one in access if one not in across]
    uninvited = [one for one in within if may[one.role] == "nothing" and (one.sees != "none" or one.changes)]
    writers = [one for one in within if may[one.role] == "read" and one.changes]
    fix = "generate_rls writes policies that hold, and the test that proves it."
    found: list[Finding] = []
    if across:
        found.append(
            _finding("error", "crosses_organizations", table, "Reaches rows of other organizations", across, fix)
        )
    if uninvited:
        found.append(
            _finding("error", "uninvited", table, "Gets in without a valid identity or a right to", uninvited, fix)
        )
    if writers:
        found.append(_finding("warning", "reader_writes", table, "Is meant to read and can write", writers, fix))
    return found


def _finding(severity: Severity, lint: str, table: str, problem: str, access: Sequence[Access], fix: str) -> Finding:
    who = "; ".join(f"{one.role}: {one}" for one in access)
    return Finding(severity=severity, lint=lint, object=table, problem=f"{problem} ({who}).", fix=fix)


def ranked(findings: Sequence[Finding]) -> list[Finding]:
    """Return the findings, the worst first."""
    return sorted(findings, key=lambda finding: (SEVERITIES.index(finding.severity), finding.object, finding.lint))
