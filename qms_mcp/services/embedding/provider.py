"""What makes vectors: one interface over the model on this machine and those of providers.

An embedder returns normalised vectors of exactly the dimensions of its model, or one of three errors, because what to
do next differs: other texts may still go (`RefusedTextsError`), these may go later (`FailedTextsError`), or nothing
goes until something about the model has changed (`UnusableModelError`).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

from qms_mcp.errors import InvalidInputError, UnavailableError
from qms_mcp.services.embedding.models import EmbeddingModel

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from qms_mcp.settings import Settings

    Vectors: TypeAlias = NDArray[np.float32]


class RefusedTextsError(InvalidInputError):
    """The model can't take (one of) these texts; it may take others."""


class FailedTextsError(UnavailableError):
    """The model failed on these texts, again and again; it is not known whether because of them."""


class UnusableModelError(UnavailableError):
    """The model can't be used now, whatever the text is.

    Attributes:
        retry_after: After how many seconds it is worth another try.
    """

    def __init__(self, message: str, *, hint: str = "", retry_after: float = 60.0) -> None:
        super().__init__(message, hint=hint)
        self.retry_after = retry_after


@dataclass(frozen=True, slots=True)
class Batch:
    """Vectors in the order of their texts, and what they took.

    Attributes:
        vectors: One row a text, normalised.
        tokens: As the provider counts them.
        requests: To the provider; none for the model on this machine.
    """

    vectors: "Vectors"
    tokens: int
    requests: int = 0


class Embedder(Protocol):
    """Makes vectors with one model.

    Attributes:
        key: Key of the model.
        dims: Dimensions of its vectors.
        most_texts: How many texts a worker had best give it at a time.
        price_per_million: US dollars for a million tokens; none when nobody is paid, or the price is not known.
    """

    key: str
    dims: int
    most_texts: int

    @property
    def price_per_million(self) -> float | None:
        """Return the price of a million tokens."""
        ...

    def unusable(self) -> str | None:
        """Return why it can't be used, as far as that is known without trying."""
        ...

    def ready(self) -> bool:
        """Return whether the next query is answered without loading anything first."""
        ...

    async def warm(self) -> None:
        """Load what it needs.

        Raises:
            UnusableModelError: It can't be had.
        """
        ...

    async def documents(self, texts: Sequence[str]) -> Batch:
        """Return the vectors texts are found by.

        Raises:
            RefusedTextsError: A text can't be taken.
            FailedTextsError: It failed on these texts.
            UnusableModelError: It can't be used now.
        """
        ...

    async def query(self, text: str) -> Batch:
        """Return the one vector of a question, soon or not at all; raises like `documents`."""
        ...

    async def aclose(self) -> None:
        """Let go of connections."""
        ...


class Embedders:
    """The embedders of this process, made when first asked for.

    Args:
        settings: Where keys and addresses come from.
    """

    def __init__(self, settings: "Settings") -> None:
        self._settings = settings
        self._made: dict[EmbeddingModel, Embedder] = {}

    def of(self, model: EmbeddingModel) -> Embedder:
        """Return the embedder of a model.

        Raises:
            UnusableModelError: Nothing here makes vectors of such a model.
        """
        known = self._made.get(model.named)
        if known is None:
            known = self._made[model.named] = _made(model, self._settings)
        return known

    async def aclose(self) -> None:
        """Let go of all connections."""
        while self._made:
            _, embedder = self._made.popitem()
            await embedder.aclose()


def _made(model: EmbeddingModel, settings: "Settings") -> Embedder:
    if model.provider == "local":
        from qms_mcp.services.embedding.local import LocalEmbedder  # noqa: PLC0415 - when there is something to embed

        return LocalEmbedder(model)
    from qms_mcp.services.embedding.remote import remote_embedder  # noqa: PLC0415

    return remote_embedder(model, settings)


def normalised(vectors: Any, model: EmbeddingModel, count: int) -> "Vectors":
    """Return the vectors with length 1.

    Raises:
        UnusableModelError: They are not the vectors of this model: another number, other dimensions, not numbers.
    """
    import numpy as np  # noqa: PLC0415 - heavy

    try:
        rows = np.asarray(vectors, dtype=np.float32)
    except (TypeError, ValueError):
        rows = np.empty((0, 0), dtype=np.float32)
    if rows.ndim != 2 or rows.shape[0] != count:  # noqa: PLR2004 - a row a text
        raise UnusableModelError(f"{model.key} did not return one vector for each text.", retry_after=600)
    if rows.shape[1] != model.dims:
        raise UnusableModelError(
            f"{model.key} returned vectors of {rows.shape[1]} dimensions; {model.dims} are registered.",
            hint="Another model answers under this name. Register it under a key of its own with `qms-mcp reindex`.",
            retry_after=600,
        )
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    if not np.isfinite(lengths).all() or (lengths == 0).any():
        raise RefusedTextsError(f"{model.key} returned no vector for a text.")
    return rows / lengths
