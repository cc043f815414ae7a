"""Measures the search at growing sizes and writes docs/search-measurements.md. `make bench-search` runs this.

    make bench-search                                     # 10,000 and 100,000 pieces
    make bench-search ARGS="--peers /path/to/python"      # Chroma and LanceDB too, of that Python
    make bench-search ARGS="--full"                       # and 1,000,000 pieces of 384 dimensions

It ends with an error when a limit is not held: recall, and the tool against its statement alone.
"""

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import anyio
import numpy as np
import psycopg

from qms_mcp.db.embedded import EmbeddedPostgres
from qms_mcp.errors import QmsError
from qms_mcp.services.embedding.local import LocalEmbedder
from qms_mcp.services.embedding.models import EmbeddingModel
from tests.benchmarks.search_measures import MODELS, NARROWED, SHARES, Asked, Bench, Spread, filled
from tests.benchmarks.search_tool import compared
from tests.support.scratch import migrated_server

REPORT = Path(__file__).resolve().parents[2] / "docs" / "search-measurements.md"
PEERS = Path(__file__).with_name("search_peers.py")
ASKED, RECALLED, COMPARED, PEER_QUESTIONS = 60, 40, 100, 100
LEAST_RECALL = {"94 %": 0.95, "5 %": 0.99, "1 %": 0.99}
MOST_RATIO = 2.0


@dataclass
class Report:
    """Tables, and what was not as it should be."""

    lines: list[str] = field(default_factory=list[str])
    failures: list[str] = field(default_factory=list[str])

    def table(self, title: str, head: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
        """Add a table."""
        self.lines += ["", f"## {title}", "", _row(head), _row(["---"] * len(head)), *(_row(row) for row in rows)]
        print("\n".join(self.lines[-len(rows) - 4 :]), flush=True)  # noqa: T201

    def say(self, text: str) -> None:
        """Add a paragraph."""
        self.lines += ["", text]

    def expect(self, holds: bool, what: str) -> None:
        """Note what does not hold."""
        if not holds:
            self.failures.append(what)


@dataclass
class Sizes:
    """What was measured of each size, row by row."""

    built: list[list[object]] = field(default_factory=list[list[object]])
    grown: list[list[object]] = field(default_factory=list[list[object]])
    recalled: list[list[object]] = field(default_factory=list[list[object]])


async def measure(server: EmbeddedPostgres, chosen: argparse.Namespace, report: Report) -> None:
    """Measure every size and what stands beside it."""
    sizes = Sizes()
    for pieces in chosen.sizes:
        dims = [384] if pieces > 100_000 else [384, 1536]
        async with filled(server, "qms", pieces, dims) as bench:
            await _measure_size(bench, pieces, dims, sizes)
            if pieces == 100_000 or pieces == max(chosen.sizes) < 100_000:
                await _measure_tool(bench, report)
                if chosen.peers:
                    await anyio.to_thread.run_sync(_measure_peers, bench, chosen.peers, report)
    head = ["pieces", "dimensions", "loaded, pieces/s", "index of neighbours, s", "search.index_record, pieces/s"]
    report.table("Build", head, sizes.built)
    head = ["pieces", "organization", "search", "p50 ms", "p95 ms"]
    report.table("Growth", head, sizes.grown)
    report.table(f"Recall@10, {RECALLED} queries", ["pieces", "dimensions", "organization", *NARROWED], sizes.recalled)
    for pieces, dims, who, *found in sizes.recalled:
        for name, recall in zip(NARROWED, found, strict=True):
            least = LEAST_RECALL[str(who)]
            report.expect(float(str(recall)) >= least, f"recall {recall} < {least}: {pieces}, {dims}, {who}, {name}")


async def _measure_size(bench: Bench, pieces: int, dims: Sequence[int], sizes: Sizes) -> None:
    await bench.refresh()
    for each in dims:
        built = bench.build_index(each)
        seconds = bench.collection.seconds
        loaded = pieces / (seconds["texts"] + seconds["pieces"] + seconds[f"vectors of {each}"])
        indexed, taken = bench.index_records("94 %", 1_000)
        sizes.built.append([f"{pieces:,}", each, f"{loaded:,.0f}", f"{built:.1f}", f"{indexed / taken:,.0f}"])
    for who in SHARES:
        for name, asked in _searches(bench, dims).items():
            spread = await bench.spread(who, asked)
            sizes.grown.append([f"{pieces:,}", who, name, *_shown(spread)])
            print(sizes.grown[-1], flush=True)  # noqa: T201
        for each in dims:
            recalls = [
                await bench.recall(who, bench.questions(RECALLED, "semantic", each, filters))
                for filters in NARROWED.values()
            ]
            sizes.recalled.append([f"{pieces:,}", each, who, *(f"{recall:.3f}" for recall in recalls)])
            print(sizes.recalled[-1], flush=True)  # noqa: T201


def _searches(bench: Bench, dims: Sequence[int]) -> dict[str, list[Asked]]:
    searches = {
        "words": bench.questions(ASKED, "lexical"),
        "frequent words only": bench.common(20),
        "exact": bench.questions(ASKED, "exact"),
    }
    for each in dims:
        searches[f"meaning, {each}"] = bench.questions(ASKED, "semantic", each)
        searches[f"hybrid, {each}"] = bench.questions(ASKED, "hybrid", each)
    for name, filters in NARROWED.items():
        if filters:
            searches[f"hybrid, 384, by {name}"] = bench.questions(ASKED // 2, "hybrid", 384, filters)
    return searches


async def _measure_tool(bench: Bench, report: Report) -> None:
    rows: list[list[object]] = []
    for who in SHARES:
        with tempfile.TemporaryDirectory() as home:
            tool, bare = await compared(bench, who, COMPARED, Path(home))
        ratio = tool.p50 / bare.p50
        report.expect(ratio <= MOST_RATIO, f"the tool takes {ratio:.2f} times its statement: {who}")
        rows.append([who, *_shown(tool), *_shown(bare), f"{ratio:.2f}"])
    head = ["organization", "tool p50 ms", "tool p95 ms", "SQL p50 ms", "SQL p95 ms", "ratio of p50"]
    report.table(
        f"The tool `search` against its statement alone, {bench.collection.pieces:,} pieces, hybrid", head, rows
    )
    report.say("The vectors of these queries were given.")
    await _model_time(report)


async def _model_time(report: Report) -> None:
    """Say how long the vector of a query takes, where the model is."""
    embedder = LocalEmbedder(EmbeddingModel(1, "minilm", "local", "all-MiniLM-L6-v2", 384, "", "", "active", None))
    try:
        await embedder.warm()
    except QmsError as error:
        report.say(f"The local model was not measured: {error.message}")
        return
    taken: list[float] = []
    for number in range(COMPARED):
        started = time.perf_counter()
        await embedder.query(f"leaking valve of infusion pump {number} after sterilisation, seal out of tolerance")
        taken.append(time.perf_counter() - started)
    p50, p95 = _shown(Spread.of(taken))
    report.say(f"The local model takes {p50} ms (p95 {p95} ms) more for the vector of a query of ten words.")


def _measure_peers(bench: Bench, python: str, report: Report) -> None:
    counts = [bench.pieces_of(who) for who in SHARES]
    drawn = bench.collection.world.questions(PEER_QUESTIONS, salt=1)
    rows: list[list[object]] = []
    for dims in MODELS:
        with tempfile.TemporaryDirectory() as folder:
            np.save(f"{folder}/vectors.npy", np.concatenate(list(bench.collection.vectors(dims))))
            np.save(f"{folder}/tenants.npy", np.repeat(np.arange(len(counts)), counts))
            np.save(f"{folder}/queries.npy", bench.collection.world.vectors(drawn.latent, dims))
            answer = subprocess.run(
                [python, str(PEERS), folder], check=True, capture_output=True, text=True, timeout=1_800
            )
        found: dict[str, Any] = json.loads(answer.stdout.splitlines()[-1])
        ours: dict[str, Any] = anyio.from_thread.run(_ours, bench, dims)
        for name, measured in {"qms-mcp (pgvector)": ours, **found}.items():
            for place, who in enumerate(SHARES):
                one = measured[str(place)]
                rows.append(
                    [
                        f"{name} {measured['version']}", dims, who, f"{one['recall']:.3f}",
                        f"{one['p50']:.1f}", f"{one['p95']:.1f}", f"{measured['seconds']:.0f}",
                    ]
                )  # fmt: skip
    head = ["", "dimensions", "organization", "recall@10", "p50 ms", "p95 ms", "built in s"]
    report.table(f"Nearest ten pieces of one organization, {bench.collection.pieces:,} pieces", head, rows)


async def _ours(bench: Bench, dims: int) -> dict[str, Any]:
    found: dict[str, Any] = {
        "version": bench.pgvector(),
        "seconds": bench.collection.seconds[f"vectors of {dims}"] + bench.built[dims],
    }
    for place, who in enumerate(SHARES):
        recall, spread = await bench.nearest(who, bench.questions(PEER_QUESTIONS, "semantic", dims), dims)
        found[str(place)] = {"recall": recall, "p50": spread.p50, "p95": spread.p95}
    return found


def _row(cells: Sequence[object]) -> str:
    return "| " + " | ".join(str(cell) for cell in cells) + " |"


def _shown(spread: Spread) -> list[str]:
    return [f"{spread.p50:.1f}", f"{spread.p95:.1f}"]


def _machine(server: EmbeddedPostgres) -> str:
    with psycopg.connect(server.conninfo("qms", "postgres")) as connection:
        row = connection.execute(
            b"SELECT current_setting('server_version'), current_setting('shared_buffers'), "
            b"(SELECT e.extversion FROM pg_extension AS e WHERE e.extname = 'vector')"
        ).fetchone()
    assert row
    cores = len(os.sched_getaffinity(0))
    return (
        f"Measured on {datetime.now(UTC):%Y-%m-%d} with qms-mcp {version('qms-mcp')}, PostgreSQL {row[0]} "
        f"(shared_buffers {row[1]}), pgvector {row[2]}, Python {platform.python_version()}, on {platform.system()} "
        f"{platform.machine()} with {cores} processors; data of seed 7, made by `tests/support/search_rows.py`."
    )


def main() -> None:
    """Measure, write the report, fail when a limit is not held."""
    parser = argparse.ArgumentParser(description="Measure the search.")
    parser.add_argument("--sizes", type=lambda text: [int(size) for size in text.split(",")], default=[10_000, 100_000])
    parser.add_argument("--full", action="store_true", help="and 1,000,000 pieces")
    parser.add_argument("--peers", metavar="PYTHON", help="a Python with chromadb or lancedb, and numpy")
    parser.add_argument("--report", type=Path, default=REPORT)
    chosen = parser.parse_args()
    if chosen.full:
        chosen.sizes = [*chosen.sizes, 1_000_000]
    report = Report()
    with migrated_server() as server:
        report.lines = ["# What the search was measured to do", "", INTRODUCTION, "", _machine(server)]
        anyio.run(measure, server, chosen, report)
    report.lines += ["", "## Limits", "", *(f"- not held: {failure}" for failure in report.failures)]
    if not report.failures:
        report.lines.append("All are held.")
    chosen.report.write_text("\n".join(report.lines) + "\n", encoding="utf-8")
    sys.exit("\n".join(report.failures) or 0)


INTRODUCTION = """`make bench-search` writes this file. Three organizations share one index: one has 94 % of the
pieces, one 5 % and one 1 %. Every search is asked for as many results as the tool asks for, by an ordinary user under
row-level security. Recall is the part of the first ten results of an exact comparison of all vectors that a search by
meaning returns, with the filters of the search. Times in milliseconds compare within a table: other work may have
shared the machine."""


if __name__ == "__main__":
    main()
