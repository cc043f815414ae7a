"""An agent at work with Claude.

A turn is one request and the calls its reply asks for. The reply is kept before the first of them runs. A worker built
anew reads what was kept, hands every call to `Calls` again in the same order (those that were answered are answered
from what was kept there), and is where the other one was: no reply is asked for twice.

When a limit is near, the turn is a request for the last answer, without tools, if that can still be paid for. So a run
that has to stop ends with what it found, and its status is `partial`.
"""

import logging
from collections.abc import Callable, Sequence
from dataclasses import asdict, replace
from datetime import UTC, datetime
from time import monotonic
from typing import Any

import anyio
import anyio.to_thread

from qms_mcp.agents.claude.access import ClaudeAccess
from qms_mcp.agents.claude.answers import answer_format
from qms_mcp.agents.claude.asking import Asking
from qms_mcp.agents.claude.budget import Budget, Permit
from qms_mcp.agents.claude.conversation import LONG, fixed_part, messages, size
from qms_mcp.agents.claude.ending import end_of, judged, stopped, tally
from qms_mcp.agents.claude.failures import Failure, ModelFailedError
from qms_mcp.agents.claude.progress import Progress
from qms_mcp.agents.claude.replies import KIND, LOST, Received, Reply
from qms_mcp.agents.claude.rounds import Hands, Round
from qms_mcp.agents.definition import AgentDefinition, Calls, Task
from qms_mcp.agents.stopping import AgentStoppedError, StopReason
from qms_mcp.agents.working import AgentResult, Allowance, Generation, Memory, Observer, ToolOffer, Usage

_log = logging.getLogger(__name__)
# Answers that were kept are handed out even when the time is over: without them nobody could say what was done.
_LEAST_SECONDS = 0.5
_RAISED: tuple[StopReason, ...] = ("cancelled", "taken_over")
_NO_TIME = Failure("The time for this agent was over before the model had answered.")


class ClaudeWorker:
    """A worker that thinks with Claude.

    Args:
        definition: Which agent.
        task: What it is to do.
        access: The way to Claude.
        calls: The tools.
        memory: What is kept of this run.
        observer: Who is told.
        offers: The tools as the model sees them; those that are not in the agent's list are not shown to it.
        allowance: What the run may use up.
        drafts: Whether it may draft.
        clock: Seconds that only grow.
    """

    def __init__(  # noqa: PLR0913 - each is a part of its own, and named
        self,
        definition: AgentDefinition,
        task: Task,
        *,
        access: ClaudeAccess,
        calls: Calls,
        memory: Memory,
        observer: Observer,
        offers: Sequence[ToolOffer],
        allowance: Allowance,
        drafts: bool,
        clock: Callable[[], float] = monotonic,
    ) -> None:
        self._definition = definition
        self._task = task
        self._access = access
        self._memory = memory
        self._observer = observer
        self._drafts = drafts
        self._clock = clock
        self._progress = Progress(observer, definition.title, clock)
        self._replies = [Reply.from_entry(entry) for entry in memory.entries(KIND)]
        self._lost = [(Usage(**entry["usage"]), float(entry["cost_usd"])) for entry in memory.entries(LOST)]
        self._model = self._replies[0].asked if self._replies else definition.model or access.model(definition.tier)
        self._today = self._replies[0].today if self._replies else datetime.now(UTC).date().isoformat()
        self._budget = Budget(definition.limits, allowance, access.prices.of(self._model))
        self._began = clock() - (self._replies[-1].elapsed if self._replies else 0.0)
        listed = definition.tools(drafts=drafts)
        self._offers = {
            offer.name: offer for offer in sorted(offers, key=_name) if offer.name in listed and calls.may(offer.name)
        }
        self._hands = Hands(calls, self._offers, definition.limits.tool_calls)
        self._rounds: list[Round] = []
        self._stop: StopReason | None = None
        self._ended: AgentResult | None = None

    async def turn(self) -> bool:
        """Send one request and run the calls its reply asks for; True when the work is done.

        Raises:
            AgentStoppedError: The run was cancelled or taken over.
        """
        try:
            if self._ended is None:
                await self._catch_up()
            if self._ended is None:
                await self._go_on()
        except AgentStoppedError as stop:
            if stop.reason in _RAISED:
                raise
            self._ended = stopped(self._tally(), stop.reason, stop.message)
        except Exception as error:  # noqa: BLE001 - every end is a result
            _log.exception("an agent failed in a way it should not")
            message = f"The agent failed in a way it should not ({type(error).__name__})."
            self._ended = replace(self._tally(), status="failed", error=message, transient=True)
        return self._ended is not None

    def result(self) -> AgentResult:
        """Return how it ended, or what there is so far."""
        return self._ended or self._tally()

    def _tally(self) -> AgentResult:
        return tally(self._rounds, self._replies, self._lost, self._model)

    @property
    def _elapsed(self) -> float:
        return self._clock() - self._began

    async def _catch_up(self) -> None:
        """Bring the rounds up to the replies: one is behind after a reply, all are in a worker built anew."""
        while self._ended is None and len(self._rounds) < len(self._replies):
            reply = self._replies[len(self._rounds)]
            is_last = len(self._rounds) + 1 == len(self._replies)
            one = None
            with anyio.move_on_after(max(_LEAST_SECONDS, self._budget.seconds - self._elapsed)):
                one = await self._hands.carry_out(reply)
            if one is None:
                message = "The time for this agent was over before its tools had answered."
                self._ended = stopped(self._tally(), "timeout", message)
                return
            self._settle(judged(one), is_last=is_last)

    def _settle(self, one: Round, *, is_last: bool) -> None:
        self._rounds.append(one)
        self._stop = one.reply.wrap_up or self._stop or one.stop
        if is_last:
            self._ended = end_of(self._rounds, self._tally())

    async def _go_on(self) -> None:
        # It imports the SDK, which takes over a second: in a thread, so that other calls go on.
        await anyio.to_thread.run_sync(answer_format)
        request = self._request(self._stop)
        usage = self._tally()
        permit = self._budget.permit(self._replies, size(request), usage.usage, usage.cost_usd, self._elapsed)
        reason = self._stop or permit.wrap_up
        if not permit.answer_tokens:
            self._ended = self._not_permitted(permit)
            return
        if not self._replies and not self._budget.price.known:
            await self._progress.say(f"no price is known for {self._model}; the dearest is assumed", now=True)
        if reason != self._stop:
            request = self._request(reason)
        reply = await self._ask({**request, "max_tokens": permit.answer_tokens}, reason)
        if reply is None:
            return
        uses = [use["name"] for use in reply.tool_uses]
        if uses and not reply.is_cut and reason is None:
            await self._progress.say(f"calls {', '.join(uses)}", now=True)
        await self._catch_up()

    def _request(self, wrap_up: StopReason | None) -> dict[str, Any]:
        tier = self._definition.tier
        fixed = fixed_part(
            self._definition,
            list(self._offers.values()),
            self._today,
            drafts=self._drafts,
            effort=self._access.effort(tier, self._definition.effort),
        )
        # Without the tools themselves nothing of the conversation would be found in the cache.
        choice = {"tool_choice": {"type": "none" if wrap_up else "auto"}} if self._offers else {}
        long = min(LONG[tier], self._budget.tokens // 3)
        return {
            "model": self._model,
            "max_tokens": self._definition.limits.answer_tokens,
            **fixed,
            **choice,
            "messages": messages(self._task, self._rounds, wrap_up, long),
        }

    def _not_permitted(self, permit: Permit) -> AgentResult:
        reason = self._stop or permit.wrap_up or "budget"
        why = self._rounds[-1].stopped if self._rounds else ""
        return stopped(self._tally(), reason, why or f"It had to stop: {reason.replace('_', ' ')}.")

    async def _ask(self, request: dict[str, Any], wrap_up: StopReason | None) -> Reply | None:
        """Return the reply, kept; None when there is none, and the run has ended."""
        began, started_at = self._clock(), datetime.now(UTC)
        left = self._budget.seconds - self._elapsed
        asking, received, failure = Asking(self._access, self._progress), None, _NO_TIME
        with anyio.move_on_after(left):
            try:
                received = await asking.ask(request, left)
            except ModelFailedError as failed:
                failure = failed.failure
        await self._keep_lost(asking.lost)
        if received is None:
            await self._note(request, started_at, None, asking.lost, failure.prose())
            self._ended = self._failed(failure, wrap_up)
            return None
        reply = Reply(
            turn=len(self._replies) + 1,
            asked=self._model,
            today=self._today,
            sent=size(request),
            received=received,
            cost_usd=self._budget.price.cost(received.usage),
            wrap_up=wrap_up,
            seconds=self._clock() - began,
            elapsed=self._elapsed,
        )
        await self._memory.keep(KIND, reply.entry())
        self._replies.append(reply)
        await self._note(request, started_at, received, received.usage, "")
        return reply

    async def _keep_lost(self, usage: Usage) -> None:
        if usage.total:
            cost = self._budget.price.cost(usage)
            await self._memory.keep(LOST, {"usage": asdict(usage), "cost_usd": cost})
            self._lost.append((usage, cost))

    async def _note(
        self, request: dict[str, Any], started_at: datetime, received: Received | None, usage: Usage, error: str
    ) -> None:
        await self._observer.generation(
            Generation(
                turn=len(self._replies) + (received is None),
                model=received.model if received else self._model,
                started_at=started_at,
                ended_at=datetime.now(UTC),
                prompt=request["messages"],
                answer=list(received.content) if received else None,
                usage=usage,
                cost_usd=self._budget.price.cost(usage),
                error=error,
            )
        )

    def _failed(self, failure: Failure, wrap_up: StopReason | None) -> AgentResult:
        if failure is _NO_TIME:
            return stopped(self._tally(), wrap_up or "timeout", failure.message)
        if wrap_up is not None and self._rounds:
            return stopped(self._tally(), wrap_up, f"The last answer could not be had. {failure.prose()}")
        return replace(self._tally(), status="failed", error=failure.prose(), transient=failure.transient)


def _name(offer: ToolOffer) -> str:
    return offer.name
