"""Which side of the split a conversation is on, and what may stay with it.

The side of a conversation is a function of the seed and its key alone: what is added later moves nothing. A near-copy
of an item of another side is left out on one of the two, the better one stays; so no conversation, no item and no
near-copy of one is on two sides. Tying such conversations together instead would move them whenever somebody asks what
another has asked, and where everybody asks the same it would leave a single side.
"""

import hashlib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from qms_mcp.services.learning.datasets.hashing import canonical, item_sha256
from qms_mcp.services.learning.datasets.likeness import COPY, Near, near_blocks, normal, numbers_of
from qms_mcp.services.learning.datasets.models import SIDES, STANDINGS, Draft, Side

_SEEDS = 1_000
_PARTS = 1 << 64


def side_of(seed: int, group_key: str, shares: Sequence[float]) -> Side:
    """Return the side of a conversation: by the first 64 bits of SHA-256 over seed and key, as a share of 1.

    Args:
        seed: Of the split.
        group_key: Of the conversation.
        shares: Of train, dev and test; they add up to 1.
    """
    drawn = int.from_bytes(hashlib.sha256(f"{seed}\x00{group_key}".encode()).digest()[:8]) / _PARTS
    upper = 0.0
    for side, share in zip(SIDES, shares, strict=True):
        upper += share
        if drawn < upper:
            return side
    return next(side for side, share in zip(reversed(SIDES), reversed(shares), strict=True) if share > 0)


def seeds_for(groups: Iterable[str], shares: Sequence[float]) -> Iterable[int]:
    """Yield the seeds with which no side that has a share is without a conversation, the smallest first."""
    keys = sorted(set(groups))
    wanted = {side for side, share in zip(SIDES, shares, strict=True) if share > 0}
    for seed in range(_SEEDS):
        if wanted <= {side_of(seed, key, shares) for key in keys}:
            yield seed


def without_copies(
    drafts: Sequence[Draft], seed: int, shares: Sequence[float], left_out: Counter[str]
) -> list[tuple[str, Draft]]:
    """Return the drafts that stay, each with the hash of its item; of copies the best, with the sources of the others.

    The best is the one of the highest standing, then of the highest score. Sources are only taken over from the same
    side: what is on another has nothing to do with the item.

    Args:
        drafts: In any order.
        seed: Of the split.
        shares: Of train, dev and test.
        left_out: Counts copies, near-copies, and near-copies that were on another side.
    """
    ranked = sorted(((item_sha256(one.asked, one.expected), one) for one in drafts), key=_rank)
    sides: dict[str, Side] = {one.group_key: side_of(seed, one.group_key, shares) for one in drafts}
    by_key: dict[tuple[object, ...], list[int]] = {}
    for place, (_, draft) in enumerate(ranked):
        by_key.setdefault(_key(draft), []).append(place)
    # The same question is looked at once, however often it was asked; the first is the best.
    kinds = list(by_key.values())
    texts = [_text(ranked[places[0]][1]) for places in kinds]
    stays: dict[int, Draft] = {}
    for block, near_of in near_blocks(texts):
        _settle(sorted(block, key=lambda kind: kinds[kind][0]), near_of, kinds, ranked, sides, stays, left_out)
    return [(ranked[place][0], draft) for place, draft in sorted(stays.items())]


def _settle(
    block: Sequence[int],
    near_of: Near,
    kinds: Sequence[Sequence[int]],
    ranked: Sequence[tuple[str, Draft]],
    sides: Mapping[str, Side],
    stays: dict[int, Draft],
    left_out: Counter[str],
) -> None:
    kept: dict[int, int] = {}
    for kind in block:
        first = kinds[kind][0]
        side = sides[ranked[first][1].group_key]
        near = {other: alike for other, alike in near_of(kind).items() if other in kept}
        if any(sides[ranked[kept[other]][1].group_key] != side for other in near):
            left_out["near_copies_of_another_side"] += len(kinds[kind])
            continue
        of = max(
            (
                other
                for other, alike in near.items()
                if alike >= COPY and _mergeable(ranked[kept[other]][1], ranked[first][1])
            ),
            key=lambda other: (near[other], -kept[other]),
            default=None,
        )
        if of is None:
            kept[kind] = first
            stays[first] = ranked[first][1]
            others = kinds[kind][1:]
        else:
            others = kinds[kind]
        leader = first if of is None else kept[of]
        _take_over(leader, others, ranked, sides, stays, left_out, why="copies" if of is None else "near_copies")


def _take_over(
    leader: int,
    others: Sequence[int],
    ranked: Sequence[tuple[str, Draft]],
    sides: Mapping[str, Side],
    stays: dict[int, Draft],
    left_out: Counter[str],
    *,
    why: str,
) -> None:
    side = sides[ranked[leader][1].group_key]
    runs, feedback = set(stays[leader].run_ids), set(stays[leader].feedback_ids)
    validated = stays[leader].is_validated
    for place in others:
        other = ranked[place][1]
        if sides[other.group_key] != side:
            left_out["near_copies_of_another_side"] += 1
            continue
        left_out[why] += 1
        runs.update(other.run_ids)
        feedback.update(other.feedback_ids)
        # Only a validation of the very same answer validates this one.
        validated |= other.is_validated and ranked[place][0] == ranked[leader][0]
    stays[leader] = replace(
        stays[leader],
        run_ids=tuple(sorted(runs, key=str)),
        feedback_ids=tuple(sorted(feedback, key=str)),
        is_validated=validated,
    )


def _rank(one: tuple[str, Draft]) -> tuple[object, ...]:
    sha, draft = one
    score = -1.0 if draft.score is None else draft.score
    # A good answer before a hard case of the same question: it can be learnt from.
    is_hard = "answer" not in draft.expected
    return (STANDINGS.index(draft.standing), is_hard, -score, sha, draft.group_key, tuple(map(str, draft.run_ids)))


def _key(draft: Draft) -> tuple[object, ...]:
    text = _text(draft)
    return normal(text) or text, numbers_of(text), canonical(draft.inputs)


def _text(draft: Draft) -> str:
    return f"{draft.request}\n{draft.subject}" if draft.subject else draft.request


def _mergeable(kept: Draft, other: Draft) -> bool:
    """Whether a near-copy says nothing of its own: it was given the same answers of others."""
    return canonical(kept.inputs) == canonical(other.inputs)
