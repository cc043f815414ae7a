"""`qms-mcp approvals`: what waits for a person, and the decision of that person.

A decision needs the person's password, typed on the terminal itself. A model that can run commands has no terminal
that knows the password, and the id of an approval alone is worth nothing.
"""

from typing import TYPE_CHECKING, Literal
from uuid import UUID

import anyio
import click

from qms_mcp.cli.opened import opened_database
from qms_mcp.cli.terminal import Terminal, controlling_terminal
from qms_mcp.errors import ConflictError, InvalidInputError

if TYPE_CHECKING:
    from qms_mcp.services.approvals import OpenApproval, ShownApproval

_LOCAL_OWNER = "owner@localhost"
# Quality records and workflows are signed where the person sees the whole record and its differences.
_ON_A_TERMINAL = frozenset({"apply_migration", "transform_data"})


@click.group("approvals")
def command() -> None:
    """What waits for a person: list, show, approve, reject."""


@command.command("list")
@click.option("--organization", default=None, help="Only of this organization (slug).")
@click.option("--all", "everything", is_flag=True, help="Also what was decided.")
def list_(organization: str | None, *, everything: bool) -> None:
    """List what waits, the oldest first."""

    async def work() -> None:
        from qms_mcp.services.approvals import ApprovalDesk  # noqa: PLC0415

        async with opened_database() as database:
            _print_list(await ApprovalDesk(database).listed(organization=organization, everything=everything))

    anyio.run(work)


@command.command()
@click.argument("approval_id", type=click.UUID)
def show(approval_id: UUID) -> None:
    """Show exactly what one approval is for."""

    async def work() -> None:
        from qms_mcp.services.approvals import ApprovalDesk  # noqa: PLC0415

        async with opened_database() as database:
            _print_approval(await ApprovalDesk(database).show(approval_id))

    anyio.run(work)


@command.command()
@click.argument("approval_id", type=click.UUID)
@click.option("--user", "email", default=None, help=f"Who you are. Embedded: {_LOCAL_OWNER}.")
def approve(approval_id: UUID, email: str | None) -> None:
    """Approve, after a look at exactly what will run; asks for your password on the terminal."""
    with controlling_terminal() as terminal:
        anyio.run(_decide, approval_id, email, "approved", terminal)
    click.echo(f"Approved: {approval_id}. It can be applied once now.")


@command.command()
@click.argument("approval_id", type=click.UUID)
@click.option("--user", "email", default=None, help=f"Who you are. Embedded: {_LOCAL_OWNER}.")
def reject(approval_id: UUID, email: str | None) -> None:
    """Reject, with a reason; asks for it and for your password on the terminal."""
    with controlling_terminal() as terminal:
        anyio.run(_decide, approval_id, email, "rejected", terminal)
    click.echo(f"Rejected: {approval_id}.")


async def _decide(
    approval_id: UUID, email: str | None, verdict: Literal["approved", "rejected"], terminal: Terminal
) -> None:
    from qms_mcp.services.approvals import ApprovalDesk  # noqa: PLC0415
    from qms_mcp.services.users import Users  # noqa: PLC0415
    from qms_mcp.settings import Settings  # noqa: PLC0415

    settings = Settings.from_environment()
    async with opened_database(settings) as database:
        desk, users = ApprovalDesk(database), Users(database)
        approval = await desk.show(approval_id)
        _print_approval(approval)
        if approval.state != "pending":
            raise ConflictError(f"There is nothing to decide any more: it is {approval.state}.")
        if approval.tool not in _ON_A_TERMINAL:
            raise ConflictError("This one is decided on the approval page.", hint="`qms-mcp page` opens it.")
        person = await users.find(_who(email, embedded=settings.embedded))
        reason = terminal.ask("Why do you reject it? ") if verdict == "rejected" else ""
        if verdict == "rejected" and not reason.strip():
            raise InvalidInputError("A rejection needs a reason.")
        word = "approve" if verdict == "approved" else "reject"
        await users.verify(person, terminal.ask_hidden(f"Password of {person.email}, to {word} exactly this: "))
        await desk.decide(approval_id, person, verdict, reason)


def _who(email: str | None, *, embedded: bool) -> str:
    if email is not None:
        return email
    if embedded:
        return _LOCAL_OWNER
    raise InvalidInputError("Say who you are.", hint="--user you@example.com")


def _print_list(waiting: "list[OpenApproval]") -> None:
    from rich.console import Console  # noqa: PLC0415
    from rich.table import Table  # noqa: PLC0415
    from rich.text import Text  # noqa: PLC0415

    from qms_mcp.services.outcomes import visible  # noqa: PLC0415

    if not waiting:
        click.echo("Nothing waits.")
        return
    table = Table("Id", "Organization", "What", "Asked by", "Through", "State", "Until (UTC)")
    for one in waiting:
        first_line = visible(one.summary).splitlines()[0]
        cells = (str(one.id), one.organization, first_line, one.requested_by, one.client_name or "", one.state)
        table.add_row(*(Text(visible(cell)) for cell in cells), f"{one.expires_at:%Y-%m-%d %H:%M}")
    console = Console()
    # Ids are copied from here, so they are never cut, also not in a narrow window or a file.
    console.print(table) if console.width >= 140 else _print_lines(waiting)  # noqa: PLR2004


def _print_lines(waiting: "list[OpenApproval]") -> None:
    from qms_mcp.services.outcomes import visible  # noqa: PLC0415

    for one in waiting:
        click.echo(f"{one.id}  {one.state}  until {one.expires_at:%Y-%m-%d %H:%M} UTC")
        asked = f"asked by {one.requested_by} through {one.client_name or 'an unknown client'}"
        click.echo(f"  {visible(one.summary).splitlines()[0]}\n  {one.organization}, {visible(asked)}")


def _print_approval(approval: "ShownApproval") -> None:
    from rich.console import Console  # noqa: PLC0415
    from rich.syntax import Syntax  # noqa: PLC0415
    from rich.text import Text  # noqa: PLC0415

    from qms_mcp.services.outcomes import visible  # noqa: PLC0415

    console = Console()
    console.print(Text(visible(approval.summary), style="bold"))
    asked = f"{approval.requested_by} ({approval.requested_kind}) through {approval.client_name or 'an unknown client'}"
    for name, value in {
        "Asked by": asked,
        "Reason": approval.reason,
        "Organization": approval.organization,
        "State": approval.state,
        "Until": f"{approval.expires_at:%Y-%m-%d %H:%M:%S %Z}",
        "sha256": approval.content_sha256,
    }.items():
        console.print(Text(f"{name + ':':14}{visible(value)}"))
    console.print(Text("\nExactly this will run, once:", style="bold"))
    content = visible(approval.content)
    console.print(Syntax(content, "sql", word_wrap=True) if console.is_terminal else Text(content))
