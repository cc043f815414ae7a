"""The classifier: a softmax over the vectors of the model on this machine.

The shipped weights are learned by `training.py` from `examples.json`, which was written for this project; a version of
the feedback agent may bring weights of its own. Weights belong to one embedding model; with another file of that model,
they are not used.
"""

import base64
import binascii
import hashlib
from collections.abc import Mapping, Sequence
from functools import lru_cache
from importlib.resources import files
from io import BytesIO
from typing import TYPE_CHECKING, Final
from zipfile import BadZipFile

import anyio.to_thread

from qms_mcp.services.embedding.local import MODEL_SHA256, LocalEmbedder
from qms_mcp.services.embedding.models import EmbeddingModel
from qms_mcp.services.embedding.provider import UnusableModelError
from qms_mcp.services.feedback_classes.models import CATEGORIES, Category

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

WEIGHTS_FILE: Final = "weights.npz"
MODEL: Final = EmbeddingModel(0, "feedback", "local", "all-MiniLM-L6-v2", 384, "", "", "", None)


class Classifier:
    """Says how likely each category is."""

    async def shares(self, texts: Sequence[str], brought: bytes | None = None) -> list[dict[Category, float]]:
        """Return for each text the share of every category; together they are 1.

        Args:
            texts: What to classify.
            brought: The weights of a version; the shipped ones if left out.

        Raises:
            UnusableModelError: The embedding model of this machine, or the weights for it, can't be had.
            FailedTextsError: It failed on these texts.
        """
        weights, bias = await anyio.to_thread.run_sync(weights_of, brought)
        batch = await LocalEmbedder(MODEL).documents(texts)
        rows = softmax(batch.vectors @ weights + bias)
        return [dict(zip(CATEGORIES, map(float, row), strict=True)) for row in rows]


def softmax(scores: "NDArray[np.float32]") -> "NDArray[np.float32]":
    """Return scores by row as shares that are 1 together."""
    import numpy as np  # noqa: PLC0415 - heavy

    shifted = np.exp(scores - scores.max(axis=1, keepdims=True))
    return shifted / shifted.sum(axis=1, keepdims=True)


def brought_by(classifier: Mapping[str, str] | None) -> bytes | None:
    """Return the weights a version brings; None when it brings none, or others than it says."""
    if not classifier or classifier.get("model_sha256") != MODEL_SHA256:
        return None
    try:
        content = base64.b64decode(classifier["weights"], validate=True)
    except (KeyError, binascii.Error):
        return None
    return content if hashlib.sha256(content).hexdigest() == classifier.get("sha256") else None


@lru_cache(maxsize=8)
def weights_of(brought: bytes | None = None) -> "tuple[NDArray[np.float32], NDArray[np.float32]]":
    """Return weights and bias out of a file: a row for each number of a vector, a column for each category.

    Args:
        brought: The file; the shipped one if left out.

    Raises:
        UnusableModelError: They belong to another embedding model or to other categories.
    """
    import numpy as np  # noqa: PLC0415 - heavy

    shipped = files("qms_mcp.services.feedback_classes").joinpath(WEIGHTS_FILE)
    content = shipped.read_bytes() if brought is None else brought
    try:
        with BytesIO(content) as file, np.load(file, allow_pickle=False) as held:
            weights, bias = held["weights"], held["bias"]
            fits = str(held["model_sha256"]) == MODEL_SHA256 and list(held["categories"]) == list(CATEGORIES)
    except (ValueError, KeyError, OSError, EOFError, BadZipFile) as unreadable:
        raise UnusableModelError("The weights of the classifier can't be read.", retry_after=3600) from unreadable
    if not fits or weights.shape != (MODEL.dims, len(CATEGORIES)) or bias.shape != (len(CATEGORIES),):
        raise UnusableModelError("The weights of the classifier belong to another model.", retry_after=3600)
    return weights, bias
