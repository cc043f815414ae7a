"""The judge: a model that grades answers by a rubric.

With a reference, the two answers are judged side by side, in both orders; without one, the answer alone. A judge is
believed only as far as rules can check: it must pass its controls, give every point, stay within what its points
allow, and agree with itself. Where it does not, there is no score, or one that is flagged; there is never a guess.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, cast

import anyio

from qms_mcp.agents.definition import Tier
from qms_mcp.auth.principal import Principal
from qms_mcp.errors import InvalidInputError
from qms_mcp.services.learning.asking import BudgetSpentError, LoopModel, ModelUnusableError, Question, Spend
from qms_mcp.services.learning.judging.calibration import Calibration
from qms_mcp.services.learning.judging.controls import controls, unfit
from qms_mcp.services.learning.judging.models import Grade, JudgedCase
from qms_mcp.services.learning.judging.prompting import alone_prompt, as_text, pair_prompt
from qms_mcp.services.learning.judging.rubric import (
    SYSTEM,
    AnyPair,
    AnyRated,
    Pair,
    PairOfCase,
    Rated,
    RatedOfCase,
    rubric_version,
)
from qms_mcp.services.learning.judging.scoring import Score, alone, side_by_side
from qms_mcp.services.learning.judging.suspicion import speaks_to_grader

PURPOSE = "judge"
# What an answer that speaks to its grader is worth at most, whatever the judge says.
SUSPICIOUS_CAP = 0.25
_ALONE_TOKENS, _PAIR_TOKENS = 1_500, 2_800
_AT_ONCE = 4
_MOST_WORDS = 600


class Judge:
    """Grades answers.

    Args:
        model: Who is asked.
        tier: How strong a model judges.
    """

    def __init__(self, model: LoopModel, *, tier: Tier = "sonnet") -> None:
        self._model = model
        self._tier: Tier = tier

    @property
    def is_there(self) -> bool:
        """Whether there is a model to ask."""
        return self._model.is_there

    @property
    def version(self) -> str:
        """`judge@3f2a9c41d0e7/claude-sonnet-5-5`: the rubric and the model; scores of two are not compared."""
        return f"judge@{rubric_version()}/{self._model.model(self._tier)}"

    async def grade(
        self,
        principal: Principal,
        cases: Sequence[JudgedCase],
        spend: Spend,
        *,
        calibration: Calibration | None = None,
    ) -> Sequence[Grade]:
        """Return a grade for each case, in their order.

        Args:
            principal: On whose behalf.
            cases: What to judge.
            spend: What pays for it; when it is used up, the rest has no score.
            calibration: Maps scores without a reference to what people say.

        Raises:
            InvalidInputError: Two cases have one key.
            UnavailableError: No model is set up.
        """
        if len({case.key for case in cases}) < len(cases):
            raise InvalidInputError("Two cases have one key.", hint="Give each case a key of its own.")
        fit = {
            pairs: await self.unfit(principal, spend, pairs=pairs)
            for pairs in sorted({case.reference is not None for case in cases if case.answer is not None})
        }
        grades: dict[str, Grade] = {}
        limiter = anyio.CapacityLimiter(_AT_ONCE)

        async def one(case: JudgedCase) -> None:
            async with limiter:
                grades[case.key] = await self._graded(principal, case, spend, fit, calibration)

        async with anyio.create_task_group() as tasks:
            for case in cases:
                tasks.start_soon(one, case)
        return [grades[case.key] for case in cases]

    async def unfit(self, principal: Principal, spend: Spend, *, pairs: bool) -> str:
        """Return why this judge is not fit to judge in one of its two ways, or nothing.

        Raises:
            UnavailableError: No model is set up.
        """
        scores: dict[str, float | None] = {}
        for control in controls(pairs=pairs):
            try:
                scores[control.case.key] = (await self._judged(principal, control.case, spend))[0].value
            except BudgetSpentError:
                return "the budget was spent before its controls were done"
            except ModelUnusableError:
                scores[control.case.key] = None
        return unfit(controls(pairs=pairs), scores)

    async def _graded(
        self,
        principal: Principal,
        case: JudgedCase,
        spend: Spend,
        fit: Mapping[bool, str],
        calibration: Calibration | None,
    ) -> Grade:
        if case.answer is None:
            return Grade(case.key, 0.0, "There is no answer.", consistent=True, raw=0.0)
        wrong = fit[case.reference is not None]
        if wrong:
            return Grade(case.key, None, f"The judge is not used: {wrong}.", consistent=False)
        try:
            score, cost = await self._judged(principal, case, spend)
        except BudgetSpentError:
            return Grade(case.key, None, "The budget of the judge was spent.", consistent=False)
        except ModelUnusableError as error:
            return Grade(case.key, None, error.message[:_MOST_WORDS], consistent=False, cost_usd=error.cost_usd)
        return _grade(case, score, cost, calibration)

    async def _judged(self, principal: Principal, case: JudgedCase, spend: Spend) -> tuple[Score, float]:
        """Return the score of a case, and what it cost."""
        answer, has_own = cast("Any", case.answer), bool(case.rubric.strip())
        if case.reference is None:
            question = self._question(
                alone_prompt(case.request, answer, case.rubric), RatedOfCase if has_own else Rated, _ALONE_TOKENS
            )
            said = await self._model.ask(principal, question, spend)
            return alone(cast("AnyRated", said.parsed)), said.cost_usd
        shape, cost = PairOfCase if has_own else Pair, 0.0
        judged: list[AnyPair] = []
        for first, second in ((answer, case.reference), (case.reference, answer)):
            question = self._question(pair_prompt(case.request, first, second, case.rubric), shape, _PAIR_TOKENS)
            said = await self._model.ask(principal, question, spend)
            judged.append(cast("AnyPair", said.parsed))
            cost += said.cost_usd
        return side_by_side(*judged), cost

    def _question(self, prompt: str, shape: type[AnyRated | AnyPair], tokens: int) -> Question:
        return Question(PURPOSE, SYSTEM, prompt, tier=self._tier, schema=shape, max_tokens=tokens)


def _grade(case: JudgedCase, score: Score, cost: float, calibration: Calibration | None) -> Grade:
    value, words = score.value, score.reason
    if calibration is not None and case.reference is None:
        value = calibration.of(value)
    if score.failing:
        words = f"{words} Not met: {'; '.join(score.failing)}."
    grade = Grade(
        key=case.key,
        score=value,
        reason=words[:_MOST_WORDS],
        consistent=score.consistent,
        failing=tuple(one.partition(":")[0] for one in score.failing),
        raw=score.value,
        against=score.against,
        cost_usd=cost,
    )
    return _checked(case, grade)


def _checked(case: JudgedCase, grade: Grade) -> Grade:
    """Return a grade that is cut where the answer speaks to its grader and the reference does not."""
    words = speaks_to_grader(as_text(cast("Any", case.answer)))
    if not words or (case.reference is not None and speaks_to_grader(as_text(case.reference))):
        return grade
    why = f"The answer speaks to its grader ({words!r}), so it counts {SUSPICIOUS_CAP} at most. {grade.reason}"
    score = min(cast("float", grade.score), SUSPICIOUS_CAP)
    return replace(grade, score=score, suspicious=words, reason=why[:_MOST_WORDS])
