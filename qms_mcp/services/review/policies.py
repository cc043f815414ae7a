"""Rules about row-level security."""

from collections.abc import Iterator

from qms_mcp.services.review.code import Code, Spot
from qms_mcp.services.review.reading import closing, opening, word
from qms_mcp.services.review.rules import on_code, on_statement
from qms_mcp.sqltext import Statement, Token

_TENANT_COLUMNS = frozenset({"organization_id", "organisation_id", "tenant_id", "org_id"})
_EVERYBODY = frozenset({"public", "anon", "authenticated"})


def _is_policy(statement: Statement) -> bool:
    return statement.words[0] in {"create", "alter"} and word(statement, 1) == "policy"


@on_statement(
    "policy-trusts-setting",
    "error",
    why="Any SQL can set a setting, so a policy that reads one lets the caller choose who they are.",
    fix="Compare with (SELECT qms.current_organization_id()) or another function that verifies a signature.",
)
def policy_trusts_setting(spot: Spot) -> Iterator[Token]:
    """Find current_setting in policies."""
    if _is_policy(spot.statement):
        yield from (spot.statement.tokens[index] for index in spot.statement.find("current_setting"))


@on_statement(
    "policy-user-metadata",
    "error",
    why="People can edit their own user_metadata, so a policy must not rest on it.",
    fix="Use app_metadata, or a table of memberships.",
)
def policy_user_metadata(spot: Spot) -> Iterator[Token]:
    """Find user_metadata in policies."""
    if _is_policy(spot.statement):
        yield from (token for token in spot.statement.tokens if "user_metadata" in token.text.lower())


@on_statement(
    "policy-insert-unchecked",
    "error",
    why="An INSERT policy without WITH CHECK lets rows of any organization in.",
    fix="Add WITH CHECK (organization_id = (SELECT qms.current_organization_id())).",
)
def policy_insert_unchecked(spot: Spot) -> Iterator[Token]:
    """Find policies for INSERT without WITH CHECK."""
    statement = spot.statement
    if statement.starts("create", "policy") and statement.has("for", "insert") and not statement.has("with", "check"):
        yield statement.tokens[0]


@on_statement(
    "policy-change-unchecked",
    "warning",
    why="Without WITH CHECK it is not said which rows may come out of a change; a row may be moved out of sight.",
    fix="Add WITH CHECK with the condition the new row has to meet.",
)
def policy_change_unchecked(spot: Spot) -> Iterator[Token]:
    """Find policies for UPDATE or ALL without WITH CHECK."""
    statement = spot.statement
    if not statement.starts("create", "policy") or statement.has("with", "check"):
        return
    only = any(statement.has("for", command) for command in ("select", "insert", "delete"))
    if not only:
        yield statement.tokens[0]


@on_statement(
    "policy-always-true",
    "warning",
    why="The policy lets everybody at every row.",
    fix="Compare a column with the caller's organization, or name the one role it is for.",
)
def policy_always_true(spot: Spot) -> Iterator[Token]:
    """Find USING (true) or WITH CHECK (true) for roles that people have."""
    statement = spot.statement
    if not statement.starts("create", "policy"):
        return
    named = [index for index in statement.find("to") if word(statement, index - 1) not in {".", "as"}]
    roles = set(statement.words[named[0] + 1 : named[0] + 8]) if named else _EVERYBODY
    if not roles & _EVERYBODY:
        return
    for phrase in (("using", "(", "true", ")"), ("check", "(", "true", ")")):
        yield from (statement.tokens[index] for index in statement.find(*phrase))


@on_statement(
    "policy-per-row",
    "advice",
    why="The function is called for every row.",
    fix="Put it into a sub-select, (SELECT auth.uid()): it is then called once per statement.",
)
def policy_per_row(spot: Spot) -> Iterator[tuple[Token, str]]:
    """Find functions without arguments that are not wrapped in a sub-select."""
    statement = spot.statement
    if not _is_policy(statement):
        return
    words = statement.words
    for index in statement.find("(", ")"):
        named = word(statement, index - 2) == "." and bool(statement.tokens[index - 1].name)
        around = opening(words, index)
        if named and (around < 0 or words[around + 1] != "select"):
            yield statement.tokens[index - 3], f"{words[index - 3]}.{words[index - 1]}()"


@on_statement(
    "row-security-off",
    "error",
    why="Without row-level security every organization sees the rows of all.",
    fix="Leave it on; give the one role that needs more a policy of its own.",
)
def row_security_off(spot: Spot) -> Iterator[Token]:
    """Find statements that switch row-level security off or around it."""
    statement = spot.statement
    if statement.words[0] not in {"alter", "create", "set"}:
        return
    for phrase in (("disable", "row", "level"), ("no", "force", "row"), ("bypassrls",), ("row_security", "=", "off")):
        yield from (statement.tokens[index] for index in statement.find(*phrase))


@on_code(
    "row-security-not-forced",
    "warning",
    why="Without FORCE the owner of the table, and every view it owns, sees all rows.",
    fix="Add ALTER TABLE ... FORCE ROW LEVEL SECURITY.",
)
def row_security_not_forced(code: Code) -> Iterator[tuple[Token, str]]:
    """Find ENABLE ROW LEVEL SECURITY without FORCE for the same table."""
    forced = {s.words[2 : s.words.index("force")] for s in code.statements if s.has("force", "row", "level")}
    for statement in code.statements:
        for index in statement.find("enable", "row", "level"):
            table = statement.words[2:index]
            if table not in forced:
                yield statement.tokens[index], "".join(table)


@on_code(
    "tenant-table-open",
    "warning",
    why="The table has a column for its organization, but no row-level security here.",
    fix="ENABLE and FORCE ROW LEVEL SECURITY and add policies (generate_rls writes them).",
)
def tenant_table_open(code: Code) -> Iterator[tuple[Token, str]]:
    """Find CREATE TABLE with an organization and without row-level security."""
    for statement in code.statements:
        if not (statement.starts("create", "table") or statement.starts("create", "unlogged", "table")):
            continue
        if "(" not in statement.words:
            continue
        start = statement.words.index("(")
        columns = statement.words[start : closing(statement.words, start)]
        bare = statement.words[start - 1]
        if _TENANT_COLUMNS & set(columns) and not _is_secured(code, bare):
            yield statement.tokens[0], bare


def _is_secured(code: Code, bare: str) -> bool:
    for statement in code.statements:
        if statement.has("enable", "row", "level") and bare in statement.words:
            return True
    return any(
        "ENABLE ROW LEVEL SECURITY" in routine.statement.text.upper() and bare in routine.statement.text
        for routine in code.routines
    )
