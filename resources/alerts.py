"""`qms://alerts`: what is beyond its limit now, what was lately, and the limits."""

from collections.abc import Iterator
from typing import Any

from mcp.server.mcpserver import MCPServer

from qms_mcp.context import Ctx, caller, services
from qms_mcp.protocol_errors import in_protocol_words
from qms_mcp.services.operations.models import AlertLine, AlertsPage
from qms_mcp.services.operations.rules import Rule

_SHOWN = 50


def install(server: MCPServer[Any]) -> None:
    """Add the page."""
    server.resource(
        # A page that needs to know who asks has to have a part that varies; this one may be left out.
        "qms://alerts{?state}",
        name="alerts",
        title="Alerts",
        description="Alerts about agents that stand, those closed lately, and from when on something is one.",
        mime_type="text/markdown",
    )(alerts_page)


async def alerts_page(ctx: Ctx, state: str = "standing") -> str:
    """Return the page as Markdown; of one state, or of what stands."""
    with in_protocol_words():
        alerts = services(ctx).operations.alerts
        shown = await alerts.page(caller(ctx), state=state or "standing", limit=_SHOWN)
        closed = await alerts.page(caller(ctx), state="closed", limit=10)
        rules = await alerts.rules(caller(ctx))
    return "\n".join(_lines(shown, closed if state != "closed" else None, list(rules.values()))) + "\n"


def _lines(shown: AlertsPage, closed: AlertsPage | None, rules: list[Rule]) -> Iterator[str]:
    yield from ("# Alerts", "", shown.headline)
    if shown.items:
        yield ""
        yield from map(_alert, shown.items)
    if shown.total > len(shown.items):
        yield f"- and {shown.total - len(shown.items)} more: get_alerts lists them"
    if closed is not None and closed.items:
        yield from ("", f"## Closed lately ({closed.total} in all)", "")
        yield from map(_alert, closed.items)
    yield from ("", "## Limits", "", "| metric | opens | closes | level | over | least n | on |")
    yield "| --- | --- | --- | --- | --- | --- | --- |"
    for rule in rules:
        side = "<" if rule.falls else ">"
        yield (
            f"| {rule.metric} | {side} {rule.threshold:g} | {rule.clears_at:g} | {rule.level} | "
            f"{rule.window_minutes} min | {rule.minimum_n} | {'yes' if rule.enabled else 'no'} |"
        )


def _alert(one: AlertLine) -> str:
    seen = f" Seen by {_flat(one.acknowledged)}." if one.acknowledged else ""
    over = f" Closed {_flat(one.closed)}" if one.closed else ""
    whom = f" of {one.subject}" if one.subject else ""
    return (
        f"- **{one.level}** {one.metric}{whom}, {one.state} since {one.opened_at:%Y-%m-%d %H:%M}: {one.message} "
        f"Now {one.value:g} (n = {one.n}).{seen}{over} `{one.id}`"
    )


def _flat(text: str) -> str:
    return " ".join(text.split())
