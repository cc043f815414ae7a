"""Suppliers: approvals, what was delivered wrong, corrective action requests, certificates that run out."""

from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any, cast

from qms_mcp.services.reports.content import Cell, Section
from qms_mcp.services.reports.facts import ReportFacts
from qms_mcp.services.reports.sections.telling import Known, Row, cite, many, total_of, worded

_SOON = timedelta(days=90)
_ENDS = ("expires_on", "valid_until", "expiry", "expires", "valid_to", "until")
_NAMES = ("name", "standard", "scope", "certificate", "number")
_MOST_QUESTIONS = 10


def performance(known: Known) -> Section:
    """Return how external providers did: nonconformances, PPM where volumes are known, SCARs."""
    rows, named = known.facts.rows("suppliers"), known.facts.one("supplier_nonconformances")
    states = known.facts.rows("supplier_states")
    facts = (
        known.fact(
            "nonconformances that name a supplier", named.get("named", 0), named.get("named_before", 0), good="less",
            counted=True,
        ),
        known.fact("incoming nonconformances without a supplier", named.get("incoming_without", 0), good="less"),
        known.fact("SCARs open", total_of(rows, "scars_open"), good="less"),
        known.fact("SCARs late", total_of(rows, "scars_late"), good="less"),
        known.fact("SCARs issued", total_of(rows, "scars_issued")),
        *known.measured("supplier_ppm", "lot_acceptance"),
    )  # fmt: skip
    missing = list(known.not_there("supplier_ppm"))
    if named.get("incoming_without"):
        missing.append(
            f"{many(int(named['incoming_without']), 'incoming nonconformance')} name no supplier (field "
            "supplier_id): they count for none."
        )
    if not states:
        missing.append("No supplier is on record.")
    wrong = (
        f"{named.get('named', 0)} nonconformances that name one ({named.get('named_before', 0)} in the period before)"
    )
    return Section(
        key="suppliers",
        title="Performance of external providers",
        headline=f"{many(total_of(states, 'suppliers'), 'supplier')}, {wrong}, "
        f"{many(total_of(rows, 'scars_open'), 'SCAR')} open.",
        facts=facts,
        grids=(
            *((known.tables["supplier_ppm"],) if "supplier_ppm" in known.tables else ()),
            *known.grid(
                "Suppliers, the most nonconformances first",
                ("Supplier", "Name", "State", "Score", "Nonconformances", "Before", "Quantity", "Open SCARs", "Late"),
                [
                    (
                        cite(row), row["title"], worded(row["state"]), row["score"], row["nonconformances"],
                        row["nonconformances_before"], row["quantity"] or None, row["scars_open"],
                        row["scars_late"] or None,
                    )
                    for row in rows
                ],
                rows,
            ),
            *_scars(known),
        ),
        figures=known.drawn("supplier_pareto"),
        missing=tuple(missing),
    )  # fmt: skip


def _scars(known: Known) -> tuple[Any, ...]:
    rows = known.facts.rows("scars")
    return known.grid(
        "Supplier corrective action requests",
        ("SCAR", "Supplier", "Title", "State", "Due", "Late"),
        [
            (
                cite(row), row["supplier"], row["title"], worded(row["state"]), row["due_on"],
                "yes" if row["late"] else "",
            )
            for row in rows
        ],
        rows,
    )  # fmt: skip


def approvals(known: Known) -> Section:
    """Return how suppliers stand: approved, with conditions, suspended, evaluations that are late, certificates."""
    states, rows = known.facts.rows("supplier_states"), known.facts.rows("suppliers")
    day = known.facts.at.date()
    late = total_of(states, "reevaluation_late")
    ending = sorted(expiring(known.facts, day), key=lambda one: str(one[2]))
    expired = sum(str(one[2]) < day.isoformat() for one in ending)
    without = total_of(states, "without_certificates")
    missing: list[str] = []
    if without:
        missing.append(
            f"{many(without, 'supplier')} with no certificates on record (field certificates: a list of name, "
            "number and expires_on), so nothing can be said of when they end."
        )
    questions = [
        f"{cite(row)} is {worded(row['state'])} and past its re-evaluation: evaluate, restrict or suspend it?"
        for row in rows
        if row["reevaluation_late"]
    ]
    return Section(
        key="approvals",
        title="Approvals and certificates",
        headline=f"{many(late, 're-evaluation')} late, {many(expired, 'certificate')} expired, {len(ending) - expired} "
        "ending within 90 days.",
        facts=(
            *(known.fact(f"suppliers {worded(row['state'])}", row["suppliers"]) for row in states),
            known.fact("re-evaluations late", late, good="less"),
            known.fact("certificates expired", expired, good="less"),
            known.fact("certificates ending within 90 days", len(ending) - expired, good="less"),
        ),
        grids=(
            *known.grid(
                "Evaluations",
                ("Supplier", "Name", "State", "Score", "Evaluated", "Next", "Late"),
                [
                    (
                        cite(row), row["title"], worded(row["state"]), row["score"], row["evaluated_on"],
                        row["reevaluation_due_on"], "yes" if row["reevaluation_late"] else "",
                    )
                    for row in rows
                ],
                rows,
            ),
            *known.grid("Certificates that ended or end soon", ("Supplier", "Certificate", "Ends"), ending),
        ),
        missing=tuple(missing),
        decide=tuple(questions[:_MOST_QUESTIONS]),
    )  # fmt: skip


def expiring(facts: ReportFacts, day: date) -> Iterator[tuple[Cell, ...]]:
    """Yield the certificates that ended, or end within 90 days: supplier, certificate, day."""
    for row in facts.rows("suppliers"):
        for name, ends in _certificates(row):
            if ends <= day + _SOON:
                yield (cite(row), name, ends.isoformat())


def _certificates(row: Row) -> Iterator[tuple[str, date]]:
    held = row.get("certificates")
    entries: list[Any] = cast("list[Any]", held) if isinstance(held, list) else [held]
    for entry in entries:
        if not isinstance(entry, dict):
            continue
        said = cast("dict[str, Any]", entry)
        ends = next((_day(said[name]) for name in _ENDS if name in said), None)
        if ends is not None:
            yield " ".join(str(said[name]) for name in _NAMES if said.get(name)) or "certificate", ends


def _day(written: object) -> date | None:
    try:
        return date.fromisoformat(str(written)[:10])
    except ValueError:
        return None
