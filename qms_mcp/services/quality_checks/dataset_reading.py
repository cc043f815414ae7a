"""Rows of a table or of a statement, as the caller sees them: all of them, or a sample that says how large it is."""

# ruff: noqa: S608 - names are always quoted, and the guard looks at every statement before it runs

from dataclasses import dataclass
from typing import TYPE_CHECKING

from qms_mcp.db.queries import query
from qms_mcp.errors import InvalidInputError, QmsError
from qms_mcp.services.quality_checks.dataset_rules import Sample, check_sample, check_validation
from qms_mcp.services.quality_checks.report import Found, Report
from qms_mcp.services.quality_checks.rule_sets import DATASET
from qms_mcp.services.validation.service import DataValidation
from qms_mcp.services.validation.statements import quoted, table_of
from qms_mcp.services.validation.subject import Subject, read_subject

if TYPE_CHECKING:
    from collections.abc import Callable

    from qms_mcp.auth.principal import Principal
    from qms_mcp.db.database import Database
    from qms_mcp.db.guard import Guard
    from qms_mcp.db.run_query import Page
    from qms_mcp.services.sql.querying import Querying
    from qms_mcp.settings import Settings

_NOW = query("quality_checks.now")
_MOST_ROWS = 5_000
_MOST_BYTES = 4_000_000
_LONGEST_CELL = 300
_LONGEST_SUBJECT = 120
# A view can't be sampled: of one with more, the first rows are looked at.
_SAMPLED = frozenset({"table", "materialized_view"})


@dataclass(frozen=True, slots=True)
class Datasets:
    """Reads and checks rows.

    Attributes:
        database: Where they are.
        querying: Inspects and runs statements in the role of the SQL tools.
        validation: Checks the rules a table implies.
    """

    database: "Database"
    querying: "Querying"
    validation: "DataValidation"

    async def check(self, principal: "Principal", subject: str) -> Report:
        """Return the report on a table or on what a SELECT returns.

        Raises:
            NotFoundError: There is no such table, or the caller may not see it.
            RefusedStatementError: The statement would do more than read.
            StatementError: PostgreSQL can't run it.
        """
        if _is_statement(subject):
            return await self._of_statement(principal, subject)
        return await self._of_table(principal, subject)

    async def _of_table(self, principal: "Principal", table: str) -> Report:
        found = await read_subject(self.database, principal, table)
        relation = found.relation
        source = table_of(relation.schema, relation.name)
        total = await self._count(principal, f"SELECT count(*) FROM {source}")
        page = await self._page(principal, _selecting(found, source, total))
        report = Report(f"{relation.qualified} ({total:,} rows)", DATASET)
        await self._judge(principal, report, Sample(page.columns, page.rows, frozenset(found.key)), total)
        if total:
            try:
                validated = await self.validation.validate(principal, table, samples=0)
            except QmsError as error:
                report.could_not("S02", error.message)
            else:
                check_validation(validated.results, report)
        return report

    async def _of_statement(self, principal: "Principal", statement: str) -> Report:
        bare = statement.strip().rstrip(";").rstrip()
        # By itself first: what is wrong with it should be said of it, and not of what stands around it.
        page = await self._page(principal, bare)
        total = len(page.rows)
        if page.more:
            # A comment at its end must not swallow the bracket.
            total = await self._count(principal, f"SELECT count(*) FROM (\n{bare}\n) AS checked")
        words = " ".join(bare.split())
        shown = words if len(words) <= _LONGEST_SUBJECT else f"{words[:_LONGEST_SUBJECT]}…"
        report = Report(f"{shown} ({total:,} rows)", DATASET)
        await self._judge(principal, report, Sample(page.columns, page.rows), total)
        report.could_not("S02", "a statement implies no rules; name the table")
        return report

    async def _judge(self, principal: "Principal", report: Report, sample: Sample, total: int) -> None:
        async with self.database.transaction(principal, read_only=True) as transaction:
            now = (await transaction.fetch_dicts(_NOW))[0]["at"]
        report.applied("S01", [] if sample.rows else [
            Found("you see no rows in it", "check the name, or whether they belong to another organization")
        ])  # fmt: skip
        check_sample(sample, now, report)
        if sample.rows and len(sample.rows) < total:
            report.notes.append(f"Values were looked at in n = {len(sample.rows):,} of {total:,} rows; S02 in all.")
        if not sample.rows:
            report.unchecked.update({name: "there are no rows" for name in DATASET.rules if name != "S01"})

    async def _count(self, principal: "Principal", statement: str) -> int:
        return int((await self._run(principal, statement, 1)).rows[0][0])

    async def _page(self, principal: "Principal", statement: str) -> "Page":
        page = await self._run(principal, statement, _MOST_ROWS)
        if not page.columns:
            raise InvalidInputError("The statement returns no columns.", hint="Send a SELECT.")
        return page

    async def _run(self, principal: "Principal", statement: str, rows: int) -> "Page":
        from qms_mcp.db.run_query import PageSize  # noqa: PLC0415 - brings psycopg

        verdict = await self.querying.inspect(statement, [])
        return await self.querying.run(principal, verdict, [], PageSize(rows, bytes=_MOST_BYTES, cell=_LONGEST_CELL))


def datasets_over(database: "Database", guard: "Guard", settings: "Settings") -> "Callable[[], Datasets]":
    """Return what makes the checker of rows over a database."""

    def made() -> Datasets:
        from qms_mcp.services.sql.querying import Querying  # noqa: PLC0415 - brings psycopg

        timeout_ms = settings.qms_statement_timeout_ms
        return Datasets(database, Querying(database, guard, timeout_ms), DataValidation(database, guard, timeout_ms))

    return made


def _is_statement(subject: str) -> bool:
    return len(subject.split()) > 1 or "(" in subject


def _selecting(found: Subject, source: str, total: int) -> str:
    """Return a statement for the rows to look at: all, or each with the same chance, the same ones every time."""
    columns = ", ".join(f"t.{quoted(column.name)}" for column in found.columns if column.name != "organization_id")
    sampled = total > _MOST_ROWS and found.relation.kind in _SAMPLED
    chance = f" TABLESAMPLE BERNOULLI ({100 * _MOST_ROWS / total:.6f}) REPEATABLE (1)" if sampled else ""
    return f"SELECT {columns} FROM {source} AS t{chance}"
