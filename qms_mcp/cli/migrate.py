"""`qms-mcp migrate`."""

from typing import TYPE_CHECKING

import anyio
import click

if TYPE_CHECKING:
    from qms_mcp.db.migrate import Migration

_DURABLE = "tables of the durable workflows"
_UNTRIED = "The schema dbos was not tried: some of its statements can't be rolled back."


@click.command("migrate")
@click.option("--status", is_flag=True, help="Only say what is applied and what is pending.")
@click.option("--dry-run", is_flag=True, help="Apply in one transaction and roll it back.")
def command(*, status: bool, dry_run: bool) -> None:
    """Bring the database to the schema of this version, as its owner.

    The embedded database is migrated at every start anyway; one of your own only by this command.
    """
    if status and dry_run:
        raise click.UsageError("--status and --dry-run exclude each other.")
    if status:
        anyio.run(_status)
    else:
        anyio.run(_migrate, dry_run)


async def _status() -> None:
    from qms_mcp.cli.opened import owner_login  # noqa: PLC0415 - starts the embedded database
    from qms_mcp.db.durable import durable_schema_is_there  # noqa: PLC0415
    from qms_mcp.db.migrate import Migrator  # noqa: PLC0415

    with owner_login() as owner:
        for migration in await Migrator(owner).status():
            click.echo(f"{migration.version}  {migration.state:8}  {migration.name}")
        state = "applied" if await durable_schema_is_there(owner) else "pending"
    click.echo(f"dbos  {state:8}  {_DURABLE}")


async def _migrate(dry_run: bool) -> None:
    from qms_mcp.cli.opened import owner_login  # noqa: PLC0415
    from qms_mcp.db.durable import durable_schema_is_there, ensure_durable_schema  # noqa: PLC0415
    from qms_mcp.db.migrate import Migrator  # noqa: PLC0415

    with owner_login() as owner:
        done = await Migrator(owner).migrate(dry_run=dry_run)
        _say(done, dry_run=dry_run)
        durable_was_there = await durable_schema_is_there(owner)
        if not dry_run and not durable_was_there:
            # After ours: its rights go to a role that our migrations make.
            await ensure_durable_schema(owner)
    if not durable_was_there:
        click.echo(f"{'would bring up to date' if dry_run else 'brought up to date'}: {_DURABLE} (schema dbos)")
    if not done and durable_was_there:
        click.echo("Nothing to do: the schema is up to date.")
    elif dry_run:
        tried = "Everything was rolled back." if done else "Nothing was changed."
        click.echo(tried if durable_was_there else f"{tried} {_UNTRIED}")


def _say(done: "list[Migration]", *, dry_run: bool) -> None:
    for migration in done:
        click.echo(f"{'would apply' if dry_run else 'applied'} {migration.version}_{migration.name}")
