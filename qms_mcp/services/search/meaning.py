"""Where the vector of a query comes from, and what is said when there is none.

Words alone always work. A model that is loading, missing or failing costs the semantic half of a search and never the
search: the answer says which half answered, and why.
"""

import logging
from dataclasses import dataclass
from typing import Any, Protocol

from qms_mcp.auth.principal import Principal
from qms_mcp.errors import QmsError

_log = logging.getLogger(__name__)
# A model reads some 256 tokens; more text would only take time.
_MOST_CHARACTERS = 4_000


class Vectors(Protocol):
    """What makes the vector of a query: a model, or a word why there is none."""

    async def query_vector(self, principal: Principal, text: str) -> Any:
        """Return the vector of a query, with `model_id`, `vector` and, when there is none, `why`."""
        ...

    def wake(self) -> None:
        """Say that new texts wait for their vectors."""
        ...


@dataclass(frozen=True, slots=True)
class Meaning:
    """The vector of a query as SQL takes it.

    Attributes:
        model_id: Of the model that made it; none without a vector.
        vector: `[0.1,...]`.
        why: Why there is none.
    """

    model_id: int | None = None
    vector: str | None = None
    why: str = ""


async def meaning_of(vectors: Vectors | None, principal: Principal, text: str) -> Meaning:
    """Return the vector of a query; without one, why there is none."""
    if vectors is None:
        return Meaning(why="there is no model")
    try:
        found = await vectors.query_vector(principal, text[:_MOST_CHARACTERS])
    except QmsError as error:
        return Meaning(why=error.message.rstrip("."))
    except Exception:  # noqa: BLE001 - whatever it is, words alone still answer
        _log.exception("the vector of a query could not be made")
        return Meaning(why="the model failed; the log of the server says more")
    if found.vector is None:
        return Meaning(why=found.why or "the model is not ready")
    return Meaning(found.model_id, as_text(found.vector))


def as_text(vector: Any) -> str:
    """Return a vector as PostgreSQL reads it."""
    return "[" + ",".join(f"{float(value):.7g}" for value in vector) + "]"
