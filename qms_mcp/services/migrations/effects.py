"""What a rehearsal did to the catalogue: the difference, what it must not be, and how to take it back.

The rules here judge facts. However a script is written, it can't switch off what protects the records without the
catalogue showing it, and then it is refused: in the rehearsal, and again before the commit.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from qms_mcp.errors import RefusedStatementError
from qms_mcp.services.migrations.models import Finding, Lock, TouchedRows
from qms_mcp.services.migrations.script import Statement

if TYPE_CHECKING:
    from qms_mcp.db.drafts import CatalogueObject, Rehearsal

_OF_THE_SERVER = frozenset(
    {"qms_private", "auth", "agents", "search", "supabase_migrations", "extensions", "storage", "vault", "dbos"}
)
_NEVER_CHANGED = frozenset({"role membership", "default right"})
_GUARDS = ("refuse_change", "record_change", "keep_decisions", "keep_drafts", "keep_finished_calls")
_REGULATED = frozenset({"qms.quality_items", "qms.compliance_records", "public.embeddings"})
_KEPT = frozenset(f"qms.{name}" for name in (
    "audit_logs", "approvals", "migration_drafts", "transform_drafts", "organizations", "memberships", "people",
))  # fmt: skip
_TENANT_SCHEMAS = frozenset({"qms", "ml_loop"})
_BLOCKS = {
    "AccessExclusiveLock": "everything, also reading",
    "ExclusiveLock": "everything but reading",
    "ShareRowExclusiveLock": "writing, other schema changes",
    "ShareLock": "writing",
    "ShareUpdateExclusiveLock": "other schema changes, VACUUM",
    "RowExclusiveLock": "schema changes only",
    "RowShareLock": "exclusive locks only",
}
_STRENGTH = list(_BLOCKS)
_DROP_ORDER = ("policy", "trigger", "view", "materialized view", "constraint", "index", "column", "table", "function",
               "procedure", "aggregate", "sequence", "domain", "type", "schema")  # fmt: skip
_ADDS = frozenset({
    "create table", "create index", "create view", "create materialized view", "create type", "create domain",
    "create sequence", "create schema", "create function", "create procedure", "create trigger", "create policy",
    "comment", "grant", "alter table", "insert",
})  # fmt: skip


@dataclass(frozen=True, slots=True)
class Difference:
    """What is there now and was not, what is gone, and what is otherwise."""

    created: "list[CatalogueObject]"
    dropped: "list[CatalogueObject]"
    changed: "list[tuple[CatalogueObject, CatalogueObject]]"


def difference(before: "Sequence[CatalogueObject]", after: "Sequence[CatalogueObject]") -> Difference:
    """Compare two states of the catalogue."""
    old = {(thing.kind, thing.identity): thing for thing in before}
    new = {(thing.kind, thing.identity): thing for thing in after}
    return Difference(
        created=[thing for key, thing in new.items() if key not in old],
        dropped=[thing for key, thing in old.items() if key not in new],
        changed=[
            (thing, new[key])
            for key, thing in old.items()
            if key in new and (thing.definition, thing.traits) != (new[key].definition, new[key].traits)
        ],
    )


def judge(before: "Sequence[CatalogueObject]", after: "Sequence[CatalogueObject]") -> None:
    """Refuse a change of the catalogue that takes protection from records.

    Raises:
        RefusedStatementError: It does; what, in words.
    """
    found = difference(before, after)
    reasons = [*_protection_lost(found), *_unprotected(found, after)]
    if reasons:
        raise RefusedStatementError(
            "The script is not accepted. " + " ".join(dict.fromkeys(reasons)),
            hint="A table in a tenant schema needs organization_id NOT NULL, row-level security ENABLED and FORCED, "
            "and policies; generate_rls writes them. What protects records that exist stays on.",
        )


def _protection_lost(found: Difference) -> Iterable[str]:
    touched = [*found.created, *found.dropped, *(new for _, new in found.changed)]
    for thing in touched:
        if thing.kind in _NEVER_CHANGED:
            yield f"It changes a {thing.kind}."
        elif thing.schema in _OF_THE_SERVER:
            yield f"It changes the schema {thing.schema}, which belongs to the server."
        elif thing.parent in _KEPT or (thing.identity in _KEPT and thing.kind == "table"):
            yield f"It changes {thing.parent or thing.identity}, which keeps people, approvals or the trail."
    for thing in found.dropped:
        yield from _dropped(thing)
    for old, new in found.changed:
        yield from _changed(old, new)


def _dropped(thing: "CatalogueObject") -> Iterable[str]:
    if thing.kind == "table" and thing.identity in _REGULATED:
        yield f"It drops or renames {thing.identity}, which holds records."
    if thing.kind == "policy" and thing.parent in _REGULATED:
        yield f"It drops a policy of {thing.parent}."
    if thing.kind == "trigger" and any(guard in thing.definition for guard in _GUARDS):
        yield f"It drops a trigger that keeps the records of {thing.parent}."
    if thing.kind == "function" and "foreign" in thing.traits:
        yield f"It drops {thing.name}, on which row-level security stands."


def _changed(old: "CatalogueObject", new: "CatalogueObject") -> Iterable[str]:
    for trait, words in (
        ("rls", "switches row-level security off"),
        ("forced", "takes row-level security off the owner"),
    ):
        if trait in old.traits and trait not in new.traits:
            yield f"It {words} on {new.identity}."
    if old.kind == "trigger" and any(guard in old.definition for guard in _GUARDS):
        yield f"It changes a trigger that keeps the records of {old.parent}."
    if old.kind == "policy" and old.parent in _REGULATED:
        yield f"It changes a policy of {old.parent}."
    if ("foreign" in old.traits) != ("foreign" in new.traits) or (old.kind == "function" and "foreign" in old.traits):
        yield f"It changes {new.name}, which belongs to another role."
    if old.kind == "function" and any(guard == old.name for guard in _GUARDS):
        yield f"It changes {old.name}, which keeps records."
    if "open" in new.traits and "open" not in old.traits:
        yield f"It lets everybody into {new.identity}."


def _unprotected(found: Difference, after: "Sequence[CatalogueObject]") -> Iterable[str]:
    guarded = {thing.parent for thing in after if thing.kind == "policy"}
    for thing in found.created:
        if thing.kind == "table" and (thing.schema in _TENANT_SCHEMAS or "tenant" in thing.traits):
            yield from _without_tenancy(thing, guarded)
        if "open" in thing.traits:
            yield f"It lets everybody into {thing.identity}."
        if "foreign" in thing.traits:
            yield f"It gives {thing.identity} to another role."
        if "definer" in thing.traits and "path" not in thing.traits:
            yield f"{thing.name} is SECURITY DEFINER without SET search_path = ''."


def _without_tenancy(table: "CatalogueObject", guarded: set[str]) -> Iterable[str]:
    if "tenant" not in table.traits:
        yield f"{table.identity} has no organization_id uuid NOT NULL."
    if "rls" not in table.traits or "forced" not in table.traits:
        yield f"{table.identity} has no forced row-level security."
    elif table.identity not in guarded:
        yield f"{table.identity} has no policy, so nobody could use it."


def facts(found: Difference, statements: tuple[Statement, ...]) -> list[Finding]:
    """Return what the new catalogue shows and the text does not."""
    findings: list[Finding] = []
    for thing in found.created:
        if "unindexed" in thing.traits:
            findings.append(Finding(
                rule="foreign-key-without-index", severity="warning", line=_line_of(thing.name, statements),
                message=f"The foreign key {spelled(thing, statements)} has no index on its columns.",
                fix="Create one, or every delete of the row it points to reads the whole table.",
            ))  # fmt: skip
        if thing.kind == "view" and "invoker" not in thing.traits:
            findings.append(Finding(
                rule="view-without-security-invoker", severity="warning", line=_line_of(thing.name, statements),
                message=f"The view {spelled(thing, statements)} would read as its owner, who sees no rows.",
                fix="CREATE VIEW ... WITH (security_invoker = true)",
            ))  # fmt: skip
    return findings


def _line_of(name: str, statements: tuple[Statement, ...]) -> int:
    for statement in statements:
        if any(word.is_name and word.text == name for word in statement.words):
            return statement.line
    return 1


def spelled(thing: "CatalogueObject", statements: tuple[Statement, ...]) -> str:
    """Return `kind name`, without a name the script does not spell: it could have been made from a row."""
    names = {word.text for statement in statements for word in statement.words if word.is_name}
    if thing.name in names or _made_from(thing.name, names):
        return f"{thing.kind} {thing.identity}"
    return f"{thing.kind} (a name the script does not spell)"


def _made_from(name: str, names: set[str]) -> bool:
    """Say whether PostgreSQL made the name from ones in the script: `table_column_fkey`."""
    stem, _, ending = name.rpartition("_")
    if ending.rstrip("0123456789") not in {"pkey", "fkey", "key", "check", "idx", "seq", "excl"}:
        return False
    return any(stem == known or stem.startswith(f"{known}_") for known in names)


def locks_of(rehearsal: "Rehearsal") -> list[Lock]:
    """Return the strongest lock on each relation, in words."""
    strongest: dict[str, str] = {}
    for lock in rehearsal.locks:
        held = strongest.get(lock.relation)
        if held is None or _rank(lock.mode) < _rank(held):
            strongest[lock.relation] = lock.mode
    return [
        Lock(relation=relation, mode=mode.removesuffix("Lock"), blocks=_BLOCKS.get(mode, "little"))
        for relation, mode in sorted(strongest.items(), key=lambda item: (_rank(item[1]), item[0]))
    ]


def _rank(mode: str) -> int:
    return _STRENGTH.index(mode) if mode in _STRENGTH else len(_STRENGTH)


def rewritten(rehearsal: "Rehearsal") -> list[str]:
    """Return the tables and indexes whose file was written anew."""
    files = {thing.oid: thing.file for thing in rehearsal.before if thing.file}
    return sorted(
        f"{thing.kind} {thing.identity}"
        for thing in rehearsal.after
        if thing.file and thing.oid in files and files[thing.oid] != thing.file
    )


def rows_of(rehearsal: "Rehearsal") -> list[TouchedRows]:
    """Return how many rows were written where."""
    return [
        TouchedRows(table=row.relation, inserted=row.inserted, updated=row.updated, deleted=row.deleted)
        for row in rehearsal.rows
    ]


def derived_reverse(found: Difference, statements: tuple[Statement, ...]) -> str | None:
    """Return the statements that drop what the script added, or None when it did more than add."""
    if found.dropped or any(statement.head not in _ADDS for statement in statements):
        return None
    if any("name the script" in spelled(thing, statements) for thing in found.created):
        return None
    made = {thing.identity for thing in found.created if thing.kind in {"table", "schema"}}
    alone = [thing for thing in found.created if thing.parent not in made and thing.kind in _DROP_ORDER]
    columns = {(thing.parent, thing.name) for thing in alone if thing.kind == "column"}
    steps = [
        _drop(thing) for kind in _DROP_ORDER for thing in alone if thing.kind == kind and not _goes_with(thing, columns)
    ]
    return ";\n".join(steps) + ";" if steps else None


def _goes_with(thing: "CatalogueObject", columns: set[tuple[str, str]]) -> bool:
    """Say whether it goes with a dropped column."""
    return thing.kind == "constraint" and any(
        parent == thing.parent and name in thing.definition for parent, name in columns
    )


def _drop(thing: "CatalogueObject") -> str:
    if thing.kind in {"column", "constraint"}:
        own = thing.identity.rpartition(".")[2] if thing.kind == "column" else thing.identity.split(" on ")[0]
        return f"ALTER TABLE {thing.parent} DROP {thing.kind.upper()} {own}"
    return f"DROP {thing.kind.upper()} {thing.identity}"
