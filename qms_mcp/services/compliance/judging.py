"""From evidence to one of three words: found, stale, missing.

Evidence with a day until which it is valid is stale after that day. Other evidence is stale when it is older than the
interval: of the rule, else of the row in the matrix, else of the organization, else a year.
"""

from collections.abc import Iterable, Sequence
from datetime import date, timedelta

from qms_mcp.services.compliance.models import ClauseCoverage, ClauseOfRecord, Evidence, MatrixRow, Verdict

_MOST_CITED = 5
_LONGEST_NOTE = 80
_MANY = 100


def is_fresh(today: date, dated: date | None, valid_until: date | None, days: int) -> bool:
    """Say whether evidence still counts."""
    if valid_until is not None:
        return valid_until >= today
    return dated is not None and dated >= today - timedelta(days=days)


def judge_clause(clause: MatrixRow, evidence: Sequence[Evidence], *, explain: bool) -> ClauseCoverage:
    """Return what there is for a clause; with `explain`, also what was looked for."""
    title = f"{clause.number} {clause.title}"
    if clause.adopted_at is not None:
        why = f"adopted {clause.adopted_at:%Y-%m-%d}: {clause.justification}"
        return ClauseCoverage(clause=title, evidence="not applicable", gap=why)
    fresh = [one for one in evidence if _counts(clause, one)]
    verdict: Verdict = "found" if fresh else "stale" if evidence else "missing"
    return ClauseCoverage(
        clause=title,
        evidence=verdict,
        cited=list(_cited(fresh, [one for one in evidence if one not in fresh])),
        gap="; ".join(_gaps(clause, evidence, verdict)),
        looked_for=(clause.looked_for or ["what somebody links"]) if explain else [],
    )


def judge_record(clause: ClauseOfRecord) -> ClauseCoverage:
    """Return what a record is worth for a clause."""
    days = clause.max_age_days or clause.review_days
    counts = clause.linked or clause.status in (clause.wanted or [])
    until = clause.linked_until if clause.linked else clause.valid_until
    verdict: Verdict = "missing"
    gap = f"it counts once it is {' or '.join(clause.wanted or [])} (now: {clause.status})"
    if counts:
        verdict = "found" if is_fresh(clause.today, clause.dated, until, days) else "stale"
        gap = "" if verdict == "found" else _too_old(clause.dated, until, days)
    return ClauseCoverage(
        clause=f"{clause.framework} {clause.number} {clause.title}",
        evidence=verdict,
        cited=[clause.citation] if counts else [],
        gap=gap,
        looked_for=[clause.looked_for] if clause.looked_for else [],
    )


def _counts(clause: MatrixRow, one: Evidence) -> bool:
    return is_fresh(clause.today, one.dated, one.valid_until, one.max_age_days or clause.review_days)


def _cited(fresh: Sequence[Evidence], stale: Sequence[Evidence]) -> Iterable[str]:
    shown = [_words(one) for one in fresh] + [f"{_words(one)} (stale)" for one in stale]
    shown = list(dict.fromkeys(shown))
    yield from shown[:_MOST_CITED]
    totals = {(one.source, one.citation if one.total == 1 else one.note): one.total for one in (*fresh, *stale)}
    if any(total > _MANY for total in totals.values()):
        yield f"and more than {_MANY} others"
    elif sum(totals.values()) > min(len(shown), _MOST_CITED):
        yield f"and {sum(totals.values()) - min(len(shown), _MOST_CITED)} more"


def _words(one: Evidence) -> str:
    if one.source == "records":
        return f"{one.citation}, {one.note} since {one.dated}"
    if one.source != "link":
        return one.citation
    said = [f"linked, of {one.dated}"]
    if one.valid_until:
        said.append(f"valid until {one.valid_until}")
    if one.note:
        said.append(one.note if len(one.note) <= _LONGEST_NOTE else f"{one.note[:_LONGEST_NOTE]}...")
    return f"{one.citation} ({'; '.join(said)})"


def _gaps(clause: MatrixRow, evidence: Sequence[Evidence], verdict: Verdict) -> Iterable[str]:
    if clause.applicability == "not_applicable":
        yield f"proposed as not applicable ({clause.proposed_kind}), not adopted by a person: {clause.justification}"
    if verdict == "missing":
        yield f"nothing found for: {', '.join(clause.looked_for)}" if clause.looked_for else "nothing is linked"
    if verdict == "stale":
        newest = max(evidence, key=lambda one: one.valid_until or one.dated or date.min)
        yield _too_old(newest.dated, newest.valid_until, newest.max_age_days or clause.review_days)
    if clause.lives_on:
        yield f"replaced, looked at {clause.lives_on} (map to be checked)"
    if clause.next_review is not None and clause.next_review < clause.today:
        yield f"the review of this row was due {clause.next_review}"


def _too_old(dated: date | None, valid_until: date | None, days: int) -> str:
    if valid_until is not None:
        return f"valid until {valid_until}"
    return f"the newest is of {dated}, older than {days} days" if dated else "it has no date"
