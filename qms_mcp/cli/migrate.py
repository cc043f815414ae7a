"""`qms-mcp migrate`."""

import anyio
import click


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
    from qms_mcp.db.migrate import Migrator  # noqa: PLC0415

    with owner_login() as owner:
        for migration in await Migrator(owner).status():
            click.echo(f"{migration.version}  {migration.state:8}  {migration.name}")


async def _migrate(dry_run: bool) -> None:
    from qms_mcp.cli.opened import owner_login  # noqa: PLC0415
    from qms_mcp.db.migrate import Migrator  # noqa: PLC0415

    with owner_login() as owner:
        done = await Migrator(owner).migrate(dry_run=dry_run)
    for migration in done:
        click.echo(f"{'would apply' if dry_run else 'applied'} {migration.version}_{migration.name}")
    if not done:
        click.echo("Nothing to do: the schema is up to date.")
    elif dry_run:
        click.echo("Everything was rolled back.")
