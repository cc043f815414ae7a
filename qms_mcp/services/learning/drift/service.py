"""Detecting drift: the runs of the last days against a reference that was kept.

The first time there is no reference: the runs before the window become one, if there are enough, and are kept with
their values, so that the comparison can be made again years later. Metrics are tested together at one per cent.
"""

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import anyio.to_thread

from qms_mcp.db.queries import query
from qms_mcp.errors import InvalidInputError, NotFoundError
from qms_mcp.services.analysis.method import significant
from qms_mcp.services.learning.drift.models import METRICS, DriftReport, LatestDrift, Metric, MetricDrift, Reference
from qms_mcp.services.learning.drift.samples import compared, samples
from qms_mcp.services.learning.versions import shipped_agent
from qms_mcp.statistics.drift.model import Shift, band, holm

if TYPE_CHECKING:
    from qms_mcp.auth.principal import Principal
    from qms_mcp.db.database import Database
    from qms_mcp.settings import Settings

_RUNS, _REFERENCES = query("learning_drift.runs"), query("learning_drift.references")
_KEEP_REFERENCE, _KEEP = query("learning_drift.keep_reference"), query("learning_drift.keep_metric")
_SEVEREST = query("learning_drift.severest")
ALPHA = 0.01
DAYS = 14
_LOOKS_BACK = timedelta(days=180)
_MOST = 1_000
_LEAST_REFERENCE = 30
_RETRAIN = "Look at analyze_feedback, then curate_dataset and trigger_retrain."
_WATCH = "Nothing to do; it is looked at every night."


class Drift:
    """Compares what agents do with what they did.

    Args:
        database: Where runs are.
        settings: From which severity on it is severe.
    """

    def __init__(self, database: "Database", settings: "Settings") -> None:
        self._database = database
        self._severe = settings.ml_retrain_threshold

    async def detect(
        self,
        principal: "Principal",
        agent: str,
        *,
        metrics: Sequence[Metric] = METRICS,
        days: int = DAYS,
        reference: str = "",
        reason: str = "",
    ) -> DriftReport:
        """Compare the runs of the last days with a reference, and keep what was found.

        Args:
            principal: Who asks.
            agent: Which one.
            metrics: What to look at.
            days: How far the window goes back.
            reference: `new` to let the window become the reference, the id of one, or empty for the newest.
            reason: Why there is to be a new reference.

        Raises:
            InvalidInputError: There is no such agent.
            NotFoundError: There is no such reference.
        """
        shipped_agent(agent)
        until = datetime.now(UTC)
        since = until - timedelta(days=days)
        rows = await self._runs(principal, agent, since, until)
        current = await samples(rows, metrics)
        if reference == "new":
            return await self._renewed(principal, agent, current, rows, (since, until), reason)
        kept = await self._references(principal, agent, reference)
        missing: list[Metric] = [metric for metric in metrics if metric not in kept and metric in current]
        if missing and not reference:
            await self._first(principal, agent, missing, since)
            kept = await self._references(principal, agent, "")
        shifts = await anyio.to_thread.run_sync(_shifts, kept, current)
        report = _report(agent, since, kept, shifts, self._severe)
        await self._keep(principal, agent, kept, shifts, report, _version(rows))
        return report

    async def severest(self, principal: "Principal", agent: str | None = None) -> list[LatestDrift]:
        """Return what the last comparison of each metric found, the severest first."""
        async with self._database.transaction(principal, read_only=True) as transaction:
            return await transaction.fetch_all(_SEVEREST, {"agent": agent}, row=LatestDrift)

    async def _runs(self, principal: "Principal", agent: str, since: datetime, until: datetime) -> list[dict[str, Any]]:
        params = {"agent": agent, "since": since, "until": until, "max_rows": _MOST}
        async with self._database.transaction(principal, read_only=True) as transaction:
            return await transaction.fetch_dicts(_RUNS, params)

    async def _references(self, principal: "Principal", agent: str, named: str) -> dict[str, Reference]:
        params = {"agent": agent, "reference": named or None}
        async with self._database.transaction(principal, read_only=True) as transaction:
            found = await transaction.fetch_all(_REFERENCES, params, row=Reference)
        if named and not found:
            raise NotFoundError(f"There is no reference {named[:60]!r} of {agent}.", hint="Leave it out.")
        return {one.metric_type: one for one in found}

    async def _first(self, principal: "Principal", agent: str, metrics: Sequence[Metric], since: datetime) -> None:
        rows = await self._runs(principal, agent, since - _LOOKS_BACK, since)
        taken = await samples(rows, metrics)
        enough = {metric: sample for metric, sample in taken.items() if len(sample["values"]) >= _LEAST_REFERENCE}
        await self._keep_references(principal, agent, enough, rows, "the first reference: what there was before")

    async def _renewed(
        self,
        principal: "Principal",
        agent: str,
        current: Mapping[Metric, Mapping[str, Any]],
        rows: Sequence[Mapping[str, Any]],
        window: tuple[datetime, datetime],
        reason: str,
    ) -> DriftReport:
        if len(reason.strip()) < 10:  # noqa: PLR2004 - as everywhere
            raise InvalidInputError("A new reference needs a reason.", hint="Say why what is now is how it should be.")
        if len(rows) < _LEAST_REFERENCE:
            raise InvalidInputError(
                f"{len(rows)} runs are too few for a reference.", hint=f"Take a longer window: {_LEAST_REFERENCE} runs."
            )
        await self._keep_references(principal, agent, current, rows, reason)
        said = f"What {agent} did since {window[0]:%Y-%m-%d} is the reference from now on ({len(rows)} runs)."
        return DriftReport(headline=said, agent=agent, drifted=False, since=window[0], next=_WATCH)

    async def _keep_references(
        self,
        principal: "Principal",
        agent: str,
        taken: Mapping[Any, Mapping[str, Any]],
        rows: Sequence[Mapping[str, Any]],
        reason: str,
    ) -> None:
        if not rows:
            return
        async with self._database.transaction(principal) as transaction:
            for metric, sample in taken.items():
                params = {
                    "agent": agent,
                    "metric": metric,
                    "agent_version": _version(rows),
                    "n": len(sample["values"]),
                    "sample": json.dumps(dict(sample)),
                    "window_from": rows[-1]["completed_at"],
                    "window_to": rows[0]["completed_at"],
                    "reason": reason,
                }
                await transaction.fetch_dicts(_KEEP_REFERENCE, params)

    async def _keep(
        self,
        principal: "Principal",
        agent: str,
        kept: Mapping[str, Reference],
        shifts: Mapping[str, Shift],
        report: DriftReport,
        version: str | None,
    ) -> None:
        bands = {one.metric: one for one in report.metrics}
        async with self._database.transaction(principal) as transaction:
            for metric, shift in shifts.items():
                found = bands[metric]
                params = {
                    "agent": agent,
                    "metric": metric,
                    "baseline": shift.baseline,
                    "current": shift.current,
                    "score": shift.severity if shift.enough else None,
                    "alert": found.band == "severe",
                    "reference_id": kept[metric].id,
                    "method": shift.method,
                    "n_reference": shift.n_reference,
                    "n_current": shift.n_current,
                    "statistic": shift.statistic,
                    "p": shift.p,
                    "effect": shift.effect,
                    "severity": found.band,
                    "agent_version": version,
                    "details": json.dumps({**shift.details, "p_adjusted": found.p, "alpha": ALPHA}, default=float),
                }
                await transaction.execute(_KEEP, params)


def _shifts(kept: Mapping[str, Reference], current: Mapping[Metric, Mapping[str, Any]]) -> dict[str, Shift]:
    found: dict[str, Shift] = {}
    for metric, sample in current.items():
        reference = kept.get(metric)
        # Vectors of two models can't be compared.
        if reference is not None and reference.sample.get("space") == sample.get("space"):
            found[metric] = compared(metric, reference.sample, sample)
    return found


def _report(
    agent: str, since: datetime, kept: Mapping[str, Reference], shifts: Mapping[str, Shift], severe: float
) -> DriftReport:
    adjusted = holm(shifts)
    lines = [_line(metric, shift, adjusted.get(metric), severe) for metric, shift in shifts.items()]
    lines.sort(key=lambda one: (one.band != "severe", -(one.severity or 0.0)))
    bad = [one.metric for one in lines if one.band == "severe"]
    mild = [one.metric for one in lines if one.band == "mild"]
    windows = sorted({f"{one.window_from:%Y-%m-%d} to {one.window_to:%Y-%m-%d}" for one in kept.values()})
    return DriftReport(
        headline=_headline(agent, lines, bad, mild),
        agent=agent,
        drifted=bool(bad),
        since=since,
        reference="; ".join(windows[-2:]),
        metrics=lines,
        next=_RETRAIN if bad else _WATCH,
    )


def _headline(agent: str, lines: Sequence[MetricDrift], bad: Sequence[str], mild: Sequence[str]) -> str:
    tested = [one for one in lines if one.band != "too few"]
    if not tested:
        return f"Too few runs of {agent} to say whether it drifted: {_LEAST_REFERENCE} are needed before and now."
    if bad:
        little = f"; a little: {', '.join(mild)}" if mild else ""
        return f"{agent} has drifted: {', '.join(bad)}{little}."
    if mild:
        return f"{agent} has moved a little ({', '.join(mild)}), none of it severe."
    return f"No drift of {agent} in {len(tested)} metrics (tested together at {ALPHA:.0%})."


def _line(metric: str, shift: Shift, adjusted: float | None, severe: float) -> MetricDrift:
    found = band(shift, adjusted, alpha=ALPHA, severe=severe)
    note = f"Fewer than {shift.details.get('least')} on one side." if found == "too few" else _note(shift)
    return MetricDrift(
        metric=metric,
        band=found,
        severity=significant(shift.severity) if shift.enough else None,
        baseline=None if shift.baseline is None else significant(shift.baseline),
        current=None if shift.current is None else significant(shift.current),
        p=None if adjusted is None else significant(adjusted),
        n_reference=shift.n_reference,
        n_current=shift.n_current,
        method=shift.method,
        note=note,
    )


def _note(shift: Shift) -> str:
    moved = shift.details.get("moved")
    if moved:
        return "; ".join(f"{name}: {before:.0%} to {now:.0%}" for name, before, now in moved[:3])
    if shift.details.get("alarm_at"):
        return f"More errors since about run {shift.details['since']} of the window."
    if "psi" in shift.details:
        return f"PSI {shift.details['psi']:.3f}, limit for these n {shift.details['psi_limit']:.3f}."
    return ""


def _version(rows: Sequence[Mapping[str, Any]]) -> str | None:
    return str(rows[0]["agent_version"]) if rows and rows[0]["agent_version"] else None
