"""`weekly_quality_review`: several agents look, one review comes of it."""

from typing import Annotated, Any

from mcp.server.mcpserver import MCPServer
from mcp.server.mcpserver.prompts.base import Message, UserMessage
from pydantic import Field

from qms_mcp.prompts.quality_messages import PEOPLE_DECIDE

_TASK = """\
Prepare the weekly quality review for the week that begins on {week}.

1. Call dispatch_agents with the request "Weekly quality review of the week that begins on {week}: what is new, overdue
   or stuck, what changed against the weeks before, what customers say, and whether the records can be relied on", the
   run_key "weekly-review-{week}" and plan_only. Show the user the agents, their order and the estimated cost.
2. Call it again without plan_only and wait. Under the same run_key it is one dispatch, however often you ask; when the
   call ends early, get_dispatch with that run_key shows how far it is. When its note says that it waits for a person's
   approval, tell the user how to approve, and stop here until that is done.
3. Read the result. Items come by rank with who says so and on what evidence. Look at the three gravest yourself, with
   get_record for their records. Leave out what you can't confirm, or say that you could not.
4. For each contradiction say what is claimed by whom, and which record or query would settle it. Do not pick a side
   without having looked.
5. Call my_work for what waits for the user, and list_dispatches when the user asks about earlier weeks.

Write the review for ten minutes of reading: what needs a decision this week and by whom; what is overdue with number
and days; what changed, with both numbers; what customers say; how reliable the records are; what no agent could look
at, and which worked without a model. Say that costs are estimated when you name them.

"""


def install(server: MCPServer[Any]) -> None:
    """Add the prompt."""
    server.prompt(
        name="weekly_quality_review",
        title="Weekly quality review",
        description="Send several agents over the week, check what they found, and write a review of one page.",
    )(weekly_quality_review)


async def weekly_quality_review(
    week: Annotated[str, Field(max_length=40, description="The first day of the week, such as 2026-11-16.")],
) -> list[Message]:
    """Return what to do."""
    return [UserMessage(_TASK.format(week=" ".join(week.split())) + PEOPLE_DECIDE)]
