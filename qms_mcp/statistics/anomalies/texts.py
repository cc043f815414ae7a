"""Texts that speak of something new: near texts are put together, and a cluster that lies after a moment is judged.

Words are weighed by how seldom they are (TF-IDF); two texts are near if the cosine of their weighed words reaches a
limit, and texts joined by near ones are a cluster. Since the clusters are made without looking at the time, a cluster's
texts would be spread over the time like all others if nothing changed: how many of them lie after the moment is
hypergeometric, exactly, as for any category. Nothing is learnt and nothing is random, so the same texts give the same
clusters. Scripts without spaces between words are read in pairs of signs.
"""

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

from qms_mcp.errors import InvalidInputError
from qms_mcp.statistics.anomalies.rare import chance
from qms_mcp.statistics.flags import Flag

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

NEAR = 0.35
MOST_TEXTS = 20_000
_BLOCK = 1_000
_COMMON = 0.25
_LEAST_COMMON = 40
_WORD = re.compile(r"[^\W_]+")
_UNSPACED = re.compile("[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff]+")
_MOST_SIGNS = 20_000


@dataclass(frozen=True, slots=True)
class Cluster:
    """Texts near each other.

    Attributes:
        terms: The words that set it apart, the most telling first.
        rows: Its texts.
        before: How many lie before the moment.
        after: How many after.
        p: The chance of so many after, of all it has, if nothing changed.
        nearest: The cosine of its nearest text before, outside of it; 0 if there is none alike.
        example: The text nearest to its middle.
    """

    terms: tuple[str, ...]
    rows: tuple[int, ...]
    before: int
    after: int
    p: float
    nearest: float
    example: int


@dataclass(frozen=True, slots=True)
class Novelty:
    """What the texts after a moment bring.

    Attributes:
        clusters: With two texts or more, of which at least one lies after the moment.
        alone: Rows after the moment that are near to no other text, with the cosine of the nearest one before and the
            share of the texts before that are as far from the others.
        tested: How many clusters of two texts or more there are, wherever they lie.
        before: Texts before.
        after: Texts after.
        flags: What to know beside it.
    """

    clusters: tuple[Cluster, ...]
    alone: tuple[tuple[int, float, float], ...]
    tested: int
    before: int
    after: int
    flags: tuple[Flag, ...]


def words(text: str) -> list[str]:
    """Return the words of a text: folded, composed alike; pairs of signs where a script has no spaces."""
    folded = unicodedata.normalize("NFKC", text[:_MOST_SIGNS]).casefold()
    found = list[str]()
    for word in _WORD.findall(folded):
        unspaced = _UNSPACED.search(word)
        if unspaced:
            found += [word[at : at + 2] for at in range(max(1, len(word) - 1))]
        elif len(word) > 1 and not word.isdigit():
            found.append(word)
    return found


def novelty(texts: Sequence[str], later: "NDArray[np.bool_]", near: float = NEAR) -> Novelty:
    """Return the clusters of texts and how they lie about a moment.

    Args:
        texts: One a row; empty ones are left out.
        later: Whether the row lies after the moment.
        near: The cosine from which two texts are near.

    Raises:
        InvalidInputError: There are too many, too few, or none with words.
    """
    import numpy as np  # noqa: PLC0415

    if len(texts) > MOST_TEXTS:
        raise InvalidInputError(
            f"There are {len(texts)} texts; at most {MOST_TEXTS} are compared.", hint="Take a shorter time."
        )
    read = [words(text) for text in texts]
    kept = np.array([at for at, found in enumerate(read) if found], dtype=np.intp)
    n_after = int(later[kept].sum()) if kept.size else 0
    n = kept.size
    if n - n_after < 5 or not n_after:  # noqa: PLR2004
        raise InvalidInputError(
            f"Of {n} texts with words {n - n_after} lie before and {n_after} after; 5 and 1 are needed.",
            hint="Choose another moment, or check the column.",
        )
    matrix, terms = _weighed([found for found in read if found])
    labels, nearest_before = _joined(matrix, ~later[kept], near)
    sizes = np.bincount(labels)
    after = np.bincount(labels, weights=later[kept]).astype(np.intp)
    p = chance(after, sizes, n_after, n)
    chosen = np.flatnonzero((sizes > 1) & (after > 0))
    clusters = tuple(
        _cluster(matrix, terms, kept, np.flatnonzero(labels == label), later, nearest_before, float(p[label]))
        for label in chosen
    )
    singles = np.flatnonzero((sizes[labels] == 1) & later[kept])
    before = np.sort(nearest_before[~later[kept]])
    alone = tuple(
        (int(kept[at]), float(nearest_before[at]), _share(before, float(nearest_before[at])))
        for at in singles[np.argsort(nearest_before[singles], kind="stable")]
    )
    flags = list[Flag]()
    if len(kept) < len(texts):
        flags.append(Flag("missing", f"{len(texts) - len(kept)} texts have no words and are left out."))
    return Novelty(clusters, alone, int((sizes > 1).sum()), n - n_after, n_after, tuple(flags))


def _share(before: "Floats", nearest: float) -> float:
    """Return the share of texts before that are as far from the others (a conformal p-value)."""
    import numpy as np  # noqa: PLC0415

    return (1 + int(np.searchsorted(before, nearest, side="right"))) / (len(before) + 1)


def _weighed(read: Sequence[list[str]]) -> tuple[Any, list[str]]:
    """Return texts by words, each row of length one, and the words."""
    import numpy as np  # noqa: PLC0415
    from scipy import sparse  # noqa: PLC0415

    index: dict[str, int] = {}
    rows, columns = list[int](), list[int]()
    for row, found in enumerate(read):
        for word in found:
            rows.append(row)
            columns.append(index.setdefault(word, len(index)))
    counts = cast("Any", sparse).csr_matrix(
        (np.ones(len(rows)), (rows, columns)), shape=(len(read), len(index)), dtype=np.float64
    )
    counts.sum_duplicates()
    frequency = np.bincount(counts.indices, minlength=len(index))
    # Words of a quarter of all texts say nothing of what a text is about, and would make every pair be compared.
    weight = np.log((1 + len(read)) / (1 + frequency)) + 1
    if len(read) >= _LEAST_COMMON:
        weight[frequency > _COMMON * len(read)] = 0.0
    counts.data = (1 + np.log(counts.data)) * weight[counts.indices]
    counts.eliminate_zeros()
    length = np.sqrt(np.asarray(counts.multiply(counts).sum(axis=1)).ravel())
    length[length == 0] = 1.0
    return cast("Any", sparse).diags(1 / length) @ counts, list(index)


def _joined(matrix: Any, earlier: "NDArray[np.bool_]", near: float) -> "tuple[NDArray[np.intp], Floats]":
    """Return the cluster of each text, and the cosine of its nearest other text before the moment."""
    import numpy as np  # noqa: PLC0415
    from scipy import sparse  # noqa: PLC0415

    n = matrix.shape[0]
    turned = matrix.T.tocsr()
    nearest = np.zeros(n)
    firsts, seconds = list["NDArray[np.intp]"](), list["NDArray[np.intp]"]()
    for start in range(0, n, _BLOCK):
        product = (matrix[start : start + _BLOCK] @ turned).tocoo()
        row, column, value = product.row + start, product.col, product.data
        other = row != column
        row, column, value = row[other], column[other], value[other]
        past = earlier[column]
        np.maximum.at(nearest, row[past], value[past])
        close = (value >= near) & (row < column)
        firsts.append(row[close])
        seconds.append(column[close])
    first, second = np.concatenate(firsts), np.concatenate(seconds)
    graph = cast("Any", sparse).coo_matrix((np.ones(len(first)), (first, second)), shape=(n, n))
    _, labels = cast("Any", sparse).csgraph.connected_components(graph, directed=False)
    return np.asarray(labels, dtype=np.intp), nearest


def _cluster(
    matrix: Any,
    terms: list[str],
    kept: "NDArray[np.intp]",
    members: "NDArray[np.intp]",
    later: "NDArray[np.bool_]",
    nearest: "Floats",
    p: float,
) -> Cluster:
    import numpy as np  # noqa: PLC0415

    own = matrix[members]
    middle = np.asarray(own.mean(axis=0)).ravel()
    ordered = [int(at) for at in np.argsort(-middle, kind="stable")[:25] if middle[at] > 0]
    # Short words bind others; they name a cluster only where there is nothing longer (or a script has pairs of signs).
    long = [at for at in ordered if len(terms[at]) > 3 or _UNSPACED.search(terms[at])]  # noqa: PLR2004
    told = tuple(terms[at] for at in (long or ordered)[:5])
    example = int(members[int(np.argmax(np.asarray(own @ middle).ravel()))])
    after = later[kept[members]]
    fresh = members[after]
    return Cluster(
        told,
        tuple(int(at) for at in kept[members]),
        int((~after).sum()),
        int(after.sum()),
        p,
        float(nearest[fresh].max()) if fresh.size else 0.0,
        int(kept[example]),
    )
