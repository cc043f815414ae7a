"""Why an agent answered what it answered on that day, from what is stored and nothing else.

An auditor's question is one call: who asked, which version answered and why that one, who let it go to people and on
which report, what it looked at, and what each of its statements rests on. The content of the version is hashed again:
what answered then can be made again from the row.
"""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal

from qms_mcp.db.queries import query
from qms_mcp.errors import InvalidInputError, NotFoundError
from qms_mcp.services.learning.rollout.explanation import Explanation, explanation_of

if TYPE_CHECKING:
    from uuid import UUID

    from qms_mcp.auth.principal import Principal
    from qms_mcp.db.database import Database
    from qms_mcp.db.transaction import Transaction

_RUNS, _RUN = query("learning_rollout.explained_runs"), query("learning_rollout.explained")
_APPROVAL, _CALLS = query("learning_rollout.explained_approval"), query("learning_rollout.explained_calls")
_REST = query("learning_rollout.explained_rest")
_NAMED = 10


class Explanations:
    """Explains runs.

    Args:
        database: Where everything is.
    """

    def __init__(self, database: "Database") -> None:
        self._database = database

    async def explain(
        self,
        principal: "Principal",
        named: str,
        *,
        agent: str = "",
        detail: Literal["concise", "full"] = "concise",
    ) -> Explanation:
        """Return why an agent answered as it did.

        Args:
            principal: Who asks.
            named: A run, a dispatch (id or run_key) or a tool call.
            agent: Of a dispatch, which agent or task.
            detail: `full` has the prompt, the exemplars, the answers of tools and the whole gate report.

        Raises:
            InvalidInputError: A dispatch had several agents, and none is named.
            NotFoundError: There is no such run.
        """
        async with self._database.transaction(principal, read_only=True) as transaction:
            runs = await transaction.fetch_dicts(_RUNS, {"named": named.strip()})
            run_id = _chosen(runs, named.strip(), agent.strip())
            run = (await transaction.fetch_dicts(_RUN, {"run_id": run_id}))[0]
            approval = await _approval(transaction, run["approval_id"])
            calls = await transaction.fetch_dicts(_CALLS, {"run_id": run_id})
            rest = (await transaction.fetch_dicts(_REST, {"run_id": run_id}))[0]
        return explanation_of(run, approval, calls, rest, full=detail == "full")


async def _approval(transaction: "Transaction", approval_id: "UUID | None") -> Mapping[str, Any] | None:
    if approval_id is None:
        return None
    found = await transaction.fetch_dicts(_APPROVAL, {"approval_id": approval_id})
    return found[0] if found else None


def _chosen(runs: Sequence[Mapping[str, Any]], named: str, agent: str) -> "UUID":
    """Return the run that is meant: of a task, the last attempt."""
    exact = [run for run in runs if str(run["id"]) == named]
    if exact:
        return exact[0]["id"]
    fitting = [run for run in runs if not agent or agent in {run["agent"], run["key"]}]
    if not fitting:
        raise NotFoundError(
            f"There is no run {named[:80]!r}{f' of {agent[:40]}' if agent and runs else ''}.",
            hint="Give the id of a run, a dispatch or a tool call, or a run_key; list_dispatches shows them.",
        )
    keys = sorted({str(run["key"]) for run in fitting})
    if len(keys) > 1:
        shown = ", ".join(keys[:_NAMED])
        raise InvalidInputError(f"{len(keys)} runs belong to it: {shown}.", hint="Name one of them in `agent`.")
    return fitting[0]["id"]
