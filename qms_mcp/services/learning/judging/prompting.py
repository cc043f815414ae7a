"""What a judge is shown: texts of others as data, between marks they could not know."""

import hashlib
import json
from collections.abc import Mapping
from typing import Any, TypeAlias

from qms_mcp.agents.claude.prompting import quoted
from qms_mcp.services.learning.judging.rubric import ALONE, SIDE_BY_SIDE

Written: TypeAlias = str | Mapping[str, Any]
_LONGEST = 12_000


def as_text(written: Written) -> str:
    """Return a text, or JSON as text; the same for the same content."""
    if isinstance(written, str):
        return written
    return json.dumps(written, ensure_ascii=False, sort_keys=True, default=str)


def alone_prompt(request: str, answer: Written, criterion: str = "") -> str:
    """Return what a judge of one answer is shown."""
    return _prompt(ALONE, criterion, request=request, answer=as_text(answer))


def pair_prompt(request: str, first: Written, second: Written, criterion: str = "") -> str:
    """Return what a judge of two answers is shown."""
    return _prompt(SIDE_BY_SIDE, criterion, request=request, first=as_text(first), second=as_text(second))


def _prompt(task: str, criterion: str, **texts: str) -> str:
    given = {"request": texts.pop("request"), **({"criterion": criterion} if criterion.strip() else {}), **texts}
    # Nobody can write a text that holds its own hash; the same texts have the same mark, so they are asked once.
    mark = hashlib.sha256(json.dumps(given, sort_keys=True).encode()).hexdigest()[:16]
    return "\n".join([*(f"<{name} {mark}>{quoted(_cut(text))}</{name} {mark}>" for name, text in given.items()), task])


def _cut(text: str) -> str:
    if len(text) <= _LONGEST:
        return text
    return f"{text[:_LONGEST]} [the rest of {len(text)} characters is left out]"
