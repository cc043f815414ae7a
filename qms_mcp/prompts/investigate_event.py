"""`investigate_event`: several agents look at one event, and what they say is held against each other."""

from typing import Annotated, Any

from mcp.server.mcpserver import MCPServer
from mcp.server.mcpserver.prompts.base import Message, UserMessage
from pydantic import Field

from qms_mcp.context import Ctx
from qms_mcp.prompts.quality_messages import PEOPLE_DECIDE, introduced

_TASK = """\
Investigate {number} with several agents, up to findings a person can decide on. The record is named in the message
that follows.

1. Call get_record and trace_record for it. Say in two sentences what happened and what is known. When it may have done
   harm, tell the user at once whose decision reportability is, and until when; do not wait for the rest.
2. Call dispatch_agents with these tasks, each with {number} as subject, and the run_key "investigate-{number}":
   - qa: what the record, its links and the procedures that apply say, what is missing, what is overdue;
   - data: whether the facts in the records are complete, consistent and in an order that can be true;
   - analytics: how often this happened before, by product, lot, supplier, area and shift, with counts and periods;
   - feedback: whether customers report the same.
   Leave may_draft off. When its note says that it waits for a person's approval, tell the user and stop until then.
3. Call find_similar for the record. A case that was closed as effective and did not keep this from happening matters
   most.
4. Read the merged result. For each finding of grade critical or major, look at its evidence yourself. What names no
   evidence that exists is a guess: say so. Settle contradictions by looking, or leave them open and say what would
   settle them.
5. Propose, and do not decide: containment now, correction, whether a CAPA is needed and why, which facts are still to
   be asked for and of whom. A cause that is an error of a person is seldom the last one.

End with a table of findings (what, how sure, evidence), what was not looked at, and what a person has to decide.

"""


def install(server: MCPServer[Any]) -> None:
    """Add the prompt."""
    server.prompt(
        name="investigate_event",
        title="Investigate an event",
        description="Send agents to look at one event from four sides, and hold what they find against each other.",
    )(investigate_event)


async def investigate_event(
    record: Annotated[str, Field(description="The event (complaint, nonconformance, deviation): NC-2026-0007.")],
    ctx: Ctx,
) -> list[Message]:
    """Return what to do, and with which record."""
    found, message = await introduced(ctx, record)
    return [UserMessage(_TASK.format(number=found.number) + PEOPLE_DECIDE), message]
