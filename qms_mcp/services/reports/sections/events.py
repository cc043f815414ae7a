"""Nonconformances, complaints, and what authorities have to be told."""

from qms_mcp.services.reports.content import Fact, Section
from qms_mcp.services.reports.sections.telling import Known, breakdown, cite, many, total_of, worded

_NO_SURVEY = (
    "No survey of customers, no praise and no feedback from interested parties is kept as a record: add the results of "
    "the period, or record why none was asked for."
)


def nonconformities(known: Known) -> Section:
    """Return what did not conform: how much, where, of what cause, what was decided, and what it cost."""
    flow = known.facts.flow("nonconformance")
    deviations = known.facts.flow("deviation")
    opened, before = int(flow.get("opened", 0)), int(flow.get("opened_before", 0))
    decided = known.facts.rows("dispositions")
    facts = (
        known.fact("nonconformances reported", opened, before, good="less", counted=True),
        known.fact("nonconformances closed", flow.get("closed", 0), flow.get("closed_before", 0)),
        known.fact("nonconformances open", flow.get("open", 0), flow.get("open_before", 0), good="less"),
        known.fact("nonconformances overdue", flow.get("overdue", 0), flow.get("overdue_before", 0), good="less"),
        known.fact(
            "deviations reported", deviations.get("opened", 0), deviations.get("opened_before", 0), good="less",
            counted=True,
        ),
        *known.measured("on_time_closure:nonconformance", "cycle_time:nonconformance"),
        *known.measured("first_pass_yield", "repeat_rate", "escape_rate"),
        *_costs(known),
    )  # fmt: skip
    grids = (
        *breakdown(known, "nonconformances", "kind of cause"),
        *breakdown(known, "nonconformances", "area"),
        *breakdown(known, "nonconformances", "stage"),
        *breakdown(known, "nonconformances", "part"),
        *known.grid(
            "Dispositions decided in the period",
            ("Disposition", "Decisions", "Quantity"),
            [(worded(row["disposition"]), row["decisions"], row["quantity"]) for row in decided],
        ),
    )
    without_cost = [row for row in known.facts.rows("nonconformance_costs") if row["with_cost"] < row["records"]]
    missing = [
        *known.not_there("pareto", "nonconformance_chart", "first_pass_yield"),
        *(
            f"{row['records'] - row['with_cost']} of {many(row['records'], 'nonconformance')} in {row['currency']} "
            "say no cost (field cost)."
            for row in without_cost
        ),
    ]
    return Section(
        key="nonconformities",
        title="Nonconformities",
        headline=f"{many(opened, 'nonconformance')} reported ({before} in the period before), "
        f"{flow.get('open', 0)} open, {flow.get('overdue', 0)} overdue.",
        facts=facts,
        grids=grids,
        figures=known.drawn("nonconformance_chart", "pareto"),
        missing=tuple(missing),
    )


def _costs(known: Known) -> tuple[Fact, ...]:
    return tuple(
        known.fact(
            "cost stated on nonconformances",
            row["cost"],
            row["cost_before"],
            unit=row["currency"],
            good="less",
            note=f"{row['with_cost']} of {row['records']} state one",
        )
        for row in known.facts.rows("nonconformance_costs")
        if row["with_cost"] or row["cost_before"]
    )


def complaints(known: Known) -> Section:
    """Return what customers complained about, how fast they were answered, and at what rate."""
    flow, answered = known.facts.flow("complaint"), known.facts.one("reportability")
    opened, before = int(flow.get("opened", 0)), int(flow.get("opened_before", 0))
    facts = (
        known.fact("complaints received", opened, before, good="less", counted=True),
        known.fact("complaints closed", flow.get("closed", 0), flow.get("closed_before", 0)),
        known.fact("complaints open", flow.get("open", 0), flow.get("open_before", 0), good="less"),
        known.fact("complaints overdue", flow.get("overdue", 0), flow.get("overdue_before", 0), good="less"),
        known.fact(
            "median time to reply", answered.get("median_days_to_reply"), unit="days", good="less",
            note=f"of {answered.get('replied', 0)} answered",
        ),
        *known.measured("complaint_rate", "on_time_closure:complaint", "cycle_time:complaint"),
    )  # fmt: skip
    return Section(
        key="complaints",
        title="Complaints",
        headline=f"{many(opened, 'complaint')} received ({before} in the period before), {flow.get('open', 0)} open, "
        f"{flow.get('overdue', 0)} overdue.",
        facts=facts,
        grids=(
            *breakdown(known, "complaints", "product"),
            *breakdown(known, "complaints", "kind of event"),
            *breakdown(known, "complaints", "country"),
        ),
        figures=known.drawn("complaint_chart"),
        missing=known.not_there("complaint_rate", "complaint_chart"),
    )


def feedback(known: Known) -> Section:
    """Return what else is known of what customers think: of surveys the records hold nothing."""
    flow = known.facts.flow("complaint")
    return Section(
        key="feedback",
        title="Customer satisfaction and feedback",
        headline=f"{many(int(flow.get('opened', 0)), 'complaint')}; no other feedback is kept here.",
        facts=(known.fact("complaints received", flow.get("opened", 0), flow.get("opened_before", 0), good="less"),),
        missing=(_NO_SURVEY,),
    )


def reporting(known: Known) -> Section:
    """Return what authorities had to be told: complaints, field actions, days they were due."""
    told, waiting = known.facts.one("reportability"), known.facts.rows("undecided_reports")
    actions = known.facts.rows("field_actions")
    late = sum(bool(row["late"]) for row in waiting)
    open_decisions = total_of(waiting[:1], "total")
    facts = (
        known.fact("complaints of the period to be reported", told.get("reportable", 0)),
        known.fact("complaints of the period not to be reported", told.get("not_reportable", 0)),
        known.fact("complaints of the period not decided on", told.get("undecided", 0), good="less"),
        known.fact("complaints with death or serious injury", told.get("serious", 0), good="less"),
        known.fact("reports late", late, good="less", note=f"among the {len(waiting)} listed"),
        known.fact("field actions under way in the period", total_of(actions[:1], "total")),
        *known.measured("reportability_on_time"),
    )
    listed = known.grid(
        "Complaints to decide on or report",
        ("Record", "Title", "Kind of event", "Days known", "Report due", "Late"),
        [
            (
                cite(row), row["title"], worded(row["event_type"]), row["days_known"], row["report_due_on"],
                "yes" if row["late"] else "",
            )
            for row in waiting
        ],
        waiting,
    )  # fmt: skip
    fields = known.grid(
        "Field actions",
        ("Record", "Title", "Kind", "State", "Report due", "Ended"),
        [
            (
                cite(row), row["title"], worded(row["action_kind"]), worded(row["state"]), row["report_due_on"],
                row["terminated_on"],
            )
            for row in actions
        ],
        actions,
    )  # fmt: skip
    decide = [
        f"{cite(row)}: does an authority have to be told of it?" for row in waiting if row["report_due_on"] is None
    ]
    return Section(
        key="reporting",
        title="Reports to authorities and field actions",
        headline=f"{many(open_decisions, 'complaint')} to decide on or report, {many(late, 'report')} late, "
        f"{many(total_of(actions[:1], 'total'), 'field action')} under way.",
        facts=facts,
        grids=(*listed, *fields),
        decide=tuple(decide[:5]),
    )
