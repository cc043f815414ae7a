"""What can't all be true: other values of one measure of one subject, and alike statements turned against each other.

Both are found across insights, actions and recommendations. Nothing is decided: all sides stay, marked.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import combinations

from qms_mcp.agents.merging.findings import Found
from qms_mcp.agents.merging.grouping import Group, Opposed
from qms_mcp.agents.merging.models import Contradiction, Item, Side
from qms_mcp.agents.merging.reading import topics
from qms_mcp.agents.merging.values import disagree


@dataclass(frozen=True, slots=True)
class _Said:
    """A value somebody gave, with the item it is in."""

    found: Found
    item: Item


def contradictions(items: Sequence[tuple[Item, Group]], opposed: Iterable[Opposed]) -> list[Contradiction]:
    """Return the contradictions between items, those of the highest ranked items first."""
    places = {item.id: place for place, (item, _) in enumerate(items)}
    found = [*_of_values(items), *_of_statements(items, opposed)]
    seen: set[frozenset[str]] = set()
    once: list[Contradiction] = []
    for one in sorted(found, key=lambda one: min(places[side.item] for side in one.sides)):
        between = frozenset(side.item for side in one.sides)
        if between not in seen:
            seen.add(between)
            once.append(one.model_copy(update={"id": f"C{len(once) + 1}"}))
    return once


def marked(item: Item, found: Iterable[Contradiction]) -> Item:
    """Return the item with the contradictions it is part of."""
    ids = [one.id for one in found if any(side.item == item.id for side in one.sides)]
    return item.model_copy(update={"contradictions": ids}) if ids else item


def _of_values(items: Sequence[tuple[Item, Group]]) -> list[Contradiction]:
    measured: dict[tuple[object, ...], list[_Said]] = {}
    for item, group in items:
        for found in group.members:
            finding = found.finding
            if finding.subject and finding.measure and finding.value:
                key = (topics(finding.subject), topics(finding.measure))
                measured.setdefault(key, []).append(_Said(found, item))
    return [one for said in measured.values() if (one := _of_one_measure(said)) is not None]


def _of_one_measure(said: Sequence[_Said]) -> Contradiction | None:
    different: dict[tuple[str, str], _Said] = {}
    for one in said:
        different.setdefault((one.found.value.normal, one.item.id), one)
    against = [
        (one, other)
        for one, other in combinations(different.values(), 2)
        if one.item.id != other.item.id and disagree(one.found.value, other.found.value, one.found.measure)
    ]
    if not against:
        return None
    sides: dict[str, _Said] = {}
    for pair in against:
        for one in pair:
            sides.setdefault(one.item.id, one)
    finding = against[0][0].found.finding
    values = dict.fromkeys(one.found.finding.value for one in sides.values())
    return Contradiction(
        id="?",
        about=f"{finding.subject}: {finding.measure}",
        why=" against ".join(values),
        sides=[_side(one.item, one.found.finding.value) for one in sides.values()],
    )


def _of_statements(items: Sequence[tuple[Item, Group]], opposed: Iterable[Opposed]) -> list[Contradiction]:
    by_group = {id(group): item for item, group in items}
    found: list[Contradiction] = []
    for pair in opposed:
        between = sorted((by_group[id(pair.one)], by_group[id(pair.other)]), key=lambda item: item.id)
        about = next((item.subject for item in between if item.subject), between[0].statement)
        found.append(
            Contradiction(id="?", about=about, why=pair.why, sides=[_side(item, item.value) for item in between])
        )
    return found


def _side(item: Item, value: str) -> Side:
    agents = sorted({source.agent for source in item.sources})
    return Side(item=item.id, statement=item.statement, value=value, agents=agents)
