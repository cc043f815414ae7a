"""What is answered of a report that was made: headlines, key numbers, where its files are."""

from qms_mcp.services.analysis.method import FlagAnswer
from qms_mcp.services.reports.asked import QualityReport, ReportAsked, SectionAnswer
from qms_mcp.services.reports.content import Report
from qms_mcp.services.reports.draft import Draft
from qms_mcp.services.reports.drafting import shown
from qms_mcp.services.reports.storing import Planned, Stored

_LONGEST_PREVIEW = 60_000
_MOST_NUMBERS = 14


def headline_of(report: Report) -> str:
    """Return what a report says in a sentence or two."""
    telling = [section for section in report.sections if section.key != "inputs"][:3]
    said = " ".join(section.headline for section in telling)
    return f"{report.title}: {said} {len(report.decisions)} decisions needed."


def sections_of(report: Report) -> list[SectionAnswer]:
    """Return the sections in short: headlines, key numbers, what is missing."""
    return [
        SectionAnswer(
            title=section.title,
            headline=section.headline,
            numbers={
                fact.name: f"{shown(fact.value)} {fact.unit}".strip() if fact.unit else fact.value
                for fact in section.facts[:_MOST_NUMBERS]
                if fact.value is not None
            },
            missing=list(section.missing),
        )
        for section in report.sections
    ]


def preview_of(report: Report, draft: Draft, markdown: str) -> QualityReport:
    """Return the answer for a report of which nothing is kept."""
    cut = len(markdown) > _LONGEST_PREVIEW
    return QualityReport(
        headline=headline_of(report),
        drafted_by=report.drafted_by,
        period=draft.facts.period,
        sections=sections_of(report),
        flags=list(report.flags),
        calculations=len(draft.calculations),
        markdown=markdown[:_LONGEST_PREVIEW],
        warnings=["Nothing was kept.", *([f"markdown is cut at {_LONGEST_PREVIEW:,} characters."] if cut else [])],
    )


def answer_of(
    kept: Stored, asked: ReportAsked, *, former: Planned | None = None, existed: bool = False
) -> QualityReport:
    """Return the answer for a report that is kept, now or since a former call with the same key."""
    about = kept.about
    number, _, revision = kept.label.rpartition(" v")
    address = f"qms://report/{number}/v{revision}"
    addresses = {"markdown": f"qms://document/{number}/v{revision}", "html": f"{address}/html", "pdf": f"{address}/pdf"}
    unchanged = former is not None and former.former.get("numbers_sha256") == about["numbers_sha256"]
    warnings = list(kept.warnings)
    if unchanged and former is not None:
        warnings.insert(0, f"The numbers are those of {former.former_label}.")
    if existed and about["kind"] != asked.kind:
        warnings.append(f"The key was used for another report: {kept.label}.")
    return QualityReport(
        headline=about["headline"],
        document=kept.label,
        id=kept.id,
        number=kept.number,
        state=kept.state,
        files={name: {"uri": addresses[name], "sha256": sha256} for name, sha256 in kept.files.items()},
        unchanged=unchanged or None,
        drafted_by=about["drafted_by"],
        period=about["period"],
        sections=[SectionAnswer.model_validate(section) for section in about["sections"]],
        flags=[FlagAnswer.model_validate(flag) for flag in about["flags"]],
        calculations=len(about["calculations"]),
        warnings=warnings,
    )
