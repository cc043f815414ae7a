"""What a verification proves, in words: neither more nor less than it does."""

from dataclasses import dataclass
from typing import Any

from qms_mcp.services.trail.chain import FileVerdict
from qms_mcp.services.trail.models import Verification

_HAPPENED = {
    "missing": "Entry {seq} is missing: it was removed, or the trail was cut off there.",
    "altered": "Entry {seq} was altered: its content does not give its hash.",
    "replaced": "Entry {seq} was replaced: it is whole in itself, but not the one the next entry was written after.",
    "added": "Entry {seq} was added: the chain did not write it.",
    "cut": "Entry {seq}, written down at {place}, is missing: the trail was cut off, or begun again.",
    "rebuilt": "Entry {seq} has another hash than the one written down at {place}: the chain was rebuilt.",
}
_NO_ANCHOR = (
    "No head of this chain is known outside of the database, so a superuser could have rebuilt the chain from some "
    "entry on; `qms-mcp audit anchor` writes heads down."
)
_CONTENT = "It says nothing about whether what was entered is true."


@dataclass(frozen=True, slots=True)
class Compared:
    """An anchor beside what the chain holds at its place now."""

    seq: int
    row_hash: str
    place: str
    now_hash: str | None

    @property
    def agrees(self) -> bool:
        """Say whether the entry is the one that was written down."""
        return self.row_hash == self.now_hash


def happened(problem: str, seq: int, place: str = "") -> str:
    """Return what happened to an entry, as a sentence."""
    return _HAPPENED.get(problem, "Entry {seq} is not as it was written.").format(seq=seq, place=place)


def verification(
    *,
    entries: int,
    first: int | None,
    last: int | None,
    head: str | None,
    bad: tuple[int, str] | None,
    compared: list[Compared],
    outside: str = "",
    in_file: FileVerdict | None = None,
) -> Verification:
    """Return the answer for what was found.

    Args:
        entries: Recomputed.
        first: The first of them.
        last: The last of them.
        head: The hash of the last one.
        bad: The first bad entry and what happened to it.
        compared: The anchors.
        outside: The copy that was read from outside, if one was; else the anchors are what the database says of them.
        in_file: The file that was recomputed, if it was no database.
    """
    wrong = next((anchor for anchor in compared if not anchor.agrees), None)
    sentence: str | None = None
    bad_seq: int | None = None
    if bad is not None:
        bad_seq, sentence = bad[0], happened(bad[1], bad[0])
    if wrong is not None and (bad_seq is None or wrong.seq < bad_seq):
        how = "cut" if wrong.now_hash is None else "rebuilt"
        bad_seq, sentence = wrong.seq, happened(how, wrong.seq, wrong.place)
    agreed = [anchor for anchor in compared if anchor.agrees and (bad_seq is None or anchor.seq < bad_seq)]
    return Verification(
        intact=bad_seq is None,
        entries=entries,
        first=first,
        last=last,
        head=head,
        bad_entry=bad_seq,
        problem=sentence,
        anchors=len(compared),
        proves=_proves(first, last if bad_seq is None else bad_seq - 1, agreed, outside),
        does_not_prove=_does_not_prove(last, agreed, outside, in_file),
    )


def _proves(first: int | None, last: int | None, agreed: list[Compared], outside: str) -> str:
    if first is None or last is None or last < first:
        return "Nothing: there is no whole entry."
    words = f"Entries {first} to {last} follow each other without a gap and none was altered on its own."
    if agreed and outside:
        anchor = agreed[-1]
        words += f" Up to entry {anchor.seq} they are those written down at {anchor.place}: nobody changed them since."
    return words


def _does_not_prove(last: int | None, agreed: list[Compared], outside: str, in_file: FileVerdict | None) -> str:
    if in_file is not None and not in_file.whole:
        return f"The file holds a selection: entries between these may be left out of it. {_CONTENT}"
    if not agreed:
        own = "Whoever made the file could have recomputed it; compare it with an anchor." if in_file else _NO_ANCHOR
        return f"{own} {_CONTENT}"
    anchor = agreed[-1]
    if outside:
        since = (
            f"Entries after {anchor.seq} are not written down there yet. " if last is None or last > anchor.seq else ""
        )
        return since + _CONTENT
    return (
        f"That no superuser rebuilt the chain: up to entry {anchor.seq} only the copy at {anchor.place} proves that "
        f"(`qms-mcp audit verify --anchor`), after it nothing does yet. {_CONTENT}"
    )


def as_compared(rows: list[dict[str, Any]]) -> list[Compared]:
    """Return the anchors the database knows, as `trail.anchors` returns them."""
    return [Compared(row["seq"], row["row_hash"], row["place"], row["now_hash"]) for row in rows]
