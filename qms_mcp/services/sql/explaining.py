"""A plan, and how to read it.

The query is inspected like any other, and with `analyze` it runs like any other: read-only, as the caller, within the
time limit. What a plan would tell about rows of other organizations is withheld before anything here sees it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, cast

from qms_mcp.db.parameters import bind
from qms_mcp.db.queries import query
from qms_mcp.db.run_query import PageSize
from qms_mcp.errors import InvalidInputError, LimitExceededError
from qms_mcp.services.sql.index_rules import TableFacts, propose
from qms_mcp.services.sql.models import PlanReport
from qms_mcp.services.sql.plan_rules import read, summary
from qms_mcp.services.sql.plan_tree import Step, read_plan

if TYPE_CHECKING:
    from qms_mcp.auth.principal import Principal
    from qms_mcp.db.database import Database
    from qms_mcp.services.sql.querying import Querying

_FACTS = query("sql_context.plan_tables")
_WHOLE = PageSize(1, bytes=4_000_000, cell=2_000_000)
_MOST_STEPS = 120
_SHOWN = {
    "Plan Rows": "rows",
    "Total Cost": "cost",
    "Actual Rows": "actual_rows",
    "Actual Loops": "loops",
    "Actual Total Time": "ms",
    "Rows Removed by Filter": "removed",
    "Filter": "filter",
    "Index Cond": "index_condition",
    "Recheck Cond": "recheck",
    "Join Type": "join",
    "Hash Cond": "hash_condition",
    "Merge Cond": "merge_condition",
    "Join Filter": "join_filter",
    "Sort Key": "sort_key",
    "Group Key": "group_key",
    "Sort Method": "sort_method",
    "Sort Space Used": "sort_kb",
    "Hash Batches": "hash_batches",
    "Subplan Name": "subplan",
}
_ESTIMATES = (
    "Estimates come from statistics over all organizations and are rounded; counts of rows that row-level security "
    "or an index passed over are withheld."
)


class Explaining:
    """Explains statements.

    Args:
        database: Where.
        querying: Inspects and runs them.
    """

    def __init__(self, database: "Database", querying: "Querying") -> None:
        self._database = database
        self._querying = querying

    async def explain(
        self, principal: "Principal", statement: str, parameters: Sequence[Any], *, analyze: bool
    ) -> PlanReport:
        """Return the plan of a reading statement and what is worth knowing about it.

        Raises:
            QmsError: The statement may not or can't run.
        """
        bound = bind(parameters)
        verdict = await self._querying.inspect(statement, bound)
        if verdict.kind in {"explain", "show"}:
            raise InvalidInputError(
                f"{verdict.kind.upper()} can't be explained.", hint="Send the query itself; analyze=true measures it."
            )
        options = "ANALYZE, BUFFERS, VERBOSE, FORMAT JSON" if analyze else "VERBOSE, FORMAT JSON"
        explained = replace(verdict, kind="explain", statement=f"EXPLAIN ({options}) {verdict.statement}")
        page = await self._querying.run(principal, explained, bound, _WHOLE)
        if not page.rows or not isinstance(page.rows[0][0], list):
            raise LimitExceededError("The plan is too large to read.", hint="Explain a part of the query.")
        report = cast("Mapping[str, Any]", page.rows[0][0][0])
        return await self._reading(principal, report)

    async def _reading(self, principal: "Principal", report: Mapping[str, Any]) -> PlanReport:
        root = read_plan(report["Plan"])
        scans, indexes = propose(root, await self._facts(principal, root))
        steps = sum(1 for _ in root.walk())
        return PlanReport(
            summary=summary(root, report.get("Planning Time"), report.get("Execution Time")),
            findings=[*read(root), *scans],
            indexes=indexes,
            plan=_short(root, least=0.0 if steps <= _MOST_STEPS else _cutoff(root)),
            notes=[_ESTIMATES],
        )

    async def _facts(self, principal: "Principal", root: Step) -> dict[str, TableFacts]:
        tables = sorted({step.table for step in root.walk() if step.table})
        if not tables:
            return {}
        async with self._database.transaction(principal, read_only=True) as transaction:
            rows = await transaction.fetch_dicts(_FACTS, {"tables": tables})
        return {
            row["name"]: TableFacts(row["spelled"], row["row_estimate"], row["pages"], row["indexes"]) for row in rows
        }


def _cutoff(root: Step) -> float:
    """Return the cost below which steps are not shown, so that the most costly ones are."""
    costs = sorted((step.number("Total Cost") or 0.0 for step in root.walk()), reverse=True)
    return costs[_MOST_STEPS - 1]


def _short(step: Step, least: float) -> dict[str, Any]:
    shown: dict[str, Any] = {"node": step.title}
    shown.update({short: _plain(step.raw[key]) for key, short in _SHOWN.items() if key in step.raw})
    if shown.get("loops") == 1:
        del shown["loops"]
    if step.row_security:
        shown["row_security"] = True
    below = [_short(child, least) for child in step.children if (child.number("Total Cost") or 0.0) >= least]
    if below:
        shown["plans"] = below
    if len(below) < len(step.children):
        shown["left_out"] = f"{len(step.children) - len(below)} cheap steps"
    return shown


def _plain(value: Any) -> Any:
    return int(value) if isinstance(value, float) and value.is_integer() else value
