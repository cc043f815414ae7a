"""`qms-mcp serve`."""

import click


@click.command("serve")
@click.option("--toolsets", default="", help="Only these groups of tools, comma-separated (see `qms-mcp tools`).")
@click.option("--read-only", is_flag=True, help="Only tools that change nothing.")
def command(toolsets: str, *, read_only: bool) -> None:
    """Run the MCP server on stdin and stdout, as clients start it.

    Without DATABASE_URL the embedded database is used: it is started when the first client comes and stopped
    when the last one has gone.
    """
    import anyio  # noqa: PLC0415 - a client waits for the start

    from qms_mcp.app import build_server  # noqa: PLC0415 - only this command needs the SDK
    from qms_mcp.settings import Settings  # noqa: PLC0415

    wanted = [name.strip() for name in toolsets.split(",") if name.strip()]
    settings = Settings.from_environment()
    server = build_server(settings, toolsets=wanted, read_only=read_only, own_process=True)
    # A call passes the event loop dozens of times, so the faster loop is worth a dependency.
    anyio.run(server.run_stdio_async, backend_options={"use_uvloop": True})
