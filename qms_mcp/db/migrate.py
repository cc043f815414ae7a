"""Schema migrations: `sql/migrations/NNNN_words.sql`, forward only.

Each file runs in a transaction of its own under an advisory lock and is recorded in
`supabase_migrations.schema_migrations` with its text, so that the Supabase CLI sees the same history and an edited
file is noticed. Versions recorded there by others (approved drafts, the Supabase CLI) are left alone.
"""

import hashlib
import logging
import re
from dataclasses import dataclass
from importlib.resources import files
from typing import Any, Literal

import psycopg
from psycopg import errors as pg

from qms_mcp.db.database import Database
from qms_mcp.db.queries import query
from qms_mcp.db.transaction import translate
from qms_mcp.errors import ConflictError, QmsError, UnavailableError

_log = logging.getLogger(__name__)
_NAME = re.compile(r"^(\d{4})_([a-z0-9_]+)\.sql$")
_LOCK = query("migrate.lock").text.encode()
_HISTORY_TABLE = query("migrate.history_table").text.encode()
_HAS_HISTORY = query("migrate.has_history").text.encode()
_HISTORY = query("migrate.history").text.encode()
_RECORD = query("migrate.record").text.encode()
_OLDEST_VERSION = 150_000
_PREREQUISITES = query("migrate.prerequisites").text.encode()


@dataclass(frozen=True, slots=True)
class Migration:
    """A migration file."""

    version: str
    name: str
    script: str

    @property
    def sha256(self) -> str:
        """Checksum of the text."""
        return hashlib.sha256(self.script.encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class MigrationState:
    """Where a migration stands in a database."""

    version: str
    name: str
    state: Literal["applied", "pending", "changed"]


def shipped_migrations() -> list[Migration]:
    """Return the migrations this version brings, in order."""
    folder = files("qms_mcp.sql").joinpath("migrations")
    found = [(match, entry) for entry in folder.iterdir() if (match := _NAME.match(entry.name))]
    return sorted(
        (Migration(match[1], match[2], entry.read_text(encoding="utf-8")) for match, entry in found),
        key=lambda migration: migration.version,
    )


class Migrator:
    """Brings a database to the schema of this version.

    Args:
        conninfo: Login of the database owner, past any pooler.
    """

    def __init__(self, conninfo: str) -> None:
        self._conninfo = conninfo

    async def status(self) -> list[MigrationState]:
        """Return every shipped migration and whether it is applied here."""
        async with await self._connect() as connection:
            applied = await _applied(connection)
        return [_state(migration, applied) for migration in shipped_migrations()]

    async def migrate(self, *, dry_run: bool = False) -> list[Migration]:
        """Apply what is pending and return it; with `dry_run`, try it and roll everything back.

        Raises:
            UnavailableError: The database can't be reached or lacks something it needs (named).
            ConflictError: A released migration was edited, or the database is from a newer version.
        """
        async with await self._connect() as connection:
            try:
                return await self._apply_pending(connection, dry_run=dry_run)
            except psycopg.Error as error:
                raise _explain(error) from error

    async def _connect(self) -> psycopg.AsyncConnection[Any]:
        try:
            return await psycopg.AsyncConnection.connect(
                self._conninfo, autocommit=True, prepare_threshold=None, application_name="qms-mcp migrate"
            )
        except psycopg.Error as error:
            raise translate(error) from error

    async def _apply_pending(self, connection: psycopg.AsyncConnection[Any], *, dry_run: bool) -> list[Migration]:
        done: list[Migration] = []
        if not await _pending(connection):
            return done
        await _check_prerequisites(connection)
        await connection.set_autocommit(False)
        await _enter(connection)
        while pending := await _pending(connection):
            migration = pending[0]
            _log.info("applying migration %s_%s", migration.version, migration.name)
            await connection.execute(migration.script.encode())
            await connection.execute(
                _RECORD,
                {"version": migration.version, "statements": [migration.script], "name": migration.name},
            )
            done.append(migration)
            if not dry_run:
                await connection.commit()
                await _enter(connection)
        await connection.rollback()
        return done


async def check_schema(database: Database) -> None:
    """Make sure a database we don't migrate ourselves has the schema of this version.

    Raises:
        UnavailableError: It was never migrated, or by an older version.
    """
    async with database.plumbing() as transaction:
        known = await transaction.fetch_dicts(query("migrate.has_history"))
        rows = await transaction.fetch_dicts(query("migrate.versions")) if known[0]["known"] else []
    applied = {row["version"] for row in rows}
    missing = [migration.version for migration in shipped_migrations() if migration.version not in applied]
    if missing:
        raise UnavailableError(
            f"The database is not set up for this version: migration {missing[0]} is not applied.",
            hint="Run `qms-mcp migrate` as the owner of the database (DATABASE_URL_DIRECT).",
        )


async def _enter(connection: psycopg.AsyncConnection[Any]) -> None:
    await connection.execute(_LOCK)
    await connection.execute(_HISTORY_TABLE)
    await connection.execute(b"SET LOCAL lock_timeout = '10s'")
    await connection.execute(b"SET LOCAL search_path = public, extensions")
    await connection.execute(b"SET LOCAL client_min_messages = warning")


async def _applied(connection: psycopg.AsyncConnection[Any]) -> dict[str, str]:
    row = await (await connection.execute(_HAS_HISTORY)).fetchone()
    if not row or not row[0]:
        return {}
    rows = await (await connection.execute(_HISTORY)).fetchall()
    return {version: "".join(statements or []) for version, statements in rows}


def _state(migration: Migration, applied: dict[str, str]) -> MigrationState:
    if migration.version not in applied:
        return MigrationState(migration.version, migration.name, "pending")
    same = applied[migration.version] == migration.script
    return MigrationState(migration.version, migration.name, "applied" if same else "changed")


async def _pending(connection: psycopg.AsyncConnection[Any]) -> list[Migration]:
    applied = await _applied(connection)
    shipped = shipped_migrations()
    states = {migration.version: _state(migration, applied).state for migration in shipped}
    if changed := [version for version, state in states.items() if state == "changed"]:
        raise ConflictError(
            f"Migration {changed[0]} was applied here with another text than this version brings.",
            hint="Install the version of qms-mcp that applied it, or restore the database it belongs to.",
        )
    newer = [version for version in applied if re.fullmatch(r"\d{4}", version) and version > shipped[-1].version]
    if newer:
        raise ConflictError(
            f"The database has migration {max(newer)}, which this version of qms-mcp does not know.",
            hint="Upgrade qms-mcp.",
        )
    return [migration for migration in shipped if states[migration.version] == "pending"]


async def _check_prerequisites(connection: psycopg.AsyncConnection[Any]) -> None:
    row = await (await connection.execute(_PREREQUISITES)).fetchone()
    version, name, vector, owns = row or (0, "", None, False)
    if version < _OLDEST_VERSION:
        raise UnavailableError(f"PostgreSQL {name} is too old.", hint="Use PostgreSQL 15 or newer.")
    if vector is None:
        raise UnavailableError(
            "This PostgreSQL has no pgvector, which the records and the search need.",
            hint="Install pgvector 0.8 or newer on the database server (Debian and Ubuntu: a package "
            "postgresql-NN-pgvector of the PostgreSQL project's repository; elsewhere see the pgvector manual), "
            "then run `qms-mcp migrate` again. Or unset DATABASE_URL to use the embedded database.",
        )
    if vector == "locked":
        raise UnavailableError(
            "pgvector is there, but this login may not switch it on.",
            hint="Let a superuser run once: CREATE SCHEMA IF NOT EXISTS extensions; "
            "GRANT USAGE ON SCHEMA extensions TO PUBLIC; "
            "CREATE EXTENSION vector SCHEMA extensions; then run `qms-mcp migrate` again.",
        )
    if not owns:
        raise UnavailableError(
            "The login may not create schemas in this database.",
            hint="Run migrations as the owner of the database: set DATABASE_URL_DIRECT.",
        )


def _explain(error: psycopg.Error) -> QmsError:
    if isinstance(error, pg.InsufficientPrivilege):
        return UnavailableError(
            f"The owner lacks a right that a migration needs: {error.diag.message_primary}.",
            hint="The owner of the database needs CREATEROLE, or a superuser creates the roles qms_app, qms_sql, "
            "qms_probe, qms_definer, qms_ledger and qms_server once and grants them to the owner.",
        )
    return translate(error)
