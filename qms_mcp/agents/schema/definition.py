"""The schema agent as a value."""

from qms_mcp.agents.definition import AgentDefinition, Limits
from qms_mcp.agents.prompting import prompt_of
from qms_mcp.agents.schema.playbook import playbook

DEFINITION = AgentDefinition(
    name="schema",
    title="Schema agent",
    purpose="Tables, keys, indexes, row-level security and migrations of the database, and drafts of changes to them.",
    prompt=prompt_of("schema"),
    reads=(
        "list_tables", "describe_table", "check_rls", "list_migrations", "design_schema", "generate_rls", "review_code",
        "generate_tests", "validate_data", "execute_query", "explain_query", "generate_sql",
    ),
    drafts=("create_migration",),
    tier="opus",
    limits=Limits(turns=14, tokens=200_000, seconds=300, tool_calls=30),
    words=(
        r"\bschemas?\b", r"\bmigrations?\b",
        r"\b(row[- ]level security|row security|rls|polic(y|ies) of (the )?tables?)\b",
        r"\b(database )?tables?\b", r"\bindex(es)?\b", r"\bforeign keys?\b", r"\bcolumns?\b", r"\bdatabase\b",
        r"\b(isolation|separation) of (organi[sz]ations|tenants)\b", r"\b(qms|agents|ml_loop|search)\.[a-z_]+\b",
    ),
    after=(),
    playbook=playbook,
)  # fmt: skip
