"""A migrated embedded database of its own, for generators and tests that run outside pytest's fixtures."""

import shutil
from collections.abc import Generator
from contextlib import contextmanager

import anyio

from qms_mcp.db.embedded import EmbeddedPostgres
from qms_mcp.db.migrate import Migrator
from tests.support.places import new_place


@contextmanager
def migrated_server() -> Generator[EmbeddedPostgres]:
    """Yield a running server whose database `qms` has the schema of this version."""
    folder = new_place()
    server = EmbeddedPostgres(folder / "home", linger=0.2, settings={"fsync": "off"})
    try:
        server.ensure_running()
        anyio.run(Migrator(server.conninfo(user="qms_owner")).migrate)
        yield server
    finally:
        server.release()
        server.stop()
        shutil.rmtree(folder, ignore_errors=True)
