"""What tokens cost: assumed prices, which a setting replaces. Every sum made of them is an estimate.

A model is known by the longest name in the table that its id begins with, wherever "claude-" stands in the id: so
`claude-sonnet-5-5-20260301`, `us.anthropic.claude-sonnet-5-5-v1:0` and `claude-sonnet-5-5@20260301` are one model. One
that is not in the table is taken to be as dear as the dearest there is: a limit on money then holds too early, never
too late.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from qms_mcp.agents.working import Usage

_MILLION = 1_000_000
_CACHE_READ = 0.1
_CACHE_WRITE = 1.25
_CACHE_WRITE_1H = 2.0
_ASSUMED: dict[str, tuple[float, float]] = {
    "claude-opus-": (5.0, 25.0),
    "claude-sonnet-": (3.0, 15.0),
    "claude-haiku-": (1.0, 5.0),
}


@dataclass(frozen=True, slots=True)
class Price:
    """US dollars for a million tokens.

    Attributes:
        input: Sent, and not from a cache.
        output: Written by the model.
        known: Whether the model is in the table.
    """

    input: float
    output: float
    known: bool = True

    def cost(self, usage: Usage) -> float:
        """Return what tokens cost, estimated."""
        sent = (
            usage.input
            + usage.cache_read * _CACHE_READ
            + usage.cache_write * _CACHE_WRITE
            + usage.cache_write_1h * _CACHE_WRITE_1H
        )
        return (sent * self.input + usage.output * self.output) / _MILLION

    @property
    def dearest_input(self) -> float:
        """What one token sent costs at most: it is put into the cache."""
        return self.input * _CACHE_WRITE / _MILLION

    @property
    def one_output(self) -> float:
        """What one token written costs."""
        return self.output / _MILLION


class Prices:
    """The table.

    Args:
        given: Prices that go before the assumed ones: input and output, by the id of a model or how it begins.
    """

    def __init__(self, given: Mapping[str, tuple[float, float]] | None = None) -> None:
        self._table = {**_ASSUMED, **(given or {})}

    def of(self, model: str) -> Price:
        """Return the price of a model."""
        _, found, version = model.partition("claude-")
        names = (model, found + version)
        known = [name for name in self._table if any(one.startswith(name) for one in names if one)]
        if known:
            return Price(*self._table[max(known, key=len)])
        prices = self._table.values()
        return Price(max(price[0] for price in prices), max(price[1] for price in prices), known=False)
