"""Where the durable workflows of this machine or of many keep their steps: the schema `dbos` of the same database.

Its tables belong to DBOS and hold no content of ours: which workflow, which step, and short facts such as "more" or
"done". What agents said and found is in the tables of `agents`, behind row-level security.
"""

import logging
from urllib.parse import quote

import anyio.to_thread
import psycopg
from psycopg.conninfo import conninfo_to_dict

from qms_mcp.db.transaction import translate
from qms_mcp.errors import UnavailableError

SCHEMA = "dbos"
_ROLE = "qms_server"
_LOCK = b"SELECT pg_advisory_lock(hashtextextended('qms dbos schema', 0))"
_log = logging.getLogger(__name__)


def system_url(conninfo: str) -> str:
    """Return the URL SQLAlchemy takes for a connection string of libpq; sockets and passwords included."""
    parts = {key: str(value) for key, value in conninfo_to_dict(conninfo).items() if value is not None}
    user, password = parts.pop("user", ""), parts.pop("password", "")
    database = parts.pop("dbname", "") or user
    host, port = parts.pop("host", ""), parts.pop("port", "")
    login = quote(user, safe="") + (f":{quote(password, safe='')}" if password else "") + ("@" if user else "")
    place = ""
    if host.startswith("/") or "," in host:
        parts["host"] = host
        if port:
            parts["port"] = port
    else:
        place = (f"[{host}]" if ":" in host else host) + (f":{port}" if port else "")
    options = "&".join(f"{key}={quote(value, safe='')}" for key, value in parts.items())
    return f"postgresql://{login}{place}/{quote(database, safe='')}" + (f"?{options}" if options else "")


async def ensure_durable_schema(owner: str) -> None:
    """Bring the schema `dbos` up to date, as the owner of the database; one process at a time.

    Args:
        owner: Login that owns the schema, past any pooler.

    Raises:
        UnavailableError: It can't be done; why, and what to do.
    """
    try:
        lock = await psycopg.AsyncConnection.connect(owner, autocommit=True, prepare_threshold=None)
        try:
            # A session's lock: some of the statements can't run inside a transaction.
            await lock.execute(_LOCK)
            await anyio.to_thread.run_sync(_migrate, system_url(owner))
        finally:
            await lock.close()  # also where this was cancelled: it waits for nothing
    except psycopg.Error as error:
        raise translate(error) from error


async def durable_schema_is_there(server: str) -> bool:
    """Whether the login of the server finds the schema as this version needs it."""
    return await anyio.to_thread.run_sync(_is_current, system_url(server))


def _migrate(url: str) -> None:
    from dbos import DBOS  # noqa: PLC0415 - takes a second to import
    from sqlalchemy.exc import SQLAlchemyError  # noqa: PLC0415

    _quiet()
    if _is_current(url):
        return
    try:
        DBOS.migrate(url, schema=SCHEMA, application_role=_ROLE)
    except SQLAlchemyError as error:
        _log.warning("the schema of the workflows could not be made: %s", type(error).__name__)
        raise UnavailableError(
            "The tables of the durable workflows could not be made.",
            hint="Run `qms-mcp migrate` as the owner of the database (DATABASE_URL_DIRECT).",
        ) from error


def _is_current(url: str) -> bool:
    import sqlalchemy as sa  # noqa: PLC0415
    from dbos._migration import get_migration_versions  # noqa: PLC0415  # pyright: ignore[reportPrivateUsage]
    from sqlalchemy.exc import SQLAlchemyError  # noqa: PLC0415

    engine = sa.create_engine(sa.make_url(url).set(drivername="postgresql+psycopg"))
    try:
        recorded, latest = get_migration_versions(engine, SCHEMA, use_listen_notify=True)
    except SQLAlchemyError:
        return False
    finally:
        engine.dispose()
    return recorded >= latest


def _quiet() -> None:
    """Keep the library's notices out of the log: what goes wrong is raised."""
    logging.getLogger("dbos").setLevel(logging.ERROR)
