"""`qms-mcp escalate`: raise what is overdue to whom its workflow names. Run it from a timer, once a day or an hour."""

import anyio
import click

from qms_mcp.cli.opened import opened_database


@click.command("escalate")
def command() -> None:
    """Escalate what is overdue in the organization of this account or token, each step once."""

    async def work() -> None:
        from qms_mcp.auth.acting import acting  # noqa: PLC0415 - only when it runs
        from qms_mcp.services.identify import identify  # noqa: PLC0415
        from qms_mcp.services.signing.service import Signing  # noqa: PLC0415
        from qms_mcp.services.workflow.service import Workflow  # noqa: PLC0415
        from qms_mcp.settings import Settings  # noqa: PLC0415

        settings = Settings.from_environment()
        async with opened_database(settings) as database:
            principal = await identify(database, settings)
            with acting(None, "qms-mcp escalate"):
                made = await Workflow(database, Signing(database)).escalate(principal)
        click.echo(f"{made} new escalation{'' if made == 1 else 's'}.")

    anyio.run(work)
