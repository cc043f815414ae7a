"""What badly scored answers have in common: their requests and comments, those that are alike together.

Texts are compared by vectors of an embedding model, or, where there is none, by their letters in threes. Average
linkage (Sokal and Michener 1958) joins the nearest until none are near enough, so that a chain of texts does not become
one pattern. A pattern is named by the words that are frequent in it and rare elsewhere. Nothing is random.
"""

import logging
import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, cast
from uuid import UUID

from qms_mcp.agents.merging.likeness import trigrams
from qms_mcp.errors import QmsError
from qms_mcp.statistics.anomalies.texts import words

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from qms_mcp.auth.principal import Principal
    from qms_mcp.services.embedding.service import Embedding

    Matrix = NDArray[np.float64]

How: TypeAlias = Literal["embeddings", "trigrams"]
MOST_TEXTS = 500
EXAMPLES = 3
NAMED_BY = 4
# From where on two texts are joined: cosines of sentences on one subject lie above, Dice coefficients likewise.
NEAR: dict[How, float] = {"embeddings": 0.5, "trigrams": 0.3}
_SHORT = 3
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Vectors:
    """How alike texts are.

    Attributes:
        how: By what they were compared.
        likeness: Of each two, from 0 to 1.
    """

    how: How
    likeness: "Matrix"


@dataclass(frozen=True, slots=True)
class BadAnswer:
    """An answer that was scored low.

    Attributes:
        score: Its mean.
        text: What was asked, and what was said about the answer.
    """

    run_id: UUID
    score: float
    text: str


@dataclass(frozen=True, slots=True)
class Pattern:
    """Answers that went wrong alike.

    Attributes:
        named: The words that set it apart, the most telling first.
        score: Mean of its answers.
        members: The worst first.
    """

    named: tuple[str, ...]
    score: float
    members: tuple[BadAnswer, ...]


async def vectors_of(texts: Sequence[str], embedding: "Embedding", principal: "Principal") -> Vectors:
    """Return how alike texts are: by the active model, else by the one on this machine, else by their letters."""
    import numpy as np  # noqa: PLC0415 - heavy

    made = await embedding.statement_vectors(principal, list(dict.fromkeys(texts)))
    if made is not None:
        return _cosines(np.asarray([made[text] for text in texts], dtype=np.float64))
    from qms_mcp.services.embedding.local import LocalEmbedder  # noqa: PLC0415
    from qms_mcp.services.feedback_classes.classifier import MODEL  # noqa: PLC0415

    try:
        batch = await LocalEmbedder(MODEL).documents(texts)
    except QmsError as unusable:
        _log.info("badly scored answers are compared by their letters: %s", unusable.message)
        return by_letters(texts)
    return _cosines(np.asarray(batch.vectors, dtype=np.float64))


def by_letters(texts: Sequence[str]) -> Vectors:
    """Return Dice coefficients of the letters in threes (Dice, Ecology 26, 1945)."""
    import numpy as np  # noqa: PLC0415 - heavy

    sets = [trigrams(" ".join(words(text)) or text[:200]) for text in texts]
    places = {gram: place for place, gram in enumerate(sorted(frozenset[str]().union(*sets)))}
    rows = np.zeros((len(sets), max(1, len(places))))
    for row, grams in enumerate(sets):
        rows[row, [places[gram] for gram in grams]] = 1
    sizes = rows.sum(axis=1)
    both = sizes[:, None] + sizes[None, :]
    return Vectors("trigrams", 2 * (rows @ rows.T) / np.where(both == 0, 1, both))


def patterns_of(bad: Sequence[BadAnswer], vectors: Vectors) -> tuple[Pattern, ...]:
    """Return the patterns of two answers or more, the largest first.

    Args:
        bad: What was scored low, at most `MOST_TEXTS`.
        vectors: How alike their texts are, in their order.
    """
    if len(bad) < 2:  # noqa: PLR2004 - one is alike to nothing
        return ()
    labels = _joined(vectors.likeness, NEAR[vectors.how])
    read = [Counter(words(one.text)) for one in bad]
    frequency = Counter(word for counts in read for word in counts)
    found: list[Pattern] = []
    for label in dict.fromkeys(labels):
        rows = [row for row, own in enumerate(labels) if own == label]
        if len(rows) > 1:
            members = sorted((bad[row] for row in rows), key=lambda one: (one.score, str(one.run_id)))
            named = _telling([read[row] for row in rows], frequency, len(bad))
            found.append(Pattern(named, sum(one.score for one in members) / len(members), tuple(members)))
    return tuple(sorted(found, key=lambda one: (-len(one.members), one.score, one.named)))


def _cosines(rows: "Matrix") -> Vectors:
    import numpy as np  # noqa: PLC0415 - heavy

    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    rows = rows / np.where(lengths == 0, 1, lengths)
    return Vectors("embeddings", np.clip(rows @ rows.T, 0, 1))


def _joined(likeness: "Matrix", near: float) -> list[int]:
    import numpy as np  # noqa: PLC0415 - heavy
    from scipy.cluster import hierarchy  # noqa: PLC0415
    from scipy.spatial.distance import squareform  # noqa: PLC0415

    apart = 1 - likeness
    np.fill_diagonal(apart, 0)
    apart = np.clip((apart + apart.T) / 2, 0, 1)
    tree = cast("Any", hierarchy).linkage(cast("Any", squareform)(apart, checks=False), method="average")
    return [int(label) for label in cast("Any", hierarchy).fcluster(tree, t=1 - near, criterion="distance")]


def _telling(own: Sequence[Counter[str]], frequency: Counter[str], n: int) -> tuple[str, ...]:
    """Return the words most of these texts have and few others: share in the pattern times rarity in all."""
    inside = Counter(word for counts in own for word in counts)
    least = 2 if len(own) > 1 else 1
    weighed = {
        word: count / len(own) * (math.log((1 + n) / (1 + frequency[word])) + 0.1)
        for word, count in inside.items()
        if count >= least and (len(word) > _SHORT or not word.isascii())
    }
    often = sum(own, Counter[str]())
    chosen = sorted(weighed, key=lambda word: (-weighed[word], -often[word], word))[:NAMED_BY]
    return tuple(chosen) or tuple(word for word, _ in inside.most_common(NAMED_BY))
