"""Whether a sentence may stand in a report: every number in it occurs in the facts, and it judges nothing.

A sentence a model wrote is held against the facts of its section. What it says in figures, in number words or as a
reference to a record has to stand there; `doubled` and the like are numbers nobody computed; and whether something is
compliant or approved is not for a report to say.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from qms_mcp.services.reports.content import Cell, Section

_SMALL = (
    "zero", "", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve", "thirteen",
    "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen", "twenty",
)  # fmt: skip
# `one` is left out: it stands for a thing more often than for a number.
_NUMBER_WORDS = {word: str(value) for value, word in enumerate(_SMALL) if word} | {
    "dozen": "12", "thirty": "30", "forty": "40", "fifty": "50", "hundred": "100", "thousand": "1000",
}  # fmt: skip
_RATIOS = re.compile(
    r"\b(doubl\w+|tripl\w+|quadrupl\w+|halv\w+|twofold|threefold|tenfold|twice|thrice|half|majority|most of)\b",
    re.IGNORECASE,
)
_JUDGED = re.compile(
    r"\b(non-?complian\w+|complian\w+|complies|comply|conforms?\s+(?:to|with)|in\s+conformity|certif(?:y|ies|iable)|approved?\s+by|"
    r"meets?\s+(?:the\s+)?requirements?|acceptable|satisf(?:y|ies)\s+(?:the\s+)?(?:clause|standard|requirement)s?)\b",
    re.IGNORECASE,
)
_REFERENCE = re.compile(r"\b[A-Z]{1,6}-\d{4}-\d{2,6}(?:\s+v\d+)?\b")
_DATE = re.compile(r"\b\d{4}-(?:\d{2}-\d{2}|\d{2}|Q[1-4]|H[12])\b")
_NUMBER = re.compile(r"(?<![\w.])[-+\N{MINUS SIGN}]?\d[\d,\N{NARROW NO-BREAK SPACE}\N{NO-BREAK SPACE}]*(?:\.\d+)?")
_ENDS = re.compile(r"(?<=[.!?])\s+(?=[A-Z0-9\"“(\[])")
_LONGEST = 600


@dataclass(frozen=True, slots=True)
class Dropped:
    """A sentence that may not stand, and why."""

    sentence: str
    why: str


def checked(sentences: Iterable[str], known: frozenset[str]) -> tuple[list[str], list[Dropped]]:
    """Return the sentences that may stand, and those that may not.

    Args:
        sentences: As they were written; several in one text are taken apart.
        known: Every number, date and reference of the facts, by `numbers_of`.
    """
    kept, dropped = list[str](), list[Dropped]()
    for text in sentences:
        for sentence in _ENDS.split(" ".join(text.split())):
            why = refusal(sentence, known)
            if why:
                dropped.append(Dropped(sentence, why))
            elif sentence:
                kept.append(sentence)
    return kept, dropped


def refusal(sentence: str, known: frozenset[str]) -> str:
    """Return why a sentence may not stand; nothing if it may."""
    if len(sentence) > _LONGEST:
        return f"it is longer than {_LONGEST} characters"
    if judged := _JUDGED.search(sentence):
        return f"it judges ({judged[0]!r})"
    if ratio := _RATIOS.search(sentence):
        return f"it states a ratio nobody computed ({ratio[0]!r})"
    strange = sorted(tokens(sentence) - known)
    return f"{', '.join(strange[:3])} does not occur in the facts" if strange else ""


def tokens(text: str) -> frozenset[str]:
    """Return the numbers, dates and references of a text, each written in one way."""
    found: set[str] = set()
    for pattern in (_REFERENCE, _DATE):
        found.update(" ".join(one.split()) for one in pattern.findall(text))
        text = pattern.sub(" ", text)
    found.update(_normal(one) for one in _NUMBER.findall(text))
    words = re.findall(r"[a-z]+", text.lower())
    found.update(_NUMBER_WORDS[word] for word in words if _NUMBER_WORDS.get(word))
    return frozenset(found)


def numbers_of(section: Section, *also: str) -> frozenset[str]:
    """Return every number, date and reference a section holds, in facts, tables and its own sentences."""
    cells: list[Cell] = [part for fact in section.facts for part in (fact.name, fact.value, fact.before, fact.note)]
    cells += [cell for grid in section.grids for row in grid.rows for cell in row]
    cells += [grid.total for grid in section.grids]
    cells += [section.headline, *section.missing, *section.decide, *(figure.says for figure in section.figures), *also]
    return _of_cells(cells)


def _of_cells(cells: Sequence[Cell]) -> frozenset[str]:
    found: set[str] = set()
    for cell in cells:
        if cell is None:
            continue
        text = f"{cell:g}" if isinstance(cell, float) and abs(cell) < 1e6 else str(cell)  # noqa: PLR2004 - no exponent
        found |= tokens(text)
        if isinstance(cell, float):
            # As people round it: 12.34 may be told as 12.3 or 12.
            found |= {_normal(f"{cell:.{digits}f}") for digits in (0, 1, 2)}
    # A record may be cited without its version.
    found |= {one.partition(" v")[0] for one in found if " v" in one}
    return frozenset(found)


def _normal(number: str) -> str:
    plain = re.sub(r"[,\s]", "", number.replace("\N{MINUS SIGN}", "-")).lstrip("+-")
    if "." in plain:
        plain = plain.rstrip("0").rstrip(".")
    return plain.lstrip("0") or "0"
