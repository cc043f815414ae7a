"""Drafts of schema changes: made, rehearsed, listed, applied."""

import hashlib
import json
import re
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Literal
from uuid import UUID

from qms_mcp.auth.principal import Principal
from qms_mcp.db.drafts import Applied, Rehearsal, apply, rehearse, restores
from qms_mcp.db.migrate import shipped_migrations
from qms_mcp.db.queries import query
from qms_mcp.errors import (
    ConflictError,
    InvalidInputError,
    NotAllowedError,
    NotFoundError,
    RefusedStatementError,
    StatementError,
)
from qms_mcp.services.migrations import effects, refusals
from qms_mcp.services.migrations.lint import lint
from qms_mcp.services.migrations.models import ListedMigration, MigrationDraft, MigrationList, Report, Reverse
from qms_mcp.services.migrations.record import Draft
from qms_mcp.services.migrations.script import Statement, read_script

if TYPE_CHECKING:
    from qms_mcp.db.database import Database

_INSERT = query("migrations.insert")
_SAME = query("migrations.same")
_GET = query("migrations.get")
_DRAFTS = query("migrations.drafts")
_MOST_DIGITS = 9
_NAME = re.compile(r"^[a-z][a-z0-9_]{0,62}$")


class Migrations:
    """Schema changes as drafts.

    Args:
        database: Where.
        changed: Called once the schema has changed, for whoever remembers something of it.
    """

    def __init__(self, database: "Database", *, changed: Callable[[], None] = lambda: None) -> None:
        self._database = database
        self._changed = changed

    async def create(
        self, principal: Principal, *, name: str, script: str, reverse_script: str | None, reason: str
    ) -> MigrationDraft:
        """Lint and rehearse a script and keep it as a draft; the same name and text is the same draft.

        Raises:
            NotAllowedError: The caller is no administrator.
            RefusedStatementError: It holds what a draft must not, or takes protection from records.
            StatementError: It fails.
        """
        _check_request(principal, name, reason)
        sha256 = hashlib.sha256(script.encode(errors="surrogatepass")).hexdigest()
        known = await self._same(principal, name, sha256)
        if known is not None:
            return _shown(known, known=True)
        statements = read_script(script)
        report = await self._tested(script, statements, reverse_script)
        reverse = report.reverse.script if report.reverse else None
        params = {
            "organization_id": principal.organization_id,
            "user_id": principal.user_id,
            "actor_kind": principal.actor_kind,
            "name": name,
            "script": script,
            "reverse_script": reverse,
            "sha256": sha256,
            "report": json.dumps(report.model_dump(mode="json")),
            "reason": reason,
        }
        async with self._database.transaction(principal) as transaction:
            draft = await transaction.fetch_one(_INSERT, params, row=Draft)
        if draft is None:
            raise ConflictError("The draft could not be kept.")
        return _shown(draft, known=False)

    async def get(self, principal: Principal, draft_id: UUID) -> Draft:
        """Return a draft.

        Raises:
            NotFoundError: There is none in the caller's organization.
        """
        async with self._database.transaction(principal, read_only=True) as transaction:
            draft = await transaction.fetch_one(_GET, {"draft_id": draft_id}, row=Draft)
        if draft is None:
            raise NotFoundError("There is no such draft.", hint="list_migrations shows the drafts.")
        return draft

    async def ready_to_apply(self, principal: Principal, draft_id: UUID) -> Draft:
        """Return a draft that may be asked for.

        Raises:
            NotAllowedError: The caller is no administrator.
            NotFoundError: There is none in the caller's organization.
            ConflictError: It was applied already.
        """
        _must_be_admin(principal)
        draft = await self.get(principal, draft_id)
        if draft.state == "applied":
            raise ConflictError(f"{draft.name} was applied already, as version {draft.version}.")
        return draft

    async def apply(self, principal: Principal, draft: Draft, approval_id: UUID) -> Applied:
        """Run an approved draft, once.

        Raises:
            ConflictError: It was applied already.
            NotAllowedError: There is no approval that can be used for exactly this text.
        """
        _must_be_admin(principal)
        if draft.state == "applied":
            raise ConflictError(f"{draft.name} was applied already, as version {draft.version}.")
        # Rules may have become stricter since it was drafted.
        refusals.check(read_script(draft.script))
        tested = (draft.id, approval_id, draft.sha256)
        applied = await apply(self._database, principal, tested, cut=_cut, judge=effects.judge)
        self._changed()
        return applied

    async def list(
        self, principal: Principal, *, limit: int, cursor: str | None, detail: Literal["concise", "full"]
    ) -> MigrationList:
        """Return a page of what is drafted, the newest first, and what came with this version."""
        async with self._database.transaction(principal, read_only=True) as transaction:
            drafts = await transaction.fetch_all(_DRAFTS, row=Draft)
        listed = [_listed(draft, full=detail == "full") for draft in drafts]
        listed += [
            ListedMigration(version=m.version, name=m.name, state="applied", source="shipped", sha256=m.sha256)
            for m in reversed(shipped_migrations())
        ]
        start = _start(cursor)
        following = start + limit
        return MigrationList(
            migrations=listed[start:following],
            total=len(listed),
            next_cursor=str(following) if following < len(listed) else None,
        )

    async def _same(self, principal: Principal, name: str, sha256: str) -> Draft | None:
        async with self._database.transaction(principal, read_only=True) as transaction:
            return await transaction.fetch_one(_SAME, {"name": name, "sha256": sha256}, row=Draft)

    async def _tested(self, script: str, statements: tuple[Statement, ...], reverse_script: str | None) -> Report:
        refusals.check(statements)
        findings = lint(statements)
        if errors := [finding for finding in findings if finding.severity == "error"]:
            raise RefusedStatementError(
                "The script is not accepted. " + " ".join(f"Line {one.line}: {one.message}" for one in errors[:5]),
                hint=" ".join(dict.fromkeys(one.fix for one in errors[:3])),
            )
        rehearsal = await rehearse(self._database, script, _cut)
        effects.judge(rehearsal.before, rehearsal.after)
        found = effects.difference(rehearsal.before, rehearsal.after)
        report = _report(rehearsal, found, statements)
        reverse = await self._reverse(script, reverse_script, found, statements)
        return report.model_copy(update={"findings": [*findings, *report.findings], "reverse": reverse})

    async def _reverse(
        self, script: str, given: str | None, found: effects.Difference, statements: tuple[Statement, ...]
    ) -> Reverse | None:
        reverse = given or effects.derived_reverse(found, statements)
        if reverse is None:
            return None
        if given is not None:
            refusals.check(read_script(given))
        try:
            tested = await restores(self._database, script, reverse, _cut)
        except StatementError as failed:
            if given is None:
                return None
            raise _prefixed(failed, "The reverse script: ") from None
        if not tested and given is None:
            return None
        return Reverse(script=reverse, derived=given is None, tested=tested)


def _prefixed(error: StatementError, before: str) -> StatementError:
    """Return the error with words before its message."""
    return StatementError(f"{before}{error.message}", hint=error.hint)


def _cut(script: str) -> Iterable[tuple[int, str]]:
    return [(statement.line, statement.text) for statement in read_script(script)]


def _must_be_admin(principal: Principal) -> None:
    if "admin" not in principal.roles:
        raise NotAllowedError(
            "Changing the schema needs the role admin.", hint="Ask an administrator of your organization."
        )


def _check_request(principal: Principal, name: str, reason: str) -> None:
    _must_be_admin(principal)
    if not _NAME.match(name):
        raise InvalidInputError(
            f"{name[:70]!r} is no name for a migration.", hint="Use lower case words with underscores: add_lot_number."
        )
    if not reason.strip():
        raise InvalidInputError("A reason is needed.", hint="Say why the schema has to change; the approver reads it.")


def _report(rehearsal: Rehearsal, found: effects.Difference, statements: tuple[Statement, ...]) -> Report:
    made = {thing.identity for thing in found.created if thing.kind in {"table", "schema"}}
    parts = {"column", "constraint"}
    return Report(
        statements=len(statements),
        duration_ms=rehearsal.duration_ms,
        created=[
            effects.spelled(thing, statements)
            for thing in found.created
            if not (thing.kind in parts and thing.parent in made)
        ],
        changed=[f"{new.kind} {new.identity}" for _, new in found.changed],
        dropped=[f"{thing.kind} {thing.identity}" for thing in found.dropped],
        locks=effects.locks_of(rehearsal),
        rewritten=effects.rewritten(rehearsal),
        rows=effects.rows_of(rehearsal),
        findings=effects.facts(found, statements),
    )


def _shown(draft: Draft, *, known: bool) -> MigrationDraft:
    report = Report.model_validate(draft.report)
    tested = report.reverse is not None and report.reverse.tested
    applied = draft.state == "applied"
    return MigrationDraft(
        draft_id=draft.id,
        name=draft.name,
        sha256=draft.sha256,
        state=draft.state,
        known=known,
        report=report,
        reverse="tested" if tested else "given, does not restore everything" if report.reverse else "none",
        next="Nothing: it is applied."
        if applied
        else "apply_migration with this draft_id asks a person to approve it.",
    )


def _listed(draft: Draft, *, full: bool) -> ListedMigration:
    findings = Report.model_validate(draft.report).findings
    return ListedMigration(
        version=draft.version,
        name=draft.name,
        state=draft.state,
        source="draft",
        draft_id=draft.id,
        sha256=draft.sha256,
        reason=draft.reason,
        created_at=draft.created_at,
        applied_at=draft.applied_at,
        script=draft.script if full else None,
        findings=[f"line {one.line}: {one.message}" for one in findings] if full else [],
    )


def _start(cursor: str | None) -> int:
    if cursor is None:
        return 0
    if not cursor.isdecimal() or len(cursor) > _MOST_DIGITS:
        raise InvalidInputError("This is no cursor.", hint="Pass next_cursor of the page before.")
    return int(cursor)
