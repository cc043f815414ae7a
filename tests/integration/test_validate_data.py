"""Rules over rows: what fails is counted and named, as the caller, and a bad rule stops no other."""

from typing import Any

import pytest

from qms_mcp.auth.principal import Principal
from qms_mcp.db.database import SQL_SEARCH_PATH, Database
from qms_mcp.db.guard import Guard
from qms_mcp.db.queries import Query
from qms_mcp.errors import NotFoundError
from qms_mcp.services.validation import DataValidation, RuleResult, ValidationRule
from tests.conftest import REASON, Tenants

pytestmark = [pytest.mark.anyio, pytest.mark.shared_database]

ADD = Query(
    "test",
    "INSERT INTO qms.quality_items (organization_id, title, category, priority, occurred_at) "
    "SELECT %(org)s, 'T' || i / 2, 'capa', i, CASE WHEN i > 4 THEN now() END FROM generate_series(0, %(last)s) AS i",
)


async def add_items(database: Database, principal: Principal, count: int) -> None:
    async with database.transaction(principal, because=REASON) as transaction:
        await transaction.execute(ADD, {"org": principal.organization_id, "last": count - 1})


@pytest.fixture
async def items(database: Database, tenants: Tenants) -> Database:
    await add_items(database, tenants.ours, 10)
    await add_items(database, tenants.theirs, 100)
    return database


def validation(database: Database, timeout_ms: int = 10_000) -> DataValidation:
    return DataValidation(database, Guard(search_path=SQL_SEARCH_PATH), timeout_ms)


async def check(database: Database, tenants: Tenants, **rule: Any) -> RuleResult:
    rules = [ValidationRule(**rule)]
    return (await validation(database).validate(tenants.ours, "qms.quality_items", rules)).results[0]


COUNTED: list[tuple[dict[str, Any], int, int]] = [
    ({"kind": "not_null", "columns": ["occurred_at"]}, 10, 5),
    ({"kind": "not_null", "columns": ["title"]}, 10, 0),
    ({"kind": "unique", "columns": ["title"]}, 10, 10),
    ({"kind": "unique", "columns": ["title", "priority"]}, 10, 0),
    ({"kind": "range", "columns": ["priority"], "min": 1, "max": 8}, 10, 2),
    ({"kind": "range", "columns": ["priority"], "min": 0.5}, 10, 1),
    ({"kind": "range", "columns": ["created_at"], "max": "2020-01-01"}, 10, 10),
    ({"kind": "regex", "columns": ["title"], "pattern": "T[0-2]"}, 10, 4),
    ({"kind": "in_set", "columns": ["priority"], "values": [0, 1, 2]}, 10, 7),
    ({"kind": "in_set", "columns": ["category"], "values": ["capa"]}, 10, 0),
    ({"kind": "fresh", "columns": ["created_at"], "max_age_hours": 1}, 10, 0),
    ({"kind": "fresh", "columns": ["created_at"], "max_age_hours": 0}, 10, 1),
    ({"kind": "predicate", "predicate": "priority < 3 -- a comment"}, 10, 7),
    ({"kind": "predicate", "predicate": "due_date > now() - interval '1 hour'"}, 10, 0),
    ({"kind": "foreign_key", "columns": ["assigned_to"], "references": "qms.people(user_id)"}, 10, 0),
    ({"kind": "foreign_key", "columns": ["id"], "references": "organizations (id)"}, 10, 10),
]


async def test_each_kind_of_rule_counts_the_rows_of_the_caller_that_fail(items: Database, tenants: Tenants) -> None:
    for rule, checked, failing in COUNTED:
        result = await check(items, tenants, **rule)
        assert (result.checked, result.failing, result.error) == (checked, failing, None), rule
        assert result.status == ("failed" if failing else "passed"), rule


async def test_failing_rows_are_named_by_their_key_with_the_value(items: Database, tenants: Tenants) -> None:
    result = await check(items, tenants, kind="range", columns=["priority"], max=8)
    assert result.share == 0.1
    assert [row["value"] for row in result.samples] == ["9"]
    assert set(result.samples[0]["key"]) == {"id"}
    many = await check(items, tenants, kind="not_null", columns=["occurred_at"])
    assert len(many.samples) == 5


REFUSED: list[tuple[dict[str, Any], str]] = [
    ({"kind": "regex", "columns": ["title"], "pattern": "(("}, "regular expression"),
    ({"kind": "range", "columns": ["priority"], "min": "many"}, "many"),
    ({"kind": "range", "columns": ["priority"]}, "min or max"),
    ({"kind": "not_null", "columns": ["tittle"]}, "title"),
    ({"kind": "unique"}, "columns"),
    ({"kind": "foreign_key", "columns": ["assigned_to"], "references": "auth.users(id)"}, "auth.users"),
    ({"kind": "foreign_key", "columns": ["assigned_to"], "references": "nonsense"}, "nonsense"),
    ({"kind": "predicate", "predicate": "true) OR (true"}, "whole condition"),
    ({"kind": "predicate", "predicate": "true; DELETE FROM qms.quality_items"}, "whole condition"),
    ({"kind": "predicate", "predicate": "pg_sleep(1) IS NULL"}, "pg_sleep"),
    ({"kind": "predicate", "predicate": "set_config('qms.identity', '', false) = ''"}, "set_config"),
    ({"kind": "predicate", "predicate": "EXISTS (SELECT FROM qms_private.credentials)"}, "qms_private"),
    ({"kind": "predicate", "predicate": "nonsense"}, "nonsense"),
]


async def test_a_rule_that_cannot_run_says_why_and_stops_no_other(items: Database, tenants: Tenants) -> None:
    sound = ValidationRule(kind="not_null", columns=["title"])
    rules = [ValidationRule(**rule) for rule, _ in REFUSED]
    answer = await validation(items).validate(tenants.ours, "quality_items", [*rules, sound])
    assert answer.verdict == "failed"
    assert answer.results[-1].status == "passed"
    for result, (rule, says) in zip(answer.results, REFUSED, strict=False):
        assert result.status == "error", rule
        assert says in (result.error or ""), rule


async def test_a_predicate_sees_no_row_of_another_organization(items: Database, tenants: Tenants) -> None:
    predicate = "(SELECT count(*) FROM qms.quality_items) = 10"
    assert (await check(items, tenants, kind="predicate", predicate=predicate)).status == "passed"


async def test_a_rule_that_takes_too_long_is_stopped(items: Database, tenants: Tenants) -> None:
    endless = "(SELECT count(*) FROM generate_series(1, 100000000) AS i) > 0"
    slow = ValidationRule(kind="predicate", predicate=endless)
    answer = await validation(items, timeout_ms=200).validate(tenants.ours, "quality_items", [slow])
    assert answer.results[0].status == "error"
    assert "limit" in (answer.results[0].error or "")


async def test_without_rules_those_the_table_implies_are_checked(items: Database, tenants: Tenants) -> None:
    async with items.owner_transaction() as transaction:
        await transaction.connection.execute(b"""
            CREATE TABLE qms.readings (
                id uuid PRIMARY KEY DEFAULT gen_random_uuid(), name text NOT NULL, score double precision, state text,
                attempts integer, valid_from timestamptz, valid_to timestamptz
            );
            COMMENT ON COLUMN qms.readings.score IS 'From 0 to 1.';
            COMMENT ON COLUMN qms.readings.state IS 'open, closed or void.';
            INSERT INTO qms.readings (name, score, state, attempts, valid_from, valid_to)
            VALUES (' ', 1.5, 'lost', -1, now(), now() - interval '1 day'), ('a', 0.5, 'open', 1, now(), null);
            ALTER TABLE qms.readings ADD CONSTRAINT short CHECK (length(name) > 1) NOT VALID;
            GRANT SELECT ON qms.readings TO qms_app, qms_sql;
        """)
    answer = await validation(items).validate(tenants.ours, "readings")
    failed = {result.inferred_from: result.failing for result in answer.results if result.status == "failed"}
    assert answer.verdict == "failed"
    assert failed == {
        "constraint short, which is NOT VALID": 2,
        "required text: not blank": 1,
        "comment '0 to 1'": 1,
        "values in the comment": 1,
        "name: never negative": 1,
        "names: valid_from before valid_to": 1,
    }
    assert not [result for result in answer.results if result.status == "error"]
    assert answer.notes


async def test_a_table_that_is_not_there_is_not_found(database: Database, tenants: Tenants) -> None:
    with pytest.raises(NotFoundError):
        await validation(database).validate(tenants.ours, "qms.nothing")


async def test_rows_without_a_key_are_named_by_what_they_hold(database: Database, tenants: Tenants) -> None:
    async with database.owner_transaction() as transaction:
        await transaction.connection.execute(
            b"CREATE TABLE qms.heap (label text, amount numeric, kept jsonb);"
            b"INSERT INTO qms.heap VALUES ('first', 1, '{}'), ('second', NULL, '{}');"
            b"GRANT SELECT ON qms.heap TO qms_app, qms_sql"
        )
    rules = [ValidationRule(kind="not_null", columns=["amount"])]
    answer = await validation(database).validate(tenants.ours, "qms.heap", rules)
    assert answer.results[0].samples[0]["key"] == {"label": "second", "amount": None}
