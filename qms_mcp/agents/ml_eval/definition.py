"""The evaluation agent as a value.

It goes after the feedback agent: what people said tells which of its figures matter.
"""

from qms_mcp.agents.definition import AgentDefinition, Limits
from qms_mcp.agents.ml_eval.playbook import playbook
from qms_mcp.agents.prompting import prompt_of

DEFINITION = AgentDefinition(
    name="ml_eval",
    title="Evaluation agent",
    purpose="How agents and tools themselves do: failed and slow calls, runs, tokens, ratings, evaluations, drift.",
    prompt=prompt_of("ml_eval"),
    reads=("execute_query", "explain_query", "generate_sql", "list_tables", "describe_table", "index_status"),
    drafts=(),
    tier="sonnet",
    limits=Limits(turns=10, tokens=120_000, seconds=240, tool_calls=25),
    words=(
        r"\b(agents?|models?|prompts?)( quality| performance| versions?)?\b", r"\b(evaluat\w+|evals?|benchmark\w*)\b",
        r"\bdrift\w*\b", r"\btool calls?\b", r"\b(error rates?|failed calls?|latency|slow(est)? tools?)\b",
        r"\b(tokens?|spend|spending|cost of (the )?(agents?|runs?))\b", r"\b(ml|llm|machine learning)\b",
        r"\bretrain\w*\b",
    ),
    after=("feedback",),
    playbook=playbook,
)  # fmt: skip
