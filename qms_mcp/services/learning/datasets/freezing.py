"""Feedback made into a frozen dataset: the whole way, without a database.

Every step gives the same whatever the order of the rows: combined by run, masked, copies left out, balanced, put in the
order of their hashes, hashed.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from itertools import islice
from typing import Any

from qms_mcp.errors import InvalidInputError
from qms_mcp.services.learning.datasets.combining import drafts_of
from qms_mcp.services.learning.datasets.hashing import canonical, content_sha256
from qms_mcp.services.learning.datasets.hiding import Hiding, People
from qms_mcp.services.learning.datasets.models import (
    FEWEST_GROUPS,
    LONGEST,
    SIDES,
    DatasetItem,
    Draft,
    Frozen,
    Spec,
    TrainingRow,
)
from qms_mcp.services.learning.datasets.slicing import balanced, counted
from qms_mcp.services.learning.datasets.splitting import seeds_for, side_of, without_copies

_FEW_GROUPS, _MOST_SEEDS = 20, 20


def frozen(rows: Sequence[TrainingRow], spec: Spec, people: Iterable[str], seed: int | None = None) -> Frozen:
    """Return the dataset that feedback makes.

    Args:
        rows: In any order.
        spec: How to choose.
        people: Names to mask.
        seed: That of the version before; used where the spec names none.

    Raises:
        InvalidInputError: There is too little to freeze.
    """
    left_out: Counter[str] = Counter()
    drafts = drafts_of(rows, spec, left_out)
    considered = {"feedback": len(rows), "runs": len({row.run_id or row.id for row in rows})}
    return frozen_drafts(drafts, spec, people, seed, left_out, considered)


def frozen_drafts(
    drafts: Sequence[Draft],
    spec: Spec,
    people: Iterable[str],
    seed: int | None = None,
    left_out: Counter[str] | None = None,
    considered: Mapping[str, int] | None = None,
) -> Frozen:
    """Return the dataset that drafts make; see `frozen`."""
    gone: Counter[str] = left_out if left_out is not None else Counter()
    hiding = Hiding(People(people if spec.mask else ()), spec.identifiers)
    short = [one for one in drafts if _fits(one)]
    gone["too_long"] += len(drafts) - len(short)
    masked = [hiding.hidden(one) for one in short] if spec.mask else short
    _check(masked, spec, gone)
    used, chosen = _chosen(masked, spec, seed, gone)
    items = tuple(_placed(chosen, used, spec.shares))
    if len(items) < spec.min_n:
        raise InvalidInputError(
            f"{len(items)} items are left, fewer than {spec.min_n}: {_reasons(gone)}.",
            hint="Collect more feedback, lower quality_threshold, or take in what is not validated.",
        )
    report = _report(items, gone, hiding.counts, {**(considered or {}), "items": len(drafts)})
    return Frozen(items, content_sha256(items), used, report)


def _fits(draft: Draft) -> bool:
    return len(canonical({"input": draft.asked, "expected": draft.expected})) <= LONGEST


def _check(drafts: Sequence[Draft], spec: Spec, left_out: Counter[str]) -> None:
    if not drafts:
        raise InvalidInputError(
            f"There is nothing to freeze: {_reasons(left_out)}.",
            hint="Collect feedback, lower quality_threshold, or take in what is not validated.",
        )
    groups = len({one.group_key for one in drafts})
    if groups < FEWEST_GROUPS and all(share > 0 for share in spec.shares):
        raise InvalidInputError(
            f"All items come from {groups} conversation{'' if groups == 1 else 's'}; with fewer than {FEWEST_GROUPS} "
            f"no split can keep each on one side.",
            hint="Collect feedback on more conversations.",
        )


def _chosen(
    drafts: Sequence[Draft], spec: Spec, seed: int | None, left_out: Counter[str]
) -> tuple[int, list[tuple[str, Draft]]]:
    """Return the seed and what stays with it; a seed that was given is never passed over, as that moved everything."""
    given = spec.seed if spec.seed is not None else seed
    wanted = {side for side, share in zip(SIDES, spec.shares, strict=True) if share > 0}
    keys = [draft.group_key for draft in drafts]
    for one in islice(seeds_for(keys, spec.shares), _MOST_SEEDS) if given is None else (given,):
        gone: Counter[str] = Counter()
        stay = balanced(without_copies(drafts, one, spec.shares, gone), spec.balance)
        gone["balanced_away"] += len(drafts) - sum(gone.values()) - len(stay)
        if wanted <= {side_of(one, draft.group_key, spec.shares) for _, draft in stay}:
            left_out.update(gone)
            return one, stay
    conversations = f"{len(set(keys))} conversations, copies of each other left out"
    raise InvalidInputError(
        f"A side of the split would be empty: {conversations}, are too few"
        + (
            "."
            if given is None
            else f" with the seed {given}{'' if spec.seed is not None else ' of the version before'}."
        ),
        hint="Collect feedback on more conversations; under another name a dataset has a seed of its own.",
    )


def _placed(chosen: Sequence[tuple[str, Draft]], seed: int, shares: Sequence[float]) -> Iterable[DatasetItem]:
    for position, (sha, one) in enumerate(sorted(chosen, key=lambda entry: entry[0]), 1):
        yield DatasetItem(
            id=None,
            position=position,
            group_key=one.group_key,
            split=side_of(seed, one.group_key, shares),
            request=one.request,
            expected=one.expected,
            score=one.score,
            weight=one.weight,
            is_validated=one.is_validated,
            item_sha256=sha,
            subject=one.subject,
            inputs=one.inputs,
            slices=one.slices,
            run_ids=one.run_ids,
            feedback_ids=one.feedback_ids,
        )


def _report(
    items: Sequence[DatasetItem], left_out: Counter[str], masked: Counter[str], considered: Mapping[str, int]
) -> dict[str, Any]:
    groups = {side: len({one.group_key for one in items if one.split == side}) for side in SIDES}
    sides = {
        side: {
            "n": (n := sum(one.split == side for one in items)),
            "groups": groups[side],
            "share": round(n / len(items), 4),
        }
        for side in SIDES
    }
    return {
        "considered": dict(considered),
        "left_out": {why: n for why, n in sorted(left_out.items()) if n},
        "masked": {what: n for what, n in sorted(masked.items()) if n},
        "sides": sides,
        "slices": counted(items),
        "validated": sum(one.is_validated for one in items),
        "notes": [
            f"{count} conversations on the side {side}: a measurement on it says little."
            for side, count in groups.items()
            if 0 < count < _FEW_GROUPS and side != "train"
        ],
    }


def _reasons(left_out: Counter[str]) -> str:
    gone = [f"{n} {why.replace('_', ' ')}" for why, n in sorted(left_out.items()) if n]
    return ", ".join(gone) or "there is no feedback yet"
