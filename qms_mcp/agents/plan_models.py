"""A plan: what is done by whom, after what, and what it may take. It is kept as JSON with the dispatch."""

from dataclasses import dataclass
from typing import Literal, TypeAlias

from pydantic import BaseModel, ConfigDict

Because: TypeAlias = Literal["asked", "helps", "mentions"]


@dataclass(frozen=True, slots=True)
class Given:
    """A task as it was asked for.

    Attributes:
        key: Made of the name of the agent if left out.
        needs: Tasks it can't do without. None: it is worked out what helps it; an empty tuple: it waits for nothing.
        priority: From 1, first, to 9.
        seconds: From the start of its work; as long as its agent may if left out.
    """

    agent: str
    request: str = ""
    key: str | None = None
    needs: tuple[str, ...] | None = None
    priority: int = 5
    seconds: int | None = None
    subject: str = ""


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Range(_Frozen):
    """An estimate."""

    low: float
    likely: float
    high: float


class Waits(_Frozen):
    """Why a task waits for another: it was asked, its answer helps, or its request mentions it."""

    key: str
    because: Because


class PlannedTask(_Frozen):
    """One task of a plan.

    Attributes:
        needs: Tasks it can't do without.
        after: Tasks whose answers help it; it waits for their end, however they end.
        waits: The same with reasons.
        wave: From 1: how many tasks stand before it on the longest way.
        seconds: How long it may take.
        likely_seconds: How long it likely takes.
        tokens: Reserved for it before it starts.
        usd: The same in money; none when money is not limited.
    """

    key: str
    agent: str
    version: str
    tier: str
    request: str
    subject: str
    needs: tuple[str, ...]
    after: tuple[str, ...]
    waits: tuple[Waits, ...]
    priority: int
    wave: int
    seconds: int
    likely_seconds: float
    likely_tokens: int
    cost_usd: Range
    tokens: int
    usd: float | None


class Reason(_Frozen):
    """An agent that was chosen, or was not, and why."""

    agent: str
    chosen: bool
    reason: str
    score: float


class Plan(_Frozen):
    """A plan.

    Attributes:
        waves: Keys of the tasks that could run at the same time.
        critical_path: The way through the tasks that takes longest.
        seconds: Likely, from start to end, with `at_once` tasks at a time.
        cost_usd: Estimated; nothing when playbooks run.
        tokens: Reserved for all tasks together.
        usd: The same in money; none when money is not limited.
        notes: What was left out or made smaller.
    """

    request: str
    tasks: tuple[PlannedTask, ...]
    waves: tuple[tuple[str, ...], ...]
    critical_path: tuple[str, ...]
    at_once: int
    seconds: float
    likely_tokens: int
    cost_usd: Range
    tokens: int
    usd: float | None
    budget_tokens: int | None
    budget_usd: float | None
    playbook: bool
    subject: str = ""
    kind: str = ""
    confidence: float = 1.0
    chosen_by: str = "the caller"
    choices: tuple[Reason, ...] = ()
    notes: tuple[str, ...] = ()
