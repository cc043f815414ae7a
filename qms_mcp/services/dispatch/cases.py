"""Cases: tasks of which each names the version of an agent that has to do it, so that versions can be measured.

They are tasks of a dispatch like any others: durable, side by side, within a budget, and taken up again after a crash.
They only read, and nothing is merged: whoever measures reads the answer to each case.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Literal, TypeAlias
from uuid import UUID

from qms_mcp.agents.allowances import PRICES, estimate
from qms_mcp.agents.roster import roster
from qms_mcp.errors import InvalidInputError

Purpose: TypeAlias = Literal["evaluation", "trial", "shadow"]
MOST_CASES = 500
_PRIORITY = 9  # work people wait for goes first
_TRIES = 2


@dataclass(frozen=True, slots=True)
class CaseTask:
    """One case.

    Attributes:
        key: Unique within its dispatch.
        agent: Which agent.
        request: What is asked.
        version_id: The version that has to answer.
        subject: What to look at.
        inputs: Answers of other agents it is given, by key, as `AgentOutput` writes them.
        seconds: How long it may take; as long as its agent may if left out.
    """

    key: str
    agent: str
    request: str
    version_id: UUID
    subject: str = ""
    inputs: Mapping[str, Any] = field(default_factory=dict[str, Any])
    seconds: int | None = None


def case_rows(cases: Sequence[CaseTask], *, budget_usd: float | None = None, at_once: int = 5) -> list[dict[str, Any]]:
    """Return cases as `agents.open_dispatch` takes tasks.

    Args:
        cases: What is to be answered.
        budget_usd: For all of them; what one may spend at most is reserved before it starts.
        at_once: How many share the budget at a time.

    Raises:
        InvalidInputError: There is none, there are too many, or an agent does not exist.
    """
    if not 1 <= len(cases) <= MOST_CASES:
        raise InvalidInputError(f"{len(cases)} cases were given.", hint=f"Give 1 to {MOST_CASES}.")
    unknown = sorted({case.agent for case in cases} - set(roster()))
    if unknown:
        raise InvalidInputError(f"There is no agent {unknown[0][:40]!r}.", hint=f"There is: {', '.join(roster())}.")
    share = None if budget_usd is None else budget_usd / min(at_once, len(cases))
    return [_row(case, share) for case in cases]


def fingerprint(cases: Sequence[CaseTask], purpose: Purpose) -> str:
    """Return what tells one set of cases from another."""
    parts = {"purpose": purpose, "cases": [asdict(case) for case in cases]}
    return hashlib.sha256(json.dumps(parts, sort_keys=True, ensure_ascii=False, default=str).encode()).hexdigest()


def _row(case: CaseTask, share: float | None) -> dict[str, Any]:
    limits = roster()[case.agent].limits
    high = estimate(roster()[case.agent], limits.seconds, PRICES, playbook=False).cost_usd.high
    return {
        "key": case.key,
        "agent": case.agent,
        "request": case.request,
        "subject": case.subject,
        "needs": [],
        "after": [],
        "priority": _PRIORITY,
        "seconds": case.seconds or limits.seconds,
        "max_attempts": _TRIES,
        "tokens": limits.tokens,
        "usd": 0.0 if share is None else min(high, share),
        "version_id": str(case.version_id),
        "inputs": dict(case.inputs),
    }
