"""The same comparison within slices: a version better on the whole may be worse for some."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from qms_mcp.statistics.comparing.posthoc import holm
from qms_mcp.statistics.experiments.paired import Paired, compared
from qms_mcp.statistics.intervals import LEVEL

MINIMUM = 5


@dataclass(frozen=True, slots=True)
class Slice:
    """One slice.

    Attributes:
        by: What it is cut by.
        name: Which part.
        n: Cases in it.
        found: The comparison within it, with bounds that hold for all slices at once; None with too few cases.
        p_worse: One-sided, that it got worse, adjusted for the number of slices; None with too few cases.
        p_better: The same for better.
    """

    by: str
    name: str
    n: int
    found: Paired | None
    p_worse: float | None
    p_better: float | None


def sliced(
    before: Sequence[float],
    after: Sequence[float],
    labels: Sequence[Mapping[str, str]],
    *,
    level: float = LEVEL,
    minimum: int = MINIMUM,
    seed: int = 0,
) -> list[Slice]:
    """Return the comparison within every slice that has enough cases; smaller ones are named with their number alone.

    p is adjusted by Holm (1979) over the slices that were compared; intervals and bounds by Bonferroni, so that all of
    them hold at once at the level.

    Args:
        before: Scores of the first version.
        after: Of the second, of the same cases.
        labels: Of each case: by what it is cut, and into which part it falls.
        level: Of confidence, for all slices together.
        minimum: Cases a slice needs to be compared.
        seed: Of what is drawn.
    """
    places: dict[tuple[str, str], list[int]] = {}
    for at, label in enumerate(labels):
        for by, name in label.items():
            places.setdefault((by, str(name)), []).append(at)
    large = sorted(key for key, at in places.items() if len(at) >= max(minimum, 2))
    each = 1 - (1 - level) / max(1, len(large))
    found = {
        key: compared([before[at] for at in places[key]], [after[at] for at in places[key]], level=each, seed=seed)
        for key in large
    }
    worse = dict(zip(large, holm([found[key].p_worse for key in large]), strict=True))
    better = dict(zip(large, holm([found[key].p_better for key in large]), strict=True))
    return [
        Slice(by, name, len(places[by, name]), found.get((by, name)), worse.get((by, name)), better.get((by, name)))
        for by, name in sorted(places)
    ]
