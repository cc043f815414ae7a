"""The data agent as a value."""

from qms_mcp.agents.data.playbook import playbook
from qms_mcp.agents.definition import AgentDefinition, Limits
from qms_mcp.agents.prompting import prompt_of

DEFINITION = AgentDefinition(
    name="data",
    title="Data agent",
    purpose="Whether records are complete, consistent, unique, linked and dated in an order that can be true.",
    prompt=prompt_of("data"),
    reads=(
        "validate_data", "check_quality", "execute_query", "explain_query", "generate_sql", "list_tables",
        "describe_table", "list_records", "get_record", "trace_record", "get_audit_trail", "search", "find_similar",
        "index_status",
    ),
    drafts=("update_record",),
    tier="sonnet",
    limits=Limits(turns=12, tokens=150_000, seconds=300, tool_calls=30),
    words=(
        r"\bdata (quality|integrity|check|cleaning|validation)\b", r"\bvalidat(e|ing|ion) (the )?(data|records|rows)\b",
        r"\b(complete|completeness|incomplete|missing (fields?|values?|links?|owners?|dates?))\b",
        r"\b(duplicates?|duplicated|twice)\b", r"\b(consisten(t|cy)|inconsisten(t|cy|cies))\b", r"\borphans?\b",
        r"\b(wrong|impossible|late) dates?\b", r"\b(alcoa|data set|dataset)\b",
        r"\b(weekly|monthly) (quality )?review\b",
    ),
    after=(),
    playbook=playbook,
)  # fmt: skip
