"""What the gates look at, all of it, so that each gate is a function of it alone."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

from qms_mcp.services.learning.evaluation.comparing import Comparison
from qms_mcp.services.learning.evaluation.models import DatasetCases, Evaluation
from qms_mcp.services.learning.gates.safety import Fell, SafetyCase
from qms_mcp.services.learning.versions import VersionRow


@dataclass(frozen=True, slots=True)
class SafetyRun:
    """What one version did with the safety set.

    Attributes:
        fell: The cases it failed.
        unknown: Keys of cases nothing is known of.
        error: Why it could not be measured at all.
    """

    fell: Sequence[Fell] = ()
    unknown: Sequence[str] = ()
    error: str = ""
    cost_usd: float = 0.0


@dataclass(frozen=True, slots=True)
class Measured:
    """Everything that was measured of a version and the one it is to replace.

    Attributes:
        version: The candidate.
        baseline: What it is compared with.
        data: The side of the dataset that was held out.
        seen: How many of its cases the candidate, or a version it comes from, was made with.
        before: The evaluation of the baseline.
        after: That of the candidate.
        comparison: Of the two, case by case; None: they could not be compared.
        why_not: Why they could not.
        safety: The set.
        safety_before: What the baseline did with it.
        safety_after: What the candidate did with it.
        budget_usd: What might be spent on all this.
        spent_usd: What was.
        problems: What went wrong while the candidate was made.
        people: How the judge compares with people, in words.
    """

    version: VersionRow
    baseline: VersionRow
    data: DatasetCases
    seen: int
    before: Evaluation
    after: Evaluation
    comparison: Comparison | None
    why_not: str
    safety: Sequence[SafetyCase]
    safety_before: SafetyRun
    safety_after: SafetyRun
    budget_usd: float | None = None
    spent_usd: float = 0.0
    problems: Sequence[str] = ()
    people: str = ""

    @property
    def over_budget(self) -> str:
        """Why what was spent is too much; empty when it is not."""
        if self.budget_usd is None or self.spent_usd <= self.budget_usd:
            return ""
        return f"{self.spent_usd:.4f} USD were spent of {self.budget_usd:.4f}"

    @property
    def not_exercised(self) -> str:
        """Why nothing of this says how the candidate answers; empty when it does."""
        differ = [
            part for part in _FOR_MODELS if self._content(self.version, part) != self._content(self.baseline, part)
        ]
        if self.after.spec.get("with_model", True) or not differ:
            return ""
        return (
            f"the candidate differs in {', '.join(differ)}, which only a model makes use of, and no model was there: "
            "playbooks answered for both"
        )

    def judge(self, evaluation: Evaluation) -> "JudgeShare":
        """Return what the judge came to in an evaluation."""
        if not evaluation.spec.get("judge"):
            return JudgeShare(asked=False)
        said = told_of_judge(evaluation)
        scorers = cast("Mapping[str, Mapping[str, float]]", evaluation.summary.get("by_scorer") or {})
        valid = int(scorers.get("judge", {}).get("n", 0))
        missing, inconsistent = said.get("missing"), int(said.get("inconsistent") or 0)
        if missing is None:
            return JudgeShare(asked=True, valid=0, n=max(1, evaluation.n), inconsistent=inconsistent)
        return JudgeShare(asked=True, valid=valid, n=valid + int(missing), inconsistent=inconsistent)

    @staticmethod
    def _content(version: VersionRow, part: str) -> Any:
        return getattr(version.definition, part)


@dataclass(frozen=True, slots=True)
class JudgeShare:
    """Of how many answers a judge gave a score.

    Attributes:
        asked: Whether there was one.
        n: Answers it was shown.
        inconsistent: Scores in which it did not agree with itself.
    """

    asked: bool
    valid: int = 0
    n: int = 0
    inconsistent: int = 0


def told_of_judge(evaluation: Evaluation) -> Mapping[str, Any]:
    """Return what an evaluation says of its judge."""
    return cast("Mapping[str, Any]", evaluation.summary.get("judge") or {})


_FOR_MODELS = ("prompt", "exemplars", "tier", "model", "effort")
