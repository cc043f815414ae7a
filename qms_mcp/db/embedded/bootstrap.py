"""What the superuser sets up in a new cluster, and nobody does afterwards: roles, the database, extensions.

Every statement may be repeated, so a bootstrap that was killed half-way is simply run again, and so is a
later version of it. The version reached is kept in a file beside the cluster.
"""

import os
from collections.abc import Callable
from pathlib import Path

from qms_mcp.errors import UnavailableError

VERSION = 1
_ROLES = Path(__file__).with_name("roles.sql")
_ACCESS = Path(__file__).with_name("access.sql")
_DATABASE = Path(__file__).with_name("database.sql")


def is_current(marker: Path) -> bool:
    """Say whether the cluster has this bootstrap, or that of a later release."""
    try:
        return int(marker.read_text()) >= VERSION
    except (FileNotFoundError, ValueError):
        return False


def bootstrap(superuser: Callable[[str], str], marker: Path) -> None:
    """Set the cluster up and note that it is.

    Args:
        superuser: Gives the connection string of the superuser for a database.
        marker: The file that keeps the version.

    Raises:
        UnavailableError: PostgreSQL refused.
    """
    import psycopg  # noqa: PLC0415 - takes 0.2 s, and only a new cluster needs it

    try:
        with psycopg.connect(superuser("postgres"), autocommit=True) as connection:
            connection.execute(_ROLES.read_bytes())
            if not connection.execute("SELECT FROM pg_database WHERE datname = 'qms'").fetchall():
                connection.execute("CREATE DATABASE qms OWNER qms_owner")
        with psycopg.connect(superuser("qms"), autocommit=True) as connection:
            connection.execute(_ACCESS.read_bytes())
            connection.execute(_DATABASE.read_bytes())
    except psycopg.Error as error:
        raise UnavailableError(
            f"The embedded database could not be set up: {str(error).strip()}",
            hint="Start the program again; if it stays so, `qms-mcp db reset` makes a new cluster.",
        ) from error
    _note(marker)


def open_copy(superuser_conninfo: str) -> None:
    """Give a copy of the database, made with `CREATE DATABASE ... TEMPLATE`, the rights of the original."""
    import psycopg  # noqa: PLC0415

    with psycopg.connect(superuser_conninfo, autocommit=True) as connection:
        connection.execute(_ACCESS.read_bytes())


def _note(marker: Path) -> None:
    unfinished = marker.with_name(f"{marker.name}.new")
    with unfinished.open("w") as file:
        file.write(f"{VERSION}\n")
        file.flush()
        os.fsync(file.fileno())
    unfinished.replace(marker)
