"""A database of the version before quality records had numbers, brought up to date with its rows in it."""

from collections.abc import Generator
from uuid import uuid4

import psycopg
import pytest

from qms_mcp.db import migrate
from qms_mcp.db.embedded import EmbeddedPostgres
from qms_mcp.db.embedded.bootstrap import open_copy
from qms_mcp.db.migrate import Migrator, shipped_migrations

pytestmark = pytest.mark.anyio
LAST_BEFORE = "0006"


@pytest.fixture
def empty_database(embedded: EmbeddedPostgres, template: str) -> Generator[str]:
    """An empty database as the embedded server makes one; the template is there for its roles."""
    assert template
    name = f"u_{uuid4().hex[:10]}"
    with psycopg.connect(embedded.conninfo("postgres", "postgres"), autocommit=True) as admin:
        admin.execute(f"CREATE DATABASE {name} OWNER qms_owner".encode())
    with psycopg.connect(embedded.conninfo(name, "postgres"), autocommit=True) as admin:
        admin.execute(b"CREATE SCHEMA extensions AUTHORIZATION qms_owner")
        admin.execute(b"CREATE EXTENSION vector SCHEMA extensions")
    open_copy(embedded.conninfo(name, "postgres"))
    yield name
    with psycopg.connect(embedded.conninfo("postgres", "postgres"), autocommit=True) as admin:
        admin.execute(f"DROP DATABASE {name} WITH (FORCE)".encode())


async def test_records_from_before_get_number_workflow_and_trail(
    embedded: EmbeddedPostgres, empty_database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    everything = shipped_migrations()
    monkeypatch.setattr(
        migrate, "shipped_migrations", lambda: [one for one in everything if one.version <= LAST_BEFORE]
    )
    await Migrator(embedded.conninfo(empty_database, "qms_owner")).migrate()
    organization, person = uuid4(), uuid4()
    with psycopg.connect(embedded.conninfo(empty_database, "postgres"), autocommit=True) as admin:
        admin.execute(b"INSERT INTO auth.users (id, email) VALUES (%s, 'a@b.example')", [person])
        admin.execute(b"INSERT INTO qms.organizations (id, name, slug) VALUES (%s, 'Old', 'old')", [organization])
        for category, status in (
            ("capa", "draft"),
            ("capa", "investigation"),
            ("complaint", "somewhere"),
            ("own", "x"),
        ):
            admin.execute(
                b"INSERT INTO qms.quality_items (organization_id, title, category, status, created_at) "
                b"VALUES (%s, 'Old one', %s, %s, '2025-03-01')",
                [organization, category, status],
            )
    monkeypatch.setattr(migrate, "shipped_migrations", lambda: everything)
    await Migrator(embedded.conninfo(empty_database, "qms_owner")).migrate()
    with psycopg.connect(embedded.conninfo(empty_database, "postgres"), autocommit=True) as admin:
        rows = admin.execute(
            b"SELECT category, number, status, metadata ->> 'state_before_upgrade', definition_id IS NOT NULL "
            b"FROM qms.quality_items ORDER BY number NULLS LAST"
        ).fetchall()
        assert sorted(rows[:2]) == sorted([
            ("capa", rows[0][1], rows[0][2], None, True),
            ("capa", rows[1][1], rows[1][2], None, True),
        ])  # fmt: skip
        assert [row[1] for row in rows] == ["CAPA-2025-0001", "CAPA-2025-0002", "CMP-2025-0001", None]
        assert {row[2] for row in rows[:2]} == {"draft", "investigation"}
        assert rows[2][2:] == ("received", "somewhere", True)
        assert rows[3][0] == "own"
        assert admin.execute(b"SELECT count(*) FROM qms.capas").fetchone() == (2,)
        trail = admin.execute(
            b"SELECT a.seq, a.row_hash = qms.audit_hash(a.prev_hash, a.*::qms.audit_logs) "
            b"FROM qms.audit_logs AS a ORDER BY a.seq"
        ).fetchall()
        assert [seq for seq, _right in trail] == list(range(1, len(trail) + 1))
        assert all(right for _seq, right in trail)
        assert len(trail) >= 4 + 3 + 3
