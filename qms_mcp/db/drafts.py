"""Runs drafted schema changes as the owner: as a rehearsal that leaves nothing, or once for good.

Each statement goes through `qms_private.run_script`, inside which PostgreSQL refuses to end the transaction or to
change the role. The catalogue is compared before and after, so what is reported, and what is refused, rests on what
happened and not on what the text seems to say.
"""

import time
from collections.abc import Callable, Generator, Iterable, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias
from uuid import UUID

import anyio
import psycopg

from qms_mcp.auth.principal import Principal
from qms_mcp.db.neutral_words import in_neutral_words
from qms_mcp.db.queries import query
from qms_mcp.db.transaction import Transaction
from qms_mcp.errors import ConflictError, LimitExceededError

if TYPE_CHECKING:
    from qms_mcp.db.database import Database

_LIMITS = query("migrations.rehearsal_limits")
_RUN = query("migrations.run")
_CATALOGUE = query("migrations.catalogue")
_LOCKS = query("migrations.locks")
_ROWS = query("migrations.rows_written")
_ACT_AS = query("migrations.act_as")
_NEXT_VERSION = query("migrations.next_version")
_TAKE = query("migrations.take")
_ONE_AT_A_TIME = query("migrate.lock")
_RECORD = query("migrate.record")

_REHEARSAL = {"lock_timeout": "2s", "statement_timeout": "10s"}
_FOR_GOOD = {"lock_timeout": "5s", "statement_timeout": "10min"}
_REHEARSAL_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class CatalogueObject:
    """A thing in the catalogue, with a definition that can be compared.

    Attributes:
        kind: `table`, `column`, `function`, `policy`...
        parent: The table it belongs to, for what belongs to one.
        identity: Its name as a DROP names it.
        definition: Everything about it that a script may change.
        file: The number of its file; another one means it was rewritten.
        traits: What the rules ask about it (`rls`, `forced`, `tenant`, `definer`...).
    """

    kind: str
    schema: str
    name: str
    parent: str
    identity: str
    definition: str
    file: int
    oid: int
    traits: list[str]


@dataclass(frozen=True, slots=True)
class HeldLock:
    """A lock on a relation that is older than the script."""

    relation: str
    mode: str


@dataclass(frozen=True, slots=True)
class RowsWritten:
    """Rows a transaction wrote in one table."""

    relation: str
    inserted: int
    updated: int
    deleted: int


@dataclass(frozen=True, slots=True)
class Rehearsal:
    """What a script did before it was rolled back."""

    before: Sequence[CatalogueObject]
    after: Sequence[CatalogueObject]
    locks: Sequence[HeldLock]
    rows: Sequence[RowsWritten]
    duration_ms: int


@dataclass(frozen=True, slots=True)
class Applied:
    """A migration that has been applied."""

    name: str
    script: str
    version: str


@dataclass(frozen=True, slots=True)
class _Version:
    version: str


Judge: TypeAlias = Callable[[Sequence[CatalogueObject], Sequence[CatalogueObject]], None]
Cut: TypeAlias = Callable[[str], Iterable[tuple[int, str]]]


async def rehearse(database: "Database", script: str, cut: Cut) -> Rehearsal:
    """Run a script in a transaction of the owner, look at what it did, and roll it back.

    Args:
        database: Where.
        script: The statements.
        cut: Cuts a script into pairs of line and statement.

    Raises:
        StatementError: A statement failed; which, and why in neutral words.
        LimitExceededError: It waited or ran too long.
    """
    with _in_time():
        async with database.owner_transaction(rollback=True) as transaction:
            await transaction.execute(_LIMITS, _REHEARSAL)
            before = await transaction.fetch_all(_CATALOGUE, row=CatalogueObject)
            started = time.perf_counter()
            await _run(transaction, script, cut)
            duration = round((time.perf_counter() - started) * 1000)
            known = [thing.oid for thing in before]
            locks = await transaction.fetch_all(_LOCKS, {"known": known}, row=HeldLock)
            rows = await transaction.fetch_all(_ROWS, row=RowsWritten)
            after = await transaction.fetch_all(_CATALOGUE, row=CatalogueObject)
    return Rehearsal(before, after, locks, rows, duration)


async def restores(database: "Database", script: str, reverse: str, cut: Cut) -> bool:
    """Say whether `reverse`, run after `script`, leaves the catalogue as it was; all of it is rolled back.

    Raises:
        StatementError: The reverse script fails.
    """
    with _in_time():
        async with database.owner_transaction(rollback=True) as transaction:
            await transaction.execute(_LIMITS, _REHEARSAL)
            before = await transaction.fetch_all(_CATALOGUE, row=CatalogueObject)
            await _run(transaction, script, cut)
            await _run(transaction, reverse, cut)
            after = await transaction.fetch_all(_CATALOGUE, row=CatalogueObject)
    return _shape(before) == _shape(after)


async def apply(
    database: "Database", principal: Principal, draft: tuple[UUID, UUID, str], *, cut: Cut, judge: Judge
) -> Applied:
    """Spend an approval and run the draft it is for, in one transaction.

    The approval is spent and the draft marked before the script runs, so the script can't touch either; two callers
    at once wait for each other, and the second finds nothing to spend.

    Args:
        database: Where.
        principal: On whose behalf.
        draft: The draft's id, the approval's id, and the sha256 that was tested.
        cut: Cuts a script into pairs of line and statement.
        judge: Raises when the catalogue changed in a way it must not.

    Raises:
        NotAllowedError: There is no approval for exactly this text.
        StatementError: A statement failed; nothing has changed.
    """
    draft_id, approval_id, sha256 = draft
    async with database.owner_transaction() as transaction:
        await transaction.execute(_ONE_AT_A_TIME)
        await transaction.execute(_ACT_AS, _person(principal))
        version = await transaction.fetch_one(_NEXT_VERSION, row=_Version)
        if version is None:
            raise ConflictError("No version is free.", hint="Try again in an hour.")
        params = {"draft_id": draft_id, "approval_id": approval_id, "sha256": sha256, "version": version.version}
        taken = await transaction.fetch_one(_TAKE, params, row=Applied)
        if taken is None:
            raise ConflictError("The draft is not there any more.")
        await transaction.execute(_LIMITS, _FOR_GOOD)
        before = await transaction.fetch_all(_CATALOGUE, row=CatalogueObject)
        await _run(transaction, taken.script, cut)
        judge(before, await transaction.fetch_all(_CATALOGUE, row=CatalogueObject))
        recorded = {"version": taken.version, "name": taken.name, "statements": [text for _, text in cut(taken.script)]}
        await transaction.execute(_RECORD, recorded)
    return taken


def _person(principal: Principal) -> dict[str, Any]:
    return {
        "user_id": principal.user_id,
        "organization_id": principal.organization_id,
        "actor_kind": principal.actor_kind,
    }


async def _run(transaction: Transaction, script: str, cut: Cut) -> None:
    for number, (line, statement) in enumerate(cut(script), 1):
        try:
            await transaction.execute(_RUN, {"script": statement})
        except psycopg.Error as error:
            raise in_neutral_words(error, number, line, script) from None


def _shape(catalogue: Sequence[CatalogueObject]) -> set[tuple[str, str, str, tuple[str, ...]]]:
    return {(thing.kind, thing.identity, thing.definition, tuple(thing.traits)) for thing in catalogue}


@contextmanager
def _in_time() -> Generator[None]:
    try:
        with anyio.fail_after(_REHEARSAL_SECONDS):
            yield
    except TimeoutError:
        raise LimitExceededError(
            f"The rehearsal was stopped after {_REHEARSAL_SECONDS:.0f} seconds.", hint="Make smaller drafts."
        ) from None
