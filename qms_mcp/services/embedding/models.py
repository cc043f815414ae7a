"""Models, vectors and jobs as the rest of the project sees them."""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID


@dataclass(frozen=True, slots=True)
class EmbeddingModel:
    """A registered model.

    Attributes:
        provider: `local`, `voyage`, `openai`, `compatible`; or `given`, whose vectors callers bring.
        query_prefix: Stands before a question when it is embedded, as some models want it.
        state: `filling`, `active` or `retired`.
        base_url: Where it is asked, if not at the usual address of its provider.
    """

    id: int
    key: str
    provider: str
    model: str
    dims: int
    query_prefix: str
    document_prefix: str
    state: str
    base_url: str | None

    @property
    def named(self) -> "EmbeddingModel":
        """The model apart from the state it is in."""
        return replace(self, state="")


@dataclass(frozen=True, slots=True)
class QueryVector:
    """The vector of a question, with the model it may be compared within; or why there is none now.

    Attributes:
        vector: Normalised; none when the model can't be used now.
        why: Why there is none.
    """

    model_id: int | None
    key: str
    vector: tuple[float, ...] | None
    why: str = ""


@dataclass(frozen=True, slots=True)
class Job:
    """A piece of text a worker has taken on."""

    chunk_id: int
    organization_id: UUID
    content_sha: bytes
    text: str


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a model is, as the database counts it."""

    model_id: int
    key: str
    provider: str
    model: str
    dims: int
    state: str
    chunks: int
    done: int
    queued: int
    leased: int
    failed: int
    stale: int
    last_error: str | None
    oldest_queued: datetime | None


def literal(vector: Any) -> str:
    """Return a vector as PostgreSQL reads it; halfvec keeps no more digits than these."""
    return "[" + ",".join([f"{value:.5g}" for value in vector]) + "]"
