"""Hundreds of rows of two organizations in every table that has any, made from the catalogue.

Every text of the other organization holds `FOREIGN`, so a leak is a word in an answer. A table added later is filled
too; where a CHECK wants a certain value, it is named in `_FITTING`.
"""

from dataclasses import dataclass
from uuid import UUID

import psycopg

from qms_mcp.auth.principal import Principal

FOREIGN = "ZEBRA"
OWN = "OURS"
OWN_ROWS, FOREIGN_ROWS = 200, 300

# Identity is not seeded twice: who belongs where is what the fixtures made.
_LEFT_ALONE = {"qms.memberships"}
_FITTING = {
    ("agents.agent_runs", "status"): "'completed'",
    ("agents.agent_runs", "actor_kind"): "'agent'",
    ("agents.tool_calls", "kind"): "'tool'",
    ("agents.tool_calls", "state"): "'finished'",
    ("agents.tool_calls", "success"): "true",
    ("agents.tool_calls", "finished_at"): "now()",
    ("agents.tool_calls", "actor_kind"): "'agent'",
    ("agents.tool_calls", "tool_name"): "'execute_query'",
    ("agents.otlp_outbox", "call_id"): "NULL",
    ("ml_loop.feedback_loop", "source"): "'user'",
    ("qms.audit_logs", "actor_kind"): "'agent'",
    ("qms.approvals", "state"): "'pending'",
    ("qms.approvals", "channel"): "NULL",
    ("qms.approvals", "decided_by"): "NULL",
    ("qms.approvals", "decided_at"): "NULL",
    ("qms.approvals", "used_at"): "NULL",
    ("qms.approvals", "requested_kind"): "'agent'",
    ("qms.approvals", "content_sha256"): "encode(sha256(convert_to({word} || '-content-' || i, 'UTF8')), 'hex')",
    ("qms.migration_drafts", "name"): "lower({word}) || '_' || i",
    ("qms.migration_drafts", "sha256"): "encode(sha256(convert_to({word} || '-script-' || i, 'UTF8')), 'hex')",
    ("qms.migration_drafts", "script"): "{word} || '-script-' || i",
    (
        "qms.migration_drafts",
        "report",
    ): "jsonb_build_object('statements', 1, 'duration_ms', 1, 'created', jsonb_build_array({word}))",
    ("qms.migration_drafts", "state"): "'draft'",
    ("qms.migration_drafts", "version"): "NULL",
    ("qms.migration_drafts", "applied_at"): "NULL",
    ("qms.migration_drafts", "drafted_kind"): "'agent'",
    ("qms.transform_drafts", "state"): "'draft'",
    ("qms.transform_drafts", "applied_at"): "NULL",
    ("qms.transform_drafts", "rows_changed"): "NULL",
    ("qms.transform_drafts", "sha256"): (
        "encode(sha256(convert_to({word} || '-statement-' || i || E'\\n-- parameters: []', 'UTF8')), 'hex')"
    ),
    ("qms.transform_drafts", "statement"): "{word} || '-statement-' || i",
    ("qms.transform_drafts", "parameters"): "'[]'",
    ("qms.transform_drafts", "content"): "{word} || '-statement-' || i || E'\\n-- parameters: []'",
    ("qms.transform_drafts", "drafted_kind"): "'agent'",
}
_BY_TYPE = {
    "text": "{word} || '-{column}-' || i",
    "jsonb": "jsonb_build_object('note', {word} || '-{column}-' || i)",
    "text[]": "ARRAY[{word} || '-{column}']",
    "uuid": "gen_random_uuid()",
    "integer": "i",
    "bigint": "i",
    "boolean": "true",
    "double precision": "0.5",
    "timestamp with time zone": "now() - i * interval '1 minute'",
    "vector(1536)": "(SELECT array_agg(sin(i * k)::real) FROM generate_series(1, 1536) AS s (k))::extensions.vector",
}
_COLUMNS = """
SELECT
    format('%s.%s', n.nspname, c.relname), a.attname, format_type(a.atttypid, a.atttypmod)
FROM pg_attribute AS a
JOIN pg_class AS c ON c.oid = a.attrelid
JOIN pg_namespace AS n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p') AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = '' AND a.attidentity = ''
AND EXISTS (SELECT FROM pg_attribute AS o WHERE o.attrelid = c.oid AND o.attname = 'organization_id')
AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'qms_private')
ORDER BY 1, a.attnum
"""
_PEOPLE = {"user_id", "requested_by", "drafted_by", "given_by", "actor_id", "assigned_to", "decided_by"}


@dataclass(frozen=True)
class Seeded:
    """What was filled.

    Attributes:
        tables: Every table with rows of an organization.
        foreign_ids: Ids of the other organization: its own, its people's, and of each table one row's.
    """

    tables: tuple[str, ...]
    foreign_ids: dict[str, str]


def seed_two_organizations(superuser: str, ours: Principal, theirs: Principal) -> Seeded:
    """Fill every table of an organization; returns what there is."""
    with psycopg.connect(superuser) as connection:
        connection.execute(b"SET LOCAL session_replication_role = 'replica'")
        columns: dict[str, list[tuple[str, str]]] = {}
        for table, column, kind in connection.execute(_COLUMNS.encode()).fetchall():
            columns.setdefault(table, []).append((column, kind))
        tables = tuple(table for table in columns if table not in _LEFT_ALONE)
        for table in tables:
            for principal, word, rows in ((ours, OWN, OWN_ROWS), (theirs, FOREIGN, FOREIGN_ROWS)):
                connection.execute(_insert(table, columns[table], principal, word, rows).encode())
        ids = {"organization": str(theirs.organization_id), "person": str(theirs.user_id)}
        for table in tables:
            row = connection.execute(
                f"SELECT id FROM {table} WHERE organization_id = %s ORDER BY id LIMIT 1".encode(),
                [theirs.organization_id],
            ).fetchone()
            assert row is not None
            if isinstance(row[0], UUID):  # a number would be found in many an answer
                ids[table] = str(row[0])
    return Seeded(tables, ids)


def _insert(table: str, columns: list[tuple[str, str]], principal: Principal, word: str, rows: int) -> str:
    values = [
        _value(table, column, kind, principal).format(word=f"'{word}'", column=column) for column, kind in columns
    ]
    names = ", ".join(f'"{column}"' for column, _kind in columns)
    return f"INSERT INTO {table} ({names}) SELECT {', '.join(values)} FROM generate_series(1, {rows}) AS g (i)"


def _value(table: str, column: str, kind: str, principal: Principal) -> str:
    if column == "organization_id":
        return f"'{principal.organization_id}'::uuid"
    if (table, column) in _FITTING:
        return _FITTING[table, column]
    if column in _PEOPLE:
        return f"'{principal.user_id}'::uuid"
    return _BY_TYPE[kind]
