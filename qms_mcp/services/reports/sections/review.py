"""What only a management review looks at: actions of the last one, objectives, new requirements, improvement."""

from typing import Any, cast

from qms_mcp.services.reports.content import Section
from qms_mcp.services.reports.sections.telling import Known, cite, many, total_of, worded

_NO_OBJECTIVE = (
    "No quality objective with a target is on record (setting quality_objectives of the organization): the metrics "
    "here have nothing to be held against."
)
_NO_INDICATORS = (
    "Process indicators stand outside of the records: add control charts and capabilities (spc_chart, "
    "process_capability)."
)


def former_actions(known: Known) -> Section:
    """Return how the actions of the last review stand."""
    review, actions = known.facts.one("former_reviews"), known.facts.rows("review_actions")
    late, still = sum(bool(row["late"]) for row in actions), sum(bool(row["open"]) for row in actions)
    total = total_of(actions[:1], "total")
    missing: list[str] = []
    if not review:
        missing.append("No earlier management review is on record: bring its minutes in with ingest_document.")
    if not actions:
        missing.append(
            "No record is linked to an earlier review or tagged management-review, so the standing of its actions is "
            "not known: link them, or say that there were none."
        )
    named = f"{review['document_number'] or review['number']}, made {review['made_on']}" if review else "none on record"
    return Section(
        key="former_actions",
        title="Actions of earlier reviews",
        headline=f"Last review: {named}; {many(total, 'action')} on record, {still} open, {late} overdue."
        if actions or review
        else "Nothing of earlier reviews is on record.",
        facts=(
            known.fact("actions of earlier reviews on record", total),
            known.fact("of them open", still, good="less", note="among those listed"),
            known.fact("of them overdue", late, good="less", note="among those listed"),
        ),
        grids=known.grid(
            "Actions of earlier reviews",
            ("Record", "Title", "Type", "State", "Due", "Late"),
            [
                (
                    cite(row), row["title"], worded(row["category"]), worded(row["state"]), row["due_on"],
                    "yes" if row["late"] else "",
                )
                for row in actions
            ],
            actions,
        ),
        missing=tuple(missing),
    )  # fmt: skip


def issues(known: Known) -> Section:
    """Return which changes around the organization records know of."""
    listed = known.facts.rows("frameworks")
    ours = [row for row in listed if row["ours"]]
    return Section(
        key="issues",
        title="External and internal issues",
        headline=f"{many(len(ours), 'standard or regulation', 'standards or regulations')} of your matrix begin or end "
        "around the period; other issues are not kept as records.",
        facts=(known.fact("own standards and regulations that begin or end", len(ours)),),
        missing=(
            "Issues such as markets, owners, sites and interested parties are not kept as records: say what changed.",
        ),
    )


def new_requirements(known: Known) -> Section:
    """Return standards and regulations that begin or end around the period."""
    rows = known.facts.rows("frameworks")
    ours = sum(bool(row["ours"]) for row in rows)
    return Section(
        key="requirements",
        title="New and changed regulatory requirements",
        headline=f"{many(len(rows), 'standard or regulation', 'standards or regulations')} known here begin or "
        f"end between the start of the period before and a year from its end; {ours} of them in your matrix.",
        facts=(known.fact("standards and regulations that begin or end", len(rows)),),
        grids=known.grid(
            "Begin or end",
            ("Name", "In force from", "Until", "Replaced by", "In your matrix"),
            [
                (
                    row["name"],
                    row["in_force_from"],
                    row["in_force_until"],
                    row["successor"],
                    "yes" if row["ours"] else "no",
                )
                for row in rows
            ],
        ),
        missing=("Only what is installed here is known: check what authorities and standards bodies published.",),
        decide=tuple(f"{row['name']} is not in your matrix: does it apply?" for row in rows if not row["ours"])[:5],
    )


def objectives(known: Known) -> Section:
    """Return quality objectives, as far as they are set down, with what they would be held against."""
    held = known.facts.one("objectives").get("objectives")
    entries: list[Any] = cast("list[Any]", held) if isinstance(held, list) else []
    rows = [cast("dict[str, Any]", one) for one in entries if isinstance(one, dict)]
    measured = tuple(fact for name, facts in known.measures.items() if ":" not in name for fact in facts)
    return Section(
        key="objectives",
        title="Quality objectives",
        headline=f"{many(len(rows), 'quality objective')} on record, {many(len(measured), 'metric')} to hold against "
        "them.",
        facts=measured,
        grids=known.grid(
            "Quality objectives",
            ("Objective", "Target", "By"),
            [
                (str(row.get("name") or row.get("objective") or ""), _text(row, "target"), _text(row, "by"))
                for row in rows
            ],
        ),
        missing=() if rows else (_NO_OBJECTIVE,),
    )


def improvement(known: Known) -> Section:
    """Return what auditors saw as worth improving, and what else asks for it."""
    rows, repeats = known.facts.rows("improvements"), known.facts.rows("repeat_causes")
    return Section(
        key="improvement",
        title="Opportunities and recommendations for improvement",
        headline=f"{many(total_of(rows[:1], 'total'), 'opportunity', 'opportunities')} from audits open, "
        f"{many(total_of(repeats[:1], 'total'), 'cause')} named more than once in a year.",
        facts=(
            known.fact("opportunities from audits open", total_of(rows[:1], "total")),
            known.fact("causes named more than once", total_of(repeats[:1], "total"), good="less"),
        ),
        grids=known.grid(
            "Opportunities from audits",
            ("Record", "Title", "State"),
            [(cite(row), row["title"], worded(row["state"])) for row in rows],
            rows,
        ),
        missing=()
        if rows
        else ("No opportunity for improvement is on record as a finding of that grade: name those that are known.",),
        decide=("Which improvements are taken up, by whom, and with what?",),
    )


def product(known: Known) -> Section:
    """Return how product conformed: what was found at which stage, and what was decided."""
    stages = [row for row in known.facts.rows("nonconformances") if row["dimension"] == "stage"]
    after = total_of((row for row in stages if row["value"] in {"delivered", "field"}), "records")
    flow = known.facts.flow("nonconformance")
    return Section(
        key="product",
        title="Conformity of product",
        headline=f"{many(int(flow.get('opened', 0)), 'nonconformance')} reported, {after} of them after delivery.",
        facts=(
            known.fact("nonconformances reported", flow.get("opened", 0), flow.get("opened_before", 0), good="less"),
            known.fact("found after delivery", after, good="less"),
            *known.measured("first_pass_yield", "escape_rate"),
        ),
        grids=known.grid(
            "Where it was found",
            ("Stage", "In the period", "Before"),
            [(worded(row["value"]), row["records"], row["records_before"]) for row in stages],
        ),
        missing=known.not_there("first_pass_yield"),
    )


def processes(known: Known) -> Section:
    """Return how processes did: deviations, and where nonconformances come from."""
    flow, areas = known.facts.flow("deviation"), known.facts.rows("nonconformances")
    by_area = [row for row in areas if row["dimension"] == "area"]
    return Section(
        key="processes",
        title="Process performance",
        headline=f"{many(int(flow.get('opened', 0)), 'deviation')} reported, {flow.get('open', 0)} open, "
        f"{flow.get('overdue', 0)} overdue.",
        facts=(
            known.fact(
                "deviations reported", flow.get("opened", 0), flow.get("opened_before", 0), good="less", counted=True
            ),
            known.fact("deviations open", flow.get("open", 0), flow.get("open_before", 0), good="less"),
            *known.measured("on_time_closure:deviation", "on_time_closure:nonconformance", "first_pass_yield"),
        ),
        grids=known.grid(
            "Nonconformances by area",
            ("Area", "In the period", "Before"),
            [(worded(row["value"]), row["records"], row["records_before"]) for row in by_area],
            by_area,
        ),
        missing=(_NO_INDICATORS,),
    )


def _text(row: dict[str, Any], name: str) -> str:
    return str(row.get(name) or "")
