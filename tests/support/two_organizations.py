"""Hundreds of rows of two organizations in every table that has any, made from the catalogue.

Every text of the other organization holds `FOREIGN`, so a leak is a word in an answer. A table added later is filled
too: its values follow from types, foreign keys and CHECKs (see `fitting_values`). Only where the catalogue does not
say enough, a value is named in `_FITTING`.
"""

from dataclasses import dataclass, field
from uuid import UUID

import psycopg
from psycopg import errors

from qms_mcp.auth.principal import Principal
from tests.support.fitting_values import Column, columns_of_tenant_tables, fitting, row_id

FOREIGN = "ZEBRA"
OWN = "OURS"
OWN_ROWS, FOREIGN_ROWS = 200, 300

_ITEMS = "qms.quality_items"
_SIGNED = "jsonb_build_object('note', {word} || '-content-' || i)"
# Identity is not seeded twice: who belongs where is what the fixtures made.
_LEFT_ALONE = {"qms.memberships", "agents.turnstiles"}
# The index is made of the records; of it, these are looked at.
_DERIVED = "search."
_INDEX = ("search.sources", "search.chunks")
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
    ("ml_loop.gate_reports", "passed"): "false",
    ("ml_loop.gate_reports", "content_sha256"): "encode(sha256(convert_to({word} || '-content-' || i, 'UTF8')), 'hex')",
    ("qms.audit_logs", "entity_type"): f"'{_ITEMS}'",
    ("qms.audit_logs", "entity_id"): row_id(_ITEMS),
    ("qms.audit_logs", "record_id"): row_id(_ITEMS),
    ("qms.evidence_links", "withdrawn"): "false",
    ("qms.capas", "criterion"): (
        "jsonb_build_object('metric', {word} || ' of the line', 'measure', 'count', 'counted', "
        "jsonb_build_object('category', 'nonconformance'), 'baseline', 4, 'target', 0, 'comparator', '<=')"
    ),
    ("qms.capas", "window_starts_on"): "current_date - 60",
    ("qms.capas", "window_ends_on"): "current_date - 2",
    ("qms.signatures", "zone"): "'Europe/Oslo'",
    ("qms.signatures", "content"): _SIGNED,
    ("qms.signatures", "content_sha256"): f"encode(sha256(convert_to(({_SIGNED})::text, 'UTF8')), 'hex')",
    ("qms.audit_logs", "seq"): "i + {last_seq}",
    (_ITEMS, "category"): "{category}",
    ("qms.workflow_definitions", "category"): "{category}",
    ("qms.workflow_definitions", "body"): "{definition}.body || jsonb_build_object('note', {word})",
    ("qms.workflow_drafts", "category"): "{category}",
    ("qms.workflow_drafts", "body"): "{definition}.body || jsonb_build_object('note', {word})",
    (_ITEMS, "status"): "coalesce({definition}.body ->> 'initial', 'draft')",
    (_ITEMS, "definition_id"): "{definition}.id",
    (_ITEMS, "number"): "{prefix} || '-' || extract(year FROM now()) || '-' || lpad(i::text, 4, '0')",
    (_ITEMS, "version"): "1",
    (_ITEMS, "touched_by_transaction"): "NULL",
    (_ITEMS, "closed_at"): "NULL",
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
_LAST_SEQ = "coalesce((SELECT h.seq FROM qms_private.trail_heads AS h WHERE h.organization_id = '{organization}'), 0)"
_PEOPLE_TABLES = {"auth.users", "qms.people"}
_PEOPLE = {"user_id", "requested_by", "drafted_by", "given_by", "actor_id", "assigned_to", "decided_by"}


@dataclass(frozen=True)
class Seeded:
    """What was filled.

    Attributes:
        tables: Every table with rows of an organization.
        own_rows: How many rows of each are the first organization's.
        foreign_ids: Ids of the other organization: its own, its people's, and of each table one row's.
    """

    tables: tuple[str, ...]
    own_rows: dict[str, int]
    foreign_ids: dict[str, str]


@dataclass(frozen=True)
class _Share:
    """The rows of one organization."""

    principal: Principal
    word: str
    rows: int
    types: "_Types"


@dataclass(frozen=True)
class _Types:
    """The types of records: which table has the fields of which, and how they are numbered."""

    categories: tuple[str, ...] = ("capa",)
    prefixes: tuple[str, ...] = ("CAPA",)
    tables: tuple[str, ...] = field(default=("",))

    def number_of(self, table: str) -> int | None:
        """Return the place of the type whose fields a table holds, from 0."""
        return self.tables.index(table) if table in self.tables else None


def seed_two_organizations(superuser: str, ours: Principal, theirs: Principal) -> Seeded:
    """Fill every table of an organization; returns what there is."""
    with psycopg.connect(superuser) as connection:
        connection.execute(b"SET LOCAL session_replication_role = 'replica'")
        columns = columns_of_tenant_tables(connection)
        types = _types(connection)
        tables = tuple(table for table in columns if table not in _LEFT_ALONE and not table.startswith(_DERIVED))
        shares = (_Share(ours, OWN, OWN_ROWS, types), _Share(theirs, FOREIGN, FOREIGN_ROWS, types))
        for share in shares:
            for table in tables:
                _fill(connection, table, columns[table], share)
            _number_on(connection, share)
            _chain(connection, share)
        connection.execute(b"SELECT search.index_record(i.id) FROM qms.quality_items AS i")
        tables += _INDEX
        ids = {"organization": str(theirs.organization_id), "person": str(theirs.user_id)}
        own_rows: dict[str, int] = {}
        for table in tables:
            own_rows[table] = len(_ids(connection, table, ours))
            foreign = _ids(connection, table, theirs)[0]
            if isinstance(foreign, UUID):  # a number would be found in many an answer
                ids[table] = str(foreign)
    return Seeded(tables, own_rows, ids)


def _types(connection: psycopg.Connection) -> _Types:
    rows = connection.execute(
        b"SELECT category, prefix, 'qms.' || table_name FROM qms.record_types ORDER BY category"
    ).fetchall()
    return _Types(*(tuple(str(row[place]) for row in rows) for place in range(3)))


def _ids(connection: psycopg.Connection, table: str, of: Principal) -> list[object]:
    statement = f"SELECT id FROM {table} WHERE organization_id = %s ORDER BY id"
    found = [row[0] for row in connection.execute(statement.encode(), [of.organization_id]).fetchall()]
    assert found, table
    return found


def _fill(connection: psycopg.Connection, table: str, columns: list[Column], share: _Share) -> None:
    """Insert the rows; where the values made do not fit a CHECK, the last column of it that may is left empty."""
    empty: set[str] = set()
    while True:
        try:
            with connection.transaction():
                connection.execute(_insert(table, columns, share, empty).encode())
        except errors.CheckViolation as refused:
            concerned = [c.name for c in columns if refused.diag.constraint_name in c.checks and not c.required]
            left = [name for name in concerned if name not in empty and (table, name) not in _FITTING]
            if not left:
                raise AssertionError(f"name values in _FITTING for {table}: {refused}") from refused
            empty.add(left[-1])
        else:
            return


def _insert(table: str, columns: list[Column], share: _Share, empty: set[str]) -> str:
    shift = 0
    values: list[str] = []
    for column in columns:
        values.append(_value(table, column, share, empty, shift))
        shift += column.refers is not None and column.refers[0] == _ITEMS and column.name != "id"
    count, place = len(share.types.categories), share.types.number_of(table)
    only = "" if place is None else f" WHERE (i - 1) % {count} = {place}"
    names = ", ".join(f'"{column.name}"' for column in columns)
    source = f"generate_series(1, {share.rows}) AS g (i)"
    if any("{definition}" in value for value in values):
        source += f" LEFT JOIN LATERAL ({_DEFINITION}) AS definition ON true"
    statement = f"INSERT INTO {table} ({names}) SELECT {', '.join(values)} FROM {source}{only}"
    for name, listed in (("{category}", share.types.categories), ("{prefix}", share.types.prefixes)):
        chosen = ", ".join(f"'{one}'" for one in listed)
        statement = statement.replace(name, f"(ARRAY[{chosen}])[1 + (i - 1) % {count}]")
    statement = statement.replace("{definition}", "definition").replace("{word}", f"'{share.word}'")
    return statement.replace("{last_seq}", _LAST_SEQ.format(organization=share.principal.organization_id))


_DEFINITION = (
    "SELECT d.id, d.body FROM qms.workflow_definitions AS d "
    "WHERE d.organization_id IS NULL AND d.category = {category} ORDER BY d.version DESC LIMIT 1"
)


def _value(table: str, column: Column, share: _Share, empty: set[str], shift: int) -> str:
    if column.name == "organization_id":
        return f"'{share.principal.organization_id}'::uuid"
    if (table, column.name) in _FITTING:
        return _FITTING[table, column.name]
    if column.name in empty:
        return "NULL"
    if column.name in _PEOPLE or (column.refers and column.refers[0] in _PEOPLE_TABLES):
        return f"'{share.principal.user_id}'::uuid"
    if column.refers:
        return _reference(table, column, share, shift)
    return row_id(table) if column.name == "id" and column.type == "uuid" else fitting(column)


def _reference(table: str, column: Column, share: _Share, shift: int) -> str:
    """Return the id of a row of the same organization, or the key of a row that belongs to none."""
    assert column.refers is not None
    target, key = column.refers
    if target == table and not column.required:
        return "NULL"  # a tree would become a ring
    if column.in_organization:
        return row_id(target, _number(column, share, shift) if target == _ITEMS else "i")
    return (
        f"(SELECT r.{key} FROM (SELECT t.{key}, row_number() OVER (ORDER BY t.{key}) AS n, count(*) OVER () AS total "
        f"FROM {target} AS t) AS r WHERE r.n = 1 + i % r.total)"
    )


def _number(column: Column, share: _Share, shift: int) -> str:
    """Return which record is meant: `supplier_id` means a supplier, and two references of a row differ."""
    if column.name == "id":
        return "i"
    categories = share.types.categories
    named = column.name.removesuffix("_id")
    if named not in categories:
        return f"1 + (i - 1 + {shift}) % {share.rows}"
    count = len(categories)
    return f"{categories.index(named) + 1} + {count} * (i % {share.rows // count})"


def _number_on(connection: psycopg.Connection, share: _Share) -> None:
    """Have the next record numbered after those that are there."""
    connection.execute(
        b"INSERT INTO qms_private.record_numbers (organization_id, prefix, year, last_number) "
        b"SELECT %s, t.prefix, extract(year FROM now()), %s FROM qms.record_types AS t",
        [share.principal.organization_id, share.rows],
    )


def _chain(connection: psycopg.Connection, share: _Share) -> None:
    """Make a real chain of the trail, so that what is written next goes on from there."""
    chained = f"""
    DO $$
    DECLARE
        entry qms.audit_logs;
        before text := repeat('0', 64);
    BEGIN
        FOR entry IN SELECT a.* FROM qms.audit_logs AS a
            WHERE a.organization_id = '{share.principal.organization_id}' ORDER BY a.seq LOOP
            entry.prev_hash := before;
            before := qms.audit_hash(before, entry);
            UPDATE qms.audit_logs AS a SET prev_hash = entry.prev_hash, row_hash = before WHERE a.id = entry.id;
        END LOOP;
        INSERT INTO qms_private.trail_heads AS h (organization_id, seq, row_hash)
        VALUES (entry.organization_id, entry.seq, before)
        ON CONFLICT (organization_id) DO UPDATE SET seq = excluded.seq, row_hash = excluded.row_hash;
    END
    $$"""
    connection.execute(chained.encode())
