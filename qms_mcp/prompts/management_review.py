"""`management_review`: the inputs a management review looks at, with numbers and where they come from."""

from typing import Annotated, Any

from mcp.server.mcpserver import MCPServer
from mcp.server.mcpserver.prompts.base import Message, UserMessage
from pydantic import Field

from qms_mcp.prompts.quality_messages import PEOPLE_DECIDE

_TASK = """\
Draft the inputs for the management review of {period} (ISO 9001 9.3.2; for medical devices also ISO 13485 5.6.2). Give
numbers for the period and for the one before, of the same length, with the total they are part of and how you got them.

| input | where from |
| - | - |
| actions of the last review | list_records for what the last minutes named; check_compliance for 9.3.3 finds them |
| changes outside and inside that matter | ask the user; list_records for change requests; new or replaced frameworks |
| complaints, feedback, satisfaction | list_records for complaints: received, open, by product, days to answer |
| reports to authorities and field actions | reportable complaints and field actions, each against its due date |
| quality objectives | ask for them, then compute; a measure nobody set has no target |
| processes and products | execute_query on nonconformances and deviations: by area, cause, disposition, cost |
| nonconformities and corrective actions | CAPAs opened, closed, overdue; ineffective ones; repeated causes |
| monitoring and measurement | equipment overdue or out of tolerance: supplier_equipment_status |
| audits | list_records for audits and findings by grade and age |
| external providers | supplier_equipment_status: approved, conditional, suspended; SCARs |
| resources and training | training_status: overdue by role; owners with most overdue work |
| risks and opportunities | list_records for risks: high ones, residual risk not accepted, no verified control |
| opportunities for improvement | findings of that grade, and what the rest suggests |

For each input: three lines (what the numbers say, what changed, what to decide), then the sources. Do not read a cause
into a difference of a few cases: say how many there were. Where data are missing, say so and what would be needed.

End with the decisions top management has to take (improvement, changes of the system, resources), as questions with
options. Do not answer them. Offer to link the signed minutes to the clause with link_evidence afterwards.

"""


def install(server: MCPServer[Any]) -> None:
    """Add the prompt."""
    server.prompt(
        name="management_review",
        title="Inputs of a management review",
        description="Gather the inputs of a management review with numbers, sources and the decisions to take.",
    )(management_review)


async def management_review(
    period: Annotated[str, Field(max_length=80, description="The period, such as 2026-01-01 to 2026-06-30.")],
) -> list[Message]:
    """Return what to do."""
    return [UserMessage(_TASK.format(period=" ".join(period.split())) + PEOPLE_DECIDE)]
