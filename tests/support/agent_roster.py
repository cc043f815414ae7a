"""A small roster for tests that need agents and not what they do."""

from qms_mcp.agents.definition import AgentDefinition, AgentName, Calls, Limits, Task, Tier, by_name
from qms_mcp.agents.outputs import AgentOutput


async def nothing(calls: Calls, task: Task) -> AgentOutput:
    return AgentOutput(summary=task.request, insights=[], actions=[], recommendations=[])


def agent(
    name: AgentName, *words: str, after: tuple[AgentName, ...] = (), tier: Tier = "sonnet", tokens: int = 100_000
) -> AgentDefinition:
    return AgentDefinition(
        name=name,
        title=name,
        purpose=f"Is good at {name}.",
        prompt=f"You are {name}.",
        reads=(),
        drafts=(),
        tier=tier,
        limits=Limits(tokens=tokens),
        words=words,
        after=after,
        playbook=nothing,
    )


ROSTER = by_name(
    [
        agent("schema", r"\bschema\b", r"\btables?\b", r"\bindex(?:es)?\b"),
        agent("data", r"\bdata\b", r"\brecords?\b", r"\bcounts?\b"),
        agent("qa", r"\bcapas?\b", r"\baudits?\b", r"\bnonconformances?\b", after=("data",), tier="opus"),
        agent("analytics", r"\btrends?\b", r"\bkpis?\b", r"\bspc\b", after=("data",)),
        agent("ml_eval", r"\bagent runs?\b", r"\bmodels?\b"),
        agent("feedback", r"\bcomplaints?\b", r"\bfeedback\b", after=("data",), tier="haiku"),
    ]
)
