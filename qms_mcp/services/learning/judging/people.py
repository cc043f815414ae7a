"""The judge beside people: what it says of runs that people scored, and how the two compare.

What the judge says of a run is kept as feedback of the source `llm-judge`, labelled with the version of the judge: it
counts as what it is, and never as a person's.
"""

from typing import TYPE_CHECKING
from uuid import UUID

from qms_mcp.db.queries import query
from qms_mcp.services.learning.judging.calibration import Calibration, calibrated
from qms_mcp.services.learning.judging.models import JudgedCase

if TYPE_CHECKING:
    from collections.abc import Sequence

    from qms_mcp.auth.principal import Principal
    from qms_mcp.db.database import Database
    from qms_mcp.services.learning.feedback.service import Feedback
    from qms_mcp.services.learning.judging.judge import Judge
    from qms_mcp.services.learning.judging.models import Grade
    from qms_mcp.services.learning.spending import Spend

_PAIRS, _RATED = query("learning_judging.pairs"), query("learning_judging.rated_by_people")
_MOST = 200


class AgainstPeople:
    """How a judge compares with people.

    Args:
        database: Where feedback is.
        judge: Which judge.
        feedback: Keeps what it says.
    """

    def __init__(self, database: "Database", judge: "Judge", feedback: "Feedback") -> None:
        self._database = database
        self._judge = judge
        self._feedback = feedback

    async def calibration(self, principal: "Principal", agent: str) -> Calibration:
        """Return how the judge compares with people, from the runs both have scored."""
        params = {"agent": agent, "judge": self._judge.version}
        async with self._database.transaction(principal, read_only=True) as transaction:
            rows = await transaction.fetch_dicts(_PAIRS, params)
        return calibrated([(float(row["judged"]), float(row["human"])) for row in rows], self._judge.version)

    async def in_words(self, principal: "Principal", agent: str) -> str:
        """Return the same in a sentence."""
        return (await self.calibration(principal, agent)).in_words()

    async def judge_rated(
        self, principal: "Principal", agent: str, spend: "Spend", *, most: int = _MOST
    ) -> "Sequence[Grade]":
        """Judge runs that people scored, the newest first, and keep what the judge says as feedback.

        Args:
            principal: On whose behalf.
            agent: Whose runs.
            spend: What pays for it.
            most: Runs at most.

        Raises:
            NotAllowedError: The caller only reads.
            UnavailableError: No model is set up.
        """
        params = {"agent": agent, "judge": self._judge.version, "max_rows": most}
        async with self._database.transaction(principal, read_only=True) as transaction:
            rows = await transaction.fetch_dicts(_RATED, params)
        cases = [JudgedCase(str(row["run_id"]), row["request"], row["output"]) for row in rows]
        if not cases:
            return ()
        grades = await self._judge.grade(principal, cases, spend)
        for grade in grades:
            if grade.score is not None:
                await self._keep(principal, grade, grade.score)
        return grades

    async def _keep(self, principal: "Principal", grade: "Grade", score: float) -> None:
        await self._feedback.keep_judgement(
            principal,
            UUID(grade.key),
            score,
            label=self._judge.version,
            comment=grade.reason,
            details={"consistent": grade.consistent, "suspicious": grade.suspicious, "not_met": list(grade.failing)},
            idempotency_key=f"{self._judge.version}:{grade.key}"[:200],
        )
