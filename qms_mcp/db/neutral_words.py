"""What to say when a statement of a draft fails.

A draft runs as the owner of the tables, and what checks their rows (a new constraint, a new type) sees the rows of
every organization. PostgreSQL puts values into many of its messages, also without quotes: a message is passed on only
when it was made of the script's own words and PostgreSQL's.
"""

import re

import psycopg

from qms_mcp.db.guard.facts import words
from qms_mcp.errors import LimitExceededError, QmsError, StatementError, UnavailableError

_SHORT_NUMBER = 5  # a limit, a position; not an identifier of anything
_QUOTED = re.compile(r'"((?:[^"]|"")*)"')
_ABOUT_THE_SCRIPT = re.compile(r"^(42|0A|2B|3D|3F|54|55|25)")
_WORD = re.compile(r"[^\W_]\w*")
# The words PostgreSQL itself uses when it refuses a definition, and its names of types: a message of nothing else but
# these and the script's own words holds no value of a row.
_ITS_WORDS = words(
    """
    a aborted access active aggregate aggregates all allowed already ambiguous an and any anyarray anyelement
    applied argument arguments array as at attempted attribute base because before being between bigint boolean both
    bound but by bytea call cannot cascade cast catalog change changed changes char character check class clause
    coerced collate collation collations column columns command commands complete composite concurrently constant
    constraint constraints contain contains conversion could create created cross cube cycle database date day
    declared default defaults defined definition definitions delete deleted depend dependency depends derive
    determine different directly does domain domains double drop dropped duplicate each elements empty enabled end
    enum error event events exclude exclusion exist existing exists expected expression expressions extension failed
    families family few field file first for foreign format found from full function functions generated given grant
    group grouping has have having hour identity if immutable implicit implicitly in include incompatible index
    indexes inet infinite inherit inherited input insert instead int integer internal interval into invalid invoker
    is it items json jsonb key keys language large last later leading less level limit list lists literal long
    longer match matched matching materialized maximum member merge method mode more most multiple must mutable name
    names near need negative nested new no nonexistent not nothing null number numeric of old on one only operation
    operator operators option options or order out outer over owner ownership parameter parameters parent part
    partition partitioned partitions path permission permitted policy polymorphic position precision primary
    privileges procedure procedures pseudo query range read real record recursion recursive recursively refer
    reference referenced references referencing regclass relation relations remove rename replace replica required
    requires restrict result return returned returning returns role row rows rule same schema second security select
    self sequence sequences server session set should similar single size smallint some source specified specify
    stable state statement statements statistics storage stored subquery such support supported syntax system table
    tables tablespace target temporary text than that the their there this time timestamp timestamptz to too
    transaction transition trigger triggers true truncate type types typmod unable undefined unexpected unique
    unknown unlogged unrecognized unsupported unterminated update updated use used user uses using uuid value values
    variable varying vector version view views virtual volatile was when where which while window with within
    without xml year you your zero zone
    """
)
_DATA_WORDS = {
    "23502": "a NOT NULL column would hold nulls",
    "23503": "a foreign key would point to rows that are not there",
    "23505": "values that must be unique are not",
    "23514": "existing rows break a check",
    "22P02": "a value can't be read as the new type",
    "22001": "a value is too long for the new type",
    "22003": "a number is too large for the new type",
    "22012": "something is divided by zero",
}


def in_neutral_words(error: psycopg.Error, number: int, line: int, script: str) -> QmsError:
    """Return what to say about the failure of a statement of a script.

    Args:
        error: What PostgreSQL said.
        number: Which statement, from 1.
        line: The line it begins in.
        script: All of it.
    """
    state = error.sqlstate or ""
    place = f"Statement {number} (line {line})"
    if state in {"57014", "55P03"}:
        why = "ran into its time limit" if state == "57014" else "waited too long for a lock somebody else holds"
        return LimitExceededError(f"{place} {why}; nothing was changed.", hint="Make it smaller, or try again later.")
    if not state or state[:2] in {"08", "57", "53"}:
        return UnavailableError("The database can't be reached.", hint="Try again in a moment.")
    if _is_about_the_script(error, state, script):
        hint = "" if state == "42P01" else "Correct it and draft it again."
        return StatementError(f"{place} failed (SQLSTATE {state}): {error.diag.message_primary}.", hint=hint)
    why = _DATA_WORDS.get(state, "the data or a function in it did not allow it")
    shown = f" (SQLSTATE {state})" if state in _DATA_WORDS else ""
    return StatementError(
        f"{place} failed{shown}: {why}.",
        hint="The message is not shown, because it could hold values of rows; look at the data with execute_query.",
    )


def _is_about_the_script(error: psycopg.Error, state: str, script: str) -> bool:
    """Say whether PostgreSQL wrote the message, and wrote it about words that stand in the script."""
    if not _ABOUT_THE_SCRIPT.match(state) or error.diag.source_function == "exec_stmt_raise":
        return False
    folded, message = script.casefold(), (error.diag.message_primary or "").casefold()
    names = [part for name in _QUOTED.findall(message) for part in re.split(r"[.(), ]+", name)]
    known = _ITS_WORDS.union(_WORD.findall(folded))
    return all(name in folded for name in names) and all(
        word in known or (word.isdecimal() and len(word) < _SHORT_NUMBER)
        for word in _WORD.findall(_QUOTED.sub("", message))
    )
