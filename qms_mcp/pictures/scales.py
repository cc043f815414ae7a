"""Scales: from where to where, with which ticks, and how a number is written on them."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import pairwise

# Beyond this a difference of two values overflows; such a value is a gap.
_LARGEST = 1e300
_MINUS, _TIMES = "\u2212", "\u00d7"
_SUPERSCRIPTS = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
_PLAIN_FROM, _PLAIN_TO = -5, 7  # powers of ten that are written out


def drawable(value: float | None) -> float:
    """Return a value, or nan for a gap: None, nan, an infinity, a value too large to draw."""
    return math.nan if value is None or not math.isfinite(value) or abs(value) > _LARGEST else float(value)


@dataclass(frozen=True, slots=True)
class Scale:
    """A scale.

    Attributes:
        low: Its lower end.
        high: Its upper end.
        ticks: Where its ticks are.
        labels: What they say, as many as ticks.
        log: It is logarithmic.
    """

    low: float
    high: float
    ticks: tuple[float, ...]
    labels: tuple[str, ...]
    log: bool = False

    def share(self, value: float) -> float:
        """Return where a value lies, from 0 at the lower end to 1 at the upper."""
        if self.log:
            low, high = math.log10(self.low), math.log10(self.high)
            return (math.log10(value) - low) / (high - low) if value > 0 else 0.0
        return (value - self.low) / (self.high - self.low)


def reach(values: Iterable[float], *, zero: bool = False) -> tuple[float, float]:
    """Return the smallest and the largest value, apart even if they are equal; 0 to 1 if there is none.

    Args:
        values: nan is passed over.
        zero: Zero belongs to them (bars stand on it).
    """
    found = [value for value in values if not math.isnan(value)]
    if not found:
        return 0.0, 1.0
    low, high = min(found), max(found)
    if zero:
        low, high = min(low, 0.0), max(high, 0.0)
    if high - low <= 1e-12 * max(abs(low), abs(high)):
        half = max(abs(low), abs(high)) * 0.05 or 0.5
        return low - half, high + half
    return low, high


def linear(low: float, high: float, room: float, *, each: float, whole: bool = False) -> Scale:
    """Return a scale with ticks at round numbers.

    Args:
        low: Its lower end.
        high: Its upper end.
        room: Its length in pixels.
        each: Pixels a tick needs.
        whole: Only whole numbers get ticks.
    """
    from matplotlib.ticker import MaxNLocator  # noqa: PLC0415

    count = max(2, min(9, int(room / each)))
    locator = MaxNLocator(nbins=count, steps=[1, 2, 2.5, 5, 10], integer=whole)
    span = high - low
    ticks = [float(tick) for tick in locator.tick_values(low, high)]
    ticks = [tick for tick in ticks if low - 1e-9 * span <= tick <= high + 1e-9 * span]
    return Scale(low, high, tuple(ticks), _alike(ticks, span))


def _alike(ticks: Sequence[float], span: float) -> tuple[str, ...]:
    """Return what ticks say, all with as many decimals as one of them needs."""
    step = min((after - before for before, after in pairwise(ticks)), default=span)
    labels = [number(tick, step, of=ticks) for tick in ticks]
    decimals = max((len(label.partition(".")[2]) for label in labels), default=0)
    if any(_TIMES in label for label in labels) or not decimals:
        return tuple(labels)
    return tuple(f"{tick:.{decimals}f}".replace("-", _MINUS) for tick in ticks)


def logarithmic(low: float, high: float) -> Scale:
    """Return a logarithmic scale; both ends are above zero."""
    first, last = math.floor(math.log10(low)), math.ceil(math.log10(high))
    decades = range(first, last + 1)
    every = max(1, math.ceil(len(decades) / 7))
    ticks = [10.0**power for power in decades[::every]]
    inside = [tick for tick in ticks if low <= tick <= high]
    if len(inside) < 3:  # noqa: PLR2004 - two ticks do not tell a scale
        ticks = [digit * 10.0**power for power in decades for digit in (1, 2, 5)]
        inside = [tick for tick in ticks if low <= tick <= high]
    return Scale(low, high, tuple(inside), tuple(number(tick, tick) for tick in inside), log=True)


def number(value: float, resolution: float, of: Sequence[float] = ()) -> str:
    """Return a number to a resolution, written out, or with a power of ten where it is very large or small.

    Args:
        value: The number.
        resolution: The smallest difference that has to be seen.
        of: The numbers it stands among, which are all written in one way.
    """
    if math.isnan(value):
        return ""
    largest = max([abs(value), *map(abs, of)])
    if largest == 0 or abs(value) < resolution * 1e-6:
        return "0"
    power = math.floor(math.log10(largest))
    finest = math.floor(math.log10(resolution) + 1e-9) if resolution > 0 else power - 3
    small, large = power < _PLAIN_FROM + 2 and finest < _PLAIN_FROM, power >= _PLAIN_TO and finest > _PLAIN_TO - 3
    if small or large:
        digits = min(max(power - finest + 1, 0), 15)
        text = _short(f"{Decimal(value).scaleb(-power):.{digits}f}")
        return f"{text}{_TIMES}10{str(power).translate(_SUPERSCRIPTS)}"
    return _short(f"{value:.{min(max(1 - finest, 0), 15)}f}")


def _short(text: str) -> str:
    """Drop zeros behind the point, and write minus as minus."""
    text = text.rstrip("0").rstrip(".") if "." in text else text
    return "0" if text in {"-0", ""} else text.replace("-", _MINUS)
