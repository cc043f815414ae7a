"""Words of a question and of a schema, in a form that can be compared.

Stems are cut by a few endings of English, and a small list says which words of the trade mean the same. Both are
plain on purpose: the same question always finds the same tables, and anyone can see why.
"""

import re

_WORD = re.compile(r"[^\W_]+")
_CAMEL = re.compile(r"(?<=[a-z])(?=[A-Z])")
_ENDINGS = (("ies", "y"), ("ances", "ance"), ("sses", "ss"), ("ing", ""), ("ed", ""), ("es", "e"), ("s", ""))
_KEPT = ("ss", "us", "is")
_SHORTEST_STEM = 3
_STOP = frozenset(
    _WORD.findall("""
    a all an and any are as at be been but by can did do does each every few find for from get give had has have how
    i in is it its last least less list many me more most much my new no not number of on or our out over per please
    select show since so some table tables tell than that the their them then there these they this those to under
    up us was we were what when where which who whom whose why will with within would you your column columns row rows
    id ids""")
)
_SAME = (
    ("capa", "corrective", "preventive"),
    ("nonconformance", "nonconformity", "nc", "ncr", "defect", "nonconforming"),
    ("complaint", "customer"),
    ("deviation", "departure"),
    ("supplier", "vendor"),
    ("document", "sop", "procedure", "instruction"),
    ("training", "trained", "qualification", "course"),
    ("due", "overdue", "late", "deadline", "expire"),
    ("status", "state", "open", "closed", "pending"),
    ("assign", "owner", "responsible", "assignee"),
    ("user", "person", "people", "member", "employee", "actor"),
    ("create", "raise", "report", "opened", "date", "month", "week", "year", "recent", "yesterday", "today"),
    ("audit", "finding", "inspection"),
    ("change", "history", "trail", "modify", "update"),
    ("category", "type", "kind"),
    ("priority", "urgent", "severity", "critical"),
    ("standard", "requirement", "clause", "compliance", "iso"),
    ("evidence", "proof"),
    ("tool", "call"),
    ("fail", "error", "failure"),
    ("duration", "slow", "long", "time"),
    ("count", "total", "sum"),
)


def stem(word: str) -> str:
    """Return a word without its ending."""
    word = word.lower()
    for ending, instead in _ENDINGS:
        if word.endswith(ending) and not word.endswith(_KEPT) and len(word) - len(ending) >= _SHORTEST_STEM:
            word = word[: -len(ending)] + instead
            break
    return word[:-1] if word.endswith("e") and len(word) > _SHORTEST_STEM else word


def words(text: str) -> list[str]:
    """Return the stems of a text that say something, in their order; names are split at `_` and inner capitals."""
    found = _WORD.findall(_CAMEL.sub(" ", text))
    return [stem(word) for word in found if word.lower() not in _STOP and (len(word) > 1 or word.isdigit())]


def _groups() -> dict[str, frozenset[str]]:
    groups: dict[str, frozenset[str]] = {}
    for same in _SAME:
        stems = frozenset(stem(word) for word in same)
        for each in stems:
            groups[each] = groups.get(each, frozenset()) | stems
    return groups


_SYNONYMS = _groups()


def synonyms(word: str) -> frozenset[str]:
    """Return the stems that mean about the same as this one, without itself."""
    return _SYNONYMS.get(word, frozenset()) - {word}
