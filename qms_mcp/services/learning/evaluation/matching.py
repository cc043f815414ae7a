"""Which expected findings an answer has, and whether a text says a word or a number."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from qms_mcp.agents.outputs import AgentOutput, Finding
from qms_mcp.services.learning.evaluation.expecting import TOLERANCE, WantedFinding, WantedNumber

# Most of what is named about a finding has to agree for it to be the same one, and no part of it may be quite another.
_SAME, _OTHER = 0.6, 0.3
_WORD = re.compile(r"[^\W_]+(?:[-.][^\W_]+)*")
_NUMBER = re.compile(r"(?<![\w.-])[-+\u2212]?(?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d+)?(?!\w|[-.,]\w)")


@dataclass(frozen=True, slots=True)
class Matched:
    """How findings agree with the expected ones.

    Attributes:
        found: Expected ones that are there.
        wanted: How many were expected.
        made: How many the answer has.
        lacking: Those that are not there, in short.
    """

    found: int
    wanted: int
    made: int
    lacking: tuple[str, ...]

    @property
    def precision(self) -> float:
        """The share of the answer's findings that were expected."""
        return self.found / self.made if self.made else 0.0

    @property
    def recall(self) -> float:
        """The share of the expected ones that are there."""
        return self.found / self.wanted if self.wanted else 0.0

    @property
    def f1(self) -> float:
        """The harmonic mean of both; 1 when none was expected and none made."""
        return 2 * self.found / (self.wanted + self.made) if self.wanted + self.made else 1.0


def matched(wanted: Sequence[WantedFinding], output: AgentOutput | None) -> Matched:
    """Return which expected findings an answer has; each of its findings stands for one at most.

    The likest are paired first. It does not matter whether something is called an insight or an action.
    """
    made = [finding for _, finding in output.findings()] if output else []
    likeness = sorted(
        ((-likeness_of(one, other), at, by) for at, one in enumerate(wanted) for by, other in enumerate(made))
    )
    left, used = set(range(len(wanted))), set[int]()
    for unlike, at, by in likeness:
        if -unlike >= _SAME and at in left and by not in used:
            left.discard(at)
            used.add(by)
    lacking = tuple(_named(wanted[at]) for at in sorted(left))
    return Matched(len(wanted) - len(left), len(wanted), len(made), lacking)


def likeness_of(wanted: WantedFinding, made: Finding) -> float:
    """Return how much of what is expected of a finding agrees, from 0 to 1.

    Looked at are subject, measure, value and records, those of them that are expected; where none is, the statement.
    About another subject or other records, or with another value, it is another finding; a measure may be put in
    other words.
    """
    named = list[float]()
    if wanted.records:
        records = {one.strip().upper() for one in made.evidence.records} | {made.subject.strip().upper()}
        named.append(len(wanted.records & records) / len(wanted.records))
    if wanted.subject:
        named.append(overlap(wanted.subject, made.subject))
    if wanted.value:
        named.append(_same_value(wanted.value, made.value))
    if any(part < _OTHER for part in named):
        return 0.0
    if wanted.measure:
        named.append(overlap(wanted.measure, made.measure))
    if not named:
        named.append(overlap(wanted.statement, made.statement))
    return sum(named) / len(named)


def overlap(one: str, other: str) -> float:
    """Return the agreement of two texts by their words: twice those in common by those of both (Dice 1945)."""
    first, second = words(one), words(other)
    return 2 * len(first & second) / (len(first) + len(second)) if first or second else 1.0


def words(text: str) -> set[str]:
    """Return the words of a text."""
    return set(_WORD.findall(text.casefold()))


def says(text: str, wanted: str) -> bool:
    """Whether a text has words as they are, whatever their case and the white space between them."""
    wording = r"\s+".join(re.escape(part) for part in wanted.casefold().split())
    return bool(wording) and re.search(rf"(?<!\w){wording}(?!\w)", text.casefold()) is not None


def numbers_in(text: str) -> list[float]:
    """Return the numbers of a text; those that are part of a word, a date or a record number are none."""
    return [float(one.replace(",", "").replace("\u2212", "-")) for one in _NUMBER.findall(text)]


def has_number(texts: Sequence[str], wanted: WantedNumber) -> bool:
    """Whether one of the texts that has the name has the number, too, near enough."""
    named = [text for text in texts if words(wanted.name) <= words(text)]
    return any(near(number, wanted.value, wanted.tolerance) for text in named for number in numbers_in(text))


def near(number: float, value: float, tolerance: float = TOLERANCE) -> bool:
    """Whether a number is within a share of a value, or within the tolerance itself of 0."""
    return abs(number - value) <= tolerance * (abs(value) or 1.0) + 1e-12


def texts_of(output: AgentOutput) -> list[str]:
    """Return what an answer says: its summary, and each finding in one text."""
    found = [
        " ".join((one.subject, one.measure, one.value, one.statement, *one.evidence.records))
        for _, one in output.findings()
    ]
    return [output.summary, *found]


def _same_value(wanted: str, made: str) -> float:
    numbers, theirs = numbers_in(wanted), numbers_in(made)
    if numbers:
        return float(bool(theirs) and near(theirs[0], numbers[0]))
    return overlap(wanted, made)


def _named(wanted: WantedFinding) -> str:
    parts = [part for part in (wanted.subject, wanted.measure, wanted.value) if part]
    return (" / ".join(parts) or wanted.statement or ", ".join(sorted(wanted.records)))[:120]
