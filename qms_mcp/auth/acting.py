"""By which call and through which client somebody acts.

The middleware names both when a call begins; every transaction of the application hands them to the database, whose
triggers keep them in the trail. Outside of a call, on a terminal or while the server starts, nothing is named.
"""

from collections.abc import Generator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from uuid import UUID


@dataclass(frozen=True, slots=True)
class Acting:
    """What is known of the call.

    Attributes:
        call_id: Its id in the ledger.
        client: The program that made it, as `name/version`.
        by_agent: A sub-agent made it: what a model costs has to be in the budget of its dispatch, so no tool asks one.
        run_id: The run of that agent.
    """

    call_id: UUID | None = None
    client: str = ""
    by_agent: bool = False
    run_id: UUID | None = None


_NOTHING = Acting()
_acting: ContextVar[Acting] = ContextVar("qms_mcp_acting", default=_NOTHING)


def current_acting() -> Acting:
    """Return what is known of the current call."""
    return _acting.get()


@contextmanager
def acting(
    call_id: UUID | None,
    client_name: str | None = None,
    client_version: str | None = None,
    *,
    by_agent: bool = False,
    run_id: UUID | None = None,
) -> Generator[None]:
    """Name the call and its client for what happens inside."""
    client = "/".join(part for part in (client_name, client_version) if part)
    token = _acting.set(Acting(call_id, client, by_agent, run_id))
    try:
        yield
    finally:
        _acting.reset(token)
