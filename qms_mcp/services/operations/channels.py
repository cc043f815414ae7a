"""Where alerts are told: the addresses of apprise (mail, chat, many more) and one JSON webhook.

Telling never stops anything: what fails is logged without the address, which can hold a secret, and tried again. A
message has the metric, the agent and numbers; never the text of a record, an answer or a feedback.
"""

import json
import logging
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import anyio

if TYPE_CHECKING:
    from qms_mcp.settings import Settings

_SECONDS = 10.0
_APPRISE, _WEBHOOK = "apprise", "webhook"
_log = logging.getLogger(__name__)


class Channels:
    """Tells through what is set.

    Args:
        addresses: Of apprise, such as `mailtos://...` or `slack://...`.
        webhook: Where JSON is posted to.
    """

    def __init__(self, addresses: Sequence[str] = (), webhook: str | None = None) -> None:
        self._addresses = tuple(addresses)
        self._webhook = webhook

    @classmethod
    def from_settings(cls, settings: "Settings") -> "Channels":
        """Return those that are set."""
        listed = settings.qms_alert_urls
        addresses = [one.strip() for one in listed.get_secret_value().split(",")] if listed else []
        webhook = settings.qms_alert_webhook
        return cls([one for one in addresses if one], webhook.get_secret_value() if webhook else None)

    @property
    def names(self) -> list[str]:
        """Which are set. Each address of apprise is one of its own: one that is away keeps no other from being told."""
        named = [f"{_APPRISE} {place}" for place in range(1, len(self._addresses) + 1)]
        return [*named, *([_WEBHOOK] if self._webhook else [])]

    async def tell(self, channel: str, state: str, alert: Mapping[str, Any]) -> bool:
        """Tell a state of an alert, and return whether it was taken; it never fails.

        Args:
            channel: One of `names`.
            state: `open` or `closed`.
            alert: Its row.
        """
        try:
            with anyio.fail_after(_SECONDS * 1.5):
                if channel == _WEBHOOK:
                    return await self._post(state, alert)
                return await self._notify(self._addresses[int(channel.removeprefix(_APPRISE)) - 1], state, alert)
        except Exception as failed:  # noqa: BLE001 - whatever a service outside does, alerts go on
            # The message of a failed connection can hold the address with what is secret in it.
            _log.warning("an alert could not be told through %s: %s", channel, type(failed).__name__)
            return False

    async def _post(self, state: str, alert: Mapping[str, Any]) -> bool:
        import httpx2  # noqa: PLC0415 - only where a webhook is set

        fields = ("id", "organization", "metric", "subject", "level", "threshold", "last_value", "n", "opened_at")
        body: dict[str, Any] = {name: alert[name] for name in fields}
        body |= {"event": f"alert.{state}", "title": _title(state, alert), "message": _message(state, alert)}
        async with httpx2.AsyncClient(trust_env=False, follow_redirects=False, timeout=_SECONDS) as client:
            answer = await client.post(
                str(self._webhook),
                content=json.dumps(body, default=str),
                headers={"Content-Type": "application/json", "User-Agent": "qms-mcp"},
            )
        if not answer.is_success:
            _log.warning("the webhook for alerts answered %s", answer.status_code)
        return answer.is_success

    async def _notify(self, address: str, state: str, alert: Mapping[str, Any]) -> bool:
        import apprise  # noqa: PLC0415 - takes a while, and is needed only where an address is set

        # It logs where it could not tell, and an address can hold a secret.
        logging.getLogger("apprise").setLevel(logging.CRITICAL)
        teller: Any = apprise.Apprise()  # its types are only partly known
        if not teller.add(address):
            _log.warning("an address in QMS_ALERT_URLS is none that apprise knows")
            return False
        kind = apprise.NotifyType.SUCCESS if state == "closed" else apprise.NotifyType.WARNING
        if state != "closed" and alert["level"] == "critical":
            kind = apprise.NotifyType.FAILURE
        taken = await teller.async_notify(title=_title(state, alert), body=_message(state, alert), notify_type=kind)
        if not taken:
            _log.warning("an address in QMS_ALERT_URLS did not take an alert")
        return bool(taken)


def _title(state: str, alert: Mapping[str, Any]) -> str:
    whom = f" of {alert['subject']}" if alert["subject"] else ""
    over = "over" if state == "closed" else alert["level"]
    return f"{alert['organization']}: {alert['metric']}{whom}, {over}"


def _message(state: str, alert: Mapping[str, Any]) -> str:
    return str((alert["closed_why"] if state == "closed" else None) or alert["message"])
