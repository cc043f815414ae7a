"""What a reader of a procedure trips over: requirements nobody has to fulfil, words nobody explains, dead references.

All of it is found by words, so all of it is a hint: a sentence that names a role the list below does not know is shown
although it names one.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from qms_mcp.services.documents.checking import heading_likeness
from qms_mcp.services.documents.control_models import Hint, shortened
from qms_mcp.services.documents.sections import DocumentText, unnumbered
from qms_mcp.services.documents.sentences import REQUIRES, Sentence, requirements

_USUAL = {
    "purpose": ("purpose", "objective", "aim", "introduction"),
    "scope": ("scope", "applicability", "area of application"),
    "responsibilities": ("responsibility", "roles and responsibilities", "responsible persons", "authority"),
    "records": ("records", "documentation", "documented information", "forms and records"),
}
_ROLE = re.compile(
    r"\b(?:managers?|owners?|operators?|supervisors?|directors?|leaders?|leads?|heads?|officers?|engineers?|technicians?"
    r"|inspectors?|auditors?|auditees?|reviewers?|approvers?|authors?|trainers?|trainees?|administrators?|coordinators?"
    r"|specialists?|analysts?|scientists?|pharmacists?|buyers?|planners?|designers?|developers?|users?|initiators?"
    r"|reporters?|requesters?|originators?|investigators?|assessors?|representatives?|delegates?|presidents?|ceo|cto|qmr"
    r"|prrc|qp|qa|qc|ra|hr|it|mrb|personnel|individuals?|persons?|people|staff|employees?|workers?|everyone|everybody|nobody|anyone"
    r"|teams?|departments?|boards?|committees?|functions?|units?|management|purchasing|production|engineering|sales"
    r"|logistics|laboratory|suppliers?|contractors?|manufacturers?|importers?|distributors?|company|organi[sz]ation|we)\b",
    re.IGNORECASE,
)
_ABBREVIATION = re.compile(r"(?<![\w-])[A-Z][A-Z&/]{0,2}[A-Z]{1,4}s?(?![\w-])")
_KNOWN = frozenset(
    (
        "ISO",
        "IEC",
        "EN",
        "DIN",
        "FDA",
        "EU",
        "US",
        "USA",
        "UK",
        "UN",
        "CFR",
        "SOP",
        "PDF",
        "CD",
        "DVD",
        "USB",
        "IT",
        "ID",
        "URL",
        "XML",
        "HTML",
        "OK",
        "NO",
        "NOT",
        "AND",
        "OR",
        "ALL",
        "MUST",
        "SHALL",
        "MAY",
        "N/A",
        "NA",
        "TBD",
        "AM",
        "PM",
        "UTC",
        "GMT",
        "CET",
        "II",
        "III",
        "IV",
        "VI",
        "VII",
        "VIII",
        "IX",
        "XI",
        "XII",
    )
)
_DOCUMENT = re.compile(
    r"(?<![\w-])(?P<number>[A-Z]{2,6}[-_ ]?(?:[A-Z]{1,4}-)?\d{2,6})(?![\w-])"
    r"(?:\s*,?\s*(?:v|ver\.?|version|rev\.?|revision)\s*\.?\s*(?P<revision>\d{1,4})\b)?"
)
_RECORD = re.compile(r"[A-Z]{2,5}-(?:19|20)\d{2}-\d{4,}")
_PREFIX = re.compile(r"[A-Z]+")
_USUAL_PREFIXES = frozenset({"SOP", "WI", "FRM", "FORM", "POL", "QM", "QP", "TMP", "TPL", "MAN", "VAL", "SPEC"})
_MOST_OF_A_KIND = 20
_LONGEST = 240


@dataclass(frozen=True, slots=True)
class NamedDocument:
    """What is known of a document number.

    Attributes:
        effective: The revision that is effective, if one is.
        status: The state of the latest version.
    """

    document_number: str
    effective: int | None
    latest: int | None
    status: str


@dataclass(frozen=True, slots=True)
class Mention:
    """A document number in a text."""

    number: str
    revision: int | None
    where: str
    quote: str


def missing_sections(document: DocumentText) -> Iterator[Hint]:
    """Yield the sections a procedure usually has and this document has not."""
    titles = [unnumbered(section.title) for section in document.sections if section.level]
    for usual, names in _USUAL.items():
        if not any(heading_likeness(name, title) >= 0.6 for name in names for title in titles):  # noqa: PLR2004 - as in a check
            yield Hint(what=f'no section "{usual}", which procedures usually have')


def without_role(document: DocumentText) -> Iterator[Hint]:
    """Yield requirements in which nobody is named."""
    for cited, sentence in _required(document):
        if not _names_somebody(sentence.text):
            yield Hint(what="a requirement that names nobody", where=cited, quote=shortened(sentence.text, _LONGEST))


def unexplained(document: DocumentText) -> Iterator[Hint]:
    """Yield abbreviations nobody explains."""
    seen: set[str] = set()
    for section in document.sections:
        text = f"{document.body(section)}"
        for found in _ABBREVIATION.finditer(text):
            word = found[0].removesuffix("s")
            if word in seen or word in _KNOWN or len(word) > 6 or _is_shouting(text, found):  # noqa: PLR2004 - no longer
                continue
            seen.add(word)
            if not _is_explained(word, document.content):
                around = text[max(0, found.start() - 60) : found.end() + 60]
                yield Hint(
                    what=f"{word} is not explained", where=document.cite(section), quote=" ".join(around.split())
                )


def mentions(document: DocumentText) -> list[Mention]:
    """Return the document numbers a text names, each number and revision once; not its own."""
    own = document.label.rpartition(" v")[0].upper()
    found: dict[tuple[str, int | None], Mention] = {}
    for section in document.sections:
        body = document.body(section)
        for one in _DOCUMENT.finditer(body):
            number = one["number"].upper()
            if number == own or _RECORD.match(body[one.start() : one.start() + 24]):
                continue
            revision = int(one["revision"]) if one["revision"] else None
            quote = " ".join(body[max(0, one.start() - 80) : one.end() + 80].split())
            found.setdefault((number, revision), Mention(number, revision, document.cite(section), quote))
    return list(found.values())


def dead_references(
    named: list[Mention], known: Mapping[str, NamedDocument], prefixes: frozenset[str]
) -> Iterator[Hint]:
    """Yield references to documents that do not exist here or do not count any more."""
    for mention in named:
        what = _wrong_with(mention, known.get(mention.number), prefixes | _USUAL_PREFIXES)
        if what:
            yield Hint(what=what, where=mention.where, quote=mention.quote)


def text_hints(document: DocumentText, *, usual: bool) -> list[Hint]:
    """Return the hints a text gives by itself; of each kind the first."""
    kinds = [without_role(document), unexplained(document)]
    found = list(missing_sections(document)) if usual else []
    for kind in kinds:
        found += capped(list(kind))
    return found


def capped(hints: list[Hint]) -> list[Hint]:
    """Return the first hints of one kind, and how many there are besides."""
    shown = hints[:_MOST_OF_A_KIND]
    left = len(hints) - len(shown)
    return [*shown, Hint(what=f"{left} more like the last one")] if left else shown


def _wrong_with(mention: Mention, known: NamedDocument | None, prefixes: frozenset[str]) -> str:
    if known is None:
        prefix = _PREFIX.match(mention.number)
        return f"{mention.number} is not in this system" if prefix and prefix[0] in prefixes else ""
    if known.effective is None:
        return f"no version of {known.document_number} is effective: the latest, v{known.latest}, is {known.status}"
    if mention.revision is not None and mention.revision != known.effective:
        order = "superseded by" if mention.revision < known.effective else "not the effective one, which is"
        return f"{known.document_number} v{mention.revision} is {order} v{known.effective}"
    return ""


def _required(document: DocumentText) -> Iterator[tuple[str, Sentence]]:
    for section in document.sections:
        for sentence in requirements(document.body(section)):
            yield document.cite(section), sentence


def _names_somebody(sentence: str) -> bool:
    """Return whether somebody stands in front of the verb, or after "by"."""
    subject = REQUIRES.split(sentence, maxsplit=1)[0]
    actors = re.findall(r"\bby\s+((?:\S+\s*){1,6})", sentence)
    return _ROLE.search(subject) is not None or any(_ROLE.search(actor) for actor in actors)


def _is_explained(word: str, content: str) -> bool:
    """Return whether a text says what an abbreviation stands for: `corrective action (CAPA)`, `CAPA: ...`, a table."""
    escaped = re.escape(word)
    in_brackets = rf"\([\s*_\"]*{escaped}s?[\s*_\"]*\)"
    before_brackets = rf"\b{escaped}s?\s*\([^)]*[a-z]{{3}}"
    in_front = rf"^[ \t|*_-]*{escaped}[*_]*\s*(?:[:|=\u2013\u2014-]|means|stands)"
    return re.search(f"{in_brackets}|{before_brackets}|{in_front}", content, re.MULTILINE) is not None


def _is_shouting(text: str, found: re.Match[str]) -> bool:
    """Return whether a word stands in a line of capitals."""
    line = text[text.rfind("\n", 0, found.start()) + 1 :].split("\n", 1)[0]
    return line.upper() == line and len(line.split()) > 2  # noqa: PLR2004 - a few words make a line
