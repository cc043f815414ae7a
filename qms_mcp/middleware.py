"""What every recorded request passes: who calls, how often, the ledger, and errors in words.

It wraps `tools/call`, `resources/read` and `prompts/get`, so no tool can skip it. It never raises for a tool: an
exception would reach clients of older protocols with its text.

In the protocol of 2026-07-28 a call that asks the user something arrives several times. The id of its ledger row
travels in the `requestState` the client hands back (the SDK seals it), so the call stays one row.

The calls of a sub-agent pass it too, on a server of their own that nobody else reaches. There the run is given, and
the caller, who is the dispatcher, names the ledger row and the span around it; from a client such names count nothing.
"""

import json
import logging
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Protocol, cast
from uuid import UUID, uuid4

import anyio
from mcp.server.context import CallNext, HandlerResult, ServerRequestContext
from mcp.shared.exceptions import MCPError
from mcp_types import CallToolResult, TextContent
from mcp_types import methods as wire

from qms_mcp.arguments import ArgumentCheck
from qms_mcp.auth.acting import acting
from qms_mcp.auth.principal import Principal
from qms_mcp.context import CurrentCall, close_call, open_call
from qms_mcp.errors import QmsError, UnavailableError
from qms_mcp.ledger.record import Call, CallKind, Client, Outcome, Run, RunStatus
from qms_mcp.ledger.recorder import Recorder
from qms_mcp.masking import keepable, mask_text
from qms_mcp.protocol_errors import protocol_error

if TYPE_CHECKING:
    from qms_mcp.rate_limit import RateLimiter
    from qms_mcp.services.container import Services

_log = logging.getLogger(__name__)
_RECORDED: dict[str, CallKind] = {"tools/call": "tool", "resources/read": "resource", "prompts/get": "prompt"}
_TOOL_USE_ID = "claudecode/toolUseId"
_STATE_KEY = "qmsCall"
CALL_ID, PARENT_SPAN = "qms-mcp/callId", "qms-mcp/parentSpan"
_MOST_AWAITING = 10_000
_NO_META: Mapping[str, Any] = {}

Request = ServerRequestContext[Any, Any]


class Host(Protocol):
    """What calls are made on: a running server, or what a sub-agent is lent of one."""

    @property
    def recorder(self) -> Recorder:
        """Takes what is recorded."""
        ...

    @property
    def services(self) -> "Services | None":
        """What tools call; None while there is no database."""
        ...

    @property
    def principal(self) -> Principal | None:
        """On whose behalf calls are made."""
        ...

    @property
    def limiter(self) -> "RateLimiter | None":
        """How many calls an organization may make."""
        ...

    async def ready(self, tell: Callable[[float, str], Awaitable[None]] | None = None) -> None:
        """Wait until there is a database.

        Raises:
            QmsError: There is none.
        """
        ...

    def first_answer_sent(self) -> None:
        """Take note that the client has its first answer."""
        ...


@dataclass(frozen=True, slots=True)
class _Round:
    """Where a call of several rounds stands, as it travels with the client."""

    call_id: UUID
    trace_id: UUID
    started_at: datetime
    number: int
    inner: str | None


class Recording:
    """The middleware.

    Args:
        host: The running server, or what a sub-agent is lent of one.
        arguments: Checks the arguments of a tool before it runs.
        run: The run of a sub-agent, whose calls alone arrive here; whoever began it also ends it.
    """

    def __init__(self, host: Host, arguments: ArgumentCheck, *, run: Run | None = None) -> None:
        self._host = host
        self._arguments = arguments
        self._run_given = run
        self._runs: dict[Client, Run] = {}
        self._opened: dict[UUID, Run] = {}
        self._awaiting: set[UUID] = set()  # calls that wait for what their user answers

    async def __call__(self, ctx: Request, call_next: CallNext) -> HandlerResult:
        """Let a request through; a recorded one with everything this module is for."""
        kind = _RECORDED.get(ctx.method)
        if kind is None or ctx.request_id is None:
            try:
                return await self._unrecorded(ctx, call_next)
            finally:
                self._host.first_answer_sent()
        return await self._recorded(ctx, call_next, kind)

    async def aclose(self, status: RunStatus = "completed") -> None:
        """Record that the clients have gone."""
        for run in self._opened.values():
            await self._host.recorder.end_run(run, status)

    async def _unrecorded(self, ctx: Request, call_next: CallNext) -> HandlerResult:
        # Completions look things up, so they need to know who asks; while the server starts they do without.
        services, principal = self._host.services, self._host.principal
        if ctx.method != "completion/complete" or services is None or principal is None:
            return await call_next(ctx)
        token = open_call(CurrentCall(uuid4(), principal, None, services))
        try:
            return await call_next(ctx)
        finally:
            close_call(token)

    async def _recorded(self, ctx: Request, call_next: CallNext, kind: CallKind) -> HandlerResult:
        started = time.perf_counter()
        previous, ctx = self._taken_up(ctx)
        refusal = await self._refusal(ctx)
        call = self._call(ctx, kind, previous)
        rounds = previous.number + 1 if previous else 1
        try:
            await self._open(call, resumed=previous is not None)
            refusal = refusal or self._unfenced(call)
            result, error = await self._run(ctx, call_next, call, refusal)
            outcome = _outcome(result, error, started, rounds)
        except BaseException as crash:
            cancelled = isinstance(crash, anyio.get_cancelled_exc_class())
            text, code = mask_text(str(crash))[:2_000], "cancelled" if cancelled else "protocol_error"
            with anyio.CancelScope(shield=True):
                await self._close(call, _failed(started, rounds, text, code))
            raise
        await self._close(call, outcome)
        if outcome.state == "awaiting_input":
            return _wrapped(result, call, outcome.rounds)
        if error is not None and kind != "tool":
            raise protocol_error(error)
        return result

    def _taken_up(self, ctx: Request) -> tuple[_Round | None, Request]:
        previous, ctx = _unwrapped(ctx)
        if previous is not None and previous.call_id not in self._awaiting:
            # The answer was used before, or the server is another: what it starts now is a call of its own.
            return None, ctx
        if previous is not None:
            self._awaiting.discard(previous.call_id)
        return previous, ctx

    async def _open(self, call: Call, *, resumed: bool) -> None:
        recorder = self._host.recorder
        if self._run_given is None and call.run.id not in self._opened:
            self._opened[call.run.id] = call.run
            await recorder.begin_run(call.run)
        if resumed:
            await recorder.resume(call)
        else:
            await recorder.begin(call, reads=call.kind == "tool" and self._arguments.only_reads(call.name))

    async def _close(self, call: Call, outcome: Outcome) -> None:
        if outcome.state == "awaiting_input":
            if len(self._awaiting) >= _MOST_AWAITING:
                self._awaiting.pop()
            self._awaiting.add(call.id)
        await self._host.recorder.finish(call, outcome)

    async def _refusal(self, ctx: Request) -> QmsError | None:
        """Return why the call can't be made, or None."""

        async def tell(seconds: float, stage: str) -> None:
            await ctx.session.report_progress(seconds, message=f"The server is {stage}.")

        try:
            await self._host.ready(tell)
            principal, limiter = self._host.principal, self._host.limiter
            if principal is not None:
                principal.check_current()
            if principal is not None and limiter is not None:
                await limiter.check(principal.organization_id)
            if ctx.method == "tools/call":
                self._arguments.check(ctx.params or {})
        except QmsError as error:
            return error
        return None

    def _unfenced(self, call: Call) -> QmsError | None:
        """Refuse a change a sub-agent would make while the database does not know its call.

        The database refuses changes of a run that was taken over by what the row of the call says.
        """
        if self._run_given is None or self._arguments.only_reads(call.name) or self._host.recorder.reaches_database:
            return None
        return UnavailableError("The ledger can't be written, so an agent changes nothing.", hint="Try again later.")

    async def _run(
        self, ctx: Request, call_next: CallNext, call: Call, refusal: QmsError | None
    ) -> tuple[Any, QmsError | None]:
        services, principal = self._host.services, self._host.principal
        if refusal is None and (services is None or principal is None):
            refusal = UnavailableError("The server is not ready.", hint="Try again in a moment.")
        if refusal is not None or services is None or principal is None:
            return (_refused(ctx, refusal) if call.kind == "tool" else None), refusal
        current = CurrentCall(call.id, principal, call.run.client.name, services)
        by_agent = call.run.dispatch_id is not None
        token = open_call(current)
        try:
            run_id, client = call.run.id if by_agent else None, call.run.client
            with acting(call.id, client.name, client.version, by_agent=by_agent, run_id=run_id):
                return await call_next(ctx), current.error
        except MCPError:
            if current.error is None:
                raise
            return None, current.error
        finally:
            close_call(token)

    def _call(self, ctx: Request, kind: CallKind, previous: _Round | None) -> Call:
        params = ctx.params or {}
        given = params.get("_meta")
        meta = cast("Mapping[str, Any]", given) if isinstance(given, Mapping) else _NO_META
        tool_use_id = meta.get(_TOOL_USE_ID)
        inner = self._run_given is not None
        return Call(
            id=previous.call_id if previous else UUID(meta[CALL_ID]) if inner else uuid4(),
            trace_id=previous.trace_id if previous else uuid4(),
            run=self._run_of(ctx),
            kind=kind,
            name=mask_text(str(params.get("uri") or params.get("name") or ""))[:500],
            arguments=keepable(params.get("arguments") or {}),
            started_at=previous.started_at if previous else datetime.now(UTC),
            request_id=mask_text(str(ctx.request_id))[:200],
            tool_use_id=mask_text(tool_use_id)[:200] if isinstance(tool_use_id, str) else None,
            parent_span_id=UUID(meta[PARENT_SPAN]) if inner and meta.get(PARENT_SPAN) else None,
        )

    def _run_of(self, ctx: Request) -> Run:
        if self._run_given is not None:
            return self._run_given
        described = ctx.session.client_params
        named = described.client_info if described else None
        client = Client(
            name=mask_text(named.name)[:200] if named else None,
            version=mask_text(named.version)[:100] if named else None,
            protocol_version=ctx.protocol_version,
        )
        run = self._runs.get(client)
        if run is None or (run.principal is None and self._host.principal is not None):
            run = Run(uuid4(), "client", datetime.now(UTC), client, self._host.principal)
            self._runs[client] = run
        return run


def _refused(ctx: Request, refusal: QmsError | None) -> dict[str, Any]:
    text = refusal.prose() if refusal else "Refused."
    shown = CallToolResult(content=[TextContent(type="text", text=text)], is_error=True)
    dumped = shown.model_dump(by_alias=True, mode="json", exclude_none=True)
    return wire.serialize_server_result(ctx.method, ctx.protocol_version, dumped)


def _outcome(result: Any, error: QmsError | None, started: float, rounds: int) -> Outcome:
    shown = cast("Mapping[str, Any]", result if isinstance(result, Mapping) else {})
    if wire.is_input_required(shown):
        return replace(_failed(started, rounds, None, None), state="awaiting_input")
    if error is not None or shown.get("isError"):
        text = mask_text(error.message if error else _text(shown))[:2_000]
        return _failed(started, rounds, text, error.code if error else "internal")
    return replace(_failed(started, rounds, None, None), success=True, output=keepable(_kept(shown)))


def _failed(started: float, rounds: int, text: str | None, code: str | None) -> Outcome:
    return Outcome(
        state="finished",
        success=False,
        finished_at=datetime.now(UTC),
        duration_ms=_elapsed(started),
        error=text,
        error_code=code,
        rounds=rounds,
    )


def _elapsed(started: float) -> int:
    return round((time.perf_counter() - started) * 1000)


def _kept(shown: Mapping[str, Any]) -> Any:
    for key in ("structuredContent", "content", "contents", "messages"):
        if shown.get(key) is not None:
            return shown[key]
    return None


def _text(shown: Mapping[str, Any]) -> str:
    blocks = cast("list[Mapping[str, Any]]", shown.get("content") or [])
    return "\n".join(str(block.get("text", "")) for block in blocks)


def _wrapped(result: Any, call: Call, rounds: int) -> HandlerResult:
    shown = dict(cast("Mapping[str, Any]", result))
    shown["requestState"] = json.dumps(
        {
            _STATE_KEY: str(call.id),
            "trace": str(call.trace_id),
            "started": call.started_at.isoformat(),
            "round": rounds,
            "inner": shown.get("requestState"),
        }
    )
    return shown


def _unwrapped(ctx: Request) -> tuple[_Round | None, Request]:
    sealed = (ctx.params or {}).get("requestState")
    if not isinstance(sealed, str) or _STATE_KEY not in sealed:
        return None, ctx
    held = json.loads(sealed)  # the SDK has verified that it is ours
    params = {key: value for key, value in (ctx.params or {}).items() if key != "requestState"}
    if held["inner"] is not None:
        params["requestState"] = held["inner"]
    previous = _Round(
        UUID(held[_STATE_KEY]), UUID(held["trace"]), datetime.fromisoformat(held["started"]), held["round"], None
    )
    return previous, replace(ctx, params=params)
