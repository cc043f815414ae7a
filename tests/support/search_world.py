"""A world to search in: invented words, topics and cases, and texts and vectors drawn from them by a seed.

The general words occur as often as Zipf's law has it, and each of 300 topics has words of its own. A source is about
one topic and one case of it, and its vectors lie where that says: around the case, which lies around the topic. So
words and vectors agree as far as they do in real collections, and a vector has near neighbours, far ones and many
between, in few of its dimensions: uniformly random ones would have none.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

Floats: TypeAlias = npt.NDArray[np.float32]
Numbers: TypeAlias = npt.NDArray[np.int64]

TOPICS, CASES, LATENT = 300, 30, 96
GENERAL, OWN = 12_000, 120
BATCH = 20_000


@dataclass(frozen=True)
class Drawn:
    """Texts and where their vectors come from, row for row."""

    texts: list[str]
    titles: list[str]
    latent: Floats


@dataclass
class World:
    """Words, topics and cases; all texts and vectors of a seed are drawn from one."""

    seed: int = 7
    _vocabulary: list[str] = field(init=False)
    _topic_centres: Floats = field(init=False)
    _cases: Floats = field(init=False)
    _spectrum: Floats = field(init=False)

    def __post_init__(self) -> None:
        rng = np.random.default_rng(self.seed)
        self._vocabulary = list(_invented(rng, GENERAL + TOPICS * OWN))
        # Most of what differs is in a few directions, as in vectors of real models.
        self._spectrum = (1 / np.sqrt(1 + np.arange(LATENT) / 6)).astype(np.float32)
        self._topic_centres = _normal(rng, TOPICS, LATENT) * self._spectrum
        self._cases = 0.75 * _normal(rng, TOPICS * CASES, LATENT) * self._spectrum

    def draw(self, sizes: Sequence[int], salt: int) -> Iterator[Drawn]:
        """Yield sources with so many pieces each, a source at a time in order, many in one batch."""
        rng = np.random.default_rng((self.seed, salt))
        pieces = np.asarray(sizes, dtype=np.int64)
        for start, stop in _batches(pieces):
            source = np.repeat(np.arange(stop - start), pieces[start:stop])
            topics = _zipf(rng, TOPICS, stop - start, flat=20.0)[source]
            cases = rng.integers(0, CASES, stop - start)[source]
            yield Drawn(*self._worded(rng, topics, cases, source), self._placed(rng, topics, cases))

    def questions(self, count: int, salt: int) -> Drawn:
        """Return queries: a few words of a topic or in general, and what they mean."""
        rng = np.random.default_rng((self.seed, salt, 1))
        topics, cases = _zipf(rng, TOPICS, count, flat=20.0), rng.integers(0, CASES, count)
        texts: list[str] = []
        for topic, case in zip(_listed(topics), _listed(cases), strict=True):
            own = self._own_words(topic, case)[_zipf(rng, OWN, int(rng.integers(1, 4)), flat=3.0)]
            general = 60 + _zipf(rng, 3_000, int(rng.integers(1, 3)), flat=20.0)
            texts.append(" ".join(self._vocabulary[at] for at in (*_listed(own), *_listed(general))))
        return Drawn(texts, texts, self._placed(rng, topics, cases))

    def common_words(self, count: int) -> list[str]:
        """Return queries of words that stand in a third of all texts."""
        return [f"{self._vocabulary[at % 7]} {self._vocabulary[at % 11 + 7]}" for at in range(count)]

    def vectors(self, latent: Floats, dims: int) -> Floats:
        """Return vectors of length one in so many dimensions, with a little noise in all of them."""
        rng = np.random.default_rng((self.seed, dims))
        wide = latent @ (_normal(rng, LATENT, dims) / np.sqrt(LATENT))
        wide += 0.1 * float(np.abs(wide).mean()) * _normal(rng, len(latent), dims)
        return (wide / np.linalg.norm(wide, axis=1, keepdims=True)).astype(np.float32)

    def _own_words(self, topic: int, case: int) -> Numbers:
        """A topic's words, those of the case first: what is frequent differs from case to case."""
        return GENERAL + topic * OWN + np.roll(np.arange(OWN), -4 * case)

    def _placed(self, rng: np.random.Generator, topics: Numbers, cases: Numbers) -> Floats:
        around = 0.55 * _normal(rng, len(topics), LATENT) * self._spectrum
        placed = self._topic_centres[topics] + self._cases[topics * CASES + cases] + around
        return placed.astype(np.float32)

    def _worded(
        self, rng: np.random.Generator, topics: Numbers, cases: Numbers, source: Numbers
    ) -> tuple[list[str], list[str]]:
        texts: list[str] = []
        titles: list[str] = []
        lengths = rng.integers(40, 130, len(topics))
        words = self._vocabulary
        for row, (topic, case, length) in enumerate(
            zip(_listed(topics), _listed(cases), _listed(lengths), strict=True)
        ):
            own = self._own_words(topic, case)[_zipf(rng, OWN, length // 3, flat=3.0)]
            mixed = np.concatenate([own, _zipf(rng, GENERAL, length - length // 3, flat=2.7)])
            rng.shuffle(mixed)
            texts.append(" ".join([words[at] for at in _listed(mixed)]) + f". Lot L{row * 7919 % 99_991}-{topic}.")
            title = " ".join(words[at] for at in _listed(own[:3]))
            titles.append(titles[-1] if row and source[row] == source[row - 1] else title)
        return texts, titles


def _batches(pieces: Numbers) -> Iterator[tuple[int, int]]:
    ends = np.cumsum(pieces)
    start = 0
    while start < len(pieces):
        done = int(ends[start - 1]) if start else 0
        stop = max(start + 1, int(np.searchsorted(ends, done + BATCH, side="right")))
        yield start, stop
        start = stop


def _listed(numbers: Numbers) -> list[int]:
    return [int(number) for number in numbers]


def _normal(rng: np.random.Generator, rows: int, columns: int) -> Floats:
    return rng.standard_normal((rows, columns), dtype=np.float32)


def _zipf(rng: np.random.Generator, of: int, count: int, *, flat: float) -> Numbers:
    """Draw ranks below `of`, each as likely as 1 / (rank + flat): by inverting its integral."""
    drawn = flat * np.power((of + flat) / flat, rng.random(count)) - flat
    return np.minimum(drawn.astype(np.int64), of - 1)


def _invented(rng: np.random.Generator, count: int) -> Iterator[str]:
    """Yield different words that can be spoken."""
    onsets = [*"bcdfghklmnprstvwz", "br", "cl", "dr", "fl", "gr", "pl", "pr", "st", "tr"]
    vowels = ["a", "e", "i", "o", "u", "ai", "ea", "io", "ou"]
    endings = ["", "n", "r", "l", "t", "m", "x", "nd", "rk"]
    seen: set[str] = set()
    while len(seen) < count:
        syllables = int(rng.integers(2, 5))
        parts = [onsets[rng.integers(len(onsets))] + vowels[rng.integers(len(vowels))] for _ in range(syllables)]
        word = "".join(parts) + endings[rng.integers(len(endings))]
        if word not in seen:
            seen.add(word)
            yield word
