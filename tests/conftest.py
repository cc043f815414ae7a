"""Fixtures: a real PostgreSQL for every test that touches data.

One embedded server per session; its migrated database is a template, and each test gets a copy of its own, with two
organizations in it. A module marked `shared_database` gets one copy for all its tests, and each test organizations of
its own: for tests that look at records of their organizations alone, and change nothing that holds for all.
"""

import os
import shutil
from collections.abc import AsyncGenerator, Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID, uuid4

import anyio
import psycopg
import pytest
from psycopg import sql

from qms_mcp.auth.principal import Principal
from qms_mcp.db.database import Database
from qms_mcp.db.embedded import EmbeddedPostgres
from qms_mcp.db.embedded.bootstrap import open_copy
from qms_mcp.db.local_owner import ensure_local_owner
from qms_mcp.db.migrate import Migrator
from qms_mcp.db.queries import query
from qms_mcp.db.transaction import Transaction
from qms_mcp.db.wiring import Wiring
from tests.support.homes import remove_started_home
from tests.support.places import is_in_memory, new_place

TEMPLATE = "qms"
# Why records change in a test; the trail of regulated tables needs to know.
REASON = "A test asks for it."
# The organizations of earlier tests in a shared database give up the short names that each test uses.
_FORMER = b"UPDATE qms.organizations SET slug = 'former-' || id WHERE slug IN ('northwind', 'contoso')"


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Remove what the workers shared, once all of them have ended."""
    if not hasattr(session.config, "workerinput"):
        remove_started_home()


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="session")
def short_tmp() -> Generator[Path]:
    """A folder whose path is short enough for sockets and open to the user the server runs as."""
    folder = new_place()
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def embedded(short_tmp: Path) -> Generator[EmbeddedPostgres]:
    server = EmbeddedPostgres(short_tmp / "home", linger=0.2, settings={"fsync": "off", "max_connections": "120"})
    server.ensure_running()
    yield server
    server.release()
    server.stop()


def wiring_for(server: EmbeddedPostgres, database: str) -> Wiring:
    return Wiring(
        server=server.conninfo(database, "qms_server"),
        sql=server.conninfo(database, "qms_sql"),
        owner=server.conninfo(database, "qms_owner"),
        max_connections=4,
    )


@pytest.fixture(scope="session")
def template(embedded: EmbeddedPostgres) -> str:
    """The migrated database all others are copied from."""

    async def prepare() -> None:
        wiring = wiring_for(embedded, TEMPLATE)
        await Migrator(wiring.owner).migrate()
        database = Database(wiring)
        await database.open()
        await ensure_local_owner(database)
        await database.close()

    anyio.run(prepare)
    return TEMPLATE


@contextmanager
def copied_database(embedded: EmbeddedPostgres, template: str) -> Generator[str]:
    """Yield the name of a copy of the migrated database."""
    name = f"t_{uuid4().hex[:12]}"
    # Files are copied faster than pages are logged, but for two checkpoints, which cost nothing in memory alone.
    strategy = sql.SQL("file_copy" if is_in_memory(embedded.home) else "wal_log")
    with psycopg.connect(embedded.conninfo("postgres", "postgres"), autocommit=True) as admin:
        create = sql.SQL("CREATE DATABASE {} TEMPLATE {} OWNER qms_owner STRATEGY {}")
        admin.execute(create.format(sql.Identifier(name), sql.Identifier(template), strategy))
        open_copy(embedded.conninfo(name, "postgres"))
        yield name
        admin.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


@pytest.fixture(scope="module")
def shared_database_name(embedded: EmbeddedPostgres, template: str) -> Generator[str]:
    """One copy for a whole module."""
    with copied_database(embedded, template) as name:
        yield name


@pytest.fixture
def database_name(embedded: EmbeddedPostgres, template: str, request: pytest.FixtureRequest) -> Generator[str]:
    """A copy for this test, or that of its module where the module says that it shares one."""
    if shares_database(request):
        shared = str(request.getfixturevalue("shared_database_name"))
        with psycopg.connect(embedded.conninfo(shared, "postgres"), autocommit=True) as superuser:
            superuser.execute(_FORMER)
        yield shared
        return
    with copied_database(embedded, template) as name:
        yield name


def shares_database(request: pytest.FixtureRequest) -> bool:
    """Say whether the tests of this module tell their records apart by organization alone."""
    return request.node.get_closest_marker("shared_database") is not None


@pytest.fixture
def wiring(embedded: EmbeddedPostgres, database_name: str) -> Wiring:
    return wiring_for(embedded, database_name)


@pytest.fixture(scope="module")
async def shared_database(embedded: EmbeddedPostgres, shared_database_name: str) -> AsyncGenerator[Database]:
    """The pools of a whole module: what connections have planned and compiled serves its later tests too."""
    opened = Database(wiring_for(embedded, shared_database_name))
    await opened.open()
    yield opened
    await opened.close()


@pytest.fixture
async def own_database(wiring: Wiring) -> AsyncGenerator[Database]:
    opened = Database(wiring)
    await opened.open()
    yield opened
    await opened.close()


@pytest.fixture
def database(request: pytest.FixtureRequest, database_name: str) -> Database:
    """The database of this test: its own, or its module's."""
    return request.getfixturevalue("shared_database" if shares_database(request) else "own_database")


@dataclass(frozen=True)
class Tenants:
    """Two organizations and who acts in each; `ours` is an administrator, `theirs` belongs to somebody else."""

    ours: Principal
    theirs: Principal
    auditor: Principal


async def add_person(database: Database, organization_id: UUID, slug: str, *roles: str) -> Principal:
    """Add a person (and the organization, if it is new) and return the person as an agent's principal."""
    async with database.owner_transaction() as transaction:
        return await _enter_person(transaction, organization_id, slug, *roles)


async def _enter_person(transaction: Transaction, organization_id: UUID, slug: str, *roles: str) -> Principal:
    user_id = uuid4()
    email = f"{user_id.hex[:8]}@{slug}.example"
    params = {
        "organization_id": organization_id,
        "user_id": user_id,
        "email": email,
        "printed_name": f"Person {user_id.hex[:6]}",
        "organization_name": slug.title(),
        "slug": slug,
        "roles": list(roles),
    }
    for step in ("administer", "user", "organization", "person", "membership"):
        await transaction.execute(query(f"local_owner.{step}"), params)
    return Principal(user_id, organization_id, frozenset(roles), "agent", email)


async def two_tenants(database: Database) -> Tenants:
    """Add two organizations and their people: on one connection, as nearly every test waits for it."""
    ours, theirs = uuid4(), uuid4()
    people: list[Principal] = []
    async with database.owner_transaction() as transaction:
        for organization_id, slug, *roles in (
            (ours, "northwind", "admin", "owner", "approver"),
            (theirs, "contoso", "admin", "owner", "approver"),
            (ours, "northwind", "auditor"),
        ):
            people.append(await _enter_person(transaction, organization_id, slug, *roles))
            await transaction.connection.execute(b"COMMIT AND CHAIN")  # each person at a time of their own
    return Tenants(*people)


@pytest.fixture
async def tenants(database: Database) -> Tenants:
    return await two_tenants(database)


@pytest.fixture
def clean_environment(short_tmp: Path) -> dict[str, str]:
    """The environment a client of somebody else would give the server: nothing but a path and a home."""
    home = short_tmp / f"home-{uuid4().hex[:6]}"
    home.mkdir()
    return {"PATH": os.environ["PATH"], "HOME": str(home)}
