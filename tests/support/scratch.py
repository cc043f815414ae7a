"""A migrated embedded database of its own, for generators and tests that run outside pytest's fixtures."""

import shutil
import tempfile
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import anyio

from qms_mcp.db.embedded import EmbeddedPostgres
from qms_mcp.db.migrate import Migrator


@contextmanager
def migrated_server() -> Generator[EmbeddedPostgres]:
    """Yield a running server whose database `qms` has the schema of this version."""
    folder = Path(tempfile.mkdtemp(prefix="qms-"))
    folder.chmod(0o755)
    server = EmbeddedPostgres(folder / "home", linger=0.2, settings={"fsync": "off"})
    try:
        server.ensure_running()
        anyio.run(Migrator(server.conninfo(user="qms_owner")).migrate)
        yield server
    finally:
        server.release()
        server.stop()
        shutil.rmtree(folder, ignore_errors=True)
