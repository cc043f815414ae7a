"""The guard: all steps in order, from the text to the verdict."""

import hashlib
import logging
import re
import time
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

from qms_mcp.db.connection import Connection
from qms_mcp.db.database import SQL_SEARCH_PATH
from qms_mcp.db.guard.closure import Closure, Surroundings, survey
from qms_mcp.db.guard.growth import check_growth
from qms_mcp.db.guard.probe import Probe
from qms_mcp.db.guard.reach import COMMANDS, SELECT, Purpose
from qms_mcp.db.guard.rules import TRUSTED_FUNCTIONS
from qms_mcp.db.guard.statement import Kind, Statement, read_change, read_statement
from qms_mcp.db.guard.tree import TreeError, Value, parse_tree
from qms_mcp.errors import RefusedStatementError

_log = logging.getLogger(__name__)
_ENTITY = re.compile(r"<!\s*entity", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Verdict:
    """A statement that may run, and what it reaches.

    Attributes:
        kind: What kind of statement it is.
        statement: Its text without comments around it and without semicolons after it.
        relations: The tables and views it reaches, also through views.
        functions: The functions it reaches that are not PostgreSQL's own, and those of its own that are
        volatile. parameter_types: The types of its parameters, inferred where they were `unknown`.
        analyze: Whether it is an EXPLAIN that runs the query.
        target: The table it changes; None for a statement that reads.
    """

    kind: Kind
    statement: str
    relations: tuple[str, ...] = ()
    functions: tuple[str, ...] = ()
    parameter_types: tuple[str, ...] = ()
    analyze: bool = False
    target: str | None = None


class Guard:
    """Decides whether a statement may run, by what PostgreSQL says it reaches.

    Verdicts, and the catalogue's facts they rest on, are kept for a minute each; a verdict is found again by the text,
    the parameter types and the search path. That is safe although the catalogue may change meanwhile, because the
    guard is one of several layers: what it lets pass still runs alone, read-only, rolled back, as a role that can
    only read, under row-level security and a time limit. `catalogue_changed` forgets everything at once.

    Args:
        trusted_functions: Qualified names of functions, beyond this project's own, that statements may call.
        search_path: The search path to analyse under; it must be the one the statement will run under. When
        empty,
            that of the connection.
        clock: Seconds, rising; for tests.
    """

    seconds_kept: ClassVar[float] = 60.0
    verdicts_kept: ClassVar[int] = 1_000

    def __init__(
        self,
        *,
        trusted_functions: frozenset[str] = frozenset(),
        search_path: str = SQL_SEARCH_PATH,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._trusted = TRUSTED_FUNCTIONS | trusted_functions
        self._search_path = search_path
        self._clock = clock
        self._verdicts: OrderedDict[bytes, tuple[float, Verdict]] = OrderedDict()
        self._surroundings: tuple[float, Surroundings] | None = None
        self._epoch = 0
        self._harmless: set[int] = set()

    def catalogue_changed(self) -> None:
        """Forget every verdict: tables, views or functions have changed."""
        self._epoch += 1
        self._verdicts.clear()
        self._surroundings = None

    async def inspect(self, connection: Connection, statement: str, *, parameter_types: Sequence[str] = ()) -> Verdict:
        """Return what a reading statement reaches; nothing of it runs.

        Args:
            connection: In a transaction that will be rolled back, under the probing role.
            statement: One SELECT, VALUES, TABLE, WITH, EXPLAIN or SHOW, with `$1`... for parameters.
            parameter_types: The types of the parameters; `unknown` lets PostgreSQL infer one.

        Raises:
            RefusedStatementError: It would do more than read what the caller may see.
            StatementError: PostgreSQL can't make sense of it.
            InvalidInputError: It is no statement.
            LimitExceededError: It is too large.
        """
        return await self._judge(connection, statement, tuple(parameter_types), "read")

    def recall(self, statement: str, *, parameter_types: Sequence[str] = ()) -> Verdict | None:
        """Return the verdict on a reading statement that was inspected just before, without a connection."""
        return self._kept(self._key(statement, tuple(parameter_types), "read"))

    async def inspect_write(
        self, connection: Connection, statement: str, *, parameter_types: Sequence[str] = ()
    ) -> Verdict:
        """Return what one INSERT, UPDATE, DELETE or MERGE on an ordinary table reaches; nothing of it runs.

        What it may call and read is the same as for a statement that reads; the errors are, too.
        """
        return await self._judge(connection, statement, tuple(parameter_types), "write")

    async def _judge(self, connection: Connection, text: str, types: tuple[str, ...], purpose: Purpose) -> Verdict:
        key = self._key(text, types, purpose)
        if (kept := self._kept(key)) is not None:
            return kept
        now = self._clock()
        statement = read_statement(text) if purpose == "read" else read_change(text)
        verdict = await self._analyse(connection, text, statement, types, purpose)
        self._verdicts[key] = (now, verdict)
        if len(self._verdicts) > self.verdicts_kept:
            self._verdicts.popitem(last=False)
        return verdict

    def _key(self, text: str, types: tuple[str, ...], purpose: Purpose) -> bytes:
        facts = repr((purpose, types, self._search_path, self._epoch)).encode()
        return hashlib.sha256(facts + text.encode(errors="surrogatepass")).digest()

    def _kept(self, key: bytes) -> Verdict | None:
        kept = self._verdicts.get(key)
        return kept[1] if kept is not None and self._clock() - kept[0] < self.seconds_kept else None

    async def _analyse(
        self,
        connection: Connection,
        text: str,
        statement: Statement,
        types: tuple[str, ...],
        purpose: Purpose,
    ) -> Verdict:
        verdict = Verdict(statement.kind, statement.scanned.from_token(0), analyze=statement.analyze)
        if statement.kind == "show":
            return verdict
        probe = Probe(connection, statement.body, statement.offset, text, self._search_path)
        surroundings = await self._survey(probe)
        _check_literals(statement, surroundings)
        if types:
            await probe.prepare()
            types = await probe.parameter_types(types)
        tree = _single_query(await probe.tree(types))
        check_growth(tree)
        closure = Closure(probe, self._trusted, surroundings, self._harmless, purpose)
        await closure.follow(tree)
        if closure.makes_xml and _ENTITY.search(text):
            raise RefusedStatementError("XML with entities is not read.", hint="Leave the <!ENTITY ...> out.")
        kind = _written_kind(closure.command, statement.kind) if purpose == "write" else statement.kind
        return replace(
            verdict,
            kind=kind,
            relations=tuple(sorted(closure.relation_names)),
            functions=tuple(sorted(closure.function_names)),
            parameter_types=types,
            target=closure.target,
        )

    async def _survey(self, probe: Probe) -> Surroundings:
        now = self._clock()
        if self._surroundings is None or now - self._surroundings[0] >= self.seconds_kept:
            self._surroundings = (now, await survey(probe, self._trusted))
        return self._surroundings[1]


def _check_literals(statement: Statement, surroundings: Surroundings) -> None:
    """Refuse what can't even be analysed: the literal would already run an unapproved check."""
    risky = surroundings.risky_names
    if not risky or not statement.scanned.has_container_literal():
        return
    hidden = any(token.kind == "unicode" for token in statement.scanned.tokens)
    named = sorted(risky & statement.scanned.names())
    if hidden or named:
        raise RefusedStatementError(
            f"A literal may be read as a value with a domain whose check calls a function: "
            f"{named[0] if named else 'a name in U& form'}.",
            hint="Write ARRAY[...] or ROW(...) instead of a quoted value, or name other columns.",
        )


def _single_query(text: str) -> Value:
    """Return the one query of a function body.

    Raises:
        RefusedStatementError: There is not exactly one, or the tree has a form nobody knows.
    """
    try:
        tree = parse_tree(text)
    except (TreeError, ValueError) as unknown:
        _log.exception("an analysed tree could not be read")
        raise RefusedStatementError("The analysed statement could not be read.") from unknown
    queries = tree[0] if isinstance(tree, list) and len(tree) == 1 else None
    if not isinstance(queries, list) or len(queries) != 1:
        raise RefusedStatementError("This is not exactly one statement.", hint="Send one statement at a time.")
    return queries[0]


def _written_kind(command: int, fallback: Kind) -> Kind:
    if command == SELECT:
        raise RefusedStatementError("This changes no rows.", hint="Use execute_query to read.")
    kinds: dict[str, Kind] = {"UPDATE": "update", "INSERT": "insert", "DELETE": "delete", "MERGE": "merge"}
    return kinds.get(COMMANDS.get(command, ""), fallback)
