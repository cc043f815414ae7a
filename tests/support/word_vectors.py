"""Vectors without a model: texts with words in common are near, and so are texts with words that mean the same.

vectors = WordVectors()
vectors.fill(connection)                 # what a worker does
Search(database, vectors)
"""

import hashlib
import math
import re
from collections.abc import Sequence
from dataclasses import dataclass, field

import psycopg

from qms_mcp.auth.principal import Principal

DIMENSIONS = 384
_WORD = re.compile(r"\w+")
# Words a model would know to mean the same.
_SAME = {
    "leaking": "leak",
    "leaks": "leak",
    "seeping": "leak",
    "seepage": "leak",
    "drips": "leak",
    "physician": "doctor",
}


@dataclass(frozen=True, slots=True)
class QueryVector:
    """What a query is searched with."""

    model_id: int | None
    vector: Sequence[float] | None
    why: str = ""


@dataclass
class WordVectors:
    """Makes vectors of words.

    Attributes:
        why: When it is said, there is no vector, and this is why.
        asked: The queries there were.
    """

    why: str = ""
    model_id: int = 1
    asked: list[str] = field(default_factory=list[str])

    async def query_vector(self, principal: Principal, text: str) -> QueryVector:
        """Return the vector of a query."""
        assert principal.organization_id
        self.asked.append(text)
        return QueryVector(None, None, self.why) if self.why else QueryVector(self.model_id, vector_of(text))

    def wake(self) -> None:
        """Do nothing: the test fills."""

    def fill(self, connection: psycopg.Connection) -> int:
        """Give every piece that waits for one its vector, as the worker does."""
        jobs = connection.execute(
            "SELECT chunk_id, content_sha, text_to_embed "
            "FROM search.claim_jobs(1::smallint, 100000, 'test', '1 minute')"
        ).fetchall()
        vectors = ["[" + ",".join(f"{value:.5f}" for value in vector_of(text)) + "]" for _id, _sha, text in jobs]
        connection.execute(
            "SELECT search.finish_jobs(1::smallint, 'test', %s, %s, %s::text[]::extensions.halfvec[])",
            [[job[0] for job in jobs], [job[1] for job in jobs], vectors],
        )
        return len(jobs)


def vector_of(text: str) -> list[float]:
    """Return the vector of a text."""
    sums = [0.001] * DIMENSIONS
    for word in _WORD.findall(text.lower()):
        digest = hashlib.sha256(str(_SAME.get(word, word)).encode()).digest()
        sums[int.from_bytes(digest[:2], "big") % DIMENSIONS] += 1.0
    length = math.sqrt(sum(value * value for value in sums))
    return [value / length for value in sums]
