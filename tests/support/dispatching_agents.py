"""Agents that do what their request says, step by step, in place of the ones that look into records.

A request is JSON: `{"seconds": 0.2}` works so long; `fails` so many tries fail; `drafts` records an event of that
title through the tool an agent would use; `lists` reads a list; `blocks` keeps the whole
process busy so long, before all else; `marks` notes the beginning and the end in a file.
"""

import json
import os
import time
from collections import Counter
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import anyio

from qms_mcp.agents.definition import AgentDefinition, AgentName, Calls, Limits, Task, by_name
from qms_mcp.agents.outputs import AgentOutput, Evidence, Finding

NAMES: tuple[AgentName, ...] = ("schema", "data", "qa", "analytics", "ml_eval", "feedback")
tries: Counter[str] = Counter()  # of this process, by request
left: list[tuple[str, float]] = []  # when the work of a task ended or was broken off in this process


def request(**parts: Any) -> str:
    """Return a request."""
    return json.dumps(parts, sort_keys=True)


async def act(calls: Calls, task: Task) -> AgentOutput:
    """Do what the request says."""
    asked: Mapping[str, Any] = json.loads(task.request)
    _mark(asked, f"begin {task.key}")
    time.sleep(float(asked.get("blocks", 0)))  # noqa: ASYNC251 - nothing else shall happen in the process
    label = ""
    if title := asked.get("drafts"):
        answer = await calls.call(
            "report_event", type="nonconformance", title=title, what_happened=title, reason="A test asks for it."
        )
        assert answer.ok, answer.text
        label = answer.label
    if asked.get("lists"):
        label = (await calls.call("list_records", limit=1)).label
    try:
        await anyio.sleep(float(asked.get("seconds", 0)))
    finally:
        left.append((task.key, time.monotonic()))
    tries[task.request] += 1
    if tries[task.request] <= int(asked.get("fails", 0)):
        raise RuntimeError(f"try {tries[task.request]} fails")
    _mark(asked, f"end {task.key}")
    found = Finding(
        statement=f"Task {task.key} saw {', '.join(sorted(task.inputs)) or 'nothing'} before it.",
        severity="info", confidence=0.9, evidence=Evidence(calls=[label] if label else []), subject=task.key,
    )  # fmt: skip
    return AgentOutput(summary=f"{task.key} is done.", insights=[found], actions=[], recommendations=[])


def _mark(asked: Mapping[str, Any], words: str) -> None:
    if place := asked.get("marks"):
        with Path(place).open("a") as marks:
            marks.write(f"{os.getpid()} {words}\n")


@cache
def actors() -> Mapping[str, AgentDefinition]:
    """Return the roster of such agents; as the real one it is made once, because their versions take a while."""
    return by_name(
        [
            AgentDefinition(
                name=name, title=name, purpose=f"Acts as {name}.", prompt=f"You are {name}.", reads=("list_records",),
                drafts=("report_event",), tier="sonnet",
                limits=Limits(turns=8, tokens=30_000, seconds=60, tool_calls=10, answer_tokens=1_000),
                words=(name,), after=("data",) if name == "feedback" else (), playbook=act,
            )
            for name in NAMES
        ]
    )  # fmt: skip


def install(roster: Mapping[str, AgentDefinition]) -> None:
    """Let this process know these agents and no others."""
    from qms_mcp.dispatch import engine
    from qms_mcp.services.dispatch import planning

    engine.roster = planning.roster = lambda: roster  # pyright: ignore[reportAttributeAccessIssue]
