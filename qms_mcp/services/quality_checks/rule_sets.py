"""The rules that are shipped, by set and version.

A rule keeps its id and meaning for as long as its set has this version; another meaning is another version. A rule
either finds something or it passes; one that does not apply to a subject counts neither way.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from qms_mcp.services.quality_checks.models import Severity

# How much a rule counts for the score.
WEIGHTS: Final[Mapping[Severity, int]] = MappingProxyType({"critical": 5, "major": 3, "minor": 1})


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule of a set.

    Attributes:
        meaning: What holds when it passes.
        source: The clause or regulation it serves; "good practice" where there is none.
    """

    id: str
    meaning: str
    severity: Severity
    source: str


@dataclass(frozen=True, slots=True)
class RuleSet:
    """Rules that belong together; `name` holds the version."""

    name: str
    rules: Mapping[str, Rule]


def _rule_set(name: str, *rules: Rule) -> RuleSet:
    return RuleSet(name, MappingProxyType({rule.id: rule for rule in rules}))


RECORD: Final = _rule_set(
    "record-v1",
    Rule("R01", "The fields a record of its type needs in any state are filled.", "major",
         "ISO 13485 4.2.5; 21 CFR 820.35"),
    Rule("R02", "What the next step of its workflow needs is there.", "minor", "its workflow definition"),
    Rule("R03", "No text is a placeholder.", "major", "ISO 13485 4.2.5"),
    Rule("R04", "The description says what happened in more than a few words.", "minor", "ISO 13485 4.2.5"),
    Rule("R05", "Its dates follow one another.", "major", "ISO 13485 4.2.5; 21 CFR 11.10(e)"),
    Rule("R06", "What has happened does not lie in the future.", "major", "ISO 13485 4.2.5; 21 CFR 11.10(e)"),
    Rule("R07", "While it is open, somebody owns it.", "major", "ISO 13485 5.5.1"),
    Rule("R08", "While it is open, its people are active members.", "major", "ISO 13485 5.5.1"),
    Rule("R09", "Its risk class fits what it says and what it answers.", "major", "ISO 14971 5.5; ISO 13485 8.5.2"),
    Rule("R10", "The links it should have are there, or it says why not.", "major", "ISO 13485 8.5.2; 21 CFR 820.10"),
    Rule("R11", "Cause, actions and effectiveness follow one another as far as its state says.", "critical",
         "ISO 13485 8.5.2"),
    Rule("R12", "It is not overdue.", "major", "ISO 13485 8.5.2"),
    Rule("R13", "No other record seems to say the same.", "minor", "good practice"),
    Rule("R14", "A person has adopted what a model drafted.", "minor", "21 CFR 11.10(j)"),
    Rule("R15", "A closed record of an event or CAPA points to evidence.", "minor", "ISO 13485 4.2.5"),
    Rule("R16", "It was decided what becomes of affected product.", "critical", "ISO 13485 8.3"),
    Rule("R17", "It was decided whether an authority is told of a death, injury or malfunction.", "critical",
         "21 CFR 803.10; ISO 13485 8.2.3"),
)  # fmt: skip

DOCUMENT: Final = _rule_set(
    "document-v1",
    Rule("D01", "It has content.", "critical", "ISO 13485 4.2.4"),
    Rule("D02", "Number, revision, type and author are recorded.", "major", "ISO 13485 4.2.4"),
    Rule("D03", "An active person owns it.", "major", "ISO 13485 4.2.4"),
    Rule("D04", "While it is effective, its next review is planned.", "minor", "ISO 13485 4.2.4"),
    Rule("D05", "Its review is not overdue.", "major", "ISO 13485 4.2.4"),
    Rule("D06", "The training it requires is done or waived.", "major", "ISO 13485 6.2"),
    Rule("D07", "Its dates follow one another.", "major", "ISO 13485 4.2.4; 21 CFR 11.10(e)"),
    Rule("D08", "An approval was signed and still fits what it says.", "critical",
         "ISO 13485 4.2.4; 21 CFR 11.70"),
    Rule("D09", "No passage is a placeholder.", "major", "ISO 13485 4.2.4"),
    Rule("D10", "It has the sections procedures usually have.", "minor", "good practice"),
    Rule("D11", "Documents it names exist and are effective.", "major", "ISO 13485 4.2.4"),
    Rule("D12", "Each requirement names who fulfils it.", "minor", "ISO 13485 5.5.1"),
    Rule("D13", "Abbreviations are explained.", "minor", "good practice"),
    Rule("D14", "What is withdrawn says what replaces it, or why.", "minor", "ISO 13485 4.2.4"),
)  # fmt: skip

DATASET: Final = _rule_set(
    "dataset-v1",
    Rule("S01", "There are rows.", "critical", "ISO 13485 8.4"),
    Rule("S02", "The rules the table implies hold: constraints, comments, names and types.", "major",
         "ISO 13485 8.4; validate_data"),
    Rule("S03", "No column is empty in half of the rows or more.", "major", "ISO 13485 8.4"),
    Rule("S04", "No column is empty in a fifth of the rows or more.", "minor", "ISO 13485 8.4"),
    Rule("S05", "No column has one value throughout.", "minor", "good practice"),
    Rule("S06", "No two rows are the same but for their keys.", "major", "ISO 13485 8.4"),
    Rule("S07", "No number lies far outside the others (robust z above 5).", "minor", "ISO 13485 8.4"),
    Rule("S08", "What has happened does not lie in the future.", "major", "ISO 13485 8.4"),
    Rule("S09", "A column holds one kind of value, unit and date format.", "major", "ISO 13485 8.4"),
    Rule("S10", "The same value is always written the same way.", "minor", "good practice"),
    Rule("S11", "No text is a placeholder.", "major", "ISO 13485 8.4"),
)  # fmt: skip
