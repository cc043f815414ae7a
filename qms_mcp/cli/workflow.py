"""`qms-mcp workflow`: the state machines of records, and changing them for an organization.

A change is a file that somebody wrote, checked here against what is shipped, proposed by an administrator and approved
on the approval page by somebody else. Nothing here makes it count.
"""

import json
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import anyio
import click

from qms_mcp.cli.opened import opened_database

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from qms_mcp.auth.principal import Principal
    from qms_mcp.services.workflow.service import Workflow

T = TypeVar("T")
_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.group("workflow")
def command() -> None:
    """The state machines of records: show, check, propose."""


@command.command()
@click.argument("category")
@click.option("--json", "as_json", is_flag=True, help="The definition itself, to edit and propose.")
def show(category: str, *, as_json: bool) -> None:
    """Show the state machine of a type of records as a Mermaid diagram."""

    async def work(workflow: "Workflow", principal: "Principal") -> None:
        definition = await workflow.definition(principal, category)
        if as_json:
            click.echo(json.dumps(definition.body, indent=2, ensure_ascii=False))
            return
        whose = "of your organization" if definition.own else "shipped"
        click.echo(f"%% {definition.category}, version {definition.version}, {whose}, sha256 {definition.sha256}")
        click.echo(await workflow.diagram(principal, category))

    _run(work)


@command.command()
@click.argument("category")
@click.argument("file", type=_FILE)
def check(category: str, file: Path) -> int:
    """Say whether a state machine in a JSON file could be used, and if not, why."""

    async def work(workflow: "Workflow", principal: "Principal") -> list[str]:
        return await workflow.problems(principal, category, _body(file))

    problems = _run(work)
    for problem in problems:
        click.echo(problem)
    if not problems:
        click.echo("It can be used: it guards at least what the shipped one guards.")
    return 1 if problems else 0


@command.command()
@click.argument("category")
@click.argument("file", type=_FILE)
@click.option("--reason", required=True, help="Why; the person who decides reads it.")
def propose(category: str, file: Path, reason: str) -> None:
    """Propose the state machine in a JSON file; a person with the role qa_approver who is not you decides."""

    async def work(workflow: "Workflow", principal: "Principal") -> None:
        proposal = await workflow.propose(principal, category, _body(file), reason)
        click.echo(f"{proposal.summary}: proposed as approval {proposal.approval_id}.")
        click.echo(proposal.message)

    _run(work)


def _body(file: Path) -> dict[str, object]:
    from qms_mcp.services.workflow.service import read_body  # noqa: PLC0415

    return read_body(file.read_text(encoding="utf-8"))


def _run(work: "Callable[[Workflow, Principal], Awaitable[T]]") -> T:
    """Run something on the workflow, on behalf of whom this account or token stands for."""

    async def worked() -> T:
        from qms_mcp.auth.acting import acting  # noqa: PLC0415
        from qms_mcp.services.identify import identify  # noqa: PLC0415
        from qms_mcp.services.signing.service import Signing  # noqa: PLC0415
        from qms_mcp.services.workflow.service import Workflow  # noqa: PLC0415
        from qms_mcp.settings import Settings  # noqa: PLC0415

        settings = Settings.from_environment()
        async with opened_database(settings) as database:
            principal = await identify(database, settings)
            with acting(None, "qms-mcp workflow"):
                return await work(Workflow(database, Signing(database)), principal)

    return anyio.run(worked)
