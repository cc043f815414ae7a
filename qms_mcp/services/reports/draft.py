"""A report that was computed and has no version yet: its words, by template or by a model, and what it becomes."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from qms_mcp.services.analysis.method import FlagAnswer
from qms_mcp.services.reports.asked import ReportAsked
from qms_mcp.services.reports.checking import checked, numbers_of
from qms_mcp.services.reports.composing import TITLES
from qms_mcp.services.reports.content import Report, Section
from qms_mcp.services.reports.drafting import Footing, numbers_key
from qms_mcp.services.reports.facts import ReportFacts
from qms_mcp.services.reports.periods import parsed_period
from qms_mcp.services.reports.storing import Planned

_MOST_DROPPED = 5
_HOW_COUNTED = (
    "A record counts on the day it is about; one that was cancelled does not. Open and overdue are as of the moment "
    "above; whether something was overdue is judged by the due date it has now, and its stage is that of now."
)
_HOW_COMPARED = (
    "Counts of two periods are compared by the exact conditional test of two Poisson counts, two-sided; p below 0.05 "
    "is called more than chance alone would do. Many are compared, so some pass that line by chance."
)
_NO_VERDICT = (
    "This report gives numbers and names what is missing. Whether a requirement is met is for people to judge."
)
_NOTES = (_HOW_COUNTED, _HOW_COMPARED, _NO_VERDICT)


@dataclass(frozen=True, slots=True)
class Draft:
    """A report that was computed and has no version yet."""

    asked: ReportAsked
    facts: ReportFacts
    number: str
    about: str
    sections: tuple[Section, ...]
    calculations: dict[str, str]
    flags: tuple[FlagAnswer, ...]
    steps: int
    drafted_by: str = "template"
    summary: tuple[str, ...] = ()

    @property
    def title(self) -> str:
        """What it is called."""
        period = parsed_period(self.facts.period)
        return f"{TITLES[self.asked.kind]}{self.about}, {period.said}"

    @property
    def footing(self) -> Footing:
        """How long the periods are."""
        return Footing(self.facts.days, self.facts.days_before, self.facts.running)

    def flagged(self, code: str, says: str, instead: str = "") -> "Draft":
        """Return it with one more flag."""
        return replace(self, flags=(*self.flags, FlagAnswer(code=code, says=says, instead=instead)))

    def report(self, planned: Planned, *, preview: bool = False) -> Report:
        """Return the report for a version."""
        place = ZoneInfo(self.facts.zone)
        made = datetime.now(UTC).astimezone(place)
        report = Report(
            kind=self.asked.kind,
            label=f"{self.number} (preview)" if preview else planned.label,
            title=self.title,
            organization=self.facts.organization,
            period=f"{self.facts.period} ({self.facts.first} to {self.facts.last})",
            as_of=f"{self.facts.at.astimezone(place):%Y-%m-%d %H:%M} {self.facts.zone}",
            made=f"{made:%Y-%m-%d %H:%M} {self.facts.zone}",
            drafted_by=self.drafted_by,
            sections=self.sections,
            summary=self.summary,
            flags=self.flags,
            notes=_NOTES,
            calculations=tuple(self.calculations.items()),
        )
        digest = hashlib.sha256(json.dumps(numbers_key(report), default=str).encode()).hexdigest()
        unchanged = planned.former.get("numbers_sha256") == digest
        said = (f"The numbers are those of {planned.former_label}.",) if unchanged else ()
        return replace(report, numbers_sha256=digest, summary=(*said, *report.summary))


def with_wording(draft: Draft, model: str, summary_words: Sequence[str], by_key: dict[str, tuple[str, ...]]) -> Draft:
    """Return the draft in the words of a model, without the sentences that say what the facts do not."""
    sections, dropped = list[Section](), list[str]()
    every = frozenset[str]()
    also = (draft.facts.period, str(draft.facts.first), str(draft.facts.last), draft.title)
    for section in draft.sections:
        known = numbers_of(section, *also)
        every |= known
        kept, refused = checked(by_key.get(section.key, ()), known)
        dropped += [f"{section.title}: {one.why}" for one in refused]
        sections.append(replace(section, words=tuple(kept) if kept else section.words))
    kept, refused = checked(summary_words, every)
    dropped += [f"Summary: {one.why}" for one in refused]
    worded = replace(
        draft, sections=tuple(sections), summary=tuple(kept) or draft.summary, drafted_by=f"the model {model}"
    )
    if not dropped:
        return worded
    listed = "; ".join(dropped[:_MOST_DROPPED])
    more = f"; and {len(dropped) - _MOST_DROPPED} more" if len(dropped) > _MOST_DROPPED else ""
    return worded.flagged(
        "sentences_dropped",
        f"{len(dropped)} sentences of the model were left out: {listed}{more}.",
        "Compute it first.",
    )


def running(facts: ReportFacts) -> tuple[FlagAnswer, ...]:
    """Return what one has to know of a period that still runs."""
    if not facts.running:
        return ()
    says = f"{facts.period} runs until {facts.last}: the numbers are of its first {facts.days:.0f} days."
    return (FlagAnswer(code="running", says=says, instead="Make it again when the period is over."),)
