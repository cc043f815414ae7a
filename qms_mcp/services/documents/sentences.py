"""Sentences of a Markdown text, and which of them require something.

A line is never part of two sentences: an item of a list, a row of a table and a line of a paragraph end one. Paragraphs
are joined before they are cut.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

REQUIRES = re.compile(r"\b(?:shall|must)\b", re.IGNORECASE)
_BLOCK_START = re.compile(r"\s{0,12}(?:[-*+]\s|\d{1,3}[.)]\s|[a-z][.)]\s|\||>|#{1,6}\s)")
_END = re.compile(r"(?<=[.!?])[)\"'\u201d\u2019*_]*\s+(?=[\"'\u201c(*_\[]*[A-Z\d])")
_ABBREVIATED = re.compile(
    r"(?:\b(?:e\.g|i\.e|etc|cf|vs|no|nos|fig|figs|sec|para|approx|incl|resp|rev|ref|dr|mr|mrs|ms|inc|ltd|corp|art)"
    r"|\b[A-Z])\.$",
    re.IGNORECASE,
)
_MARKER = re.compile(r"^(?:\s*(?:[-*+]|\d{1,3}[.)]|[a-z][.)]|>)\s+)+")
_RULE = re.compile(r"[\s|:=_*-]*")


@dataclass(frozen=True, slots=True)
class Sentence:
    """A sentence on one line."""

    text: str

    @property
    def requires(self) -> bool:
        """Whether it says that something shall or must be."""
        return REQUIRES.search(self.text) is not None

    @property
    def plain(self) -> str:
        """The words alone, to tell whether two sentences say the same."""
        return " ".join(re.findall(r"\w+", self.text.casefold()))


def sentences(text: str) -> list[Sentence]:
    """Return the sentences of a text in their order; rows of tables are one sentence each."""
    return [Sentence(part) for block in blocks(text) for part in _cut(block)]


def requirements(text: str) -> list[Sentence]:
    """Return the sentences that require something."""
    return [one for one in sentences(text) if one.requires]


def blocks(text: str) -> Iterator[str]:
    """Yield paragraphs, items of lists and rows of tables, each on one line; rules of tables are left out."""
    held: list[str] = []
    for line in text.splitlines():
        starts = _BLOCK_START.match(line) is not None
        if held and (starts or not line.strip()):
            yield " ".join(held)
            held = []
        if line.strip() and not _RULE.fullmatch(line):
            held.append(" ".join(line.split()))
            if line.lstrip().startswith(("|", "#")):
                yield held.pop()
    if held:
        yield " ".join(held)


def _cut(block: str) -> Iterator[str]:
    if block.startswith("|"):
        yield block
        return
    start = 0
    text = _MARKER.sub("", block)
    for end in _END.finditer(text):
        if _ABBREVIATED.search(text[start : end.start()]):
            continue
        yield text[start : end.start()].strip()
        start = end.end()
    if text[start:].strip():
        yield text[start:].strip()
