"""Learning the weights of the classifier: `python -m qms_mcp.services.feedback_classes.training`.

Softmax regression with a penalty on large weights, by plain gradient descent from zero: the same examples give the same
weights. The penalty stands between what five-fold cross-validation over the examples likes best for accuracy (larger)
and for log loss (smaller). The file says what it was learned from: the hash of the examples, the embedding model, the
categories and the penalty.
"""

import hashlib
import json
from collections.abc import Sequence
from importlib.resources import files
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING

import anyio

from qms_mcp.services.embedding.local import MODEL_SHA256, LocalEmbedder
from qms_mcp.services.feedback_classes.classifier import MODEL, WEIGHTS_FILE, softmax
from qms_mcp.services.feedback_classes.models import CATEGORIES

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

PENALTY = 0.0003
_STEPS, _RATE = 1_500, 2.0
_FOLDS = 5
_FOLDER = "qms_mcp.services.feedback_classes"
_EXAMPLES = "examples.json"


def examples() -> tuple[list[str], list[int]]:
    """Return the texts to learn from and the number of the category of each."""
    held = json.loads(files(_FOLDER).joinpath(_EXAMPLES).read_text(encoding="utf-8"))["examples"]
    pairs = [(text, place) for place, category in enumerate(CATEGORIES) for text in held[category]]
    return [text for text, _ in pairs], [place for _, place in pairs]


def examples_sha256() -> str:
    """Return the hash of the examples."""
    return hashlib.sha256(files(_FOLDER).joinpath(_EXAMPLES).read_bytes()).hexdigest()


def fitted(
    vectors: "NDArray[np.float32]", classes: Sequence[int], penalty: float = PENALTY
) -> "tuple[NDArray[np.float32], NDArray[np.float32]]":
    """Return the weights and the bias learned from vectors and their categories."""
    import numpy as np  # noqa: PLC0415 - heavy

    wanted = np.eye(len(CATEGORIES), dtype=np.float32)[list(classes)]
    weights = np.zeros((vectors.shape[1], len(CATEGORIES)), np.float32)
    bias = np.zeros(len(CATEGORIES), np.float32)
    for _ in range(_STEPS):
        wrong = (softmax(vectors @ weights + bias) - wanted) / len(vectors)
        weights -= _RATE * (vectors.T @ wrong + penalty * weights)
        bias -= _RATE * wrong.sum(axis=0)
    return weights, bias


def cross_validated(vectors: "NDArray[np.float32]", classes: Sequence[int], penalty: float = PENALTY) -> float:
    """Return the share of examples that are classified right by weights learned without them."""
    import numpy as np  # noqa: PLC0415 - heavy

    known = np.array(classes)
    folds = np.arange(len(known)) % _FOLDS
    right = 0
    for fold in range(_FOLDS):
        out = folds == fold
        weights, bias = fitted(vectors[~out], list(known[~out]), penalty)
        right += int(((vectors[out] @ weights + bias).argmax(axis=1) == known[out]).sum())
    return right / len(known)


async def vectors_of(texts: Sequence[str]) -> "NDArray[np.float32]":
    """Return the vectors of texts by the model on this machine."""
    return (await LocalEmbedder(MODEL).documents(texts)).vectors


def packed(
    weights: "NDArray[np.float32]", bias: "NDArray[np.float32]", *, examples: str = "", penalty: float = PENALTY
) -> bytes:
    """Return the file of weights with what they were learned from.

    Args:
        weights: A row for each number of a vector, a column for each category.
        bias: Of each category.
        examples: Hash of what they were learned from; that of the shipped examples if left out.
        penalty: On large weights.
    """
    import numpy as np  # noqa: PLC0415 - heavy

    file = BytesIO()
    np.savez(
        file,
        weights=weights,
        bias=bias,
        categories=np.array(list(CATEGORIES)),
        model_sha256=np.array(MODEL_SHA256),
        examples_sha256=np.array(examples or examples_sha256()),
        penalty=np.array(penalty),
    )
    return file.getvalue()


async def learn() -> None:
    """Write the weights learned from the examples."""
    texts, classes = examples()
    vectors = await vectors_of(texts)
    content = packed(*fitted(vectors, classes))
    await anyio.Path(Path(__file__).with_name(WEIGHTS_FILE)).write_bytes(content)


if __name__ == "__main__":
    anyio.run(learn)
