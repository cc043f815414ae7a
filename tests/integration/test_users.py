"""People and their passwords."""

import anyio
import psycopg
import pytest

from qms_mcp.auth import passwords
from qms_mcp.db.database import Database
from qms_mcp.db.embedded import EmbeddedPostgres
from qms_mcp.errors import ConflictError, InvalidInputError, NotAllowedError, NotFoundError, QmsError
from qms_mcp.services.users import Person, Users
from tests.conftest import Tenants

pytestmark = pytest.mark.anyio

GOOD = "the press stops at noon"
OTHER = "a gauge on every bench"


@pytest.fixture
def users(database: Database) -> Users:
    return Users(database)


async def someone(users: Users, tenants: Tenants) -> Person:
    return await users.add("ada@northwind.example", name="Ada L.", roles=["approver"], organization="northwind")


async def test_a_person_is_added_gets_other_roles_and_is_ended(users: Users, tenants: Tenants) -> None:
    person = await someone(users, tenants)
    again = await users.add("ADA@northwind.example", name="Ada L.", roles=["owner", "admin"], organization="northwind")
    assert again.user_id == person.user_id
    mine = [one for one in await users.listed("northwind") if one.email == person.email]
    assert [(one.roles, one.valid_to is None) for one in mine] == [(["approver"], False), (["admin", "owner"], True)]
    assert await users.end(person.email, organization="northwind") == 1
    with pytest.raises(ConflictError):
        await users.end(person.email)


async def test_what_cannot_be_used_is_named(users: Users, tenants: Tenants) -> None:
    with pytest.raises(InvalidInputError, match="king"):
        await users.add("a@b.example", name="A", roles=["king"], organization="northwind")
    with pytest.raises(InvalidInputError, match="e-mail"):
        await users.add("nobody", name="A", roles=["owner"], organization="northwind")
    with pytest.raises(NotFoundError, match="organization"):
        await users.add("a@b.example", name="A", roles=["owner"], organization="nowhere")
    with pytest.raises(NotFoundError, match="which"):
        await users.add("a@b.example", name="A", roles=["owner"], organization=None)
    with pytest.raises(NotFoundError):
        await users.find("nobody@b.example")


async def test_a_password_is_checked_and_only_replaced_by_who_knows_it(users: Users, tenants: Tenants) -> None:
    person = await someone(users, tenants)
    with pytest.raises(NotAllowedError, match="no password"):
        await users.verify(person, GOOD)
    await users.set_password(person, GOOD, old=None)
    await users.verify(person, GOOD)
    with pytest.raises(NotAllowedError, match="wrong"):
        await users.verify(person, OTHER)
    person = await users.find(person.email)
    assert person.has_password
    for old in (None, OTHER):
        with pytest.raises(NotAllowedError):
            await users.set_password(person, OTHER, old=old)
    await users.set_password(person, OTHER, old=GOOD)
    await users.verify(person, OTHER)


async def test_a_password_set_meanwhile_is_not_overwritten(users: Users, tenants: Tenants) -> None:
    person = await someone(users, tenants)
    await users.set_password(person, GOOD, old=None)
    with pytest.raises(QmsError):
        await users.set_password(person, OTHER, old=None)  # `person` still says there is none
    await users.verify(person, GOOD)


async def test_five_wrong_tries_lock_for_a_quarter_of_an_hour(
    users: Users, tenants: Tenants, embedded: EmbeddedPostgres, database_name: str
) -> None:
    person = await someone(users, tenants)
    await users.set_password(person, GOOD, old=None)

    async def wrong() -> None:
        with pytest.raises(NotAllowedError):
            await users.verify(person, OTHER)

    async with anyio.create_task_group() as tasks:  # side by side they count just the same
        for _ in range(5):
            tasks.start_soon(wrong)
    with pytest.raises(NotAllowedError, match="Too many"):
        await users.verify(person, GOOD)
    with psycopg.connect(embedded.conninfo(database_name, "postgres"), autocommit=True) as admin:
        row = admin.execute("SELECT locked_until - now() FROM qms_private.credentials").fetchone()
        assert row
        assert 14 * 60 < row[0].total_seconds() <= 15 * 60
        admin.execute("UPDATE qms_private.credentials SET locked_until = now() - interval '1 second'")
    await users.verify(person, GOOD)


@pytest.mark.parametrize("weak", ["short", "aaaaaaaaaaaaaaaaaa", "x" * 300])
async def test_weak_passwords_are_refused(weak: str) -> None:
    with pytest.raises(InvalidInputError):
        passwords.check_new(weak)


async def test_the_same_characters_are_the_same_password(users: Users, tenants: Tenants) -> None:
    kept = passwords.hash_password("Prüfstand Nord 7")
    assert passwords.matches(kept, "Pru\u0308fstand Nord 7")
    assert not passwords.matches(kept, "Prufstand Nord 7")
    assert kept.startswith("$argon2id$")


async def test_a_deactivated_person_does_nothing_more_and_the_id_is_never_used_again(
    users: Users, tenants: Tenants, embedded: EmbeddedPostgres, database_name: str
) -> None:
    person = await someone(users, tenants)
    await users.set_password(person, GOOD, old=None)
    assert await users.deactivate(person.email) == 1
    with pytest.raises(NotAllowedError):
        await users.verify(person, GOOD)
    with pytest.raises(ConflictError, match="deactivated"):
        await users.deactivate(person.email)
    with pytest.raises(ConflictError, match="deactivated"):
        await someone(users, tenants)
    with pytest.raises(ConflictError, match="deactivated"):
        await users.set_password(await users.find(person.email), OTHER, old=GOOD)
    with psycopg.connect(embedded.conninfo(database_name, "postgres"), autocommit=True) as admin:
        noted = admin.execute(
            "SELECT action FROM qms.audit_logs WHERE entity_id = %s ORDER BY seq", [person.user_id]
        ).fetchall()
    assert [action for (action,) in noted] == ["password_set", "deactivated"]


async def test_roles_change_from_now_on_and_are_known_from_before(users: Users, tenants: Tenants) -> None:
    person = await someone(users, tenants)
    assert await users.change_roles(person.email, ["owner", "mrb"], organization="northwind") == ["mrb", "owner"]
    mine = [one for one in await users.listed("northwind") if one.email == person.email]
    assert [(one.roles, one.valid_to is None) for one in mine] == [(["approver"], False), (["mrb", "owner"], True)]
    with pytest.raises(InvalidInputError, match="king"):
        await users.change_roles(person.email, ["king"], organization="northwind")
    await users.end(person.email)
    with pytest.raises(ConflictError, match="does not belong"):
        await users.change_roles(person.email, ["owner"], organization="northwind")
