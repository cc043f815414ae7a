"""How alike two statements are: by vectors of an embedding model where there are some, else by our own trigrams.

The thresholds, and the rules around them, were set on the labelled pairs of `tests/support/merging_pairs.py`: both find
24 or 25 of the 28 pairs that say the same, and take none of 38 others for the same. Of pairs written afterwards vectors
find 4 of 10 and trigrams 2 of 10, and again none that is different: a repetition is left rather than a finding lost.
Likeness alone never decides: numbers, record numbers, polarity and names must fit as well.
"""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Literal, Protocol

from qms_mcp.agents.merging.reading import read

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Matrix = NDArray[np.float32]

EMBEDDING_THRESHOLD = 0.78
TRIGRAM_THRESHOLD = 0.75
_LONG_WORD = 4


class Likeness(Protocol):
    """Compares statements."""

    name: Literal["embeddings", "trigrams"]
    threshold: float

    def matrix(self, statements: Sequence[str]) -> "Matrix":
        """Return how alike each two of them are, from 0 to 1."""
        ...


class Embeddings:
    """Cosines of vectors.

    Args:
        vectors: Of every statement, by the statement; they need not be normalised.
        threshold: From where on two statements are taken for the same.
    """

    name: Literal["embeddings", "trigrams"] = "embeddings"

    def __init__(self, vectors: Mapping[str, Sequence[float]], threshold: float = EMBEDDING_THRESHOLD) -> None:
        self._vectors = vectors
        self.threshold = threshold

    def matrix(self, statements: Sequence[str]) -> "Matrix":
        """Return the cosines."""
        import numpy as np  # noqa: PLC0415 - heavy

        rows = np.asarray([self._vectors[statement] for statement in statements], dtype=np.float32)
        lengths = np.linalg.norm(rows, axis=1, keepdims=True)
        rows = rows / np.where(lengths == 0, 1, lengths)
        return np.clip(rows @ rows.T, 0, 1).astype(np.float32)


class Trigrams:
    """Dice coefficients of the letters in threes of the words that carry a statement.

    Args:
        threshold: From where on two statements are taken for the same.
    """

    name: Literal["embeddings", "trigrams"] = "trigrams"

    def __init__(self, threshold: float = TRIGRAM_THRESHOLD) -> None:
        self.threshold = threshold

    def matrix(self, statements: Sequence[str]) -> "Matrix":
        """Return the coefficients."""
        import numpy as np  # noqa: PLC0415

        sets = [trigrams(" ".join(read(statement).content)) for statement in statements]
        places = {gram: place for place, gram in enumerate(sorted(frozenset[str]().union(*sets)))}
        rows = np.zeros((len(sets), max(1, len(places))), dtype=np.float32)
        for row, grams in enumerate(sets):
            rows[row, [places[gram] for gram in grams]] = 1
        sizes = rows.sum(axis=1)
        both = sizes[:, None] + sizes[None, :]
        return (2 * (rows @ rows.T) / np.where(both == 0, 1, both)).astype(np.float32)


@lru_cache(maxsize=16_384)
def trigrams(words: str) -> frozenset[str]:
    """Return the letters in threes of each word, with its beginning and end."""
    return frozenset(
        padded[place : place + 3]
        for word in words.split()
        for padded in (f"  {word} ",)
        for place in range(len(padded) - 2)
    )


def one_word_apart(first: str, second: str) -> bool:
    """Tell whether two statements are one sentence with another word in one place: another table, another process.

    Words that stand for one another, and forms of one word, are the same word.
    """
    one, other = frozenset(read(first).content), frozenset(read(second).content)
    only_one, only_other = one - other, other - one
    if len(only_one) != 1 or len(only_other) != 1:
        return False
    return not _forms_of_one(next(iter(only_one)), next(iter(only_other)))


def _forms_of_one(one: str, other: str) -> bool:
    shared = 0
    for mine, theirs in zip(one, other, strict=False):
        if mine != theirs:
            break
        shared += 1
    return shared >= _LONG_WORD
