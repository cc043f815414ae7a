"""`qms-mcp page`: the approval page by itself, until Ctrl-C."""

import anyio
import click

from qms_mcp.cli.opened import opened_database


@click.command("page")
@click.option(
    "--port", default=None, type=click.IntRange(0, 65535), help="0 for any that is free; default: QMS_PAGE_PORT."
)
def command(port: int | None) -> None:
    """Serve the approval page on this machine until Ctrl-C.

    People sign in there with user id and password and decide what waits for them. Over stdio the server brings the
    page along by itself, on the first approval.
    """
    try:
        anyio.run(_serve, port)
    except KeyboardInterrupt:
        click.echo("Stopped.", err=True)


async def _serve(port: int | None) -> None:
    from qms_mcp.page.serving import ApprovalPage  # noqa: PLC0415
    from qms_mcp.settings import Settings  # noqa: PLC0415

    settings = Settings.from_environment()
    async with opened_database(settings) as database:
        chosen = settings.qms_page_port if port is None else port
        page = ApprovalPage(database, port=chosen, to_langfuse=settings.langfuse_configured)
        try:
            click.echo(f"{await page.start()}/")
            await page.forever()
        finally:
            await page.aclose()
