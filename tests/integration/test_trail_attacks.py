"""With the role of the application and any SQL, nothing of what is recorded can be broken.

One database serves all attacks of this file: each must leave it exactly as it was, with its rows, rights, triggers
and functions.
"""

import json
import os
from collections.abc import Generator
from dataclasses import dataclass, field
from uuid import UUID

import anyio
import psycopg
import pytest
from psycopg import sql

from qms_mcp.auth.principal import Principal
from qms_mcp.db.database import Database
from qms_mcp.db.embedded import EmbeddedPostgres
from qms_mcp.db.queries import Query, query
from tests.conftest import add_person, copied_database, two_tenants, wiring_for
from tests.support.attacks import ATTACKS, READINGS
from tests.support.people import person_with_password, sign

REASON = "an attack on the records"
# The role of the SQL tools may do less still; its turn takes as long and comes before a release.
ROLES = ("qms_app", pytest.param("qms_sql", marks=pytest.mark.slow))
# An attack that fails because of a slip of its own proves nothing.
SLIPS = {
    "42601", "42P01", "42703", "42883", "42704", "42P02", "42804", "42P18", "42725", "22P02", "42702", "23502", "42846",
}  # fmt: skip
ROWS = """
SELECT string_agg(format(
    'SELECT %L || %L || coalesce(md5(string_agg(t::text, chr(10) ORDER BY t::text)), %L) AS digest FROM %I.%I AS t',
    c.relname, ' ', 'empty', n.nspname, c.relname
), ' UNION ALL ' ORDER BY n.nspname, c.relname)
FROM pg_class AS c INNER JOIN pg_namespace AS n ON c.relnamespace = n.oid
WHERE n.nspname IN ('qms', 'qms_private', 'auth') AND c.relkind = 'r'
"""
RIGHTS = """
SELECT md5(concat(
    (SELECT string_agg(concat(t.tgrelid::regclass, t.tgname, t.tgenabled), ' ' ORDER BY t.tgrelid, t.tgname)
     FROM pg_trigger AS t),
    (SELECT string_agg(p::text, ' ' ORDER BY p.oid) FROM pg_policy AS p),
    (SELECT string_agg(concat(c.relname, c.relowner, c.relacl::text, c.relrowsecurity, c.relforcerowsecurity), ' '
        ORDER BY c.oid) FROM pg_class AS c INNER JOIN pg_namespace AS n ON c.relnamespace = n.oid
        WHERE n.nspname IN ('qms', 'qms_private', 'auth', 'public')),
    (SELECT string_agg(concat(p.proname, p.proowner, p.proacl::text, md5(p.prosrc)), ' ' ORDER BY p.oid)
     FROM pg_proc AS p INNER JOIN pg_namespace AS n ON p.pronamespace = n.oid
     WHERE n.nspname IN ('qms', 'qms_private', 'auth', 'public')),
    (SELECT string_agg(concat(r.rolname, r.rolsuper, r.rolbypassrls), ' ' ORDER BY r.oid) FROM pg_roles AS r),
    (SELECT string_agg(concat(m.roleid, m.member), ' ' ORDER BY m.oid) FROM pg_auth_members AS m),
    (SELECT string_agg(n.nspname, ' ' ORDER BY n.oid) FROM pg_namespace AS n WHERE n.nspname !~ '^pg_')
)) AS digest
"""


@dataclass(frozen=True)
class Arena:
    """A database with two organizations, and the names of what is in it."""

    server: str
    sql_tools: str
    superuser: str
    names: dict[str, str]
    ours: Principal
    last_digest: list[str] = field(default_factory=list[str])

    def filled(self, statement: str) -> str:
        for name, value in self.names.items():
            statement = statement.replace("{" + name + "}", value)
        return statement

    def digest(self) -> list[str]:
        with psycopg.connect(self.superuser, autocommit=True) as connection:
            (statement,) = connection.execute(ROWS.encode()).fetchone() or ("",)
            rows = connection.execute(str(statement).encode()).fetchall()
            return [*sorted(str(row[0]) for row in rows), str(connection.execute(RIGHTS.encode()).fetchone())]

    def attack(self, role: str, statement: str) -> list[object]:
        """Run it with an identity, as that role, and commit; returns what came back."""
        answer: list[object] = []
        with (
            psycopg.connect(self.server, autocommit=True) as server,
            psycopg.connect(self.sql_tools if role == "qms_sql" else self.server, autocommit=True) as connection,
            connection.transaction(),
        ):
            pid = connection.info.backend_pid
            mint = "SELECT qms_private.mint_identity(%s, %s, 'agent', %s)"
            who = [self.ours.user_id, self.ours.organization_id, pid]
            ticket = (server.execute(mint.encode(), who).fetchone() or ("",))[0]
            for name, value in (("qms.identity", ticket), ("qms.reason", REASON), ("role", role)):
                setting = sql.SQL("SET LOCAL {} = {}").format(sql.Identifier(*name.split(".")), sql.Literal(value))
                connection.execute(setting)
            cursor = connection.execute(self.filled(statement).encode())
            while True:
                if cursor.description:
                    answer = list(cursor.fetchall())
                if not cursor.nextset():
                    return answer


async def prepare(database: Database) -> tuple[Principal, dict[str, str]]:
    tenants = await two_tenants(database)
    signer, password = await person_with_password(database, tenants.ours.organization_id, "northwind", "qa_approver")
    colleague = await add_person(database, tenants.ours.organization_id, "northwind", "owner")

    async def made(principal: Principal, category: str, title: str) -> str:
        add = Query("t", "SELECT r.id FROM qms.add_record(%(category)s, %(fields)s::jsonb) AS r")
        async with database.transaction(principal, because="set up for attacks") as transaction:
            params = {"category": category, "fields": json.dumps({"title": title})}
            return str((await transaction.fetch_dicts(add, params))[0]["id"])

    async def part(record: str, name: str, **fields: object) -> str:
        add = Query("t", "SELECT qms.add_part(%(record)s, %(part)s, %(fields)s::jsonb) AS id")
        async with database.transaction(tenants.ours, because="set up for attacks") as transaction:
            params = {"record": record, "part": name, "fields": json.dumps(fields)}
            return str((await transaction.fetch_dicts(add, params))[0]["id"])

    async def asked(record: str) -> str:
        ask = Query("t", "SELECT a.id FROM qms.request_decision(%(id)s, NULL, NULL, 'review', 'please read this') AS a")
        async with database.transaction(tenants.ours, because="set up for attacks") as transaction:
            return str((await transaction.fetch_dicts(ask, {"id": record}))[0]["id"])

    record = await made(tenants.ours, "capa", "Burrs on the housing")
    nonconformance = await made(tenants.ours, "nonconformance", "Scratches")
    for category in ("complaint", "document", "training"):
        await made(tenants.ours, category, f"A {category}")
    foreign = await made(tenants.theirs, "capa", "a foreign secret")
    action = await part(record, "capa_actions", action_type="corrective", description="Polish cavity 2")
    disposition = await part(nonconformance, "dispositions", disposition="rework", quantity=3)
    first = await asked(record)
    decided = await sign(database, UUID(first), signer, password)
    assert decided is not None
    load = Query(
        "t",
        "INSERT INTO qms.quality_items (organization_id, category, title, status) "
        "VALUES (%(org)s, 'capa', 'closed long ago', 'closed') RETURNING id",
    )
    details = Query("t", "INSERT INTO qms.capas (id, organization_id) VALUES (%(id)s, %(org)s)")
    step = Query(
        "t",
        "SELECT d.category, e.to_state FROM qms.workflow_definitions AS d, qms_private.edges(d.body) AS e "
        "WHERE d.organization_id IS NULL AND e.person AND e.from_state = d.body ->> 'initial' "
        "ORDER BY d.category, e.to_state LIMIT 1",
    )
    async with database.owner_transaction() as transaction:
        await transaction.execute(query("local_owner.administer"))
        locked = str((await transaction.fetch_dicts(load, {"org": tenants.ours.organization_id}))[0]["id"])
        await transaction.execute(details, {"id": locked, "org": tenants.ours.organization_id})
        (person_step,) = await transaction.fetch_dicts(step)
        definition = await transaction.fetch_dicts(
            Query("t", "SELECT id FROM qms.workflow_definitions WHERE category = 'document' LIMIT 1")
        )
    return tenants.ours, {
        "ours": str(tenants.ours.organization_id),
        "theirs": str(tenants.theirs.organization_id),
        "record": record,
        "locked": locked,
        "foreign": foreign,
        "action": action,
        "disposition": disposition,
        "approval": await asked(record),
        "signable": await made(tenants.ours, person_step["category"], "Waits for a person"),
        "person_step": person_step["to_state"],
        "me": str(tenants.ours.user_id),
        "colleague": str(colleague.user_id),
        "stranger": str(tenants.theirs.user_id),
        "definition": str(definition[0]["id"]),
    }


@pytest.fixture(scope="module")
def arena(embedded: EmbeddedPostgres, template: str) -> Generator[Arena]:
    with copied_database(embedded, template) as name:
        wiring = wiring_for(embedded, name)

        async def work() -> tuple[Principal, dict[str, str]]:
            database = Database(wiring)
            await database.open()
            try:
                return await prepare(database)
            finally:
                await database.close()

        ours, names = anyio.run(work)
        yield Arena(wiring.server, wiring.sql, embedded.conninfo(name, "postgres"), names, ours)


def test_there_are_enough_attacks_and_each_is_another_one() -> None:
    assert len(set(ATTACKS.values())) == len(ATTACKS) >= 40


def refusal(arena: Arena, role: str, statement: str) -> tuple[str, list[object]]:
    """Return why a statement was refused, or what it returned."""
    try:
        return "", arena.attack(role, statement)
    except psycopg.Error as refused:
        return f"{refused.sqlstate}: {refused}".splitlines()[0], []


# A third of them in every run, all of them before a release.
SOME = [name if at % 3 == 0 else pytest.param(name, marks=pytest.mark.slow) for at, name in enumerate(ATTACKS)]


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("name", SOME)
def test_an_attack_changes_nothing(arena: Arena, name: str, role: str) -> None:
    before = list(arena.last_digest) or arena.digest()
    why, _answer = refusal(arena, role, ATTACKS[name])
    arena.last_digest[:] = arena.digest()
    assert arena.last_digest == before, why
    assert why[:5] not in SLIPS, why
    if os.environ.get("QMS_SHOW_ATTACKS"):
        print(f"\n{role} | {name} | {why or 'ran, and reached nothing'}")  # noqa: T201


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("name", READINGS)
def test_what_belongs_to_others_is_not_read(arena: Arena, name: str, role: str) -> None:
    why, answer = refusal(arena, role, READINGS[name])
    assert why[:5] not in SLIPS, why
    assert answer == []
    if os.environ.get("QMS_SHOW_ATTACKS"):
        print(f"\n{role} | reading {name} | {why or 'nothing there'}")  # noqa: T201


def test_a_step_an_agent_takes_does_not_name_an_approval_it_chose(arena: Arena) -> None:
    fields = '{"source_kind": "internal", "problem_statement": "Burrs", "risk_class": "low", "owner_id": "{me}"}'
    arena.attack("qms_app", "SELECT qms.change_record('{record}', NULL, '" + fields + "')")
    statement = "SELECT qms.transition('{record}', NULL, 'open', 'because I can do it')"
    arena.attack("qms_app", "SET LOCAL qms.approval_id = '{approval}'; " + statement)
    cited = "SELECT approval_id FROM qms.transitions WHERE record_id = '{record}' ORDER BY created_at DESC LIMIT 1"
    assert arena.attack("qms_app", cited) == [(None,)]


def test_the_same_statements_work_where_they_may(arena: Arena) -> None:
    # The attacks fail because of what they try, and not because the arena lets nothing through.
    before = arena.digest()
    arena.attack("qms_app", "UPDATE qms.quality_items SET title = 'Burrs, cavity 2' WHERE id = '{record}'")
    assert arena.digest() != before
    assert arena.attack("qms_sql", "SELECT title FROM qms.quality_items WHERE id = '{record}'") == [
        ("Burrs, cavity 2",)
    ]
