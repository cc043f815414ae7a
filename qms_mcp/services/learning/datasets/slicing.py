"""What results are looked at by: subject, length of the request, version of the agent, severity, kind of case."""

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence

from qms_mcp.agents.outputs import SEVERITIES, AgentOutput
from qms_mcp.services.learning.datasets.models import DatasetItem, Draft

_SHORT, _MEDIUM = 120, 600
_NUMBERED = re.compile(r"\b([A-Z]{2,8})-\d{2,4}-\d+\b")
# As records are numbered; another prefix stands for itself.
_CATEGORIES = {
    "NC": "nonconformance", "DEV": "deviation", "CMP": "complaint", "CAPA": "capa", "CR": "change", "DOC": "document",
    "AUD": "audit", "FND": "finding", "RSK": "risk", "TRN": "training", "SUP": "supplier",
}  # fmt: skip
# Words people use where they name no record; the first that occurs counts.
_WORDS = re.compile(
    r"\b(capa|nonconformance|non-conformance|complaint|audit|deviation|supplier|training|document|risk|change|feedback"
    r"|process|calibration|inspection)s?\b",
    re.IGNORECASE,
)


def slices_of(request: str, subject: str, answer: AgentOutput | None, agent_version: str, kind: str) -> dict[str, str]:
    """Return the slices of an item."""
    found = [one for _, one in answer.findings()] if answer else []
    worst = min((SEVERITIES.index(one.severity) for one in found), default=None)
    return {
        "subject": _subject(subject, request),
        "length": "short" if len(request) < _SHORT else "medium" if len(request) < _MEDIUM else "long",
        "version": agent_version or "unknown",
        "severity": "none" if worst is None else SEVERITIES[worst],
        "case": kind,
    }


def _subject(*texts: str) -> str:
    """Return the category of records a text is about: of the first record it names, else of the first word for one."""
    for text in texts:
        numbered = _NUMBERED.search(text)
        if numbered:
            return _CATEGORIES.get(numbered[1], numbered[1].lower())
    for text in texts:
        named = _WORDS.search(text)
        if named:
            return named[1].lower().replace("-", "")
    return "other"


def balanced(drafts: Sequence[tuple[str, Draft]], most: int | None) -> list[tuple[str, Draft]]:
    """Return at most so many drafts of the same slices: validated ones first, then the weightier.

    Args:
        drafts: With their hashes.
        most: At most; None: all.
    """
    if most is None:
        return list(drafts)
    by_slices: dict[tuple[tuple[str, str], ...], list[tuple[str, Draft]]] = defaultdict(list)
    for sha, draft in drafts:
        by_slices[tuple(sorted(draft.slices.items()))].append((sha, draft))
    return [
        one
        for alike in by_slices.values()
        for one in sorted(alike, key=lambda one: (not one[1].is_validated, -one[1].weight, one[0]))[:most]
    ]


def counted(items: Iterable[DatasetItem]) -> dict[str, dict[str, int]]:
    """Return how many items there are by slice."""
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    for item in items:
        for by, name in item.slices.items():
            counts[by][name] += 1
    return {by: dict(sorted(count.items())) for by, count in sorted(counts.items())}
