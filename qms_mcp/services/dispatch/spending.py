"""When a person is asked before agents are sent, and what that person is shown."""

import json

from qms_mcp.agents.plan_models import Plan
from qms_mcp.services.approvals import Approval, Spending
from qms_mcp.services.dispatch.models import Asked

_MOST_WORDS = 300


def is_costly(plan: Plan, ceiling: float, asked_for: float | None) -> bool:
    """Whether a person is to be asked: the caller may lower the ceiling of this installation, and never raise it."""
    # By the most it may cost: where no budget holds it, the likely cost is only a guess.
    return plan.cost_usd.high > min(ceiling, ceiling if asked_for is None else asked_for)


def spending(asked: Asked, plan: Plan, reason: str) -> Spending:
    """Return what a person is asked; the same request gives the same text, so the same approval."""
    wanted = {
        "tool": "dispatch_agents",
        "request": asked.request,
        "tasks": [task.model_dump(mode="json") for task in asked.tasks],
        "run_key": asked.run_key,
        "on_failure": asked.on_failure,
        "may_draft": asked.may_draft,
        "at_once": asked.at_once,
        "budget_tokens": asked.budget_tokens,
        "budget_usd": asked.budget_usd,
    }
    return Spending(
        summary=in_words(plan),
        content=json.dumps(wanted, indent=1, ensure_ascii=False, sort_keys=True),
        reason=reason,
    )


def in_words(plan: Plan) -> str:
    """Return who would be sent and what that is estimated to cost."""
    agents = ", ".join(sorted({task.agent for task in plan.tasks}))
    cost = plan.cost_usd
    budget = f" Never more than {plan.budget_usd:.2f} USD." if plan.budget_usd is not None else ""
    words = " ".join(plan.request.split())
    shown = words if len(words) <= _MOST_WORDS else f"{words[:_MOST_WORDS]}..."
    return (
        f"Send {len(plan.tasks)} agents ({agents}): {shown}\n\nEstimated cost: {cost.likely:.2f} USD "
        f"({cost.low:.2f} to {cost.high:.2f}), about {plan.seconds:.0f} s.{budget}"
    )


def waits(approval: Approval, plan: Plan) -> str:
    """Return what to tell the user of a dispatch that waits for a person."""
    return (
        f"Not sent yet: the estimated {plan.cost_usd.likely:.2f} USD need a person's approval. Somebody with the role "
        f"approver, qa_approver or admin runs `qms-mcp approvals approve {approval.id}` in a terminal, before "
        f"{approval.expires_at:%Y-%m-%d %H:%M %Z}; then call dispatch_agents again with the same arguments."
    )


def refused(approval: Approval) -> str:
    """Return what to tell the user of a dispatch a person did not want."""
    why = approval.decision_reason or "declined"
    return f"Not sent: a person rejected it ({why}). Ask for less, or under another run_key if it is wanted after all."
