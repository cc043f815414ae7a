"""One reply of the model, as it is kept and as it goes back to the API in the next request."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, TypeAlias, cast

from qms_mcp.agents.stopping import StopReason
from qms_mcp.agents.working import Usage

Block: TypeAlias = dict[str, Any]
KIND = "model"
LOST = "lost"
# The API takes no message without content.
_NOTHING = "(nothing)"
# The reply ends where the room for it did: at its own limit, or at that of the whole conversation.
_CUT = ("max_tokens", "model_context_window_exceeded")


@dataclass(frozen=True, slots=True)
class Received:
    """What came over the wire.

    Attributes:
        content: Blocks that can go back to the API as they are.
        broken: Arguments of calls that are no JSON object, as they came, by the id of the call.
        words: What the API says about a refusal.
    """

    model: str
    content: tuple[Block, ...]
    stop_reason: str
    usage: Usage
    broken: Mapping[str, str] = field(default_factory=dict[str, str])
    words: str = ""


@dataclass(frozen=True, slots=True)
class Reply:
    """A reply that is kept.

    Attributes:
        asked: The model that was asked; the one that answered is in `received`.
        today: The date the agent was told.
        sent: How many characters the request had.
        wrap_up: Why this was the request for a last answer, if it was.
        seconds: How long the reply took.
        elapsed: How long the agent had worked when it was there, over all processes that had the run.
    """

    turn: int
    asked: str
    today: str
    sent: int
    received: Received
    cost_usd: float
    wrap_up: StopReason | None
    seconds: float
    elapsed: float

    def entry(self) -> dict[str, Any]:
        """Return the reply as it is kept."""
        return asdict(self)

    @classmethod
    def from_entry(cls, entry: Mapping[str, Any]) -> "Reply":
        """Return the reply that was kept."""
        kept: dict[str, Any] = entry["received"]
        received = Received(
            model=kept["model"],
            content=tuple(kept["content"]),
            stop_reason=kept["stop_reason"],
            usage=Usage(**kept["usage"]),
            broken=kept["broken"],
            words=kept["words"],
        )
        rest: dict[str, Any] = {**entry, "received": received}
        return cls(**rest)

    @property
    def text(self) -> str:
        """What it says, without thoughts and calls."""
        said = "".join(block["text"] for block in self.received.content if block["type"] == "text")
        return "" if said == _NOTHING else said

    @property
    def tool_uses(self) -> list[Block]:
        """The calls it asks for."""
        return [block for block in self.received.content if block["type"] == "tool_use"]

    @property
    def is_cut(self) -> bool:
        """Whether it ends in the middle."""
        return self.received.stop_reason in _CUT

    @property
    def sent_tokens(self) -> int:
        """How many tokens the request had."""
        return self.received.usage.total - self.received.usage.output


def sendable(content: list[Block]) -> tuple[Block, ...]:
    """Return blocks the API takes back: no empty text, no thought without its signature, and at least one."""
    kept = [block for block in content if _is_whole(block)]
    return tuple(kept or [{"type": "text", "text": _NOTHING}])


def _is_whole(block: Block) -> bool:
    if block["type"] == "text":
        return bool(block["text"].strip())
    return block["type"] != "thinking" or bool(block.get("signature"))


def usage_of(counted: Mapping[str, Any]) -> Usage:
    """Return the tokens the API counted for one reply."""
    by_lifetime = cast("Mapping[str, int]", counted.get("cache_creation") or {})
    detailed = cast("Mapping[str, int]", counted.get("output_tokens_details") or {})
    written = counted.get("cache_creation_input_tokens") or 0
    for_an_hour = by_lifetime.get("ephemeral_1h_input_tokens") or 0
    return Usage(
        input=counted.get("input_tokens") or 0,
        output=counted.get("output_tokens") or 0,
        cache_read=counted.get("cache_read_input_tokens") or 0,
        cache_write=max(written - for_an_hour, by_lifetime.get("ephemeral_5m_input_tokens") or 0),
        cache_write_1h=for_an_hour,
        thinking=detailed.get("thinking_tokens") or 0,
        requests=1,
    )
