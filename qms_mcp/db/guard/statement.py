"""Which kind of command a statement is.

Only the first words decide here, and only between "a query that PostgreSQL can analyse", EXPLAIN and SHOW.
The words for everything else exist to tell a caller what to use instead.
"""

from dataclasses import dataclass
from typing import Literal, TypeAlias

from qms_mcp.db.guard.rules import readable_setting
from qms_mcp.db.guard.scan import Scan, scan
from qms_mcp.errors import InvalidInputError, RefusedStatementError

Kind: TypeAlias = Literal["select", "values", "table", "explain", "show", "insert", "update", "delete", "merge"]

_QUERIES: dict[str, Kind] = {
    "select": "select",
    "with": "select",
    "(": "select",
    "values": "values",
    "table": "table",
}
_WRITES: dict[str, Kind] = {"insert": "insert", "update": "update", "delete": "delete", "merge": "merge"}
_SWITCHES = frozenset(
    {
        "analyze",
        "verbose",
        "costs",
        "settings",
        "generic_plan",
        "buffers",
        "wal",
        "timing",
        "summary",
        "memory",
    }
)
_SWITCH_VALUES = frozenset({"on", "off", "true", "false", "1", "0"})
_CHOICES = {
    "format": frozenset({"text", "xml", "json", "yaml"}),
    "serialize": frozenset({"none", "text", "binary"}),
}
_SHOWN_PHRASES = {
    "time zone": "timezone",
    "transaction isolation level": "transaction_isolation",
    "session authorization": "session_authorization",
}

_USE_TRANSFORM = "Use transform_data: it previews the change and applies it once a person has approved it."
_USE_MIGRATION = "Use create_migration: it tests the change and applies it once a person has approved it."
_USE_SELECT = "Only SELECT, VALUES, TABLE, WITH, EXPLAIN and SHOW are run here."
_ALONE = "Each statement runs in a transaction of its own that is rolled back; leave it out."
_HINTS: dict[str, str] = {
    **dict.fromkeys(("insert", "update", "delete", "merge", "truncate", "copy", "import"), _USE_TRANSFORM),
    **dict.fromkeys(("create", "alter", "drop", "comment", "grant", "revoke", "refresh", "reindex"), _USE_MIGRATION),
    **dict.fromkeys(("security", "cluster", "reassign"), _USE_MIGRATION),
    **dict.fromkeys(("begin", "start", "commit", "end", "rollback", "abort", "savepoint", "release"), _ALONE),
    **dict.fromkeys(("set", "reset", "discard"), "The session's settings are fixed; SHOW reads them."),
    **dict.fromkeys(("prepare", "execute", "deallocate"), "Send the query itself with its parameters."),
    **dict.fromkeys(("declare", "fetch", "move", "close"), "Send the query itself; long results are paged."),
}


@dataclass(frozen=True, slots=True)
class Statement:
    """A statement that may be analysed.

    Attributes:
        kind: What it is.
        body: What PostgreSQL has to analyse: the statement itself, or what EXPLAIN explains; empty for SHOW.
        offset: Where `body` begins in what was sent.
        analyze: Whether an EXPLAIN runs the statement.
        scanned: The tokens of all of it.
    """

    kind: Kind
    body: str
    offset: int
    scanned: Scan
    analyze: bool = False


def read_statement(text: str) -> Statement:
    """Return what kind of reading statement `text` is.

    Raises:
        RefusedStatementError: It is a command that does more than read, or more than one statement.
        InvalidInputError: It is empty or unfinished, or an EXPLAIN or SHOW nobody can read.
        LimitExceededError: It is too long or too deep.
    """
    scanned = scan(text)
    first = scanned.word(0)
    if first in _QUERIES:
        return Statement(_QUERIES[first], scanned.from_token(0), scanned.tokens[0].start, scanned)
    if first == "explain":
        return _explain(scanned)
    if first == "show":
        return _show(scanned)
    raise _refusal(scanned, 0)


def read_change(text: str) -> Statement:
    """Return what kind of data change `text` is.

    Raises:
        RefusedStatementError: It is not exactly one INSERT, UPDATE, DELETE or MERGE.
    """
    scanned = scan(text)
    first = scanned.word(0)
    if first not in _WRITES and first != "with":
        raise RefusedStatementError(
            f"{first.upper() or 'This'} is not a change of rows.",
            hint="Send exactly one INSERT, UPDATE, DELETE or MERGE on an ordinary table.",
        )
    return Statement(_WRITES.get(first, "update"), scanned.from_token(0), scanned.tokens[0].start, scanned)


def _refusal(scanned: Scan, index: int) -> RefusedStatementError:
    word = scanned.word(index)
    name = word.upper() if word.isalpha() else f"A statement that begins with {word[:20]!r}"
    return RefusedStatementError(f"{name} is not run here.", hint=_HINTS.get(word, _USE_SELECT))


def _explain(scanned: Scan) -> Statement:
    index, analyze = 1, False
    if scanned.word(1) == "(" and scanned.word(2) not in {"select", "with", "values", "table", "("}:
        index, analyze = _explain_options(scanned)
    else:
        if scanned.word(index) in {"analyze", "analyse"}:
            index, analyze = index + 1, True
        if scanned.word(index) == "verbose":
            index += 1
    if index >= len(scanned.tokens):
        raise InvalidInputError("EXPLAIN has no statement to explain.", hint="Write EXPLAIN SELECT ...")
    if scanned.word(index) not in _QUERIES:
        raise _refusal(scanned, index)
    return Statement("explain", scanned.from_token(index), scanned.tokens[index].start, scanned, analyze)


def _explain_options(scanned: Scan) -> tuple[int, bool]:
    """Read `(name [value], ...)`; return the index of the first token after it and whether ANALYZE is on."""
    index, analyze = 2, False
    while True:
        name = scanned.word(index).replace("analyse", "analyze")
        values = _SWITCH_VALUES if name in _SWITCHES else _CHOICES.get(name)
        if values is None:
            raise InvalidInputError(
                f"EXPLAIN has no option {name[:40]!r}.",
                hint="Use ANALYZE, BUFFERS, VERBOSE, SETTINGS or FORMAT JSON.",
            )
        index += 1
        given = scanned.word(index).strip("'")
        if given in values:
            index += 1
        elif name not in _SWITCHES and name != "serialize":
            raise InvalidInputError(f"EXPLAIN can't read {name} {given[:40]!r}.", hint=f"Use one of {sorted(values)}.")
        else:
            given = "on"
        if name == "analyze":
            analyze = given in {"on", "true", "1"}
        mark = scanned.word(index)
        index += 1
        if mark == ")":
            return index, analyze
        if mark != ",":
            raise InvalidInputError(
                f"EXPLAIN can't read its options at {mark[:40]!r}.",
                hint="Write EXPLAIN (ANALYZE, FORMAT JSON) SELECT ...",
            )


def _show(scanned: Scan) -> Statement:
    pieces = [scanned.text[token.start : token.end] for token in scanned.tokens[1:]]
    phrase = " ".join(pieces).lower()
    name = _SHOWN_PHRASES.get(phrase, "".join(piece.strip('"').lower() for piece in pieces))
    whole = phrase in _SHOWN_PHRASES or all(
        (token.kind in {"word", "quoted"}) == (place % 2 == 0) and (place % 2 == 0 or piece == ".")
        for place, (token, piece) in enumerate(zip(scanned.tokens[1:], pieces, strict=True))
    )
    if not whole or not name:
        raise InvalidInputError("SHOW takes the name of one setting.", hint="Write SHOW work_mem, or SHOW ALL.")
    if not readable_setting(name):
        raise RefusedStatementError(
            f"The setting {name[:80]} is not shown: it may hold who is acting, or a secret.",
            hint="The server's own settings, without a dot in their name, can be shown.",
        )
    return Statement("show", "", 0, scanned)
