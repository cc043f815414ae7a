"""The part of the review that PostgreSQL does, and the tools through a client."""

from pathlib import Path

import pytest

from qms_mcp.db.database import SQL_SEARCH_PATH, Database
from qms_mcp.db.guard import Guard
from qms_mcp.services.review.service import CodeReview
from tests.conftest import Tenants
from tests.support.in_process import client_for

pytestmark = pytest.mark.anyio


def review_over(database: Database) -> CodeReview:
    return CodeReview(database, Guard(search_path=SQL_SEARCH_PATH))


async def test_postgres_names_the_column_that_does_not_exist(database: Database) -> None:
    review = await review_over(database).review(
        "SELECT title FROM qms.quality_items;\n\nSELECT titel FROM qms.quality_items WHERE id = $1;"
    )
    assert [(f.severity, f.rule, f.line) for f in review.findings] == [("error", "postgres", 3)]
    assert "titel" in review.findings[0].message
    assert review.verdict == "errors"
    assert review.notes == ("PostgreSQL itself resolved 2 of 2 queries.",)


async def test_names_made_in_the_text_itself_are_not_looked_up(database: Database) -> None:
    review = await review_over(database).review(
        "CREATE TABLE qms.fresh_table (id uuid PRIMARY KEY); SELECT id FROM qms.fresh_table"
    )
    assert review.errors == 0


async def test_nothing_of_the_reviewed_text_runs(database: Database, tenants: Tenants) -> None:
    await review_over(database).review("SELECT pg_advisory_lock(1); DROP TABLE qms.quality_items")
    async with database.transaction(tenants.ours) as transaction:
        rows = await (await transaction.connection.execute("SELECT to_regclass('qms.quality_items')")).fetchone()
    assert rows is not None
    assert rows[0] is not None


@pytest.mark.parametrize("text", ["SELECT 'open", "/* open", "DO $$ BEGIN"])
async def test_a_text_that_never_ends_is_a_finding(database: Database, text: str) -> None:
    review = await review_over(database).review(text)
    assert [finding.rule for finding in review.findings] == ["syntax"]


async def test_the_three_tools_answer_a_client(database: Database, tenants: Tenants, tmp_path: Path) -> None:
    async with client_for(database, tenants.ours, tmp_path) as client:
        reviewed = await client.call_tool("review_code", {"code": "DELETE FROM qms.quality_items"})
        assert reviewed.structured_content is not None
        assert reviewed.structured_content["findings"][0]["rule"] == "change-without-where"
        validated = await client.call_tool(
            "validate_data", {"table": "qms.people", "rules": [{"kind": "unique", "columns": ["user_id"]}]}
        )
        assert validated.structured_content is not None
        assert validated.structured_content["verdict"] == "passed"
        generated = await client.call_tool("generate_tests", {"table": "qms.people"})
        assert generated.structured_content is not None
        assert "-- test: printed_name is required" in generated.structured_content["script"]
