"""What the tools of operations answer."""

from datetime import datetime

from qms_mcp.services.answer import Answer


class AlertLine(Answer):
    """An alert."""

    id: str
    metric: str
    subject: str = ""
    level: str
    state: str
    value: float
    limit: float
    n: int
    message: str
    opened_at: datetime
    acknowledged: str = ""
    closed: str = ""


class AlertsPage(Answer):
    """Alerts, the newest first."""

    headline: str
    total: int
    items: list[AlertLine]
    next_cursor: str = ""


class Acknowledged(Answer):
    """What became of an alert."""

    headline: str
    id: str
    state: str


class UsageLine(Answer):
    """What was used by something."""

    key: str
    runs: int
    per_day: float
    tokens_in: int | None = None
    tokens_out: int | None = None
    cache_read: int | None = None
    cache_write: int | None = None
    cost_usd: float | None = None
    p50_s: float | None = None
    p95_s: float | None = None
    p99_s: float | None = None
    error_rate: float | None = None
    error_low: float | None = None
    error_high: float | None = None


class UsagePage(Answer):
    """What was used within some days."""

    headline: str
    total: int
    items: list[UsageLine]
    measuring: UsageLine | None = None
    budget_usd: float | None = None
    budget_left_usd: float | None = None
