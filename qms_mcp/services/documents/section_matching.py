"""Which section of one version is which section of another.

Numbers and titles change, so sections are paired in turns, the surest first: the same text, the same number and title,
the same title under the same headings, the same title, and at last the most alike words. What was paired in an earlier
turn stays paired. Sections that are paired but stand in another order, or under another heading, have moved.
"""

import re
from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Callable, Hashable, Iterator, Sequence
from dataclasses import dataclass

from qms_mcp.services.documents.sections import DocumentText, parents_of, unnumbered

_LONG_ENOUGH = 6
_ALIKE = 0.5
# A word is rare in so few texts; of a common one no more are looked at.
_FEW, _MOST = 12, 200


@dataclass(frozen=True, slots=True)
class Side:
    """A section as it is compared.

    Attributes:
        place: In the list of its document.
        title: Without the number, folded.
        trail: The titles it stands under, and its own.
        words: How often each word occurs, title included.
        text: The body with white space made one.
    """

    place: int
    path: str
    title: str
    trail: tuple[str, ...]
    text: str
    words: Counter[str]


@dataclass(frozen=True, slots=True)
class Pair:
    """The place of a section in the old list and in the new one, and whether it has moved."""

    old: int
    new: int
    moved: bool


def match(old: DocumentText, new: DocumentText) -> list[Pair]:
    """Return the sections that are the same section in both, in the order of the new one."""
    pairs = _paired(sides(old), sides(new))
    moved = _moved(pairs, parents_of(old.sections), parents_of(new.sections))
    return [Pair(before, after, after in moved) for after, before in sorted(pairs.items())]


def sides(document: DocumentText) -> list[Side]:
    """Return the sections of a document as they are compared."""
    parents = parents_of(document.sections)
    trails: list[tuple[str, ...]] = []
    found: list[Side] = []
    for place, section in enumerate(document.sections):
        title = _folded(unnumbered(section.title))
        above = parents[place]
        trails.append((*(trails[above] if above is not None else ()), title))
        text = " ".join(document.body(section).split())
        words = Counter(re.findall(r"\w+", f"{title} {text}".casefold()))
        found.append(Side(place, section.path, title, trails[place], text, words))
    return found


def likeness(one: Counter[str], other: Counter[str]) -> float:
    """Return how much of the words two texts share, from 0 to 1."""
    total = one.total() + other.total()
    return 2 * (one & other).total() / total if total else 1.0


def _paired(old: Sequence[Side], new: Sequence[Side]) -> dict[int, int]:
    """Return the place in the old list for places in the new one."""
    pairs: dict[int, int] = {}
    for key in _TURNS:
        taken = set(pairs.values())
        left = [side for side in old if side.place not in taken]
        right = [side for side in new if side.place not in pairs]
        pairs.update(_by(key, left, right))
    taken = set(pairs.values())
    left = [side for side in old if side.place not in taken]
    right = [side for side in new if side.place not in pairs]
    same = {(here, there) for here, one in enumerate(left) for there, other in enumerate(right) if _at_one(one, other)}
    for there, here in alike([side.words for side in left], [side.words for side in right], _ALIKE, same=same):
        pairs[right[there].place] = left[here].place
    return pairs


def _at_one(one: Side, other: Side) -> bool:
    return bool(one.path) and one.path == other.path


def _same_text(side: Side) -> Hashable:
    return (side.title, side.text) if side.words.total() >= _LONG_ENOUGH else None


def _same_body(side: Side) -> Hashable:
    return side.text if side.words.total() >= 2 * _LONG_ENOUGH else None


def _same_place_and_title(side: Side) -> Hashable:
    return (side.path, side.title) if side.title else None


def _same_trail(side: Side) -> Hashable:
    return side.trail


def _same_title(side: Side) -> Hashable:
    return side.title or None


_TURNS: tuple[Callable[[Side], Hashable], ...] = (
    lambda side: (side.path, side.trail, side.text),
    _same_text,
    _same_place_and_title,
    _same_body,
    _same_trail,
    _same_title,
)


def _by(key: Callable[[Side], Hashable], old: Sequence[Side], new: Sequence[Side]) -> Iterator[tuple[int, int]]:
    """Yield pairs that have the same key and are the only ones who have it."""
    before, after = _only(key, old), _only(key, new)
    yield from ((after[one].place, before[one].place) for one in after if one in before)


def _only(key: Callable[[Side], Hashable], sides_of: Sequence[Side]) -> dict[Hashable, Side]:
    grouped: dict[Hashable, list[Side]] = defaultdict(list)
    for side in sides_of:
        if (value := key(side)) is not None:
            grouped[value].append(side)
    return {value: group[0] for value, group in grouped.items() if len(group) == 1}


def alike(
    old: Sequence[Counter[str]], new: Sequence[Counter[str]], least: float, *, same: set[tuple[int, int]] | None = None
) -> Iterator[tuple[int, int]]:
    """Yield the places (new, old) of the most alike texts, each used once.

    Texts are compared at all only if they share one of the rarer words, so that many texts take no square of the time.

    Args:
        old: The words of each text.
        new: The words of each text.
        least: How alike two texts have to be.
        same: Places (old, new) that are likely anyhow: half of `least` is enough for them.
    """
    likely = same or set[tuple[int, int]]()
    found = sorted(_candidates(old, new, least, likely), key=lambda one: (-one[0], one[1], one[2]))
    used_old: set[int] = set()
    used_new: set[int] = set()
    for _, before, after in found:
        if before not in used_old and after not in used_new:
            used_old.add(before)
            used_new.add(after)
            yield after, before


def _candidates(
    old: Sequence[Counter[str]], new: Sequence[Counter[str]], least: float, likely: set[tuple[int, int]]
) -> Iterator[tuple[float, int, int]]:
    postings: dict[str, list[int]] = defaultdict(list)
    for before, words in enumerate(old):
        for word in words:
            postings[word].append(before)
    for after, words in enumerate(new):
        for before in _near(words, postings):
            shared = likeness(old[before], words)
            expected = (before, after) in likely
            if shared >= least * (0.5 if expected else 1.0):
                yield shared + 0.1 * expected, before, after


def _near(words: Counter[str], postings: dict[str, list[int]]) -> set[int]:
    """Return the texts that share the rarest words; at least a few, if there are any."""
    near: set[int] = set()
    for holders in sorted((postings[word] for word in words if word in postings), key=len):
        if near and len(holders) > _FEW:
            break
        near.update(holders[:_MOST])
    return near


def _moved(pairs: dict[int, int], old_parents: Sequence[int | None], new_parents: Sequence[int | None]) -> set[int]:
    """Return the places in the new list of what stands in another order or under another heading than before."""
    after = sorted(pairs)
    in_order = set(_longest_run([pairs[place] for place in after]))
    moved = {place for place in after if pairs[place] not in in_order}
    back = {before: place for place, before in pairs.items()}
    for place in after:
        was, now = old_parents[pairs[place]], new_parents[place]
        if was is not None and now is not None and was in back and back[was] != now and now in pairs:
            moved.add(place)
    # What moves along with its heading has not moved by itself.
    return {place for place in moved if not _goes_along(place, moved, pairs, old_parents, new_parents)}


def _goes_along(
    place: int,
    moved: set[int],
    pairs: dict[int, int],
    old_parents: Sequence[int | None],
    new_parents: Sequence[int | None],
) -> bool:
    now, was = new_parents[place], old_parents[pairs[place]]
    return now is not None and now in moved and pairs[now] == was


def _longest_run(places: Sequence[int]) -> list[int]:
    """Return the longest run of places that grow: what stayed in order."""
    ends: list[int] = []
    ends_at: list[int] = []
    before: list[int] = []
    for at, value in enumerate(places):
        length = bisect_left(ends, value)
        before.append(ends_at[length - 1] if length else -1)
        if length == len(ends):
            ends.append(value)
            ends_at.append(at)
        else:
            ends[length], ends_at[length] = value, at
    run: list[int] = []
    at = ends_at[-1] if ends_at else -1
    while at >= 0:
        run.append(places[at])
        at = before[at]
    return run


def _folded(title: str) -> str:
    return " ".join(title.casefold().split())
