"""Hearing what the database announces, on a connection of its own."""

from collections.abc import AsyncGenerator, Callable

import psycopg
from psycopg import sql

from qms_mcp.db.transaction import translate


async def heard(conninfo: str, channel: str, begun: Callable[[], None]) -> AsyncGenerator[str]:
    """Yield what is announced on a channel, until the connection is lost.

    Args:
        conninfo: Of a connection that is not behind a transaction pooler.
        channel: What to listen to.
        begun: Called once nothing is missed any more.

    Raises:
        UnavailableError: The database can't be reached, or is gone.
    """
    try:
        async with await psycopg.AsyncConnection.connect(
            conninfo, autocommit=True, prepare_threshold=None, application_name="qms-mcp listening"
        ) as connection:
            await connection.execute(sql.SQL("LISTEN {}").format(sql.Identifier(channel)))
            begun()
            async for notification in connection.notifies():
                yield notification.payload
    except psycopg.Error as error:
        raise translate(error) from error
