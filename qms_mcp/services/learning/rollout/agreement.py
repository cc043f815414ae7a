"""How far two answers of an agent to the same request agree: what they found, how grave it is, and on what evidence.

Sentences are not compared: two versions may word the same finding differently. A finding is known by what it is about
and what it measured; the overlap of two sets is their common members over all members (P. Jaccard, The distribution of
the flora in the alpine zone, New Phytologist 11, 1912).
"""

from collections import Counter
from collections.abc import Set as AbstractSet
from typing import Any

from qms_mcp.agents.outputs import AgentOutput


def agreement(answered: AgentOutput, shadow: AgentOutput) -> tuple[float, dict[str, Any]]:
    """Return how far two answers agree, from 0 to 1, and of what that is the mean."""
    parts = {
        "subjects": _overlap(_subjects(answered), _subjects(shadow)),
        "records": _overlap(_records(answered), _records(shadow)),
        "severities": _counted(_severities(answered), _severities(shadow)),
    }
    return sum(parts.values()) / len(parts), {name: round(value, 4) for name, value in parts.items()}


def _overlap(one: AbstractSet[Any], other: AbstractSet[Any]) -> float:
    return len(one & other) / len(one | other) if one | other else 1.0


def _counted(one: Counter[str], other: Counter[str]) -> float:
    together = (one | other).total()
    return (one & other).total() / together if together else 1.0


def _subjects(output: AgentOutput) -> set[tuple[str, str]]:
    return {(one.subject.casefold().strip(), one.measure.casefold().strip()) for _, one in output.findings()}


def _records(output: AgentOutput) -> set[str]:
    return {number for _, one in output.findings() for number in one.evidence.records}


def _severities(output: AgentOutput) -> Counter[str]:
    return Counter(f"{kind} {one.severity}" for kind, one in output.findings())
