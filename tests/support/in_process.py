"""The real server in this process, over a test's own database, on behalf of a chosen principal."""

from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from mcp.client import Client

from qms_mcp.app import build_server
from qms_mcp.auth.principal import Principal
from qms_mcp.db.database import Database
from qms_mcp.ledger.postgres import PostgresStore
from qms_mcp.rate_limit import RateLimiter
from qms_mcp.registry import ToolSpec
from qms_mcp.services.container import Services
from qms_mcp.services.signing.service import Links
from qms_mcp.settings import Settings
from qms_mcp.startup import Foundation


class _Borrowed(Foundation):
    """A foundation whose database belongs to the test."""

    async def aclose(self) -> None:
        """Leave the database open: the fixture closes it."""


@asynccontextmanager
async def client_for(
    database: Database,
    principal: Principal,
    home: Path,
    *,
    settings: Settings | None = None,
    more_tools: Sequence[ToolSpec] = (),
    links: Links | None = None,
    **options: Any,
) -> AsyncGenerator[Client]:
    """Yield a client of a server that works on `database` on behalf of `principal`; `links` is its approval page."""
    chosen = settings or Settings(qms_rate_limit="100000/minute")

    async def lay(settings: Settings, home: Path, at_stage: Callable[[str], None]) -> Foundation:
        del at_stage
        return _Borrowed(
            database=database,
            services=Services.over(database, settings, links=links, home=home),
            principal=principal,
            limiter=RateLimiter(settings.qms_rate_limit),
            store=PostgresStore(database),
            sinks=[],
            embedded=None,
        )

    server = build_server(chosen, home=home, lay_foundation=lay, more_tools=more_tools)
    async with Client(server, **options) as client:
        yield client
