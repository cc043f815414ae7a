"""What is compared: a sample of each metric, taken from runs, as JSON that can be kept and compared again."""

import hashlib
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from qms_mcp.errors import QmsError
from qms_mcp.services.embedding.local import LocalEmbedder
from qms_mcp.services.feedback_classes.classifier import MODEL
from qms_mcp.services.learning.drift.models import METRICS, Metric
from qms_mcp.statistics.drift.categories import shift_of_categories
from qms_mcp.statistics.drift.errors import shift_of_errors
from qms_mcp.statistics.drift.model import Shift
from qms_mcp.statistics.drift.values import shift_of_values
from qms_mcp.statistics.drift.vectors import shift_of_vectors

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_COLUMNS: Mapping[Metric, str] = {
    "score": "score", "automatic": "automatic", "latency": "duration_ms", "length": "length", "tokens": "tokens",
}  # fmt: skip
_DIMENSIONS = 24
_TRIGRAM = 3
_LONGEST = 2_000
_NOTHING = "(none)"


async def samples(
    rows: Sequence[Mapping[str, Any]], metrics: Sequence[Metric] = METRICS
) -> dict[Metric, dict[str, Any]]:
    """Return a sample of each metric from runs, oldest first; a metric no run has a value of is left out.

    Args:
        rows: Of the query `runs`, newest first.
        metrics: Which.
    """
    ordered = list(reversed(rows))
    found: dict[Metric, dict[str, Any]] = {}
    for metric in metrics:
        sample = await _sample(ordered, metric)
        if sample["values"]:
            found[metric] = sample
    return found


def compared(metric: Metric, reference: Mapping[str, Any], current: Mapping[str, Any]) -> Shift:
    """Compare two samples of a metric."""
    before, now = reference["values"], current["values"]
    if metric in _COLUMNS:
        return shift_of_values(before, now)
    if metric == "errors":
        return shift_of_errors(before, now)
    if metric == "inputs":
        return shift_of_vectors(before, now)
    return shift_of_categories(before, now)


async def _sample(rows: Sequence[Mapping[str, Any]], metric: Metric) -> dict[str, Any]:
    if metric in _COLUMNS:
        column = _COLUMNS[metric]
        return {"values": [float(row[column]) for row in rows if row[column] is not None]}
    if metric == "errors":
        return {"values": [bool(row["bad"]) for row in rows]}
    if metric == "inputs":
        texts = [str(row["request"] or "")[:_LONGEST] for row in rows]
        return {**await _vectors(texts)}
    # One a run: calls of one run depend on each other, and would count as if they did not.
    column = "tools" if metric == "tools" else "severities"
    return {"values": [" ".join(sorted(set(row[column]))) or _NOTHING for row in rows if not row["bad"]]}


async def _vectors(texts: Sequence[str]) -> dict[str, Any]:
    """Return short vectors of texts: of the model of this machine, or of three letters in a row where it is missing."""
    if not texts:
        return {"values": []}
    try:
        batch = await LocalEmbedder(MODEL).documents(texts)
        vectors, space = batch.vectors, "all-MiniLM-L6-v2"
    except QmsError:
        vectors, space = _trigrams(texts), "trigrams"
    return {"values": [[round(float(x), 4) for x in row] for row in _projected(vectors)], "space": space}


def _trigrams(texts: Sequence[str], size: int = 256) -> "NDArray[np.float32]":
    import numpy as np  # noqa: PLC0415 - heavy

    found = np.zeros((len(texts), size), np.float32)
    for row, text in enumerate(texts):
        words = f"  {text.casefold()}  "
        for place in range(len(words) - _TRIGRAM + 1):
            digest = hashlib.blake2b(words[place : place + _TRIGRAM].encode(), digest_size=2).digest()
            found[row, int.from_bytes(digest) % size] += 1
    norms = np.linalg.norm(found, axis=1, keepdims=True)
    return (found / np.where(norms == 0, 1, norms)).astype(np.float32)


def _projected(vectors: "NDArray[np.float32]") -> "NDArray[np.float64]":
    """Return vectors along fixed random directions: distances stay about what they were, and a sample stays small.

    W. B. Johnson, J. Lindenstrauss, Extensions of Lipschitz mappings into a Hilbert space, 1984.
    """
    import numpy as np  # noqa: PLC0415 - heavy

    directions = np.random.default_rng(20260101).normal(size=(vectors.shape[1], _DIMENSIONS)) / _DIMENSIONS**0.5
    return np.asarray(vectors, np.float64) @ directions
