"""What was found, rule by rule, and the score that follows from it.

The score is the weight of the rules that found nothing, divided by the weight of all that were checked (critical 5,
major 3, minor 1). How much a rule found does not matter to it: a score is comparable only within one rule set, and the
findings say how much. A rule nobody spoke of did not apply.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from qms_mcp.services.quality_checks.models import NOTE, QualityCheck, QualityFinding
from qms_mcp.services.quality_checks.rule_sets import WEIGHTS, RuleSet

_ORDER = {severity: place for place, severity in enumerate(WEIGHTS)}
_LONGEST = 400


@dataclass(frozen=True, slots=True)
class Found:
    """What a rule found at one place."""

    what: str
    mend: str
    field: str = ""
    citation: str = ""


@dataclass(slots=True)
class Report:
    """Collects what the rules of a set find in one subject."""

    subject: str
    rules: RuleSet
    findings: list[QualityFinding] = field(default_factory=list[QualityFinding])
    passed: list[str] = field(default_factory=list[str])
    unchecked: dict[str, str] = field(default_factory=dict[str, str])
    notes: list[str] = field(default_factory=list[str])

    def applied(self, rule_id: str, found: Iterable[Found]) -> None:
        """Enter what a rule that applies found; nothing at all means that it passed."""
        rule = self.rules.rules[rule_id]
        before = len(self.findings)
        for one in found:
            self.findings.append(
                QualityFinding(
                    rule=rule.id,
                    severity=rule.severity,
                    field=one.field,
                    what=_cut(one.what),
                    mend=_cut(one.mend),
                    source=rule.source,
                    citation=one.citation or self.subject,
                )
            )
        if len(self.findings) == before:
            self.passed.append(rule_id)

    def could_not(self, rule_id: str, why: str) -> None:
        """Enter that a rule could not be checked."""
        self.unchecked[rule_id] = why.strip()

    def score(self) -> float | None:
        """Return the score; none when nothing could be checked."""
        failed = {finding.rule for finding in self.findings}
        weights = {name: WEIGHTS[self.rules.rules[name].severity] for name in (*failed, *self.passed)}
        whole = sum(weights.values())
        if not whole:
            return None
        return round(sum(weights[name] for name in self.passed) / whole, 3)

    def page(self, limit: int, skip: int) -> QualityCheck:
        """Return a page of the findings, the gravest first, with the counts of all."""
        ordered = sorted(self.findings, key=lambda one: (_ORDER[one.severity], one.rule, one.field))
        end = skip + limit
        counts = Counter(one.severity for one in ordered)
        return QualityCheck(
            subject=self.subject,
            rule_set=self.rules.name,
            score=self.score(),
            counts={severity: counts[severity] for severity in WEIGHTS if counts[severity]},
            total=len(ordered),
            findings=ordered[skip:end],
            passed=sorted(self.passed),
            unchecked=[f"{name}: {why}" for name, why in sorted(self.unchecked.items())],
            notes=[*self.notes, NOTE],
            next_cursor=str(end) if end < len(ordered) else None,
        )


def _cut(text: str) -> str:
    one_line = " ".join(text.split())
    return one_line if len(one_line) <= _LONGEST else f"{one_line[:_LONGEST]}…"
