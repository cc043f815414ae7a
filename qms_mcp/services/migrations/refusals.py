"""What a draft may not hold at all.

A rehearsal runs a script as the owner of the tables before any person has looked at it. It is rolled back, so what
is refused here is what could still reach out: code whose text nobody can read beforehand, other sessions, files and
networks, other roles, and the tables that hold keys, people and trails. What is left is plain DDL and plain DML, and
under forced row-level security the owner sees no row of any organization.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from qms_mcp.errors import RefusedStatementError
from qms_mcp.services.migrations.script import Statement, Word

_ALONE = "A draft runs in one transaction, so that all of it happens or none."
_SESSION = "The server sets the search path, the time-outs and the role of a draft itself; leave it out."
_READS = "A migration changes the schema; execute_query reads."
_ADMIN = "An administrator of the database does this by hand; it is not part of a schema."
_RECORDS = "Records are kept. Use transform_data for changes of rows: it works under the rights of the caller."
_COUNTER = "Name a sequence of your own: nextval('qms.lots_number')."
_CODE = "Write the statements out, so that a person can read what will run."

_REASONS: dict[str, str] = {
    **dict.fromkeys(
        ("begin", "start", "commit", "end", "rollback", "abort", "savepoint", "release", "prepare"), _ALONE
    ),
    **dict.fromkeys(("set", "reset", "discard", "listen", "unlisten", "notify", "load", "checkpoint"), _SESSION),
    **dict.fromkeys(("select", "values", "table", "with", "explain", "show", "fetch", "declare", "call"), _READS),
    **dict.fromkeys(("vacuum", "analyze", "cluster", "reindex", "lock", "security", "reassign", "import"), _ADMIN),
    **dict.fromkeys(("copy", "truncate"), _RECORDS),
    **dict.fromkeys(("do", "execute", "deallocate"), _CODE),
}
_RUN = frozenset(
    [f"{verb} {kind}" for verb in ("create", "alter", "drop") for kind in (
        "table", "index", "view", "materialized view", "type", "domain", "sequence", "schema", "function", "procedure",
        "trigger", "policy", "statistics", "collation", "aggregate",
    )] + ["refresh materialized view", "comment", "grant", "revoke", "insert", "update", "delete", "merge"]
)  # fmt: skip

# Functions that act on other sessions, files, networks, settings or large objects, or run a text as SQL.
_FUNCTIONS = re.compile(
    r"^(pg_(terminate|cancel)_backend|pg_sleep\w*|set_config|dblink\w*|lo_\w+|loread|lowrite|pg_(read|ls|stat)_\w*file\w*"
    r"|pg_(read|ls|file|write|rotate|reload|switch|promote|backup|logical|export|create|drop|copy|replication)_\w+"
    r"|pg_wal_\w+|pg_try_advisory\w*|pg_advisory\w*|pg_notify|(query|table|cursor|schema|database)_to_xml\w*|ts_stat"
    r"|ts_rewrite|setval|pg_(stat_reset|stat_force|import|nextoid|prewarm|sync|log|restore|clear)\w*|binary_upgrade\w*"
    r"|mint_identity|sign_identity|memberships_of|(request|decide|confirm|use)_approval|take_migration|run_script)$"
)
_CALLED = re.compile(r"^(http|http_\w+|net|curl_\w+|plpy\w*)$")
_KEPT_SCHEMAS = frozenset({"qms_private", "auth", "agents", "supabase_migrations", "storage", "vault", "dbos"})
_KEPT_TABLES = frozenset(f"qms.{name}" for name in (
    "audit_logs", "approvals", "migration_drafts", "transform_drafts", "organizations", "memberships", "people",
))  # fmt: skip
_NEVER_NAMED = frozenset({"qms_private", "identity_key", "supabase_migrations", "vault", "pg_authid", "pg_shadow",
                          "otlp_outbox"})  # fmt: skip
_READABLE = frozenset({"create view", "create materialized view", "create function", "create procedure"})
_SETTINGS = (("set", "role"), ("set", "session_authorization"), ("set", "local"), ("set", "session"))
# As the first word of a statement in PL/pgSQL.
_NOT_IN_A_BODY = frozenset({"set", "reset", "discard", "listen", "unlisten", "notify", "load", "lock", "copy",
                            "truncate"})  # fmt: skip
_BEGINNINGS = frozenset({";", "begin", "then", "else", "loop"})
_PROTECTION = (
    (("disable", "row", "level", "security"), "It switches row-level security off."),
    (("no", "force", "row", "level", "security"), "It takes row-level security off the owner."),
    (("disable", "trigger"), "It switches a trigger off."),
    (("disable", "rule"), "It switches a rule off."),
    (("enable", "always"), "It changes when a trigger fires."),
    (("enable", "replica"), "It changes when a trigger fires."),
    (("owner", "to"), "It gives an object to another role."),
    (("session_replication_role",), "It switches triggers off."),
    (("row_security",), "It changes how row-level security works."),
)


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a statement is not run."""

    line: int
    message: str
    hint: str


def check(statements: tuple[Statement, ...]) -> None:
    """Refuse a script that holds something a rehearsal must not run.

    Raises:
        RefusedStatementError: With the first reasons, by line.
    """
    found = [refusal for statement in statements for refusal in _refusals(statement)]
    if _widens_what_it_changes(statements):
        found.append(Refusal(1, "It changes policies and rows in one script.", "Make two drafts."))
    if not found:
        return
    reasons = list(dict.fromkeys(f"Line {one.line}: {one.message}" for one in found))
    hints = list(dict.fromkeys(one.hint for one in found if one.hint))
    raise RefusedStatementError("The script is not run. " + " ".join(reasons[:5]), hint=" ".join(hints[:2]))


def _refusals(statement: Statement) -> Iterator[Refusal]:
    yield from _kind(statement)
    if statement.head in {"create function", "create procedure"}:
        yield from _function(statement)
    if statement.head.endswith(("function", "procedure")) and any(statement.has(*phrase) for phrase in _SETTINGS):
        yield Refusal(statement.line, "A function may not change the role or the session.", _SESSION)
    for part in (statement, *statement.bodies):
        yield from _words(part)
        yield from _protection(part)
    yield from _kept(statement)


def _kind(statement: Statement) -> Iterator[Refusal]:
    head = statement.head
    if head in _RUN:
        if "concurrently" in {word.keyword for word in statement.words}:
            yield Refusal(statement.line, "CONCURRENTLY can't run in a transaction.", _ALONE + " Leave the word out.")
        if head.startswith("create") and {"temp", "temporary"} & {word.keyword for word in statement.words[:5]}:
            yield Refusal(statement.line, "A temporary object would be gone at once.", "")
        if head in {"grant", "revoke"} and not statement.has("on"):
            yield Refusal(statement.line, "Membership in roles is not part of a schema.", _ADMIN)
        return
    name = head.upper() or "This"
    yield Refusal(
        statement.line, f"{name} is no part of a draft.", _REASONS.get(head.split()[0] if head else "", _ADMIN)
    )


def _function(statement: Statement) -> Iterator[Refusal]:
    at = statement.find("language")
    language = statement.words[at + 1].text if at is not None and at + 1 < len(statement.words) else ""
    if language not in {"sql", "plpgsql"} and not statement.has("begin", "atomic"):
        yield Refusal(statement.line, "A function is written in sql or plpgsql.", "")
    if any(word.kind == "escaped" for word in statement.words):
        yield Refusal(statement.line, "The body of a function has escapes in it.", "Quote it with $$ ... $$.")
    for body in statement.bodies:
        for index, word in enumerate(body.words):
            following = body.words[index + 1].keyword if index + 1 < len(body.words) else ""
            if word.keyword == "execute" and following not in {"function", "procedure"}:
                yield Refusal(word.line, "EXECUTE runs a text that is only known later.", _CODE)
            if word.kind == "escaped":
                yield Refusal(word.line, "A body holds a string with escapes.", "Write the characters themselves.")
            before = body.words[index - 1].keyword if index else ";"
            if word.keyword in _NOT_IN_A_BODY and before in _BEGINNINGS:
                yield Refusal(word.line, f"A body may not use {word.keyword.upper()}.", _SESSION)


def _words(part: Statement) -> Iterator[Refusal]:
    previous = ""
    for index, word in enumerate(part.words):
        following = part.words[index + 1].keyword if index + 1 < len(part.words) else ""
        if word.kind == "unicode":
            yield Refusal(word.line, "A name in U& form hides what it is.", "Write the name itself.")
        if word.kind == "string" and previous == "string":
            yield Refusal(word.line, "Two strings in a row become one.", "Write one string.")
        if word.is_name and (_FUNCTIONS.match(word.text) or (following in {"(", "."} and _CALLED.match(word.text))):
            yield Refusal(word.line, f"{word.text} reaches beyond the transaction, or runs a text as SQL.", _CODE)
        if _names_what_is_never_named(word):
            yield Refusal(word.line, "It names what only the server itself uses.", "Leave it out.")
        if word.is_name and word.text == "nextval" and not _counts_its_own(part, index):
            yield Refusal(word.line, "It advances a counter of the server, or one only known later.", _COUNTER)
        previous = word.kind


def _counts_its_own(part: Statement, index: int) -> bool:
    """Say whether a call of nextval names a sequence outright, and none of the server's: a counter never goes back."""
    named = part.words[index + 2] if index + 2 < len(part.words) else None
    if part.words[index + 1 : index + 2] and part.words[index + 1].keyword != "(":
        return True
    after = part.words[index + 3].text if index + 3 < len(part.words) else ")"
    return (
        named is not None
        and named.kind == "string"
        and after in {")", ":"}
        and named.text.replace('"', "").partition(".")[0].strip().lower() not in _KEPT_SCHEMAS
    )


def _names_what_is_never_named(word: Word) -> bool:
    if word.is_name:
        return word.text in _NEVER_NAMED
    return word.kind in {"string", "escaped"} and any(f"{name}." in word.text for name in ("qms_private", "vault"))


def _protection(part: Statement) -> Iterator[Refusal]:
    for phrase, message in _PROTECTION:
        at = part.find(*phrase)
        if at is not None:
            yield Refusal(part.words[at].line, message, "What protects the records stays on.")


def _kept(statement: Statement) -> Iterator[Refusal]:
    """Refuse to change what keeps people, keys and trails; a foreign key to it and reading it in a view are fine."""
    if statement.head in _READABLE:
        return
    if statement.head in {"create policy", "alter policy"}:
        names = [(statement.target, statement.line)]
    else:
        names = list(_changed_names(statement))
    for name, line in names:
        if name.partition(".")[0] in _KEPT_SCHEMAS or name in _KEPT_TABLES:
            yield Refusal(
                line,
                f"{name} belongs to the server: it keeps people, keys or the trail.",
                "Reference it with a foreign key, or read it in a view.",
            )


def _changed_names(statement: Statement) -> Iterator[tuple[str, int]]:
    """Yield the qualified names in it that are neither called nor referenced by a foreign key."""
    for index, word in enumerate(statement.words):
        before = statement.words[index - 1].keyword if index else ""
        if not word.is_name or before in {".", "references"}:
            continue
        name, after = statement.name_at(index)
        called = after < len(statement.words) and statement.words[after].keyword == "("
        if after > index + 1 and not (called and before not in {"into", "on", "table", "only", "using"}):
            yield name, word.line


def _widens_what_it_changes(statements: tuple[Statement, ...]) -> bool:
    made = {statement.target for statement in statements if statement.head == "create table"}
    policies = any(s.head in {"create policy", "alter policy"} and s.target not in made for s in statements)
    writes = {"insert", "update", "delete", "merge", "create materialized view", "refresh materialized view"}
    return policies and any(s.head in writes or s.has("as", "select") for s in statements)
