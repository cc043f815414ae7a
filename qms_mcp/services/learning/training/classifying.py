"""The classifier of the feedback agent, learned anew with what people corrected.

Learned from are the shipped examples and the corrections, each correction counting as one more example. A fifth of the
corrections is set aside before anything is looked at, by a hash of the record and the seed: never learned from, they
are what the accuracy is a share of. The penalty on large weights is chosen by five-fold
cross-validation over the other corrections. Old and new weights are compared on the same corrections that were set
aside by McNemar's exact test; only what is better there, and not by chance, is proposed.
"""

import base64
import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from qms_mcp.services.embedding.local import MODEL_SHA256
from qms_mcp.services.feedback_classes.classifier import weights_of
from qms_mcp.services.feedback_classes.models import CATEGORIES
from qms_mcp.services.feedback_classes.training import PENALTY, fitted, packed
from qms_mcp.statistics.comparing.proportions import mcnemar
from qms_mcp.statistics.intervals import wilson

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from qms_mcp.services.learning.training.rows import Correction

LEAST, LEAST_OF_CLASS, LEAST_CLASSES = 50, 5, 2
ALPHA = 0.05
_FOLDS = 5
_PENALTIES = (PENALTY / 3, PENALTY, PENALTY * 3, PENALTY * 10)
_NAMES: list[str] = list(CATEGORIES)


@dataclass(frozen=True, slots=True)
class Corpus:
    """Texts with the places of their categories.

    Attributes:
        held_out: Whether each is set aside; a correction or nothing.
        folds: Which fold each is in; -1 for what is learned from in every fold.
    """

    texts: Sequence[str]
    classes: Sequence[int]
    held_out: Sequence[bool]
    folds: Sequence[int]

    @property
    def sha256(self) -> str:
        """The hash of what it holds."""
        rows = zip(self.texts, self.classes, self.held_out, strict=True)
        lines = [f"{place} {out:d} {text}" for text, place, out in rows]
        return hashlib.sha256("\0".join(lines).encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Learned:
    """New weights, and how good they are.

    Attributes:
        classifier: As a version keeps it: `weights` (npz, Base64), its `sha256`, `model_sha256`, `corpus_sha256`.
        n: Corrections set aside; the accuracies are shares of them.
        accuracy: Of the new weights.
        low: Of the Wilson interval at 95 %.
        high: Of the same.
        shipped: The accuracy of the weights used so far.
        gained: How many only the new ones put right; `lost` how many only the old ones did.
        p: Of McNemar's exact test, two-sided.
        validated: The accuracy by cross-validation over the corrections learned from.
        penalty: On large weights.
    """

    classifier: Mapping[str, str]
    n: int
    accuracy: float
    low: float
    high: float
    shipped: float
    gained: int
    lost: int
    p: float
    validated: float
    penalty: float

    @property
    def better(self) -> bool:
        """Whether it is better, and not by chance."""
        return self.gained > self.lost and self.p < ALPHA

    @property
    def words(self) -> str:
        """What was found, in a sentence."""
        return (
            f"Of {self.n} corrections set aside {self.accuracy:.0%} are put right ({self.low:.0%} to {self.high:.0%}), "
            f"before {self.shipped:.0%}; {self.gained} gained, {self.lost} lost, p = {self.p:.3g}."
        )

    def numbers(self) -> dict[str, Any]:
        """Return everything but the weights."""
        return {name: value for name, value in asdict(self).items() if name != "classifier"}


def usable(corrections: "Sequence[Correction]") -> tuple[list["Correction"], str]:
    """Return the corrections of categories with enough of them, and what is missing for a training, if anything."""
    counted = Counter(one.category for one in corrections)
    kept = [one for one in corrections if counted[one.category] >= LEAST_OF_CLASS]
    classes = len({one.category for one in kept})
    if len(kept) < LEAST or classes < LEAST_CLASSES:
        return kept, (
            f"{len(kept)} corrections in {classes} categories with at least {LEAST_OF_CLASS} each; "
            f"{LEAST} in {LEAST_CLASSES} are needed."
        )
    return kept, ""


def corpus_of(corrections: "Sequence[Correction]", shipped: tuple[Sequence[str], Sequence[int]], seed: int) -> Corpus:
    """Return what is learned from and what is set aside; a correction added later moves no other one."""
    texts, classes = list(shipped[0]), list(shipped[1])
    held_out, folds = [False] * len(texts), [-1] * len(texts)
    for one in sorted(corrections, key=lambda one: str(one.record_id)):
        draw = int.from_bytes(hashlib.sha256(f"{seed}:{one.record_id}".encode()).digest()[:8])
        texts.append(one.text)
        classes.append(_NAMES.index(one.category))
        held_out.append(draw % _FOLDS == 0)
        folds.append(draw // _FOLDS % _FOLDS)
    return Corpus(texts, classes, held_out, folds)


def learn(corpus: Corpus, vectors: "NDArray[np.float32]", before: bytes | None = None) -> Learned:
    """Return weights learned from a corpus.

    Args:
        corpus: What to learn from.
        vectors: Of its texts, one a row.
        before: The weights used so far; None for the shipped ones.
    """
    import numpy as np  # noqa: PLC0415 - heavy

    classes, out = np.array(corpus.classes), np.array(corpus.held_out)
    folds = np.array(corpus.folds)[~out]
    seen, known = vectors[~out], classes[~out]
    scores = {penalty: _validated(seen, known, folds, penalty) for penalty in _PENALTIES}
    # The larger of equals: it holds the weights back more.
    penalty = max(_PENALTIES, key=lambda one: (scores[one], one))
    weights, bias = fitted(seen, list(known), penalty)
    old_weights, old_bias = weights_of(before)
    new = (vectors[out] @ weights + bias).argmax(axis=1) == classes[out]
    old = (vectors[out] @ old_weights + old_bias).argmax(axis=1) == classes[out]
    n, right = int(out.sum()), int(new.sum())
    gained, lost = int((new & ~old).sum()), int((old & ~new).sum())
    low, high = wilson(right, n) if n else (0.0, 1.0)
    content = packed(weights, bias, examples=corpus.sha256, penalty=penalty)
    return Learned(
        classifier={
            "weights": base64.b64encode(content).decode(),
            "sha256": hashlib.sha256(content).hexdigest(),
            "model_sha256": MODEL_SHA256,
            "corpus_sha256": corpus.sha256,
        },
        n=n,
        accuracy=right / n if n else 0.0,
        low=low,
        high=high,
        shipped=float(old.mean()) if n else 0.0,
        gained=gained,
        lost=lost,
        p=mcnemar(gained, lost),
        validated=scores[penalty],
        penalty=penalty,
    )


def _validated(
    vectors: "NDArray[np.float32]", classes: "NDArray[np.int64]", folds: "NDArray[np.int64]", penalty: float
) -> float:
    """Return the share of corrections put right by weights learned without their fold."""
    right = counted = 0
    for fold in range(_FOLDS):
        out = folds == fold
        if not out.any():
            continue
        weights, bias = fitted(vectors[~out], list(classes[~out]), penalty)
        right += int(((vectors[out] @ weights + bias).argmax(axis=1) == classes[out]).sum())
        counted += int(out.sum())
    return right / counted if counted else 0.0
