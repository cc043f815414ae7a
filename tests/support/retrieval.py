"""Collections with known answers, loaded into an organization and asked through the real tools of a server.

    async with asking(database, principal, home) as asked:
        await load_documents(database, principal, cranfield())
        await asked.embed()
        hits = await asked.search("heat transfer at a wing", mode="hybrid")

How well a ranking answers is said as nDCG (Järvelin and Kekäläinen 2002): gains counted less the further down they
stand, as a share of the best possible order.
"""

import json
import math
import os
import re
import subprocess
import sys
import time
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import anyio.to_thread
from mcp.client import Client

from qms_mcp.auth.principal import Principal
from qms_mcp.db.database import Database
from qms_mcp.db.queries import Query
from qms_mcp.db.wiring import Wiring
from qms_mcp.services.documents.parsing.models import Parsed
from qms_mcp.services.embedding.provider import Embedders
from qms_mcp.services.embedding.queue import queue_of
from qms_mcp.services.embedding.worker import Worker, worker_name
from qms_mcp.services.records.writing import RecordWriter
from qms_mcp.settings import Settings
from tests.support.in_process import client_for
from tests.support.office_files import pdf
from tests.support.real_files import data_file

WHY = "A collection is loaded to measure how well it is searched."
_AT_ONCE = 50
_NOT_RELEVANT = -1
_SPECIAL = re.compile(r"([\\#*_`$@<>\[\]~=/+-])")
# The codes of Cranfield: 1 answers the question completely, 4 is of minimum interest.
_GAINS = {1: 4, 2: 3, 3: 2, 4: 1}


@dataclass(frozen=True, slots=True)
class Text:
    """A document of a collection."""

    number: str
    title: str
    content: str


@dataclass(frozen=True, slots=True)
class Question:
    """A question with the gain of each document that answers it."""

    text: str
    gains: Mapping[str, int]

    def as_yes_or_no(self) -> "Question":
        """Return the question with documents that answer it or do not."""
        return Question(self.text, dict.fromkeys(self.gains, 1))


def cranfield() -> list[Text]:
    """Return the 1,400 abstracts of Cranfield."""
    parts = re.split(r"^\.I ", data_file("retrieval/cran.all.1400").read_text(), flags=re.MULTILINE)[1:]
    return [_abstract(part) for part in parts]


def _abstract(part: str) -> Text:
    number, rest = part.split("\n", 1)
    title, content = rest.split(".T\n", 1)[1].split(".A\n", 1)[0], rest.split(".W\n", 1)[1]
    # Two of them have neither title nor text.
    words = " ".join(title.split()) or "Untitled"
    return Text(f"CRAN-{int(number)}", words, content.strip() or words)


def cranfield_questions() -> list[Question]:
    """Return the 225 questions of Cranfield; the n-th is judged under n, whatever number it carries."""
    gains = dict[int, dict[str, int]]()
    for line in data_file("retrieval/cranqrel").read_text().splitlines():
        if line.split():
            question, document, code = (int(word) for word in line.split())
            if code != _NOT_RELEVANT:
                gains.setdefault(question, {})[f"CRAN-{document}"] = _GAINS[code]
    parts = re.split(r"^\.I ", data_file("retrieval/cran.qry").read_text(), flags=re.MULTILINE)[1:]
    texts = [" ".join(part.split(".W\n", 1)[1].split()) for part in parts]
    return [Question(text, gains.get(place, {})) for place, text in enumerate(texts, 1)]


def ndcg(ranked: Sequence[str], gains: Mapping[str, int], at: int = 10) -> float:
    """Return how near a ranking is to the best one, from 0 to 1, looking at its first results."""
    best = _discounted(sorted(gains.values(), reverse=True)[:at])
    return _discounted([gains.get(number, 0) for number in ranked[:at]]) / best if best else 0.0


def _discounted(gains: Sequence[int]) -> float:
    return sum(gain / math.log2(place + 2) for place, gain in enumerate(gains))


def tell(figures: str) -> None:
    """Show figures to who measures: pytest -s."""
    print(figures)  # noqa: T201


def mean(values: Sequence[float]) -> float:
    """Return the mean."""
    return sum(values) / len(values)


async def load_documents(database: Database, principal: Principal, texts: Sequence[Text]) -> None:
    """Add texts as documents, some in each transaction."""
    writer = RecordWriter(database)
    for first in range(0, len(texts), _AT_ONCE):
        async with writer.open(principal, because=WHY) as writing:
            for text in texts[first : first + _AT_ONCE]:
                fields = {"document_number": text.number, "revision": 1, "title": text.title, "content": text.content}
                await writing.add("document", fields)


async def load_records(
    database: Database, principal: Principal, category: str, rows: Sequence[Mapping[str, Any]]
) -> list[str]:
    """Add records of a type and return their ids, in the order of the rows."""
    ids = list[str]()
    writer = RecordWriter(database)
    for first in range(0, len(rows), _AT_ONCE):
        async with writer.open(principal, because=WHY) as writing:
            for row in rows[first : first + _AT_ONCE]:
                made = await writing.add(category, row)
                ids.append(str(made.id))
    return ids


@dataclass(frozen=True)
class Asked:
    """A server with a collection, as a client asks it."""

    client: Client
    database: Database
    principal: Principal

    async def call(self, tool: str, **arguments: Any) -> dict[str, Any]:
        """Call a tool that must not fail."""
        result = await self.client.call_tool(tool, arguments)
        assert not result.is_error, result.content
        assert result.structured_content is not None
        return result.structured_content

    async def search(self, query: str, **arguments: Any) -> list[dict[str, Any]]:
        """Return the first results of the tool `search`; a mode that is named must have answered."""
        found = await self.call("search", query=query, **arguments)
        assert found["mode"] == arguments.get("mode", found["mode"]), found.get("note")
        return found["hits"]

    async def numbers(self, query: str, mode: str) -> list[str]:
        """Return the numbers of the first ten documents."""
        return [hit["citation"].split(" v", 1)[0] for hit in await self.search(query, mode=mode, limit=10)]

    async def quality(self, questions: Sequence[Question], mode: str) -> float:
        """Return the mean nDCG of the first ten results."""
        return mean([ndcg(await self.numbers(one.text, mode), one.gains) for one in questions])

    async def embed(self) -> int:
        """Make the vectors that wait, as `qms-mcp embed --once` does; return how many."""
        embedders = Embedders(Settings())
        try:
            return (await Worker(queue_of(self.database, self.principal, worker_name()), embedders).drain()).embedded
        finally:
            await embedders.aclose()

    async def rows(self, statement: Query, **params: Any) -> list[dict[str, Any]]:
        """Return the rows of a statement, on behalf of who asks."""
        async with self.database.transaction(self.principal, read_only=True) as transaction:
            return await transaction.fetch_dicts(statement, params)


@asynccontextmanager
async def asking(
    database: Database, principal: Principal, home: Path, settings: Settings | None = None
) -> AsyncGenerator[Asked]:
    """Yield a server on a database, and a client that asks it."""
    chosen = settings or Settings(qms_rate_limit="100000/minute", qms_embed_in_server=False)
    async with client_for(database, principal, home, settings=chosen) as client:
        yield Asked(client, database, principal)


@dataclass(frozen=True, slots=True)
class Run:
    """What a process took.

    Attributes:
        megabytes: The most memory it had at once.
    """

    seconds: float
    megabytes: float


async def embed_apart(wiring: Wiring, environment: Mapping[str, str]) -> Run:
    """Make all vectors that wait with `qms-mcp embed --once` in a process of its own."""
    settings = {
        **environment,
        "DATABASE_URL": wiring.server,
        "DATABASE_URL_DIRECT": wiring.owner,
        "DATABASE_URL_SQL": wiring.sql,
        "QMS_HOME": environment["HOME"],
    }
    command = [sys.executable, "-m", "qms_mcp", "embed", "--once", "--all-organizations", "--quiet"]

    def run() -> Run:
        began = time.monotonic()
        process = subprocess.Popen(command, env=settings, stdout=subprocess.DEVNULL)
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        assert process.returncode == 0
        return Run(time.monotonic() - began, used.ru_maxrss / 1024)

    return await anyio.to_thread.run_sync(run)


def as_pdf(parsed: Parsed) -> bytes:
    """Return a text with pages as a PDF: each page on one sheet, each heading as a heading."""
    starts = [start for start, _ in parsed.pages]
    pages = [
        parsed.markdown[start:stop] for start, stop in zip(starts, [*starts[1:], len(parsed.markdown)], strict=True)
    ]
    sheets = ["\n\n".join(_markup(line) for line in page.split("\n") if line.strip()) for page in pages]
    # Each page on one sheet, however long its tables are as paragraphs; each heading larger than the text.
    style = "#set page(width: 297mm, height: 2000mm)\n#set text(size: 11pt)\n#show heading: set text(size: 15pt)\n"
    return pdf(style + "\n#pagebreak()\n".join(sheets))


def _markup(line: str) -> str:
    heading = re.match(r"(#+) (.*)", line)
    words = _SPECIAL.sub(r"\\\1", heading[2] if heading else line)
    return f"{'=' * len(heading[1])} {words}" if heading else words


def rows_of(name: str) -> list[dict[str, Any]]:
    """Return the rows of a file of real events, a JSON object on each line."""
    return [json.loads(line) for line in data_file(f"events/{name}").read_text().splitlines()]
