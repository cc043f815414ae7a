"""What calculate_metrics is asked, and answers."""

from datetime import date
from typing import Any, Literal, TypeAlias

from pydantic import Field

from qms_mcp.services.analysis.method import Analysed, Options
from qms_mcp.services.analysis.source import Source
from qms_mcp.services.metrics.periods import Period

GroupBy: TypeAlias = Literal[
    "type", "state", "owner", "area", "supplier", "product", "part", "lot", "cause_category", "stage", "priority",
    "risk_class", "source", "grade", "person", "document",
]  # fmt: skip
COLUMNS = ["metric", "title", "value", "unit", "n", "low", "high", "numerator", "denominator", "better", "detail"]
GROUPED = ["value", "n", "low", "high", "numerator", "denominator"]


class MetricsOptions(Options):
    """What to compute.

    Attributes:
        metrics: Names of metrics, or of a bundle.
        types: Types of records, for metrics that fit any; those of the bundle, else all events, if left out.
        by: Split by this.
        period: And by this; the window is then a year up to as_of unless it is said.
        since: First day of the window.
        until: Last day of the window.
        as_of: The day it is looked from; today if left out.
        volumes: A table of units, deliveries or lots.
        costs: A table of costs.
    """

    metrics: list[str] = Field(default=["monthly"], min_length=1, max_length=30)
    types: list[str] = Field(default=[])
    by: GroupBy | None = None
    period: Period | None = None
    since: date | None = None
    until: date | None = None
    as_of: date | None = None
    volumes: Source | None = None
    costs: Source | None = None


class MetricsReport(Analysed):
    """Metrics as a table whose first row names the columns; `groups` and `periods` the same by name of the metric."""

    window: str
    values: list[list[Any]]
    groups: dict[str, list[list[Any]]] | None = None
    periods: dict[str, list[list[Any]]] | None = None
    left_out: dict[str, str] | None = None
    records: dict[str, list[str]] | None = None
    definitions: str = "qms://metrics"
