"""A token on an external database: who it makes of its bearer, and that it stops counting when it runs out."""

import time
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import jwt
import pytest

from qms_mcp.auth.principal import Principal
from qms_mcp.db.database import Database
from qms_mcp.db.queries import Query
from qms_mcp.db.wiring import Wiring
from qms_mcp.errors import NotAuthenticatedError
from qms_mcp.services.identify import identify
from qms_mcp.settings import Settings
from tests.conftest import Tenants, add_person

pytestmark = pytest.mark.anyio

SECRET = "a secret of a project, long enough for HS256"  # noqa: S105 - made up


def bearer(wiring: Wiring, person: Principal, *, seconds: int = 600, **more: str) -> Settings:
    now = int(time.time())
    claims = {"sub": str(person.user_id), "aud": "authenticated", "iat": now - 900, "exp": now + seconds}
    given = {"DATABASE_URL": wiring.server, "QMS_JWT_SECRET": SECRET}
    return Settings.from_environment({**given, "QMS_ACCESS_TOKEN": jwt.encode(claims, SECRET, "HS256"), **more})


async def test_a_token_makes_its_person_the_principal(database: Database, wiring: Wiring, tenants: Tenants) -> None:
    found = await identify(database, bearer(wiring, tenants.ours))
    assert (found.user_id, found.organization_id) == (tenants.ours.user_id, tenants.ours.organization_id)
    assert found.roles == tenants.ours.roles
    assert found.actor_kind == "agent"
    assert found.expires_at is not None
    assert found.expires_at > datetime.now(UTC)


async def test_an_expired_token_makes_nobody(database: Database, wiring: Wiring, tenants: Tenants) -> None:
    with pytest.raises(NotAuthenticatedError, match="expired at"):
        await identify(database, bearer(wiring, tenants.ours, seconds=-60))


async def test_an_external_database_without_a_token_has_no_local_owner(database: Database, wiring: Wiring) -> None:
    with pytest.raises(NotAuthenticatedError, match="on whose behalf"):
        await identify(database, Settings.from_environment({"DATABASE_URL": wiring.server}))


async def test_a_person_without_a_membership_is_refused(database: Database, wiring: Wiring, tenants: Tenants) -> None:
    stranger = Principal(uuid4(), tenants.ours.organization_id, frozenset({"admin"}))
    with pytest.raises(NotAuthenticatedError, match="no organization"):
        await identify(database, bearer(wiring, stranger))


async def test_a_person_cannot_choose_an_organization_of_others(
    database: Database, wiring: Wiring, tenants: Tenants
) -> None:
    with pytest.raises(NotAuthenticatedError, match="no such organization"):
        await identify(database, bearer(wiring, tenants.ours, QMS_ORGANIZATION="contoso"))


async def test_a_person_of_two_organizations_has_to_choose(database: Database, wiring: Wiring) -> None:
    person = await add_person(database, uuid4(), "first", "owner")
    other = uuid4()
    params = {
        "organization_id": other, "user_id": person.user_id, "organization_name": "Second", "slug": "second",
        "roles": ["auditor"],
    }  # fmt: skip
    async with database.owner_transaction() as transaction:
        for step in ("administer", "organization", "membership"):
            await transaction.execute(_step(step), params)
    with pytest.raises(NotAuthenticatedError, match="several") as refused:
        await identify(database, bearer(wiring, person))
    assert "first, second" in refused.value.hint
    assert (await identify(database, bearer(wiring, person, QMS_ORGANIZATION="second"))).organization_id == other


async def test_a_token_that_runs_out_during_a_session_stops_working(
    database: Database, wiring: Wiring, tenants: Tenants
) -> None:
    found = await identify(database, bearer(wiring, tenants.ours))
    later = Principal(
        found.user_id, found.organization_id, found.roles, expires_at=datetime.now(UTC) - timedelta(seconds=1)
    )
    async with database.transaction(found):
        pass
    with pytest.raises(NotAuthenticatedError, match="expired at"):
        async with database.transaction(later):
            pytest.fail("a transaction began with an expired token")
    with pytest.raises(NotAuthenticatedError, match="expired at"):
        async with database.sql_transaction(later, timeout_ms=1000):
            pytest.fail("a transaction began with an expired token")
    async with database.transaction(found):
        pass


async def test_a_membership_that_ends_during_a_session_stops_working(
    database: Database, wiring: Wiring, tenants: Tenants
) -> None:
    found = await identify(database, bearer(wiring, tenants.ours))
    async with database.owner_transaction() as transaction:
        await transaction.execute(_step("administer"))
        end = Query("test", "UPDATE qms.memberships SET valid_to = clock_timestamp() WHERE user_id = %(user_id)s")
        await transaction.execute(end, {"user_id": found.user_id})
    with pytest.raises(NotAuthenticatedError):
        async with database.transaction(found):
            pytest.fail("a transaction began without a membership")


def _step(name: str) -> Query:
    from qms_mcp.db.queries import query

    return query(f"local_owner.{name}")
