"""`qms-mcp db`: the embedded database as an operator sees it."""

import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from qms_mcp.errors import InvalidInputError, UnavailableError

if TYPE_CHECKING:
    from qms_mcp.db.embedded import EmbeddedPostgres

_OWNER = "qms_owner"


@click.group("db")
def command() -> None:
    """The embedded database: where it is, a way in, stopping it, beginning anew.

    With DATABASE_URL set there is none of ours, and these commands say so.
    """


@command.command()
def path() -> None:
    """Print where everything is."""
    server = _server()
    status = server.status()
    state = f"running (pid {status.pid})" if status.running else "not running"
    used = ", used by other programs" if status.used_by_others else ""
    for name, value in {
        "home": server.home,
        "data": status.data_dir,
        "socket": status.socket_dir,
        "log": status.log_path,
        "server": f"PostgreSQL {status.version}, {state}{used}",
        "connection": server.conninfo(user=_OWNER),
    }.items():
        click.echo(f"{name + ':':12}{value}")


@command.command(context_settings={"ignore_unknown_options": True, "help_option_names": ["--help"]})
@click.option("--user", default=_OWNER, show_default=True, help="Role to log in as.")
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
def psql(user: str, arguments: tuple[str, ...]) -> int:
    """Open psql on the embedded database; further arguments are psql's own.

    This is the owner's way in: past the tools, the approvals and the ledger. Row-level security still holds for
    qms_owner, so it sees no records of an organization.
    """
    server = _server()
    program = server.bin_dir / "psql"
    if not program.is_file():
        raise UnavailableError(
            "This installation has no psql.", hint=f"Use your own with: {server.conninfo(user=user)}"
        )
    if sys.stderr.isatty():
        click.echo(f"You are {user}. What you do here passes no approval and is in no ledger.", err=True)
    server.ensure_running()
    try:
        return subprocess.run([program, server.conninfo(user=user), *arguments], check=False).returncode  # noqa: S603
    finally:
        server.release()


@command.command()
def stop() -> None:
    """Stop the embedded server now, whoever uses it; a client that needs it starts it again."""
    server = _server()
    running = server.status().running
    server.stop()
    click.echo("Stopped." if running else "It was not running.")


@command.command()
@click.option("--yes", is_flag=True, help="Do not ask; for scripts.")
def reset(*, yes: bool) -> None:
    """Remove the embedded database with all its records, for good."""
    server = _server()
    if not server.status().data_dir.exists():
        click.echo(f"There is no database in {server.home}.")
        return
    if not yes:
        _confirm(server.home)
    server.reset()
    click.echo(f"Removed the database in {server.home}. The next start makes an empty one.")


def _confirm(home: Path) -> None:
    if not sys.stdin.isatty():
        raise InvalidInputError("Nobody is there to confirm.", hint="In a script, say --yes.")
    click.echo(f"All records, the audit trail and the ledger in {home} will be gone, for good.", err=True)
    if click.prompt(f"Type {home.name!r} to go on", default="", show_default=False, err=True).strip() != home.name:
        raise click.Abort


def _server() -> "EmbeddedPostgres":
    from qms_mcp.db.embedded import EmbeddedPostgres  # noqa: PLC0415 - only when a command of this group runs
    from qms_mcp.home import default_home  # noqa: PLC0415
    from qms_mcp.settings import Settings  # noqa: PLC0415

    settings = Settings.from_environment(os.environ)
    if not settings.embedded:
        raise InvalidInputError(
            "DATABASE_URL is set, so the embedded database is not used.",
            hint="Use the tools of your own server, or unset DATABASE_URL.",
        )
    return EmbeddedPostgres(settings.qms_home or default_home(), linger=settings.qms_linger_seconds)
