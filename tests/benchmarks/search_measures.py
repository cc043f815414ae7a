"""What is measured of the search: how long each mode takes, and how much of the exact answer it finds.

Three organizations share one index: one with 94 % of the pieces, one with 5 % and one with 1 %. Queries come with their
vectors, as the time of a model is measured on its own.
"""

import json
import statistics
import time
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, TypeAlias
from uuid import uuid4

import psycopg
from psycopg import sql

from qms_mcp.auth.principal import Principal
from qms_mcp.db.database import Database
from qms_mcp.db.embedded import EmbeddedPostgres
from qms_mcp.db.embedded.bootstrap import open_copy
from qms_mcp.db.queries import Query
from qms_mcp.services.search.service import COUNT_UP_TO
from tests.conftest import add_person, wiring_for
from tests.support.search_rows import Collection
from tests.support.search_world import Floats, World

Filters: TypeAlias = Mapping[str, Any]
SHARES = {"94 %": 0.94, "5 %": 0.05, "1 %": 0.01}
MODELS = {384: 1, 1536: 2}
TOP = 10
NEARLY = 1e-6
NARROWED: dict[str, Filters] = {
    "all": {},
    "type": {"types": ["capa"]},
    "types": {"types": ["document", "manual"]},
    "state": {"states": ["closed"]},
    "tag": {"tags": ["tag7"]},
}
FIND = Query(
    "bench",
    "SELECT f.similarity FROM search.find(%(query)s, %(mode)s, %(vector)s::extensions.halfvec, %(model)s::smallint, "
    "%(filters)s::jsonb, %(at_most)s) AS f",
)
REFRESH = Query("bench", "SELECT search.refresh_terms(true)")
# All that are compared, whatever index there is; the conditions are those of the search.
EXACT = """
SELECT n.distance FROM (
    SELECT
        min(e.embedding::extensions.halfvec({dims}) OPERATOR(extensions.<=>) %(vector)s::extensions.halfvec({dims}))
            AS distance
    FROM search.{partition} AS e INNER JOIN search.chunks AS c ON e.chunk_id = c.id
    WHERE {conditions} GROUP BY c.source_id, CASE c.content_type WHEN 'document' THEN c.section END
) AS n ORDER BY n.distance LIMIT %(top)s
"""


MATCH = Query("bench", "SELECT m.similarity FROM public.match_embeddings(%(vector)s::extensions.vector, %(top)s) AS m")
NEAREST = """
SELECT 1 - (e.embedding::extensions.halfvec({dims}) OPERATOR(extensions.<=>) %(vector)s::extensions.halfvec({dims}))
FROM search.{partition} AS e WHERE e.organization_id = %(organization)s AND e.is_current
ORDER BY (e.embedding::extensions.halfvec({dims}) OPERATOR(extensions.<=>) %(vector)s::extensions.halfvec({dims})) + 0
LIMIT %(top)s
"""
# Records that are one piece each get the texts of others.
CHANGED = """
CREATE TEMP TABLE changed ON COMMIT DROP AS
SELECT i.id, row_number() OVER (ORDER BY i.id) AS place FROM qms.quality_items AS i
INNER JOIN search.sources AS s ON i.id = s.id
WHERE i.organization_id = %(organization)s AND i.category <> 'document' ORDER BY i.id LIMIT %(count)s;
UPDATE qms.quality_items AS i SET version = i.version + 1, description = t.words
FROM changed AS c INNER JOIN (
    SELECT row_number() OVER (ORDER BY p.id) AS place, p.content AS words
    FROM search.chunks AS p WHERE p.organization_id = %(organization)s ORDER BY p.id LIMIT %(count)s
) AS t ON c.place = t.place
WHERE i.id = c.id
"""


@dataclass(frozen=True)
class Asked:
    """A query as the search gets it."""

    text: str
    mode: str
    vector: str | None = None
    model: int = 1
    filters: Filters = field(default_factory=dict[str, Any])

    def values(self, at_most: int) -> dict[str, Any]:
        """Return the parameters of `FIND`."""
        known = {"query": self.text, "mode": self.mode, "vector": self.vector, "model": self.model}
        return {**known, "filters": json.dumps(self.filters), "at_most": at_most}


@dataclass(frozen=True)
class Spread:
    """Milliseconds: of the middle, and of the slowest of twenty."""

    p50: float
    p95: float

    @classmethod
    def of(cls, seconds: Sequence[float]) -> "Spread":
        """Return the spread of some times."""
        return cls(statistics.median(seconds) * 1_000, statistics.quantiles(seconds, n=20)[-1] * 1_000)


@dataclass
class Bench:
    """A database with a collection in it and somebody of each organization."""

    database: Database
    superuser: str
    login: str
    collection: Collection
    people: dict[str, Principal]
    built: dict[int, float] = field(default_factory=dict[int, float])

    def pieces_of(self, who: str) -> int:
        """Return how many pieces an organization has."""
        return round(self.collection.pieces * SHARES[who])

    def pgvector(self) -> str:
        """Return its version."""
        with psycopg.connect(self.superuser) as connection:
            row = connection.execute(b"SELECT extversion FROM pg_extension WHERE extname = 'vector'").fetchone()
        assert row
        return row[0]

    def questions(self, count: int, mode: str, dims: int = 384, filters: Filters | None = None) -> list[Asked]:
        """Return queries with their vectors."""
        drawn = self.collection.world.questions(count, salt=1)
        vectors = self.collection.world.vectors(drawn.latent, dims)
        return [
            Asked(text, mode, as_text(vector), MODELS[dims], filters or {})
            for text, vector in zip(drawn.texts, vectors, strict=True)
        ]

    def common(self, count: int) -> list[Asked]:
        """Return queries of frequent words only."""
        return [Asked(text, "lexical") for text in self.collection.world.common_words(count)]

    async def refresh(self) -> None:
        """Count the terms of each organization and tell the planner what there is."""
        for person in self.people.values():
            async with self.database.transaction(person) as transaction:
                await transaction.fetch_dicts(REFRESH, {})
        with psycopg.connect(self.superuser, autocommit=True) as connection:
            connection.execute(b"VACUUM (ANALYZE)")

    def build_index(self, dims: int) -> float:
        """Build the index of neighbours and return how many seconds that took."""
        with psycopg.connect(self.superuser, autocommit=True) as connection:
            connection.execute(b"SET maintenance_work_mem = '1GB'")
            started = time.perf_counter()
            connection.execute(b"SELECT search.build_index(%s::smallint)", [MODELS[dims]])
            self.built[dims] = time.perf_counter() - started
            return self.built[dims]

    def index_records(self, who: str, count: int) -> tuple[int, float]:
        """Index records again, with new texts and as the database does it; return how many pieces and seconds."""
        values = {"organization": self.people[who].organization_id, "count": count}
        with psycopg.connect(self.superuser) as connection:
            connection.execute(b"SET LOCAL session_replication_role = 'replica'")
            for statement in CHANGED.split(";"):
                connection.execute(statement.encode(), values)
            connection.execute(b"SET LOCAL session_replication_role = 'origin'")
            started = time.perf_counter()
            connection.execute(b"SELECT search.index_record(c.id) FROM changed AS c")
            taken = time.perf_counter() - started
            row = connection.execute(
                b"SELECT count(*) FROM search.chunks AS p INNER JOIN changed AS c ON p.source_id = c.id"
            ).fetchone()
            connection.rollback()
        assert row
        return row[0], taken

    async def spread(self, who: str, asked: Sequence[Asked]) -> Spread:
        """Return how long `search.find` takes in the application's own transaction, without opening it."""
        taken: list[float] = []
        async with self.database.transaction(self.people[who], read_only=True) as transaction:
            for number, one in enumerate([*asked[:6], *asked]):  # statements are prepared after five times
                started = time.perf_counter()
                await transaction.fetch_dicts(FIND, one.values(COUNT_UP_TO + 1))
                if number >= 6:
                    taken.append(time.perf_counter() - started)
        return Spread.of(taken)

    async def recall(self, who: str, asked: Sequence[Asked]) -> float:
        """Return which part of the exact first ten (documents by sections) a search by meaning has."""
        person, hits, there = self.people[who], 0, 0
        with psycopg.connect(self.superuser) as connection:
            for one in asked:
                async with self.database.transaction(person, read_only=True) as transaction:
                    found = await transaction.fetch_dicts(FIND, one.values(TOP))
                exact = self._exact(connection, person, one)
                there += len(exact)
                hits += sum(row["similarity"] >= exact[-1] - NEARLY for row in found) if exact else 0
        return hits / there if there else 1.0

    async def nearest(self, who: str, asked: Sequence[Asked], dims: int) -> tuple[float, Spread]:
        """Return recall and times of the nearest ten pieces: what stores of vectors alone answer."""
        taken: list[float] = []
        hits = 0
        statement = NEAREST.format(dims=dims, partition=f"embeddings_m{MODELS[dims]}").encode()
        values = {"organization": self.people[who].organization_id, "top": TOP}
        with psycopg.connect(self.superuser) as connection:
            for one in asked:
                async with self.database.transaction(self.people[who], read_only=True) as transaction:
                    started = time.perf_counter()
                    found = await transaction.fetch_dicts(MATCH, {"vector": one.vector, "top": TOP})
                    taken.append(time.perf_counter() - started)
                rows = connection.execute(statement, {**values, "vector": one.vector}).fetchall()
                # By similarity: a source with two near pieces is there twice.
                farthest = rows[-1][0] - NEARLY
                hits += sum(row["similarity"] >= farthest for row in found)
        return hits / (TOP * len(asked)), Spread.of(taken)

    def _exact(self, connection: psycopg.Connection, person: Principal, one: Asked) -> list[float]:
        row = connection.execute(b"SELECT search.conditions(%s::jsonb)", [json.dumps(one.filters)]).fetchone()
        assert row
        conditions = row[0].replace("$1", "%(organization)s").replace("$2", "%(filters)s::jsonb")
        dims = next(dims for dims, model in MODELS.items() if model == one.model)
        statement = EXACT.format(dims=dims, partition=f"embeddings_m{one.model}", conditions=conditions)
        values = {**one.values(TOP), "organization": person.organization_id, "top": TOP}
        return [1 - found[0] for found in connection.execute(statement.encode(), values).fetchall()]


def as_text(vector: Floats) -> str:
    """Return a vector as PostgreSQL reads it."""
    return "[" + ",".join(f"{value:.7g}" for value in vector.tolist()) + "]"


@asynccontextmanager
async def filled(server: EmbeddedPostgres, template: str, pieces: int, dims: Sequence[int]) -> AsyncGenerator[Bench]:
    """Yield a database with so many pieces and their vectors, without indexes of neighbours."""
    name = f"search_{uuid4().hex[:8]}"
    with psycopg.connect(server.conninfo("postgres", "postgres"), autocommit=True) as admin:
        create = sql.SQL("CREATE DATABASE {} TEMPLATE {} OWNER qms_owner")
        admin.execute(create.format(sql.Identifier(name), sql.Identifier(template)))
        open_copy(server.conninfo(name, "postgres"))
        database = Database(wiring_for(server, name))
        await database.open()
        try:
            superuser = server.conninfo(name, "postgres")
            collection = Collection(superuser, World())
            people: dict[str, Principal] = {}
            for place, (who, share) in enumerate(SHARES.items()):
                people[who] = await add_person(database, uuid4(), f"company-{place}", "admin", "owner")
                person = people[who]
                collection.add(person.organization_id, person.user_id, round(pieces * share))
            for each in dims:
                collection.add_vectors(MODELS[each], each)
            yield Bench(database, superuser, wiring_for(server, name).server, collection, people)
        finally:
            await database.close()
            admin.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))
