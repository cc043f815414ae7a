"""The operations of an organization, lent to a command: its alerts, its jobs, what was used."""

from typing import TYPE_CHECKING, TypeVar

import anyio

from qms_mcp.cli.opened import opened_database

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from qms_mcp.auth.principal import Principal
    from qms_mcp.services.operations.service import Operations

T = TypeVar("T")


def operate(work: "Callable[[Operations, Principal], Awaitable[T]]", command: str) -> T:
    """Return what some work comes to, done as whoever the environment says.

    Args:
        work: What to do.
        command: For the record: which command asks for it.

    Raises:
        UnavailableError: The database can't be reached.
    """

    async def opened() -> T:
        from qms_mcp.auth.acting import acting  # noqa: PLC0415 - only when it runs
        from qms_mcp.services.container import Services  # noqa: PLC0415
        from qms_mcp.services.identify import identify  # noqa: PLC0415
        from qms_mcp.settings import Settings  # noqa: PLC0415

        settings = Settings.from_environment()
        async with opened_database(settings) as database:
            principal = await identify(database, settings)
            with acting(None, command):
                return await work(Services.over(database, settings).operations, principal)

    return anyio.run(opened)
