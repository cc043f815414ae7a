"""Alerts: measured on schedule, opened and closed by the database, acknowledged by somebody, told once per state.

Only answers to people are looked at: what an evaluation, a trial or a shadow does is counted nowhere here.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, get_args
from uuid import UUID

from qms_mcp.db.queries import query
from qms_mcp.errors import InvalidInputError, NotFoundError
from qms_mcp.services.operations.channels import Channels
from qms_mcp.services.operations.models import Acknowledged, AlertLine, AlertsPage
from qms_mcp.services.operations.rules import METRICS, Measured, Metric, Rule, checked, in_words, rules_of

if TYPE_CHECKING:
    from qms_mcp.auth.principal import Principal
    from qms_mcp.db.database import Database
    from qms_mcp.db.transaction import Transaction
    from qms_mcp.settings import Settings

_SETTLE, _ACKNOWLEDGE = query("operations.settle"), query("operations.acknowledge")
_RULES, _SET_RULE = query("operations.rules"), query("operations.set_rule")
_ALERTS, _COUNT = query("operations.alerts"), query("operations.count_alerts")
_UNTOLD, _TOLD, _NOT_TOLD = query("operations.untold_alerts"), query("operations.told"), query("operations.untold")
_OF_RUNS = query("operations.of_runs")
_OF = {
    "tokens_per_day": query("operations.of_tokens"),
    "drift": query("operations.of_drift"),
    "feedback_average": query("operations.of_feedback"),
    "queue_depth": query("operations.of_queue"),
}
# Nothing at all is a value of these.
_COUNTS = frozenset({"tokens_per_day", "queue_depth"})
_AT_ONCE = 100

State: TypeAlias = Literal["standing", "open", "acknowledged", "closed", "all"]
STATES: tuple[State, ...] = get_args(State)


@dataclass(frozen=True, slots=True)
class Settled:
    """What a measured value meant.

    Attributes:
        event: What became of the alert: opened, still, closed, or none.
    """

    metric: Metric
    subject: str
    value: float
    n: int
    event: Literal["opened", "still", "closed", "none"]
    alert_id: UUID | None


class Alerts:
    """The alerts of an organization.

    Args:
        database: Where they are.
        settings: What the environment says: where alerts are told.
        channels: Where alerts are told; those of the settings if left out.
    """

    def __init__(self, database: "Database", settings: "Settings", channels: Channels | None = None) -> None:
        self._database = database
        self._channels = channels or Channels.from_settings(settings)

    async def evaluate(self, principal: "Principal") -> list[Settled]:
        """Measure everything there is a limit for, and open, keep or close alerts.

        The trail names the system: nobody decided it, a value was beyond its limit.
        """
        system = replace(principal, actor_kind="system")
        settled = list[Settled]()
        for rule in (await self.rules(principal)).values():
            if not rule.enabled:
                continue
            # One transaction a metric: a short lock, and one that fails takes no other along.
            async with self._database.transaction(system, because="limits of agents are watched") as transaction:
                for seen in await _measured(transaction, rule):
                    if rule.metric in _COUNTS or seen.n >= rule.minimum_n:
                        settled.append(await _settle(transaction, rule, seen))
        return settled

    async def tell(self, principal: "Principal") -> int:
        """Tell what is new of alerts through every channel, once per state over all processes; return how many told.

        What fails is logged and tried again the next time.
        """
        if not self._channels.names:
            return 0
        system = replace(principal, actor_kind="system")
        async with self._database.transaction(principal, read_only=True) as transaction:
            rows = await transaction.fetch_dicts(_UNTOLD, {"max_rows": _AT_ONCE})
        told = 0
        for row in rows:
            for channel in self._channels.names:
                state = "closed" if row["state"] == "closed" else "open"
                heard = {(one["state"], one["channel"]) for one in row["told"]}
                # Nobody is told that something is over of which they never heard.
                if (state, channel) in heard or (state == "closed" and ("open", channel) not in heard):
                    continue
                told += await self._tell_one(system, channel, state, row)
        return told

    async def rules(self, principal: "Principal") -> dict[Metric, Rule]:
        """Return from when on what is an alert."""
        async with self._database.transaction(principal, read_only=True) as transaction:
            return rules_of(await transaction.fetch_dicts(_RULES))

    async def set_rule(self, principal: "Principal", rule: Rule, reason: str) -> None:
        """Set from when on a metric is an alert, from now on.

        Raises:
            InvalidInputError: It can't be used so.
            NotAllowedError: The caller only reads.
        """
        params = {**asdict(checked(rule)), "reason": reason}
        async with self._database.transaction(principal, because=reason) as transaction:
            await transaction.fetch_dicts(_SET_RULE, params)

    async def page(
        self,
        principal: "Principal",
        *,
        state: str = "standing",
        metric: str | None = None,
        limit: int = 20,
        cursor: str = "",
    ) -> AlertsPage:
        """Return alerts, the newest first.

        Args:
            principal: Who asks.
            state: open, acknowledged, closed, all; `standing` are those that are not closed.
            metric: Only of this one.
            limit: Alerts at most.
            cursor: `next_cursor` of the page before.

        Raises:
            InvalidInputError: There is no such state or metric, or the cursor is none.
        """
        if state not in STATES:
            raise InvalidInputError(f"There is no state {state[:40]!r}.", hint=f"There are {', '.join(STATES)}.")
        if metric is not None and metric not in METRICS:
            raise InvalidInputError(f"There is no metric {metric[:40]!r}.", hint=f"There are {', '.join(METRICS)}.")
        before, before_id = _position(cursor)
        asked = {"state": None if state == "all" else state, "metric": metric}
        params = {**asked, "before": before, "before_id": before_id, "max_rows": limit + 1}
        async with self._database.transaction(principal, read_only=True) as transaction:
            rows = await transaction.fetch_dicts(_ALERTS, params)
            counted = (await transaction.fetch_dicts(_COUNT, asked))[0]
        more = f"{rows[limit - 1]['opened_at'].isoformat()}|{rows[limit - 1]['id']}" if len(rows) > limit else ""
        return AlertsPage(
            headline=_headline(state, int(counted["total"]), int(counted["critical"])),
            total=int(counted["total"]),
            items=[_line(row) for row in rows[:limit]],
            next_cursor=more,
        )

    async def acknowledge(self, principal: "Principal", named: str, reason: str) -> Acknowledged:
        """Say that somebody has seen an alert, and what is done about it; done twice, the first stays.

        Raises:
            NotFoundError: There is no such alert.
            ConflictError: It is closed.
            NotAllowedError: The caller only reads.
        """
        try:
            alert_id = UUID(named.strip())
        except ValueError:
            raise NotFoundError(f"There is no alert {named[:40]!r}.", hint="get_alerts lists them.") from None
        async with self._database.transaction(principal, because=reason) as transaction:
            row = (await transaction.fetch_dicts(_ACKNOWLEDGE, {"id": alert_id, "reason": reason}))[0]
        whom = f" of {row['subject']}" if row["subject"] else ""
        over = "It stays until the value is back." if row["state"] == "acknowledged" else "It is closed."
        return Acknowledged(
            headline=f"The alert about {row['metric']}{whom} is acknowledged. {over}",
            id=str(row["id"]),
            state=row["state"],
        )

    async def _tell_one(self, system: "Principal", channel: str, state: str, row: Mapping[str, Any]) -> bool:
        claim = {"id": row["id"], "told": json.dumps({"state": state, "channel": channel})}
        async with self._database.transaction(system, because="an alert is told") as transaction:
            if not (await transaction.fetch_dicts(_TOLD, claim))[0]["claimed"]:
                return False
        if await self._channels.tell(channel, state, row):
            return True
        async with self._database.transaction(system, because="an alert could not be told") as transaction:
            await transaction.fetch_dicts(_NOT_TOLD, claim)
        return False


async def _measured(transaction: "Transaction", rule: Rule) -> list[Measured]:
    params = {"minutes": rule.window_minutes}
    if rule.metric in ("latency_s", "error_rate"):
        rows = await transaction.fetch_dicts(_OF_RUNS, params)
        if rule.metric == "error_rate":
            return [Measured(row["subject"], row["bad"] / row["n"], row["n"], row["bad"]) for row in rows]
        return [Measured(row["subject"], row["p95_s"], row["n"]) for row in rows if row["p95_s"] is not None]
    rows = await transaction.fetch_dicts(_OF[rule.metric], params)
    return [Measured(row["subject"], row["value"], row["n"], of_what=row.get("of_what", "")) for row in rows]


async def _settle(transaction: "Transaction", rule: Rule, seen: Measured) -> Settled:
    params = {
        "metric": rule.metric,
        "subject": seen.subject,
        "level": rule.level,
        "threshold": rule.threshold,
        "clears_at": rule.clears_at,
        "falls": rule.falls,
        "value": float(seen.value),
        "n": int(seen.n),
        "message": in_words(rule, seen),
    }
    found = (await transaction.fetch_dicts(_SETTLE, params))[0]["settled"]
    alert_id = UUID(found["alert_id"]) if found["alert_id"] else None
    return Settled(rule.metric, seen.subject, float(seen.value), int(seen.n), found["event"], alert_id)


def _line(row: Mapping[str, Any]) -> AlertLine:
    seen = f"{row['acknowledged_by']} ({row['acknowledged_kind']}): {row['acknowledged_why']}"
    closed_at = row["closed_at"]
    return AlertLine(
        id=str(row["id"]),
        metric=row["metric"],
        subject=row["subject"],
        level=row["level"],
        state=row["state"],
        value=round(row["last_value"], 4),
        limit=row["threshold"],
        n=row["n"],
        message=row["message"],
        opened_at=row["opened_at"],
        acknowledged=seen if row["acknowledged_at"] else "",
        closed=f"{closed_at.isoformat(timespec='seconds')}: {row['closed_why']}" if closed_at else "",
    )


def _headline(state: str, total: int, critical: int) -> str:
    if total == 0:
        return "There is no such alert." if state != "standing" else "No alert stands."
    one = total == 1
    what = {"standing": "stands" if one else "stand", "all": "in all"}.get(state, f"{'is' if one else 'are'} {state}")
    grave = f", {critical} critical" if critical else ""
    return f"{total} alert{'' if one else 's'} {what}{grave}."


def _position(cursor: str) -> tuple[datetime | None, UUID | None]:
    if not cursor:
        return None, None
    try:
        moment, last = cursor.split("|")
        return datetime.fromisoformat(moment), UUID(last)
    except ValueError as wrong:
        raise InvalidInputError("The cursor is none of ours.", hint="Pass next_cursor of the page before.") from wrong
