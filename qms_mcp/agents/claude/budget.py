"""Whether there may be one more request, how long its answer may be, and whether it must be the last.

A request is begun only when it can be paid for even if nothing of it is found in the cache, and the answer may only be
as long as what is left pays for. While there is enough for two, it is an ordinary one; when there is enough for one
alone, it is the request for the last answer. How many tokens a request will have is guessed from its characters and
from what the one before really had, so what is spent may go beyond the limit by the error of that guess, and no more.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from qms_mcp.agents.claude.prices import Price
from qms_mcp.agents.claude.replies import Reply
from qms_mcp.agents.definition import Limits
from qms_mcp.agents.stopping import StopReason
from qms_mcp.agents.working import Allowance, Usage

_TOKENS_A_CHARACTER = 1 / 3
_RATIO_MARGIN = 1.05
_LEAST_ANSWER = 1_000
# Of the time there is, what is kept for a last answer: at least, and at most.
_LEAST_TIME = 0.1
_MOST_TIME = 0.3


@dataclass(frozen=True, slots=True)
class Permit:
    """Leave to send one request.

    Attributes:
        answer_tokens: How long its answer may be; 0 when there may be no request.
        wrap_up: Why it is the last one, or why there is none.
    """

    answer_tokens: int
    wrap_up: StopReason | None = None


@dataclass(frozen=True, slots=True)
class Budget:
    """What a run may use up.

    Attributes:
        limits: Of the agent.
        allowance: Of this run.
        price: Of its model.
    """

    limits: Limits
    allowance: Allowance
    price: Price

    @property
    def tokens(self) -> int:
        """How many tokens there are in all."""
        return min(self.limits.tokens, self.allowance.tokens)

    @property
    def seconds(self) -> float:
        """How long it may take in all."""
        return min(float(self.limits.seconds), self.allowance.seconds)

    def permit(self, replies: Sequence[Reply], characters: int, spent: Usage, usd: float, elapsed: float) -> Permit:
        """Return whether there may be one more request.

        Args:
            replies: All there were.
            characters: Of the request.
            spent: Tokens so far.
            usd: Their cost.
            elapsed: Seconds so far.
        """
        left = self.limits.turns - len(replies)
        if left <= 0:
            return Permit(0, "turn_limit")
        if elapsed >= self.seconds:
            return Permit(0, "timeout")
        sent = self._tokens_of(characters, replies)
        wanted = self.limits.answer_tokens * (2 if replies and replies[-1].is_cut else 1)
        least = min(_LEAST_ANSWER, self.limits.answer_tokens)
        one, two = self._answers(sent, spent, usd)
        if one < least:
            return Permit(0, "budget")
        if two < 2 * least:
            # A first request that has to be the last can look nothing up.
            return Permit(min(wanted, one), "budget") if replies else Permit(0, "budget")
        reason = self._last_turn(left, replies, elapsed)
        return Permit(min(wanted, one if reason else two - least), reason)

    def _answers(self, sent: int, spent: Usage, usd: float) -> tuple[int, int]:
        """How long the answers of one request, and of two, may be together."""
        left = self.tokens - spent.total
        one, two = float(left - sent), float(left - 2 * sent)
        if self.allowance.usd is not None and self.price.output > 0:
            money, asking = self.allowance.usd - usd, sent * self.price.dearest_input
            one = min(one, (money - asking) / self.price.one_output)
            two = min(two, (money - 2 * asking) / self.price.one_output)
        return int(one), int(two)

    def _last_turn(self, left: int, replies: Sequence[Reply], elapsed: float) -> StopReason | None:
        if left == 1:
            return "turn_limit"
        slowest = max((reply.seconds for reply in replies), default=0.0)
        kept = min(max(2 * slowest, self.seconds * _LEAST_TIME), self.seconds * _MOST_TIME)
        return "timeout" if self.seconds - elapsed < kept else None

    @staticmethod
    def _tokens_of(characters: int, replies: Sequence[Reply]) -> int:
        ratio = _TOKENS_A_CHARACTER
        if replies and replies[-1].sent:
            ratio = min(1.0, replies[-1].sent_tokens / replies[-1].sent * _RATIO_MARGIN)
        return int(characters * ratio) + 1
