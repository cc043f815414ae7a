"""The summary of a result, by a template: nothing in it that is not in the result."""

from collections.abc import Mapping, Sequence

from qms_mcp.agents.merging.models import Contradiction, Contributor, Item, Listed
from qms_mcp.agents.outputs import SEVERITIES

_MOST_STATEMENTS = 3
_LONGEST = 1_800


def summary(
    items: Mapping[Listed, Sequence[Item]], against: Sequence[Contradiction], contributors: Sequence[Contributor]
) -> str:
    """Return who contributed, what there is, what stands first and what is missing, in a few sentences."""
    sentences = [_who(contributors), _how_much(items)]
    sentences.extend(item.statement for item in items["insights"][:_MOST_STATEMENTS] if not item.unsupported)
    if against:
        sentences.append(f"{_counted(len(against), 'contradiction')} to be settled: {against[0].about}.")
    without = sum(item.unsupported for listed in items.values() for item in listed)
    if without:
        sentences.append(f"{_counted(without, 'statement')} without evidence that could be found.")
    sentences.extend(
        f"{one.key} ({one.agent}) {_ENDS[one.status]}{f': {one.error}' if one.error else '.'}"
        for one in contributors
        if one.status != "completed"
    )
    text = " ".join(sentences)
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1].rstrip()}\u2026"


_ENDS = {"partial": "stopped before its end", "failed": "failed", "cancelled": "was cancelled"}


def _who(contributors: Sequence[Contributor]) -> str:
    agents = sorted({one.agent for one in contributors if one.findings})
    if not agents:
        return "No agent found anything."
    by_playbook = sorted({one.agent for one in contributors if one.findings and one.model == "playbook"})
    told = f" ({', '.join(by_playbook)} by playbook)" if by_playbook else ""
    return f"From {', '.join(agents)}{told}."


def _how_much(items: Mapping[Listed, Sequence[Item]]) -> str:
    counts = ", ".join(_counted(len(listed), name.removesuffix("s")) for name, listed in items.items())
    severities = [item.severity for listed in items.values() for item in listed]
    grave = ", ".join(f"{severities.count(one)} {one}" for one in SEVERITIES[:2] if one in severities)
    return f"{counts} ({grave})." if grave else f"{counts}."


def _counted(count: int, name: str) -> str:
    return f"{count} {name}{'' if count == 1 else 's'}"
