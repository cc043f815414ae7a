"""What a tool may know of its call: who calls, and the services."""

from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeAlias
from uuid import UUID

from mcp.server.mcpserver import Context

from qms_mcp.auth.principal import Principal
from qms_mcp.errors import QmsError, UnavailableError

if TYPE_CHECKING:
    from qms_mcp.services.container import Services

# Not `type Ctx = ...`: the SDK would show the alias to clients as an argument.
Ctx: TypeAlias = Context[Any, Any]


@dataclass
class CurrentCall:
    """The call this task works on; the middleware opens it, the registry leaves its error in it."""

    id: UUID
    principal: Principal
    client_name: str | None
    services: "Services"
    error: QmsError | None = field(default=None)


_current: ContextVar[CurrentCall | None] = ContextVar("qms_mcp_call", default=None)


def open_call(call: CurrentCall | None) -> Any:
    """Make `call` the current one and return the token that ends it."""
    return _current.set(call)


def close_call(token: Any) -> None:
    """End what `open_call` began."""
    _current.reset(token)


def current_call(_ctx: Ctx | None = None) -> CurrentCall:
    """Return the current call.

    Raises:
        UnavailableError: The server is still starting.
    """
    call = _current.get()
    if call is None:
        raise UnavailableError("The server is not ready for this call.", hint="Try again in a moment.")
    return call


def peek_call() -> CurrentCall | None:
    """Return the current call, if there is one."""
    return _current.get()


def caller(ctx: Ctx) -> Principal:
    """Return who calls."""
    return current_call(ctx).principal


def services(ctx: Ctx) -> "Services":
    """Return the services, acting on the database of this server."""
    return current_call(ctx).services
