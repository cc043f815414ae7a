"""The quality assurance agent as a value.

It waits for nobody: states, deadlines, links and evidence are kept right by the database, so what the data agent finds
about free fields does not change what is late or missing.
"""

from qms_mcp.agents.definition import AgentDefinition, Limits
from qms_mcp.agents.prompting import prompt_of
from qms_mcp.agents.qa.playbook import playbook

DEFINITION = AgentDefinition(
    name="qa",
    title="Quality assurance agent",
    purpose="What is overdue, stuck, unlinked or without evidence: events, CAPAs, changes, audits, documents, training,"
    " suppliers, equipment; and drafts for people to decide.",
    prompt=prompt_of("qa"),
    reads=(
        "list_records", "get_record", "my_work", "trace_record", "check_quality", "check_compliance",
        "get_compliance_matrix", "get_audit_trail", "verify_audit_trail", "training_status",
        "supplier_equipment_status", "search", "find_similar", "check_document", "diff_documents", "execute_query",
    ),
    drafts=(
        "report_event", "update_record", "open_capa", "record_root_cause", "plan_capa", "request_change", "plan_audit",
        "record_finding", "assess_risk", "link_evidence",
    ),
    tier="opus",
    limits=Limits(turns=16, tokens=200_000, seconds=300, tool_calls=40),
    words=(
        r"\bcapas?\b", r"\b(non-?conformances?|non-?conformit(y|ies)|ncrs?|deviations?)\b", r"\bcomplaints?\b",
        r"\b(overdue|late|stuck|escalat\w+)\b", r"\b(audits?|audit trail|findings?|inspection)\b",
        r"\b(compliance|evidence|clauses?|gaps?|iso ?\d{4,5}|13485|9001|part 11|qmsr)\b", r"\broot causes?\b",
        r"\b(change (requests?|control)|documents?|sops?|trainings?|suppliers?|equipment|calibrations?|risks?)\b",
        r"\bquality (review|assurance|report|status)\b", r"\binvestigat\w+\b",
        r"\b(reportab\w+|recalls?|field actions?)\b",
        r"\b[a-z]{2,6}-\d{4}-\d{4,6}\b",
    ),
    after=(),
    playbook=playbook,
)  # fmt: skip
