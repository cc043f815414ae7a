"""What is sent to providers and what comes back: Voyage AI, OpenAI, and what calls itself compatible with OpenAI."""

import base64
import binascii
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, cast

from qms_mcp.services.embedding.models import EmbeddingModel
from qms_mcp.services.embedding.provider import UnusableModelError

Purpose = Literal["query", "document"]
# Those of Voyage AI whose dimensions can be chosen; the others refuse the field.
_CHOOSABLE = ("voyage-4", "voyage-3-large", "voyage-3.5", "voyage-code-3")


@dataclass(frozen=True, slots=True)
class Wire:
    """How a provider is spoken to.

    Attributes:
        address: Where, if the model has no address of its own.
        most_texts: In a request.
        most_tokens: In a request, all texts together, with room for an estimate that is too low.
        most_tokens_of_one: Of a text; what is beyond is cut off here, because there it would be an error.
    """

    provider: str
    address: str | None
    most_texts: int
    most_tokens: int
    most_tokens_of_one: int

    def body(self, model: EmbeddingModel, texts: Sequence[str], purpose: Purpose) -> dict[str, Any]:
        """Return the request."""
        body: dict[str, Any] = {"model": model.model, "input": list(texts)}
        if self.provider == "voyage":
            body |= {"input_type": purpose, "truncation": True, "encoding_format": "base64"}
            if model.model.startswith(_CHOOSABLE):
                body["output_dimension"] = model.dims
        elif self.provider == "openai":
            body["encoding_format"] = "base64"
            if model.model.startswith("text-embedding-3"):
                body["dimensions"] = model.dims
        # A compatible endpoint gets what all of them know, and answers with lists of numbers.
        return body

    def read(self, answer: Any, model: EmbeddingModel, count: int) -> tuple[list[Any], int | None]:
        """Return the vectors in the order of the texts, and the tokens if the provider counted them.

        Raises:
            UnusableModelError: It is no such answer, or another model gave it.
        """
        fields = fields_of(answer)
        rows = fields.get("data")
        if not isinstance(rows, list) or len(cast("list[Any]", rows)) != count:
            raise _strange(model)
        answered = fields.get("model")
        if self.address is not None and isinstance(answered, str) and not answered.startswith(model.model):
            raise UnusableModelError(
                f"{model.model} was asked, and {answered[:60]} answered; vectors of two models are never mixed.",
                retry_after=600,
            )
        vectors: list[Any] = [None] * count
        for place, row in enumerate(cast("list[Any]", rows)):
            found = fields_of(row)
            index = found.get("index", place)
            if not isinstance(index, int) or not 0 <= index < count or vectors[index] is not None:
                raise _strange(model)
            vectors[index] = _numbers(found.get("embedding"), model)
        return vectors, _tokens(fields.get("usage"))


WIRES = {
    "voyage": Wire("voyage", "https://api.voyageai.com/v1", 256, 100_000, 30_000),
    "openai": Wire("openai", "https://api.openai.com/v1", 512, 250_000, 8_000),
    "compatible": Wire("compatible", None, 64, 60_000, 8_000),
}


def fields_of(value: Any) -> dict[str, Any]:
    """Return a JSON object; an empty one for everything else."""
    return cast("dict[str, Any]", value) if isinstance(value, dict) else {}


def _numbers(embedding: Any, model: EmbeddingModel) -> Any:
    if isinstance(embedding, list):
        return cast("list[Any]", embedding)
    if not isinstance(embedding, str):
        raise _strange(model)
    import numpy as np  # noqa: PLC0415 - heavy

    try:
        return np.frombuffer(base64.b64decode(embedding, validate=True), dtype="<f4")
    except (binascii.Error, ValueError):
        raise _strange(model) from None


def _tokens(usage: Any) -> int | None:
    counted = fields_of(usage)
    tokens = counted.get("total_tokens", counted.get("prompt_tokens"))
    return tokens if isinstance(tokens, int) else None


def _strange(model: EmbeddingModel) -> UnusableModelError:
    return UnusableModelError(
        f"The answer of {model.provider} for {model.model} is no list of vectors, one for each text.", retry_after=300
    )
