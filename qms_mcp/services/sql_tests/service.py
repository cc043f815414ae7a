"""Generating the tests of a table."""

from typing import TYPE_CHECKING

from qms_mcp.auth.principal import Principal
from qms_mcp.errors import InvalidInputError, QmsError
from qms_mcp.services.answer import Answer
from qms_mcp.services.catalogue import Catalogue
from qms_mcp.services.catalogue.names import resolve, sayable
from qms_mcp.services.sql_tests.facts import Table, read_table
from qms_mcp.services.sql_tests.proofs import Proof, Style, write
from qms_mcp.services.sql_tests.rows import CannotMakeRowError, RowMaker
from qms_mcp.services.sql_tests.seeds import Seeds
from qms_mcp.services.sql_tests.writing import Writer, structure

if TYPE_CHECKING:
    from qms_mcp.db.database import Database
    from qms_mcp.db.guard import Guard

_TRIED_ROWS = 1_000
_TIMEOUT_MS = 5_000


class GeneratedTests(Answer):
    """A test script, and what it could not cover."""

    table: str
    tests: int
    script: str
    skipped: tuple[str, ...] = ()


class SqlTests:
    """Writes test scripts.

    Args:
        database: Where the tables are.
        guard: Decides what may be asked to find values.
    """

    def __init__(self, database: "Database", guard: "Guard") -> None:
        self._database = database
        self._guard = guard

    async def generate(self, principal: Principal, table: str, style: Style = "plain") -> GeneratedTests:
        """Return tests for the constraints, policies, triggers and rights of a table.

        Raises:
            NotFoundError: There is no such table, or the caller may not see it.
            InvalidInputError: It is no table, or several have this name.
        """
        names = await Catalogue(self._database).relation_names(principal)
        relation = resolve(sayable(table, argument="table"), names)
        if relation.kind not in {"table", "partitioned table"}:
            raise InvalidInputError(
                f"{relation.qualified} is a {relation.kind}.", hint="Name a table: tests are made from its constraints."
            )
        subject = await self._read(principal, relation.oid)
        seeds = Seeds(lambda oid: self._read(principal, oid), lambda text: self._ask(principal, text))
        proofs = list(structure(subject))
        try:
            proofs += await self._row_proofs(principal, subject, seeds)
        except CannotMakeRowError as impossible:
            seeds.setup.clear()
            proofs.append(Proof("constraints and policies", skip=impossible.message))
        return GeneratedTests(
            table=subject.qualified,
            tests=sum(not proof.skip for proof in proofs),
            script=write(subject.qualified, seeds.setup, proofs, style),
            skipped=tuple(f"{proof.name}: {proof.skip}" for proof in proofs if proof.skip),
        )

    async def _row_proofs(self, principal: Principal, table: Table, seeds: Seeds) -> list[Proof]:
        if table.adder is None:
            raise CannotMakeRowError(f"no role may add rows to {table.qualified}")
        if table.regulated:
            raise CannotMakeRowError("it belongs to the quality records, and their functions decide over each row")
        maker = RowMaker(table, await seeds.references(table), lambda text: self._ask(principal, text))
        return [proof async for proof in Writer(table, await maker.base(), maker).proofs()]

    async def _read(self, principal: Principal, relation: int) -> Table:
        async with self._database.transaction(principal, read_only=True) as transaction:
            return await read_table(transaction, relation)

    async def _ask(self, principal: Principal, statement: str) -> list[list[bool | None]] | None:
        from qms_mcp.db.run_query import PageSize  # noqa: PLC0415 - brings psycopg
        from qms_mcp.services.sql.querying import Querying  # noqa: PLC0415 - the same

        querying = Querying(self._database, self._guard, _TIMEOUT_MS)
        try:
            verdict = await querying.inspect(statement, [])
            page = await querying.run(principal, verdict, [], PageSize(_TRIED_ROWS))
        except QmsError:
            return None
        return page.rows
