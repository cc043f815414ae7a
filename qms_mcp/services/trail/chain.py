"""The chain outside of the database: an exported file recomputed, an anchor read.

A line of an export holds the canonical text of an entry, its hash and the one before. The hash of an entry is the
sha256 of the hash before it and its own text, so the file is checked with nothing but itself.
"""

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from qms_mcp.errors import InvalidInputError

FORMAT = "qms-mcp audit trail"
FORMAT_VERSION = 1
# The order in which `qms.audit_canonical` writes the values of an entry.
FIELDS = (
    "seq", "id", "organization_id", "at_us", "entity_type", "entity_id", "action", "record_id", "record_version",
    "actor_id", "actor_name", "actor_kind", "on_behalf_of", "client", "tool_call_id", "reason", "changes", "metadata",
    "app_version", "definition_version",
)  # fmt: skip
GENESIS = "0" * 64
_HASH_LENGTH = 64


@dataclass(frozen=True, slots=True)
class Anchor:
    """A head of a chain that somebody wrote down elsewhere."""

    organization: str
    seq: int
    row_hash: str
    at: str = ""

    def line(self) -> str:
        """Return it as it is written down."""
        return json.dumps({
            "organization": self.organization, "seq": self.seq, "row_hash": self.row_hash, "at": self.at,
        })  # fmt: skip


@dataclass(frozen=True, slots=True)
class FileVerdict:
    """What an exported file shows.

    Attributes:
        entries: How many were recomputed.
        whole: It claims to be a part of the chain without gaps, and not only the entries of one record.
        hashes: Hash by place, for the places that were asked for.
        bad_seq: The first entry that is not as it was written.
    """

    entries: int
    organization: str
    whole: bool
    first: int | None
    last: int | None
    head: str | None
    hashes: dict[int, str]
    bad_seq: int | None = None
    problem: str | None = None


def audit_hash(previous: str, canonical: str) -> str:
    """Return the hash of an entry, as the database computes it."""
    return hashlib.sha256((previous + canonical).encode()).hexdigest()


def header(*, organization: dict[str, str], whole: bool, from_seq: int, made_at: datetime) -> dict[str, Any]:
    """Return the first line of an export."""
    return {
        "format": FORMAT,
        "version": FORMAT_VERSION,
        "organization": organization,
        "whole": whole,
        "from_seq": from_seq,
        "exported_at": made_at.isoformat(),
        "fields": list(FIELDS),
        "hash": "row_hash = sha256(prev_hash + canonical), UTF-8, hex; the first prev_hash is 64 zeros",
    }


def footer(*, entries: int, last_seq: int | None, head: str | None) -> dict[str, Any]:
    """Return the last line of an export: without it, the file was cut."""
    return {"end": True, "entries": entries, "last_seq": last_seq, "last_hash": head}


def verify_lines(
    lines: Iterable[str], *, wanted: frozenset[int] = frozenset(), at: Callable[[int], None] = lambda _done: None
) -> FileVerdict:
    """Recompute an exported file, up to its first bad entry.

    Args:
        lines: Of the file.
        wanted: Places whose hashes the caller compares with an anchor.
        at: Called now and then with the number of entries done.

    Raises:
        InvalidInputError: This is no export of an audit trail.
    """
    rows = _parsed(lines)
    first_line = next(rows, None)
    if first_line is None or first_line.get("format") != FORMAT:
        raise InvalidInputError(
            "This is no JSONL export of an audit trail.", hint="Make one: qms-mcp audit export --format jsonl."
        )
    return _Walk(first_line, wanted, at).through(rows)


class _Walk:
    """One pass over the entries of a file."""

    def __init__(self, first_line: dict[str, Any], wanted: frozenset[int], at: Callable[[int], None]) -> None:
        owner: Any = first_line.get("organization")
        self._organization: str = str(owner.get("id", "")) if isinstance(owner, dict) else ""  # pyright: ignore[reportUnknownMemberType, reportUnknownArgumentType]
        self._whole = first_line.get("whole") is True
        self._wanted, self._at = wanted, at
        self._entries = 0
        self._first: int | None = None
        self._seq: int | None = None if not self._whole else int(first_line.get("from_seq", 1)) - 1
        self._hash: str | None = GENESIS if self._seq == 0 else None
        self._hashes: dict[int, str] = {}
        self._ended: dict[str, Any] | None = None

    def through(self, rows: Iterator[dict[str, Any]]) -> FileVerdict:
        for row in rows:
            if row.get("end") is True:
                self._ended = row
                continue
            bad = self._why_bad(row)
            if bad is not None:
                return self._verdict(*bad)
            if self._entries % 5_000 == 0:
                self._at(self._entries)
        self._at(self._entries)
        return self._verdict(*(self._why_cut() or (None, None)))

    def _why_bad(self, row: dict[str, Any]) -> tuple[int, str] | None:
        """Return the bad entry and what happened to it; an entry that is as it was written is counted."""
        try:
            canonical, previous, own = str(row["canonical"]), str(row["prev_hash"]), str(row["row_hash"])
            values: list[Any] = json.loads(canonical)
            seq = int(values[0])
        except (KeyError, ValueError, TypeError, IndexError):
            return (self._seq or 0) + 1, "altered"
        bad = self._out_of_place(seq)
        if bad is not None:
            return bad
        if own != audit_hash(previous, canonical) or len(values) != len(FIELDS) or values[2] != self._organization:
            return seq, "altered"
        if self._hash is not None and self._seq == seq - 1 and previous != self._hash:
            # The one before is whole in itself, but this one was written after another.
            return (self._seq or seq), "replaced"
        self._entries += 1
        self._first = seq if self._first is None else self._first
        self._seq, self._hash = seq, own
        if seq in self._wanted:
            self._hashes[seq] = own
        return None

    def _out_of_place(self, seq: int) -> tuple[int, str] | None:
        expected = (self._seq or 0) + 1
        if self._whole and seq > expected and self._ended is None:
            return expected, "missing"
        if self._ended is not None or (self._seq is not None and seq <= self._seq):
            return seq, "added"
        return None

    def _why_cut(self) -> tuple[int, str] | None:
        """Compare with the last line, which says how many entries there were."""
        expected = (self._seq or 0) + 1
        if self._ended is None or self._ended.get("entries") != self._entries:
            return expected, "missing"
        if self._entries and self._ended.get("last_hash") != self._hash:
            return (self._seq or expected), "replaced"
        return None

    def _verdict(self, bad_seq: int | None, problem: str | None) -> FileVerdict:
        return FileVerdict(
            entries=self._entries,
            organization=self._organization,
            whole=self._whole,
            first=self._first,
            last=self._seq if self._entries else None,
            head=self._hash if self._entries else None,
            hashes=self._hashes,
            bad_seq=bad_seq,
            problem=problem,
        )


def read_anchors(lines: Iterable[str], organization: str) -> list[Anchor]:
    """Return the anchors of one organization from a file of them, by place.

    Raises:
        InvalidInputError: A line is no anchor.
    """
    found: list[Anchor] = []
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
            anchor = Anchor(str(row["organization"]), int(row["seq"]), str(row["row_hash"]), str(row.get("at", "")))
        except (ValueError, KeyError, TypeError, AttributeError):
            raise InvalidInputError(
                f"Line {number} is no anchor.", hint='A line is {"organization", "seq", "row_hash", "at"}.'
            ) from None
        if anchor.seq < 1 or len(anchor.row_hash) != _HASH_LENGTH:
            raise InvalidInputError(f"Line {number} is no anchor: its place or its hash can't be right.")
        if anchor.organization == organization:
            found.append(anchor)
    return sorted(found, key=lambda anchor: anchor.seq)


def _parsed(lines: Iterable[str]) -> Iterator[dict[str, Any]]:
    for line in lines:
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except ValueError:
            row = {}
        yield row if isinstance(row, dict) else {}
