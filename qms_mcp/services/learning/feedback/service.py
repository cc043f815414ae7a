"""Feedback as services and tools use it: given, scored after each run, queued for people, and looked through.

Who gives it, and what it is about, is the database's to say (`0026_feedback.sql`): this service passes on. Scores go to
Langfuse through the outbox, under the id of the feedback, in the transaction that stores them; nothing waits for it.
"""

import json
import logging
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from operator import itemgetter
from typing import TYPE_CHECKING, Any, cast
from uuid import UUID

from qms_mcp.agents.roster import roster
from qms_mcp.db.queries import query
from qms_mcp.errors import ConflictError, InvalidInputError, NotFoundError, QmsError
from qms_mcp.services.dispatch.evidence import verified
from qms_mcp.services.learning.after_runs import EndedRun
from qms_mcp.services.learning.feedback.analysing import Asked, Row, analysis_of
from qms_mcp.services.learning.feedback.models import (
    LONGEST_COMMENT,
    LONGEST_LABEL,
    FeedbackAnalysis,
    Given,
    QueueItem,
    QueuePage,
    Reason,
    Scored,
    Source,
)
from qms_mcp.services.learning.feedback.patterns import Vectors, vectors_of
from qms_mcp.services.learning.feedback.scorers import EndedRow, answer_of, cited_records, scored

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from qms_mcp.auth.principal import Principal
    from qms_mcp.db.database import Database
    from qms_mcp.db.transaction import Transaction
    from qms_mcp.services.embedding.service import Embedding
    from qms_mcp.settings import Settings

_RECORD, _GIVE, _GIVEN = (query(f"learning_feedback.{name}") for name in ("record_named", "give", "given"))
_KEPT, _KEEP_SCORE, _SEND = (query(f"learning_feedback.{name}") for name in ("kept", "keep_score", "send_score"))
_RUN, _CALLS, _UNSCORED = (query(f"learning_feedback.{name}") for name in ("ended_run", "calls_of_run", "unscored"))
_QUEUE, _ANALYSED = query("learning_feedback.queue"), query("learning_feedback.analysed")
AUTOMATIC = "automatic"
MOST_ROWS = 20_000
_ENDED = frozenset({"completed", "partial", "failed", "lost"})
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class About:
    """What feedback is about; one of them is enough.

    Attributes:
        run: Id of a run.
        tool_call: Id of a tool call: its run is found.
        record: Id or number of a record: the run that drafted it is found, if one did.
    """

    run: str = ""
    tool_call: str = ""
    record: str = ""


class Feedback:
    """Feedback of an organization.

    Args:
        database: Where it is.
        embedding: Puts badly scored answers that are alike together; without it their letters do.
        settings: Whether scores go to Langfuse.
    """

    def __init__(self, database: "Database", embedding: "Embedding", settings: "Settings") -> None:
        self._database = database
        self._embedding = embedding
        self._to_langfuse = settings.langfuse_configured

    # Given ----------------------------------------------------------------------------------------------------------

    async def record(
        self,
        principal: "Principal",
        about: About,
        score: float,
        *,
        label: str = "",
        comment: str = "",
        source: Source = "user",
        idempotency_key: str | None = None,
    ) -> Given:
        """Store feedback.

        Args:
            principal: Who gives it, or passes it on.
            about: A run, tool call or record.
            score: From 0 (useless or wrong) to 1 (just right).
            label: What it says in a word or two.
            comment: What was said.
            source: Of a user, or, from a system alone, of a rule or judge.
            idempotency_key: The same key is the same feedback.

        Raises:
            InvalidInputError: It is about nothing, or the score or a text is out of bounds.
            NotFoundError: What it is about does not exist.
            NotAllowedError: The source is not the caller's to claim, or the caller only reads.
            ConflictError: The key stands for other feedback.
        """
        _check(about, score, label, comment)
        async with self._database.transaction(principal) as transaction:
            params: dict[str, Any] = {
                "run_id": _id(about.run, "run"),
                "tool_call_id": _id(about.tool_call, "tool call"),
                "record_id": await _record(transaction, about.record),
                "source": source,
                "score": float(score),
                "label": label.strip(),
                "comment": comment.strip() or None,
                "key": idempotency_key or None,
            }
            made = await transaction.fetch_dicts(_GIVE, params)
            found = made or await transaction.fetch_dicts(_GIVEN, params)
            if not found:
                raise ConflictError("This run has a score of this label already.", hint="Give another label.")
            kept = (await transaction.fetch_dicts(_KEPT, {"id": found[0]["id"]}))[0]
            if not made and not _same(kept, params):
                raise ConflictError(
                    "This key stands for other feedback.", hint="Use a new idempotency_key for what is new."
                )
            if made:
                await self._send(transaction, kept)
        return _given(kept, created=bool(made))

    async def keep_judgement(
        self,
        principal: "Principal",
        run_id: UUID,
        score: float,
        *,
        label: str = "",
        comment: str = "",
        details: "Mapping[str, Any] | None" = None,
        idempotency_key: str | None = None,
    ) -> UUID:
        """Store what a judge says of a run, and return the id of the feedback; under one key it is one.

        Raises:
            NotFoundError: There is no such run.
            ConflictError: The run has not ended.
        """
        params = _score_params(run_id, "llm-judge", score, label, comment, details or {}, idempotency_key)
        return (await self._keep_score(principal, params))[0]

    # Scored ---------------------------------------------------------------------------------------------------------

    async def run_ended(self, principal: "Principal", run: EndedRun) -> None:
        """Score a run that has ended; what only measures a version is scored by its evaluation."""
        if not run.measures:
            await self.score_run(principal, run.run_id)

    async def score_run(self, principal: "Principal", run_id: UUID) -> Scored:
        """Give a run that has ended its automatic score, once; asked again it is the same.

        A cancelled run has none: somebody changed their mind.

        Raises:
            NotFoundError: There is no such run of an agent.
            ConflictError: It has not ended.
        """
        async with self._database.transaction(principal, read_only=True) as transaction:
            found = await transaction.fetch_dicts(_RUN, {"run_id": run_id})
            calls = await transaction.fetch_dicts(_CALLS, {"run_id": run_id})
        if not found:
            raise _no_run()
        if found[0]["status"] == "running":
            raise ConflictError("The run has not ended.", hint="Score it when it has.")
        if found[0]["status"] not in _ENDED:
            return Scored(run_id=run_id)
        run = _ended(found[0], calls)
        answer = answer_of(run)
        cited = cited_records(answer)
        known = await verified(self._database, principal, (), cited) if cited else {}
        scores = scored(run, answer, {name for name, is_there in known.items() if is_there})
        details = {"scores": dict(scores.by_scorer), "notes": list(scores.notes)}
        params = _score_params(run_id, "automated", scores.mean, AUTOMATIC, "; ".join(scores.notes), details, None)
        feedback_id, created = await self._keep_score(principal, params)
        return Scored(
            run_id=run_id,
            feedback_id=feedback_id,
            created=created,
            score=round(scores.mean, 4),
            scores=dict(scores.by_scorer),
            notes=list(scores.notes),
        )

    async def score_unscored(self, principal: "Principal", limit: int = 200) -> int:
        """Score runs whose score was lost (their process died at the wrong moment), and return how many."""
        async with self._database.transaction(principal, read_only=True) as transaction:
            rows = await transaction.fetch_dicts(_UNSCORED, {"max_rows": limit})
        done = 0
        for row in rows:
            try:
                done += (await self.score_run(principal, row["id"])).created
            except QmsError as error:
                _log.warning("run %s could not be scored: %s", row["id"], error.message)
        return done

    # Looked through -------------------------------------------------------------------------------------------------

    async def queue(
        self,
        principal: "Principal",
        *,
        agent: str | None = None,
        because: Reason | None = None,
        limit: int = 20,
        cursor: str = "",
    ) -> QueuePage:
        """Return what is worth a person's look, in the order in which it is.

        Raises:
            InvalidInputError: There is no such agent.
        """
        _known(agent)
        async with self._database.transaction(principal, read_only=True) as transaction:
            found = await transaction.fetch_dicts(_QUEUE, {"agent": agent, "because": because})
        rows = sorted(found, key=itemgetter("place"))
        left = [row for row in rows if row["place"] > cursor]
        shown = left[:limit]
        reasons = [reason for row in rows for reason in row["reasons"]]
        counts = {reason: reasons.count(reason) for reason in dict.fromkeys(reasons)}
        return QueuePage(
            headline=_queue_words(len(rows), counts),
            total=len(rows),
            by_reason=counts,
            items=[_item(row) for row in shown],
            next_cursor=shown[-1]["place"] if len(left) > limit else "",
        )

    async def analyse(self, principal: "Principal", asked: Asked) -> FeedbackAnalysis:
        """Return what the feedback of a time says.

        Raises:
            InvalidInputError: There is no such agent, or the time is none.
        """
        _known(asked.agent)
        until = asked.until or datetime.now(UTC)
        since = asked.since or until - timedelta(days=asked.days)
        if since >= until:
            raise InvalidInputError("The time ends before it begins.", hint="Give `since` before `until`, or `days`.")
        params = {"agent": asked.agent, "since": since, "until": until, "max_rows": MOST_ROWS + 1}
        async with self._database.transaction(principal, read_only=True) as transaction:
            rows = await transaction.fetch_all(_ANALYSED, params, row=Row)

        async def vectors(texts: "Sequence[str]") -> Vectors:
            return await vectors_of(texts, self._embedding, principal)

        return await analysis_of(asked, since, until, rows[:MOST_ROWS], vectors, cut=len(rows) > MOST_ROWS)

    # Within ---------------------------------------------------------------------------------------------------------

    async def _keep_score(self, principal: "Principal", params: dict[str, Any]) -> tuple[UUID, bool]:
        async with self._database.transaction(principal) as transaction:
            kept = (await transaction.fetch_dicts(_KEEP_SCORE, params))[0]
            if kept["created"]:
                await self._send(transaction, kept)
        return kept["id"], kept["created"]

    async def _send(self, transaction: "Transaction", kept: "Mapping[str, Any]") -> None:
        if self._to_langfuse:
            await transaction.fetch_dicts(_SEND, {"id": kept["id"]})


def _check(about: About, score: float, label: str, comment: str) -> None:
    if not (about.run or about.tool_call or about.record):
        raise InvalidInputError("Feedback is about something.", hint="Name a run, a tool call or a record.")
    if not 0 <= score <= 1:  # also what is no number
        raise InvalidInputError(
            f"The score is {score}, not between 0 and 1.", hint="0: useless or wrong; 1: just right."
        )
    for name, text, most in (("comment", comment, LONGEST_COMMENT), ("label", label, LONGEST_LABEL)):
        if len(text) > most:
            raise InvalidInputError(
                f"The {name} has {len(text)} characters; {most} are the most.", hint="Say it in fewer words."
            )
        if "\0" in text:
            raise InvalidInputError(f"The {name} holds a character that can't be stored (NUL).", hint="Leave it out.")


def _id(named: str, what: str) -> UUID | None:
    try:
        return UUID(named.strip()) if named.strip() else None
    except ValueError as wrong:
        raise NotFoundError(
            f"There is no {what} {named[:60]!r}.", hint="It is named by its id: get_dispatch shows them."
        ) from wrong


async def _record(transaction: "Transaction", named: str) -> UUID | None:
    name = named.strip()
    if not name:
        return None
    found = await transaction.fetch_dicts(_RECORD, {"named": name.lower(), "number": name.upper()})
    if not found:
        raise NotFoundError(f"There is no record {name[:60]!r}.", hint="list_records shows what there is.")
    return found[0]["id"]


def _no_run() -> NotFoundError:
    return NotFoundError("There is no such run of an agent.", hint="list_dispatches and get_dispatch name runs.")


def _same(kept: "Mapping[str, Any]", params: "Mapping[str, Any]") -> bool:
    named = [name for name in ("run_id", "tool_call_id", "record_id") if params[name] is not None]
    return all(kept[name] == params[name] for name in ("score", "label", "comment", "source", *named))


def _given(kept: "Mapping[str, Any]", *, created: bool) -> Given:
    about = f"a run of {kept['agent']}" if kept["agent"] else "a record" if kept["record_id"] else "a call"
    who = {"human": "by a person", "agent": "passed on by an assistant", "system": "by the system"}
    told = f"{'Stored' if created else 'Stored before'}: {kept['score']:g} for {about}"
    how = who.get(kept["given_kind"] or "", "")
    example = " It is an example to learn from, not validated by a person." if kept["is_example"] else ""
    fields = ("id", "run_id", "tool_call_id", "record", "agent", "agent_version", "source", "given_kind", "score")
    return Given(
        headline=f"{told}, {how}.{example}" if how else f"{told}.{example}",
        created=created,
        is_example=kept["is_example"],
        langfuse_trace_id=kept["langfuse_trace_id"],
        **{name: kept[name] for name in fields},
    )


def _score_params(
    run_id: UUID, source: Source, score: float, label: str, comment: str, details: "Mapping[str, Any]", key: str | None
) -> dict[str, Any]:
    return {
        "run_id": run_id,
        "source": source,
        "score": score,
        "label": label,
        "comment": comment[:LONGEST_COMMENT],
        "details": json.dumps(details, ensure_ascii=False),
        "key": key,
    }


def _ended(row: "Mapping[str, Any]", calls: "Sequence[Mapping[str, Any]]") -> EndedRow:
    output = row["output"]
    return EndedRow(
        status=row["status"],
        stop_reason=row["stop_reason"],
        output=cast("Mapping[str, Any]", output) if isinstance(output, dict) else None,
        duration_ms=row["duration_ms"],
        cost_usd=row["cost_usd"],
        calls={call["label"]: bool(call["worked"]) for call in calls},
        unrecorded=frozenset(call["label"] for call in calls if not call["is_recorded"]),
        seconds=row["seconds"],
        planned_usd=row["planned_usd"],
    )


def _known(agent: str | None) -> None:
    if agent is not None and agent not in roster():
        raise InvalidInputError(f"There is no agent {agent[:40]!r}.", hint=f"There is: {', '.join(roster())}.")


def _item(row: "Mapping[str, Any]") -> QueueItem:
    return QueueItem(
        run_id=row["run_id"],
        agent=row["agent"],
        version=row["agent_version"],
        lane=row["lane"],
        request=row["request"],
        completed_at=row["completed_at"],
        reasons=row["reasons"],
        low=None if row["low"] is None else round(row["low"], 3),
        spread=None if row["spread"] is None else round(row["spread"], 3),
        given=row["given"],
        review=f"/review/{row['run_id']}",
    )


def _queue_words(total: int, counts: "Mapping[str, int]") -> str:
    if not total:
        return "Nothing is worth a person's look now: what was looked at, and what is older than 90 days, is left out."
    reasons = ", ".join(f"{n} {reason.replace('_', ' ')}" for reason, n in counts.items())
    waits = "answer is" if total == 1 else "answers are"
    return f"{total} {waits} worth a person's look ({reasons}). A person reviews them on the approval page, at /review."
