"""A world in which the improvement loop can go round: a model that does what its instructions say, and who rates it.

The stand-in for the model answers well when its instructions tell it to count, and says next to nothing else. It is the
judge and the optimiser as well. What it answers for a version that is marked can be made to fail, as a planted
regression.
"""

import json
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

import psycopg
from psycopg.rows import dict_row

from qms_mcp.agents.versioning import revised
from qms_mcp.db.local_owner import LOCAL_ORGANIZATION_ID, LOCAL_OWNER_ID
from qms_mcp.services.learning.training.proposals import own_part
from qms_mcp.services.learning.versions import shipped_agent
from tests.support.claude_stub import FixedTurn, refuses, says
from tests.support.evaluating import ROLE, SENTENCE, answering
from tests.support.judging import JUDGE, judging
from tests.support.stdio import Workplace

OPTIMISER = "You improve the working instructions"
BRIEF = "Be brief."


_ASKS = (
    "How many CAPAs are overdue on line {line}", "Tell me what of the corrective actions of line {line} is late",
    "I need the count of overdue CAPAs, line {line}", "Before the meeting: late preventive actions of line {line}",
    "Has line {line} anything that should have been closed by now", "Which due dates did line {line} miss",
    "Overdue work on line {line}, please", "The plant manager asks about delays on line {line}",
    "Sum up the backlog for line {line}",
)  # fmt: skip
_PLACES = (
    "where catheters are sealed", "next to the autoclaves", "that fills syringes", "of the injection moulding hall",
    "for the export labels", "with the new torque station", "in the clean room upstairs", "under the weekend shift",
    "that packs the drapes", "behind incoming inspection", "run by the contractor",
)  # fmt: skip
_WHY = (
    "Our notified body comes on Monday.", "A customer has complained twice.", "It is for the shift handover.",
    "Finance wants to know the cost.", "Last month's report left it out.", "We moved people there in spring.",
    "The supplier of the tubing was changed.",
)  # fmt: skip


def request(line: int) -> str:
    """Return what is asked; no two are put alike, as no two people do."""
    asks, place, why = (words[line % len(words)] for words in (_ASKS, _PLACES, _WHY))
    return f"{asks.format(line=line)} {place}? {why} [role {ROLE}]"


@dataclass
class Model:
    """What the stand-in says.

    Attributes:
        broken: Whether it fails for versions with the sentence, as if they were worse than they seemed.
    """

    broken: bool = False
    improvements: int = 0
    _judge: Any = field(default_factory=lambda: judging(lambda _request, answer: 1.0 if "overdue" in answer else 0.1))

    def __call__(self, body: dict[str, Any]) -> FixedTurn:
        """Answer a request, whoever sent it."""
        system = json.dumps(body["system"])
        if JUDGE in system:
            return self._judge(body)
        if OPTIMISER in system:
            self.improvements += 1
            prompt = own_part(shipped_agent("qa").prompt)
            return says({"instructions": f"{prompt}\n\n{SENTENCE}", "why": "It did not count."})
        if self.broken and SENTENCE in system:
            return refuses(400, "invalid_request_error")
        return answering(body)


def plant(place: Workplace, *, weak: bool) -> str:
    """Put a version of the agent qa into production that does, or does not, count; return its name."""
    shipped = shipped_agent("qa")
    words = BRIEF if weak else f"{SENTENCE} {BRIEF}"
    made = revised(shipped, prompt=f"{words}\n\n{shipped.prompt}")
    with psycopg.connect(place.conninfo()) as connection:
        row = connection.execute(
            "INSERT INTO ml_loop.model_versions (organization_id, model_name, version, config, content, "
            "content_sha256, origin, created_by, created_kind) VALUES (%s, 'qa', %s, %s, %s, "
            "encode(sha256(convert_to(%s, 'UTF8')), 'hex'), 'written', %s, 'human') RETURNING id",
            [LOCAL_ORGANIZATION_ID, made.version, made.content, made.content, made.content, LOCAL_OWNER_ID],
        ).fetchone()
        assert row is not None
        connection.execute(
            b"INSERT INTO ml_loop.aliases (organization_id, model_name, alias, version_id) VALUES (%s, 'qa', "
            b"'production', %s) ON CONFLICT (organization_id, model_name, alias) DO UPDATE "
            b"SET version_id = excluded.version_id",
            [LOCAL_ORGANIZATION_ID, row[0]],
        )
        connection.execute(
            b"INSERT INTO ml_loop.alias_moves (id, organization_id, model_name, alias, to_id, reason, moved_kind) "
            b"VALUES (%s, %s, 'qa', 'production', %s, 'planted by a test', 'human')",
            [uuid4(), LOCAL_ORGANIZATION_ID, row[0]],
        )
    return made.version


def weeks_ago(place: Workplace, weeks: int) -> None:
    """Let everything that was run and rated so far have been so many weeks ago."""
    moved = {
        "agents.agent_runs": ("created_at", "completed_at"),
        "agents.dispatches": ("created_at", "started_at", "finished_at"),
        "ml_loop.feedback_loop": ("created_at",),
        "ml_loop.training_data": ("created_at",),
    }
    with psycopg.connect(place.conninfo()) as connection:
        connection.execute(b"SET session_replication_role = replica")
        for table, columns in moved.items():
            sets = ", ".join(f"{column} = {column} - make_interval(weeks => {weeks})" for column in columns)
            connection.execute(f"UPDATE {table} SET {sets}".encode())


def runs_of(place: Workplace, *, run_key: str) -> list[dict[str, Any]]:
    """Return the runs of the dispatches whose run_key begins so, each with its lane and status."""
    with psycopg.connect(place.conninfo()) as connection, connection.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(
            "SELECT r.* FROM agents.agent_runs AS r INNER JOIN agents.dispatches AS d ON d.id = r.dispatch_id "
            "WHERE starts_with(d.run_key, %s) ORDER BY r.created_at",
            [run_key],
        ).fetchall()


def count(place: Workplace, statement: str, **params: Any) -> int:
    """Return a number."""
    with psycopg.connect(place.conninfo()) as connection:
        row = connection.execute(statement.encode(), params).fetchone()
    assert row is not None
    return int(row[0])
