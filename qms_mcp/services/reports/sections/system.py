"""The system itself: audits, measuring equipment, training, changes, risks, documents, costs, what is overdue."""

from qms_mcp.services.reports.content import Fact, Section
from qms_mcp.services.reports.drafting import shown
from qms_mcp.services.reports.sections.telling import Known, cite, many, total_of, worded

_NO_RESULTS = (
    "Results of process and product measurement stand outside of the records: add control charts and capabilities of "
    "the period (spc_chart, process_capability)."
)


def audits(known: Known) -> Section:
    """Return what was audited and found."""
    held, findings = known.facts.rows("audits"), known.facts.rows("findings")
    planned, done = total_of(held, "planned"), total_of(held, "held")
    grave = [row for row in findings if row["grade"] in {"critical", "major"}]
    facts = (
        known.fact("audits planned for the period", planned),
        known.fact("audits held", done, good="more"),
        known.fact("audits past their day and not held", total_of(held, "not_held_in_time"), good="less"),
        known.fact("findings raised", total_of(findings, "raised"), total_of(findings, "raised_before"), counted=True),
        known.fact("critical and major findings raised", total_of(grave, "raised"), good="less"),
        known.fact("findings open", total_of(findings, "open"), good="less"),
        known.fact("findings overdue", total_of(findings, "overdue"), good="less"),
        *known.measured("findings_per_audit", "on_time_closure:finding"),
    )
    missing = [] if planned else ["No audit was planned for the period: show the programme, or say why there was none."]
    if done and not findings:
        missing.append("Audits were held and no finding is on record: confirm that none was raised.")
    return Section(
        key="audits",
        title="Audit results",
        headline=f"{done} of {many(planned, 'audit')} of the period held; "
        f"{many(total_of(findings, 'raised'), 'finding')} raised, {total_of(findings, 'open')} open, "
        f"{total_of(findings, 'overdue')} overdue.",
        facts=facts,
        grids=(
            *known.grid(
                "Audits of the period",
                ("Kind", "Planned", "Held", "Past their day", "Closed"),
                [
                    (worded(row["audit_kind"]), row["planned"], row["held"], row["not_held_in_time"], row["closed"])
                    for row in held
                ],
            ),
            *known.grid(
                "Findings by grade",
                ("Grade", "Raised", "Before", "Open", "Overdue"),
                [
                    (worded(row["grade"]), row["raised"], row["raised_before"], row["open"], row["overdue"])
                    for row in findings
                ],
            ),
        ),
        missing=tuple(missing),
    )


def equipment(known: Known) -> Section:
    """Return how what measures stands."""
    counted, listed = known.facts.one("equipment"), known.facts.rows("late_equipment")
    in_use = int(counted.get("in_use", 0))
    return Section(
        key="measurement",
        title="Monitoring and measurement",
        headline=f"{many(in_use, 'piece')} of measuring equipment in use, {counted.get('late', 0)} late for "
        f"calibration, {counted.get('out_of_tolerance', 0)} out of tolerance.",
        facts=(
            known.fact("measuring equipment in use", in_use),
            known.fact("late for calibration", counted.get("late", 0), good="less"),
            known.fact("calibrations of the period", counted.get("calibrated", 0)),
            known.fact("found out of tolerance", counted.get("found_out_of_tolerance", 0), good="less"),
            *known.measured("calibration_on_time", "first_pass_yield"),
        ),
        grids=known.grid(
            "Equipment that needs attention",
            ("Record", "Name", "State", "Calibration due"),
            [(cite(row), row["title"], worded(row["state"]), row["due_on"]) for row in listed],
            listed,
        ),
        missing=(
            *(() if in_use else ("No measuring equipment is on record.",)),
            _NO_RESULTS,
        ),
    )


def resources(known: Known) -> Section:
    """Return whether people and training are enough, as far as records say."""
    training, work = known.facts.one("trainings"), known.facts.rows("workload")
    late = sum(int(row["overdue"]) for row in work)
    return Section(
        key="resources",
        title="Resources and training",
        headline=f"{training.get('overdue', 0)} of {many(int(training.get('open', 0)), 'open training')} overdue; "
        f"{many(late, 'record')} overdue with those listed.",
        facts=(
            known.fact("trainings assigned", training.get("assigned", 0)),
            known.fact("trainings completed", training.get("completed", 0), good="more"),
            known.fact("trainings open", training.get("open", 0)),
            known.fact("trainings overdue", training.get("overdue", 0), good="less"),
            known.fact("trainings expired", training.get("expired", 0), good="less"),
            *known.measured("training_compliance"),
        ),
        grids=known.grid(
            "Open work by owner, the most overdue first",
            ("Owner", "Open", "Overdue"),
            [(row["owner"], row["open"], row["overdue"]) for row in work],
            work,
        ),
        missing=(
            *(() if training.get("total") else ("No training is on record.",)),
            "Staffing, infrastructure and budget are not kept as records: bring what was planned and what was needed.",
        ),
        decide=("Are people, equipment and budget enough for what is overdue?",) if late else (),
    )


def changes(known: Known) -> Section:
    """Return what changes, inside the system, and which changes are under way."""
    rows, listed = known.facts.rows("changes"), known.facts.rows("open_changes")
    return Section(
        key="changes",
        title="Changes",
        headline=f"{many(total_of(rows, 'requested'), 'change')} requested, {total_of(rows, 'made_effective')} made "
        f"effective, {total_of(rows, 'open')} under way.",
        facts=(
            known.fact("changes requested", total_of(rows, "requested")),
            known.fact("changes made effective", total_of(rows, "made_effective")),
            known.fact("changes under way", total_of(rows, "open")),
            known.fact("emergency changes", total_of(rows, "emergencies"), good="less"),
            *known.measured("change_lead_time"),
        ),
        grids=(
            *known.grid(
                "Changes by kind",
                ("Kind", "Requested", "Made effective", "Under way", "Emergencies"),
                [
                    (
                        worded(row["change_kind"]),
                        row["requested"],
                        row["made_effective"],
                        row["open"],
                        row["emergencies"],
                    )
                    for row in rows
                ],
            ),
            *known.grid(
                "Changes under way",
                ("Record", "Title", "Kind", "State", "Due"),
                [
                    (cite(row), row["title"], worded(row["change_kind"]), worded(row["state"]), row["due_on"])
                    for row in listed
                ],
                listed,
            ),
        ),
    )


def risks(known: Known) -> Section:
    """Return how risks stand, and whether what was done about them is shown to work."""
    counted, listed = known.facts.one("risks"), known.facts.rows("high_risks")
    total = int(counted.get("risks", 0))
    return Section(
        key="risks",
        title="Risks and opportunities",
        headline=f"{many(total, 'risk')} on record, {counted.get('high', 0)} rated high, "
        f"{counted.get('residual_not_accepted', 0)} without accepted residual risk.",
        facts=(
            known.fact("risks on record", total),
            known.fact("risks rated high", counted.get("high", 0), good="less"),
            known.fact("residual risk not accepted", counted.get("residual_not_accepted", 0), good="less"),
            known.fact("controls not shown effective", counted.get("control_not_shown_effective", 0), good="less"),
            known.fact("risks without a control", counted.get("without_control", 0), good="less"),
        ),
        grids=known.grid(
            "High risks without accepted residual risk",
            ("Record", "Title", "State", "Rating"),
            [(cite(row), row["title"], worded(row["state"]), worded(row["rating"])) for row in listed],
            listed,
        ),
        missing=(
            *(() if total else ("No risk is on record, so nothing shows whether actions on risks worked.",)),
            "Opportunities are not kept apart from risks: name those that were pursued.",
        ),
    )


def documents(known: Known) -> Section:
    """Return how controlled documents stand."""
    counted = known.facts.one("documents")
    return Section(
        key="documents",
        title="Controlled documents",
        headline=f"{many(int(counted.get('effective', 0)), 'effective version')}, {counted.get('review_late', 0)} past "
        f"the periodic review, {counted.get('made_effective', 0)} made effective in the period.",
        facts=(
            known.fact("documents effective", counted.get("effective", 0)),
            known.fact("made effective in the period", counted.get("made_effective", 0)),
            known.fact("periodic reviews late", counted.get("review_late", 0), good="less"),
            known.fact("effective without a review date", counted.get("without_review", 0), good="less"),
            *known.measured("review_on_time"),
        ),
    )


def overdue(known: Known) -> Section:
    """Return what is overdue, whatever it is."""
    rows = known.facts.rows("overdue")
    total = total_of(rows[:1], "total")
    flows = [row for row in known.facts.rows("flow") if row["overdue"]]
    worst = max(flows, key=lambda row: int(row["overdue"]), default=None)
    most = f", most of them {worded(worst['category'])}s ({worst['overdue']})" if worst else ""
    return Section(
        key="overdue",
        title="Overdue",
        headline=f"{many(total, 'record')} overdue{most}.",
        facts=(known.fact("records overdue", total, good="less"),),
        grids=(
            *known.grid(
                "By type of record",
                ("Type", "Reported", "Before", "Closed", "In time", "Open", "Overdue", "Oldest, days"),
                [
                    (
                        worded(row["category"]), row["opened"], row["opened_before"], row["closed"],
                        f"{row['on_time']} of {row['closed_with_due']}", row["open"], row["overdue"],
                        row["oldest_days"],
                    )
                    for row in known.facts.rows("flow")
                ],
            ),
            *known.grid(
                "The longest overdue",
                ("Record", "Title", "Type", "State", "Owner", "Due", "Days over"),
                [
                    (
                        cite(row), row["title"], worded(row["category"]), worded(row["state"]), row["owner"],
                        row["due_on"], row["days"],
                    )
                    for row in rows
                ],
                rows,
            ),
        ),
    )  # fmt: skip


def trends(known: Known) -> Section:
    """Return which types of records become more or fewer, over as many months as there are."""
    figures, table = known.drawn("trends"), known.tables.get("trends")
    moving = sum(row[2] in {"rising", "falling"} for row in table.rows) if table else None
    note = f"of {len(table.rows)} with enough records" if table else ""
    calculation = table.calculation if table else ""
    return Section(
        key="trends",
        title="Trends",
        headline=figures[0].says if figures else "No trend can be computed yet.",
        facts=(Fact("types of records with a trend", moving, calculation=calculation, note=note),) if table else (),
        figures=figures,
        grids=(table,) if table else (),
        missing=known.not_there("trends"),
    )


def costs(known: Known) -> Section:
    """Return the cost of quality, when costs were sent along."""
    grid = known.tables.get("cost_of_quality")
    measured = known.measured("cost_of_quality")
    said = f"{shown(measured[0].value)} {measured[0].unit}" if measured else "not known"
    return Section(
        key="costs",
        title="Cost of quality",
        headline=f"Cost of quality: {said}.",
        facts=measured,
        grids=(grid,) if grid else (),
        missing=known.not_there("cost_of_quality"),
    )
