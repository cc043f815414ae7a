"""What agents and tools used: runs, tokens, money, time and errors, by what one asks for.

Runs that only measure a version (evaluations, trials, shadows) are shown apart, with what judges and optimisers cost:
they are paid for too, but say nothing of what people got.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from qms_mcp.db.queries import query
from qms_mcp.errors import InvalidInputError
from qms_mcp.services.operations.models import UsageLine, UsagePage
from qms_mcp.statistics.intervals import clopper_pearson

if TYPE_CHECKING:
    from qms_mcp.auth.principal import Principal
    from qms_mcp.db.database import Database

_OF_RUNS, _OF_TOOLS = query("operations.usage_of_runs"), query("operations.usage_of_tools")
_BUDGET, _ASKED = query("operations.budget"), query("operations.asked_models")
_LONGEST = 366

By: TypeAlias = Literal["agent", "tool", "model", "day"]


class Usage:
    """What an organization used.

    Args:
        database: Where it is recorded.
    """

    def __init__(self, database: "Database") -> None:
        self._database = database

    async def page(self, principal: "Principal", *, by: By = "agent", days: int = 30, limit: int = 20) -> UsagePage:
        """Return what was used, the most costly first; days the newest first.

        Args:
            principal: Who asks.
            by: What lines are made of.
            days: How far back, to this moment.
            limit: Lines at most.

        Raises:
            InvalidInputError: Not 1 to 366 days.
        """
        if not 1 <= days <= _LONGEST:
            raise InvalidInputError(f"Usage is shown for 1 to {_LONGEST} days.")
        params = {"days": days, "by": by}
        async with self._database.transaction(principal, read_only=True) as transaction:
            rows = await transaction.fetch_dicts(_OF_TOOLS if by == "tool" else _OF_RUNS, params)
            budget = (await transaction.fetch_dicts(_BUDGET))[0]
            asked = (await transaction.fetch_dicts(_ASKED, {"days": days}))[0]
        over = 1 if by == "day" else days
        lines = [_line(row, str(row["key"]), over, tokens=by != "tool") for row in rows if not row["measures"]]
        limit_usd = budget["budget_usd"]
        return UsagePage(
            headline=_headline([row for row in rows if not row["measures"]], by, days, budget),
            total=len(lines),
            items=lines[:limit],
            measuring=_measuring(rows, asked, days, tokens=by != "tool"),
            budget_usd=limit_usd,
            budget_left_usd=None if limit_usd is None else round(limit_usd - budget["spent_usd"], 4),
        )


def _measuring(rows: list[dict[str, Any]], asked: Mapping[str, Any], days: int, *, tokens: bool) -> UsageLine | None:
    measuring = next((row for row in rows if row["measures"]), None)
    if measuring is None and not asked["answers"]:
        return None
    if measuring is None:
        return UsageLine(key="measuring", runs=0, per_day=0.0, cost_usd=round(asked["cost_usd"], 4))
    if not tokens:
        return _line(measuring, "measuring", days, tokens=False)
    whole = {**measuring, "cost_usd": measuring["cost_usd"] + asked["cost_usd"]}
    return _line(whole, "measuring", days, tokens=True)


def _line(row: Mapping[str, Any], key: str, days: int, *, tokens: bool) -> UsageLine:
    ended, bad = int(row["ended"]), int(row["bad"])
    interval = clopper_pearson(bad, ended) if ended else None
    times: list[float | None] = row["latency_ms"] or [None] * 3
    seconds = [None if one is None else round(one / 1000.0, 3) for one in times]
    return UsageLine(
        key=key,
        runs=row["runs"],
        per_day=round(row["runs"] / days, 2),
        tokens_in=row["tokens_in"] if tokens else None,
        tokens_out=row["tokens_out"] if tokens else None,
        cache_read=row["cache_read"] if tokens else None,
        cache_write=row["cache_write"] if tokens else None,
        cost_usd=round(row["cost_usd"], 4) if tokens else None,
        p50_s=seconds[0],
        p95_s=seconds[1],
        p99_s=seconds[2],
        error_rate=round(bad / ended, 4) if ended else None,
        error_low=round(interval.low, 4) if interval else None,
        error_high=round(interval.high, 4) if interval else None,
    )


def _headline(rows: list[dict[str, Any]], by: By, days: int, budget: Mapping[str, Any]) -> str:
    runs = sum(row["runs"] for row in rows)
    bad = sum(row["bad"] for row in rows)
    window = "day" if days == 1 else f"{days} days"
    what = "call" if by == "tool" else "run"
    said = f"{runs} {what}{'' if runs == 1 else 's'} in the last {window}, {bad} went wrong"
    if by != "tool":
        said += f", {sum(row['cost_usd'] for row in rows):.2f} USD"
    if budget["budget_usd"] is None:
        return f"{said}. This month cost {budget['spent_usd']:.2f} USD; no budget is set."
    return f"{said}. This month cost {budget['spent_usd']:.2f} of {budget['budget_usd']:.2f} USD."
