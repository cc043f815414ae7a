"""The shipped classifier: a softmax over the vectors of the model on this machine.

Its weights are learned by `training.py` from `examples.json`, which was written for this project. They belong to one
embedding model; with another file of that model, they are not used.
"""

from collections.abc import Sequence
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Final

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

    async def shares(self, texts: Sequence[str]) -> list[dict[Category, float]]:
        """Return for each text the share of every category; together they are 1.

        Raises:
            UnusableModelError: The embedding model of this machine, or the weights for it, can't be had.
            FailedTextsError: It failed on these texts.
        """
        weights, bias = await anyio.to_thread.run_sync(_weights)
        batch = await LocalEmbedder(MODEL).documents(texts)
        rows = softmax(batch.vectors @ weights + bias)
        return [dict(zip(CATEGORIES, map(float, row), strict=True)) for row in rows]


def softmax(scores: "NDArray[np.float32]") -> "NDArray[np.float32]":
    """Return scores by row as shares that are 1 together."""
    import numpy as np  # noqa: PLC0415 - heavy

    shifted = np.exp(scores - scores.max(axis=1, keepdims=True))
    return shifted / shifted.sum(axis=1, keepdims=True)


@cache
def _weights() -> "tuple[NDArray[np.float32], NDArray[np.float32]]":
    import numpy as np  # noqa: PLC0415 - heavy

    path = files("qms_mcp.services.feedback_classes").joinpath(WEIGHTS_FILE)
    with path.open("rb") as file, np.load(file, allow_pickle=False) as held:
        if str(held["model_sha256"]) != MODEL_SHA256 or list(held["categories"]) != list(CATEGORIES):
            raise UnusableModelError("The weights of the classifier belong to another model.", retry_after=3600)
        return held["weights"], held["bias"]
