"""Parts of one document ranked for a few words: BM25, and which share of the words was found at all.

BM25 puts the parts in order, but its scores mean nothing to a reader; the share of what was asked for, each word
counted by how rare it is in the document, does.
"""

import math
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence

_K1, _B = 1.2, 0.75


class PartRanking:
    """The terms of the parts of a document."""

    def __init__(self, parts: Sequence[Sequence[str]]) -> None:
        mean = sum(len(part) for part in parts) / len(parts) if parts else 1.0
        self._rooms = [_K1 * (1 - _B + _B * len(part) / (mean or 1.0)) for part in parts]
        self._postings: dict[str, dict[int, int]] = defaultdict(dict)
        for place, part in enumerate(parts):
            for term, count in Counter(part).items():
                self._postings[term][place] = count

    def ranked(self, weights: Mapping[str, tuple[str, float]], *, asked_for: Sequence[str]) -> list[tuple[int, float]]:
        """Return the parts that hold what was asked for, each with the share it holds, the largest share first.

        Args:
            weights: For each term to look for the term asked for and how much it counts.
            asked_for: The terms asked for.
        """
        scores: dict[int, float] = defaultdict(float)
        held: dict[int, dict[str, float]] = defaultdict(dict)
        for term, (asked, weight) in weights.items():
            rarity = self._rarity(term)
            for place, count in self._postings.get(term, {}).items():
                scores[place] += weight * rarity * count * (_K1 + 1) / (count + self._rooms[place])
                held[place][asked] = max(held[place].get(asked, 0.0), weight)
        rarities = {term: self._rarity(term) for term in asked_for}
        total = sum(rarities.values()) or 1.0
        shares = {
            place: sum(weight * rarities.get(term, 0.0) for term, weight in found.items()) / total
            for place, found in held.items()
        }
        return sorted(shares.items(), key=lambda one: (-one[1], -scores[one[0]], one[0]))

    def _rarity(self, term: str) -> float:
        holders = len(self._postings.get(term, ()))
        return math.log(1 + (len(self._rooms) - holders + 0.5) / (holders + 0.5))
