"""A person approves on a terminal; nothing that only looks like one can.

The command runs as a process of its own with a bare environment, on a pseudo-terminal that this test types on.
"""

import os
import pty
import re
import select
import shlex
import subprocess
import sys
import time
from collections.abc import Sequence
from uuid import UUID

import pytest

from qms_mcp.db.database import Database
from qms_mcp.db.wiring import Wiring
from qms_mcp.services.approvals import ApprovalDesk, Approvals
from qms_mcp.services.migrations.service import Migrations
from qms_mcp.services.users import Users
from tests.conftest import Tenants
from tests.support.people import set_password

pytestmark = pytest.mark.anyio

PASSWORD = "the press stops at noon"  # noqa: S105 - of nobody
SCRIPT = "CREATE TABLE public.units (name text PRIMARY KEY); -- \x1b[31mred\x1b[0m"


def environment(wiring: Wiring, clean: dict[str, str]) -> dict[str, str]:
    return {
        **clean,
        "DATABASE_URL": wiring.server,
        "DATABASE_URL_DIRECT": wiring.owner,
        "DATABASE_URL_SQL": wiring.sql,
        "COLUMNS": "160",
    }


def command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "qms_mcp", *arguments]


def on_a_terminal(
    arguments: Sequence[str], environment: dict[str, str], dialogue: Sequence[tuple[str, str]]
) -> tuple[int, str]:
    """Run a command on a terminal of its own and type each answer once its prompt is there."""
    pid, descriptor = pty.fork()
    if pid == 0:
        os.execve(arguments[0], list(arguments), environment)  # noqa: S606 - the program under test
    shown, waiting = "", list(dialogue)
    searched, deadline = 0, time.monotonic() + 60
    while time.monotonic() < deadline:
        if not select.select([descriptor], [], [], 0.2)[0]:
            continue
        try:
            piece = os.read(descriptor, 65_536)
        except OSError:
            break
        if not piece:
            break
        shown += piece.decode(errors="replace")
        if waiting and waiting[0][0] in shown[searched:]:
            searched = len(shown)
            os.write(descriptor, f"{waiting.pop(0)[1]}\n".encode())
    os.close(descriptor)
    _, status = os.waitpid(pid, 0)
    assert not waiting, shown
    return os.waitstatus_to_exitcode(status), shown


def off_terminal(
    *arguments: str, environment: dict[str, str], typed: str | None = None
) -> subprocess.CompletedProcess[str]:
    """Run a command that has no terminal; `typed` comes through a pipe."""
    return subprocess.run(
        command(*arguments),
        input=f"{typed}\n{typed}\n" if typed else None,
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        start_new_session=True,
        check=typed is None,
    )


@pytest.fixture
async def waiting(database: Database, tenants: Tenants) -> UUID:
    """A schema change that waits for its approval."""
    migrations = Migrations(database)
    made = await migrations.create(tenants.ours, name="units", script=SCRIPT, reverse_script=None, reason="Units.")
    kept = await migrations.get(tenants.ours, made.draft_id)
    return (await Approvals(database).request(tenants.ours, kept.request(), client_name="Claude")).id


@pytest.fixture
async def approver(database: Database, tenants: Tenants) -> str:
    users = Users(database)
    person = await users.add("ada@northwind.example", name="Ada L.", roles=["approver"], organization="northwind")
    await set_password(database, person.user_id, PASSWORD)
    return person.email


async def state(database: Database, approval_id: UUID) -> str:
    return (await ApprovalDesk(database).show(approval_id)).state


async def test_the_right_password_approves_and_a_wrong_one_does_not(
    database: Database, wiring: Wiring, waiting: UUID, approver: str, clean_environment: dict[str, str]
) -> None:
    bare = environment(wiring, clean_environment)
    line = command("approvals", "approve", str(waiting), "--user", approver)
    code, shown = on_a_terminal(line, bare, [("Password of", "not the password")])
    assert (code, "The password is wrong." in shown) == (1, True)
    assert await state(database, waiting) == "pending"

    code, shown = on_a_terminal(line, bare, [("Password of", PASSWORD)])
    assert code == 0, shown
    assert "CREATE TABLE public.units" in re.sub(r"\x1b\[[0-9;]*m", "", shown)
    assert "\\u001b[31mred" in re.sub(r"\x1b\[[0-9;]*m", "", shown)
    assert PASSWORD not in shown
    assert await state(database, waiting) == "approved"

    code, shown = on_a_terminal(line, bare, [])
    assert (code, "it is approved" in shown) == (1, True)


@pytest.mark.parametrize("verb", ["approve", "reject"])
async def test_without_a_terminal_a_piped_password_is_no_good(
    database: Database,
    wiring: Wiring,
    waiting: UUID,
    approver: str,
    clean_environment: dict[str, str],
    verb: str,
) -> None:
    bare = {**environment(wiring, clean_environment), "PASSWORD": PASSWORD, "QMS_PASSWORD": PASSWORD}
    done = off_terminal("approvals", verb, str(waiting), "--user", approver, environment=bare, typed=PASSWORD)
    assert done.returncode == 1
    assert "no terminal" in done.stderr
    assert await state(database, waiting) == "pending"


async def test_a_password_piped_in_beside_a_terminal_is_not_read(
    database: Database, wiring: Wiring, waiting: UUID, approver: str, clean_environment: dict[str, str]
) -> None:
    python = shlex.quote(sys.executable)
    piped = f"echo '{PASSWORD}' | {python} -m qms_mcp approvals approve {waiting} --user {approver}"
    line = ["/bin/sh", "-c", piped]
    code, shown = on_a_terminal(line, environment(wiring, clean_environment), [("Password of", "typed something else")])
    assert (code, "The password is wrong." in shown) == (1, True)
    assert await state(database, waiting) == "pending"


async def test_a_rejection_needs_a_reason_and_the_password(
    database: Database, wiring: Wiring, waiting: UUID, approver: str, clean_environment: dict[str, str]
) -> None:
    bare = environment(wiring, clean_environment)
    line = command("approvals", "reject", str(waiting), "--user", approver)
    code, shown = on_a_terminal(line, bare, [("Why", " ")])
    assert (code, "needs a reason" in shown) == (1, True)
    code, shown = on_a_terminal(line, bare, [("Why", "We count in pounds."), ("Password of", PASSWORD)])
    assert code == 0, shown
    decided = await ApprovalDesk(database).show(waiting)
    assert (decided.state, decided.decision_reason, decided.channel) == ("rejected", "We count in pounds.", "terminal")


async def test_someone_whose_roles_do_not_allow_it_approves_nothing(
    database: Database, wiring: Wiring, tenants: Tenants, waiting: UUID, clean_environment: dict[str, str]
) -> None:
    users = Users(database)
    person = await users.add("bob@northwind.example", name="Bob", roles=["reporter"], organization="northwind")
    await set_password(database, person.user_id, PASSWORD)
    line = command("approvals", "approve", str(waiting), "--user", person.email)
    code, shown = on_a_terminal(line, environment(wiring, clean_environment), [("Password of", PASSWORD)])
    assert (code, "may decide" in shown) == (1, True)
    assert await state(database, waiting) == "pending"


@pytest.mark.slow
async def test_what_waits_is_listed_and_shown_without_a_terminal(
    wiring: Wiring, waiting: UUID, clean_environment: dict[str, str]
) -> None:
    for width in ("160", "60"):
        bare = {**environment(wiring, clean_environment), "COLUMNS": width}
        listed = off_terminal("approvals", "list", environment=bare)
        assert str(waiting) in listed.stdout
    shown = off_terminal("approvals", "show", str(waiting), environment=bare)
    assert "CREATE TABLE public.units" in shown.stdout
    assert "\x1b" not in shown.stdout


@pytest.mark.slow
async def test_a_password_is_set_twice_alike_and_changed_by_who_knows_it(
    database: Database, wiring: Wiring, tenants: Tenants, clean_environment: dict[str, str]
) -> None:
    bare = environment(wiring, clean_environment)
    added = off_terminal(
        "users",
        "add",
        "eve@northwind.example",
        "--name",
        "Eve",
        "--roles",
        "approver,owner",
        "--organization",
        "northwind",
        environment=bare,
    )
    assert "qms-mcp users passwd eve@northwind.example" in added.stdout
    line = command("users", "passwd", "eve@northwind.example")
    code, shown = on_a_terminal(line, bare, [("New", PASSWORD), ("again", PASSWORD + "!")])
    assert (code, "not the same" in shown) == (1, True)
    code, shown = on_a_terminal(line, bare, [("New", "short")])
    assert (code, "at least 12" in shown) == (1, True)
    code, shown = on_a_terminal(line, bare, [("New", PASSWORD), ("again", PASSWORD)])
    assert code == 0, shown
    code, shown = on_a_terminal(line, bare, [("now", "not the password")])
    assert (code, "The password is wrong." in shown) == (1, True)
    person = await Users(database).find("eve@northwind.example")
    await Users(database).verify(person, PASSWORD)
    ended = off_terminal("users", "end", "eve@northwind.example", environment=bare)
    assert "Ended: 1" in ended.stdout
    listed = off_terminal("users", "list", environment=bare)
    assert "Eve" in listed.stdout


async def test_migrate_says_what_is_applied(
    wiring: Wiring, clean_environment: dict[str, str], tenants: Tenants
) -> None:
    bare = environment(wiring, clean_environment)
    status = off_terminal("migrate", "--status", environment=bare)
    assert re.search(r"^0001  applied ", status.stdout)
    for options in (["--dry-run"], []):
        done = off_terminal("migrate", *options, environment=bare)
        assert "up to date" in done.stdout
