"""From a group to an item, and the order of items.

Confidence of several agents: of each agent its surest finding counts once, since an agent that repeats itself knows no
more. Were the agents independent, they would be wrong together with probability (1 - c1)(1 - c2)...; they are not, for
they read the same records. So the item gets the mean of the surest agent's confidence and that of independent agents:
with 0.6 and 0.6 it is (0.6 + 0.84) / 2 = 0.72. It never falls below the surest.

Rank: severity (the highest of the sources), then items that have evidence before those without, then agreement, then
confidence.
"""

from collections.abc import Iterable, Sequence
from math import prod

from qms_mcp.agents.merging.findings import Found
from qms_mcp.agents.merging.grouping import Group
from qms_mcp.agents.merging.models import Item, Source
from qms_mcp.agents.outputs import SEVERITIES, Kind, Severity

_LETTERS: dict[Kind, str] = {"insight": "I", "action": "A", "recommendation": "R"}


def ranked(groups: Iterable[Group], kind: Kind) -> list[tuple[Item, Group]]:
    """Return the items of a kind, the highest ranked first, each with its group."""
    ordered = sorted((group for group in groups if group.leader.kind == kind), key=_rank)
    return [(_item(group, f"{_LETTERS[kind]}{place}"), group) for place, group in enumerate(ordered, start=1)]


def confidence(members: Sequence[Found]) -> float:
    """Return how sure all sources together are."""
    surest: dict[str, float] = {}
    for found in members:
        agent = found.contribution.agent
        surest[agent] = max(surest.get(agent, 0.0), found.finding.confidence)
    sure = sorted(surest.values())
    independent = 1 - prod(1 - one for one in sure)
    return round(max(sure[-1], (sure[-1] + independent) / 2), 3)


def _severity(members: Sequence[Found]) -> Severity:
    there = {found.finding.severity for found in members}
    return next(one for one in SEVERITIES if one in there)


def _agents(members: Sequence[Found]) -> int:
    return len({found.contribution.agent for found in members})


def _rank(group: Group) -> tuple[object, ...]:
    members = group.members
    return (
        SEVERITIES.index(_severity(members)),
        not any(found.supported for found in members),
        -_agents(members),
        -confidence(members),
        group.leader.order,
    )


def _item(group: Group, number: str) -> Item:
    members, leader = group.members, group.leader
    return Item(
        id=number,
        statement=leader.finding.statement,
        severity=_severity(members),
        confidence=confidence(members),
        agreement=_agents(members),
        subject=leader.finding.subject,
        measure=leader.finding.measure,
        value=leader.finding.value,
        unsupported=not any(found.supported for found in members),
        invalid=sorted({claim for found in members for claim in found.invalid}),
        sources=[_source(found, why, leader) for found, why in zip(members, group.why, strict=True)],
    )


def _source(found: Found, why: str, leader: Found) -> Source:
    finding, contribution = found.finding, found.contribution
    return Source(
        agent=contribution.agent,
        key=contribution.key,
        run=contribution.run_id,
        confidence=finding.confidence,
        severity=finding.severity,
        statement="" if finding.statement == leader.finding.statement else finding.statement,
        calls=list(found.calls),
        records=list(found.records),
        why=why,
    )
