"""An exported file, verified with nothing but itself and the anchors somebody kept."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path

from qms_mcp.errors import InvalidInputError
from qms_mcp.services.trail.chain import Anchor, read_anchors, verify_lines
from qms_mcp.services.trail.models import Verification
from qms_mcp.services.trail.proving import Compared, verification

_LONGEST_LINE = 64 * 1024 * 1024


def verify_file(file: Path, anchors: Path | None, at: Callable[[int, int], None]) -> Verification:
    """Recompute an exported file, and compare it with the anchors of its organization.

    Raises:
        InvalidInputError: It is no export, or the anchors are none of its organization.
    """
    everywhere = list(_lines(anchors)) if anchors else []
    wanted = frozenset(int(place) for place in _places(everywhere))
    found = verify_lines(_lines(file), wanted=wanted, at=lambda done: at(done, done))
    outside: list[Anchor] = []
    if anchors is not None:
        outside = read_anchors(everywhere, found.organization)
        if not outside:
            raise InvalidInputError(
                f"{anchors} holds no anchor of the organization of this file.", hint="Is it the right file?"
            )
    # A selection, or a file that ends before an anchor, says nothing about it.
    compared = [
        Compared(one.seq, one.row_hash, str(anchors), found.hashes.get(one.seq))
        for one in outside
        if one.seq in found.hashes or (found.whole and found.bad_seq is None and one.seq <= (found.last or 0))
    ]
    return verification(
        entries=found.entries,
        first=found.first,
        last=found.last,
        head=found.head,
        bad=None if found.bad_seq is None else (found.bad_seq, found.problem or ""),
        compared=compared,
        outside=str(anchors) if anchors else "",
        in_file=found,
    )


def _places(lines: list[str]) -> Iterator[int]:
    for line in lines:
        try:
            yield int(json.loads(line)["seq"])
        except (ValueError, KeyError, TypeError):
            continue  # read_anchors says what is wrong with it


def _lines(path: Path) -> Iterator[str]:
    try:
        with path.open(encoding="utf-8") as source:
            while line := source.readline(_LONGEST_LINE):
                yield line
    except (OSError, UnicodeDecodeError):
        raise InvalidInputError(f"{path} can't be read as UTF-8 text.") from None
