"""Changes of rows through SQL: previewed, approved, applied once."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import anyio
import pytest

from qms_mcp.auth.principal import Principal
from qms_mcp.db.database import Database
from qms_mcp.db.queries import Query
from qms_mcp.errors import (
    ConflictError,
    InvalidInputError,
    LimitExceededError,
    NotAllowedError,
    NotFoundError,
    QmsError,
    RefusedStatementError,
)
from qms_mcp.services.approvals import Approvals
from qms_mcp.services.transform_models import TransformDraft
from qms_mcp.services.transforms import Transforms
from tests.conftest import Tenants
from tests.support.readings import TABLE, add_readings, make_readings, readings_of

pytestmark = pytest.mark.anyio

RAISE_PRIORITY = "UPDATE site.readings SET priority = priority + $1 WHERE title = $2"


@pytest.fixture
def transforms(database: Database) -> Transforms:
    return Transforms(database)


@pytest.fixture
def approvals(database: Database) -> Approvals:
    return Approvals(database)


@pytest.fixture(autouse=True)
async def readings(database: Database) -> None:
    await make_readings(database)


async def draft(
    transforms: Transforms, who: Principal, statement: str, parameters: Sequence[Any] = ()
) -> TransformDraft:
    return await transforms.draft(who, statement=statement, parameters=parameters, reason="The triage said so.")


async def approved(approvals: Approvals, who: Principal, made: TransformDraft) -> UUID:
    approval = await approvals.request(who, made.request())
    await approvals.confirm(who, approval.id, "approved")
    return approval.id


async def test_a_preview_shows_what_would_change_and_changes_nothing(
    transforms: Transforms, tenants: Tenants, database: Database
) -> None:
    await add_readings(database, tenants.ours)
    before = await readings_of(database, tenants.ours)
    made = await draft(transforms, tenants.ours, RAISE_PRIORITY, [10, "Line 2"])
    assert await readings_of(database, tenants.ours) == before
    shown = made.shown
    assert (shown.target, shown.rows) == (TABLE, 1)
    assert "priority" in shown.columns
    assert shown.sample[0].before is not None
    assert shown.sample[0].after is not None
    assert (shown.sample[0].before["priority"], shown.sample[0].after["priority"]) == (2, 12)
    assert list(shown.sample[0].key) == ["id"]
    assert shown.also == ["qms.audit_logs: 1 inserted"]


async def test_an_approved_change_is_applied_once(
    transforms: Transforms, approvals: Approvals, tenants: Tenants, database: Database
) -> None:
    await add_readings(database, tenants.ours)
    made = await draft(transforms, tenants.ours, RAISE_PRIORITY, [10, "Line 2"])
    approval = await approved(approvals, tenants.ours, made)
    assert await transforms.apply(tenants.ours, made, approval) == 1
    assert [row["priority"] for row in await readings_of(database, tenants.ours)] == [1, 12, 3]
    with pytest.raises(NotAllowedError):
        await transforms.apply(tenants.ours, made, approval)
    with pytest.raises(ConflictError, match="already"):
        await transforms.ready_to_apply(tenants.ours, made.id, statement=None, parameters=[])
    assert [row["priority"] for row in await readings_of(database, tenants.ours)] == [1, 12, 3]


async def test_callers_at_once_apply_it_once(
    transforms: Transforms, approvals: Approvals, tenants: Tenants, database: Database
) -> None:
    await add_readings(database, tenants.ours)
    made = await draft(transforms, tenants.ours, RAISE_PRIORITY, [10, "Line 2"])
    approval = await approved(approvals, tenants.ours, made)
    outcomes: list[object] = []

    async def attempt() -> None:
        try:
            outcomes.append(await transforms.apply(tenants.ours, made, approval))
        except QmsError as error:
            outcomes.append(error.code)

    async with anyio.create_task_group() as tasks:
        for _ in range(3):
            tasks.start_soon(attempt)
    assert sorted(map(str, outcomes)) == ["1", "not_allowed", "not_allowed"]
    assert [row["priority"] for row in await readings_of(database, tenants.ours)] == [1, 12, 3]


async def test_another_number_of_rows_than_in_the_preview_is_refused(
    transforms: Transforms, approvals: Approvals, tenants: Tenants, database: Database
) -> None:
    await add_readings(database, tenants.ours)
    statement = "UPDATE site.readings SET status = 'open' WHERE category = $1;"
    made = await draft(transforms, tenants.ours, statement, ["torque"])
    approval = await approved(approvals, tenants.ours, made)
    await add_readings(database, tenants.ours, "Later ", 1)
    with pytest.raises(ConflictError, match="4 rows now"):
        await transforms.apply(tenants.ours, made, approval)
    assert all(row["status"] == "draft" for row in await readings_of(database, tenants.ours))
    again = await draft(transforms, tenants.ours, statement, ["torque"])
    assert (again.id != made.id, again.rows_expected) == (True, 4)


async def test_without_an_approval_nothing_is_applied(
    transforms: Transforms, approvals: Approvals, tenants: Tenants, database: Database
) -> None:
    await add_readings(database, tenants.ours)
    made = await draft(transforms, tenants.ours, RAISE_PRIORITY, [10, "Line 2"])
    other = await draft(transforms, tenants.ours, RAISE_PRIORITY, [11, "Line 2"])
    waiting = await approvals.request(tenants.ours, made.request())
    with pytest.raises(NotAllowedError):
        await transforms.apply(tenants.ours, made, waiting.id)
    for_the_other = await approved(approvals, tenants.ours, other)
    with pytest.raises(NotAllowedError):
        await transforms.apply(tenants.ours, made, for_the_other)
    assert [row["priority"] for row in await readings_of(database, tenants.ours)] == [1, 2, 3]


async def test_the_same_change_is_the_same_draft(transforms: Transforms, tenants: Tenants, database: Database) -> None:
    await add_readings(database, tenants.ours)
    first = await draft(transforms, tenants.ours, RAISE_PRIORITY, [10, "Line 2"])
    again = await draft(transforms, tenants.ours, RAISE_PRIORITY + " ;", [10, "Line 2"])
    other = await draft(transforms, tenants.ours, RAISE_PRIORITY, [11, "Line 2"])
    assert again.id == first.id
    assert (other.id != first.id, other.sha256 != first.sha256) == (True, True)


async def test_a_draft_id_with_another_statement_is_refused(
    transforms: Transforms, tenants: Tenants, database: Database
) -> None:
    await add_readings(database, tenants.ours)
    made = await draft(transforms, tenants.ours, RAISE_PRIORITY, [10, "Line 2"])
    for statement, parameters in ((RAISE_PRIORITY + " OR true", []), (None, [99, "Line 2"])):
        with pytest.raises(ConflictError, match="another statement"):
            await transforms.ready_to_apply(tenants.ours, made.id, statement=statement, parameters=parameters)


async def test_rows_of_another_organization_are_not_reached(
    transforms: Transforms, tenants: Tenants, database: Database
) -> None:
    await add_readings(database, tenants.theirs)
    await add_readings(database, tenants.ours, n=2)
    made = await draft(transforms, tenants.ours, "UPDATE site.readings SET priority = 9")
    assert made.rows_expected == 2
    assert str(tenants.theirs.organization_id) not in str(made.preview)
    with pytest.raises(NotFoundError):
        await transforms.get(tenants.theirs, made.id)
    with pytest.raises(QmsError, match="row-level security"):
        await draft(
            transforms,
            tenants.ours,
            "INSERT INTO site.readings (organization_id, title) VALUES ($1, 'planted')",
            [str(tenants.theirs.organization_id)],
        )


async def test_an_insert_shows_the_new_rows(transforms: Transforms, tenants: Tenants, database: Database) -> None:
    made = await draft(
        transforms,
        tenants.ours,
        "INSERT INTO site.readings (organization_id, title, category, metadata) VALUES ($1, $2, $3, $4)",
        [str(tenants.ours.organization_id), "New", "torque", {"line": [1, "two"], "wide": True}],
    )
    change = made.shown.sample[0]
    assert change.before is None
    assert change.after is not None
    assert change.after["metadata"] == {"line": [1, "two"], "wide": True}


async def test_parameters_take_the_types_the_statement_gives_them(
    transforms: Transforms, approvals: Approvals, tenants: Tenants, database: Database
) -> None:
    await add_readings(database, tenants.ours)
    made = await draft(
        transforms,
        tenants.ours,
        "UPDATE site.readings SET due_date = $1, assigned_to = $2, priority = $3 WHERE title = ANY($4) AND $5",
        ["2026-12-01T00:00:00Z", None, 7, ["Line 1", 'Line "2"', "Line 3"], True],
    )
    assert made.rows_expected == 2
    assert await transforms.apply(tenants.ours, made, await approved(approvals, tenants.ours, made)) == 2


async def test_a_delete_that_the_application_may_not_do_says_so(
    transforms: Transforms, tenants: Tenants, database: Database
) -> None:
    await add_readings(database, tenants.ours)
    with pytest.raises(QmsError, match="refused"):
        await draft(transforms, tenants.ours, "DELETE FROM site.readings")
    assert len(await readings_of(database, tenants.ours)) == 3


async def test_a_delete_shows_what_goes(
    transforms: Transforms, approvals: Approvals, tenants: Tenants, database: Database
) -> None:
    async with database.owner_transaction() as transaction:
        await transaction.connection.execute(
            b"CREATE TABLE public.units (name text PRIMARY KEY, factor numeric);"
            b"INSERT INTO public.units VALUES ('kg', 1), ('g', 0.001);"
            b"GRANT SELECT, INSERT, UPDATE, DELETE ON public.units TO qms_app"
        )
    made = await draft(transforms, tenants.ours, "DELETE FROM public.units WHERE name = $1", ["g"])
    assert [(one.before, one.after) for one in made.shown.sample] == [({"name": "g", "factor": 0.001}, None)]
    assert await transforms.apply(tenants.ours, made, await approved(approvals, tenants.ours, made)) == 1


NOT_A_CHANGE = (
    "SELECT 1",
    "UPDATE site.readings SET priority = 1; DROP TABLE qms.people",
    "DROP TABLE site.readings",
    "UPDATE qms.approvals SET state = 'approved'",
    "UPDATE qms.transform_drafts SET state = 'applied', applied_at = now()",
    "INSERT INTO qms.migration_drafts (name) VALUES ('x')",
    "UPDATE site.readings SET title = set_config('role', 'postgres', false)",
    "UPDATE site.readings SET title = pg_read_file('/etc/passwd')",
    "WITH gone AS (DELETE FROM site.readings RETURNING 1) SELECT 1",
    "UPDATE site.readings SET title = (qms_private.confirm_approval(id, 'approved')).summary",
    "UPDATE site.readings SET priority = 1 WHERE title = (SELECT password_hash FROM qms_private.credentials)",
)


async def test_what_is_not_one_plain_change_of_rows_is_refused(
    transforms: Transforms, tenants: Tenants, database: Database
) -> None:
    await add_readings(database, tenants.ours, n=1)
    before = await readings_of(database, tenants.ours)
    for statement in NOT_A_CHANGE:
        with pytest.raises((RefusedStatementError, NotAllowedError)):
            await draft(transforms, tenants.ours, statement)
    assert await readings_of(database, tenants.ours) == before


async def test_limits_and_empty_changes_are_named(
    transforms: Transforms, tenants: Tenants, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    from qms_mcp.db import changes

    monkeypatch.setattr(changes, "MOST_ROWS", 2)
    await add_readings(database, tenants.ours, n=3)
    everything = "UPDATE site.readings SET priority = 1"
    with pytest.raises(LimitExceededError, match="change 3 rows; at most 2"):
        await draft(transforms, tenants.ours, everything)
    with pytest.raises(ConflictError, match="no row"):
        await draft(transforms, tenants.ours, f"{everything} WHERE false")
    with pytest.raises(InvalidInputError, match="reason"):
        await transforms.draft(tenants.ours, statement=everything, parameters=[], reason=" ")


async def test_an_auditor_changes_nothing(transforms: Transforms, tenants: Tenants, database: Database) -> None:
    await add_readings(database, tenants.ours)
    with pytest.raises(QmsError):
        await draft(transforms, tenants.auditor, "UPDATE site.readings SET priority = 1")


OF_THE_HOUSE = (
    "UPDATE qms.quality_items SET status = 'closed'",
    "UPDATE qms.quality_items SET title = 'Better'",
    "INSERT INTO qms.quality_items (organization_id, title, category) VALUES (gen_random_uuid(), 'New', 'capa')",
    "DELETE FROM qms.quality_items",
    "UPDATE qms.compliance_records SET status = 'done'",
    "MERGE INTO qms.quality_items AS q USING site.readings AS r ON q.id = r.id WHEN MATCHED THEN DO NOTHING",
)


@pytest.mark.parametrize("statement", OF_THE_HOUSE)
async def test_quality_records_are_refused_with_the_tools_that_change_them(
    transforms: Transforms, tenants: Tenants, statement: str
) -> None:
    with pytest.raises(RefusedStatementError, match="quality records") as refused:
        await draft(transforms, tenants.ours, statement)
    assert "update_record" in refused.value.hint
    assert "transition_record" in refused.value.hint


async def test_the_trail_of_an_applied_change_says_why(
    transforms: Transforms, approvals: Approvals, tenants: Tenants, database: Database
) -> None:
    await add_readings(database, tenants.ours)
    made = await draft(transforms, tenants.ours, RAISE_PRIORITY, [10, "Line 2"])
    await transforms.apply(tenants.ours, made, await approved(approvals, tenants.ours, made))
    reasons = Query("test", "SELECT reason FROM qms.audit_logs WHERE action = 'update'")
    async with database.transaction(tenants.ours) as transaction:
        assert [row["reason"] for row in await transaction.fetch_dicts(reasons)] == ["The triage said so."]
