"""The feedback agent as a value."""

from qms_mcp.agents.definition import AgentDefinition, Limits
from qms_mcp.agents.feedback.playbook import playbook
from qms_mcp.agents.prompting import prompt_of

DEFINITION = AgentDefinition(
    name="feedback",
    title="Feedback agent",
    purpose="What customers and users say: themes in complaints and remarks, how grave they are, what repeats and what "
    "has no answer.",
    prompt=prompt_of("feedback"),
    reads=(
        "list_records", "get_record", "trace_record", "search", "find_similar", "classify_feedback", "execute_query",
        "describe_table",
    ),
    drafts=("report_event", "update_record"),
    tier="haiku",
    limits=Limits(turns=10, tokens=100_000, seconds=180, tool_calls=20),
    words=(
        r"\bfeedback\b", r"\bcomplaints?\b", r"\bcustomers?\b", r"\b(sentiment|satisf\w+|unhappy|angry)\b",
        r"\b(themes?|topics?|classify|categori[sz]e)\b",
        r"\b(ratings?|reviews? of (users|customers)|remarks?|surveys?)\b",
        r"\b(weekly|monthly) (quality )?review\b", r"\bwhat (do|did) (people|users|customers) say\b",
    ),
    after=(),
    playbook=playbook,
)  # fmt: skip
