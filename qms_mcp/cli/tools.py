"""`qms-mcp tools`."""

import json

import click


@click.command("tools")
@click.option("--toolsets", default="", help="Only these groups of tools, comma-separated.")
@click.option("--read-only", is_flag=True, help="Only tools that change nothing.")
@click.option("--json", "as_json", is_flag=True, help="As JSON, with input schemas.")
@click.option("--markdown", is_flag=True, help="As the table of the README.")
def command(toolsets: str, *, read_only: bool, as_json: bool, markdown: bool) -> None:
    """List the tools: what each is for and what it may do."""
    from qms_mcp.registry import discover, select  # noqa: PLC0415

    wanted = [name.strip() for name in toolsets.split(",") if name.strip()]
    specs = select(discover(), toolsets=wanted, read_only=read_only)
    if as_json:
        listed = [{"name": s.name, "toolset": s.toolset, "reads": s.reads, "description": s.description} for s in specs]
        click.echo(json.dumps(listed, indent=2))
        return
    if markdown:
        click.echo(markdown_table())
        return
    from rich.console import Console  # noqa: PLC0415
    from rich.table import Table  # noqa: PLC0415

    table = Table("Toolset", "Tool", "Does", "What for", title="Tools of qms-mcp", title_justify="left")
    for spec in specs:
        table.add_row(spec.toolset, spec.name, "reads" if spec.reads else "writes", first_sentence(spec.description))
    Console().print(table)


def markdown_table() -> str:
    """Return the table of tools as the README shows it."""
    from qms_mcp.registry import discover  # noqa: PLC0415

    rows = ["| toolset | tool | does | what for |", "|---|---|---|---|"]
    rows += [
        f"| {s.toolset} | `{s.name}` | {'reads' if s.reads else 'writes'} | {first_sentence(s.description)} |"
        for s in discover()
    ]
    return "\n".join(rows)


def first_sentence(text: str) -> str:
    """Return the first sentence of a description."""
    end = text.find(". ")
    return text if end < 0 else text[: end + 1]
