"""The main job: look, ask, design, draft, ask a person, check."""

from collections.abc import Mapping
from typing import Any

from qms_mcp.demo.script import Answer, Chapter, Memory, Step, rows_of

AGEING = """\
SELECT
    number AS capa,
    title,
    status,
    current_date - created_at::date AS days_open,
    current_date - due_date::date AS days_over
FROM qms.quality_items
WHERE category = 'capa' AND closed_at IS NULL
ORDER BY created_at, id"""

CAUSES = """\
SELECT root_cause, cause_category AS cause, count(*) AS cases, sum(cost) AS cost_eur
FROM qms.nonconformances
WHERE root_cause IS NOT NULL
GROUP BY 1, 2
ORDER BY cases DESC, cost_eur DESC
LIMIT 5"""

BY_OWNER = """\
SELECT p.printed_name AS owner, i.category, count(*) AS open_records
FROM qms.quality_items AS i
INNER JOIN qms.people AS p ON i.owner_id = p.user_id
WHERE i.closed_at IS NULL AND i.status <> 'effective'
GROUP BY 1, 2
ORDER BY 1, 2"""

DECIDED = "t.verification_result IS NULL OR t.capa_required IS NOT NULL"

CALIBRATION = {
    "description": "Calibration of a measuring instrument: what was found, and until when it may be used.",
    "fields": [
        {"name": "instrument_number", "type": "text", "required": True, "description": "Number on the instrument"},
        {"name": "calibrated_on", "type": "date", "required": True},
        {"name": "next_due_on", "type": "date", "required": True},
        {"name": "as_found_error_um", "type": "decimal(8,2)", "description": "Error before adjustment, micrometres"},
        {"name": "result", "type": "enum", "allowed": ["in_tolerance", "out_of_tolerance"], "required": True},
    ],
    "relations": [{"to": "qms.quality_items", "kind": "many_to_one"}],
}


def _new_table(memory: Memory) -> str:
    """Return a name that is free: in an earlier run a person may have approved the table."""
    taken = {str(found.get("name")) for found in rows_of(memory.of("list_tables"))}
    names = (f"calibration_records{ending}" for ending in ("", *(f"_{number}" for number in range(2, 100))))
    return next(name for name in names if f"qms.{name}" not in taken)


def _entities(memory: Memory) -> Mapping[str, Any]:
    return {"schema": "qms", "entities": [{**CALIBRATION, "name": _new_table(memory)}]}


def _script(memory: Memory) -> Mapping[str, Any]:
    return {
        "name": f"add_{_new_table(memory)}",
        "script": str(memory.of("design_schema").get("script", "")),
        "reason": "Gauges past their date keep causing nonconformances; their calibration has to be on record.",
    }


def _draft(memory: Memory) -> Mapping[str, Any]:
    return {"draft_id": memory.of("create_migration").get("draft_id")}


def _next_page(memory: Memory) -> Mapping[str, Any]:
    return {"statement": BY_OWNER, "limit": 5, "cursor": memory.of("execute_query").get("next_cursor")}


def _waits_for_a_person(answer: Answer, _memory: Memory) -> bool:
    # In a later run the person may have decided: then that is what has to come back.
    return answer.get("status") in {"pending", "rejected", "applied"} and bool(answer.get("approval_id"))


LOOK = Chapter(
    "Look at what there is",
    (
        Step(
            "What tables are there, and how large are they?", "list_tables", {"schema": "qms", "detail": "full"},
            check=lambda a, _: any("quality_items" in str(row) for row in rows_of(a)),
        ),
        Step(
            "What is in the table of quality records, and who may see which row?", "describe_table",
            {"table": "qms.quality_items", "samples": 1},
            check=lambda a, _: a.get("row_level_security") == "forced",
        ),
    ),
)  # fmt: skip

ASK = Chapter(
    "Ask questions",
    (
        Step(
            "Which CAPAs are overdue, and whose are they?", "generate_sql",
            {"question": "Which CAPAs are overdue, and who owns them?"},
            why="No model key is set, so the tool returns what a model needs to write the SQL itself.",
        ),
        Step("How old are our open CAPAs?", "execute_query", {"statement": AGEING, "limit": 8},
             check=lambda a, _: len(rows_of(a)) > 0),
        Step("What causes our nonconformances, and what did they cost?", "execute_query", {"statement": CAUSES},
             check=lambda a, _: len(rows_of(a)) == 5),  # noqa: PLR2004 - LIMIT 5
        Step("Who has what open? The first five lines.", "execute_query", {"statement": BY_OWNER, "limit": 5},
             check=lambda a, _: bool(a.get("next_cursor"))),
        Step("And the next five.", "execute_query", _next_page, check=lambda a, _: len(rows_of(a)) > 0),
        Step("How does PostgreSQL find the open CAPAs, and what would help?", "explain_query",
             {"statement": AGEING, "analyze": True}),
    ),
)  # fmt: skip

CHANGE = Chapter(
    "Change the schema, in tested steps that wait for a person",
    (
        Step(
            "We need calibration records. What should the table look like?", "design_schema", _entities,
            check=lambda a, _: "FORCE ROW LEVEL SECURITY" in str(a.get("script", "")),
        ),
        Step("Draft that as a migration and try it.", "create_migration", _script,
             check=lambda a, _: bool(a.get("sha256")),
             why="It ran in a transaction that was rolled back. Nothing has changed yet."),
        Step("Apply it.", "apply_migration", _draft, check=_waits_for_a_person,
             why="A model can ask for an approval, and never give one."),
    ),
)  # fmt: skip

CHECK = Chapter(
    "Check the data and the walls between organizations",
    (
        Step(
            "Are the nonconformances complete?", "validate_data",
            {
                "table": "qms.nonconformances",
                "rules": [
                    {"kind": "not_null", "columns": ["quantity_affected"]},
                    {"kind": "range", "columns": ["cost"], "min": 0, "max": 10000},
                    {"kind": "predicate", "predicate": DECIDED},
                ],
            },
            check=lambda a, _: a.get("verdict") == "failed",
            why="Some were verified and nobody decided whether a CAPA is needed; the demo has them on purpose.",
        ),
        Step("Can anyone see what is not theirs?", "check_rls", {},
             check=lambda a, _: a.get("found", {}).get("error") == 0),
    ),
)  # fmt: skip
