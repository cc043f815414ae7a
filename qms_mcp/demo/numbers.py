"""Numbers: a chart with its limits, frozen and used; capability; key figures; what matters most; a report."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from qms_mcp.demo.script import Answer, Chapter, Memory, Step

CHART: Final = "spc_chart"
BASELINE: Final = "BL-SEALER-2-FORCE"
# Seal force of thirty pouches, in newton: a process at 22 N with its usual spread.
FORCES = (
    21.9, 22.3, 21.6, 22.1, 22.4, 21.8, 22.0, 22.6, 21.7, 22.2, 21.5, 22.1, 22.3, 21.9, 22.0, 22.5, 21.8, 22.2, 21.7,
    22.0, 22.4, 21.9, 22.1, 21.6, 22.3, 22.0, 21.8, 22.2, 22.1, 21.9,
)  # fmt: skip
# A week later the jaw ran hot.
LATER = (22.1, 21.9, 22.6, 22.9, 22.7, 23.1, 22.8, 23.4, 23.0, 23.6)
WHY = "The sealer was qualified in the spring."


def _forces(values: tuple[float, ...]) -> Mapping[str, Any]:
    return {"columns": {"force": list(values)}, "units": {"force": "N"}}


def _calculation(memory: Memory) -> str:
    provenance: Mapping[str, Any] = memory.of(CHART).get("provenance", {})
    return str(provenance.get("calculation", ""))


def _last_month() -> str:
    return f"{datetime.now(UTC).replace(day=1) - timedelta(days=1):%Y-%m}"


def _in_control(answer: Answer, _memory: Memory) -> bool:
    return answer.get("in_control") is True and bool(answer.get("limits_to_freeze"))


def _out_of_control(answer: Answer, _memory: Memory) -> bool:
    return answer.get("in_control") is False and "signals" in answer


NUMBERS = Chapter(
    "Numbers one can defend",
    (
        Step(
            "Is the seal force of pouch sealer 2 in control?", CHART,
            {"source": _forces(FORCES), "value": "force", "picture": "none"}, check=_in_control,
            why="It chose the chart, says why, and keeps what it computed; the limits are those of these pouches.",
        ),
        Step(
            "Can it hold 22 N plus or minus 1.5?", "process_capability",
            {"source": _forces(FORCES), "value": "force", "lsl": 20.5, "usl": 23.5, "picture": "none"},
            check=lambda a, _: bool(a.get("headline")),
            why="Cpk comes with its interval: thirty pouches do not prove much.",
        ),
        Step(
            "Keep these limits for the weeks to come.", "freeze_baseline",
            lambda memory: {"calculation": _calculation(memory), "name": "SEALER-2-FORCE", "reason": WHY,
                            "idempotency_key": "demo-sealer-2"},
            check=lambda a, _: str(a.get("baseline", "")).startswith(BASELINE),
            why="The baseline is a controlled document now, a draft: a person reviews and signs it.",
        ),
        Step(
            "And this week?", CHART,
            {"source": _forces(LATER), "value": "force", "options": {"baseline": BASELINE}, "picture": "none"},
            check=_out_of_control,
            why="Judged against the frozen limits: which rule fired, where it first did, and that nobody signed them.",
        ),
        Step(
            "Would that come out the same again?", "recompute", lambda memory: {"calculation": _calculation(memory)},
            check=lambda a, _: a.get("same") is True,
        ),
        Step(
            "Where are we losing time on CAPAs?", "calculate_metrics", {"metrics": ["capa"], "period": "quarter"},
            check=lambda a, _: len(a.get("values", ())) > 1,
            why="Each figure with n, an exact interval and the records behind it; qms://metrics has the formulas.",
        ),
        Step(
            "Which areas have most nonconformances?", "pareto",
            {"source": {"records": "nonconformance"}, "category": "area", "picture": "none"},
            check=lambda a, _: bool(a.get("vital_few")),
        ),
        Step(
            "Are they becoming more?", "detect_trends",
            {"source": {"records": "nonconformance"}, "time": "reported_at", "period": "month", "picture": "none"},
            check=lambda a, _: bool(a.get("headline")),
        ),
        Step(
            "Eight hundred parts come in at an AQL of 1.0: how many do we look at?", "sampling_plan",
            {"lot_size": 800, "aql": 1.0}, check=lambda a, _: "80" in str(a.get("headline")),
        ),
        Step(
            "Write the monthly quality report.", "quality_report",
            lambda _: {"kind": "monthly", "period": _last_month(), "reason": "The quality meeting is on Monday.",
                       "idempotency_key": f"demo-monthly-{_last_month()}"},
            check=lambda a, _: bool(a.get("number")),
            why="Markdown, HTML and PDF, each with its sha256, marked as drafted: a draft document a person signs.",
        ),
    ),
)  # fmt: skip
