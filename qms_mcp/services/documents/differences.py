"""Two versions of a document, or two documents, compared section by section.

A section is unchanged, changed, added, removed, moved, or only has another number ("renumbered", because something came
in front of it). Sentences that require something (shall, must) are compared over the whole document, so that one that
only moved counts as neither gone nor new.
"""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from qms_mcp.services.documents.control_models import (
    Change,
    Detail,
    DocumentDiff,
    RequirementChange,
    SectionChange,
    page_of,
    shortened,
)
from qms_mcp.services.documents.section_matching import alike, match
from qms_mcp.services.documents.sections import DocumentText, Section, place, unnumbered
from qms_mcp.services.documents.sentences import Sentence, requirements
from qms_mcp.services.documents.word_changes import word_changes

_CONCISE, _FULL = 400, 8_000
_CONCISE_REQUIREMENTS, _FULL_REQUIREMENTS = 20, 200
_SAME_REQUIREMENT = 0.6
_ORDER: tuple[Change, ...] = (
    "changed", "moved and changed", "renumbered and changed", "added", "removed", "moved", "renumbered", "unchanged",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class SectionDifference:
    """How a section fared.

    Attributes:
        old: The section in the old version, if it was there.
        new: The section in the new version, if it is there.
        text: What changed, word by word.
    """

    change: Change
    old: Section | None
    new: Section | None
    text: str = ""
    removed: int = 0
    added: int = 0


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two texts compared.

    Attributes:
        sections: In the order of the new text, removed ones where they were.
    """

    old: DocumentText
    new: DocumentText
    sections: Sequence[SectionDifference]
    requirements: Sequence[RequirementChange]

    @property
    def counts(self) -> dict[Change, int]:
        """How many sections fared so."""
        counted = Counter(one.change for one in self.sections)
        return {change: counted[change] for change in _ORDER if counted[change]}

    @property
    def summary(self) -> str:
        """Everything in one line."""
        counts = ", ".join(f"{count} {change}" for change, count in self.counts.items()) or "nothing to compare"
        demanded = Counter(one.change for one in self.requirements)
        asked = ", ".join(f"{demanded[how]} {how}" for how in ("added", "removed", "changed") if demanded[how])
        return f"{self.old.label} -> {self.new.label}: sections {counts}; requirements {asked or 'the same'}."


def compare(old: DocumentText, new: DocumentText) -> Comparison:
    """Compare two texts section by section."""
    pairs = match(old, new)
    paired = {pair.new: pair for pair in pairs}
    gone = set(range(len(old.sections))) - {pair.old for pair in pairs}
    found: list[SectionDifference] = list(_removed(old, gone, -1))
    for here, section in enumerate(new.sections):
        pair = paired.get(here)
        if pair is None:
            found.append(_added(new, section))
            continue
        found.append(_kept(old, new, old.sections[pair.old], section, moved=pair.moved))
        found += _removed(old, gone, pair.old)
    return Comparison(old, new, found, list(_requirements(old, new)))


def answer(comparison: Comparison, *, limit: int = 20, skip: int = 0, detail: Detail = "concise") -> DocumentDiff:
    """Return a page of a comparison, as tools answer it."""
    differing = [one for one in comparison.sections if one.change != "unchanged"]
    page, next_cursor = page_of(differing, limit, skip)
    full = detail == "full"
    most = _FULL_REQUIREMENTS if full else _CONCISE_REQUIREMENTS
    counts = {str(change): count for change, count in comparison.counts.items()}
    counts["requirements"] = len(comparison.requirements)
    return DocumentDiff(
        summary=comparison.summary,
        counts=counts,
        total=len(differing),
        changes=[_shown(comparison, one, _FULL if full else _CONCISE) for one in page],
        requirements=[] if skip else _cut(comparison.requirements[:most], _FULL if full else _CONCISE),
        next_cursor=next_cursor,
    )


def _kept(old: DocumentText, new: DocumentText, before: Section, after: Section, *, moved: bool) -> SectionDifference:
    texts = _text(old, before), _text(new, after)
    numbered_anew = place(before) != place(after) and (before.numbered or after.numbered)
    if texts[0].split() == texts[1].split():
        return SectionDifference("moved" if moved else "renumbered" if numbered_anew else "unchanged", before, after)
    changed = word_changes(*texts)
    change: Change = (
        "moved and changed" if moved else "renumbered and changed" if numbered_anew else "changed"
    )  # fmt: skip
    if not changed.text:  # marks of lists or the breaks of lines
        change = "moved" if moved else "renumbered" if numbered_anew else "unchanged"
    return SectionDifference(change, before, after, changed.text, changed.removed, changed.added)


def _text(document: DocumentText, section: Section) -> str:
    return f"{unnumbered(section.title)}\n\n{document.body(section)}"


def _added(new: DocumentText, section: Section) -> SectionDifference:
    body = new.body(section)
    return SectionDifference("added", None, section, f"{{+{body}+}}" if body else "", 0, _words(body))


def _removed(old: DocumentText, gone: set[int], after: int) -> Iterator[SectionDifference]:
    """Yield what was removed right behind a place of the old text."""
    for here in range(after + 1, len(old.sections)):
        if here not in gone:
            return
        body = old.body(old.sections[here])
        text = f"[-{body}-]" if body else ""
        yield SectionDifference("removed", old.sections[here], None, text, _words(body), 0)


def _words(text: str) -> int:
    return len(re.findall(r"\w+", text))


def _shown(comparison: Comparison, one: SectionDifference, most: int) -> SectionChange:
    document, section = (comparison.new, one.new) if one.new else (comparison.old, one.old)
    if section is None:
        raise RuntimeError("a difference of no section")
    was = place(one.old) if one.old and one.new and place(one.old) != place(one.new) else ""
    counted = [f"+{one.added}"] * bool(one.added) + [f"-{one.removed}"] * bool(one.removed)
    text = one.text.replace("\n\n", "\n")
    return SectionChange(
        change=one.change,
        section=document.cite(section),
        title=section.title if section.numbered else "",
        was=was,
        words=" ".join(counted),
        text=shortened(text, most),
    )


def _cut(changes: Sequence[RequirementChange], most: int) -> list[RequirementChange]:
    return [one.model_copy(update={"text": shortened(one.text, most)}) for one in changes]


def _requirements(old: DocumentText, new: DocumentText) -> Iterator[RequirementChange]:
    """Yield requirements that changed, then the new ones, then those that are gone."""
    before, after = _required(old), _required(new)
    gone = _without(before, after)
    come = _without(after, before)
    pairs = dict(alike([_counted(one) for _, one in gone], [_counted(one) for _, one in come], _SAME_REQUIREMENT))
    for here, (cited, sentence) in enumerate(come):
        if here in pairs:
            changed = word_changes(gone[pairs[here]][1].text, sentence.text)
            yield RequirementChange(change="changed", section=cited, text=changed.text or sentence.text)
    for here, (cited, sentence) in enumerate(come):
        if here not in pairs:
            yield RequirementChange(change="added", section=cited, text=sentence.text)
    rewritten = set(pairs.values())
    for here, (cited, sentence) in enumerate(gone):
        if here not in rewritten:
            yield RequirementChange(change="removed", section=cited, text=sentence.text)


def _counted(sentence: Sentence) -> Counter[str]:
    return Counter(sentence.plain.split())


def _required(document: DocumentText) -> list[tuple[str, Sentence]]:
    return [
        (document.cite(section), sentence)
        for section in document.sections
        for sentence in requirements(document.body(section))
    ]


def _without(these: list[tuple[str, Sentence]], those: list[tuple[str, Sentence]]) -> list[tuple[str, Sentence]]:
    """Return what of these is not among those, each counted as often as it is said."""
    left = Counter(sentence.plain for _, sentence in those)
    found: list[tuple[str, Sentence]] = []
    for cited, sentence in these:
        if left[sentence.plain]:
            left[sentence.plain] -= 1
        else:
            found.append((cited, sentence))
    return found
