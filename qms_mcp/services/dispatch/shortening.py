"""Reports as a model reads them: the highest ranked first, the rest by its address, never longer than it can use."""

from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias, cast

from pydantic_core import to_json

from qms_mcp.agents.plan_models import Plan
from qms_mcp.services.dispatch.models import DispatchReport

Parts: TypeAlias = dict[str, Any]
MOST_BYTES = 45_000
_LISTS = ("insights", "actions", "recommendations", "contradictions")
_STEPS = ((20, 4, 400), (12, 2, 300), (6, 1, 250), (3, 1, 200), (1, 1, 120))
_MOST_NOTE = 300


def shortened(report: DispatchReport) -> DispatchReport:
    """Return the report with as much of its result and its plan as fits into an answer, and how much there is."""
    found = report
    for most, sources, words in _STEPS:
        found = _cut(report, most, sources, words)
        if len(to_json(found)) <= MOST_BYTES:
            break
    return found


def short_plan(plan: Plan | Mapping[str, Any], words: int = 200) -> Parts:
    """Return a plan with requests as long as it takes to tell them apart."""
    whole = plan.model_dump(mode="json") if isinstance(plan, Plan) else dict(plan)
    tasks = cast("Sequence[Mapping[str, Any]]", whole.get("tasks", ()))
    made = [_shorter_texts({k: v for k, v in task.items() if v not in (None, "", [])}, words) for task in tasks]
    return {**_shorter_texts(whole, words), "tasks": made}


def _cut(report: DispatchReport, most: int, sources: int, words: int) -> DispatchReport:
    changes: Parts = {
        "agents": tuple(one.model_copy(update={"note": _short(one.note, _MOST_NOTE)}) for one in report.agents),
        "note": _short(report.note, 2_000),
    }
    if report.plan is not None:
        changes["plan"] = short_plan(report.plan, words)
    if report.result is not None:
        changes["result"] = _short_result(report.result, report.uri, most, sources, words)
    return report.model_copy(update=changes)


def _short_result(result: Mapping[str, Any], uri: str, most: int, sources: int, words: int) -> Parts:
    # What matters most comes first; as it is kept, the order is lost.
    ranked = {name: result[name] for name in ("summary", *_LISTS, *result) if name in result}
    made: Parts = _shorter_texts(ranked, 2_000)
    totals = {name: len(result.get(name, ())) for name in _LISTS}
    for name in _LISTS:
        items = cast("Sequence[Mapping[str, Any]]", result.get(name, ()))[:most]
        made[name] = [_short_item(item, sources, words) for item in items]
    made = {name: value for name, value in made.items() if value != []}
    made["totals"] = totals
    if any(total > most for total in totals.values()):
        made["rest"] = f"The first {most} of each list; all of it: {uri}"
    return made


def _short_item(item: Mapping[str, Any], sources: int, words: int) -> Parts:
    ranked = {name: item[name] for name in ("id", "statement", "severity", *item) if name in item}
    made = _shorter_texts(ranked, max(words, 1_000) if sources > 1 else words)
    listed = cast("Sequence[Mapping[str, Any]]", item.get("sources", ()))
    if listed:
        made["sources"] = [_short_source(source, words) for source in listed[:sources]]
        if len(listed) > sources:
            made["more_sources"] = len(listed) - sources
    return made


def _short_source(source: Mapping[str, Any], words: int) -> Parts:
    named = {name: list(source.get(name, ()))[:10] for name in ("calls", "records") if source.get(name)}
    return {**_shorter_texts(source, words), **named}


def _shorter_texts(part: Mapping[str, Any], most: int) -> Parts:
    return {key: _short(value, most) if isinstance(value, str) else value for key, value in part.items()}


def _short(text: str, most: int) -> str:
    return text if len(text) <= most else f"{text[: most - 3]}..."
