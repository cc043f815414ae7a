"""From a request, or tasks that were given, to a plan: the same input always gives the same plan.

A task waits for another for one of three reasons: it was asked to (`needs`: without it the task is skipped), the answer
of the other agent helps it (`after` of its definition), or its request mentions the other's key. The latter two are
worked out only where the caller left `needs` open, never make a task wait for itself in a circle, and never cause it to
be skipped.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from difflib import get_close_matches

from qms_mcp.agents.allowances import PRICES, Estimate, estimate, shares
from qms_mcp.agents.choosing import Choice, choose
from qms_mcp.agents.definition import AgentDefinition, Tier
from qms_mcp.agents.plan_models import Because, Given, Plan, PlannedTask, Range, Reason, Waits
from qms_mcp.agents.scheduling import critical_path, cycle, list_schedule, waves
from qms_mcp.errors import InvalidInputError

MOST_TASKS = 50
LONGEST_REQUEST = 8_000
_LONGEST_SUBJECT = 200
_LONGEST_SECONDS = 86_400
_ARROW = " \u2192 "
_KEY = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,79}\Z")


@dataclass(frozen=True, slots=True)
class Bounds:
    """What a plan has to keep to.

    Attributes:
        at_once: How many tasks may run at the same time.
        budget_tokens: For all tasks together; None: what the limits of the agents add up to.
        budget_usd: The same in money; None: money is not limited.
        playbook: No model is at hand: agents run their playbooks.
        prices: US dollars for a million tokens, in and out, by tier.
    """

    at_once: int = 5
    budget_tokens: int | None = None
    budget_usd: float | None = None
    playbook: bool = False
    prices: Mapping[Tier, tuple[float, float]] = field(default_factory=lambda: PRICES)


@dataclass(frozen=True, slots=True)
class _Asked:
    """A task whose key is known."""

    key: str
    given: Given
    definition: AgentDefinition

    @property
    def seconds(self) -> int:
        return self.given.seconds or self.definition.limits.seconds


def plan(
    request: str,
    tasks: Sequence[Given] | None,
    roster: Mapping[str, AgentDefinition],
    *,
    bounds: Bounds | None = None,
    choice: Choice | None = None,
) -> Plan:
    """Return the plan for a request.

    Args:
        request: What is asked, in words; tasks without a request of their own have this one.
        tasks: What each agent is to do; None or nothing: agents are chosen for the request.
        roster: The agents there are.
        bounds: Places and budget.
        choice: Agents that were chosen already, if no tasks are given.

    Raises:
        InvalidInputError: A task can't be done: no such agent, no such key, a circle, too long, too many.
        LimitExceededError: The budget is too small for the tasks.
    """
    within = bounds or Bounds()
    _check_request(request, within)
    chosen = None if tasks else choice or choose(request, roster)
    given = tasks or [Given(one.agent) for one in (chosen.agents if chosen else ())]
    asked = _asked(request, given, roster, subject=chosen.subject if chosen else "")
    waits, notes = _waits(asked)
    return _planned(request, asked, waits, within, chosen, notes)


def _check_text(text: str) -> None:
    try:
        text.encode()
    except UnicodeEncodeError:
        broken = True
    else:
        broken = "\x00" in text
    if broken:
        raise InvalidInputError(
            "A text has characters that can't be kept: NUL, or half of a surrogate pair.", hint="Take them out."
        )


def _check_request(request: str, bounds: Bounds) -> None:
    _check_text(request)
    if not request.strip():
        raise InvalidInputError("The request is empty.", hint="Say in a sentence what is to be found out or done.")
    if len(request) > LONGEST_REQUEST:
        raise InvalidInputError(
            f"The request has {len(request):,} characters; {LONGEST_REQUEST:,} are read.",
            hint="Shorten it, and name records or documents for what is longer.",
        )
    if bounds.at_once < 1:
        raise InvalidInputError("At least one task has to run at a time.", hint="Give at_once 1 or more.")


def _asked(
    request: str, given: Sequence[Given], roster: Mapping[str, AgentDefinition], *, subject: str
) -> list[_Asked]:
    if len(given) > MOST_TASKS:
        raise InvalidInputError(
            f"There are {len(given)} tasks; a dispatch has {MOST_TASKS} at most.",
            hint="Send them in several dispatches.",
        )
    taken = [task.key for task in given if task.key is not None]
    double = sorted({key for key in taken if taken.count(key) > 1})
    if double:
        raise InvalidInputError(
            f"Several tasks have the key {double[0]!r}.", hint="Give each task a key of its own, or none."
        )
    used = set(taken)
    asked: list[_Asked] = []
    for task in given:
        definition = _definition(task.agent, roster)
        key = task.key if task.key is not None else _free(task.agent, used)
        used.add(key)
        full = replace(task, request=task.request.strip() or request, subject=task.subject or subject)
        _check_task(key, full)
        asked.append(_Asked(key, full, definition))
    _check_needs(asked)
    return asked


def _definition(agent: str, roster: Mapping[str, AgentDefinition]) -> AgentDefinition:
    definition = roster.get(agent)
    if definition is not None:
        return definition
    near = get_close_matches(agent.casefold()[:80], list(roster), n=1, cutoff=0.5)
    raise InvalidInputError(
        f"There is no agent {agent[:80]!r}.",
        hint=f"{f'Did you mean {near[0]}? ' if near else ''}The agents are {', '.join(roster)}.",
    )


def _free(agent: str, used: set[str]) -> str:
    if agent not in used:
        return agent
    number = 2
    while f"{agent}-{number}" in used:
        number += 1
    return f"{agent}-{number}"


def _check_task(key: str, task: Given) -> None:
    _check_text(task.request + task.subject)
    if not _KEY.match(key):
        raise InvalidInputError(
            f"{key[:80]!r} can't be the key of a task.",
            hint="A key begins with a letter and has up to 80 letters, digits, hyphens and underscores.",
        )
    if len(task.request) > LONGEST_REQUEST:
        raise InvalidInputError(
            f"The request of task {key} has {len(task.request):,} characters; {LONGEST_REQUEST:,} are read.",
            hint="Shorten it.",
        )
    if len(task.subject) > _LONGEST_SUBJECT:
        raise InvalidInputError(
            f"The subject of task {key} is longer than {_LONGEST_SUBJECT} characters.", hint="Name one thing."
        )
    if not 1 <= task.priority <= 9:  # noqa: PLR2004 - as in the database
        raise InvalidInputError(f"The priority of task {key} is {task.priority}.", hint="From 1, first, to 9.")
    if task.seconds is not None and not 1 <= task.seconds <= _LONGEST_SECONDS:
        raise InvalidInputError(
            f"Task {key} may not run for {task.seconds} seconds.", hint=f"From 1 to {_LONGEST_SECONDS:,} seconds."
        )


def _check_needs(asked: Sequence[_Asked]) -> None:
    keys = [task.key for task in asked]
    for task in asked:
        for need in task.given.needs or ():
            if need == task.key:
                raise InvalidInputError(f"Task {task.key} needs itself.", hint="Take it out of its needs.")
            if need not in keys:
                near = get_close_matches(need[:80], keys, n=1, cutoff=0.5)
                raise InvalidInputError(
                    f"Task {task.key} needs {need[:80]!r}, and there is no such task.",
                    hint=f"{f'Did you mean {near[0]}? ' if near else ''}The keys are {', '.join(keys)}.",
                )
    circle = cycle({task.key: task.given.needs or () for task in asked})
    if circle:
        raise InvalidInputError(
            f"Tasks wait for one another in a circle: {_ARROW.join(circle)}.", hint="Take out one of these needs."
        )


def _waits(asked: Sequence[_Asked]) -> tuple[dict[str, dict[str, Because]], list[str]]:
    waits: dict[str, dict[str, Because]] = {task.key: dict.fromkeys(task.given.needs or (), "asked") for task in asked}
    notes: list[str] = []
    for task in asked:
        if task.given.needs is not None:
            continue
        for other, because in _would_help(task, asked):
            if other in waits[task.key]:
                continue
            more: dict[str, Because] = {**waits[task.key], other: because}
            tried = {**waits, task.key: more}
            if cycle({key: tuple(needs) for key, needs in tried.items()}):
                notes.append(f"{task.key} does not wait for {other}: they would wait for one another.")
            else:
                waits = tried
    return waits, notes


def _would_help(task: _Asked, asked: Sequence[_Asked]) -> list[tuple[str, Because]]:
    found: list[tuple[str, Because]] = []
    for other in asked:
        if other.key == task.key:
            continue
        if _mentions(task.given.request, other):
            found.append((other.key, "mentions"))
        elif other.given.agent in task.definition.after and other.given.agent != task.given.agent:
            found.append((other.key, "helps"))
    return found


def _mentions(request: str, other: _Asked) -> bool:
    """Tell whether a request mentions a key: in quotes, as what something is of or from, or if it is no plain word."""
    if other.given.key is None:
        return False
    key = re.escape(other.key)
    if re.search(rf"[`'\"{{<]{key}[`'\"}}>]|\b(?:results?|answers?|findings|output)\s+(?:of|from)\s+{key}\b", request):
        return True
    return bool(re.search(r"[\d_-]", other.key) and re.search(rf"(?<![\w-]){key}(?![\w-])", request))


def _reserved(
    asked: Sequence[_Asked], estimates: Sequence[Estimate], bounds: Bounds
) -> tuple[list[int], list[float | None], list[str]]:
    if bounds.playbook:
        return [0] * len(asked), [None if bounds.budget_usd is None else 0.0] * len(asked), []
    wanted = [float(task.definition.limits.tokens) for task in asked]
    tokens, usd = wanted, [one.cost_usd.high for one in estimates]
    notes: list[str] = []
    if bounds.budget_tokens is not None:
        tokens = shares(wanted, bounds.budget_tokens, unit="tokens")
        if tokens != wanted:
            notes.append(f"Tasks get {sum(tokens) / sum(wanted):.0%} of the tokens their agents may use.")
    if bounds.budget_usd is None:
        return [int(one) for one in tokens], [None] * len(asked), notes
    money = shares(usd, bounds.budget_usd, unit="USD")
    if money != usd:
        notes.append(f"Tasks get {sum(money) / sum(usd):.0%} of what they may cost, estimated.")
    # Rounded down, so that all together never exceed the budget.
    return [int(one) for one in tokens], [int(one * 1_000_000) / 1_000_000 for one in money], notes


def _planned(
    request: str,
    asked: Sequence[_Asked],
    waits: Mapping[str, Mapping[str, Because]],
    bounds: Bounds,
    choice: Choice | None,
    notes: Sequence[str],
) -> Plan:
    estimates = [estimate(task.definition, task.seconds, bounds.prices, playbook=bounds.playbook) for task in asked]
    tokens, usd, smaller = _reserved(asked, estimates, bounds)
    needs = {task.key: tuple(waits[task.key]) for task in asked}
    durations = {task.key: one.seconds for task, one in zip(asked, estimates, strict=True)}
    there = waves(needs)
    wave = {key: number for number, keys in enumerate(there, start=1) for key in keys}
    schedule = list_schedule(durations, needs, bounds.at_once, {task.key: task.given.priority for task in asked})
    planned = tuple(
        _task(task, one, waits[task.key], (wave[task.key], tokens[place], usd[place]))
        for place, (task, one) in enumerate(zip(asked, estimates, strict=True))
    )
    made = Plan(
        request=request,
        tasks=planned,
        waves=there,
        critical_path=critical_path(durations, needs),
        at_once=bounds.at_once,
        seconds=round(schedule.makespan, 1),
        likely_tokens=sum(one.tokens for one in estimates),
        cost_usd=_sum([one.cost_usd for one in estimates]),
        tokens=sum(tokens),
        usd=None if bounds.budget_usd is None else round(sum(one or 0.0 for one in usd), 6),
        budget_tokens=bounds.budget_tokens,
        budget_usd=bounds.budget_usd,
        playbook=bounds.playbook,
        notes=(*notes, *smaller),
    )
    return made if choice is None else made.model_copy(update=_choice_fields(choice))


def _task(
    task: _Asked, one: Estimate, waits: Mapping[str, Because], share: tuple[int, int, float | None]
) -> PlannedTask:
    wave, tokens, usd = share
    return PlannedTask(
        key=task.key,
        agent=task.given.agent,
        version=task.definition.version,
        tier=task.definition.tier,
        request=task.given.request,
        subject=task.given.subject,
        needs=tuple(key for key, because in waits.items() if because == "asked"),
        after=tuple(key for key, because in waits.items() if because != "asked"),
        waits=tuple(Waits(key=key, because=because) for key, because in waits.items()),
        priority=task.given.priority,
        wave=wave,
        seconds=task.seconds,
        likely_seconds=one.seconds,
        likely_tokens=one.tokens,
        cost_usd=one.cost_usd,
        tokens=tokens,
        usd=usd,
    )


def _sum(costs: Sequence[Range]) -> Range:
    return Range(
        low=round(sum(cost.low for cost in costs), 6),
        likely=round(sum(cost.likely for cost in costs), 6),
        high=round(sum(cost.high for cost in costs), 6),
    )


def _choice_fields(choice: Choice) -> dict[str, object]:
    chosen = [Reason(agent=one.agent, chosen=True, reason=one.reason, score=one.score) for one in choice.agents]
    others = [Reason(agent=one.agent, chosen=False, reason=one.reason, score=one.score) for one in choice.alternatives]
    return {
        "subject": choice.subject,
        "kind": choice.kind,
        "confidence": choice.confidence,
        "chosen_by": choice.by,
        "choices": (*chosen, *others),
    }
