"""The command line: `qms-mcp serve`, `demo`, `doctor`, and what `qms-mcp --help` lists beside them.

A command is a module of this package with a click command of the same name; it is imported when it is used, because
a client that starts `qms-mcp serve` waits for it.
"""

import importlib
import sys
from typing import Any

import click

from qms_mcp import __version__
from qms_mcp.errors import QmsError

_COMMANDS = {
    "serve": "Run the MCP server on stdin and stdout.",
    "demo": "Walk through the main job with a demo company.",
    "doctor": "Say what works, what is missing, and what that turns off.",
    "tools": "List the tools.",
    "call": "Call one tool, as a client would.",
    "migrate": "Bring the database to the schema of this version.",
    "db": "The embedded database: path, psql, stop, reset.",
    "ledger": "Read the record of calls: tail, export.",
    "audit": "The audit trail: export, verify, anchor.",
    "import": "Import records from CSV or JSON lines.",
    "ingest": "Bring in a folder of documents.",
    "users": "The people who may approve: add, list, roles, passwd, end, deactivate.",
    "page": "Serve the approval page until Ctrl-C.",
    "report": "Reports: 8d, monthly, management-review, supplier, capa-board.",
    "approvals": "What waits for a person: list, show, approve, reject.",
    "workflow": "The state machines of records: show, check, propose.",
    "escalate": "Raise what is overdue to whom its workflow names.",
    "pack": "Write an inspection pack: evidence for a framework or a clause.",
    "copy": "Write a controlled copy of a document: PDF or HTML.",
    "models": "Versions of agents: list, show, explain, promote, rollback, watch.",
    "alerts": "What is beyond its limit, and the limits: list, limits, set.",
    "jobs": "What runs on a schedule: list, run, history, schedule.",
    "worker": "Run agents for dispatches, for as long as it runs.",
    "embed": "Make the vectors that wait, once or for as long as it runs.",
    "reindex": "Change the model that makes the vectors, while searches go on.",
    "datasets": "What agents learn from: list, show, export, import.",
    "test-sql": "Run generated SQL tests.",
}
# `import` is a word of Python.
_MODULES = {"import": "import_"}


class _Lazy(click.Group):
    def list_commands(self, ctx: click.Context) -> list[str]:
        del ctx
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        del ctx
        if cmd_name not in _COMMANDS:
            return None
        module = importlib.import_module(f"qms_mcp.cli.{_MODULES.get(cmd_name, cmd_name.replace('-', '_'))}")
        return module.command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        del ctx
        with formatter.section("Commands"):
            formatter.write_dl(list(_COMMANDS.items()))


@click.group(cls=_Lazy, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="qms-mcp")
def cli() -> None:
    """qms-mcp: an MCP server through which Claude works inside a quality management system."""


def run(arguments: list[str] | None = None) -> int:
    """Run the command line and return its exit status; an error of ours is a sentence, not a traceback."""
    try:
        result: Any = cli.main(args=arguments, prog_name="qms-mcp", standalone_mode=False)
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except click.Abort:
        click.echo("Stopped.", err=True)
        return 130
    except QmsError as error:
        click.echo(f"qms-mcp: {error.message}", err=True)
        if error.hint:
            click.echo(f"  {error.hint}", err=True)
        return 1
    return result if isinstance(result, int) else 0


if __name__ == "__main__":
    sys.exit(run())
