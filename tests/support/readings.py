"""A table of the site itself, as a migration would add it: what SQL may change, unlike the records of the house."""

from typing import Any

from qms_mcp.auth.principal import Principal
from qms_mcp.db.database import Database
from qms_mcp.db.queries import Query

TABLE = "site.readings"
MAKE = b"""
CREATE SCHEMA site;
GRANT USAGE ON SCHEMA site TO qms_app, qms_sql, qms_probe;
CREATE TABLE site.readings (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    organization_id uuid NOT NULL REFERENCES qms.organizations (id),
    title text NOT NULL,
    category text NOT NULL DEFAULT 'torque',
    status text NOT NULL DEFAULT 'draft',
    priority integer NOT NULL DEFAULT 0,
    assigned_to uuid REFERENCES auth.users (id),
    due_date timestamptz,
    metadata jsonb NOT NULL DEFAULT '{}'
);
ALTER TABLE site.readings ENABLE ROW LEVEL SECURITY;
ALTER TABLE site.readings FORCE ROW LEVEL SECURITY;
CREATE POLICY read_own ON site.readings FOR SELECT TO qms_app, qms_sql
USING (organization_id = (SELECT qms.current_organization_id()));
CREATE POLICY add_own ON site.readings FOR INSERT TO qms_app
WITH CHECK (organization_id = (SELECT qms.current_organization_id()) AND (SELECT qms.may_write()));
CREATE POLICY change_own ON site.readings FOR UPDATE TO qms_app
USING (organization_id = (SELECT qms.current_organization_id()) AND (SELECT qms.may_write()))
WITH CHECK (organization_id = (SELECT qms.current_organization_id()));
GRANT SELECT ON site.readings TO qms_app, qms_sql;
GRANT INSERT, UPDATE ON site.readings TO qms_app;
CREATE TRIGGER never_deleted BEFORE DELETE ON site.readings
FOR EACH ROW EXECUTE FUNCTION qms.refuse_change();
CREATE TRIGGER never_truncated BEFORE TRUNCATE ON site.readings
FOR EACH STATEMENT EXECUTE FUNCTION qms.refuse_change();
CREATE TRIGGER record_change AFTER INSERT OR UPDATE ON site.readings
FOR EACH ROW EXECUTE FUNCTION qms.record_change();
"""
ADD = Query(
    "test",
    "INSERT INTO site.readings (organization_id, title, priority) "
    "SELECT %(org)s, %(title)s || n, n FROM generate_series(1, %(n)s) AS n",
)
READ = Query("test", "SELECT title, priority, status FROM site.readings ORDER BY title")


async def make_readings(database: Database) -> None:
    """Add the table: rows of an organization, which its people may read, add, change, and not delete."""
    async with database.owner_transaction() as transaction:
        await transaction.connection.execute(MAKE)


async def add_readings(database: Database, who: Principal, title: str = "Line ", n: int = 3) -> None:
    """Add rows called `title` and their number, which is their priority too."""
    async with database.transaction(who) as transaction:
        await transaction.execute(ADD, {"org": who.organization_id, "title": title, "n": n})


async def readings_of(database: Database, who: Principal) -> list[dict[str, Any]]:
    """Return the rows somebody sees."""
    async with database.transaction(who) as transaction:
        return await transaction.fetch_dicts(READ)
