"""`qms-mcp alerts`: what is beyond its limit, and where the limits of the organization are."""

from dataclasses import replace
from typing import TYPE_CHECKING

import click

from qms_mcp.cli.operating import operate
from qms_mcp.errors import InvalidInputError

if TYPE_CHECKING:
    from qms_mcp.auth.principal import Principal
    from qms_mcp.services.operations.models import AlertsPage
    from qms_mcp.services.operations.rules import Metric, Rule
    from qms_mcp.services.operations.service import Operations

_CALLED = "qms-mcp alerts"


@click.group("alerts")
def command() -> None:
    """Alerts: list, limits, set."""


@command.command("list")
@click.option("--state", default="standing", help="standing (the default), open, acknowledged, closed or all.")
@click.option("--limit", default=20, type=click.IntRange(1, 200), help="Alerts at most.")
@click.option("--cursor", default="", help="Where the page before ended.")
def list_(state: str, limit: int, cursor: str) -> None:
    """List alerts, the newest first."""

    async def work(operations: "Operations", principal: "Principal") -> "AlertsPage":
        return await operations.alerts.page(principal, state=state, limit=limit, cursor=cursor)

    page = operate(work, _CALLED)
    click.echo(page.headline)
    for one in page.items:
        whom = f" of {one.subject}" if one.subject else ""
        click.echo(f"{one.opened_at:%Y-%m-%d %H:%M}  {one.level:<8}  {one.state:<12}  {one.metric}{whom}  {one.id}")
        click.echo(f"    {one.message}")
    if page.next_cursor:
        click.echo(f"more: --cursor '{page.next_cursor}'")


@command.command()
def limits() -> None:
    """Show from when on something is an alert."""

    async def work(operations: "Operations", principal: "Principal") -> "dict[Metric, Rule]":
        return await operations.alerts.rules(principal)

    for rule in operate(work, _CALLED).values():
        click.echo(_in_words(rule))


@command.command("set")
@click.argument("metric")
@click.option("--opens-at", type=float, help="The limit, in the unit of METRIC; beyond it an alert opens.")
@click.option("--closes-at", type=float, help="Back to here it closes; 20 % inside of a new limit if left out.")
@click.option("--level", type=click.Choice(["warning", "critical"]), help="How grave it is.")
@click.option("--over-minutes", type=click.IntRange(1, 525_600), help="How far back is looked.")
@click.option("--at-least", type=click.IntRange(1), help="With fewer runs or feedbacks nothing is said.")
@click.option("--enable/--disable", "enabled", default=None, help="Whether METRIC is looked at.")
@click.option("--reason", required=True, help="Why.")
def set_(metric: str, *, reason: str, **wanted: float | str | bool | None) -> None:
    """Set the limit of METRIC for the organization, from now on; what is left out stays as it is."""
    changes = {_FIELDS[name]: value for name, value in wanted.items() if value is not None}
    if not changes:
        raise click.UsageError("Say what changes, e.g. --opens-at 45 or --disable.")

    async def work(operations: "Operations", principal: "Principal") -> "Rule":
        found = {str(name): rule for name, rule in (await operations.alerts.rules(principal)).items()}
        if metric not in found:
            raise InvalidInputError(f"There is no metric {metric[:40]!r}.", hint=f"There are {', '.join(found)}.")
        rule = _changed(found[metric], changes)
        await operations.alerts.set_rule(principal, rule, reason)
        return rule

    click.echo(_in_words(operate(work, _CALLED)))


_FIELDS = {
    "opens_at": "threshold",
    "closes_at": "clears_at",
    "level": "level",
    "over_minutes": "window_minutes",
    "at_least": "minimum_n",
    "enabled": "enabled",
}


def _changed(rule: "Rule", changes: "dict[str, float | str | bool]") -> "Rule":
    """Return a rule with other values; a new limit takes where the alert closes along with it."""
    if "threshold" in changes and "clears_at" not in changes:
        changes = {**changes, "clears_at": float(changes["threshold"]) * (1.2 if rule.falls else 0.8)}
    return replace(rule, **changes)  # pyright: ignore[reportArgumentType] - named by _FIELDS


def _in_words(rule: "Rule") -> str:
    if not rule.enabled:
        return f"{rule.metric:<17} off"
    side = "below" if rule.falls else "above"
    ends = f"opens {side} {rule.threshold:g}, closes at {rule.clears_at:g}"
    return f"{rule.metric:<17} {rule.level:<8}  {ends}; over {rule.window_minutes} min, at least {rule.minimum_n}"
