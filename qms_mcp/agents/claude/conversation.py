"""The messages of the next request, made from all rounds so far.

The same rounds always make the same messages, so what was sent before is a prefix of what is sent next and is found in
the cache: it is marked up to the end of the last two messages of ours. When the conversation has become long, older
answers of tools are left out; how far, is decided by the size of the replies that are kept, and seldom changes.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from qms_mcp.agents.claude.answers import answer_format
from qms_mcp.agents.claude.prompting import day_text, left_out_text, system_text, task_text, wrap_up_text
from qms_mcp.agents.claude.replies import Block
from qms_mcp.agents.claude.rounds import Outcome, Round
from qms_mcp.agents.definition import AgentDefinition, Task, Tier
from qms_mcp.agents.stopping import StopReason
from qms_mcp.agents.working import ToolOffer

LONG: dict[Tier, int] = {"opus": 100_000, "sonnet": 100_000, "haiku": 60_000}
_CACHED = {"cache_control": {"type": "ephemeral"}}
_KEPT_WHOLE = 4
_SHORT = 600
_MARKED = 2


def fixed_part(
    definition: AgentDefinition, offers: Sequence[ToolOffer], today: str, *, drafts: bool, effort: str | None
) -> dict[str, Any]:
    """Return what is the same in all requests of a run."""
    system: list[Block] = [
        {"type": "text", "text": system_text(definition)},
        {"type": "text", "text": day_text(today, drafts=drafts), **_CACHED},
    ]
    output_config = {"format": answer_format(), **({"effort": effort} if effort else {})}
    tools = [
        {"name": offer.name, "description": offer.description, "input_schema": dict(offer.input_schema)}
        for offer in offers
    ]
    return {"system": system, "output_config": output_config, **({"tools": tools} if tools else {})}


def messages(task: Task, rounds: Sequence[Round], wrap_up: StopReason | None, long: int) -> list[Block]:
    """Return the messages of a request.

    Args:
        task: What is asked.
        rounds: All rounds so far.
        wrap_up: Why the request is for a last answer, if it is.
        long: The tokens from which a request is too long to go on whole.
    """
    left_out = _left_out(rounds, long)
    asked: list[StopReason | None] = [*(one.reply.wrap_up for one in rounds), wrap_up]
    made: list[Block] = [{"role": "user", "content": _texts(task_text(task), _wrap_up(asked[0]))}]
    place = 0
    for one, next_asked in zip(rounds, asked[1:], strict=True):
        made.append({"role": "assistant", "content": list(one.reply.received.content)})
        results = [_result(outcome, whole=place + n >= left_out) for n, outcome in enumerate(one.outcomes)]
        place += len(one.outcomes)
        after = [*results, *_texts(one.note, _wrap_up(next_asked))]
        if after:
            made.append({"role": "user", "content": after})
    return _marked(made)


def size(request: Mapping[str, Any]) -> int:
    """Return how many characters a request has."""
    return len(json.dumps(request, ensure_ascii=False))


def _wrap_up(reason: StopReason | None) -> str:
    return wrap_up_text(reason) if reason else ""


def _texts(*texts: str) -> list[Block]:
    return [{"type": "text", "text": text} for text in texts if text]


def _result(outcome: Outcome, *, whole: bool) -> Block:
    text = outcome.text
    if not whole and outcome.label and len(text) > _SHORT:
        text = left_out_text(outcome.label, outcome.tool, outcome.ok, len(text))
    error = {} if outcome.ok else {"is_error": True}
    return {"type": "tool_result", "tool_use_id": outcome.use_id, "content": text, **error}


def _left_out(rounds: Sequence[Round], long: int) -> int:
    """Return how many answers, from the first on, are left out; never one the model has not seen whole."""
    left_out = total = 0
    for one in rounds:
        total += len(one.outcomes)
        too_long = one.reply.received.stop_reason == "model_context_window_exceeded"
        if too_long or one.reply.sent_tokens > long:
            left_out = max(left_out, total - max(_KEPT_WHOLE, len(one.outcomes)))
    return left_out


def _marked(made: list[Block]) -> list[Block]:
    """Mark the ends of our last messages, up to which the API keeps a request in its cache."""
    ours = [message for message in made if message["role"] == "user"]
    for message in ours[-_MARKED:]:
        message["content"][-1] = {**message["content"][-1], **_CACHED}
    return made
