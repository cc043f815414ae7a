"""The database, open for a command: the embedded one (started if need be) or that of DATABASE_URL."""

from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager, contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from qms_mcp.db.database import Database
    from qms_mcp.settings import Settings


@asynccontextmanager
async def opened_database(settings: "Settings | None" = None) -> "AsyncGenerator[Database]":
    """Lend the open database.

    Raises:
        UnavailableError: It can't be reached.
    """
    from qms_mcp.db.embedded import EmbeddedPostgres  # noqa: PLC0415 - only when a command needs it
    from qms_mcp.home import default_home  # noqa: PLC0415
    from qms_mcp.settings import Settings  # noqa: PLC0415
    from qms_mcp.startup import open_database  # noqa: PLC0415

    chosen = settings or Settings.from_environment()
    home = chosen.qms_home or default_home()
    embedded = EmbeddedPostgres(home, linger=chosen.qms_linger_seconds) if chosen.embedded else None
    try:
        database = await open_database(chosen, embedded, lambda _stage: None)
        try:
            yield database
        finally:
            await database.close()
    finally:
        if embedded is not None:
            embedded.release()


@contextmanager
def owner_login() -> Generator[str]:
    """Lend the connection string of the owner; the embedded database is started for it, and not migrated."""
    from qms_mcp.db.embedded import EmbeddedPostgres  # noqa: PLC0415
    from qms_mcp.db.wiring import external_wiring  # noqa: PLC0415
    from qms_mcp.home import default_home  # noqa: PLC0415
    from qms_mcp.settings import Settings  # noqa: PLC0415

    settings = Settings.from_environment()
    if not settings.embedded:
        yield external_wiring(settings).owner
        return
    embedded = EmbeddedPostgres(settings.qms_home or default_home(), linger=settings.qms_linger_seconds)
    embedded.ensure_running()
    try:
        yield embedded.conninfo(user="qms_owner")
    finally:
        embedded.release()
