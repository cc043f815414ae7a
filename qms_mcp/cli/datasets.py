"""`qms-mcp datasets`: what agents learn from and are measured with: listed, shown, written out, brought in."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TypeVar

import anyio
import click

from qms_mcp.cli.opened import opened_database

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from qms_mcp.auth.principal import Principal
    from qms_mcp.services.learning.datasets.service import Datasets

T = TypeVar("T")
_SIDES = click.Choice(["train", "dev", "test"])


@click.group("datasets")
def command() -> None:
    """Frozen datasets: list, show, export, import."""


@command.command("list")
@click.option("--agent", default=None, help="Only its.")
@click.option("--limit", default=50, show_default=True, type=click.IntRange(1, 500))
def list_(agent: str | None, limit: int) -> None:
    """List the versions of datasets, the newest first."""

    async def work(datasets: "Datasets", principal: "Principal") -> None:
        page = await datasets.page(principal, agent, limit=limit)
        for one in page.versions:
            click.echo(
                f"{one.label}\t{one.model_name}\t{one.n} items\t{one.created_at:%Y-%m-%d %H:%M}\t"
                f"sha256:{one.content_sha256}"
            )
        click.echo(f"{len(page.versions)} of {page.total}.", err=True)

    _run(work)


@command.command()
@click.argument("named")
def show(named: str) -> None:
    """Show how a dataset (name, name@3, id or sha256:...) was chosen, and what was left out and why."""

    async def work(datasets: "Datasets", principal: "Principal") -> None:
        from qms_mcp.services.learning.datasets.telling import told  # noqa: PLC0415

        click.echo(json.dumps(told(await datasets.get(principal, named)), indent=2, ensure_ascii=False))

    _run(work)


@command.command()
@click.argument("named")
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), help="A file; else standard output.")
@click.option("--split", type=_SIDES, help="Only one side.")
def export(named: str, out: Path | None, split: Literal["train", "dev", "test"] | None) -> None:
    """Write a dataset as lines of JSON: the first says what it is, each other is an item."""

    async def work(datasets: "Datasets", principal: "Principal") -> None:
        if out is None:
            async for line in datasets.exported(principal, named, split):
                click.echo(line)
            return
        await datasets.get(principal, named)  # nothing is written over for a name that is not there
        async with await anyio.open_file(out, "w", encoding="utf-8", newline="\n") as file:
            async for line in datasets.exported(principal, named, split):
                await file.write(f"{line}\n")
        click.echo(f"Written to {out}.", err=True)

    _run(work)


@command.command("import")
@click.argument("agent")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--name", required=True, help="Of the dataset.")
@click.option("--reason", required=True, help="Why; kept with the dataset.")
@click.option("--dry-run", is_flag=True, help="Check the cases and keep nothing.")
def import_(agent: str, file: Path, *, name: str, reason: str, dry_run: bool) -> None:
    """Freeze cases written by hand: lines of JSON with request, expected, and group where some belong together."""

    async def work(datasets: "Datasets", principal: "Principal") -> None:
        from qms_mcp.services.learning.datasets.lines import lines_of  # noqa: PLC0415
        from qms_mcp.services.learning.datasets.telling import curated_dataset  # noqa: PLC0415

        lines = lines_of(file)
        made = await datasets.bring_in(principal, agent, name, lines, reason=reason, dry_run=dry_run)
        told = curated_dataset(made)
        click.echo(told.headline)
        for why, n in {**told.left_out, **{f"masked: {what}": n for what, n in told.masked.items()}}.items():
            click.echo(f"{why.replace('_', ' ')}: {n}")

    _run(work)


def _run(work: "Callable[[Datasets, Principal], Awaitable[T]]") -> T:
    """Run something on the datasets, on behalf of whom this account or token stands for."""

    async def worked() -> T:
        from qms_mcp.auth.acting import acting  # noqa: PLC0415
        from qms_mcp.services.identify import identify  # noqa: PLC0415
        from qms_mcp.services.learning.datasets.service import Datasets  # noqa: PLC0415
        from qms_mcp.settings import Settings  # noqa: PLC0415

        settings = Settings.from_environment()
        async with opened_database(settings) as database:
            principal = await identify(database, settings)
            with acting(None, "qms-mcp datasets"):
                return await work(Datasets(database, settings), principal)

    return anyio.run(worked)
