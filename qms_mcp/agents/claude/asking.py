"""Sending one request and reading the stream of its answer.

The stream is put together here, not by the SDK: arguments of a call that are no JSON would end the whole reply there,
and are one failed call here; a stream that ends without its last event would pass for a whole reply there, and is cut
here. What a reply that did not come through has cost is counted in `lost`.
"""

import json
from collections.abc import Mapping
from itertools import count
from time import monotonic
from typing import Any, cast

import anyio

from qms_mcp.agents.claude.access import ClaudeAccess
from qms_mcp.agents.claude.failures import CutStreamError, Failure, ModelFailedError, failure_of
from qms_mcp.agents.claude.progress import Progress
from qms_mcp.agents.claude.replies import Block, Received, sendable, usage_of
from qms_mcp.agents.working import Usage

_CHARACTERS_A_TOKEN = 4
_MOST_RAW = 500
_LISTED = {"citations_delta": ("citations", "citation")}
_GROWING = {"text_delta": "text", "thinking_delta": "thinking"}


class Asking:
    """One request, tried until it is answered or trying makes no sense.

    Args:
        access: The way to Claude.
        progress: Who is told.

    Attributes:
        lost: Tokens of replies that did not come through.
    """

    def __init__(self, access: ClaudeAccess, progress: Progress) -> None:
        self._access = access
        self._progress = progress
        self._growing: _Growing | None = None
        self._lost = Usage()

    @property
    def lost(self) -> Usage:
        """Tokens of replies that did not come through, the one in flight with them."""
        return self._lost if self._growing is None else self._lost.plus(self._growing.so_far())

    async def ask(self, request: Mapping[str, Any], seconds: float) -> Received:
        """Return the reply.

        Args:
            request: As the API wants it.
            seconds: A wait that would go beyond them is not begun.

        Raises:
            ModelFailedError: There is none.
        """
        until = monotonic() + seconds
        for attempt in count(1):
            try:
                return await self._stream(request)
            except Exception as error:  # noqa: BLE001 - every kind ends in words
                failure = failure_of(error)
            self._lost, self._growing = self.lost, None
            pause = self._access.pause(attempt, failure.retry_after)
            if not failure.transient or attempt > self._access.retries:
                raise ModelFailedError(failure)
            if monotonic() + pause >= until:
                raise ModelFailedError(_too_long(failure, pause))
            await self._progress.say(f"{failure.message} Trying again in {pause:.1f} s.", now=True)
            await anyio.sleep(pause)
        raise AssertionError("the loop has no end of its own")

    async def _stream(self, request: Mapping[str, Any]) -> Received:
        client = await self._access.client()
        self._growing = growing = _Growing()
        async with await client.messages.create(**request, stream=True) as stream:
            async for event in stream:
                growing.add(event)
                await self._tell(event)
        received = growing.received()
        self._growing = None
        return received

    async def _tell(self, event: Any) -> None:
        if event.type == "content_block_start":
            block = event.content_block
            match block.type:
                case "tool_use":
                    await self._progress.say(f"calls {block.name}")
                case "thinking":
                    await self._progress.say("thinks")
                case _:
                    await self._progress.say("writes")
        elif event.type == "content_block_delta" and event.delta.type == "text_delta":
            await self._progress.writes(event.delta.text)


class _Growing:
    """A message that is coming in."""

    def __init__(self) -> None:
        self._model = ""
        self._blocks: list[Block] = []
        self._arguments: dict[int, str] = {}
        self._counted: dict[str, Any] = {}
        self._stop_reason = ""
        self._words = ""
        self._is_whole = False

    def add(self, event: Any) -> None:
        """Take in an event of the stream; a kind that is not known changes nothing."""
        match event.type:
            case "message_start":
                self._model = event.message.model
                self._count(event.message.usage)
            case "content_block_start":
                self._blocks.append(event.content_block.model_dump(mode="json", exclude_none=True))
            case "content_block_delta":
                self._grow(event.index, event.delta)
            case "message_delta":
                self._stop_reason = event.delta.stop_reason or ""
                self._words = getattr(event.delta.stop_details, "explanation", None) or ""
                self._count(event.usage)
            case "message_stop":
                self._is_whole = True
            case _:
                pass

    def _count(self, usage: Any) -> None:
        # The counts of the end are totals; what they leave out stays as it was at the start.
        self._counted |= usage.model_dump(mode="json", exclude_none=True)

    def _grow(self, index: int, delta: Any) -> None:
        block = self._blocks[index]
        if delta.type in _GROWING:
            part = _GROWING[delta.type]
            block[part] = block.get(part, "") + getattr(delta, part)
        elif delta.type == "input_json_delta":
            self._arguments[index] = self._arguments.get(index, "") + delta.partial_json
        elif delta.type == "signature_delta":
            block["signature"] = delta.signature
        elif delta.type in _LISTED:
            part, one = _LISTED[delta.type]
            block.setdefault(part, []).append(getattr(delta, one).model_dump(mode="json", exclude_none=True))

    def received(self) -> Received:
        """Return the whole message.

        Raises:
            CutStreamError: It is not whole.
        """
        if not self._is_whole or not self._stop_reason:
            raise CutStreamError
        broken: dict[str, str] = {}
        for index, text in self._arguments.items():
            block = self._blocks[index]
            arguments = _object(text)
            block["input"] = arguments or {}
            if arguments is None:
                broken[block["id"]] = text[:_MOST_RAW]
        for block in self._blocks:
            if block["type"] == "tool_use" and not isinstance(block.get("input"), dict):
                broken[block["id"]] = json.dumps(block.get("input"))[:_MOST_RAW]
                block["input"] = {}
            # A thought is signed as it is; the rest has to be kept, and called with.
            if block["type"] in {"text", "tool_use"}:
                block.update(_storable(block))
        return Received(
            model=self._model,
            content=sendable(self._blocks),
            stop_reason=self._stop_reason,
            usage=usage_of(self._counted),
            broken=broken,
            words=self._words,
        )

    def so_far(self) -> Usage:
        """Return about what it has cost, though it is not whole: what was sent is known, what was written guessed."""
        if not self._counted:
            return Usage()
        written = sum(len(block.get("text", "")) + len(block.get("thinking", "")) for block in self._blocks)
        written += sum(len(text) for text in self._arguments.values())
        counted = usage_of(self._counted)
        return Usage(
            input=counted.input,
            output=max(counted.output, written // _CHARACTERS_A_TOKEN),
            cache_read=counted.cache_read,
            cache_write=counted.cache_write,
            cache_write_1h=counted.cache_write_1h,
        )


def _object(text: str) -> dict[str, Any] | None:
    if not text.strip():
        return {}
    try:
        value = json.loads(text)
    except json.JSONDecodeError:
        return None
    return cast("dict[str, Any]", value) if isinstance(value, dict) else None


def _storable(value: Any) -> Any:
    """Return a value without what neither the database nor the next request can hold: NUL and half characters."""
    if isinstance(value, str):
        return value.replace("\0", "").encode(errors="replace").decode()
    if isinstance(value, dict):
        return {_storable(name): _storable(one) for name, one in cast("dict[str, Any]", value).items()}
    if isinstance(value, list):
        return [_storable(one) for one in cast("list[Any]", value)]
    return value


def _too_long(failure: Failure, pause: float) -> Failure:
    hint = f"It may be tried again in {pause:.0f} s; the agent has less time than that."
    return Failure(failure.message, hint, transient=True, retry_after=failure.retry_after)
