"""What the feedback agent does without a model: what complaints are about, how grave, what repeats, what waits.

Themes come from the classifier where it may be used. Without it they come from words that titles share: a weaker
sign, and the confidence says so.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

from qms_mcp.agents.definition import Calls, Task
from qms_mcp.agents.inspecting import LIKELY, SUGGESTED, Check, Inspection, Table, counted, inspect, share, some
from qms_mcp.agents.one_record import NEIGHBOURS, SEEN_BEFORE, STATES
from qms_mcp.agents.outputs import AgentOutput, Severity
from qms_mcp.agents.subjects import records_of

_WORD = re.compile(r"[^\W\d_]{3,}")
# Words that say nothing of what happened.
_EMPTY = frozenset({
    "and", "are", "after", "been", "before", "does", "for", "from", "has", "have", "into", "its", "than", "that", "the",
    "this", "time", "was", "were", "with",
})  # fmt: skip
_GRAVE: dict[str, Severity] = {"death": "critical", "serious_injury": "major"}
_THEME = 3
_MOST_THEMES = 4


async def playbook(calls: Calls, task: Task) -> AgentOutput:
    """Look at the complaints the task names, or else at all, the newest in their own words."""
    if records_of(task):
        return await inspect(calls, task, "Feedback", [STATES, SEEN_BEFORE, NEIGHBOURS])
    checks = [
        Check("what happened", _events),
        Check("complaints without an answer", _unanswered),
        Check("themes", _themes),
        Check("ratings of answers", _ratings),
    ]
    return await inspect(calls, task, "Feedback", checks)


async def _events(inspection: Inspection) -> None:
    table = await inspection.rows("complaint_events", "what happened")
    if table is None:
        return
    whole = sum(row["complaints"] for row in table.rows)
    kinds = [((row["event_type"] or "not recorded").replace("_", " "), row["complaints"]) for row in table.rows]
    parts = some((f"{kind} {count}" for kind, count in kinds), 6)
    inspection.insight(
        f"{counted(whole, 'complaint')} in all{f': {parts}' if parts else ''}.",
        call=table.label, subject="complaint", measure="count", value=whole,
    )  # fmt: skip
    for row in table.rows:
        severity = _GRAVE.get(row["event_type"] or "")
        if severity:
            numbers = row["numbers"].split()
            words = row["event_type"].replace("_", " ")
            inspection.action(
                f"{counted(row['complaints'], 'complaint')} about {words}, {row['open']} open: "
                f"{some(numbers, of=row['complaints'])}. A person judges each for reporting before anything else.",
                call=table.label, severity=severity if row["open"] else "info", subject="complaint",
                measure=f"event type {words}", value=row["complaints"], records=numbers,
            )  # fmt: skip


async def _unanswered(inspection: Inspection) -> None:
    table = await inspection.rows("unanswered_complaints", "complaints without an answer")
    if table is None or not table.rows:
        return
    numbers = [row["number"] for row in table.rows]
    count = f"{'more than ' if table.more else ''}{len(numbers)}"
    inspection.action(
        f"{count} open complaints have waited for a reply for more than thirty days, {numbers[0]} for "
        f"{table.rows[0]['days']}: {some(numbers)}.",
        call=table.label, severity="major", subject="complaint", measure="without reply after thirty days", value=count,
        records=numbers,
    )  # fmt: skip


async def _themes(inspection: Inspection) -> None:
    table = await inspection.rows("newest_complaints", "themes")
    if table is None or not table.rows:
        return
    if inspection.may("classify_feedback"):
        await _classified(inspection, table)
    for words, rows in _shared_words(table.rows)[:_MOST_THEMES]:
        numbers = [row["number"] for row in rows]
        inspection.insight(
            f"{len(rows)} of the {len(table.rows)} newest complaints share the words “{words}”: {some(numbers)}.",
            call=table.label, severity="minor", confidence=SUGGESTED, subject=f"theme {words}", measure="complaints",
            value=len(rows), records=numbers,
        )  # fmt: skip
        await _past(inspection, words, rows[0]["number"])


async def _classified(inspection: Inspection, table: Table) -> None:
    texts = [f"{row['title']}. {row['description'] or ''}".strip() for row in table.rows]
    shown = await inspection.ask("classify_feedback", "classes of the newest complaints", texts=texts)
    if shown is None:
        return
    by_category: defaultdict[str, list[str]] = defaultdict(list)
    harmful: list[str] = []
    for row, entry in zip(table.rows, shown.entries("results"), strict=True):
        by_category[entry["category"]].append(row["number"])
        if entry["urgency"] == "safety" and row["open"]:
            harmful.append(row["number"])
    if harmful:
        inspection.action(
            f"{counted(len(harmful), 'open complaint')} may speak of harm: {some(harmful)}. A person reads each first.",
            call=shown.label, severity="major", confidence=LIKELY, subject="complaint", measure="open, speak of harm",
            value=len(harmful), records=harmful,
        )  # fmt: skip
    for category, numbers in sorted(by_category.items(), key=lambda item: -len(item[1])):
        inspection.insight(
            f"{len(numbers)} of the {len(texts)} newest complaints ({share(len(numbers), len(texts))}) are about "
            f"{category.replace('_', ' ')}: {some(numbers)}.",
            call=shown.label, confidence=LIKELY, subject=f"complaints about {category}", measure="classified",
            value=len(numbers), records=numbers,
        )  # fmt: skip


async def _past(inspection: Inspection, words: str, record: str) -> None:
    """Note what came of earlier cases like the newest of a theme."""
    shown = await inspection.ask("find_similar", f"cases like {record}", record=record, limit=3)
    cases = shown.entries("cases") if shown else []
    if shown is None or not cases:
        return
    closed = [case for case in cases if case["state"] == "closed"]
    alike = [case["citation"].partition(" ")[0] for case in cases]
    days = [int(case["days_to_close"]) for case in closed if case.get("days_to_close") is not None]
    inspection.insight(
        f"Cases like {record}: {some(alike)}; {len(closed)} of {len(cases)} closed"
        f"{f', in {max(days)} days or less' if days else ''}. What was done there can be read before a new inquiry.",
        call=shown.label, confidence=LIKELY, subject=f"theme {words}", measure="similar cases", value=len(cases),
        records=[record, *alike],
    )  # fmt: skip


def _shared_words(rows: Sequence[Mapping[str, Any]]) -> list[tuple[str, list[Mapping[str, Any]]]]:
    """Return pairs of words that several titles share, the most frequent first, no complaint in two themes."""
    pairs: defaultdict[tuple[str, str], list[int]] = defaultdict(list)
    for place, row in enumerate(rows):
        for pair in _pairs(row["title"], row["product"] or ""):
            pairs[pair].append(place)
    themes: list[tuple[str, list[Mapping[str, Any]]]] = []
    taken: set[int] = set()
    order = Counter({pair: len(places) for pair, places in pairs.items()})
    for pair, _ in sorted(order.items(), key=lambda item: (-item[1], item[0])):
        left = [place for place in pairs[pair] if place not in taken]
        if len(left) >= _THEME:
            taken.update(left)
            themes.append((" ".join(pair), [rows[place] for place in left]))
    return themes


def _pairs(title: str, product: str) -> set[tuple[str, str]]:
    """Return neighbouring words of a title, without who complains and about which product: these are no theme."""
    said = title.rpartition(": ")[2].lower()
    if product:
        said = said.replace(product.lower(), " ")
    words = [word for word in _WORD.findall(said) if word not in _EMPTY]
    return set(pairwise(words))


async def _ratings(inspection: Inspection) -> None:
    table = await inspection.rows("ratings", "ratings of answers")
    for row in table.rows if table else ():
        if row["low"]:
            inspection.insight(
                f"{row['low']} of {counted(row['ratings'], 'rating')} from {row['source']} are under 0.5.",
                call=table.label if table else "", severity="minor", subject="answers",
                measure=f"low ratings from {row['source']}", value=row["low"],
            )  # fmt: skip
