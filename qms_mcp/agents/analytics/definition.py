"""The analytics agent as a value.

It goes after the data agent: its figures are computed from fields people fill in, and it says which of them are not to
be relied on.
"""

from qms_mcp.agents.analytics.playbook import playbook
from qms_mcp.agents.definition import AgentDefinition, Limits
from qms_mcp.agents.prompting import prompt_of

DEFINITION = AgentDefinition(
    name="analytics",
    title="Analytics agent",
    purpose="Counts, ages, trends, repetition and Pareto of quality records: how many, how old, in which direction, "
    "where most of it comes from.",
    prompt=prompt_of("analytics"),
    reads=(
        "execute_query", "explain_query", "generate_sql", "list_tables", "describe_table", "list_records", "get_record",
        "search", "find_similar", "supplier_equipment_status", "calculate_metrics", "detect_trends", "pareto",
        "find_anomalies", "compare_groups", "spc_chart", "process_capability", "recompute",
    ),
    drafts=(),
    tier="sonnet",
    limits=Limits(turns=12, tokens=150_000, seconds=300, tool_calls=30),
    words=(
        r"\b(trends?|trending|development|over time)\b",
        r"\b(kpis?|metrics?|figures?|numbers?|statistics?|indicators?)\b",
        r"\b(how (many|often|long|old)|counts?|rates?|average|median|ageing|aging)\b",
        r"\b(pareto|distribution|top \d+)\b",
        r"\b(spc|control charts?|in control|capab(le|ility)|cpk|ppk|anomal(y|ies)|outliers?)\b",
        r"\b(repeat(ed|ing)?|recurr\w+|most frequent)\b",
        r"\b(per|by) (month|week|quarter|product|supplier|area|cause)\b",
        r"\b(analy[sz]e|analysis|analytics|compare|dashboard|management review)\b",
        r"\b(weekly|monthly|quarterly|annual) (quality )?(review|report)\b",
    ),
    after=("data",),
    playbook=playbook,
)  # fmt: skip
