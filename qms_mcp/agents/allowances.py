"""What tasks may cost, and what is reserved for each before it starts.

All of it is estimated before anything is known of the work, from the limits of the agents and the prices of their
models. Likely is a third of the tokens an agent may use, most of them read again from the cache; high is all of them,
nothing from the cache. What is reserved is what the task can spend at most, unless the budget is smaller: then
every task gets the same share of it, but none less than it can do anything with.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from qms_mcp.agents.definition import AgentDefinition, Tier
from qms_mcp.agents.plan_models import Range
from qms_mcp.errors import LimitExceededError

PRICES: dict[Tier, tuple[float, float]] = {"opus": (5.0, 25.0), "sonnet": (3.0, 15.0), "haiku": (1.0, 5.0)}
FLOOR = 0.15
PLAYBOOK_SECONDS = 3.0
_MILLION = 1_000_000
_LOW, _LIKELY = 0.1, 0.33
_WRITTEN = 0.15  # of all tokens
_CACHED = 0.6  # of those that are sent
_CACHE_READ = 0.1
_SECONDS_A_TURN: dict[Tier, float] = {"opus": 14.0, "sonnet": 9.0, "haiku": 5.0}


@dataclass(frozen=True, slots=True)
class Estimate:
    """What a task likely takes."""

    tokens: int
    seconds: float
    cost_usd: Range


def estimate(
    definition: AgentDefinition, seconds: int, prices: Mapping[Tier, tuple[float, float]], *, playbook: bool
) -> Estimate:
    """Return what a task of an agent likely takes."""
    if playbook:
        return Estimate(0, min(PLAYBOOK_SECONDS, float(seconds)), Range(low=0, likely=0, high=0))
    limits, price = definition.limits, prices[definition.tier]
    cost = Range(
        low=_cost(limits.tokens * _LOW, price, _CACHED),
        likely=_cost(limits.tokens * _LIKELY, price, _CACHED),
        high=_cost(limits.tokens, price, 0.0),
    )
    turns = max(1.0, limits.turns * _LIKELY)
    return Estimate(
        int(limits.tokens * _LIKELY), min(float(seconds), round(turns * _SECONDS_A_TURN[definition.tier], 1)), cost
    )


def _cost(tokens: float, price: tuple[float, float], cached: float) -> float:
    sent, written = tokens * (1 - _WRITTEN), tokens * _WRITTEN
    read = sent * (1 - cached + cached * _CACHE_READ)
    return round((read * price[0] + written * price[1]) / _MILLION, 6)


def shares(wanted: Sequence[float], budget: float, *, unit: str, dispatch: str = "this plan") -> list[float]:
    """Return what each task gets of a budget: what it wants, or its share, at least the floor.

    Raises:
        LimitExceededError: The budget is smaller than the floors together.
    """
    if sum(wanted) <= budget:
        return list(wanted)
    floors = [want * FLOOR for want in wanted]
    if sum(floors) > budget * (1 + 1e-9):
        raise LimitExceededError(
            f"The budget of {budget:,.10g} {unit} is too small for {dispatch}: its {len(wanted)} tasks may use "
            f"{sum(wanted):,.6g} {unit} and need {sum(floors):,.6g} at the least.",
            hint=f"Give a budget of {sum(floors):,.6g} {unit} or more, or fewer tasks.",
        )
    part = (budget - sum(floors)) / (sum(wanted) - sum(floors))
    return [floor + (want - floor) * part for want, floor in zip(wanted, floors, strict=True)]
