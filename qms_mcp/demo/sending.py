"""Agents: a plan first, then four of them at once over the week, and one result; no key is needed."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final, cast

from qms_mcp.demo.script import Answer, Chapter, Memory, Step

SENDS: Final = "dispatch_agents"
REVIEW = "Prepare the weekly quality review"
WHY = "The quality meeting is tomorrow morning."


def _week() -> str:
    return f"weekly-review-{datetime.now(UTC):%G-W%V}"


def _review(_memory: Memory) -> Mapping[str, Any]:
    return {"request": REVIEW, "run_key": _week(), "reason": WHY}


def _found_something(answer: Answer, _memory: Memory) -> bool:
    result = cast("Mapping[str, Any]", answer.get("result", {}))
    return answer.get("status") == "completed" and bool(result.get("insights"))


def _same_as_before(answer: Answer, memory: Memory) -> bool:
    return answer.get("id") == memory.of(SENDS).get("id") and answer.get("status") == "completed"


def _last_sent(memory: Memory) -> Mapping[str, Any]:
    return {"dispatch": memory.of(SENDS).get("id"), "reason": "The meeting was called off."}


def _has_ended(answer: Answer, _memory: Memory) -> bool:
    # Without a model agents are quick: it may have been done before it could be cancelled.
    return answer.get("status") in {"cancelled", "completed"}


AGENTS = Chapter(
    "Send several agents at once",
    (
        Step(
            "Who would look at what for a weekly quality review, and what would it cost?", SENDS,
            {"request": REVIEW, "reason": WHY, "plan_only": True},
            check=lambda a, _: a.get("status") == "planned" and "agents (" in str(a.get("note")),
        ),
        Step(
            "Prepare it.", SENDS, _review, check=_found_something,
            why="No key is set, so each agent followed its playbook, and the note says so. With a key they think.",
        ),
        Step(
            "Show the timeline again.", "get_dispatch", lambda _: {"dispatch": _week()}, check=_same_as_before,
            why="The run_key is its name: sent again under it, it is found and not done twice.",
        ),
        Step(
            "Look into our complaints too, I won't wait.", SENDS,
            {"request": "Which complaints are overdue or unanswered?", "wait": False, "reason": WHY},
            check=lambda a, _: bool(a.get("id")),
        ),
        Step("Stop, we don't need it.", "cancel_dispatch", _last_sent, check=_has_ended),
        Step("What was sent, and is anything waiting?", "list_dispatches", {"limit": 5},
             check=lambda a, _: int(a.get("total", 0)) > 1),
    ),
)  # fmt: skip
