"""Getting better: why an agent answered so, what people say of it, and why nothing goes to people by itself."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final, cast

from qms_mcp.demo.script import Answer, Chapter, Memory, Step

EXPLAINS: Final = "explain_run"
QA: Final = {"agent": "qa"}
WHY = "The quality meeting talked about the agents too."


def _review(_memory: Memory) -> Mapping[str, Any]:
    return {"run": f"weekly-review-{datetime.now(UTC):%G-W%V}", **QA}


def _feedback(memory: Memory) -> Mapping[str, Any]:
    run = str(memory.of(EXPLAINS).get("run_id", ""))
    said = "Right, but it should name who is to act."
    return {"run": run, "score": 0.75, "comment": said, "reason": WHY, "idempotency_key": f"demo-{run}"}


def _is_whole(answer: Answer, _memory: Memory) -> bool:
    version = cast("Mapping[str, Any]", answer.get("version", {}))
    return "qa@" in str(answer.get("headline")) and "what its name says" in str(version.get("reproduced"))


def _has_headline(answer: Answer, _memory: Memory) -> bool:
    return bool(answer.get("headline"))


IMPROVING = Chapter(
    "Agents that get better, and nothing by itself",
    (
        Step(
            "Why did the quality agent answer as it did?", EXPLAINS, _review, check=_is_whole,
            why="Who asked, which version answered and why, what each finding rests on; the version's hash is checked.",
        ),
        Step(
            "Tell them it was right, but should name who is to act.", "record_feedback", _feedback,
            check=lambda a, _: a.get("given_kind") == "agent",
            why="It counts as passed on. What a person says for themselves is said on the review page.",
        ),
        Step("What do people say of it?", "analyze_feedback", QA, check=_has_headline,
             why="People, scorers and judges are told apart, and small numbers are called small."),
        Step("Which answers should somebody look at?", "annotation_queue", QA,
             check=lambda a, _: int(a.get("total", -1)) >= 0),
        Step("Has it drifted?", "detect_drift", QA, check=_has_headline,
             why="A handful of runs proves nothing, and it says so."),
        Step("Which versions are there?", "list_models", QA,
             check=lambda a, _: "shipped" in str(a.get("versions"))),
        Step(
            "Put it into production.", "promote_model",
            {**QA, "version": "shipped", "to": "production", "reason": WHY}, expects="refusal",
            why="It is there already. Another one has to be trained, pass six gates, and be signed by somebody else.",
        ),
        Step("What did all that use?", "get_usage", {"by": "agent", "days": 7}, check=_has_headline),
        Step("Is anything beyond its limit?", "get_alerts", {}, check=_has_headline),
    ),
)  # fmt: skip
