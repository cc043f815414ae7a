"""The words of the field as a check compares them: without endings, and with those that stand for the same thing."""

import re
from collections.abc import Iterator
from functools import lru_cache

_WORD = re.compile(r"[^\W_]+(?:[.-]\d+)*")
_IDLE = frozenset(
    (
        "a",
        "an",
        "and",
        "any",
        "are",
        "as",
        "at",
        "be",
        "by",
        "can",
        "for",
        "from",
        "general",
        "has",
        "have",
        "how",
        "if",
        "in",
        "into",
        "is",
        "it",
        "its",
        "may",
        "must",
        "no",
        "not",
        "of",
        "on",
        "or",
        "other",
        "shall",
        "should",
        "such",
        "that",
        "the",
        "their",
        "them",
        "these",
        "this",
        "those",
        "to",
        "under",
        "was",
        "were",
        "what",
        "when",
        "where",
        "which",
        "who",
        "will",
        "with",
        "within",
        "appropriate",
        "applicable",
        "accordance",
        "according",
        "organization",
        "organisation",
        "requirement",
        "requirements",
        "including",
        "related",
        "regarding",
        "purposes",
        "aspects",
        "following",
        "each",
        "all",
        "internal",
        "activity",
        "activities",
        "particular",
        "data",
        "handling",
    )
)
_ENDINGS = (
    "ibil", "abil", "ation", "ment", "ness", "ible", "able", "ibl", "abl", "ing", "ion", "ity", "ive", "ed", "es",
    "er", "or", "al", "at", "iz", "is", "s", "e",
)  # fmt: skip
_SHORTEST_STEM = 4
# Words of one line stand for the same thing when clauses and procedures are compared.
_SAME_THING = """
document sop procedure instruction
record evidence log form documented
control controlled manage
corrective capa
preventive capa prevention
nonconforming nonconformity nonconformance ncr defective deviation
complaint feedback
competence training qualification skill education
human resources personnel people staff
supplier vendor purchasing procurement outsourced external
purchasing supplier procurement
audit auditing
measuring calibration metrology measurement monitoring
equipment instrument device asset
infrastructure facility building premises utility
environment cleanliness contamination environmental
identification label marking udi
traceability lot batch serial genealogy
validation validate qualification iq oq pq
verification inspection test check
design development
change modification revision
risk hazard fmea
review evaluation assessment
management leadership executive
responsibility authority role responsible
customer client user patient
preservation storage packaging shelf
release disposition acceptance
analysis trend statistics statistical
reporting notification notify vigilance mdr
recall advisory field correction
retention archive storage disposal
effectiveness effective outcome
planning plan objective
improvement improve
communication inform
purpose objective aim
scope applicability applies
definition term abbreviation glossary
reference related
approval approve signature sign
distribution issue access availability
obsolete superseded withdrawn
"""


def terms(text: str) -> list[str]:
    """Return the words of a text that say something, without their endings."""
    return [stem(word) for word in _words(text)]


def related(term: str) -> frozenset[str]:
    """Return the terms that stand for the same thing as one."""
    return _RELATED.get(term, frozenset())


@lru_cache(maxsize=20_000)
def stem(word: str) -> str:
    """Return a word without its endings: `documented` and `documentation` are one."""
    bare = f"{word[:-3]}y" if word.endswith("ies") else word
    while ending := next((one for one in _ENDINGS if bare[_SHORTEST_STEM:].endswith(one)), ""):
        bare = bare[: -len(ending)]
    doubled = len(bare) > _SHORTEST_STEM and bare[-1] == bare[-2]
    return bare[:-1] if doubled else bare


def _words(text: str) -> Iterator[str]:
    return (word for word in _WORD.findall(text.casefold()) if word not in _IDLE)


def _groups() -> dict[str, frozenset[str]]:
    found: dict[str, set[str]] = {}
    for line in _SAME_THING.strip().splitlines():
        group = {stem(word) for word in line.split()}
        for term in group:
            found.setdefault(term, set()).update(group - {term})
    return {term: frozenset(others) for term, others in found.items()}


_RELATED = _groups()
