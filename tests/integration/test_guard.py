"""The guard over the hostile and the harmless set, on the product's own PostgreSQL."""

from collections import Counter
from collections.abc import AsyncGenerator
from typing import Any

import psycopg
import pytest

from qms_mcp.db.database import Database
from qms_mcp.db.embedded import EmbeddedPostgres
from qms_mcp.db.guard import Guard
from qms_mcp.errors import (
    InvalidInputError,
    LimitExceededError,
    QmsError,
    RefusedStatementError,
    StatementError,
)
from tests.conftest import Tenants
from tests.support.harmless import HARMLESS, Harmless
from tests.support.hostile import CANARY, FIXTURES, HOSTILE, Hostile

pytestmark = pytest.mark.anyio

REFUSALS = (RefusedStatementError, StatementError, InvalidInputError, LimitExceededError)


@pytest.fixture
async def lab(database: Database, tenants: Tenants) -> AsyncGenerator[Database]:
    """A database with the traps in it."""
    async with database.owner_transaction() as transaction:
        await make_lab(transaction.connection, tenants)
    yield database


async def make_lab(connection: psycopg.AsyncConnection[Any], tenants: Tenants) -> None:
    await connection.execute(
        "SELECT set_config('lab.ours', %s, true), set_config('lab.theirs', %s, true)",
        [str(tenants.ours.organization_id), str(tenants.theirs.organization_id)],
    )
    await connection.execute(FIXTURES.encode())


async def verdict_of(database: Database, guard: Guard, sql: str, types: tuple[str, ...] = ()) -> str:
    """Return the error's class and prose, or nothing when the statement may run."""
    async with database.probe_transaction() as transaction:
        try:
            await guard.inspect(transaction.connection, sql, parameter_types=types)
        except QmsError as error:
            return f"{type(error).__name__}: {error.prose()}"
    return ""


async def test_every_hostile_statement_is_refused_or_left_to_the_limits(lab: Database) -> None:
    guard = Guard()
    wrong: list[str] = []
    for hostile in HOSTILE:
        answer = await verdict_of(lab, guard, hostile.sql)
        if bool(answer) != (hostile.stopped_by == "guard"):
            wrong.append(f"{hostile.category}: {hostile.sql[:120]!r}: {answer[:200] or 'passed'}")
    assert not wrong, "\n".join(wrong)


async def test_every_harmless_statement_may_run(lab: Database) -> None:
    guard = Guard()
    wrong: list[str] = []
    for harmless in HARMLESS:
        answer = await verdict_of(lab, guard, harmless.sql, harmless.parameter_types)
        if answer:
            wrong.append(f"{harmless.category}: {harmless.sql[:120]!r}: {answer}")
    assert not wrong, "\n".join(wrong)


def test_the_sets_are_as_large_as_they_should_be() -> None:
    assert len(HOSTILE) >= 120
    assert len(HARMLESS) >= 45
    assert len({hostile.sql for hostile in HOSTILE}) == len(HOSTILE)
    assert Counter(hostile.category for hostile in HOSTILE).total() == len(HOSTILE)
