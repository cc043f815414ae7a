"""An explanation of a run, put together from its rows."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from pydantic import ValidationError

from qms_mcp.agents.outputs import AgentOutput
from qms_mcp.services.answer import Answer

_SHORT = 300
_CALLS_SHOWN, _FINDINGS_SHOWN = 30, 20
Row = Mapping[str, Any]


class Explanation(Answer):
    """Why an agent answered as it did.

    Attributes:
        asked: Who asked for what, when, through which client.
        answered: What came of it, each finding with what it rests on.
        version: What answered: its content, where it comes from, and whether its hash is right.
        why_version: Why this version: the share of a trial, an alias, and who signed.
        calls: What it looked at.
        rest: Decisions, feedback, other attempts, cost.
    """

    headline: str
    run_id: str
    asked: dict[str, Any]
    answered: dict[str, Any]
    version: dict[str, Any]
    why_version: dict[str, Any]
    calls: list[dict[str, Any]]
    rest: dict[str, Any]


def explanation_of(
    run: Row, approval: Row | None, calls: Sequence[Row], rest: Row, *, full: bool = False
) -> Explanation:
    """Return the explanation of a run.

    Args:
        run: Its row with its version and its roll-out.
        approval: Of the person who let the version go to people, if one had to.
        calls: Its tool calls.
        rest: Decisions, checkpoints, feedback, other attempts.
        full: Leave nothing out.
    """
    version = _version(run, full=full)
    why = _why(run, approval, full=full)
    return Explanation(
        headline=_headline(run, version, why),
        run_id=str(run["id"]),
        asked=_asked(run),
        answered=_answered(run, calls, full=full),
        version=version,
        why_version=why,
        calls=_calls(calls, full=full),
        rest=_present(
            {
                "decisions": rest["decisions"],
                "feedback": rest["feedback"],
                "other_attempts": rest["attempts"],
                "checkpoints": rest["checkpoints"],
                "model": run["model"],
                "tokens": run["token_usage"],
                "cost_usd": None if run["cost_usd"] is None else round(run["cost_usd"], 6),
                "seconds": None if run["duration_ms"] is None else run["duration_ms"] / 1000,
            }
        ),
    )


def _headline(run: Row, version: Row, why: Row) -> str:
    when = _at(run["created_at"])
    named = version.get("version") or run["agent_version"] or "no stored version"
    return f"{run['person'] or 'Somebody'} asked {run['agent']} on {when} UTC; {named} answered. {why['because']}"


def _asked(run: Row) -> dict[str, Any]:
    given: Row = run["input"] or {}
    return _present(
        {
            "by": run["person"],
            "through": " ".join(filter(None, (run["client_name"], run["client_version"]))),
            "actor_kind": run["actor_kind"],
            "at": _at(run["created_at"]),
            "request": given.get("request"),
            "subject": given.get("subject"),
            "dispatch_id": str(run["dispatch_id"]) if run["dispatch_id"] else None,
            "run_key": run["run_key"],
            "of_request": _cut(run["dispatch_request"]),
            "purpose": run["purpose"],
            "task": run["key"],
            "attempt": run["attempt"],
            "may_draft": run["may_draft"],
        }
    )


def _answered(run: Row, calls: Sequence[Row], *, full: bool) -> dict[str, Any]:
    told = {
        "status": run["status"],
        "stopped": run["stop_reason"],
        "error": run["error"],
        "without_a_model": run["fallback_reason"],
        "at": _at(run["completed_at"]),
    }
    try:
        output = AgentOutput.model_validate(run["output"]) if run["output"] else None
    except ValidationError:
        return _present({**told, "raw": run["output"]})
    if output is None:
        return _present(told)
    labels = {call["label"]: call for call in calls if call["label"]}
    findings = [
        _present(
            {
                "kind": kind,
                "statement": one.statement,
                "severity": one.severity,
                "confidence": one.confidence,
                "rests_on": [_evidence(label, labels.get(label)) for label in one.evidence.calls],
                "records": one.evidence.records,
            }
        )
        for kind, one in output.findings()
    ]
    shown = findings if full else findings[:_FINDINGS_SHOWN]
    return _present({**told, "summary": output.summary, "findings": shown, "of_findings": len(findings)})


def _evidence(label: str, call: Row | None) -> str:
    if call is None:
        return f"{label}: no such call is recorded"
    return f"{label}: {call['tool']} ({'worked' if call['ok'] else 'failed'}), call {call['id']}"


def _version(run: Row, *, full: bool) -> dict[str, Any]:
    if run["content"] is None:
        return {"version": run["agent_version"] or "", "reproduced": "No version of it is stored."}
    content: Row = json.loads(run["content"])
    digest = hashlib.sha256(run["content"].encode()).hexdigest()
    name = f"{run['agent']}@{digest[:12]}"
    matches = digest == run["content_sha256"] and name == run["version"] == run["agent_version"]
    prompt = str(content.get("prompt", ""))
    exemplars: Sequence[Any] = content.get("exemplars") or []
    return _present(
        {
            "version": run["version"],
            "reproduced": (
                "Its content is stored whole; hashed again it is what its name says."
                if matches
                else f"NOT REPRODUCED: the stored content has the hash {digest}, which is not what it is named after."
            ),
            "content_sha256": digest,
            "origin": run["origin"],
            "made_by": run["version_made_by"],
            "made_through": run["version_made_kind"],
            "made_at": _at(run["version_made_at"]),
            "parent": run["parent"],
            "dataset": run["dataset"],
            "notes": run["notes"] if full else _cut(run["notes"]),
            "prompt_sha256": hashlib.sha256(prompt.encode()).hexdigest(),
            "prompt": prompt if full else None,
            "exemplars": exemplars if full else len(exemplars),
            "tier": content.get("tier"),
            "model": content.get("model"),
            "effort": content.get("effort"),
            "limits": content.get("limits"),
            "reads": content.get("reads"),
            "drafts": content.get("drafts"),
        }
    )


def _why(run: Row, approval: Row | None, *, full: bool) -> dict[str, Any]:
    rollout: Row | None = run["rollout"]
    told: dict[str, Any] = {"because": _because(run, rollout, approval), "lane": run["lane"], "rollout": rollout}
    if run["moved_at"] is not None:
        told["in_production"] = _present(
            {
                "since": _at(run["moved_at"]),
                "instead_of": run["moved_from"],
                "moved_by": run["moved_kind"],
                "why": run["moved_why"],
            }
        )
    if approval is not None:
        told["approval"] = _approved(approval, full=full)
    return _present(told)


def _approved(approval: Row, *, full: bool) -> dict[str, Any]:
    return _present(
        {
            "id": str(approval["id"]),
            "what": approval["summary"],
            "asked_by": approval["requested_by"],
            "asked_through": approval["requested_kind"],
            "asked_at": _at(approval["requested_at"]),
            "asked_why": approval["reason"],
            "signed_by": approval["signed_by"],
            "signed_at": _at(approval["signed_at"]),
            "signed_why": approval["decision_reason"],
            "content_sha256": approval["content_sha256"],
            "gate_report": _present(
                {
                    "id": str(approval["gate_report_id"]),
                    "passed": approval["gates_passed"],
                    "at": _at(approval["gates_at"]),
                    "sha256": approval["gate_report_sha256"],
                    "text": approval["gate_report"] if full else None,
                }
            )
            if approval["gate_report_id"]
            else None,
        }
    )


def _because(run: Row, rollout: Row | None, approval: Row | None) -> str:
    signed = (
        f" {approval['signed_by']} signed it on {_at(approval['signed_at'])} UTC, asked by {approval['requested_by']}."
        if approval is not None and approval["signed_at"] is not None
        else ""
    )
    match run["lane"]:
        case "canary" | "experiment" if rollout:
            place = f"place {float(rollout['place']):.2f} below {float(rollout['percent']):g} %"
            chosen = f"this {rollout['sticky_by']} was among those it answered, {place}."
            return f"It was on trial ({run['lane']}): {chosen}{signed}"
        case "control" if rollout:
            return (
                f"{rollout['tried']} was on trial ({rollout['kind']}, {float(rollout['percent']):g} %): this "
                f"{rollout['sticky_by']} was among the others, who kept what was in production."
            )
        case "production":
            since = f" since {_at(run['moved_at'])} UTC" if run["moved_at"] else ""
            return f"It was in production{since}.{signed}"
        case "shipped":
            return "No other version had been promoted: it is the one the program is shipped with."
        case "shadow" | "evaluation" | "trial":
            return f"It was measured ({run['lane']}): nobody was given this answer."
        case _:
            return "Why this version answered is not recorded: it ran before versions were."


def _calls(calls: Sequence[Row], *, full: bool) -> list[dict[str, Any]]:
    return [
        _present(
            {
                "label": call["label"],
                "id": str(call["id"]),
                "tool": call["tool"],
                "arguments": call["arguments"] if full else _cut(call["arguments"]),
                "ok": call["ok"],
                "error": _cut(call["error"]),
                "answer": call["answer"] if full else None,
                "ms": call["duration_ms"],
                "at": _at(call["created_at"]),
            }
        )
        for call in (calls if full else calls[:_CALLS_SHOWN])
    ]


def _present(told: Mapping[str, Any]) -> dict[str, Any]:
    """Leave out what says nothing."""
    return {name: value for name, value in told.items() if value is not None and value not in ("", [], {})}


def _at(when: datetime | None) -> str | None:
    return None if when is None else f"{when:%Y-%m-%d %H:%M:%S}"


def _cut(value: Any) -> str | None:
    if value is None:
        return None
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= _SHORT else f"{text[:_SHORT]}..."
