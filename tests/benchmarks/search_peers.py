"""Chroma and LanceDB over the same vectors: run by a Python that has them, with numpy.

    PYTHON search_peers.py FOLDER    # in FOLDER: vectors.npy, tenants.npy, queries.npy; prints JSON

Each gets what its documentation says for this size, with the tenant as a filter of its own: Chroma an HNSW index by
cosine, LanceDB an IVF-PQ index with refinement.
"""

import importlib
import json
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

TOP = 10
BATCH = 5_000


def main(folder: Path) -> None:
    """Measure what is installed."""
    numpy: Any = importlib.import_module("numpy")
    vectors, tenants, queries = (numpy.load(folder / f"{name}.npy") for name in ("vectors", "tenants", "queries"))
    found: dict[str, Any] = {}
    for name, build in (("chromadb", _chroma), ("lancedb", _lance)):
        try:
            library: Any = importlib.import_module(name)
        except ImportError:
            continue
        with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as place:
            started = time.perf_counter()
            asked = build(library, place, vectors, tenants)
            taken = time.perf_counter() - started
            found[name] = {
                "version": library.__version__,
                "seconds": taken,
                **_measured(asked, vectors, tenants, queries),
            }
    print(json.dumps(found))  # noqa: T201


def _chroma(library: Any, place: str, vectors: Any, tenants: Any) -> Callable[[Any, int], Sequence[int]]:
    settings: Any = importlib.import_module("chromadb.config").Settings(anonymized_telemetry=False)
    client = library.PersistentClient(path=place, settings=settings)
    collection = client.create_collection("pieces", metadata={"hnsw:space": "cosine", "hnsw:search_ef": 120})
    for first in range(0, len(vectors), BATCH):
        rows = range(first, min(first + BATCH, len(vectors)))
        collection.add(
            ids=[str(row) for row in rows],
            embeddings=vectors[first : first + BATCH],
            metadatas=[{"tenant": int(tenants[row])} for row in rows],
        )

    def ask(query: Any, tenant: int) -> Sequence[int]:
        answer = collection.query(query_embeddings=[query], n_results=TOP, where={"tenant": tenant}, include=[])
        return [int(row) for row in answer["ids"][0]]

    return ask


def _lance(library: Any, place: str, vectors: Any, tenants: Any) -> Callable[[Any, int], Sequence[int]]:
    arrow: Any = importlib.import_module("pyarrow")
    flat = arrow.array(vectors.reshape(-1), type=arrow.float32())
    rows = arrow.table(
        {
            "id": arrow.array(range(len(vectors)), type=arrow.int64()),
            "tenant": arrow.array(tenants.tolist(), type=arrow.int32()),
            "vector": arrow.FixedSizeListArray.from_arrays(flat, vectors.shape[1]),
        }
    )
    table = library.connect(place).create_table("pieces", rows)
    table.create_index(metric="cosine", num_partitions=256, num_sub_vectors=vectors.shape[1] // 8)
    table.create_scalar_index("tenant")

    def ask(query: Any, tenant: int) -> Sequence[int]:
        search = table.search(query).distance_type("cosine").where(f"tenant = {tenant}", prefilter=True)
        answer = search.nprobes(20).refine_factor(10).limit(TOP).select(["id"]).to_arrow()
        return answer["id"].to_pylist()

    return ask


def _measured(ask: Callable[[Any, int], Sequence[int]], vectors: Any, tenants: Any, queries: Any) -> dict[str, Any]:
    numpy: Any = importlib.import_module("numpy")
    measured: dict[str, Any] = {}
    for tenant in sorted(set(tenants.tolist())):
        rows = numpy.flatnonzero(tenants == tenant)
        exact = numpy.argsort(-(queries @ vectors[rows].T), axis=1)[:, :TOP]
        taken: list[float] = []
        hits = 0
        for place, query in enumerate(queries):
            started = time.perf_counter()
            answer = ask(query, tenant)
            taken.append(time.perf_counter() - started)
            hits += len(set(answer) & set(rows[exact[place]].tolist()))
        measured[str(tenant)] = {
            "recall": hits / (TOP * len(queries)),
            "p50": statistics.median(taken) * 1_000,
            "p95": statistics.quantiles(taken, n=20)[-1] * 1_000,
        }
    return measured


if __name__ == "__main__":
    main(Path(sys.argv[1]))
