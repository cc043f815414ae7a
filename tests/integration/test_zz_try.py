import pytest
from qms_mcp.services.sql.querying import Querying
from qms_mcp.db.guard import Guard
from qms_mcp.db.run_query import PageSize
pytestmark = pytest.mark.anyio
async def test_it(database, tenants):
    q=Querying(database,Guard(),5000)
    for s in ["""SELECT ((source = ANY (ARRAY['user'::text, 'automated'::text]))) AS s FROM (VALUES (0, CAST('x' AS text))) AS feedback_loop (trial_place, source) ORDER BY trial_place""",
      """SELECT (sha256 = encode(sha256(convert_to(script, 'UTF8'::name)), 'hex'::text)) AS s FROM (VALUES (0, CAST('x' AS text), CAST('y' AS text))) AS feedback_loop (trial_place, script, sha256) ORDER BY trial_place""",
      """SELECT 1 AS s FROM (VALUES (0, CAST( encode(sha256(convert_to( 'x0a1b2c3d4e' , 'UTF8' :: name )), 'hex' :: text ) AS text))) AS t (a,b)"""]:
        try:
            v=await q.inspect(s,[]); print((await q.run(tenants.ours,v,[],PageSize(10))).rows)
        except Exception as e: print(repr(e))
