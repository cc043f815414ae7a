"""A collection to search in, as large as wanted, put in by a superuser with the triggers off; the same for a seed.

Records are sources as far as there are any, with pieces by type; what is left is in manuals. Texts and vectors are
those of `tests.support.search_world`.
"""

import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import repeat
from uuid import UUID

import numpy as np
import psycopg
from psycopg import sql

from tests.support.record_rows import grow_records
from tests.support.search_world import Floats, World

WORKERS = 2
# Most that are records; what is left is in manuals of ten pieces each.
# Fewer would not have every type. What has no piece here is a record that is not indexed.
FEWEST = 400
RECORDS = 40_000
MANUAL = 10
PREPARE = """
CREATE UNLOGGED TABLE IF NOT EXISTS public.made_texts (
    id bigint PRIMARY KEY, source_id uuid NOT NULL, ordinal integer NOT NULL, title text NOT NULL, content text NOT NULL
)
"""
# Records have their pieces by type: a document six, every fourth other record two, the rest one.
PICKED = """
SELECT i.id, CASE WHEN i.category = 'document' THEN 6 WHEN row_number() OVER w %% 4 = 0 THEN 2 ELSE 1 END AS pieces
FROM qms.quality_items AS i WHERE i.organization_id = %s WINDOW w AS (ORDER BY i.created_at, i.id)
ORDER BY i.created_at, i.id
"""
SOURCES = """
INSERT INTO search.sources (id, organization_id, record_id, record_version, content_type, title, is_current)
SELECT
    t.source_id, %(organization)s, i.id, i.version, coalesce(i.category, 'manual'), t.title,
    NOT coalesce(i.category = 'document' AND i.status IN ('superseded', 'obsolete', 'cancelled'), false)
FROM public.made_texts AS t LEFT JOIN qms.quality_items AS i ON t.source_id = i.id
WHERE t.ordinal = 1
"""
CORPUS = "INSERT INTO search.corpora (organization_id, languages) VALUES (%s, '{en}')"
CHUNKS = """
INSERT INTO search.chunks (
    id, organization_id, source_id, content_type, is_current, ordinal, section, heading, char_start, char_end, content,
    stems, weights
)
OVERRIDING SYSTEM VALUE
SELECT
    t.id, s.organization_id, s.id, s.content_type, s.is_current, t.ordinal, t.ordinal::text,
    t.title || ' > ' || t.ordinal, (t.ordinal - 1) * 700, t.ordinal * 700, t.content, v.stems,
    search.weights_of(v.stems)
FROM public.made_texts AS t
INNER JOIN search.sources AS s ON t.source_id = s.id
CROSS JOIN LATERAL (
    SELECT setweight(search.vector_of(t.title, 'en'), 'A') || search.vector_of(t.content, 'en') AS stems OFFSET 0
) AS v
WHERE t.id BETWEEN %(first)s AND %(last)s
"""
VECTORS = """
INSERT INTO search.{partition} (
    chunk_id, model_id, organization_id, content_type, is_current, content_sha, embedding
)
SELECT c.id, {model}, c.organization_id, c.content_type, c.is_current, c.content_sha, v.embedding
FROM {staged} AS v INNER JOIN search.chunks AS c ON v.id = c.id
"""


@dataclass
class Collection:
    """Fills one database; each piece has the number of its row in `vectors`, counted from 1."""

    superuser: str
    world: World
    latent: list[Floats] = field(default_factory=list[Floats])
    seconds: dict[str, float] = field(default_factory=dict[str, float])

    @property
    def pieces(self) -> int:
        """How many there are."""
        return sum(len(part) for part in self.latent)

    def add(self, organization_id: UUID, person_id: UUID, pieces: int) -> None:
        """Give an organization that has nothing yet so many pieces."""
        with self._timed("records"):
            grow_records(self.superuser, organization_id, person_id, records=min(max(pieces * 2 // 5, FEWEST), RECORDS))
        with psycopg.connect(self.superuser) as connection:
            connection.execute(b"SET LOCAL session_replication_role = 'replica'")
            connection.execute(PREPARE.encode())
            connection.execute(b"TRUNCATE public.made_texts")
            records = connection.execute(PICKED.encode(), [organization_id]).fetchall()
            ids, sizes = _sources(records, pieces, seed=self.pieces)
            first = self.pieces + 1
            with self._timed("texts"):
                self._stage(connection, ids, sizes)
                connection.execute(CORPUS.encode(), [organization_id])
                connection.execute(SOURCES.encode(), {"organization": organization_id})
        with self._timed("pieces"), ThreadPoolExecutor(WORKERS) as pool:
            each = -(-pieces // WORKERS)
            # list() lets failures through
            list(pool.map(self._cut, range(first, self.pieces + 1, each), repeat(each)))
        with psycopg.connect(self.superuser) as connection:
            connection.execute(b"SELECT setval(pg_get_serial_sequence('search.chunks', 'id'), %s)", [self.pieces])

    def add_vectors(self, model: int, dims: int) -> None:
        """Give every piece its vector of a model; the index of neighbours is to be built afterwards."""
        partition = f"embeddings_m{model}"
        staged = sql.Identifier(f"made_vectors_{dims}")
        with self._timed(f"vectors of {dims}"), psycopg.connect(self.superuser) as connection:
            connection.execute(b"SET LOCAL session_replication_role = 'replica'")
            connection.execute(sql.SQL("DROP INDEX search.{}").format(sql.Identifier(f"{partition}_near")))
            connection.execute(
                sql.SQL("CREATE TEMP TABLE {} (id bigint, embedding extensions.halfvec) ON COMMIT DROP").format(staged)
            )
            with connection.cursor().copy(sql.SQL("COPY {} FROM STDIN (FORMAT BINARY)").format(staged)) as copy:
                copy.write(b"PGCOPY\n\xff\r\n\0" + bytes(8))
                first = 1
                for part in self.vectors(dims):
                    copy.write(_as_rows(part, first))
                    first += len(part)
                copy.write(b"\xff\xff")
            connection.execute(
                sql.SQL(VECTORS).format(partition=sql.Identifier(partition), model=sql.Literal(model), staged=staged)
            )

    def vectors(self, dims: int) -> Iterator[Floats]:
        """Yield the vectors of all pieces, in their order."""
        for part in self.latent:
            yield self.world.vectors(part, dims)

    def _stage(self, connection: psycopg.Connection, ids: list[UUID], sizes: list[int]) -> None:
        rows = ((source, place) for source, size in zip(ids, sizes, strict=True) for place in range(1, size + 1))
        number = self.pieces
        with connection.cursor().copy(b"COPY public.made_texts FROM STDIN") as copy:
            for drawn in self.world.draw(sizes, salt=number):
                self.latent.append(drawn.latent)
                for text, title in zip(drawn.texts, drawn.titles, strict=True):
                    number += 1
                    source, place = next(rows)
                    copy.write_row((number, source, place, title, text))

    def _cut(self, first: int, count: int) -> None:
        with psycopg.connect(self.superuser) as connection:
            connection.execute(b"SET LOCAL session_replication_role = 'replica'")
            connection.execute(CHUNKS.encode(), {"first": first, "last": first + count - 1})

    def _timed(self, what: str) -> "_Stopwatch":
        return _Stopwatch(self.seconds, what)


@dataclass
class _Stopwatch:
    seconds: dict[str, float]
    what: str
    started: float = 0.0

    def __enter__(self) -> None:
        self.started = time.perf_counter()

    def __exit__(self, *_: object) -> None:
        self.seconds[self.what] = self.seconds.get(self.what, 0.0) + time.perf_counter() - self.started


def _sources(records: Sequence[tuple[UUID, int]], pieces: int, *, seed: int) -> tuple[list[UUID], list[int]]:
    """Return sources and how many pieces each has, together exactly as many as wanted."""
    ids: list[UUID] = []
    sizes: list[int] = []
    left = pieces
    for source, size in records:
        if not left:
            break
        ids.append(source)
        sizes.append(min(size, left))
        left -= sizes[-1]
    while left:
        ids.append(UUID(int=(seed + 1) << 64 | len(ids)))
        sizes.append(min(MANUAL, left))
        left -= sizes[-1]
    return ids, sizes


def _as_rows(vectors: Floats, first: int) -> bytes:
    """Return rows of a number and a halfvec as COPY in binary takes them."""
    dims = vectors.shape[1]
    layout = np.dtype(
        [
            ("fields", ">i2"), ("id_length", ">i4"), ("id", ">i8"), ("length", ">i4"), ("dims", ">i2"),
            ("unused", ">i2"), ("embedding", ">f2", (dims,)),
        ]
    )  # fmt: skip
    rows = np.zeros(len(vectors), layout)
    rows["fields"], rows["id_length"], rows["length"], rows["dims"] = 2, 8, 4 + 2 * dims, dims
    rows["id"] = np.arange(first, first + len(vectors))
    rows["embedding"] = vectors
    return rows.tobytes()
