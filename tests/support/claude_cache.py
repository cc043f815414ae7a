"""How the Messages API counts a prompt that is marked for its cache: what is read, what is written, what is neither.

A request is a row of blocks: tools, system, messages. Its beginnings are kept up to each mark. One that is kept is
found at a mark or up to twenty blocks before one. Another model, or another choice of tools for the messages, is
another row.
"""

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

_BACK = 20


@dataclass(frozen=True)
class Counted:
    """Tokens of a request."""

    plain: int
    read: int
    written: int


@dataclass
class PromptCache:
    """What is kept."""

    kept: set[str] = field(default_factory=set[str])

    def count(self, body: dict[str, Any]) -> Counted:
        """Return the tokens of a request, and keep it."""
        sizes: list[int] = []
        beginnings: list[str] = []
        marks: list[int] = []
        so_far = str(body.get("model"))
        for place, (text, marked) in enumerate(_blocks(body)):
            so_far = hashlib.sha256((so_far + text).encode()).hexdigest()
            sizes.append(max(1, len(text) // 4))
            beginnings.append(so_far)
            if marked:
                marks.append(place)
        last = marks[-1] if marks else -1
        near = {place for mark in marks for place in range(max(0, mark - _BACK), mark + 1)}
        read = max((place for place in near if beginnings[place] in self.kept), default=-1)
        self.kept.update(beginnings[mark] for mark in marks)
        return Counted(sum(sizes[last + 1 :]), sum(sizes[: read + 1]), sum(sizes[read + 1 : last + 1]))


def _blocks(body: dict[str, Any]) -> Iterator[tuple[str, bool]]:
    for block in (*_listed(body.get("tools") or []), *_listed(body.get("system") or [])):
        yield _bare(block)
    choice = json.dumps(body.get("tool_choice"))
    for message in _listed(body.get("messages") or []):
        for block in _listed(message["content"]):
            text, marked = _bare(block)
            yield choice + message["role"] + text, marked


def _listed(content: Any) -> list[dict[str, Any]]:
    return [{"type": "text", "text": content}] if isinstance(content, str) else list(content)


def _bare(block: dict[str, Any]) -> tuple[str, bool]:
    rest = {name: value for name, value in block.items() if name != "cache_control"}
    return json.dumps(rest, sort_keys=True), bool(block.get("cache_control"))
