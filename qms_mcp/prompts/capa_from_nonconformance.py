"""`capa_from_nonconformance`: from a nonconformance to a CAPA somebody can approve the plan of."""

from typing import Annotated, Any

from mcp.server.mcpserver import MCPServer
from mcp.server.mcpserver.prompts.base import Message, UserMessage
from pydantic import Field

from qms_mcp.context import Ctx
from qms_mcp.prompts.quality_messages import PEOPLE_DECIDE, introduced

_TASK = """\
Work out whether {number} needs a CAPA, and if so draft one up to a plan that can be approved. The record is named in
the message that follows.

1. Call get_record for it and trace_record for what hangs together with it. Is it contained, what was affected, is
   product delivered, what was decided?
2. Look for the same again: list_records for nonconformances, complaints and deviations of the same area, part, lot or
   supplier, and closed CAPAs for the same cause. Count them, with the period. A CAPA that was closed as effective and
   did not keep this from happening matters most.
3. Propose CAPA or correction only, and say why: severity, how often, how far it spread, whether the cause is known.
   When a correction is enough, say so, draft the rationale for the user and stop here. The user decides.
4. Call open_capa with the nonconformance as its source: one problem statement (what, where, when, how much, against
   which requirement), no cause in it. Keep correction, corrective and preventive action apart.
5. Call record_root_cause. Choose the method that fits and say why; give evidence for each node. Ask the user for facts
   you do not have rather than invent them. A cause that is an error of a person is seldom the last one.
6. Call plan_capa: at least one action against each root cause, with owner and due date, and a criterion for
   effectiveness that can be computed: measure, baseline from step 2, target, window, smallest sample.
7. Call get_record for what blocks the next step, settle what you can, then transition_record to ask for approval of the
   plan. The approver is not the owner of the CAPA.

End with: what was drafted, what a person has to decide and where, what is open, and what you assumed.

"""


def install(server: MCPServer[Any]) -> None:
    """Add the prompt."""
    server.prompt(
        name="capa_from_nonconformance",
        title="CAPA from a nonconformance",
        description="Find similar cases, see with the user whether a CAPA is needed, draft cause, plan and criterion.",
    )(capa_from_nonconformance)


async def capa_from_nonconformance(
    record: Annotated[str, Field(description="The nonconformance (or complaint, deviation, finding): NC-2026-0007.")],
    ctx: Ctx,
) -> list[Message]:
    """Return what to do, and with which record."""
    found, message = await introduced(ctx, record)
    return [UserMessage(_TASK.format(number=found.number) + PEOPLE_DECIDE), message]
