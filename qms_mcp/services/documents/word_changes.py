"""What changed in a text, word by word: `keep records [-5-]{+10+} years`.

Lines and sentences that are the same on both sides are passed over first, so that only those that differ are compared
word by word; rows of tables are compared cell by cell with the row of the same first cell. What stayed the same far
from a change is left out ("...").
"""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher

from qms_mcp.services.documents.sentences import sentences

# A word with the space behind it, which is shown and not compared.
_WORDS = re.compile(r"(?:\w+(?:[.,'\u2019-]\w+)*|[^\w\s])\s*")
_AROUND = 6
# A passage with more pairs of the same word than this was rewritten: it is shown as removed and added, since nobody
# reads its words one by one, and since they take long to find.
_MOST_PAIRS = 6_000
_GAP = " ... "


@dataclass(frozen=True, slots=True)
class WordChanges:
    """What changed.

    Attributes:
        text: Removed words as `[-so-]`, added ones as `{+so+}`, with a few words around them.
        removed: Words.
        added: Words.
        rows: Rows of tables that changed, came or went.
    """

    text: str
    removed: int
    added: int
    rows: int = 0


def word_changes(old: str, new: str) -> WordChanges:
    """Return what changed from one text to another."""
    before, after = _lines(old), _lines(new)
    pieces: list[WordChanges] = []
    for tag, start, end, other_start, other_end in SequenceMatcher(None, before, after).get_opcodes():
        if tag != "equal":
            pieces += _passage(before[start:end], after[other_start:other_end])
    return WordChanges(
        _GAP.join(piece.text.strip() for piece in pieces if piece.text.strip()),
        sum(piece.removed for piece in pieces),
        sum(piece.added for piece in pieces),
        sum(piece.rows for piece in pieces),
    )


def _lines(text: str) -> list[str]:
    return [one.text for one in sentences(text)]


def _passage(old: Sequence[str], new: Sequence[str]) -> Iterator[WordChanges]:
    """Yield the changes of sentences that differ: rows of tables by their first cell, the rest as running text."""
    yield from _rows([one for one in old if _is_row(one)], [one for one in new if _is_row(one)])
    prose = "\n".join(one for one in old if not _is_row(one)), "\n".join(one for one in new if not _is_row(one))
    if any(prose):
        yield _words(*prose)


def _words(old: str, new: str) -> WordChanges:
    before, after = _WORDS.findall(old), _WORDS.findall(new)
    parts: list[str] = []
    removed = added = 0
    opcodes = _readable(_opcodes([one.strip() for one in before], [one.strip() for one in after]), before)
    for place, (tag, start, end, other_start, other_end) in enumerate(opcodes):
        gone, come = before[start:end], after[other_start:other_end]
        if tag == "equal":
            parts.append(_around(come, first=place == 0, last=place == len(opcodes) - 1))
            continue
        parts.append(_changed("".join(gone), "".join(come)))
        removed += _count(gone)
        added += _count(come)
    return WordChanges("".join(parts), removed, added)


def _opcodes(old: list[str], new: list[str]) -> list["Opcode"]:
    """Return the steps from one list of words to another; what is the same at both ends is not searched."""
    start = _same(old, new)
    end = _same(old[start:][::-1], new[start:][::-1])
    old_end, new_end = len(old) - end, len(new) - end
    left, right = old[start:old_end], new[start:new_end]
    pairs = Counter(left)
    if sum(pairs[word] for word in right) > _MOST_PAIRS:
        inner: list[Opcode] = [("replace", start, old_end, start, new_end)]
    else:
        steps = SequenceMatcher(None, left, right, autojunk=False).get_opcodes()
        inner = [(tag, start + a, start + b, start + c, start + d) for tag, a, b, c, d in steps]
    head: list[Opcode] = [("equal", 0, start, 0, start)] if start else []
    tail: list[Opcode] = [("equal", old_end, len(old), new_end, len(new))] if end else []
    return head + inner + tail


Opcode = tuple[str, int, int, int, int]


def _same(one: Sequence[str], other: Sequence[str]) -> int:
    """Return how many words two lists have in common at their beginning."""
    pairs = zip(one, other, strict=False)
    return next((place for place, (left, right) in enumerate(pairs) if left != right), min(len(one), len(other)))


def _readable(opcodes: Sequence[Opcode], before: Sequence[str]) -> list[Opcode]:
    """Return the steps with changes joined that only a mark keeps apart."""
    joined: list[Opcode] = []
    for tag, start, end, other_start, other_end in opcodes:
        small = tag == "equal" and not _count(before[start:end])
        last = joined[-1] if joined else None
        if last and last[0] != "equal" and (tag != "equal" or (small and end < len(before))):
            joined[-1] = ("replace", last[1], end, last[3], other_end)
        else:
            joined.append((tag, start, end, other_start, other_end))
    return joined


def _around(kept: Sequence[str], *, first: bool, last: bool) -> str:
    """Return what stayed the same near a change."""
    head = "" if first else "".join(kept[:_AROUND])
    tail = "" if last else "".join(kept[-_AROUND:])
    if len(kept) <= _AROUND * ((not first) + (not last)):
        return "".join(kept)
    return (head + _GAP if head else "") + tail


def _rows(old: list[str], new: list[str]) -> Iterator[WordChanges]:
    """Yield the changes of rows: those with the same first cell are one row that changed."""
    came = {_cells(row)[0]: row for row in reversed(new)}
    kept: set[str] = set()
    for row in old:
        other = came.get(_cells(row)[0])
        if other is None or other in kept:
            yield WordChanges(_removed(row), _count(_WORDS.findall(row)), 0, 1)
            continue
        kept.add(other)
        yield _row(row, other)
    for row in new:
        if row not in kept:
            yield WordChanges(_added(row), 0, _count(_WORDS.findall(row)), 1)


def _row(old: str, new: str) -> WordChanges:
    before, after = _cells(old), _cells(new)
    cells: list[str] = []
    removed = added = 0
    for place in range(max(len(before), len(after))):
        gone, come = (cells_of[place] if place < len(cells_of) else "" for cells_of in (before, after))
        if gone == come:
            cells.append(gone if place == 0 else "...")
            continue
        changed = _words(gone, come)
        removed, added = removed + changed.removed, added + changed.added
        cells.append(changed.text)
    return WordChanges(f"| {' | '.join(cells)} |", removed, added, 1)


def _cells(row: str) -> list[str]:
    return [cell.strip() for cell in re.split(r"(?<!\\)\|", row.strip().removeprefix("|").removesuffix("|"))]


def _is_row(line: str) -> bool:
    return line.startswith("|")


def _changed(gone: str, come: str) -> str:
    """Return a change, and behind it the space that stood behind the words."""
    shown = come or gone
    space = shown[len(shown.rstrip()) :]
    return _removed(gone) + _added(come) + space


def _removed(text: str) -> str:
    return f"[-{text.strip()}-]" if text.strip() else ""


def _added(text: str) -> str:
    return f"{{+{text.strip()}+}}" if text.strip() else ""


def _count(parts: Sequence[str]) -> int:
    return sum(any(character.isalnum() for character in part) for part in parts)
