"""Quality reports, as the tool and the command line ask for them."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import anyio.to_thread

from qms_mcp.auth.acting import current_acting
from qms_mcp.auth.principal import Principal
from qms_mcp.db.queries import query
from qms_mcp.errors import ConflictError, InvalidInputError, NotFoundError
from qms_mcp.services.documents.originals import Originals
from qms_mcp.services.records.writing import check_reason
from qms_mcp.services.reports.answering import answer_of, headline_of, preview_of, sections_of
from qms_mcp.services.reports.asked import Kind, QualityReport, ReportAsked
from qms_mcp.services.reports.asking import ModelUnusableError, ReportModel
from qms_mcp.services.reports.charting import Charts
from qms_mcp.services.reports.composing import composed, document_number
from qms_mcp.services.reports.content import Report
from qms_mcp.services.reports.draft import Draft, running, with_wording
from qms_mcp.services.reports.drafting import drafted, summary
from qms_mcp.services.reports.facts import FACTS, FactsOptions
from qms_mcp.services.reports.measuring import Measures
from qms_mcp.services.reports.pages.html import render_html
from qms_mcp.services.reports.pages.markdown import render_markdown
from qms_mcp.services.reports.pages.pdf import render_pdf
from qms_mcp.services.reports.periods import parsed_period
from qms_mcp.services.reports.sections.telling import Known
from qms_mcp.services.reports.storing import Forms, OvertakenError, Planned, Stored, Storing

if TYPE_CHECKING:
    from qms_mcp.db.database import Database
    from qms_mcp.services.analysis.workbench import Workbench
    from qms_mcp.settings import Settings

Progress = Callable[[int, int, str], Awaitable[None]]
_SUPPLIER = query("reports.supplier")
_TURNS = 3
_STEPS = 6
_BY_AGENT = "The words are by template: what a model costs has to be in the budget of the agent."
_OF_A_MONTH = ("nonconformance_chart", "pareto", "complaint_chart", "capa_stages", "supplier_pareto", "trends")
_CHARTS: dict[Kind, tuple[str, ...]] = {
    "monthly": _OF_A_MONTH,
    "management_review": _OF_A_MONTH,
    "supplier": ("supplier_pareto",),
    "capa_board": ("capa_stages",),
}


@dataclass(frozen=True, slots=True)
class Made:
    """A report that was made, with its files.

    Attributes:
        files: By form: markdown, html, pdf.
    """

    answer: QualityReport
    files: dict[str, bytes]


async def _nobody(_done: int, _total: int, _says: str) -> None:
    """Nobody listens."""


class QualityReports:
    """Makes reports and keeps them.

    Args:
        database: Where records are.
        analysis: Where numbers are computed.
        originals: Where files of documents are.
        settings: Whether a model may be asked.
    """

    def __init__(self, database: "Database", analysis: "Workbench", originals: Originals, settings: "Settings") -> None:
        self._database = database
        self._analysis = analysis
        self._model = ReportModel(settings)
        self._storing = Storing(database, originals)

    async def report(
        self,
        principal: Principal,
        asked: ReportAsked,
        because: str,
        *,
        idempotency_key: str | None = None,
        at: Progress = _nobody,
    ) -> QualityReport:
        """Make a report and keep it as a draft; see `make`."""
        return (await self.make(principal, asked, because, idempotency_key=idempotency_key, at=at)).answer

    async def make(
        self,
        principal: Principal,
        asked: ReportAsked,
        because: str,
        *,
        idempotency_key: str | None = None,
        at: Progress = _nobody,
    ) -> Made:
        """Make a report and keep it as the next version of its document, unless only a preview is wanted.

        Args:
            principal: On whose behalf.
            asked: What is wanted.
            because: Why; kept in the audit trail.
            idempotency_key: The same key makes one report.
            at: Hears how far it is.

        Raises:
            InvalidInputError: The period is none or has not begun, or two suppliers are meant.
            NotAllowedError: The caller may not keep records.
            NotFoundError: There is no such supplier.
        """
        check_reason(because)
        if not asked.preview:
            await self._storing.check_may_write(principal)
            if idempotency_key and (kept := await self._storing.made_with(principal, idempotency_key, because)):
                return Made(answer_of(kept, asked, existed=True), await self._files(principal, kept))
        draft = await self._computed(principal, asked, at)
        if asked.preview:
            report = draft.report(Planned(draft.number, 1, {}), preview=True)
            markdown = render_markdown(report)
            return Made(preview_of(report, draft, markdown), {"markdown": markdown.encode()})
        return await self._kept(principal, asked, draft, because, idempotency_key, at)

    async def file(self, principal: Principal, document: str, revision: int, form: str) -> bytes:
        """Return a file of a report as it was kept; `form` is pdf or html."""
        return await self._storing.file(principal, document, revision, form)

    async def _kept(
        self,
        principal: Principal,
        asked: ReportAsked,
        draft: Draft,
        because: str,
        idempotency_key: str | None,
        at: Progress,
    ) -> Made:
        for _turn in range(_TURNS):
            planned = await self._storing.plan(principal, draft.number)
            report = draft.report(planned)
            await at(draft.steps - 1, draft.steps, "sets the pages")
            forms = await anyio.to_thread.run_sync(_forms, report, draft)
            try:
                kept = await self._storing.keep(principal, planned, forms, because, idempotency_key=idempotency_key)
            except OvertakenError:
                continue
            await at(draft.steps, draft.steps, f"kept as {kept.label}")
            files = {"markdown": forms.markdown.encode(), "html": forms.html, "pdf": forms.pdf}
            return Made(answer_of(kept, asked, former=planned), files)
        raise ConflictError(
            f"{draft.number} is being made by others at the same time.", hint="Try again when they are done."
        )

    async def _computed(self, principal: Principal, asked: ReportAsked, at: Progress) -> Draft:
        supplier = await self._supplier(principal, asked)
        await at(0, _STEPS, "reads the records")
        options = FactsOptions(
            kind=asked.kind,
            period=parsed_period(asked.period).label if asked.period else None,
            supplier_id=supplier[0] if supplier else None,
        )
        facts = await self._analysis.run(principal, FACTS, None, options)
        calculation = facts.provenance.calculation if facts.provenance else ""
        await at(1, _STEPS, "computes the metrics")
        measures = Measures(self._analysis, principal, asked, facts)
        await measures.take(supplier[2] if supplier else "")
        await at(2, _STEPS, "draws the charts")
        charts = Charts(self._analysis, principal, facts, calculation)
        await charts.draw(_CHARTS[asked.kind])
        known = Known(
            facts,
            calculation,
            measures.facts,
            charts.figures,
            {**measures.tables, **charts.tables},
            {**charts.gaps, **measures.gaps},
        )
        sections = composed(asked.kind, known)
        steps = _STEPS + len(sections)
        for done, section in enumerate(sections, start=3):
            await at(done, steps, f"{section.title}: {section.headline}")
        draft = Draft(
            asked=asked,
            facts=facts,
            number=document_number(asked.kind, facts.period, supplier[1] if supplier else ""),
            about=f" of {supplier[2]}" if supplier else "",
            sections=sections,
            calculations={
                calculation: "Counts and lists of the report, read at one moment",
                **measures.says,
                **charts.says,
            },
            flags=(*running(facts), *measures.flags, *charts.flags),
            steps=steps,
        )
        return await self._worded(draft)

    async def _worded(self, draft: Draft) -> Draft:
        """Return the draft with words: a model's where one was asked for and can be used, else by template."""
        footing = draft.footing
        by_template = tuple(
            replace(section, words=drafted(section, footing) if section.key != "inputs" else ())
            for section in draft.sections
        )
        plain = replace(draft, sections=by_template, summary=summary(by_template, footing))
        if draft.asked.drafted_by == "template":
            return plain
        if current_acting().by_agent:
            return plain.flagged("no_model", _BY_AGENT)
        try:
            wording = await self._model.word(draft.title, draft.sections)
        except ModelUnusableError as unusable:
            return plain.flagged("no_model", f"The words are by template: {unusable}.")
        return with_wording(plain, wording.model, wording.summary, wording.sections)

    async def _supplier(self, principal: Principal, asked: ReportAsked) -> tuple[str, str, str] | None:
        """Return id, number and name of the supplier that is meant."""
        if asked.supplier is None:
            return None
        if asked.kind != "supplier":
            raise InvalidInputError("Only a supplier report is of one supplier.", hint="Leave supplier out.")
        async with self._database.transaction(principal, read_only=True) as transaction:
            rows = await transaction.fetch_dicts(_SUPPLIER, {"reference": asked.supplier.strip()})
        if not rows:
            raise NotFoundError(
                f"There is no supplier {asked.supplier[:60]!r}.",
                hint="list_records finds suppliers; name one by number.",
            )
        if len(rows) > 1:
            raise InvalidInputError(
                f"{rows[0]['number']} and {rows[1]['number']} are both called {asked.supplier[:60]!r}.",
                hint="Name the supplier by its number.",
            )
        return str(rows[0]["id"]), str(rows[0]["number"]), str(rows[0]["title"])

    async def _files(self, principal: Principal, kept: Stored) -> dict[str, bytes]:
        number, _, revision = kept.label.rpartition(" v")
        return {name: await self._storing.file(principal, number, int(revision), name) for name in kept.files}


def _forms(report: Report, draft: Draft) -> Forms:
    """Return a report in all its forms."""
    made_at = datetime.now(UTC)
    pdf, _unprintable = render_pdf(report, made_at)
    about = {
        "kind": report.kind,
        "period": draft.facts.period,
        "drafted_by": report.drafted_by,
        "numbers_sha256": report.numbers_sha256,
        "headline": headline_of(report),
        "sections": [section.model_dump(mode="json") for section in sections_of(report)],
        "flags": [flag.model_dump(mode="json") for flag in report.flags],
        "calculations": list(draft.calculations),
    }
    return Forms(report.title, render_markdown(report), render_html(report), pdf, _pages(pdf), about)


def _pages(pdf: bytes) -> int:
    from pypdfium2 import PdfDocument  # noqa: PLC0415 - only when a report is made

    with PdfDocument(pdf) as opened:
        return len(opened)
