"""Asking a model one question: kept so that it is paid for once, and within a budget that holds before it is spent.

A judge and an optimiser ask much and often the same. The whole request has a hash; what it was answered is kept under
it for the organization, so the same question costs nothing again and a job that was interrupted hears what it heard
before. An answer of a set shape is read strictly; one that does not fit is asked for once more, and what still does not
fit, a refusal and a model that can't be reached all end in `ModelUnusableError`, which is never kept.

Every try is reserved in the budget at the most it can cost, and then settled at what it did cost, a lost one too. A
text has at most as many tokens as it has bytes, so a budget is never gone beyond.
"""

import hashlib
import json
from collections.abc import Callable, Mapping
from copy import copy
from dataclasses import asdict, dataclass
from itertools import count
from time import monotonic
from typing import Any, TypeAlias

import anyio
from pydantic import BaseModel, ValidationError

from qms_mcp.agents.claude.access import ClaudeAccess
from qms_mcp.agents.claude.asking import Asking
from qms_mcp.agents.claude.failures import Failure, ModelFailedError
from qms_mcp.agents.claude.prices import Price
from qms_mcp.agents.claude.progress import Progress
from qms_mcp.agents.claude.prompting import repair_text
from qms_mcp.agents.claude.replies import Received
from qms_mcp.agents.definition import Tier
from qms_mcp.agents.versioning import canonical
from qms_mcp.agents.working import Generation, Usage
from qms_mcp.auth.principal import Principal
from qms_mcp.db.database import Database
from qms_mcp.db.queries import query
from qms_mcp.errors import UnavailableError
from qms_mcp.services.learning.spending import BudgetSpentError, Spend

__all__ = ["BudgetSpentError", "LoopModel", "ModelUnusableError", "Question", "Said", "Spend"]

_KEPT, _KEEP = query("learning_asking.kept"), query("learning_asking.keep")
_CUT = ("max_tokens", "model_context_window_exceeded")
# What the API adds to a request of its own, such as the words around a set shape; in tokens, generously.
_ADDED_TOKENS = 1_000
# Stands for a reply without content, which the API would not take back.
_NOTHING = "(nothing)"
_MOST_ERRORS = 8
_MOST_WORDS = 600

Message: TypeAlias = dict[str, Any]


class ModelUnusableError(UnavailableError):
    """The model could not be asked, refused, or gave no answer of the set shape.

    Attributes:
        cost_usd: What was spent on it all the same; the budget has counted it.
    """

    def __init__(self, message: str, *, hint: str = "", cost_usd: float = 0.0) -> None:
        super().__init__(message, hint=hint)
        self.cost_usd = cost_usd


@dataclass(frozen=True, slots=True)
class Question:
    """One question to a model.

    Attributes:
        purpose: What it is for, such as `judge`; answers are kept by it.
        system: What the model is told about its work.
        prompt: The question. Text of records in it has to be quoted by whoever asks.
        tier: How strong a model it takes.
        schema: The shape of the answer; None: free text.
        max_tokens: How long the answer may be.
        sample: The same question with another number is asked anew, for another answer.
        seconds: How long it may take in all.
    """

    purpose: str
    system: str
    prompt: str
    tier: Tier = "haiku"
    schema: type[BaseModel] | None = None
    max_tokens: int = 1_500
    sample: int = 0
    seconds: float = 180.0

    def sha256(self, model: str, effort: str | None) -> str:
        """Return the hash of everything that shapes the answer."""
        shape = self.schema.model_json_schema() if self.schema else None
        whole: dict[str, Any] = {
            "purpose": self.purpose,
            "model": model,
            "effort": effort,
            "system": self.system,
            "prompt": self.prompt,
            "schema": shape,
            "max_tokens": self.max_tokens,
            "sample": self.sample,
        }
        return hashlib.sha256(canonical(whole).encode(errors="replace")).hexdigest()


@dataclass(frozen=True, slots=True)
class Said:
    """An answer.

    Attributes:
        text: As the model wrote it.
        parsed: The same in the shape that was asked for, if one was.
        cost_usd: What it cost now, estimated, failed tries counted; 0 for a kept one.
        cached: Whether it had been kept.
        model: The one that answered.
        first_cost_usd: What it cost when it was asked, now or then.
    """

    text: str
    parsed: BaseModel | None
    cost_usd: float
    cached: bool
    model: str
    first_cost_usd: float = 0.0


@dataclass(frozen=True, slots=True)
class _KeptRow:
    model: str
    answer: str
    cost_usd: float


class LoopModel:
    """The model as the improvement loop asks it.

    Args:
        database: Where answers are kept.
        access: The way to Claude, or what says which it is now; None: there is none, and every question is refused
            with what to set.
    """

    def __init__(self, database: Database, access: ClaudeAccess | Callable[[], ClaudeAccess | None] | None) -> None:
        self._database = database
        self._access = access

    @property
    def access(self) -> ClaudeAccess | None:
        """The way to Claude, if there is one."""
        return self._access() if callable(self._access) else self._access

    @property
    def is_there(self) -> bool:
        """Whether there is a model to ask."""
        return self.access is not None

    def model(self, tier: Tier) -> str:
        """Return the model of a tier, or the tier where there is none."""
        access = self.access
        return tier if access is None else access.model(tier)

    async def ask(self, principal: Principal, question: Question, spend: Spend) -> Said:
        """Return the answer to a question: the kept one, or a new one that is then kept.

        Args:
            principal: On whose behalf; answers are kept for the organization.
            question: What to ask.
            spend: What pays for it.

        Raises:
            BudgetSpentError: The budget does not pay for it.
            ModelUnusableError: There is no answer that could be used.
            UnavailableError: No model is set up.
        """
        access = self._there()
        model = access.model(question.tier)
        params = {
            "purpose": question.purpose,
            "request_sha256": question.sha256(model, access.effort(question.tier)),
        }
        kept = await self._kept(principal, params)
        if kept is not None:
            read = _read(kept.answer, question)
            if not isinstance(read, str):
                return Said(kept.answer, read[0], 0.0, cached=True, model=kept.model, first_cost_usd=kept.cost_usd)
        said, usage = await _Round(access, question, spend).ask()
        row = {"model": said.model, "answer": said.text, "usage": json.dumps(asdict(usage)), "cost_usd": said.cost_usd}
        async with self._database.transaction(principal) as transaction:
            await transaction.execute(_KEEP, params | row)
        first = await self._kept(principal, params)
        if first is None or first.answer == said.text:
            return said
        # Somebody asked the same meanwhile: from now on everybody hears what was kept first.
        read = _read(first.answer, question)
        if isinstance(read, str):
            return said
        return Said(
            first.answer, read[0], said.cost_usd, cached=False, model=first.model, first_cost_usd=first.cost_usd
        )

    def _there(self) -> ClaudeAccess:
        access = self.access
        if access is None:
            raise UnavailableError(
                "No model is set up for judging and improving.",
                hint="Set ANTHROPIC_API_KEY (or ANTHROPIC_AUTH_TOKEN, or QMS_CLAUDE_VIA). Feedback, drift, datasets, "
                "the scorers that need no model and roll-outs work without.",
            )
        return access

    async def _kept(self, principal: Principal, params: Mapping[str, Any]) -> _KeptRow | None:
        async with self._database.transaction(principal, read_only=True) as transaction:
            return await transaction.fetch_one(_KEPT, params, row=_KeptRow)


class _Round:
    """One question with its tries and its one repair.

    Args:
        access: The way to Claude.
        question: What to ask.
        spend: What pays.
    """

    def __init__(self, access: ClaudeAccess, question: Question, spend: Spend) -> None:
        self._access = access
        self._question = question
        self._spend = spend
        self._model = access.model(question.tier)
        self._price: Price = access.prices.of(self._model)
        self._cost = 0.0
        self._usage = Usage()
        self._until = monotonic() + question.seconds
        # Each try is paid for by itself, so trying again is decided here.
        self._once = copy(access)
        self._once.retries = 0

    async def ask(self) -> tuple[Said, Usage]:
        """Return the answer and its tokens.

        Raises:
            BudgetSpentError: The budget does not pay for it.
            ModelUnusableError: There is no answer that could be used.
        """
        await self._connected()
        messages: list[Message] = [{"role": "user", "content": self._question.prompt}]
        complaint, room = "", self._question.max_tokens
        for _turn in range(2):
            received = await self._tried(messages, room)
            text = _text_of(received)
            if received.stop_reason == "refusal":
                why = (text.strip() or received.words or "it gave no reason")[:_MOST_WORDS]
                raise self._unusable(f"The model refused: {why}")
            is_cut = received.stop_reason in _CUT
            read = f"it was cut off at {room} tokens." if is_cut else _read(text, self._question)
            if not isinstance(read, str):
                return self._said(text, read[0], received), self._usage
            complaint = read
            if is_cut:
                room *= 2
            else:
                said = {"role": "assistant", "content": list(received.content)}
                messages = [*messages[:1], said, {"role": "user", "content": repair_text(complaint)}]
        raise self._unusable(f"The model gave no usable answer, asked twice: {complaint}")

    async def _connected(self) -> None:
        try:
            await self._access.client()
        except UnavailableError as error:
            raise self._unusable(error.message, error.hint) from error

    async def _tried(self, messages: list[Message], room: int) -> Received:
        request = self._request(messages, room)
        for attempt in count(1):
            try:
                return await self._paid(request, room)
            except ModelFailedError as error:
                failure = error.failure
            pause = self._access.pause(attempt, failure.retry_after)
            late = monotonic() + pause >= self._until
            if not failure.transient or late or attempt > self._access.retries:
                raise self._unusable(failure.message, failure.hint)
            await anyio.sleep(pause)
        raise AssertionError("the loop has no end of its own")

    async def _paid(self, request: Mapping[str, Any], room: int) -> Received:
        """Send one request that is paid for, and count what it did cost, however it ends."""
        at_most = self._at_most(request, room)
        self._spend.reserve(at_most)
        asking = Asking(self._once, Progress(_NOBODY, "asking"))
        received: Received | None = None
        cost = 0.0
        try:
            with anyio.move_on_after(max(0.0, self._until - monotonic())):
                received = await asking.ask(request, self._question.seconds)
        finally:
            used = asking.lost.plus(received.usage) if received else asking.lost
            cost = self._price.cost(used)
            self._usage, self._cost = self._usage.plus(used), self._cost + cost
            self._spend.settle(at_most, cost)
        if received is None:
            raise ModelFailedError(Failure(f"The model took longer than {self._question.seconds:.0f} s."))
        return received

    def _request(self, messages: list[Message], room: int) -> dict[str, Any]:
        question, config = self._question, dict[str, Any]()
        if question.schema is not None:
            from anthropic import transform_schema  # noqa: PLC0415 - not at start

            config["format"] = {"type": "json_schema", "schema": transform_schema(question.schema)}
        effort = self._access.effort(question.tier)
        if effort:
            config["effort"] = effort
        return {
            "model": self._model,
            "max_tokens": room,
            "system": question.system,
            "messages": messages,
            **({"output_config": config} if config else {}),
        }

    def _at_most(self, request: Mapping[str, Any], room: int) -> float:
        """Return what a request costs at most, in US dollars: no token is shorter than a byte."""
        sent = len(json.dumps(request, ensure_ascii=False).encode(errors="replace")) + _ADDED_TOKENS
        return sent * self._price.dearest_input + room * self._price.one_output

    def _said(self, text: str, parsed: BaseModel | None, received: Received) -> Said:
        return Said(text, parsed, self._cost, cached=False, model=received.model, first_cost_usd=self._cost)

    def _unusable(self, message: str, hint: str = "") -> ModelUnusableError:
        return ModelUnusableError(message, hint=hint, cost_usd=self._cost)


def _text_of(received: Received) -> str:
    text = "".join(block["text"] for block in received.content if block["type"] == "text")
    return "" if text == _NOTHING else text


def _read(text: str, question: Question) -> tuple[BaseModel | None] | str:
    """Return the answer in a text, or what is wrong with it."""
    if question.schema is None:
        return (None,) if text.strip() else "it is empty."
    try:
        value = json.loads(_without_fence(text.strip()))
    except json.JSONDecodeError as wrong:
        return f"it is no JSON ({wrong.msg} at character {wrong.pos})."
    try:
        return (question.schema.model_validate(value),)
    except ValidationError as wrong:
        errors = wrong.errors(include_url=False, include_input=False)[:_MOST_ERRORS]
        return "; ".join(f"{'.'.join(map(str, one['loc'])) or 'answer'}: {one['msg']}" for one in errors)[:_MOST_WORDS]


def _without_fence(text: str) -> str:
    if text.startswith("```") and text.endswith("```"):
        return text[3:-3].removeprefix("json").strip()
    return text


class _Nobody:
    async def generation(self, generation: Generation) -> None:
        """Nobody asks."""

    async def tell(self, message: str) -> None:
        """Nobody listens."""


_NOBODY = _Nobody()
