"""Two organizations, hundreds of rows each: nothing a client can call shows one to the other.

By construction over every registered tool, resource and prompt: a tool without examples here fails the test, so one
that is added later is covered too.
"""

import json
from collections.abc import AsyncGenerator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg
import pytest
from mcp.client import Client
from mcp.shared.exceptions import MCPError

from qms_mcp.db.database import Database
from qms_mcp.db.embedded import EmbeddedPostgres
from tests.conftest import Tenants, copied_database, two_tenants, wiring_for
from tests.support.in_process import client_for
from tests.support.readings import make_readings
from tests.support.two_organizations import FOREIGN, Seeded, seed_two_organizations

pytestmark = pytest.mark.anyio

Arguments = dict[str, Any]
# No client may read these at all; and these grow while a test counts them.
UNREADABLE = {"agents.otlp_outbox", "agents.executors"}
YEAR = datetime.now(UTC).year
PROMPTED = {
    "schema": "qms", "table": "qms.quality_items", "framework": "iso-13485", "clause": "8.5", "period": "this year",
    "week": "2026-11-16", "record": f"CAPA-{YEAR}-0002", "document": f"DOC-{YEAR}-0006",
    "agent": "qa",
}  # fmt: skip
GROWING = {
    *("agents.agent_runs", "agents.agent_traces", "agents.tool_calls"),
    *("qms.approvals", "qms.migration_drafts", "qms.transform_drafts", "qms.audit_logs", "qms.calculations"),
}
# The types in the order in which the seeder numbers them.
PREFIXES = (
    ("audit", "AUD"), ("capa", "CAPA"), ("change", "CR"), ("complaint", "CMP"), ("deviation", "DEV"),
    ("document", "DOC"), ("equipment", "EQP"), ("extension", "EXT"), ("field_action", "FA"), ("finding", "FND"),
    ("nonconformance", "NC"), ("risk", "RSK"), ("scar", "SCAR"), ("supplier", "SUP"), ("training", "TRN"),
)  # fmt: skip
FIGURES = [9.8, 10.1, 10.4, 9.9, 10.0, 10.2, 9.7, 10.3] * 3
# The word, spelt so that it does not stand in what we send.
PATTERN = "'ZEB' || 'RA%'"


@dataclass(frozen=True)
class World:
    """A database with two organizations in it, for all tests of this module."""

    database: Database
    tenants: Tenants
    seeded: Seeded
    superuser: str

    def own_rows(self, table: str) -> int:
        """Return how many rows of a table are ours, as nobody's policy hides them."""
        with psycopg.connect(self.superuser) as connection:
            statement = f"SELECT count(*) FROM {table} WHERE organization_id = %s"
            row = connection.execute(statement.encode(), [self.tenants.ours.organization_id]).fetchone()
        assert row is not None
        return int(row[0])


@pytest.fixture(scope="module")
async def world(embedded: EmbeddedPostgres, template: str) -> AsyncGenerator[World]:
    with copied_database(embedded, template) as name:
        database = Database(wiring_for(embedded, name))
        await database.open()
        tenants = await two_tenants(database)
        await make_readings(database)
        superuser = embedded.conninfo(name, "postgres")
        seeded = seed_two_organizations(superuser, tenants.ours, tenants.theirs)
        release_documents(superuser)
        end_dispatches(superuser)
        yield World(database, tenants, seeded, superuser)
        await database.close()


def release_documents(superuser: str) -> None:
    """Make the seeded documents effective ones: a draft is changed and not revised."""
    with psycopg.connect(superuser) as connection:
        connection.execute("SET session_replication_role = replica")
        connection.execute("UPDATE qms.quality_items SET status = 'effective' WHERE category = 'document'")


def end_dispatches(superuser: str) -> None:
    """Let the seeded dispatches have ended: nobody is to take them up."""
    ended = "finished_at = now(), status = 'completed'"
    with psycopg.connect(superuser) as connection:
        connection.execute("SET session_replication_role = replica")
        connection.execute(f"UPDATE agents.dispatches SET {ended}".encode())
        connection.execute("UPDATE agents.dispatch_tasks SET finished_at = now(), state = 'done'")


def queries(seeded: Seeded) -> list[str]:
    """Return statements that would show foreign rows, counts or values, if anything did."""
    found: list[str] = []
    for table in seeded.tables:
        found += [
            f"SELECT * FROM {table} ORDER BY organization_id = qms.current_organization_id()",  # theirs first
            f"SELECT count(*), count(DISTINCT organization_id) FROM {table}",
            f"SELECT t::text FROM {table} AS t WHERE t::text LIKE {PATTERN}",
            f"SELECT (t::text)::integer FROM {table} AS t WHERE t::text LIKE {PATTERN}",
            f"SELECT 1 / (t::text NOT LIKE {PATTERN})::integer FROM {table} AS t",
            f"SELECT * FROM {table} WHERE id::text = '{seeded.foreign_ids.get(table, '1')}'",
        ]
    return [
        *found,
        "SELECT * FROM qms.organizations",
        "SELECT * FROM qms.memberships",
        "SELECT * FROM qms.people",
        "SELECT * FROM pg_catalog.pg_stats WHERE schemaname IN ('qms', 'agents', 'ml_loop', 'public')",
        "SELECT most_common_vals::text, histogram_bounds::text FROM pg_catalog.pg_stats",
        (
            "SELECT id, content FROM public.match_embeddings("
            "array_fill(0.1::real, ARRAY[1536])::extensions.vector, 1000, NULL)"
        ),
        "SELECT query FROM pg_catalog.pg_stat_activity",
        "SELECT * FROM auth.users",
        "SELECT * FROM qms_private.credentials",
        "SELECT current_setting('qms.identity')",
    ]


def examples(seeded: Seeded, calculation: str = "") -> dict[str, Sequence[Arguments]]:
    """Return, for every tool, calls that reach for what belongs to the other organization."""
    foreign = seeded.foreign_ids
    tables = seeded.tables
    statements = queries(seeded)
    return {
        "list_tables": [{"detail": "full"}, {"kind": "policy", "detail": "full"}, {"search": "quality"}],
        "describe_table": [{"table": table, "samples": 5} for table in tables],
        "design_schema": [
            {"schema": "qms", "entities": [{"name": "torque_checks", "description": "Torque checks of a line.",
             "fields": [{"name": "torque_nm", "type": "decimal(8,2)", "description": "Torque in Nm."}]}]},
        ],
        "generate_rls": [{"table": "qms.quality_items"}],
        "check_rls": [{}, {"table": "qms.quality_items"}],
        "create_migration": [
            {"name": "add_note", "script": "ALTER TABLE qms.quality_items ADD COLUMN note text", "reason": "A note."},
            {"name": "leak", "reason": "Reads what it may not.", "script":
             "ALTER TABLE qms.quality_items NO FORCE ROW LEVEL SECURITY; SELECT title::integer FROM qms.quality_items"},
            {"name": "unique_title", "reason": "Fails on duplicates.", "script":
             "ALTER TABLE qms.quality_items ADD CONSTRAINT short CHECK (length(title) < 3)"},
        ],
        "apply_migration": [
            {"draft_id": foreign["qms.migration_drafts"]},
            {"draft_id": foreign["qms.migration_drafts"], "approval_id": foreign["qms.approvals"]},
        ],
        "list_migrations": [{"detail": "full", "limit": 100}],
        "execute_query": [{"statement": statement, "limit": 25, "detail": "full"} for statement in statements],
        "explain_query": [
            {"statement": f"SELECT * FROM {table} WHERE id IS NOT NULL", "analyze": True}
            for table in tables
        ],
        "generate_sql": [
            {"question": "Which quality items, tool calls, approvals and training data are there, by title?"},
            {"question": "titles like zeb ra"},
        ],
        "validate_data": [{"table": table} for table in tables] + [
            {"table": "qms.quality_items", "rules": [{"rule": "regex", "column": "title", "pattern": "^nothing$"}]},
        ],
        "transform_data": [
            {"statement": "UPDATE site.readings SET status = title", "reason": "Copy the titles."},
            {"statement": f"DELETE FROM site.readings WHERE title LIKE {PATTERN}", "reason": "Remove theirs."},
            {"statement": "UPDATE site.readings SET priority = title::integer", "reason": "Provoke an error."},
            {"statement": "UPDATE qms.quality_items SET description = title", "reason": "Copy the titles."},
            {"draft_id": foreign["qms.transform_drafts"]},
        ],
        "generate_tests": [{"table": "qms.quality_items"}],
        "review_code": [{"code": "SELECT * FROM qms.quality_items WHERE title = NULL"}],
        **quality_examples(foreign),
        **search_examples(foreign),
        **agent_examples(foreign),
        **learning_examples(foreign),
        **model_examples(foreign),
        **analysis_examples(foreign, calculation),
    }  # fmt: skip


def agent_examples(foreign: Mapping[str, str]) -> dict[str, Sequence[Arguments]]:
    """Return dispatches of ours, and calls with the id and the subject of theirs."""
    theirs, why = foreign["agents.dispatches"], {"reason": "A test asks for it."}
    record = foreign["qms.quality_items"]
    return {
        "dispatch_agents": [
            {"request": "Which records are overdue?", "run_key": "ours", "tasks": [
                {"agent": agent} for agent in ("qa", "data", "analytics", "feedback", "ml_eval", "schema")
            ], **why},
            {"request": "What is wrong with this record?", "tasks": [{"agent": "qa", "subject": record}], **why},
            {"request": "Zeb ra", "plan_only": True, **why},
            {"request": "Try theirs again", "run_key": theirs, "retry_failed": True, **why},
        ],
        "get_dispatch": [{"dispatch": "ours"}, {"dispatch": theirs}],
        "list_dispatches": [{"limit": 100}],
        "cancel_dispatch": [{"dispatch": "ours", **why}, {"dispatch": theirs, **why}],
    }  # fmt: skip


def model_examples(foreign: Mapping[str, str]) -> dict[str, Sequence[Arguments]]:
    """Return calls that ask for versions and runs of theirs."""
    version, run = foreign["ml_loop.model_versions"], foreign["agents.agent_runs"]
    call, why = foreign["agents.tool_calls"], {"reason": "A test asks for it."}
    return {
        "list_models": [{"limit": 100, "ended": True}, {"agent": "qa"}],
        "promote_model": [
            {"agent": "qa", "version": version, "to": to, **why} for to in ("shadow", "canary", "production")
        ],
        "rollback_model": [{"agent": "qa", "to": version, **why}, {"agent": "qa", **why}],
        "explain_run": [{"run": named, "detail": "full"} for named in (run, call, foreign["agents.dispatches"])]
        + [{"run": "ours", "agent": "qa", "detail": "full"}],
    }


# What they are for takes a dataset, versions and alerts that came about by work: tests of the loop do it with those.
TAKES_WORK = {
    "promote_model",
    "rollback_model",
    "score_model",
    "trigger_retrain",
    "acknowledge_alert",
    "curate_dataset",
}


def learning_examples(foreign: Mapping[str, str]) -> dict[str, Sequence[Arguments]]:
    """Return calls of the tools of the loop: for ours, and with ids of theirs."""
    why, qa = {"reason": "A test asks for it."}, {"agent": "qa"}
    run, call, record = foreign["agents.agent_runs"], foreign["agents.tool_calls"], foreign["qms.quality_items"]
    dataset = foreign["ml_loop.dataset_versions"]
    return {
        "record_feedback": [
            {"record": f"CAPA-{YEAR}-0002", "score": 0.5, "comment": "Half of it.", **why},
            *({what: theirs, "score": 0.5, **why} for what, theirs in (("run", run), ("tool_call", call))),
            {"record": record, "score": 0.5, **why},
        ],
        "analyze_feedback": [{"days": 3660, "by": by} for by in ("agent", "version", "organization")],
        "annotation_queue": [{"limit": 100}],
        "curate_dataset": [{**qa, "dry_run": True, **why}, {"agent": "data", "name": "ours", **why}],
        "score_model": [{**qa, "dataset": dataset, **why}],
        "trigger_retrain": [{**qa, "dataset": dataset, **why}],
        "detect_drift": [{**qa, "days": 365}, {**qa, "reference": foreign["ml_loop.drift_references"]}],
        "get_alerts": [{"state": "all", "limit": 100}],
        "acknowledge_alert": [{"alert": foreign["ml_loop.alerts"], **why}],
        "get_usage": [{"by": by, "days": 366, "limit": 400} for by in ("agent", "tool", "model", "day")],
    }


def search_examples(foreign: Mapping[str, str]) -> dict[str, Sequence[Arguments]]:
    """Return searches that would find, count, suggest or match what is theirs."""
    theirs, why = foreign["qms.quality_items"], {"reason": "A test asks for it."}
    text = {"content": "A note of ours.", "content_type": "note", "source_table": "qms.quality_items"}
    return {
        "search": [
            {"query": query, "mode": mode, "detail": "full", "limit": 50}
            for query in ("zeb ra", "title of a description", "zebr", "CAPA-", theirs)
            for mode in ("hybrid", "lexical", "semantic", "exact", "number")
        ] + [{"query": "title", "filters": only} for only in ({"superseded": True}, {"owner": foreign["person"]})],
        "find_similar": [
            {"record": f"CAPA-{YEAR}-0002", "detail": "full"}, {"record": theirs}, {"text": "zeb ra title"},
        ],
        "match_embeddings": [{"vector": [0.05] * size, "limit": 100} for size in (384, 1536)],
        "embed_content": [{"texts": [{**text, "source_id": theirs}], **why}],
        "index_status": [{}],
    }  # fmt: skip


def quality_examples(foreign: Mapping[str, str]) -> dict[str, Sequence[Arguments]]:
    """Return calls of the tools for quality records: of ours, and with ids of theirs."""
    theirs = foreign["qms.quality_items"]
    numbered = {name: f"{prefix}-{YEAR}-{place:04d}" for place, (name, prefix) in enumerate(PREFIXES, start=1)}
    capa, nc, complaint, change = (numbered[name] for name in ("capa", "nonconformance", "complaint", "change"))
    why = {"reason": "A test asks for it."}
    every = [{"record": number, "detail": "full"} for number in numbered.values()]
    made = {"title": "A test", **why}
    return {
        "get_record": [*every, {"record": theirs}],
        "list_records": [
            {"limit": 100}, {"text": "title"}, {"show": "overdue", "sort": "due"}, {"text": "zeb"},
            {"owner": foreign["person"]},
        ],
        "my_work": [{"limit": 100}],
        "trace_record": [{"record": capa}, {"record": theirs}, {}],
        "get_audit_trail": [{"detail": "full", "limit": 100}, {"record": capa}, {"record": theirs},
                            {"person": foreign["person"]}],
        "verify_audit_trail": [{}],
        "report_event": [
            {"type": "nonconformance", "what_happened": "The title of a description was scratched.", **made},
            {"type": "complaint", "what_happened": "It broke.", "fields": {"owner_id": foreign["person"]}, **made},
        ],
        "update_record": [
            {"record": capa, "version": 1, "note": "Seen.", **why},
            {"record": nc, "version": 1, "link": {"to": theirs, "kind": "relates_to"}, **why},
            {"record": theirs, "version": 1, "note": "Seen.", **why},
        ],
        "transition_record": [
            {"record": number, "to_state": state, "version": version, **why}
            for number, state, version in (
                (nc, "contained", 1), (complaint, "triage", 1), (change, "impact_assessment", 1), (theirs, "closed", 1),
            )
        ],
        "request_signature": [
            {"record": record, "meaning": "review", "version": 1, **why} for record in (numbered["risk"], theirs)
        ],
        "open_capa": [
            {"sources": [source], "problem_statement": "It comes back again and again, on every line.",
             "risk_class": "high", "override": "Asked for by the customer.", **made} for source in (nc, theirs)
        ],
        "record_root_cause": [
            {"capa": record, "version": version, "method": "five_whys", **why, "nodes": [
                {"key": "a", "statement": "It was late."},
                {"key": "b", "parent": "a", "statement": "Nobody was there.", "evidence": ["The plan"],
                 "is_root_cause": True},
            ]} for record, version in ((capa, 2), (theirs, 1))
        ],
        "plan_capa": [
            {"capa": record, "version": version, **why, "actions": [
                {"type": "corrective", "description": "Have somebody there.", "owner": "me", "due_on": "2030-01-31"},
            ]} for record, version in ((capa, 3), (theirs, 1))
        ],
        "update_capa_action": [
            {"capa": record, "version": version, "action": "1", "progress": "Half done.", **why}
            for record, version in ((capa, 4), (theirs, 1))
        ],
        "check_effectiveness": [{"capa": capa}, {"capa": theirs}],
        "disposition_nonconformance": [
            {"record": record, "dispositions": [{"disposition": "scrap", "quantity": 1, "justification": "Bent."}],
             **why} for record in (nc, theirs)
        ],
        "assess_reportability": [
            {"record": record, "answers": {"death": False}, **why} for record in (complaint, theirs)
        ],
        "field_action": [
            {"sources": [source], "fields": {"action_kind": "recall", "product": "A part"}, **made}
            for source in (complaint, theirs)
        ],
        "plan_audit": [{"framework": "iso-13485", "fields": {"audit_kind": "internal", "scope": "All"}, **made}],
        "record_finding": [
            {"audit": audit, "fields": {
                "grade": "minor", "objective_evidence": "Seen.", "clause": "8.5.2", "capa_required": False,
                "capa_rationale": "A single case.",
            }, **made}
            for audit in (numbered["audit"], theirs)
        ],
        "assess_risk": [
            {"fields": {"title": "A test", "method": "fmea", "failure_mode": "Bent"},
             "ratings": {"severity": 5, "occurrence": 5, "detection": 5}, **why},
            {"record": theirs, "ratings": {"severity": 5}, **why},
        ],
        "request_change": [
            {"fields": {"title": "A test", "justification": "It helps.", "proposed_change": "Do it."}, **why},
            {"record": theirs, "fields": {"justification": "It helps."}, **why},
        ],
        "training_status": [{"by": by, "limit": 100} for by in ("gap", "person", "document", "role")],
        "supplier_equipment_status": [
            {"about": about, "everything": True, "limit": 100} for about in ("suppliers", "equipment")
        ],
        "get_compliance_matrix": [{"framework": "iso-13485", "limit": 100}],
        "check_compliance": [{"framework": "iso-13485", "limit": 100}, {"record": capa}, {"record": theirs}],
        "link_evidence": [
            {"framework": "iso-13485", "clause": "8.5.2", "record": record, **why} for record in (capa, theirs)
        ],
        "ingest_document": [
            {"text": "# A test\n\nIt shall work.", "fields": {"document_number": "SOP-900"}, **why},
            {"text": "# A later test\n\nIt shall work.", **why, "fields": {
                "document_number": "SOP-900", "revision": 2, "owner_id": foreign["person"],
            }},
            {"text": "# A later test\n\nIt must work.", **why, "fields": {
                "document_number": "SOP-900", "revision": 2,
            }},
            {"path": "/etc", **why},
        ],
        "revise_document": [
            {"document": document, "text": "# A test\n\nIt works.", "change_summary": "New.", "change": change, **why}
            for document, change in ((numbered["document"], None), (theirs, None), (numbered["document"], theirs))
        ],
        "diff_documents": [
            {"document": "SOP-900", "from_version": 1, "to_version": 2}, {"document": theirs},
            {"document": "SOP-900", "other": theirs},
        ],
        "check_quality": [
            *({"subject": subject, "limit": 100} for subject in (*numbered.values(), theirs)),
            {"subject": "qms.quality_items"}, {"subject": foreign["qms.documents"], "kind": "document"},
            {"subject": f"SELECT t::text FROM qms.complaints AS t WHERE {PATTERN} <> ''"},
        ],
        "classify_feedback": [
            {"texts": ["It broke."], "records": [complaint]}, {"records": [foreign["qms.complaints"]]},
        ],
        "check_document": [
            {"document": "SOP-900", "framework": "iso-13485", "clauses": ["8.5"]}, {"document": theirs},
            {"document": "SOP-900", "template": theirs},
        ],
    }  # fmt: skip


def analysis_examples(foreign: Mapping[str, str], calculation: str) -> dict[str, Sequence[Arguments]]:
    why = {"reason": "A test reaches for what is not ours."}
    theirs = foreign["qms.documents"]
    return {
        "spc_chart": [
            {"source": {"columns": {"x": FIGURES}}, "picture": "none"},
            {"source": {"sql": f"SELECT count(*) AS x, {PATTERN} AS w FROM qms.complaints AS t GROUP BY 2"}},
            {"source": {"columns": {"x": FIGURES}}, "options": {"baseline": theirs}},
        ],
        "process_capability": [
            {"source": {"columns": {"x": FIGURES}}, "lsl": 0, "usl": 20, "picture": "none"},
            {"source": {"document": theirs, "table": 1}, "lsl": 0},
        ],
        "measurement_system": [
            {"source": {"columns": {"x": FIGURES, "part": [n // 4 for n in range(24)], "operator": ["A", "B"] * 12}},
             "part": "part", "operator": "operator", "value": "x", "picture": "none"},
        ],
        "sampling_plan": [{"lot_size": 800, "aql": 1.0, "picture": "none"}],
        "calculate_metrics": [{"metrics": ["monthly"], "by": by} for by in ("owner", "supplier", "area", "product")],
        "detect_trends": [
            {"source": {"records": "nonconformance"}, "time": "reported_at", "period": "month"},
            {"source": {"columns": {"x": FIGURES}}, "value": "x", "picture": "none"},
        ],
        "find_anomalies": [
            {"source": {"records": "complaint"}, "value": "title", "kind": "text", "picture": "none"},
            {"source": {"columns": {"x": FIGURES}}, "value": "x", "picture": "none"},
        ],
        "pareto": [{"source": {"records": "nonconformance"}, "category": column} for column in ("title", "area")],
        "compare_groups": [
            {"source": {"columns": {"x": FIGURES, "g": ["A", "B"] * 12}}, "value": "x", "group": "g"},
        ],
        "quality_report": [
            {"kind": kind, "preview": kind != "monthly", **why}
            for kind in ("monthly", "management_review")
        ],
        "recompute": [{"calculation": calculation}, {"calculation": foreign["qms.calculations"]}],
        "freeze_baseline": [
            {"calculation": calculation, "name": "LINE-1", **why},
            {"calculation": foreign["qms.calculations"], "name": "LINE-2", **why},
        ],
    }  # fmt: skip


def resources(seeded: Seeded) -> list[str]:
    described = [f"qms://schema/{table.replace('.', '/')}" for table in seeded.tables]
    # The own ledger comes first: later it holds what was asked here, ids included.
    return [
        "qms://ledger/current",
        "qms://guide",
        "qms://agents",
        "qms://metrics",
        f"qms://calculation/{seeded.foreign_ids['qms.calculations']}",
        f"qms://chart/{seeded.foreign_ids['qms.calculations']}.svg",
        "qms://dispatch/ours",
        f"qms://dispatch/{seeded.foreign_ids['agents.dispatches']}",
        "qms://record-types",
        "qms://workflow/capa",
        "qms://framework/iso-13485",
        f"qms://capa/CAPA-{YEAR}-0002/8d",
        "qms://search/zeb%20ra%20title",
        f"qms://document/DOC-{YEAR}-0006",
        f"qms://document/{seeded.foreign_ids['qms.documents']}/v1",
        f"qms://capa/{seeded.foreign_ids['qms.capas']}/8d",
        *described,
        f"qms://ledger/{seeded.foreign_ids['agents.agent_runs']}",
    ]


def nothing_foreign(answer: str, asked: object, seeded: Seeded) -> None:
    """Fail when an answer holds the other organization's word, or an id that was not in the question."""
    assert FOREIGN not in answer.upper(), (asked, answer[:2000])
    sent = json.dumps(asked, default=str)
    if "agents." in sent or "ledger" in sent:
        return  # the own ledger holds the ids that were asked for before
    for what, foreign_id in seeded.foreign_ids.items():
        assert foreign_id in sent or foreign_id not in answer, (what, asked, answer[:2000])


async def answer_of(client: Client, tool: str, arguments: Arguments) -> str:
    result = await client.call_tool(tool, arguments)
    return result.model_dump_json()


async def test_no_tool_shows_anything_of_the_other_organization(world: World, tmp_path: Path) -> None:
    seeded = world.seeded
    async with client_for(world.database, world.tenants.ours, tmp_path) as client:
        chart = await client.call_tool("spc_chart", {"source": {"columns": {"x": FIGURES}}, "picture": "none"})
        assert chart.structured_content is not None, chart
        calls = examples(seeded, chart.structured_content["provenance"]["calculation"])
        names = {tool.name for tool in (await client.list_tools()).tools}
        assert names == set(calls), "every tool needs examples here"
        worked: set[str] = set()
        refused: dict[str, str] = {}
        for tool, asked in calls.items():
            for arguments in asked:
                answer = await answer_of(client, tool, arguments)
                nothing_foreign(answer, arguments, seeded)
                if '"is_error":false' in answer:
                    worked.add(tool)
                else:
                    refused.setdefault(tool, answer)
        idle = {tool: refused.get(tool) for tool in names - worked - {"apply_migration", *TAKES_WORK}}
        assert idle == {}, f"an example of each tool must do what the tool is for: {idle}"


async def test_what_is_ours_is_shown_and_counted_whole(world: World, tmp_path: Path) -> None:
    seeded = world.seeded
    async with client_for(world.database, world.tenants.ours, tmp_path) as client:
        for table in set(seeded.tables) - {*UNREADABLE, *GROWING}:
            result = await client.call_tool(
                "execute_query", {"statement": f"SELECT count(organization_id) FROM {table}"}
            )
            assert result.structured_content is not None
            assert result.structured_content["rows"] == [[world.own_rows(table)]], table


async def test_no_resource_prompt_or_completion_shows_anything_of_the_other_organization(
    world: World, tmp_path: Path
) -> None:
    seeded = world.seeded
    async with client_for(world.database, world.tenants.ours, tmp_path) as client:
        for uri in resources(seeded):
            try:
                shown = (await client.read_resource(uri)).model_dump_json()
            except MCPError as error:
                shown = str(error)
            nothing_foreign(shown, uri, seeded)
        for prompt in (await client.list_prompts()).prompts:
            arguments = {argument.name: PROMPTED[argument.name] for argument in prompt.arguments or []}
            nothing_foreign((await client.get_prompt(prompt.name, arguments)).model_dump_json(), arguments, seeded)


async def test_the_other_organization_is_untouched_by_all_of_that(world: World, tmp_path: Path) -> None:
    seeded = world.seeded
    before = await fingerprint(world)
    async with client_for(world.database, world.tenants.ours, tmp_path) as client:
        for tool in ("transform_data", "create_migration", "apply_migration"):
            for arguments in examples(seeded)[tool]:
                await client.call_tool(tool, arguments)
    assert await fingerprint(world) == before


async def fingerprint(world: World) -> list[tuple[str, Any]]:
    found: list[tuple[str, Any]] = []
    async with world.database.transaction(world.tenants.theirs, read_only=True) as transaction:
        for table in sorted(set(world.seeded.tables) - UNREADABLE):
            statement = f"SELECT md5(string_agg(t::text, '' ORDER BY t.id)) FROM {table} AS t"
            row = await (await transaction.connection.execute(statement.encode())).fetchone()
            found.append((table, row))
    return found
