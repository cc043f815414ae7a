"""What each metric is, as an auditor asks for it: formula, what counts, what is left out, which clause wants it."""

from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

Better: TypeAlias = Literal["more", "less", "neither"]
Needs: TypeAlias = Literal["records", "volumes", "costs"]
EVENTS: Final = ("nonconformance", "deviation", "complaint", "capa", "change_request", "finding", "scar")
MORE_TYPES: Final = ("audit", "training")


@dataclass(frozen=True, slots=True)
class MetricDefinition:
    """A metric.

    Attributes:
        name: As callers name it.
        title: For people.
        formula: In words a reader can follow with a pencil.
        numerator: What is counted, or measured.
        denominator: Out of what.
        left_out: What is not in it.
        unit: `%`, `days`, `PPM`, `records`, a currency...
        better: Which direction is welcome.
        source: The clause that asks for it, and the source of its interval.
        types: Types of records it looks at; all events if empty.
        needs: `volumes` or `costs`: numbers the records do not hold, and a caller gives.
        columns: Which columns that table has.
        interval: How its interval is made; empty if it has none.
    """

    name: str
    title: str
    formula: str
    numerator: str
    denominator: str
    left_out: str
    unit: str
    better: Better
    source: str
    types: tuple[str, ...] = ()
    needs: Needs = "records"
    columns: str = ""
    interval: str = ""


_EXACT = "exact binomial (Clopper and Pearson 1934), 95 %"
_POISSON = "exact Poisson (Garwood 1936), 95 %"
_CANCELLED = "cancelled records"
DEFINITIONS: Final[dict[str, MetricDefinition]] = {
    one.name: one
    for one in (
        MetricDefinition(
            "reported",
            "Records reported",
            "count of records whose day of occurrence (else of recording) is in the window",
            "records reported",
            "-",
            _CANCELLED,
            "records",
            "neither",
            "ISO 9001 9.1.3; ISO 13485 8.4",
            interval=_POISSON,
        ),
        MetricDefinition(
            "ageing",
            "Age of open records",
            "median of (as_of - day reported) over open records",
            "days since reported",
            "records open on as_of",
            f"{_CANCELLED}; what was reported after as_of",
            "days",
            "less",
            "ISO 9001 10.2; ISO 13485 8.5.2",
        ),
        MetricDefinition(
            "overdue",
            "Overdue",
            "open records past their due day / open records with a due day, on as_of",
            "open and past due",
            "open with a due day",
            f"{_CANCELLED}; open records without a due day",
            "%",
            "less",
            "ISO 13485 8.5.2 (without undue delay)",
            interval=_EXACT,
        ),
        MetricDefinition(
            "cycle_time",
            "Cycle time",
            "median of (day closed - day reported) over records closed in the window; beside it the "
            "Kaplan-Meier median over records reported in the window, which counts those still open",
            "days from reported to closed",
            "records closed in the window",
            _CANCELLED,
            "days",
            "less",
            "ISO 9001 9.1.3; Kaplan and Meier 1958",
        ),
        MetricDefinition(
            "on_time_closure",
            "Closed on time",
            "closed on or before the due day / closed with a due day, in the window; the due day is the last one set "
            "(by the state it was closed from, or by an approved extension), and how many were extended is said",
            "closed by the due day",
            "closed with a due day",
            f"{_CANCELLED}; closed without a due day",
            "%",
            "more",
            "ISO 13485 8.5.2",
            interval=_EXACT,
        ),
        MetricDefinition(
            "change_lead_time",
            "Lead time of changes",
            "as cycle_time, of change requests",
            "days from request to closure",
            "change requests closed in the window",
            _CANCELLED,
            "days",
            "less",
            "ISO 9001 8.5.6; ISO 13485 7.3.9",
            types=("change_request",),
        ),
        MetricDefinition(
            "repeat_rate",
            "Repeats",
            "reported in the window with a former one in the 365 days before (nonconformance: same part, area and "
            "cause category; complaint: same product and event type), or linked as a duplicate / reported with those "
            "fields or that link",
            "repeats",
            "reported with enough fields to compare",
            f"{_CANCELLED}; records that lack one of those fields",
            "%",
            "less",
            "ISO 9001 10.2.1 b) 3)",
            types=("nonconformance", "complaint"),
            interval=_EXACT,
        ),
        MetricDefinition(
            "escape_rate",
            "Escapes",
            "nonconformances found after delivery (delivered, field) / nonconformances with a stage",
            "found delivered or in the field",
            "reported with a stage of detection",
            f"{_CANCELLED}; no stage recorded",
            "%",
            "less",
            "ISO 9001 8.7; ISO 13485 8.3.3",
            types=("nonconformance",),
            interval=_EXACT,
        ),
        MetricDefinition(
            "effectiveness_rate",
            "Effective CAPAs",
            "CAPAs closed in the window with the verdict effective / with a verdict",
            "verdict effective",
            "closed with a verdict",
            f"{_CANCELLED}; closed without a verdict",
            "%",
            "more",
            "ISO 9001 10.2.1 d); ISO 13485 8.5.2 f)",
            types=("capa",),
            interval=_EXACT,
        ),
        MetricDefinition(
            "findings_per_audit",
            "Findings per audit",
            "findings reported in the window / audits that came to their report in the window (those without a "
            "finding too) or have findings in it",
            "findings of audits, by grade",
            "audits held",
            f"{_CANCELLED}; findings that name no audit",
            "findings an audit",
            "neither",
            "ISO 9001 9.2; ISO 19011 6.4",
            types=("finding", "audit"),
            interval=_POISSON,
        ),
        MetricDefinition(
            "finding_response",
            "Findings answered on time",
            "findings that came to the state response by their response day / findings whose response day lies in "
            "the window, and has passed or was met",
            "answered by the day",
            "with a response day that has come",
            "findings without a response day; answers from before the history of transitions count as not given",
            "%",
            "more",
            "ISO 19011 6.7; ISO 9001 9.2.2 e)",
            types=("finding",),
            interval=_EXACT,
        ),
        MetricDefinition(
            "scar_response",
            "SCARs answered on time",
            "SCARs that came to the state response by their response day / SCARs whose response day lies in the "
            "window, and has passed or was met",
            "answered by the day",
            "with a response day that has come",
            f"{_CANCELLED}; SCARs without a response day",
            "%",
            "more",
            "ISO 9001 8.4.1, 10.2; ISO 13485 7.4.1",
            types=("scar",),
            interval=_EXACT,
        ),
        MetricDefinition(
            "training_compliance",
            "Training done",
            "assignments due before as_of that are done (completed, acknowledged or waived) / assignments due before "
            "as_of; how many were done in time, are overdue and are not yet due is said",
            "done",
            "due before as_of",
            f"{_CANCELLED}; not yet due; without a due day",
            "%",
            "more",
            "ISO 9001 7.2; ISO 13485 6.2",
            types=("training",),
            interval=_EXACT,
        ),
        MetricDefinition(
            "reportability_on_time",
            "Reports to authorities on time",
            "reportable complaints reported by their day / reportable "
            "complaints whose day lies in the window, and has passed or was met",
            "reported by the day",
            "reportable and due",
            f"{_CANCELLED}; complaints without a decision, which are counted beside it",
            "%",
            "more",
            "21 CFR 803.50, 803.53",
            types=("complaint",),
            interval=_EXACT,
        ),
        MetricDefinition(
            "calibration_on_time",
            "Equipment in calibration",
            "equipment whose calibration is due on or after as_of / equipment with a calibration day",
            "not overdue",
            "equipment with a calibration day",
            f"{_CANCELLED}; retired equipment",
            "%",
            "more",
            "ISO 9001 7.1.5.2; ISO 13485 7.6",
            types=("equipment",),
            interval=_EXACT,
        ),
        MetricDefinition(
            "review_on_time",
            "Documents reviewed on time",
            "effective documents whose next review is on or after as_of / effective documents with a review day",
            "review not overdue",
            "effective with a review day",
            "versions that are not effective",
            "%",
            "more",
            "ISO 13485 4.2.4",
            types=("document",),
            interval=_EXACT,
        ),
        MetricDefinition(
            "complaint_rate",
            "Complaints per units",
            "complaints reported in the window / units in the same window",
            "complaints",
            "units sold or in use",
            _CANCELLED,
            "per million units",
            "less",
            "ISO 13485 8.2.1, 8.2.2",
            types=("complaint",),
            needs="volumes",
            columns="units; optional date, product",
            interval=_POISSON,
        ),
        MetricDefinition(
            "first_pass_yield",
            "First-pass yield",
            "units right the first time / units inspected",
            "passed without rework",
            "inspected",
            "units not inspected",
            "%",
            "more",
            "ISO 9001 9.1.1; ISO 22514-1",
            needs="volumes",
            columns="inspected and passed (or defective); optional date, product",
            interval=_EXACT,
        ),
        MetricDefinition(
            "supplier_ppm",
            "Rejected parts of suppliers",
            "rejected units / received units x 1,000,000; without a column of "
            "rejected units, quantities of nonconformances with deliveries in the window",
            "rejected",
            "received",
            "deliveries that were not counted",
            "PPM",
            "less",
            "ISO 9001 8.4.1; IATF 16949 8.4.2.4",
            types=("nonconformance",),
            needs="volumes",
            columns="supplier, received; optional rejected, date",
            interval=_EXACT,
        ),
        MetricDefinition(
            "lot_acceptance",
            "Lots accepted",
            "lots accepted / lots received",
            "accepted",
            "received",
            "lots still open",
            "%",
            "more",
            "ISO 9001 8.4.2; ISO 2859-1",
            needs="volumes",
            columns="lots, lots_accepted; optional supplier, date",
            interval=_EXACT,
        ),
        MetricDefinition(
            "cost_of_quality",
            "Cost of quality",
            "sum of prevention, appraisal, internal and external failure cost; of "
            "nonconformances in the window by stage: incoming, in process and final are internal, delivered and field "
            "external; of the table sent along by its category",
            "cost",
            "-",
            f"{_CANCELLED}; nonconformances without a cost",
            "currency",
            "less",
            "ISO 10014; Feigenbaum's categories",
            types=("nonconformance",),
            needs="records",
            columns="category (prevention, appraisal, internal, external), amount; optional currency, date",
        ),
    )
}

BUNDLES: Final[dict[str, tuple[tuple[str, ...], tuple[str, ...]]]] = {
    "capa": (
        ("reported", "ageing", "overdue", "cycle_time", "on_time_closure", "effectiveness_rate"), ("capa",),
    ),
    "nonconformances": (
        ("reported", "ageing", "overdue", "cycle_time", "repeat_rate", "escape_rate", "cost_of_quality"),
        ("nonconformance",),
    ),
    "complaints": (
        ("reported", "ageing", "overdue", "cycle_time", "repeat_rate", "complaint_rate", "reportability_on_time"),
        ("complaint",),
    ),
    "audits": (
        (
            "reported", "ageing", "overdue", "cycle_time", "on_time_closure", "findings_per_audit", "finding_response",
        ),
        ("finding",),
    ),
    "suppliers": (
        ("supplier_ppm", "lot_acceptance", "reported", "ageing", "overdue", "on_time_closure", "scar_response"),
        ("scar",),
    ),
    "training": (("training_compliance",), ("training",)),
    "cost": (("cost_of_quality",), ("nonconformance",)),
    "monthly": (
        (
            "reported", "ageing", "overdue", "cycle_time", "on_time_closure", "repeat_rate", "escape_rate",
            "effectiveness_rate", "findings_per_audit", "training_compliance", "reportability_on_time",
            "calibration_on_time", "review_on_time", "complaint_rate", "first_pass_yield", "supplier_ppm",
            "cost_of_quality",
        ),
        EVENTS,
    ),
}  # fmt: skip
