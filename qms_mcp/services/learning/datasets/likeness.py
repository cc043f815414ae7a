"""Which requests are near-copies of each other, among very many.

Two are near when they name the same numbers and identifiers (words with a digit) and share enough of their letters in
threes, by the coefficient of Jaccard (1912). Letters and not vectors of a model, so that the same rows give the same
dataset on every machine. Requests that differ in a number are different questions, however alike they sound.

Only requests with the same numbers are compared. Up to `EXACT` of those, each pair is; of more, those that share a band
of MinHash values (Broder 1997; banding: Leskovec, Rajaraman, Ullman, Mining of Massive Datasets, section 3.4): with 32
bands of 4 a pair of likeness 0.7 shares none once in 6,000 times, one of 0.8 once in 20 million. Where very many
requests share a band, each is compared with the first that are unlike each other, so there a pair may be missed.
"""

import re
import unicodedata
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import combinations
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

Near: TypeAlias = Callable[[int], Mapping[int, float]]
COPY, NEAR = 0.85, 0.7
EXACT = 3_000
_STEP = 250
_FEW = 40  # the products of a matrix pay off beyond
_BANDS, _ROWS = 32, 4
# In a band each is compared with the first so many that are near none before them.
_LEADERS = 32
_WORD = re.compile(r"\w+(?:[-./:]\w+)*")
_PLACEHOLDER = re.compile(r"(?:EMAIL|IBAN|CARD|IDENTIFIER|PHONE|PERSON)_\d+\Z")
_NEGATIONS = frozenset(("not", "no", "never", "without", "nicht", "kein", "keine", "ohne", "pas", "sans"))


def normal(text: str) -> str:
    """Return a text without case, punctuation, and spaces of its own."""
    return " ".join(_WORD.findall(unicodedata.normalize("NFKC", text).casefold()))


def numbers_of(text: str) -> tuple[str, ...]:
    """Return what must be the same in near-copies: words with a digit, and whether it is turned round."""
    words = [one for one in _WORD.findall(unicodedata.normalize("NFKC", text)) if not _PLACEHOLDER.match(one)]
    named = sorted({one.casefold() for one in words if any(letter.isdigit() for letter in one)})
    negated = sum(one.casefold() in _NEGATIONS for one in words) % 2
    return (*named, "not") if negated else tuple(named)


def near_blocks(texts: Sequence[str]) -> Iterator[tuple[list[int], Near]]:
    """Yield the places of texts with the same numbers, and what tells for each of these which others are near it.

    Every place is in one block; what is in different blocks is not near.

    Args:
        texts: Each once; their order changes nothing but places.
    """
    blocks: dict[tuple[str, ...], list[int]] = defaultdict(list)
    for place, text in enumerate(texts):
        blocks[numbers_of(text)].append(place)
    for block in blocks.values():
        ordered = sorted(block, key=lambda place: texts[place])
        yield ordered, _near(ordered, [_grams(texts[place]) for place in ordered])


def _near(places: Sequence[int], grams: Sequence[frozenset[str]]) -> Near:
    if _FEW < len(places) <= EXACT:
        return _Rows(places, grams).near
    found: dict[int, dict[int, float]] = defaultdict(dict)
    for one, other, alike in _few_pairs(grams) if len(places) <= _FEW else _banded(grams):
        found[places[one]][places[other]] = alike
        found[places[other]][places[one]] = alike
    return lambda place: found.get(place, {})


def likeness(one: str, other: str) -> float:
    """Return how alike two texts are, from 0 to 1; 0 when their numbers differ."""
    return _jaccard(_grams(one), _grams(other)) if numbers_of(one) == numbers_of(other) else 0.0


def _grams(text: str) -> frozenset[str]:
    padded = f"  {normal(text)} "
    return frozenset(padded[start : start + 3] for start in range(len(padded) - 2))


def _jaccard(one: frozenset[str], other: frozenset[str]) -> float:
    both = len(one & other)
    return both / (len(one) + len(other) - both)


def _few_pairs(grams: Sequence[frozenset[str]]) -> Iterator[tuple[int, int, float]]:
    for one, other in combinations(range(len(grams)), 2):
        alike = _jaccard(grams[one], grams[other])
        if alike >= NEAR:
            yield one, other, alike


class _Rows:
    """All pairs of a block, by products of a sparse matrix; kept as arrays, as in a block all may be near all."""

    def __init__(self, places: Sequence[int], grams: Sequence[frozenset[str]]) -> None:
        import numpy as np  # noqa: PLC0415 - heavy
        from scipy import sparse  # noqa: PLC0415

        self._places = places
        self._row_of = {place: row for row, place in enumerate(places)}
        columns = {gram: column for column, gram in enumerate(sorted(frozenset[str]().union(*grams)))}
        held = np.fromiter((columns[gram] for some in grams for gram in some), dtype=np.int32)
        sizes = np.fromiter((len(some) for some in grams), dtype=np.int32)
        starts = np.concatenate(([0], np.cumsum(sizes)))
        rows: Any = sparse.csr_array(
            (np.ones(len(held), dtype=np.int32), held, starts), shape=(len(grams), len(columns))
        )
        self._near: list[tuple[Any, Any]] = []
        for start in range(0, len(grams), _STEP):
            both: Any = (rows[start : start + _STEP] @ rows.T).tocsr()
            for row in range(both.shape[0]):
                part = slice(both.indptr[row], both.indptr[row + 1])
                others, shared = both.indices[part], both.data[part]
                alike: Any = shared / (sizes[start + row] + sizes[others] - shared)
                is_near: Any = (alike >= NEAR) & (others != start + row)
                self._near.append((others[is_near], alike[is_near].astype(np.float32)))

    def near(self, place: int) -> Mapping[int, float]:
        """Return which others are near one, and how much."""
        others, alike = self._near[self._row_of[place]]
        found: list[tuple[int, float]] = list(zip(others.tolist(), alike.tolist(), strict=True))
        return {self._places[one]: much for one, much in found}


def _banded(grams: Sequence[frozenset[str]]) -> Iterator[tuple[int, int, float]]:
    signatures = _signatures(grams)
    seen: set[tuple[int, int]] = set()
    for band in range(_BANDS):
        buckets: dict[bytes, list[int]] = defaultdict(list)
        for place, row in enumerate(signatures[:, band * _ROWS : (band + 1) * _ROWS]):
            buckets[row.tobytes()].append(place)
        for places in buckets.values():
            if len(places) > 1:
                yield from _within(places, grams, seen)


def _within(
    places: Sequence[int], grams: Sequence[frozenset[str]], seen: set[tuple[int, int]]
) -> Iterator[tuple[int, int, float]]:
    leaders: list[int] = []
    for place in places:
        leads = True
        for leader in leaders:
            if (leader, place) in seen:
                leads = False
                continue
            alike = _jaccard(grams[leader], grams[place])
            if alike >= NEAR:
                seen.add((leader, place))
                leads = False
                yield leader, place, alike
        if leads and len(leaders) < _LEADERS:
            leaders.append(place)


def _signatures(grams: Sequence[frozenset[str]]) -> "NDArray[np.uint32]":
    """Return the smallest values of 128 hash functions over the grams of each text."""
    import zlib  # noqa: PLC0415 - with numpy

    import numpy as np  # noqa: PLC0415

    prime = np.uint64((1 << 31) - 1)  # products of two values below it fit into 64 bits
    draw = np.random.default_rng(20_260_101)
    by, plus = (draw.integers(1, int(prime), size=_BANDS * _ROWS, dtype=np.uint64) for _ in range(2))
    hashes: Mapping[str, int] = {gram: zlib.crc32(gram.encode()) & 0x7FFFFFFF for some in grams for gram in some}
    smallest = np.empty((len(grams), _BANDS * _ROWS), dtype=np.uint32)
    for place, some in enumerate(grams):
        values = np.fromiter((hashes[gram] for gram in some), dtype=np.uint64, count=len(some))
        smallest[place] = ((values[:, None] * by[None, :] + plus[None, :]) % prime).min(axis=0)
    return smallest
