"""From what is asked to a plan, and from a plan to the rows that keep it."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from qms_mcp.agents.choosing import Choice, choose, with_answer
from qms_mcp.agents.definition import Tier
from qms_mcp.agents.plan_models import Given, Plan
from qms_mcp.agents.planning import Bounds, plan
from qms_mcp.agents.roster import roster
from qms_mcp.auth.principal import Principal
from qms_mcp.db.database import Database
from qms_mcp.db.queries import query
from qms_mcp.services.dispatch.models import Asked, AskedTask

if TYPE_CHECKING:
    from qms_mcp.agents.claude.access import ClaudeAccess

_ANY_RUNS = query("dispatch.any_runs")
_TRIES_WITH_MODEL = 2
_TIERS: tuple[Tier, ...] = ("opus", "sonnet", "haiku")


class Planning:
    """Makes plans.

    Args:
        database: Where it is looked up whether agents have run before.
        claude: Helps to choose where the rules are unsure; None: they decide alone.
    """

    def __init__(self, database: Database, claude: "ClaudeAccess | None") -> None:
        self._database = database
        self._claude = claude

    async def plan(self, principal: Principal, asked: Asked, *, with_model: bool) -> Plan:
        """Return the plan for a request.

        Args:
            principal: Who asks.
            asked: What, and within which limits.
            with_model: Whether whoever runs the agents has a model.

        Raises:
            InvalidInputError: There is no such agent, a task needs one that is not there, or it is too much.
            LimitExceededError: The budget is too small for the tasks.
        """
        bounds = Bounds(
            at_once=asked.at_once,
            budget_tokens=asked.budget_tokens,
            budget_usd=asked.budget_usd,
            playbook=not with_model,
            prices=self._prices(),
        )
        choice = None if asked.tasks else await self._choice(principal, asked.request)
        given = [_given(task) for task in asked.tasks]
        return plan(asked.request, given or None, roster(), bounds=bounds, choice=choice)

    async def _choice(self, principal: Principal, request: str) -> Choice:
        async with self._database.transaction(principal, read_only=True) as transaction:
            ran = (await transaction.fetch_dicts(_ANY_RUNS))[0]["found"]
        choice = choose(request, roster(), agent_runs=ran)
        if not choice.needs_model or self._claude is None or not request.strip():
            return choice
        from qms_mcp.agents.claude.classifying import classify_with_model  # noqa: PLC0415 - only with a key

        options = {name: definition.purpose for name, definition in roster().items()}
        said = await classify_with_model(self._claude, request, options)
        return choice if said is None else with_answer(choice, said.names, said.reason, model=said.model)

    def _prices(self) -> Mapping[Tier, tuple[float, float]]:
        if self._claude is None:
            return Bounds().prices
        prices: dict[Tier, tuple[float, float]] = {}
        for tier in _TIERS:
            price = self._claude.prices.of(self._claude.model(tier))
            prices[tier] = (price.input, price.output)
        return prices


def task_rows(made: Plan) -> list[dict[str, Any]]:
    """Return the tasks of a plan as `agents.open_dispatch` takes them."""
    return [
        {
            "key": task.key,
            "agent": task.agent,
            "request": task.request,
            "subject": task.subject,
            "needs": list(task.needs),
            "after": list(task.after),
            "priority": task.priority,
            "seconds": task.seconds,
            # The last try goes without a model.
            "max_attempts": _TRIES_WITH_MODEL + 1,
            "tokens": task.tokens,
            "usd": task.usd or 0.0,
        }
        for task in made.tasks
    ]


def decisions_of(made: Plan) -> list[dict[str, Any]]:
    """Return what was chosen, between what, and why, as `agents.decisions` keeps it."""
    chosen = [task.agent for task in made.tasks]
    others = [{"agent": one.agent, "why_not": one.reason} for one in made.choices if not one.chosen]
    reasons = "; ".join(f"{one.agent}: {one.reason}" for one in made.choices if one.chosen)
    order = " | ".join(", ".join(wave) for wave in made.waves)
    return [
        {
            "decision": f"Agents: {', '.join(chosen)} (by {made.chosen_by})",
            "rationale": reasons or "The caller named them.",
            "alternatives": others,
            "confidence": made.confidence,
        },
        {
            "decision": f"Order: {order}",
            "rationale": "; ".join(
                f"{task.key} after {wait.key} ({wait.because})" for task in made.tasks for wait in task.waits
            )
            or "Nothing depends on anything.",
            "confidence": 1.0,
        },
    ]


def _given(task: AskedTask) -> Given:
    return Given(
        agent=task.agent,
        request=task.request,
        key=task.key or None,
        needs=task.needs,
        priority=task.priority,
        seconds=task.seconds,
        subject=task.subject,
    )
