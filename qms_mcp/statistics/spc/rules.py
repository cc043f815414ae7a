"""Patterns that do not come by chance: which points complete one.

A rule *fires* at the point that completes its pattern; what it looked at are the `length` points up to it. It keeps
firing while the pattern goes on, so every point in violation is named and the first can be told. A missing point breaks
a pattern. A point exactly on the centre line belongs to neither side, one exactly on a limit is inside; "exactly" means
within 1e-9 sigma, so that shifting or rescaling the observations changes no signal.

Masks of one byte a point are combined by shifts, so a million points take milliseconds.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Final, Literal, TypeAlias

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Mask: TypeAlias = NDArray[np.bool_]
    Values: TypeAlias = NDArray[np.float64]
    PerPoint: TypeAlias = float | Values

Pattern: TypeAlias = Literal["beyond", "one_side", "trend", "alternating", "most_beyond", "within", "outside"]
FUZZ: Final = 1e-9
_BLOCK: Final = 65_536


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule of a set.

    Attributes:
        number: Its number in its set.
        pattern: What is looked for.
        words: It in words.
        length: How many points in a row make the pattern; of `most_beyond`, how many are looked at.
        needed: Of `most_beyond`: how many of them have to lie beyond.
        zone: The distance from the centre in sigma it is about.
    """

    number: int
    pattern: Pattern
    words: str
    length: int = 1
    needed: int = 0
    zone: float = 0.0

    @property
    def zones(self) -> bool:
        """Return whether it needs zones, which exist where the points are about normal around the centre."""
        return self.pattern in ("most_beyond", "within", "outside")


@dataclass(frozen=True, slots=True)
class Hits:
    """Where a rule fires.

    Attributes:
        rule: Which.
        at: The 0-based places of the points that complete the pattern, ascending.
    """

    rule: Rule
    at: "NDArray[np.intp]"

    @property
    def first(self) -> int | None:
        """Return the 0-based place where it first fires."""
        return int(self.at[0]) if self.at.size else None


@dataclass(frozen=True)
class Plotted:
    """The points of a panel and the lines they are held against.

    Attributes:
        values: The points; nan where one is missing.
        center: The centre line.
        lcl: The lower limit; None if there is none.
        ucl: The upper limit; None if there is none.
        sigma: The standard deviation of a plotted point; None where zones make no sense.
    """

    values: "Values"
    center: "PerPoint"
    lcl: "PerPoint | None"
    ucl: "PerPoint | None"
    sigma: "PerPoint | None" = None

    def part(self, start: int, stop: int) -> "Plotted":
        """Return the points from one to before another."""
        if start == 0 and stop == self.values.size:
            return self
        return Plotted(
            self.values[start:stop],
            _part(self.center, start, stop),
            None if self.lcl is None else _part(self.lcl, start, stop),
            None if self.ucl is None else _part(self.ucl, start, stop),
            None if self.sigma is None else _part(self.sigma, start, stop),
        )

    @cached_property
    def fuzz(self) -> "PerPoint":
        """Return how near is on the line: a billionth of sigma, or of the distance to the upper limit."""
        import numpy as np  # noqa: PLC0415

        if self.sigma is not None:
            return FUZZ * self.sigma
        if self.ucl is None:
            return 0.0
        return FUZZ / 3 * np.abs(np.asarray(self.ucl) - self.center)

    @cached_property
    def above(self) -> "Mask":
        """Return which points lie above the centre."""
        return self.values > self.center + self.fuzz

    @cached_property
    def below(self) -> "Mask":
        """Return which points lie below the centre."""
        return self.values < self.center - self.fuzz

    @cached_property
    def steps(self) -> "tuple[Mask, Mask]":
        """Return which steps from point to point go up, and which down."""
        return self.values[1:] > self.values[:-1], self.values[1:] < self.values[:-1]

    def outer(self, zone: float) -> "tuple[Mask, Mask]":
        """Return which points lie more than `zone` sigma above, and which below the centre."""
        if self.sigma is None:
            raise ValueError("there are no zones without a sigma")  # a defect: `applicable` keeps such rules away
        distance = (zone + FUZZ) * self.sigma
        return self.values > self.center + distance, self.values < self.center - distance


def evaluate(plotted: Plotted, rules: "tuple[Rule, ...]") -> tuple[Hits, ...]:
    """Return where each rule fires; rules that never fire are there with no place."""
    import numpy as np  # noqa: PLC0415

    found: list[list[NDArray[np.intp]]] = [[] for _ in rules]
    # Block by block, each with as many points before it as a pattern needs: what lies in the cache is fast.
    back, points = max((rule.length for rule in rules), default=1) - 1, plotted.values.size
    for start in range(0, points, _BLOCK):
        first = max(0, start - back)
        part = plotted.part(first, min(points, start + _BLOCK))
        for places, rule in zip(found, rules, strict=True):
            places.append(np.flatnonzero(_fires(part, rule)[start - first :]) + start)
    return tuple(
        Hits(rule, np.concatenate(places) if places else np.zeros(0, dtype=np.intp))
        for rule, places in zip(rules, found, strict=True)
    )


def _fires(plotted: Plotted, rule: Rule) -> "Mask":
    if rule.pattern == "beyond":
        return _beyond(plotted)
    if rule.pattern == "one_side":
        return _completed(plotted.above, rule.length) | _completed(plotted.below, rule.length)
    if rule.pattern in ("trend", "alternating"):
        return _in_steps(plotted, rule)
    return _in_zones(plotted, rule)


def _in_steps(plotted: Plotted, rule: Rule) -> "Mask":
    up, down = plotted.steps
    if rule.pattern == "trend":
        return _from_steps(_completed(up, rule.length - 1) | _completed(down, rule.length - 1), 1)
    turns = (up[1:] & down[:-1]) | (down[1:] & up[:-1])
    return _from_steps(_completed(turns, rule.length - 2), 2)[: plotted.values.size]


def _in_zones(plotted: Plotted, rule: Rule) -> "Mask":
    import numpy as np  # noqa: PLC0415

    high, low = plotted.outer(rule.zone)
    if rule.pattern == "outside":
        return _completed(high | low, rule.length)
    missing = np.isnan(plotted.values)
    if rule.pattern == "most_beyond":
        return _most(high, missing, rule) | _most(low, missing, rule)
    return _completed(~(high | low | missing), rule.length)


def _beyond(plotted: Plotted) -> "Mask":
    import numpy as np  # noqa: PLC0415

    beyond = np.zeros(plotted.values.shape, dtype=np.bool_)
    if plotted.ucl is not None:
        beyond |= plotted.values > plotted.ucl + plotted.fuzz
    if plotted.lcl is not None:
        beyond |= plotted.values < plotted.lcl - plotted.fuzz
    return beyond


def _completed(mask: "Mask", length: int) -> "Mask":
    """Return where `length` points in a row are true, at the last of them."""
    import numpy as np  # noqa: PLC0415

    found = np.zeros(mask.shape, dtype=np.bool_)
    if length < 1 or mask.size < length:
        return found
    rows, covered = mask, 1
    while covered * 2 <= length:
        rows, covered = rows[covered:] & rows[:-covered], covered * 2
    if covered < length:
        more = length - covered
        rows = rows[more:] & rows[:-more]
    found[length - 1 :] = rows
    return found


def _most(mask: "Mask", missing: "Mask", rule: Rule) -> "Mask":
    """Return where a point beyond makes at least `needed` beyond among the last `length`, none of them missing."""
    import numpy as np  # noqa: PLC0415

    whole = ~missing if missing.any() else None
    count = mask.view(np.uint8).copy()
    for back in range(1, min(rule.length, mask.size)):
        earlier = mask[:-back]
        if whole is not None:
            whole[back:] &= ~missing[:-back]
            earlier = earlier & whole[back:]
        count[back:] += earlier.view(np.uint8)
    return mask & (count >= rule.needed)


def _from_steps(steps: "Mask", lost: int) -> "Mask":
    import numpy as np  # noqa: PLC0415

    found = np.zeros(steps.size + lost, dtype=np.bool_)
    found[lost:] = steps
    return found


def _part(line: "PerPoint", start: int, stop: int) -> "PerPoint":
    return line if isinstance(line, float | int) or line.ndim == 0 else line[start:stop]
