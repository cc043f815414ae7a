"""Who hears that a document became effective or was superseded.

The database announces it (channel `qms_documents`) with the organization and the record, and nothing else. A server
listens from the first subscription on, drops what is not of its organization, reads the record with the rights of its
person, and tells the clients: those of the protocol of 2026-07-28 through `subscriptions/listen`, older ones that
called `resources/subscribe` by a notification. Nothing is kept: whoever hears it reads the page again, and
so does everybody when the connection to the database was lost meanwhile.
"""

import json
import logging
from collections.abc import Callable, Iterable
from functools import partial
from typing import Any
from urllib.parse import quote, unquote
from uuid import UUID

import anyio
from anyio.abc import TaskGroup
from mcp.server.context import ServerRequestContext
from mcp.server.mcpserver import MCPServer
from mcp.server.session import ServerSession
from mcp.server.subscriptions import InMemorySubscriptionBus, ListenHandler, ResourceUpdated
from mcp_types import (
    EmptyResult,
    SubscribeRequestParams,
    SubscriptionsListenRequestParams,
    SubscriptionsListenResult,
    UnsubscribeRequestParams,
)

from qms_mcp.errors import InvalidInputError, QmsError
from qms_mcp.protocol_errors import protocol_error
from qms_mcp.state import ServerState

CHANNEL = "qms_documents"
_log = logging.getLogger(__name__)
_DOCUMENTS = "qms://document/"
_AGAIN_AFTER = 1.0
# How long the answer to a subscription waits for the database; without it nothing can become effective either.
_PATIENCE = 5.0
_MOST = 1_000

Request = ServerRequestContext[Any, Any]


class Subscriptions:
    """The subscriptions of a server.

    Attributes:
        bus: What streams of the newer protocol hang on.
    """

    def __init__(self) -> None:
        self.bus = InMemorySubscriptionBus()
        self._streams = ListenHandler(self.bus)
        self._sessions: dict[str, list[ServerSession]] = {}
        self._wanted = anyio.Event()
        self._listening = anyio.Event()

    def install(self, server: MCPServer[Any]) -> None:
        """Serve subscriptions of both protocols."""
        # The server offers no other way to what older clients call, nor to wait before a stream begins.
        inner = server._lowlevel_server  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]
        inner.add_request_handler("resources/subscribe", SubscribeRequestParams, self._subscribe)
        inner.add_request_handler("resources/unsubscribe", UnsubscribeRequestParams, self._unsubscribe)
        inner.add_request_handler("subscriptions/listen", SubscriptionsListenRequestParams, self._listen)

    async def follow(self, state: ServerState) -> None:
        """Listen to the database from the first subscription on, until cancelled."""
        await self._wanted.wait()
        async with anyio.create_task_group() as tasks:
            again = True
            while again:
                again = await self._follow(state, partial(self._begun, tasks))
                await anyio.sleep(_AGAIN_AFTER)

    async def _follow(self, state: ServerState, begun: Callable[[], None]) -> bool:
        """Listen as long as the connection holds; return whether to try again."""
        try:
            await state.ready()
            if state.services is None or state.principal is None:
                return False
            database = state.services.database
            if not database.can_listen:
                _log.warning("subscriptions are off: a transaction pooler passes no announcements on")
                self._listening.set()
                return False
            async for payload in database.listen(CHANNEL, begun):
                await self._announced(state, payload)
        except QmsError as error:
            _log.warning("not listening to the database: %s", error.prose())
        return True

    def _begun(self, tasks: TaskGroup) -> None:
        if self._listening.is_set():  # for the second time: something may have been missed
            self._streams.close()  # whose clients listen again, and read again
            tasks.start_soon(self._tell_older, list(self._sessions))
        self._listening.set()

    async def _announced(self, state: ServerState, payload: str) -> None:
        services, principal = state.services, state.principal
        if services is None or principal is None:
            return
        try:
            said = json.loads(payload)
            if said["organization"] != str(principal.organization_id):
                return
            version = await services.search.documents.announced(principal, UUID(said["record"]))
        except QmsError as error:
            _log.warning("an announcement could not be followed: %s", error.prose())
            return
        except (ValueError, KeyError, TypeError):
            _log.warning("somebody announced what is no document on %s", CHANNEL)
            return
        if version is not None:
            await self._tell(*version)

    async def _tell(self, number: str, revision: int) -> None:
        for uri in (f"{_DOCUMENTS}{quote(number, safe='')}", f"{_DOCUMENTS}{quote(number, safe='')}/v{revision}"):
            await self.bus.publish(ResourceUpdated(uri=uri))
        await self._tell_older([uri for uri in self._sessions if _concerns(uri, number, revision)])

    async def _tell_older(self, uris: Iterable[str]) -> None:
        for uri in uris:
            for session in list(self._sessions.get(uri, ())):
                try:
                    await session.send_resource_updated(uri)
                except Exception:  # noqa: BLE001 - whatever it is, that client is gone
                    _log.info("a client that subscribed has gone")
                    self._drop(uri, session)

    async def _subscribe(self, ctx: Request, params: SubscribeRequestParams) -> EmptyResult:
        uri = str(params.uri)
        if not uri.startswith(_DOCUMENTS) or len(self._sessions) >= _MOST:
            raise protocol_error(
                InvalidInputError(
                    f"{uri[:100]!r} can't be subscribed to.", hint="Documents can: qms://document/SOP-014."
                )
            )
        await self._ready_to_hear()
        self._drop(uri, ctx.session)
        self._sessions.setdefault(uri, []).append(ctx.session)
        return EmptyResult()

    async def _unsubscribe(self, ctx: Request, params: UnsubscribeRequestParams) -> EmptyResult:
        self._drop(str(params.uri), ctx.session)
        return EmptyResult()

    async def _listen(self, ctx: Request, params: SubscriptionsListenRequestParams) -> SubscriptionsListenResult:
        if params.notifications.resource_subscriptions:
            await self._ready_to_hear()
        return await self._streams(ctx, params)

    async def _ready_to_hear(self) -> None:
        self._wanted.set()
        with anyio.move_on_after(_PATIENCE):
            await self._listening.wait()

    def _drop(self, uri: str, session: ServerSession) -> None:
        # Each request has a session object of its own; what the client said of itself belongs to the connection.
        left = [other for other in self._sessions.get(uri, ()) if other.client_params is not session.client_params]
        if left:
            self._sessions[uri] = left
        else:
            self._sessions.pop(uri, None)


def _concerns(uri: str, number: str, revision: int) -> bool:
    """Whether an address is of a document, of this version of it, or of a section of this version."""
    of, _, version = uri.removeprefix(_DOCUMENTS).partition("/v")
    return unquote(of).casefold() == number.casefold() and version.partition("/")[0] in {"", str(revision)}
