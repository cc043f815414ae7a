"""`qms-mcp users`: the people who act and approve."""

from typing import Literal

import anyio
import click

from qms_mcp.cli.opened import opened_database
from qms_mcp.cli.terminal import Terminal, controlling_terminal
from qms_mcp.errors import InvalidInputError

_WAYS: dict[str, Literal["password", "recorded"]] = {"password": "password", "recorded": "recorded"}


@click.group("users")
def command() -> None:
    """The people who may approve: add, list, roles, passwd, end, deactivate, signatures.

    These commands act as the owner of the database: whoever may run them administers it.
    """


@command.command()
@click.argument("email")
@click.option("--name", required=True, help="As it stands on records and signatures.")
@click.option("--roles", required=True, help="Comma-separated: owner,approver,...")
@click.option("--organization", default=None, help="Slug; needed when there are several.")
def add(email: str, name: str, roles: str, organization: str | None) -> None:
    """Add a person to an organization, or give one who is there other roles from now on."""
    wanted = [role.strip() for role in roles.split(",") if role.strip()]

    async def work() -> None:
        from qms_mcp.services.users import Users  # noqa: PLC0415

        async with opened_database() as database:
            person = await Users(database).add(email, name=name, roles=wanted, organization=organization)
        click.echo(f"{person.email} ({person.user_id}): {', '.join(sorted(set(wanted)))}")
        if not person.has_password:
            click.echo(f"To approve, a password is needed: qms-mcp users passwd {person.email}")

    anyio.run(work)


@command.command("list")
@click.option("--organization", default=None, help="Only of this organization (slug).")
def list_(organization: str | None) -> None:
    """List who belongs where, from when to when, with which roles."""

    async def work() -> None:
        from rich.console import Console  # noqa: PLC0415
        from rich.table import Table  # noqa: PLC0415
        from rich.text import Text  # noqa: PLC0415

        from qms_mcp.services.users import Users  # noqa: PLC0415

        async with opened_database() as database:
            members = await Users(database).listed(organization)
        table = Table("E-mail", "Name", "Organization", "Roles", "Until", "Password")
        for one in members:
            until = f"{one.valid_to:%Y-%m-%d}" if one.valid_to else ""
            cells = (one.email, one.printed_name, one.organization, ", ".join(one.roles), until)
            table.add_row(*(Text(cell, overflow="fold") for cell in cells), "set" if one.has_password else "none")
        Console().print(table)

    anyio.run(work)


@command.command()
@click.argument("email")
def passwd(email: str) -> None:
    """Set a person's password, typed on the terminal; a password that exists is asked for first."""
    with controlling_terminal() as terminal:
        anyio.run(_set_password, email, terminal)
    click.echo(f"The password of {email} is set.")


async def _set_password(email: str, terminal: Terminal) -> None:
    from qms_mcp.auth.passwords import check_new  # noqa: PLC0415
    from qms_mcp.services.users import Users  # noqa: PLC0415

    async with opened_database() as database:
        users = Users(database)
        person = await users.find(email)
        old = terminal.ask_hidden(f"Password of {person.email} now: ") if person.has_password else None
        if old is not None:
            await users.verify(person, old)
        new = terminal.ask_hidden("New password: ")
        check_new(new)
        if terminal.ask_hidden("The new password again: ") != new:
            raise InvalidInputError("The two are not the same.", hint="Nothing was changed.")
        await users.set_password(person, new, old=old)


@command.command()
@click.argument("email")
@click.option("--organization", default=None, help="Only there (slug); everywhere when left out.")
def end(email: str, organization: str | None) -> None:
    """End the memberships of a person. What the person did stays recorded."""

    async def work() -> int:
        from qms_mcp.services.users import Users  # noqa: PLC0415

        async with opened_database() as database:
            return await Users(database).end(email, organization=organization)

    click.echo(f"Ended: {anyio.run(work)} membership(s) of {email}.")


@command.command()
@click.argument("email")
@click.option("--roles", required=True, help="Comma-separated: owner,approver,...")
@click.option("--organization", default=None, help="Slug; needed when there are several.")
def roles(email: str, roles: str, organization: str | None) -> None:
    """Give a member other roles from now on. Which they were until now stays recorded."""
    wanted = [role.strip() for role in roles.split(",") if role.strip()]

    async def work() -> list[str]:
        from qms_mcp.services.users import Users  # noqa: PLC0415

        async with opened_database() as database:
            return await Users(database).change_roles(email, wanted, organization=organization)

    click.echo(f"{email}: {', '.join(anyio.run(work))}")


@command.command()
@click.argument("email")
def deactivate(email: str) -> None:
    """Deactivate a person everywhere, at once and for good. Nothing is deleted, and the user id is never used again."""

    async def work() -> int:
        from qms_mcp.services.users import Users  # noqa: PLC0415

        async with opened_database() as database:
            return await Users(database).deactivate(email)

    click.echo(f"{email} is deactivated; {anyio.run(work)} membership(s) ended.")


@command.command()
@click.argument("way", type=click.Choice(list(_WAYS)))
@click.option("--organization", default=None, help="Slug; needed when there are several.")
def signatures(way: str, organization: str | None) -> None:
    """Set how records are approved: signed with a PASSWORD each time, or RECORDED without one.

    Recorded approvals are for organizations under ISO 9001 alone: 21 CFR Part 11 does not take them for signatures.
    They are shown as recorded approvals everywhere, and the change of this setting stands in the audit trail.
    """

    async def work() -> str:
        from qms_mcp.services.users import Users  # noqa: PLC0415

        async with opened_database() as database:
            return await Users(database).sign_with(_WAYS[way], organization=organization)

    click.echo(f"Approvals of {anyio.run(work)}: {way}.")
