"""What a task is about: the records, documents and tables it names.

The subject of a task comes first; a request may name others in its text. Only what looks like a name of ours counts,
and it is looked up as a name, whatever else the text says.
"""

import re

from qms_mcp.agents.definition import Task

_RECORD = re.compile(r"\b[A-Z]{2,6}-\d{4}-\d{4,6}\b")
_TABLE = re.compile(r"\b(?:qms|agents|ml_loop|search|public)\.[a-z_][a-z0-9_]*\b")
_MOST = 3


def records_of(task: Task) -> list[str]:
    """Return the numbers of the records it is about, at most three."""
    return _named(_RECORD, task)


def tables_of(task: Task) -> list[str]:
    """Return the tables it is about, at most three."""
    return _named(_TABLE, task)


def framework_of(task: Task) -> str:
    """Return the key of the framework the request names, or nothing."""
    text = f"{task.subject} {task.request}".lower()
    return next((key for pattern, key in _FRAMEWORKS if pattern.search(text)), "")


_FRAMEWORKS = tuple(
    (re.compile(pattern), key)
    for pattern, key in (
        (r"\b13485\b", "iso-13485"),
        (r"\b9001\b", "iso-9001"),
        (r"\bqmsr\b|\b820\b", "fda-qmsr"),
        (r"\bpart 11\b", "part-11"),
        (r"\bannex 11\b", "annex-11"),
        (r"\bq10\b", "ich-q10"),
    )
)


def _named(pattern: re.Pattern[str], task: Task) -> list[str]:
    return list(dict.fromkeys(pattern.findall(f"{task.subject} {task.request}")))[:_MOST]
