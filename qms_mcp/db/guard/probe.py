"""The round trips to PostgreSQL: analyse a statement, and fetch what the catalogue says.

Analysing means `CREATE FUNCTION pg_temp.probe_... BEGIN ATOMIC <statement> END` in a transaction that is
rolled back. PostgreSQL stores the analysed tree and runs nothing, with one exception: a literal of an array,
composite or range type goes through the input functions of its parts, and so through the checks of a domain
in it. Those are looked for beforehand (`Surroundings`).

The name is unguessable, so that the statement can't refer to its own probe, and the extended protocol takes
exactly one command, so that no text can end the function early and go on.
"""

import secrets
from collections.abc import Iterable, Sequence
from typing import Any, TypeVar

import psycopg
from psycopg import errors as pg
from psycopg.pq import TransactionStatus
from psycopg.rows import class_row

from qms_mcp.db.connection import Connection
from qms_mcp.db.exchange import Answer, Command, command, exchange
from qms_mcp.db.guard.facts import (
    CastFact,
    CheckFact,
    FunctionFact,
    NameFact,
    ParameterFact,
    RelationFact,
)
from qms_mcp.db.queries import Query, query
from qms_mcp.db.transaction import shortened, translate
from qms_mcp.errors import (
    InvalidInputError,
    LimitExceededError,
    QmsError,
    RefusedStatementError,
    StatementError,
)

T = TypeVar("T")

_PREPARE = query("guard.prepare")
_BODY = query("guard.body")
_PARAMETER_TYPES = query("guard.parameter_types")
_INFERRED_TYPES = query("guard.inferred_types")
_FUNCTIONS = query("guard.functions")
_RELATIONS = query("guard.relations")
_DOMAIN_CHECKS = query("guard.domain_checks")
_ALL_DOMAIN_CHECKS = query("guard.all_domain_checks")
_JSON_CASTS = query("guard.json_casts")
_CONTAINERS = query("guard.containers")

_TIMEOUT = "3s"
UNKNOWN = "unknown"
_MAX_PARAMETERS = 100
# How long the text of an analysed tree may be: reading it takes time and memory of the whole server.
MAX_TREE = 2_000_000


class Probe:
    """One analysis on one connection, which is in a transaction that will be rolled back.

    Args:
        connection: In a transaction, under a role that may make temporary objects and nothing else.
        body: The statement to analyse.
        offset: Where it begins in what the caller sent, for the places of errors.
        text: What the caller sent.
        search_path: The search path to analyse under.
    """

    def __init__(self, connection: Connection, body: str, offset: int, text: str, search_path: str) -> None:
        if connection.autocommit and connection.info.transaction_status == TransactionStatus.IDLE:
            raise RuntimeError("the guard analyses in an open transaction that will be rolled back")
        self._connection = connection
        self._body = body
        self._offset = offset
        self._text = text
        self._settings = command(_PREPARE, {"timeout": _TIMEOUT, "search_path": search_path})

    async def prepare(self) -> None:
        """Set what names and literals depend on, for this transaction."""
        await self._analyse([], 0)

    async def parameter_types(self, asked: Sequence[str]) -> tuple[str, ...]:
        """Return the types of the parameters as PostgreSQL spells them; `unknown` ones are inferred.

        Raises:
            InvalidInputError: There is no such type, or it can't be a parameter's.
        """
        if len(asked) > _MAX_PARAMETERS:
            raise LimitExceededError(
                f"{len(asked)} parameters; at most {_MAX_PARAMETERS} are accepted.",
                hint="Pass a long list as one array parameter: WHERE id = ANY($1).",
            )
        if any("\0" in name for name in asked):
            raise InvalidInputError("A parameter type holds a NUL character.", hint="Remove it.")
        types = [_spelling(fact) for fact in await self._fetch(_PARAMETER_TYPES, {"names": list(asked)}, ParameterFact)]
        return await self._infer(types) if UNKNOWN in types else tuple(types)

    async def _infer(self, types: list[str]) -> tuple[str, ...]:
        name = f"probe_{secrets.token_hex(12)}"
        head = f"PREPARE {name} ({', '.join(types)}) AS "
        await self._analyse([Command(f"{head}{self._body}".encode())], len(head))
        facts = await self._fetch(_INFERRED_TYPES, {"name": name}, ParameterFact)
        await self._connection.execute(f"DEALLOCATE {name}".encode())
        return tuple(_spelling(fact) for fact in facts)

    async def tree(self, types: Sequence[str]) -> str:
        """Return the analysed tree of the statement, as text; one round trip.

        Raises:
            StatementError: PostgreSQL can't make sense of the statement.
            RefusedStatementError: It names something the SQL role has no access to.
            LimitExceededError: It is too complex.
        """
        name = f"probe_{secrets.token_hex(12)}"
        head = (
            f"CREATE FUNCTION pg_temp.{name}({', '.join(types)}) "
            "RETURNS SETOF pg_catalog.record LANGUAGE sql BEGIN ATOMIC "
        )
        analyse = Command(f"{head}{self._body}\n; END".encode())
        answer = await self._analyse([analyse, command(_BODY, {"name": name, "most": MAX_TREE})], len(head))
        if not answer.rows or answer.rows[0][1] is None:
            raise RefusedStatementError("PostgreSQL kept no analysis of the statement.")
        if answer.rows[0][0] is None:
            raise LimitExceededError(
                "The statement is too complex to analyse.",
                hint="Name fewer columns in nested queries, or pass long lists as one array parameter.",
            )
        return answer.rows[0][0].decode()

    async def functions(self, functions: Iterable[int], operators: Iterable[int]) -> list[FunctionFact]:
        """Return the facts about functions, and about the functions behind operators."""
        wanted = {"functions": sorted(functions), "operators": sorted(operators)}
        return await self._fetch(_FUNCTIONS, wanted, FunctionFact)

    async def relations(self, relations: Iterable[int]) -> list[RelationFact]:
        """Return the facts about relations."""
        return await self._fetch(_RELATIONS, {"relations": sorted(relations)}, RelationFact)

    async def domain_checks(self, types: Iterable[int]) -> list[CheckFact]:
        """Return the checks of the domains in or under types."""
        return await self._fetch(_DOMAIN_CHECKS, {"types": sorted(types)}, CheckFact)

    async def all_domain_checks(self) -> list[CheckFact]:
        """Return the checks of all domains that did not come with PostgreSQL."""
        return await self._fetch(_ALL_DOMAIN_CHECKS, {}, CheckFact)

    async def json_casts(self) -> list[CastFact]:
        """Return the casts to json that are functions."""
        return await self._fetch(_JSON_CASTS, {}, CastFact)

    async def containers(self, types: Iterable[int]) -> list[NameFact]:
        """Return the types that are or contain one of `types`, and what has columns or arguments of them."""
        return await self._fetch(_CONTAINERS, {"types": sorted(types)}, NameFact)

    async def _analyse(self, commands: Sequence[Command], head: int) -> Answer:
        """Send what analyses the statement, after the settings it needs; return the last answer.

        The exchange uses the extended protocol, in which one message is one command and no more.
        """
        try:
            return (await exchange(self._connection, [self._settings, *commands]))[-1]
        except psycopg.Error as error:
            raise self._translate(error, head) from error

    async def _fetch(self, wanted: Query, params: dict[str, Any], row: type[T]) -> list[T]:
        try:
            async with self._connection.cursor(row_factory=class_row(row)) as cursor:
                await cursor.execute(wanted.text.encode(), params)
                return await cursor.fetchall()
        except psycopg.Error as error:
            raise translate(error) from error

    def _translate(self, error: psycopg.Error, head: int) -> QmsError:
        """Return the words for what went wrong, with the place in the caller's text."""
        message = (shortened(error.diag.message_primary) or "it can't be analysed").removesuffix(".")
        hint = shortened(error.diag.message_hint)
        if isinstance(error, (pg.StatementTooComplex, pg.QueryCanceled)):
            return LimitExceededError(
                "The statement is too complex to analyse.",
                hint="Break it up, or pass long lists as one array parameter.",
            )
        if isinstance(error, pg.InsufficientPrivilege):
            return RefusedStatementError(f"The statement reaches what it may not: {message}.", hint=hint)
        state = error.sqlstate or ""
        if "unquoted SQL function body" in message or "is not allowed here" in message:
            return RefusedStatementError(f"The statement does more than read: {message}.", hint="Send a plain SELECT.")
        if not state or state[:2] in {"08", "53", "57"}:
            return translate(error)
        place = self._place(error.diag.statement_position, head)
        return StatementError(f"PostgreSQL can't make sense of it{place}: {message}.", hint=hint or _hint(state))

    def _place(self, position: str | None, head: int) -> str:
        index = int(position or 0) - 1 - head
        if not 0 <= index <= len(self._body):
            return ""
        index += self._offset
        line = self._text.count("\n", 0, index) + 1
        return f" at line {line}, column {index - self._text.rfind(chr(10), 0, index)}"


def _spelling(fact: ParameterFact) -> str:
    if fact.asked.strip().lower() in {"", UNKNOWN}:
        return UNKNOWN
    if fact.name is None or fact.name in {"-", "???"}:
        raise InvalidInputError(
            f"There is no type {fact.asked[:60]!r}.", hint="Use text, bigint, numeric, date, uuid..."
        )
    if fact.pseudo:
        raise InvalidInputError(f"A parameter can't be of type {fact.name}.", hint="Name a concrete type.")
    return fact.name


def _hint(state: str) -> str:
    if state in {"42P01", "42703", "42883"}:
        return "list_tables and describe_table show the names there are."
    return "Check the statement and send it again."
