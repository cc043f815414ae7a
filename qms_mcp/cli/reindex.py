"""`qms-mcp reindex`: change the model that makes the vectors, while searches go on."""

from typing import TYPE_CHECKING

import anyio
import click

from qms_mcp.cli.opened import opened_database
from qms_mcp.errors import InvalidInputError

if TYPE_CHECKING:
    from qms_mcp.services.embedding.models import Progress
    from qms_mcp.services.embedding.reindexing import Forecast, Wanted

_LOCAL = "minilm-l6-v2-int8"


@click.command("reindex")
@click.option("--model", "key", default=None, help=f"Key the model gets here, such as voyage-4-1024 or {_LOCAL}.")
@click.option("--provider", default="local", show_default=True, help="local, voyage, openai or compatible.")
@click.option("--model-name", default=None, help="Its name at the provider, such as voyage-4.")
@click.option("--dims", type=click.IntRange(1, 4000), default=None, help="Dimensions of its vectors.")
@click.option("--base-url", default=None, help="Address up to /v1, if it is not the usual one of the provider.")
@click.option("--prefixes", nargs=2, default=("", ""), help="What stands before a question and before a text.")
@click.option("--dry-run", is_flag=True, help="Only say how much there is to do, and what it costs.")
@click.option("--status", is_flag=True, help="Only say how far each model is.")
def command(
    key: str | None,
    provider: str,
    model_name: str | None,
    dims: int | None,
    base_url: str | None,
    prefixes: tuple[str, str],
    *,
    dry_run: bool,
    status: bool,
) -> None:
    """Make new vectors of everything with another model, then search with these.

    It works for all organizations, with the login of the database's owner. The model in use answers until the new one
    is complete. An interrupted change is continued by the same command. Texts are sent to the provider: `--dry-run`
    says how many.
    """
    from qms_mcp.services.embedding.reindexing import Wanted  # noqa: PLC0415 - only when it runs

    if status:
        anyio.run(_status)
        return
    if key is None:
        raise InvalidInputError("--model is missing.", hint="Name the model, or ask for --status.")
    if provider == "local":
        model_name, dims = model_name or "all-MiniLM-L6-v2", dims or 384
    if model_name is None or dims is None:
        raise InvalidInputError("A model of a provider needs --model-name and --dims.")
    anyio.run(_change, Wanted(key, provider, model_name, dims, base_url, *prefixes), dry_run)


async def _change(wanted: "Wanted", dry_run: bool) -> None:
    from qms_mcp.services.embedding.reindexing import Reindexing  # noqa: PLC0415
    from qms_mcp.settings import Settings  # noqa: PLC0415

    settings = Settings.from_environment()
    async with opened_database(settings) as database:
        reindexing = Reindexing(database, settings, told=lambda step: click.echo(f"{step} ...", err=True))
        click.echo(_volume(await reindexing.forecast(wanted)))
        if dry_run:
            return
        model = await reindexing.change(wanted)
    click.echo(f"Searches use {model.key} now.")


def _volume(forecast: "Forecast") -> str:
    cost = "" if forecast.cost is None else f", about ${forecast.cost:,.2f}"
    return f"{forecast.pieces:,} pieces, {forecast.texts:,} different texts, about {forecast.tokens:,} tokens{cost}."


async def _status() -> None:
    from qms_mcp.services.embedding.reindexing import Reindexing  # noqa: PLC0415
    from qms_mcp.settings import Settings  # noqa: PLC0415

    settings = Settings.from_environment()
    async with opened_database(settings) as database:
        for model in await Reindexing(database, settings).progress():
            click.echo(_line(model))


def _line(model: "Progress") -> str:
    failed = f", {model.failed} failed" if model.failed else ""
    why = f" ({model.last_error})" if model.last_error else ""
    return (
        f"{model.key}: {model.state}, {model.provider}, {model.dims} dimensions, "
        f"{model.done} of {model.chunks} done, {model.queued} queued{failed}{why}"
    )
