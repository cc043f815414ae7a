"""What feedback says: by whom it was given, how it is spread, by group and over time, and what went wrong alike.

People on the review page, what models passed on from users, scorers and judges are told apart throughout: an average
over all of them would be that of the scorers, who score every run. Small numbers are said, never hidden.
"""

from collections import defaultdict
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import combinations
from statistics import fmean, stdev
from typing import Any
from uuid import UUID

from qms_mcp.services.learning.feedback.agreement import Agreement, agreement
from qms_mcp.services.learning.feedback.models import LOW, By, FeedbackAnalysis, Source
from qms_mcp.services.learning.feedback.patterns import EXAMPLES, MOST_TEXTS, BadAnswer, Pattern, Vectors, patterns_of

DAYS, MIN_N = 30, 5
PERSON, RELAYED, JUDGE, SCORER = "people", "users (passed on)", "judges", "scorers"
_KINDS = (PERSON, RELAYED, JUDGE, SCORER)
_TENTHS, _MOST_GROUPS, _MOST_PATTERNS = 10, 50, 10
_FEWEST_WEEKS = 4
_SIGNIFICANT = 0.05
_LEVEL = 0.95


@dataclass(frozen=True, slots=True)
class Asked:
    """What is asked of feedback.

    Attributes:
        agent: Of which agent; all if None.
        source: Of which source; all if None.
        since: From when on; `days` before the end if None.
        until: Up to when; now if None.
        days: Length of the time, where `since` is None.
        by: How it is grouped; None: not.
        min_n: From how many on a group is enough to be compared.
        below: An answer whose mean score is lower is a bad one.
    """

    agent: str | None = None
    source: Source | None = None
    since: datetime | None = None
    until: datetime | None = None
    days: int = DAYS
    by: By | None = None
    min_n: int = MIN_N
    below: float = LOW


@dataclass(frozen=True, slots=True)
class Row:
    """Feedback as it is stored, with the request its run was about.

    Attributes:
        created_at: In UTC.
        is_partial: About one call or a record, not about the answer.
    """

    id: UUID
    run_id: UUID | None
    source: str
    given_kind: str | None
    score: float
    label: str
    comment: str | None
    agent: str
    version: str
    created_at: datetime
    request: str | None
    is_partial: bool

    @property
    def giver(self) -> str:
        """Who gave it: people, users through a model, judges or scorers."""
        if self.source == "user":
            return PERSON if self.given_kind == "human" else RELAYED
        return JUDGE if self.source == "llm-judge" else SCORER


async def analysis_of(
    asked: Asked,
    since: datetime,
    until: datetime,
    every: Sequence[Row],
    vectors: Callable[[Sequence[str]], Awaitable[Vectors]],
    cut: bool,
) -> FeedbackAnalysis:
    """Return what feedback says.

    Args:
        asked: What is asked.
        since: Of which time.
        until: Its end.
        every: The feedback of that time, of all sources.
        vectors: How alike texts are.
        cut: There was more than is looked at.
    """
    rows = [row for row in every if asked.source is None or row.source == asked.source]
    notes = [f"Only the newest {len(every)} are looked at."] if cut else []
    if len(rows) < asked.min_n:
        notes.append(f"{len(rows)} in all: too few to conclude from ({asked.min_n} are asked for).")
    givers = [_counted(kind, of, asked.min_n) for kind in _KINDS if (of := [r for r in rows if r.giver == kind])]
    bad = bad_answers(rows, asked.below)
    if len(bad) > MOST_TEXTS:
        notes.append(f"Of {len(bad)} answers below {asked.below:g} the worst {MOST_TEXTS} are compared.")
        bad = bad[:MOST_TEXTS]
    patterns = list[dict[str, Any]]()
    if len(bad) > 1:
        compared = await vectors([one.text for one in bad])
        patterns = [_told(one, compared.how) for one in patterns_of(bad, compared)[:_MOST_PATTERNS]]
    return FeedbackAnalysis(
        headline=_headline(asked, givers, len(bad), patterns),
        since=since,
        until=until,
        n=len(rows),
        given_by=givers,
        distribution=distribution([row.score for row in rows]),
        groups=_groups(rows, asked, notes),
        trends=_trends(rows),
        patterns=patterns,
        agreement=_agreements(every),
        notes=notes,
    )


def distribution(scores: Sequence[float]) -> list[int]:
    """Return how many scores lie in each tenth of the scale; 1 is in the last."""
    counts = [0] * _TENTHS
    for score in scores:
        counts[min(_TENTHS - 1, int(score * _TENTHS + 1e-9))] += 1
    return counts if scores else []


def bad_answers(rows: Sequence[Row], below: float) -> list[BadAnswer]:
    """Return the answers whose mean score is below a limit, the worst first; the comments of people say why."""
    by_run: dict[UUID, list[Row]] = defaultdict(list)
    for row in rows:
        if row.run_id is not None and not row.is_partial:
            by_run[row.run_id].append(row)
    bad: list[BadAnswer] = []
    for run_id, given in by_run.items():
        score = fmean(row.score for row in given)
        said = [row.comment or "" for row in given if row.source != "automated"]
        text = "\n".join(part for part in (given[0].request or "", *said) if part.strip())
        if score < below and text:
            bad.append(BadAnswer(run_id, score, text))
    return sorted(bad, key=lambda one: (one.score, str(one.run_id)))


def _counted(named: str, rows: Sequence[Row], min_n: int) -> dict[str, Any]:
    scores = [row.score for row in rows]
    told: dict[str, Any] = {"group": named, "n": len(scores), "average": round(fmean(scores), 4)}
    if len(scores) > 1 and stdev(scores) > 0:
        from qms_mcp.statistics.intervals import mean_interval_of  # noqa: PLC0415 - scipy

        low, high = mean_interval_of(fmean(scores), stdev(scores), len(scores), _LEVEL)
        told["interval"] = [round(max(0.0, low), 4), round(min(1.0, high), 4)]
    if len(scores) < min_n:
        told["few"] = True
    return told


def _groups(rows: Sequence[Row], asked: Asked, notes: list[str]) -> list[dict[str, Any]]:
    if asked.by is None:
        return []
    grouped: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        grouped[_key(row, asked.by)].append(row)
    in_time = asked.by in {"day", "week"}
    told = [_counted(name, of, asked.min_n) | _apart(of) for name, of in grouped.items()]
    told.sort(key=lambda one: one["group"] if in_time else (one["average"], one["group"]))
    if len(told) > _MOST_GROUPS:
        which = "newest" if in_time else "lowest"
        notes.append(f"{len(told)} groups; the {which} {_MOST_GROUPS} are shown.")
        told = told[-_MOST_GROUPS:] if in_time else told[:_MOST_GROUPS]
    return told


def _key(row: Row, by: By) -> str:
    keys: dict[By, str] = {
        "agent": row.agent,
        "version": row.version or f"{row.agent} (no version)",
        "source": row.giver,
        "label": row.label or "(none)",
        "day": f"{row.created_at:%Y-%m-%d}",
        "week": _week(row.created_at),
        "organization": "your organization",
    }
    return keys[by]


def _apart(rows: Sequence[Row]) -> dict[str, Any]:
    """Return the averages by who gave it, where it was more than one."""
    kinds = {kind: [row.score for row in rows if row.giver == kind] for kind in _KINDS}
    given = {kind: {"n": len(scores), "average": round(fmean(scores), 4)} for kind, scores in kinds.items() if scores}
    return {"given_by": given} if len(given) > 1 else {}


def _week(day: datetime) -> str:
    return f"{day - timedelta(days=day.weekday()):%Y-%m-%d}"


def _trends(rows: Sequence[Row]) -> list[dict[str, Any]]:
    """Return the averages per week of each source, from Monday on, and whether they rise or fall."""
    return [_trend(kind, of) for kind in _KINDS if (of := [row for row in rows if row.giver == kind])]


def _trend(kind: str, rows: Sequence[Row]) -> dict[str, Any]:
    import numpy as np  # noqa: PLC0415 - heavy

    from qms_mcp.statistics.trends.mann_kendall import mann_kendall  # noqa: PLC0415

    weeks: dict[str, list[float]] = defaultdict(list)
    for row in rows:
        weeks[_week(row.created_at)].append(row.score)
    averages = [fmean(weeks[week]) for week in sorted(weeks)]
    told: dict[str, Any] = {
        "group": kind,
        "weeks": [[week, round(fmean(weeks[week]), 4), len(weeks[week])] for week in sorted(weeks)],
    }
    if len(averages) < _FEWEST_WEEKS:
        return told | {"note": f"{len(averages)} weeks are too few for a test; {_FEWEST_WEEKS} are needed."}
    test = mann_kendall(np.asarray(averages, dtype=np.float64))
    moves = "falls" if test.s < 0 else "rises"
    note = f"It {moves}." if test.p < _SIGNIFICANT else "No trend beyond chance."
    return told | {"tau": round(test.tau, 3), "p": round(test.p, 5), "note": note}


def _agreements(rows: Sequence[Row]) -> list[dict[str, Any]]:
    scores: dict[str, dict[UUID, list[float]]] = {kind: defaultdict(list) for kind in _KINDS}
    for row in rows:
        if row.run_id is not None and not row.is_partial:
            scores[row.giver][row.run_id].append(row.score)
    told: list[dict[str, Any]] = []
    # Judges and scorers are measured against people, so they come first.
    for first, second in combinations((JUDGE, SCORER, RELAYED, PERSON), 2):
        both = sorted(scores[first].keys() & scores[second].keys(), key=str)
        found = agreement(first, second, [(fmean(scores[first][run]), fmean(scores[second][run])) for run in both])
        if found is not None:
            told.append(_compared(found))
    return told


def _compared(found: Agreement) -> dict[str, Any]:
    numbers = {"pearson": found.pearson, "spearman": found.spearman, "kappa": found.kappa}
    told: dict[str, Any] = {"sources": [found.first, found.second], "n": found.n, "bias": round(found.bias, 4)}
    if found.low is not None and found.high is not None:
        told["interval"] = [round(found.low, 4), round(found.high, 4)]
    known = {name: round(value, 4) for name, value in numbers.items() if value is not None}
    return told | known | {"note": found.note}


def _told(pattern: Pattern, how: str) -> dict[str, Any]:
    return {
        "named": ", ".join(pattern.named),
        "n": len(pattern.members),
        "average": round(pattern.score, 4),
        "compared_by": how,
        "examples": [
            {"run_id": str(one.run_id), "score": round(one.score, 4), "text": one.text[:300]}
            for one in pattern.members[:EXAMPLES]
        ],
    }


def _headline(asked: Asked, givers: Sequence[dict[str, Any]], bad: int, patterns: Sequence[dict[str, Any]]) -> str:
    of = f" on {asked.agent}" if asked.agent else ""
    if not givers:
        return f"No feedback{of} in this time."
    said = "; ".join(f"{one['group']} {one['average']:.2f} (n = {one['n']})" for one in givers)
    words = [f"Average feedback{of}: {said}.", f"{bad} answer{'' if bad == 1 else 's'} below {asked.below:g}."]
    if patterns:
        words.append(f"Most frequent pattern: {patterns[0]['named']} ({patterns[0]['n']}).")
    return " ".join(words)
