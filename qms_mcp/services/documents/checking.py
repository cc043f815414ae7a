"""A document beside a list of clauses or a template: where it speaks of each item, and of which it does not.

Something is found in three ways, the surest first: the text names the clause ("ISO 13485, clause 4.2.4"), a section
has the same heading, or the words of the item are in a paragraph (ranked by BM25 over the document; words that stand
for the same thing count less). What comes back are quotes with a strength, no verdict: whether the clause is met is
for a person to say.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from qms_mcp.services.documents.control_models import CheckedItem, Quote, shortened
from qms_mcp.services.documents.ranking import PartRanking
from qms_mcp.services.documents.sections import DocumentText, Section, unnumbered
from qms_mcp.services.documents.sentences import blocks, sentences
from qms_mcp.services.documents.terms import related, terms

LONGEST_QUOTE = 300
_QUOTES = 3
# Several of the best paragraphs may be of one section.
_LOOKED_AT = 20
_SAME_HEADING = 0.6
_SIMILAR_WORDS = 0.55
_RELATED_COUNTS = 0.7
# What may stand in front of a number that is meant as a clause: "clause 8.5", "ISO 9001:2015, 8.5", "§ 820.30".
_NAMED_BEFORE = re.compile(
    r"(?:\b(?:clauses?|sub-?clauses?|sections?|paragraphs?|para\.?|parts?|chapters?|requirements?|annex|article|art\.)"
    r"|§+|\bCFR|\b(?:ISO|EN|IEC|DIN|MDR|ICH|FDA|QMSR|GMP)\b[\w\s/:()-]{0,30})[\s,:(]*(?:no\.?\s*)?"
    r"(?:\d+(?:\.\d+)*(?:\([a-z0-9]+\))*\s*(?:,|and|or|to|/|&)\s*)*$",
    re.IGNORECASE,
)
_OWN_ENOUGH = re.compile(r"\d{2,}\.\d+")  # 820.30, 11.10: no section of a procedure is numbered so
_BEFORE = 60


@dataclass(frozen=True, slots=True)
class Item:
    """Something a document is expected to speak of.

    Attributes:
        number: Of a clause; empty for a section of a template.
        about: Words besides the title that say what it is about: the title of the clause above.
    """

    title: str
    number: str = ""
    about: str = ""

    @property
    def label(self) -> str:
        """What the item is called."""
        return f"{self.number} {self.title}".strip()


def check(document: DocumentText, items: Sequence[Item]) -> list[CheckedItem]:
    """Return where a document speaks of each item; those nothing was found for come first."""
    checker = _Checker(document)
    checked = [CheckedItem(item=item.label, found=checker.find(item)) for item in items]
    return [one for one in checked if not one.found] + [one for one in checked if one.found]


def heading_likeness(one: str, other: str) -> float:
    """Return how alike two headings are, from 0 to 1; words that stand for the same thing count less."""
    return _likeness(_heading(one), _heading(other))


def _heading(title: str) -> frozenset[str]:
    return frozenset(terms(unnumbered(title)))


def _likeness(left: frozenset[str], right: frozenset[str]) -> float:
    if not left or not right:
        return 0.0
    shared = left & right
    near = sum(bool(related(term) & (right - shared)) for term in left - shared)
    near_back = sum(bool(related(term) & (left - shared)) for term in right - shared)
    return (2 * len(shared) + _RELATED_COUNTS * (near + near_back)) / (len(left) + len(right))


@dataclass(frozen=True, slots=True)
class _Part:
    """A section as it is searched.

    Attributes:
        headings: The terms of its heading, and of those with the one above.
        blocks: Its paragraphs, items and rows.
    """

    section: Section
    headings: tuple[frozenset[str], frozenset[str]]
    blocks: tuple[str, ...]


class _Checker:
    """One document, prepared once for many items."""

    def __init__(self, document: DocumentText) -> None:
        self._document = document
        self._parts = [_part(document, section) for section in document.sections]
        # What a section is about stands in its heading and in one of its paragraphs, not scattered over all of them.
        self._units = [(part, block) for part in self._parts for block in part.blocks]
        self._ranking = PartRanking([[*part.headings[0], *terms(block)] for part, block in self._units])

    def find(self, item: Item) -> list[Quote]:
        """Return quotes for an item, the surest first, one a section."""
        found: dict[str, Quote] = {}
        for quote in (*self._named(item), *self._headed(item), *self._similar(item)):
            found.setdefault(quote.citation, quote)
        return list(found.values())[:_QUOTES]

    def _named(self, item: Item) -> Iterator[Quote]:
        if not item.number:
            return
        number = re.compile(rf"(?<![\w.]){re.escape(item.number)}(?![\w]|\.\d)")
        for part, block in self._units:
            if item.number in block and any(_means_clause(block, mention) for mention in number.finditer(block)):
                yield self._quote(part.section, "names the clause", 1.0, block)

    def _headed(self, item: Item) -> Iterator[Quote]:
        wanted, with_above = _heading(item.title), _heading(f"{item.about} {item.title}")
        alike = [
            (
                max(_likeness(wanted, part.headings[0]), _likeness(with_above, part.headings[1]) if item.about else 0),
                part,
            )
            for part in self._parts
            if part.section.level
        ]
        for strength, part in sorted(alike, key=lambda one: -one[0]):
            if strength < _SAME_HEADING:
                return
            yield self._quote(part.section, "same heading", strength, next(iter(part.blocks), part.section.title))

    def _similar(self, item: Item) -> Iterator[Quote]:
        weights = _weights(item)
        ranked = self._ranking.ranked(weights, asked_for=_asked(item))
        for place, share in ranked[:_LOOKED_AT]:
            if share < _SIMILAR_WORDS:
                return
            part, block = self._units[place]
            yield self._quote(part.section, "similar words", share, _telling(block, weights))

    def _quote(self, section: Section, how: str, strength: float, text: str) -> Quote:
        return Quote.model_validate(
            {
                "citation": self._document.cite(section),
                "how": how,
                "strength": round(min(strength, 1.0), 2),
                "quote": shortened(text, LONGEST_QUOTE),
            }
        )


def _means_clause(block: str, mention: re.Match[str]) -> bool:
    """Return whether a number in a text is meant as a clause, and is not a quantity or a section of its own."""
    if _OWN_ENOUGH.match(mention[0]):
        return True
    return _NAMED_BEFORE.search(block[max(0, mention.start() - _BEFORE) : mention.start()]) is not None


def _part(document: DocumentText, section: Section) -> _Part:
    above = " ".join(unnumbered(heading) for heading in section.heading_path.split(" > ")[-2:])
    headings = _heading(section.title), frozenset(terms(above))
    return _Part(section, headings, tuple(blocks(document.body(section))))


def _asked(item: Item) -> list[str]:
    """Return the terms an item is about; a title that says nothing by itself takes that of the clause above."""
    return list(dict.fromkeys(terms(item.title) or terms(item.about)))


def _weights(item: Item) -> dict[str, tuple[str, float]]:
    """Return for each term to look for the term asked for and how much it counts."""
    asked = _asked(item)
    weights = {near: (term, _RELATED_COUNTS) for term in asked for near in related(term)}
    return {**weights, **{term: (term, 1.0) for term in asked}}


def _telling(body: str, weights: Mapping[str, tuple[str, float]]) -> str:
    """Return the sentence of a section that says most about what was asked for."""

    def told(sentence: str) -> float:
        return sum(weights[term][1] for term in set(terms(sentence)) if term in weights)

    said = [sentence.text for sentence in sentences(body)]
    return max(said, key=told) if said else body
