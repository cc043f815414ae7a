"""Many feedbacks on one run become one: whoever is heard first decides.

A person at the review page outweighs a model that passes on what its user said, that a judge, and a judge a scorer: the
score of a run is the mean of those of the highest standing, and the others do not change it. Of one person the latest
word counts. An answer at or above the threshold is a good one, to be learnt from. One below it is kept only if a person
said what is missing: then as a hard case, that expects this and no answer.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, cast

from pydantic import ValidationError

from qms_mcp.agents.outputs import AgentOutput
from qms_mcp.services.learning.datasets.models import STANDINGS, Draft, Spec, Standing, TrainingRow
from qms_mcp.services.learning.datasets.slicing import slices_of

_BY_PEOPLE: frozenset[Standing] = frozenset({"human", "relayed"})
_LONGEST_RUBRIC = 2_000
_LABELS_THAT_SAY_NOTHING = frozenset({"", "automatic", "good", "bad", "up", "down", "ok"})


def drafts_of(rows: Iterable[TrainingRow], spec: Spec, left_out: Counter[str]) -> list[Draft]:
    """Return one draft a run, whatever the order of the rows.

    Args:
        rows: Feedback.
        spec: What is good enough, and whether only what people validated counts.
        left_out: Counts what is left out, by why.
    """
    by_run: dict[str, list[TrainingRow]] = defaultdict(list)
    for row in rows:
        by_run[str(row.run_id or row.id)].append(row)
    drafts: list[Draft] = []
    for _, given in sorted(by_run.items()):
        made = _draft(sorted(given, key=lambda row: (row.created_at, str(row.id))), spec)
        if isinstance(made, str):
            left_out[made] += 1
        else:
            drafts.append(made)
    return drafts


def _draft(rows: Sequence[TrainingRow], spec: Spec) -> Draft | str:
    """Return what the feedback on one run comes to, or why it is left out."""
    if any(row.too_long for row in rows):
        return "too_long"
    is_validated = any(row.is_validated for row in rows)
    if spec.validated == "only" and not is_validated:
        return "not_validated"
    heard = _heard(rows)
    scores = [row.score for row in heard if row.score is not None]
    asked = asked_of(rows[0].input)
    if not scores or asked is None:
        return "unreadable"
    score = round(sum(scores) / len(scores), 6)
    answer = answer_of(rows[0].output)
    is_good = score >= spec.quality_threshold
    expected = _good(answer) if is_good else _wanted(rows)
    if not expected:
        return "unreadable" if is_good else "below_threshold"
    request, subject, inputs = asked
    kind = "good" if is_good else "hard"
    return Draft(
        group_key=rows[0].group_key or str(rows[0].run_id or rows[0].id),
        request=request,
        subject=subject,
        inputs=inputs or rows[0].inputs,
        expected=expected,
        standing=heard[0].standing,
        score=score,
        is_validated=is_validated,
        slices=slices_of(request, subject, answer, rows[0].agent_version, kind),
        run_ids=tuple(sorted({row.run_id for row in rows if row.run_id}, key=str)),
        feedback_ids=tuple(sorted({row.feedback_id for row in rows if row.feedback_id}, key=str)),
        created_at=rows[0].created_at,
    )


def _heard(rows: Sequence[TrainingRow]) -> list[TrainingRow]:
    """Return the rows of the highest standing, of each person the latest."""
    highest = min((row.standing for row in rows), key=STANDINGS.index)
    latest: dict[str, TrainingRow] = {}
    for row in rows:
        if row.standing == highest:
            by = str(row.given_by or row.id) if highest in _BY_PEOPLE else str(row.id)
            latest[by] = row
    return list(latest.values())


def asked_of(given: Any) -> tuple[str, str, Mapping[str, Any]] | None:
    """Return request, subject and inputs of a stored input; None when nothing is asked."""
    if isinstance(given, str):
        return (given.strip(), "", {}) if given.strip() else None
    if not isinstance(given, Mapping):
        return None
    parts = cast("Mapping[str, Any]", given)
    request = parts.get("request") or parts.get("prompt")
    if not isinstance(request, str) or not request.strip():
        return None
    inputs = parts.get("inputs")
    return (
        request.strip(),
        str(parts.get("subject") or "").strip()[:200],
        dict(cast("Mapping[str, Any]", inputs)) if isinstance(inputs, Mapping) else {},
    )


def answer_of(output: Any) -> AgentOutput | None:
    """Return an answer as agents write it; None when it is none."""
    if not isinstance(output, Mapping):
        return None
    parts = cast("Mapping[str, Any]", output)
    known = {name: parts[name] for name in AgentOutput.model_fields if name in parts}
    try:
        return AgentOutput.model_validate(known)
    except ValidationError:
        return None


def _good(answer: AgentOutput | None) -> dict[str, Any]:
    return {"answer": answer.model_dump(mode="json")} if answer is not None else {}


def _wanted(rows: Sequence[TrainingRow]) -> dict[str, Any]:
    """Return what people said a good answer would have; nothing when none did."""
    said = list(dict.fromkeys(_words(row) for row in rows if row.standing in _BY_PEOPLE and _words(row)))
    mentions = list(
        dict.fromkeys(
            str(one).strip()
            for row in rows
            if row.standing in _BY_PEOPLE
            for one in _list(row.details.get("must_mention"))
            if str(one).strip()
        )
    )
    corrected = next(
        (
            made
            for row in reversed(rows)
            if row.standing in _BY_PEOPLE and (made := answer_of(row.details.get("corrected"))) is not None
        ),
        None,
    )
    expected: dict[str, Any] = _good(corrected)
    if said:
        expected["rubric"] = "\n".join(said)[:_LONGEST_RUBRIC]
    if mentions:
        expected["must_mention"] = mentions
    return expected


def _words(row: TrainingRow) -> str:
    label = "" if row.label.strip().casefold() in _LABELS_THAT_SAY_NOTHING else row.label.strip()
    return ": ".join(part for part in (label, row.comment.strip()) if part)


def _list(value: Any) -> list[Any]:
    return cast("list[Any]", value) if isinstance(value, list) else []
