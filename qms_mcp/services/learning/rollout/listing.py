"""Which versions there are, where they stand, and what the watch of a roll-out has seen."""

from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

from qms_mcp.db.queries import query
from qms_mcp.errors import InvalidInputError
from qms_mcp.services.learning.rollout.experimenting import experiment_words
from qms_mcp.services.learning.rollout.models import ModelsPage, RolloutLine, VersionLine
from qms_mcp.services.learning.versions import SHIPPED, shipped_agent

if TYPE_CHECKING:
    from qms_mcp.auth.principal import Principal
    from qms_mcp.db.database import Database
    from qms_mcp.db.transaction import Transaction
    from qms_mcp.services.learning.versions import Versions

_VERSIONS, _COUNT = query("learning_rollout.versions"), query("learning_rollout.count_versions")
_RUNNING, _ARMS = query("learning_rollout.running"), query("learning_rollout.arms")
_WAITING, _AGREEMENT = query("learning_rollout.waiting"), query("learning_rollout.agreement")
_MOVES = query("learning_rollout.moves")
_ROLLOUTS, _MOVES_SHOWN = 20, 10


class ModelList:
    """Versions and roll-outs, as they stand.

    Args:
        database: Where everything is.
        versions: Of agents.
    """

    def __init__(self, database: "Database", versions: "Versions") -> None:
        self._database = database
        self._versions = versions

    async def page(
        self,
        principal: "Principal",
        agent: str | None = None,
        *,
        ended: bool = False,
        trials: bool = False,
        limit: int = 20,
        cursor: str = "",
    ) -> ModelsPage:
        """Return versions, the newest first, with the roll-outs that run and what waits for a person.

        Args:
            principal: Who asks.
            agent: Of which agent; of all if left out.
            ended: Also roll-outs that ended within 30 days.
            trials: Also the steps of optimisers.
            limit: Versions at most.
            cursor: `next_cursor` of the page before.

        Raises:
            InvalidInputError: There is no such agent, or the cursor is none.
        """
        if agent is not None:
            shipped_agent(agent)
        created_at, after = _position(cursor)
        params: dict[str, Any] = {
            "agent": agent,
            "trials": trials,
            "created_at": created_at,
            "id": after,
            "max_rows": limit + 1,
        }
        async with self._database.transaction(principal, read_only=True) as transaction:
            rows = await transaction.fetch_dicts(_VERSIONS, params)
            total = (await transaction.fetch_dicts(_COUNT, params))[0]["total"]
            rollouts = [] if cursor else await _rollouts(transaction, agent, ended=ended)
            waiting = [] if cursor else await transaction.fetch_dicts(_WAITING, {"agent": agent})
        shown = rows[:limit]
        return ModelsPage(
            headline=_headline(agent, total, rollouts, len(waiting)),
            total=total,
            versions=[_version(row) for row in shown],
            rollouts=rollouts,
            waiting=[f"{row['id']}: {row['summary']}" for row in waiting],
            next_cursor=f"{shown[-1]['created_at'].isoformat()} {shown[-1]['id']}" if len(rows) > limit else "",
        )

    async def moves(self, principal: "Principal", agent: str) -> list[dict[str, Any]]:
        """Return the last moves of an agent's names, the newest first."""
        params = {"agent": agent, "max_rows": _MOVES_SHOWN}
        async with self._database.transaction(principal, read_only=True) as transaction:
            return await transaction.fetch_dicts(_MOVES, params)


async def _rollouts(transaction: "Transaction", agent: str | None, *, ended: bool) -> list[RolloutLine]:
    params = {"agent": agent, "ended": ended, "max_rows": _ROLLOUTS}
    return [await _rollout(transaction, row) for row in await transaction.fetch_dicts(_RUNNING, params)]


async def _rollout(transaction: "Transaction", row: Mapping[str, Any]) -> RolloutLine:
    seen: Mapping[str, Any] = row["seen"] or row["outcome"]
    return RolloutLine(
        id=row["id"],
        agent=row["agent"],
        kind=row["kind"],
        version=row["version"],
        against=row["baseline"] or SHIPPED,
        percent=row["percent"],
        state=row["state"],
        since=row["started_at"],
        runs=seen.get("n"),
        bad=seen.get("bad"),
        cusum=round(seen["value"], 3) if "value" in seen else None,
        limit=round(seen["limit"], 3) if "limit" in seen else None,
        note=await _note(transaction, row, seen),
    )


async def _note(transaction: "Transaction", row: Mapping[str, Any], seen: Mapping[str, Any]) -> str:
    if row["kind"] == "shadow":
        params = {"version_id": row["version_id"], "since": row["started_at"]}
        agreed = (await transaction.fetch_dicts(_AGREEMENT, params))[0]
        told = f"{agreed['n']} answers compared, mean agreement {agreed['mean']:.2f}." if agreed["n"] else "None yet."
        return f"{told} {row['end_reason'] or ''}".strip()
    words: list[str] = []
    if row["state"] != "running":
        words.append(f"Ended {row['ended_at']:%Y-%m-%d %H:%M}: {row['end_reason']}")
    elif row["outcome"].get("ready"):
        words.append("It has come through: promote_model asks a person for production.")
    elif "planned" in seen:
        words.append(f"{seen['n']} of {seen['planned']} runs.")
    if row["kind"] == "experiment":
        words.append(experiment_words(await transaction.fetch_dicts(_ARMS, {"rollout_id": row["id"]})))
    return " ".join(words)


def _version(row: Mapping[str, Any]) -> VersionLine:
    return VersionLine(
        version=row["version"],
        agent=row["agent"],
        origin=row["origin"],
        stands=row["stands"],
        parent=row["parent"] or "",
        dataset=row["dataset"] or "",
        score=None if row["score"] is None else round(row["score"], 4),
        gates=row["gates"] or "",
        created_at=row["created_at"],
        notes=row["notes"][:200],
    )


def _headline(agent: str | None, total: int, rollouts: list[RolloutLine], waiting: int) -> str:
    of = f" of {agent}" if agent else ""
    if not total:
        return f"No version{of} is stored: the shipped one answers, and is stored when it first does."
    running = [one for one in rollouts if one.state == "running" and one.kind != "production"]
    words = [f"{total} version{'' if total == 1 else 's'}{of}."]
    words += [f"{one.version} is on {one.kind} for {one.percent:g} % of requests." for one in running]
    if waiting:
        words.append(f"{waiting} wait{'s' if waiting == 1 else ''} for a person's signature.")
    return " ".join(words)


def _position(cursor: str) -> tuple[datetime | None, UUID | None]:
    if not cursor:
        return None, None
    try:
        at, _, named = cursor.partition(" ")
        return datetime.fromisoformat(at), UUID(named)
    except ValueError as wrong:
        raise InvalidInputError("This is no cursor.", hint="Pass next_cursor as it was given.") from wrong
