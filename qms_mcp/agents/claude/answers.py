"""Reading the final answer: whole and of the set shape, or a complaint the model can act on."""

import json
from functools import cache
from typing import Any

from pydantic import ValidationError

from qms_mcp.agents.outputs import AgentOutput

_MOST_ERRORS = 8
_MOST_WORDS = 1_200


@cache
def answer_format() -> dict[str, Any]:
    """Return the shape as the API wants it."""
    from anthropic import transform_schema  # noqa: PLC0415 - not at start

    return {"type": "json_schema", "schema": transform_schema(AgentOutput)}


def read_answer(text: str) -> AgentOutput | str:
    """Return the answer in a text, or what is wrong with it."""
    bare = _without_fence(text.strip())
    if not bare:
        return "it is empty."
    try:
        value = json.loads(bare)
    except json.JSONDecodeError as wrong:
        return f"it is no JSON ({wrong.msg} at character {wrong.pos})."
    try:
        return AgentOutput.model_validate(value)
    except ValidationError as wrong:
        errors = wrong.errors(include_url=False, include_input=False)
        listed = "; ".join(
            f"{'.'.join(str(part) for part in error['loc']) or 'answer'}: {error['msg']}"
            for error in errors[:_MOST_ERRORS]
        )
        more = f"; and {len(errors) - _MOST_ERRORS} more" if len(errors) > _MOST_ERRORS else ""
        return f"{listed}{more}."


def so_far(last_words: str, called: list[str]) -> AgentOutput:
    """Return what there is when no answer was given: which tools were called, and the last words; no findings."""
    did = f"It called {', '.join(called)}." if called else "It called no tool."
    said = f" Its last words: {last_words.strip()}" if last_words.strip() else ""
    summary = f"The agent ended without an answer. {did}{said}"
    return AgentOutput(summary=summary[:_MOST_WORDS], insights=[], actions=[], recommendations=[])


def _without_fence(text: str) -> str:
    if text.startswith("```") and text.endswith("```"):
        return text[3:-3].removeprefix("json").strip()
    return text
