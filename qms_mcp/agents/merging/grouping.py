"""Which findings are one: first those with the same words, then those that are alike and contradict in nothing.

Findings are taken in the order of `Found.order`. Each joins the most alike of the leaders it fits, or becomes a leader.
A finding fits only a leader that says at least as much as it does (sides of axes, names, subject), so no two members of
a group can differ in any of these; and no leader fits another, so merging what was merged changes nothing.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import product
from typing import TYPE_CHECKING

from qms_mcp.agents.merging.findings import Bucket, Found
from qms_mcp.agents.merging.likeness import Likeness, one_word_apart
from qms_mcp.agents.merging.quantities import quantity
from qms_mcp.agents.merging.reading import read
from qms_mcp.agents.merging.values import disagree

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Bits = NDArray[np.bool_]


@dataclass(slots=True)
class Group:
    """Findings that say one thing, the leader first; `why` says of each how it came in."""

    members: list[Found]
    why: list[str] = field(default_factory=lambda: [""])

    @property
    def leader(self) -> Found:
        """The finding whose statement stands for all."""
        return self.members[0]


@dataclass(frozen=True, slots=True)
class Opposed:
    """Two groups whose statements are alike and yet turned against each other."""

    one: Group
    other: Group
    why: str


def grouped(findings: Sequence[Found], likeness: Likeness) -> tuple[list[Group], list[Opposed]]:
    """Return the groups, and the pairs of them that say opposite things."""
    buckets: dict[Bucket, list[Found]] = {}
    for found in findings:
        buckets.setdefault(found.bucket, []).append(found)
    groups: list[Group] = []
    opposed: list[Opposed] = []
    for bucket in buckets.values():
        there, against = _in_bucket(bucket, likeness)
        groups.extend(there)
        opposed.extend(against)
    return groups, opposed


def fits(found: Found, leader: Found) -> bool:
    """Tell whether a finding says nothing that its leader doesn't say, and nothing against it."""
    mine, theirs = found.reading, leader.reading
    return (
        found.kind == leader.kind
        and mine.negated == theirs.negated
        and mine.axes <= theirs.axes
        and mine.names <= theirs.names
        and found.subject <= leader.subject
        and _same_value(found, leader)
        and _of_the_same(found, leader)
    )


def opposite(one: Found, other: Found) -> str:
    """Return in what two alike statements are turned against each other, or nothing."""
    if not (one.subject <= other.subject or other.subject <= one.subject):
        return ""
    if not (one.reading.names <= other.reading.names or other.reading.names <= one.reading.names):
        return ""
    theirs = dict(other.reading.axes)
    against = sorted(axis for axis, side in one.reading.axes if side and theirs.get(axis) == -side)
    if one.reading.negated != other.reading.negated:
        # "not increasing" against "decreasing" is no contradiction that can be told from words
        return "" if against or one.reading.axes != other.reading.axes else "one denies what the other says"
    return f"opposite sides of: {', '.join(against)}" if against else ""


def _of_the_same(found: Found, leader: Found) -> bool:
    """Tell whether two findings may be of the same records: "The CAPA is overdue" is another thing of another CAPA."""
    return not found.records or not leader.records or not set(found.records).isdisjoint(leader.records)


def _same_value(found: Found, leader: Found) -> bool:
    if not found.value.normal or not leader.value.normal:
        return not found.value.normal
    apart = disagree(found.value, leader.value, found.measure)
    if apart is not None:
        return not apart
    if quantity(found.value.normal) or quantity(leader.value.normal):
        return False
    return (found.value.axes, found.value.negated) == (leader.value.axes, leader.value.negated)


def _in_bucket(bucket: Sequence[Found], likeness: Likeness) -> tuple[list[Group], list[Opposed]]:
    if len(bucket) == 1:
        return [Group([bucket[0]])], []
    texts = list(dict.fromkeys(found.finding.statement for found in bucket))
    place = {text: number for number, text in enumerate(texts)}
    alike = likeness.matrix(texts)
    near = alike >= likeness.threshold
    for one, other in _same_words(texts):  # however little the measure of likeness finds in them
        near[one, other] = near[other, one] = True
    groups: list[Group] = []
    by_row: dict[int, list[Group]] = {}
    for found in bucket:
        row = place[found.finding.statement]
        candidates = [
            (group, float(alike[row, column]))
            for column in near[row].nonzero()[0].tolist()
            for group in by_row.get(column, ())
        ]
        joined = _join(found, candidates)
        if not joined:
            groups.append(group := Group([found]))
            by_row.setdefault(row, []).append(group)
    return groups, _against(by_row, near)


def _join(found: Found, candidates: Sequence[tuple[Group, float]]) -> bool:
    def rank(pair: tuple[Group, float]) -> tuple[object, ...]:
        leader = pair[0].leader
        return leader.reading.normal != found.reading.normal, -round(pair[1], 5), leader.order

    for group, alike in sorted(candidates, key=rank):
        leader = group.leader
        same = leader.reading.normal == found.reading.normal
        if fits(found, leader) and (same or not one_word_apart(found.finding.statement, leader.finding.statement)):
            group.members.append(found)
            group.why.append("exact" if same else f"semantic {alike:.2f}")
            return True
    return False


def _against(by_row: Mapping[int, Sequence[Group]], near: "Bits") -> list[Opposed]:
    found: list[Opposed] = []
    for row, groups in by_row.items():
        columns = [column for column in near[row].nonzero()[0].tolist() if column >= row]
        for other in (other for column in columns for other in by_row.get(column, ())):
            for one in groups:
                why = opposite(one.leader, other.leader) if one is not other else ""
                if why:
                    found.append(Opposed(one, other, why))
    return found


def _same_words(texts: Sequence[str]) -> Iterator[tuple[int, int]]:
    by_words: dict[str, list[int]] = {}
    for number, text in enumerate(texts):
        by_words.setdefault(read(text).normal, []).append(number)
    for numbers in by_words.values():
        yield from product(numbers, numbers)
