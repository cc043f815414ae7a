"""`eight_d_report`: a CAPA as an 8D report, with what is missing in each step."""

from typing import Annotated, Any

from mcp.server.mcpserver import MCPServer
from mcp.server.mcpserver.prompts.base import Message, UserMessage
from pydantic import Field

from qms_mcp.context import Ctx
from qms_mcp.prompts.quality_messages import PEOPLE_DECIDE, introduced

_TASK = """\
Make the 8D report of {number}. Read qms://capa/{number}/8d first: it holds what the records say, with the diagrams.
Call get_record and trace_record for what it leaves open, and get_audit_trail for when things happened.

- D0 Why an 8D at all: symptom, emergency response, how far it spread.
- D1 The team, by name and role, as the records have it.
- D2 The problem in numbers: what, where, when, how many, and what it is not (is/is-not).
- D3 Interim containment: what, from when, how it was checked that it holds.
- D4 Root causes: why it happened and why it was not found earlier, each with evidence. A cause without evidence is a
  suspicion: call it one.
- D5 The corrective actions that were chosen, and why these.
- D6 What was implemented and how it was validated; check_effectiveness computes the planned criterion. Give its numbers
  and its words (met, not met, too early) as they are.
- D7 What keeps it from happening elsewhere: documents, FMEA lines, training, similar processes. Link what exists, name
  what does not.
- D8 Closure and thanks: who signed what, when. Leave it open when the CAPA is not closed.

Write one section per step, short, with citations. Where a step has nothing, write "not recorded" and propose the next
call (record_root_cause, plan_capa, update_capa_action, request_change, assess_risk) instead of filling it with words.
Offer these to the user; make them only when asked.

"""


def install(server: MCPServer[Any]) -> None:
    """Add the prompt."""
    server.prompt(
        name="eight_d_report",
        title="8D report",
        description="Write the 8D report of a CAPA from its records, and say what each step still lacks.",
    )(eight_d_report)


async def eight_d_report(
    record: Annotated[str, Field(description="The CAPA: CAPA-2026-0014.")], ctx: Ctx
) -> list[Message]:
    """Return what to do, and with which record."""
    found, message = await introduced(ctx, record)
    return [UserMessage(_TASK.format(number=found.number) + PEOPLE_DECIDE), message]
