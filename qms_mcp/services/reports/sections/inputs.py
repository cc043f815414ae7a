"""The inputs of a management review, by number, and where in the report each is answered.

Numbers are those of ISO 9001:2015 9.3.2 and ISO 13485:2016 5.6.2; what each asks for is told in our own words.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from qms_mcp.services.reports.content import Grid, Section

ISO_9001 = "ISO 9001 9.3.2"
ISO_13485 = "ISO 13485 5.6.2"


@dataclass(frozen=True, slots=True)
class Input:
    """One input.

    Attributes:
        number: `ISO 9001 9.3.2 c 4`.
        asks: What it asks for.
        answered: Keys of the sections that answer it.
    """

    number: str
    asks: str
    answered: tuple[str, ...]


INPUTS = (
    Input(f"{ISO_9001} a", "How the actions of earlier reviews stand", ("former_actions",)),
    Input(f"{ISO_9001} b", "Changes around and inside the organization that touch the system", ("issues", "changes")),
    Input(f"{ISO_9001} c 1", "What customers and other parties think", ("feedback", "complaints")),
    Input(f"{ISO_9001} c 2", "How far quality objectives are reached", ("objectives",)),
    Input(f"{ISO_9001} c 3", "How processes run and whether products conform", ("processes", "product")),
    Input(f"{ISO_9001} c 4", "What did not conform, and what corrected it", ("nonconformities", "corrective")),
    Input(f"{ISO_9001} c 5", "What monitoring and measuring show", ("measurement",)),
    Input(f"{ISO_9001} c 6", "What audits found", ("audits",)),
    Input(f"{ISO_9001} c 7", "How external providers do", ("suppliers", "approvals")),
    Input(f"{ISO_9001} d", "Whether resources are enough", ("resources",)),
    Input(f"{ISO_9001} e", "Whether what is done about risks and opportunities works", ("risks",)),
    Input(f"{ISO_9001} f", "What could be improved", ("improvement",)),
    Input(f"{ISO_13485} a", "Feedback", ("feedback",)),
    Input(f"{ISO_13485} b", "How complaints were handled", ("complaints",)),
    Input(f"{ISO_13485} c", "What was reported to authorities", ("reporting",)),
    Input(f"{ISO_13485} d", "Audits", ("audits",)),
    Input(f"{ISO_13485} e", "How processes are monitored and what they measure", ("processes", "measurement")),
    Input(f"{ISO_13485} f", "How product is monitored and what it measures", ("product",)),
    Input(f"{ISO_13485} g", "Corrective action", ("corrective",)),
    Input(f"{ISO_13485} h", "Preventive action", ("preventive",)),
    Input(f"{ISO_13485} i", "What followed from earlier reviews", ("former_actions",)),
    Input(f"{ISO_13485} j", "Changes that could touch the system", ("changes", "issues")),
    Input(f"{ISO_13485} k", "Recommendations for improvement", ("improvement",)),
    Input(f"{ISO_13485} l", "Regulatory requirements that are new or changed", ("requirements",)),
)


def with_clauses(sections: Sequence[Section]) -> list[Section]:
    """Return the sections, each with the inputs it answers."""
    return [
        replace(section, clauses=tuple(one.number for one in INPUTS if section.key in one.answered))
        for section in sections
    ]


def inputs_section(sections: Sequence[Section]) -> Section:
    """Return the table of all inputs: where each is answered, what there is, and what is missing."""
    by_key: Mapping[str, Section] = {section.key: section for section in sections}
    rows: list[tuple[str, str, str, str, str]] = []
    for one in INPUTS:
        answers = [by_key[key] for key in one.answered]
        lacking = " ".join(gap for answer in answers for gap in answer.missing)
        rows.append((
            one.number,
            one.asks,
            ", ".join(answer.title for answer in answers),
            " ".join(answer.headline for answer in answers),
            lacking or "nothing that is known",
        ))  # fmt: skip
    lacking = sum(any(by_key[key].missing for key in one.answered) for one in INPUTS)
    return Section(
        key="inputs",
        title="Inputs of the review",
        headline=f"{len(INPUTS)} inputs, all answered below; for {lacking} people have to bring what is missing.",
        grids=(
            Grid(
                "Inputs by number",
                ("Input", "What it asks for", "Answered in", "What there is", "What is missing"),
                tuple(rows),
                len(rows),
            ),
        ),
    )
