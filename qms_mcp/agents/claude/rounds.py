"""One round: a reply, and what came of it.

The calls of a reply start in its order and run at once. Each ends in words for the model, whatever happens: a tool
that is not offered, arguments that are no object, a tool that raises. Only a cancelled or a lost run ends the round.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import anyio

from qms_mcp.agents.claude.looping import Circles
from qms_mcp.agents.claude.prompting import repeated_text, result_text, stale_text
from qms_mcp.agents.claude.replies import Block, Reply
from qms_mcp.agents.definition import Calls, ToolAnswer
from qms_mcp.agents.outputs import AgentOutput
from qms_mcp.agents.stopping import AgentStoppedError, StopReason
from qms_mcp.agents.working import ToolOffer
from qms_mcp.errors import QmsError

_ENDS_AT_ONCE: tuple[StopReason, ...] = ("cancelled", "taken_over")
_CUT = "Not called: the reply was cut off before it was whole."
_OVER = "Not called: no more tool calls are allowed."


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a call was answered.

    Attributes:
        use_id: Of the call, as the model named it.
        label: As the agent cites it; empty when nothing was called.
    """

    use_id: str
    tool: str
    text: str
    ok: bool
    label: str = ""


@dataclass(frozen=True, slots=True)
class Round:
    """A reply and what came of it.

    Attributes:
        note: What the model is told besides.
        stop: Why the run has to end after it.
        output: The answer, if it gave one.
        complaint: What is wrong with the answer it gave.
    """

    reply: Reply
    outcomes: tuple[Outcome, ...] = ()
    note: str = ""
    stop: StopReason | None = None
    stopped: str = ""
    output: AgentOutput | None = None
    complaint: str = ""

    @property
    def made(self) -> list[Outcome]:
        """The calls that reached a tool."""
        return [outcome for outcome in self.outcomes if outcome.label]


class Hands:
    """Runs the calls of replies.

    Args:
        calls: How tools are reached.
        offers: What may be called, by name.
        most: How many calls there may be.
    """

    def __init__(self, calls: Calls, offers: Mapping[str, ToolOffer], most: int) -> None:
        self._calls = calls
        self._offers = offers
        self._left = most
        self._circles = Circles()

    async def carry_out(self, reply: Reply) -> Round:
        """Run the calls of a reply.

        Raises:
            AgentStoppedError: The run was cancelled or taken over.
        """
        uses = reply.tool_uses
        refused = [self._refusal(use, reply) for use in uses]
        answers: list[ToolAnswer | str | AgentStoppedError] = [reason or "" for reason in refused]
        async with anyio.create_task_group() as group:
            for place, use in enumerate(uses):
                if not refused[place]:
                    group.start_soon(self._call, use, answers, place, group.cancel_scope)
        return self._round(reply, uses, answers)

    def _refusal(self, use: Block, reply: Reply) -> str:
        """Why a call is not made; counts it when it is."""
        if reply.is_cut or reply.wrap_up is not None:
            return _CUT if reply.is_cut else _OVER
        if use["id"] in reply.received.broken:
            return (
                f"Not called: the arguments of {use['name']} have to be one JSON object. "
                f"They were: {reply.received.broken[use['id']]}"
            )
        if not self._circles.may_call(use):
            return repeated_text(use["name"], self._circles.labels(use))
        if self._left <= 0:
            return _OVER
        self._left -= 1
        return ""

    async def _call(
        self, use: Block, answers: list[ToolAnswer | str | AgentStoppedError], place: int, scope: anyio.CancelScope
    ) -> None:
        try:
            answers[place] = await self._calls.call(use["name"], **use["input"])
        except AgentStoppedError as stopped:
            answers[place] = stopped
            if stopped.reason in _ENDS_AT_ONCE:
                scope.cancel()
        except QmsError as error:
            answers[place] = f"{use['name']} failed: {error.prose()}"
        except Exception as error:  # noqa: BLE001 - a tool that raises is one failed call
            answers[place] = f"{use['name']} failed in a way it should not ({type(error).__name__}). Do without it."

    def _round(self, reply: Reply, uses: list[Block], answers: list[ToolAnswer | str | AgentStoppedError]) -> Round:
        stops = [answer for answer in answers if isinstance(answer, AgentStoppedError)]
        at_once = next((stop for stop in stops if stop.reason in _ENDS_AT_ONCE), None)
        if at_once is not None:
            raise at_once
        outcomes = tuple(_outcome(use, answer) for use, answer in zip(uses, answers, strict=True))
        heard = [
            (use, answer.label, answer.text)
            for use, answer in zip(uses, answers, strict=True)
            if isinstance(answer, ToolAnswer) and answer.ok
        ]
        stale = self._circles.end_round(heard) if uses and not reply.is_cut else 0
        note = stale_text(stale) if stale else ""
        if stops:
            return Round(reply, outcomes, note, stops[0].reason, stops[0].message)
        if self._circles.is_looping:
            stopped = "The model made the same calls, or learned nothing new, again and again."
            return Round(reply, outcomes, note, "looping", stopped)
        if _OVER in answers and reply.wrap_up is None:
            return Round(reply, outcomes, note, "tool_call_limit", "The limit of tool calls is reached.")
        return Round(reply, outcomes, note)


def _outcome(use: Block, answer: ToolAnswer | str | AgentStoppedError) -> Outcome:
    if isinstance(answer, ToolAnswer):
        return Outcome(use["id"], use["name"], result_text(answer), answer.ok, answer.label)
    text = f"Not called: {answer.message}" if isinstance(answer, AgentStoppedError) else answer
    return Outcome(use["id"], use["name"], text, ok=False)
