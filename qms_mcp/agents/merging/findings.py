"""One finding of one agent, read and with its evidence looked up: what all steps of merging work on."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TypeAlias

from qms_mcp.agents.merging.models import Contribution
from qms_mcp.agents.merging.reading import Reading, read, topics
from qms_mcp.agents.outputs import SEVERITIES, Finding, Kind

Bucket: TypeAlias = tuple[tuple[str, ...], tuple[str, ...]]


@dataclass(frozen=True)
class Found:
    """A finding with where it comes from.

    Attributes:
        calls: Ids of the tool calls it names that are there.
        records: Numbers of the records it names that are there.
        invalid: What it names that isn't there.
    """

    kind: Kind
    finding: Finding
    contribution: Contribution
    calls: tuple[str, ...]
    records: tuple[str, ...]
    invalid: tuple[str, ...]

    @cached_property
    def reading(self) -> Reading:
        """What its statement says."""
        return read(self.finding.statement)

    @cached_property
    def subject(self) -> frozenset[str]:
        """Stems of what it is about, without identifiers."""
        return frozenset(word for word in topics(self.finding.subject) if not _has_digit(word))

    @cached_property
    def value(self) -> Reading:
        """Its value."""
        return read(self.finding.value)

    @cached_property
    def measure(self) -> Reading:
        """What was measured."""
        return read(self.finding.measure)

    @cached_property
    def bucket(self) -> Bucket:
        """What two findings must share exactly to be compared: numbers, and numbers of records."""
        said = self.reading.named
        of_subject = tuple(name for name in read(self.finding.subject).named if name not in said)
        return self.reading.quantities, (*said, *of_subject)

    @property
    def supported(self) -> bool:
        """Whether something it rests on is there."""
        return bool(self.calls or self.records)

    @cached_property
    def order(self) -> tuple[object, ...]:
        """Where it stands when the best statement is looked for: the first is the best.

        What says most goes first, so that whatever joins it adds nothing to what it says. Then what has evidence, then
        what is surest. The rest only makes the order the same for every order of the contributions.
        """
        reading = self.reading
        says = len(reading.axes) + len(reading.names) + len(self.subject) + bool(self.value.normal)
        finding = self.finding
        return (
            -says, not self.supported, -finding.confidence, SEVERITIES.index(finding.severity), reading.normal,
            finding.statement, finding.subject, finding.measure, finding.value,
            self.contribution.key, self.contribution.run_id, self.calls, self.records, self.invalid,
        )  # fmt: skip


def _has_digit(word: str) -> bool:
    return any(letter.isdigit() for letter in word)


def findings_of(contributions: Sequence[Contribution], verified: Mapping[str, bool] | None) -> list[Found]:
    """Return all findings, the best stated first; a contribution given twice counts once."""
    found = (found for contribution in distinct(contributions) for found in _of(contribution, verified))
    return sorted(found, key=lambda one: one.order)


def distinct(contributions: Sequence[Contribution]) -> list[Contribution]:
    """Return the contributions, each once, by key."""
    once: dict[tuple[str, str], Contribution] = {}
    for contribution in sorted(contributions, key=_fullest):
        once.setdefault((contribution.key, contribution.run_id), contribution)
    return list(once.values())


def _fullest(contribution: Contribution) -> tuple[object, ...]:
    output = contribution.output
    return contribution.key, contribution.run_id, output is None, "" if output is None else output.model_dump_json()


def _of(contribution: Contribution, verified: Mapping[str, bool] | None) -> Iterator[Found]:
    if contribution.output is None:
        return
    for kind, finding in contribution.output.findings():
        calls: dict[str, None] = {}
        invalid: list[str] = []
        for label in finding.evidence.calls:
            call = contribution.labels.get(label)
            if call is not None and (verified is None or verified.get(call, False)):
                calls[call] = None
            else:
                invalid.append(f"{label} of {contribution.key}")
        records = {record: verified is None or verified.get(record, False) for record in finding.evidence.records}
        invalid.extend(record for record, there in records.items() if not there)
        there = tuple(record for record, there in records.items() if there)
        yield Found(kind, finding, contribution, tuple(calls), there, tuple(dict.fromkeys(invalid)))
