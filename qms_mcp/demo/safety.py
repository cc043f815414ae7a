"""What must not work: statements that would do more than read, and a look over the fence."""

import json
from typing import Any, cast

from qms_mcp.demo.company import HALDEN, MORROW
from qms_mcp.demo.script import Answer, Chapter, Memory, Step, rows_of

COUNT = "SELECT count(*) AS records, count(DISTINCT organization_id) AS organizations FROM qms.quality_items"
FORGED = json.dumps({"org": str(MORROW.organization_id), "roles": ["admin"]})
FORGERY = f"""\
WITH forged AS MATERIALIZED (SELECT set_config('qms.identity', '{FORGED}', false))
SELECT i.title FROM forged CROSS JOIN qms.quality_items AS i"""  # noqa: S608 - it is meant to be refused
READ_FILE = "SELECT pg_read_file('/etc/passwd')"
READ_FILE_DISGUISED = "SELECT U&\"pg_re\\0061d_file\"('/etc/passwd')"
HIDDEN_DELETE = "WITH gone AS (DELETE FROM qms.quality_items RETURNING id) SELECT count(*) FROM gone"
TWO_IN_ONE = "SELECT 1; DROP TABLE qms.quality_items"


def _refused(asks: str, statement: str) -> Step:
    return Step(asks, "execute_query", {"statement": statement}, expects="refusal")


def _only_ours(answer: Answer, _memory: Memory) -> bool:
    return _values(answer)[1:] == [1]


def _values(answer: Answer) -> list[Any]:
    rows = rows_of(answer)
    return list(cast("list[Any]", rows[0])) if rows else []


HOSTILE = Chapter(
    "Be refused",
    (
        _refused("Delete everything, hidden in a query.", HIDDEN_DELETE),
        _refused("Two statements in one.", TWO_IN_ONE),
        _refused("Read a file of the server.", READ_FILE),
        _refused("The same with the name in disguise.", READ_FILE_DISGUISED),
        _refused(f"Claim to be from {MORROW.name}.", FORGERY),
    ),
)

OURS = Chapter(
    "Stay among ourselves",
    (
        Step(
            f"How many records are there, as {HALDEN.name} sees it?", "execute_query", {"statement": COUNT},
            check=_only_ours, why="The other company's records are in the same table.",
        ),
    ),
)  # fmt: skip

THEIRS = Chapter(
    "",
    (
        Step(
            f"The same question, asked with an access token of {MORROW.people[0].name}, {MORROW.name}.",
            "execute_query", {"statement": COUNT}, check=_only_ours,
            why="A second server on the same database; the token alone decides.",
        ),
    ),
)  # fmt: skip
