"""`improve_agent`: one turn of the loop, from what people say of an agent to a version somebody signs for."""

from typing import Annotated, Any

from mcp.server.mcpserver import MCPServer
from mcp.server.mcpserver.prompts.base import Message, UserMessage
from pydantic import Field

from qms_mcp.context import Ctx, caller, services
from qms_mcp.prompts.quality_messages import PEOPLE_DECIDE
from qms_mcp.services.learning.versions import shipped_agent

_TASK = """\
Improve the agent {agent}, one step at a time, and show the user each result before the next step. Where it stands:
{state}

1. Call list_models for {agent} with ended. When a version is on trial, look at its runs, bad runs and sum first: with
   a trial under way nothing new is begun. When it has come through, go on with step 7; when it was taken back by
   itself, say why, and begin at step 2 with that.
2. Call analyze_feedback for {agent}: how often it was rated, by whom, how well, and the patterns of low scores with
   examples. Call detect_drift for it. Say what goes wrong, for whom, and since when. What nobody has rated is not
   known: annotation_queue shows which answers a person should look at, record_feedback keeps what the user says of
   them. Scores the user did not give are not the user's.
3. Call explain_run for two or three of the worst answers. Name the cause: prompt, missing tool, limits, records. When
   it lies outside the agent, say so and stop: no training mends that.
4. Call curate_dataset. Tell the user how many cases there are on each side, what was left out and why, and whether
   that is enough to tell a better version from chance.
5. Call trigger_retrain with that dataset and a budget the user has agreed to. It runs on by itself; asked again it is
   the same job.
6. Call score_model for the version it proposed, against production, on the held-out side. Read the interval and each
   slice, not the mean alone. Let it pass the gates; a gate that is not passed ends this turn. Never change cases,
   limits or wording to make it pass.
7. Call promote_model for a canary, then, when that has come through, for production. Each time a person who neither
   asked nor made the version signs: give the user the link, say who may not sign, and stop until it is done. You
   can't.
8. While it is on trial, list_models shows its runs, its bad runs and the sum. At the limit it goes back by itself.
   rollback_model ends a trial at once; use it when the user says so or when harm is possible.

End with: what was wrong, what was changed, measured before and after with n and interval, what is signed and by whom,
what is still open.

"""


def install(server: MCPServer[Any]) -> None:
    """Add the prompt."""
    server.prompt(
        name="improve_agent",
        title="Improve an agent",
        description="One turn of the loop: feedback, drift, dataset, better version, gates, signature, canary, watch.",
    )(improve_agent)


async def improve_agent(
    agent: Annotated[str, Field(max_length=40, description="schema, data, qa, analytics, ml_eval or feedback.")],
    ctx: Ctx,
) -> list[Message]:
    """Return what to do, and where the agent stands."""
    name = shipped_agent(agent.strip()).name
    page = await services(ctx).learning.models.page(caller(ctx), name, limit=1)
    return [UserMessage(_TASK.format(agent=name, state=page.headline) + PEOPLE_DECIDE)]
