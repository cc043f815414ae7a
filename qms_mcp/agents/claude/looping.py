"""Seeing that a model goes in circles: the same call again and again, or turn after turn that brings nothing new.

It is told once. When it goes on all the same, the run ends.
"""

import json
from collections import defaultdict
from collections.abc import Sequence

from qms_mcp.agents.claude.replies import Block

_SAME_CALLS = 3
_STALE_TURNS = 3
_STALE_END = 5


class Circles:
    """What has been called and heard, round by round.

    Attributes:
        is_looping: It was told, and went on.
    """

    def __init__(self) -> None:
        self._labels: dict[str, list[str]] = defaultdict(list)
        self._times: dict[str, int] = defaultdict(int)
        self._heard: set[str] = set()
        self._was_told = False
        self._told_now = False
        self._stale = 0
        self.is_looping = False

    def may_call(self, use: Block) -> bool:
        """Count a call; False when it is one too many of its kind."""
        key = _key(use)
        self._times[key] += 1
        if self._times[key] < _SAME_CALLS:
            return True
        self.is_looping = self.is_looping or self._was_told
        self._told_now = True
        return False

    def labels(self, use: Block) -> tuple[str, ...]:
        """Return what the calls like this one were labelled."""
        return tuple(self._labels[_key(use)])

    def end_round(self, heard: Sequence[tuple[Block, str, str]]) -> int:
        """Take note of what the calls of a round said; return after how many empty rounds to say so, or 0.

        Args:
            heard: The calls that worked, with their labels and what they said.
        """
        fresh = False
        for use, label, text in heard:
            self._labels[_key(use)].append(label)
            fresh = fresh or text not in self._heard
            self._heard.add(text)
        self._was_told, self._told_now = self._was_told or self._told_now, False
        self._stale = 0 if fresh else self._stale + 1
        self.is_looping = self.is_looping or self._stale >= _STALE_END
        return self._stale if self._stale == _STALE_TURNS else 0


def _key(use: Block) -> str:
    return f"{use['name']} {json.dumps(use['input'], sort_keys=True)}"
