"""What is legal in a migration and unwise: a finding each, with the line and what to write instead.

Findings of severity `error` stop a draft; the others travel with it to the person who approves.
"""

from collections.abc import Callable, Iterator
from typing import TypeAlias

from qms_mcp.services.migrations.models import Finding, Severity
from qms_mcp.services.migrations.script import Statement

Made: TypeAlias = frozenset[str]
Rule: TypeAlias = Callable[[Statement, Made], Iterator[Finding]]
_TENANT_SCHEMAS = frozenset({"qms", "ml_loop", "agents", "search", "public"})
_EVERYONE = frozenset({"public", "anon", "authenticated", "service_role"})


def lint(statements: tuple[Statement, ...]) -> list[Finding]:
    """Return the findings, by line."""
    made = frozenset(s.target for s in statements if s.head == "create table")
    found = [finding for statement in statements for rule in _RULES for finding in rule(statement, made)]
    return sorted(found, key=lambda finding: (finding.line, finding.rule))


def _finding(statement: Statement, at: int, rule: str, severity: Severity, message: str, fix: str = "") -> Finding:
    return Finding(rule=rule, severity=severity, line=statement.words[at].line, message=message, fix=fix)


def _new_column(statement: Statement, made: Made) -> Iterator[Finding]:
    if statement.head != "alter table" or statement.target in made:
        return
    for at in statement.every("add"):
        following = statement.words[at + 1].keyword
        if following in {"constraint", "primary", "foreign", "unique", "check", "exclude", "generated"}:
            continue
        clause = _clause(statement, at)
        if ("not", "null") in clause and not {("default",), ("generated",)} & clause:
            yield _finding(statement, at, "not-null-without-default", "error",
                           "A NOT NULL column without a default can't be added to a table that has rows.",
                           "Give it a DEFAULT, or add it nullable, fill it, then SET NOT NULL.")  # fmt: skip
        if ("generated", "always", "as", "(") in clause or ("default", "gen_random_uuid") in clause:
            yield _finding(statement, at, "rewrites-table", "warning", "This rewrites the whole table under a lock.")


def _clause(statement: Statement, start: int) -> set[tuple[str, ...]]:
    """Return the sequences of one to four keywords in the clause that begins at `start`."""
    words: list[str] = []
    depth = 0
    for word in statement.words[start:]:
        depth += (word.keyword == "(") - (word.keyword == ")")
        if word.keyword == "," and depth == 0:
            break
        words.append(word.keyword)
    return {tuple(words[i : i + n]) for i in range(len(words)) for n in range(1, 5)}


def _locks(statement: Statement, made: Made) -> Iterator[Finding]:
    if statement.target in made:
        return
    if statement.head == "create index":
        yield _finding(statement, 0, "index-blocks-writes", "note",
                       "Writes to the table wait while the index is built.",
                       "On a large table, build it by hand with CONCURRENTLY when it is quiet.")  # fmt: skip
    if statement.head != "alter table":
        return
    for at in statement.every("type"):
        if statement.words[at - 1].is_name:
            yield _finding(statement, at, "changes-type", "warning",
                           "Changing a type mostly rewrites the table and every index, under a lock.",
                           "Add a column of the new type, fill it, then switch.")  # fmt: skip
    for at in statement.every("set", "not", "null"):
        yield _finding(statement, at, "set-not-null", "warning", "SET NOT NULL reads the whole table under a lock.",
                       "Add CHECK (... IS NOT NULL) NOT VALID, validate it, then SET NOT NULL.")  # fmt: skip
    for at in statement.every("add", "constraint"):
        clause = _clause(statement, at)
        if {("foreign",), ("check",)} & clause and ("not", "valid") not in clause:
            yield _finding(statement, at, "validates-under-lock", "note",
                           "Existing rows are checked under a lock.",
                           "Add it NOT VALID and VALIDATE CONSTRAINT in a second draft.")  # fmt: skip


def _losses(statement: Statement, made: Made) -> Iterator[Finding]:
    if statement.head in {"drop table", "drop schema"}:
        yield _finding(statement, 0, "drops-records", "warning", f"{statement.head.upper()} removes rows for good.",
                       "Rename it, or keep it and stop using it.")  # fmt: skip
    if statement.head == "alter table" and statement.target not in made:
        for at in statement.every("drop", "column"):
            yield _finding(statement, at, "drops-column", "warning", "The values of the column are lost for good.",
                           "Stop using it first; drop it in a later draft.")  # fmt: skip
    if statement.head.startswith("alter") and statement.target not in made:
        for at in statement.every("rename"):
            yield _finding(statement, at, "renames", "warning", "Queries and clients that use the old name break.",
                           "Add the new name beside it, or a view under the old one.")  # fmt: skip
    if statement.head.startswith("drop") and statement.words[-1].keyword == "cascade":
        yield _finding(statement, 0, "drops-cascade", "warning", "CASCADE also drops what depends on it, unnamed here.",
                       "Name each object.")  # fmt: skip


def _types(statement: Statement, _made: Made) -> Iterator[Finding]:
    if statement.head not in {"create table", "alter table"}:
        return
    for at, word in enumerate(statement.words[:-1]):
        following = statement.words[at + 1].keyword
        named = at > 0 and statement.words[at - 1].is_name
        if not named or word.kind != "word":
            continue
        if word.text == "timestamp" and not _with_zone(statement, at):
            yield _finding(statement, at, "timestamp-without-zone", "warning",
                           "A timestamp without time zone does not say when.", "Use timestamptz.")  # fmt: skip
        if word.text in {"varchar", "char", "character", "bpchar"} and (following == "(" or word.text == "char"):
            yield _finding(statement, at, "length-in-type", "note", "Changing the length later takes a lock.",
                           "Use text with CHECK (char_length(...) <= n).")  # fmt: skip
        if word.text in {"serial", "bigserial", "smallserial"}:
            yield _finding(statement, at, "serial", "note", "serial leaves a sequence with its own rights.",
                           "Use bigint GENERATED ALWAYS AS IDENTITY, or uuid.")  # fmt: skip
        if word.text in {"json", "money"}:
            yield _finding(statement, at, "weak-type", "note", f"{word.text} is slower and knows less.",
                           "Use jsonb; for money numeric and a currency.")  # fmt: skip


def _with_zone(statement: Statement, at: int) -> bool:
    after = [word.keyword for word in statement.words[at + 1 : at + 8]]
    if after[:1] == ["("]:
        after = after[3:]
    return after[:1] == ["with"]


def _grants(statement: Statement, _made: Made) -> Iterator[Finding]:
    if statement.head == "grant":
        at = statement.find("to") or 0
        for word in statement.words[at + 1 :]:
            if word.is_name and word.text in _EVERYONE:
                yield _finding(statement, at, "grant-to-everyone", "error",
                               f"This lets {word.text} in, which includes callers nobody knows.",
                               "Grant to qms_app and qms_sql; row-level security then decides.")  # fmt: skip
    if statement.head in {"create policy", "alter policy"}:
        for keyword in ("using", "check"):
            for at in statement.every(keyword, "(", "true", ")"):
                yield _finding(statement, at, "policy-always-true", "error", "A policy that is always true is none.",
                               "USING (organization_id = (SELECT qms.current_organization_id()))")  # fmt: skip


def _row_changes(statement: Statement, made: Made) -> Iterator[Finding]:
    if statement.head in {"insert", "update", "delete", "merge"} and statement.target not in made:
        yield _finding(statement, 0, "no-rows-under-rls", "warning",
                       "A migration runs as the owner, who sees no rows of any organization under row-level security.",
                       "Change rows with transform_data; for a new column use a DEFAULT.")  # fmt: skip


def _protections(statement: Statement, made: Made) -> Iterator[Finding]:
    if statement.head in {"drop policy", "drop trigger"} and statement.target not in made:
        yield _finding(statement, 0, "drops-protection", "warning",
                       f"{statement.head.upper()} takes a protection away.", "Say what replaces it.")  # fmt: skip


def _tables(statement: Statement, _made: Made) -> Iterator[Finding]:
    if statement.head != "create table" or statement.target.partition(".")[0] not in _TENANT_SCHEMAS:
        return
    if not statement.has("primary", "key") and not statement.has("partition", "of"):
        yield _finding(statement, 0, "no-primary-key", "warning", "The table has no primary key.",
                       "id uuid PRIMARY KEY DEFAULT gen_random_uuid()")  # fmt: skip


_RULES: tuple[Rule, ...] = (
    _new_column, _locks, _losses, _types, _grants, _row_changes, _protections, _tables,
)  # fmt: skip
