"""Which login does what, for the embedded server and for one of your own."""

from dataclasses import dataclass

from qms_mcp.errors import UnavailableError
from qms_mcp.settings import Settings

_POOLER_PORT = ":6543"


@dataclass(frozen=True, slots=True)
class Wiring:
    """Connection strings by purpose.

    Attributes:
        server: Login of the server; a member of qms_server.
        sql: Login of the SQL tools.
        owner: Login that owns the schema.
        sql_role: Role the SQL tools take on, where their login is not already confined to it.
        pooled: A transaction pooler is in between: a session is not ours for longer than a transaction.
        max_connections: Of one purpose. The embedded server has 60 for all who share its home.
    """

    server: str
    sql: str
    owner: str
    sql_role: str | None = None
    pooled: bool = False
    max_connections: int = 6


def external_wiring(settings: Settings) -> Wiring:
    """Return the wiring for `DATABASE_URL`.

    Raises:
        UnavailableError: `DATABASE_URL` is not set.
    """
    if settings.database_url is None:
        raise UnavailableError("DATABASE_URL is not set.", hint="Set it, or use the embedded database.")
    server = settings.database_url.get_secret_value()
    direct = settings.database_url_direct
    own_sql = settings.database_url_sql
    return Wiring(
        server=server,
        sql=own_sql.get_secret_value() if own_sql else server,
        owner=direct.get_secret_value() if direct else server,
        sql_role=None if own_sql else "qms_sql",
        pooled=_POOLER_PORT in server,
    )
