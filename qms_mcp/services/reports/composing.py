"""Which sections a report of each kind has, and what it is called."""

from collections.abc import Callable, Mapping

from qms_mcp.services.reports.asked import Kind
from qms_mcp.services.reports.content import Section
from qms_mcp.services.reports.sections import capas, events, review, suppliers, system
from qms_mcp.services.reports.sections.inputs import inputs_section, with_clauses
from qms_mcp.services.reports.sections.telling import Known

Build = Callable[[Known], Section]
TITLES: Mapping[Kind, str] = {
    "monthly": "Quality report",
    "management_review": "Inputs of the management review",
    "supplier": "Supplier quality report",
    "capa_board": "CAPA board",
}
_PREFIXES: Mapping[Kind, str] = {"monthly": "QR", "management_review": "MR", "supplier": "SR", "capa_board": "CB"}
_SECTIONS: Mapping[Kind, tuple[Build, ...]] = {
    "monthly": (
        events.nonconformities, events.complaints, events.reporting, capas.corrective, system.audits,
        suppliers.performance, suppliers.approvals, system.equipment, system.resources, system.changes, system.risks,
        system.documents, system.costs, system.trends,
        system.overdue,
    ),
    "management_review": (
        review.former_actions, review.issues, system.changes, review.new_requirements, events.feedback,
        events.complaints, events.reporting, review.objectives, review.processes, review.product,
        events.nonconformities, capas.corrective, capas.preventive, system.equipment, system.audits,
        suppliers.performance, suppliers.approvals, system.resources, system.risks, review.improvement, system.costs,
        system.trends,
    ),
    "supplier": (suppliers.performance, suppliers.approvals),
    "capa_board": (capas.stages, capas.overdue, capas.effectiveness, capas.repeats),
}  # fmt: skip


def document_number(kind: Kind, period: str, supplier: str = "") -> str:
    """Return the number of a report: `QR-2026-10`, `MR-2026-H2`, `SR-2026-Q3-SUP-2026-0004`."""
    return "-".join(part for part in (_PREFIXES[kind], period, supplier) if part)


def composed(kind: Kind, known: Known) -> tuple[Section, ...]:
    """Return the sections of a report, without their words."""
    sections = [build(known) for build in _SECTIONS[kind]]
    if kind != "management_review":
        return tuple(sections)
    return (inputs_section(sections), *with_clauses(sections))


def section_count(kind: Kind) -> int:
    """Return how many sections a report has."""
    return len(_SECTIONS[kind]) + (kind == "management_review")
