"""`python -m tests.support.dispatching_process`: processes that run agents, to be killed.

It reads lines from its standard input, `server LOG` or `worker LOG`, begins such a process and says its id. All that
takes time is imported before the first of them, so one more of them costs next to nothing. They know the agents of
`dispatching_agents`, and what they log goes to LOG. With UNWATCHFUL set they do not look whether they have lost a run,
so that the database alone keeps them from writing.
"""

import os
import signal
import sys
from pathlib import Path

import anyio

from tests.support.dispatching_agents import actors, install


async def serve() -> None:
    """Run agents for the person of the access token, until told to stop."""
    from qms_mcp.app import _make_agents  # pyright: ignore[reportPrivateUsage]
    from qms_mcp.home import default_home
    from qms_mcp.ledger.recorder import Recorder
    from qms_mcp.ledger.spool import Spool
    from qms_mcp.registry import discover
    from qms_mcp.settings import Settings
    from qms_mcp.startup import lay_foundation

    settings = Settings.from_environment()
    home = settings.qms_home or default_home()
    foundation = await lay_foundation(settings, home, lambda _stage: None)
    recorder = Recorder(Spool(home / "spool"))
    async with anyio.create_task_group() as tasks:
        recorder.start(tasks)
        await recorder.attach(foundation.store)
        engine = _make_agents(settings, discover(), foundation, recorder)
        await engine.join()
        tasks.start_soon(engine.live)
        with anyio.open_signal_receiver(signal.SIGTERM) as signals:
            async for _ in signals:
                break
        await engine.aclose()
        await recorder.aclose()
        tasks.cancel_scope.cancel()


def child(kind: str, log: Path) -> int:
    """Be a server or a worker."""
    handle = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    for stream in (1, 2):
        os.dup2(handle, stream)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    if kind == "server":
        anyio.run(serve)
        return 0
    from qms_mcp.cli import run

    return run(["worker", *kind.split(":")[1:]])


def main() -> None:
    """Begin what the lines say."""
    install(actors())
    if "UNWATCHFUL" in os.environ:
        from qms_mcp.dispatch import engine

        engine._WATCH_SECONDS = 3_600.0  # pyright: ignore[reportPrivateUsage]
    import anthropic  # noqa: F401  # pyright: ignore[reportUnusedImport]

    from qms_mcp import startup  # noqa: F401  # pyright: ignore[reportUnusedImport]
    from qms_mcp.agents.claude import worker  # noqa: F401  # pyright: ignore[reportUnusedImport]
    from qms_mcp.agents.claude.answers import answer_format
    from qms_mcp.cli import worker as command  # noqa: F401  # pyright: ignore[reportUnusedImport]
    from qms_mcp.dispatch import workflows  # noqa: F401  # pyright: ignore[reportUnusedImport]
    from qms_mcp.registered import registered
    from qms_mcp.registry import discover

    answer_format()
    for spec in discover():
        if spec.name in {"list_records", "report_event"}:
            registered(spec)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    for line in sys.stdin:
        kind, log = line.split()
        begun = os.fork()
        if begun == 0:
            code = 1
            try:
                code = child(kind, Path(log))
            finally:
                os._exit(code)
        print(begun, flush=True)  # noqa: T201 - to whoever asked


if __name__ == "__main__":
    main()
