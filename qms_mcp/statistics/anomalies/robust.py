"""Values far from the others, by median and MAD, which a few wild values do not move.

A robust z is (value - median) / (1.4826 MAD). With few values the MAD is uncertain, so z is wider than a normal
deviate: it is judged by Student's t with 0.42 n degrees of freedom (0.23 n where each side has a MAD of its own), which
holds for n from 6 to 1,000 (simulated, see the measurements in the documentation). Where the middle of the values has
longer tails than a normal distribution, fewer degrees still, fitted to the 5 % and 95 % quantiles.
"""

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

from qms_mcp.errors import InvalidInputError
from qms_mcp.statistics.comparing.samples import measured_from_first
from qms_mcp.statistics.comparing.tails import root, t_quantile
from qms_mcp.statistics.comparing.wording import spoken
from qms_mcp.statistics.flags import Flag

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

Spread = Literal["mad", "double mad", "mean deviation"]
LEAST = 6
_NORMAL = 1.482602218505602
_MEAN = 1.2533141373155001
_ONE, _TWO_SIDED = 0.42, 0.23
_FEW = 20
_SHAPE = 40
_NORMAL_TAIL = 2.4386601
_MOST_NORMAL = 1e7
_CLEAR = 1.7
_POWERS = {1 / 2: "their square roots", 1 / 3: "their cube roots", 0.0: "their logarithms"}


@dataclass(frozen=True, slots=True)
class Scale:
    """Where values lie and how wide.

    Attributes:
        centre: The median.
        below: A standard deviation, of those below it.
        above: Of those above it.
        df: Degrees of freedom of the t distribution by which they are judged, below.
        df_above: The same, above.
        how: By what it was measured.
        power: Of the values: 1, 1/2, 1/3, or 0 for their logarithms; skewed ones are nearly normal by one of them.
        flags: What was seen of the shape.
        base: A value from which differences are taken, so that none loses digits to a large offset.
        middle: The centre, measured from it.
    """

    centre: float
    below: float
    above: float
    df: float
    df_above: float
    how: Spread
    flags: tuple[Flag, ...] = ()
    power: float = 1.0
    base: float = 0.0
    middle: float | None = None

    def z(self, values: "Floats") -> "Floats":
        """Return the robust z of values."""
        import numpy as np  # noqa: PLC0415

        off = (self._scaled(values) - self.base) - (self.centre - self.base if self.middle is None else self.middle)
        return np.where(off < 0, off / self.below, off / self.above)

    def chance(self, values: "Floats") -> "Floats":
        """Return the chance, two-sided, of values so far out or farther."""
        import numpy as np  # noqa: PLC0415
        from scipy import special  # noqa: PLC0415

        z = self.z(values)
        df = np.where(z < 0, self.df, self.df_above)
        return np.minimum(1.0, 2 * np.asarray(special.stdtr(df, -np.abs(z)), dtype=np.float64))

    def expected(self, threshold: float) -> tuple[float, float]:
        """Return from where to where values lie but for a chance of `threshold`."""
        low = self.centre + self.below * t_quantile(threshold / 2, self.df)
        high = self.centre - self.above * t_quantile(threshold / 2, self.df_above)
        if self.power == 1:
            return low, high
        return (
            (math.exp(low), math.exp(high))
            if not self.power
            else (
                max(low, 0.0) ** (1 / self.power),
                high ** (1 / self.power),
            )
        )

    def _scaled(self, values: "Floats") -> "Floats":
        return _powered(values, self.power)


def scale_of(values: "Floats") -> Scale:
    """Return the scale of values; by logarithms or with two sides where they are skewed.

    Args:
        values: At least six, none missing.

    Raises:
        InvalidInputError: There are fewer, or all are equal.
    """
    if values.size < LEAST:
        raise InvalidInputError(
            f"There are {values.size} values: with fewer than {LEAST} none can be called unusual.",
            hint="Collect more, or compare with known limits.",
        )
    if values.min() == values.max():
        raise InvalidInputError(
            f"All {values.size} values are equal ({spoken(float(values[0]))}): nothing varies.",
            hint="Check the resolution of the measurement.",
        )
    flags = list[Flag]()
    if values.size < _SHAPE:
        seen = f"With {values.size} values only very far ones stand out"
        says = f"{seen}, and long tails can't be seen: the chances are those of normal values."
        flags.append(Flag("few", says, "Collect more."))
    one = _plain(values)
    if one is None:
        return _by_mean(values, flags)
    if abs(_skew(values)) < _CLEAR:
        return _finished(one, values, flags)
    if values.min() > 0:
        # The power by which they are least skewed: of gamma-like values a root, of lognormal ones the logarithm.
        power = min((1.0, 1 / 2, 1 / 3, 0.0), key=lambda of: abs(_skew(_powered(values, of))))
        made = _plain(_powered(values, power))
        if made and power < 1 and abs(_skew(_powered(values, power))) < _CLEAR:
            flags.append(Flag("skewed", f"The values are skewed to the right; they are judged by {_POWERS[power]}."))
            return _finished(replace(made, power=power), _powered(values, power), flags)
    below, above = _sides(values, one.centre)
    if not (below and above):
        return _finished(one, values, flags)
    says = f"The values are skewed: {spoken(below)} wide below the median and {spoken(above)} above"
    flags.append(Flag("skewed", f"{says}; each side is judged by its own."))
    df = max(1.0, _TWO_SIDED * values.size)
    return _finished(replace(one, below=below, above=above, df=df, df_above=df, how="double mad"), values, flags)


def _plain(values: "Floats") -> Scale | None:
    """Return median and MAD; None if more than half of the values are equal."""
    import numpy as np  # noqa: PLC0415

    deviations, base = measured_from_first(values)
    middle = float(np.median(deviations))
    mad = float(np.median(np.abs(deviations - middle)))
    if not mad:
        return None
    df = max(1.0, _ONE * values.size)
    return Scale(base + middle, _NORMAL * mad, _NORMAL * mad, df, df, "mad", base=base, middle=middle)


def _by_mean(values: "Floats", flags: list[Flag]) -> Scale:
    """Return the mean distance from the median (Iglewicz and Hoaglin 1993) where the MAD is zero."""
    import numpy as np  # noqa: PLC0415

    middle = float(np.median(values))
    equal = int((values == middle).sum())
    width = _MEAN * float(np.abs(values - middle).mean())
    says = f"{equal} of {values.size} values are equal ({spoken(middle)}), so the MAD is zero"
    flags.append(Flag("zero_dispersion", f"{says}; the mean distance from the median is used, and p is rough."))
    df = max(1.0, _ONE * values.size)
    return Scale(middle, width, width, df, df, "mean deviation", tuple(flags))


def _sides(values: "Floats", centre: float) -> tuple[float, float]:
    """Return the double MAD: the scale of the values below the median, and of those above."""
    import numpy as np  # noqa: PLC0415

    off = values - centre
    return _NORMAL * float(np.median(-off[off <= 0])), _NORMAL * float(np.median(off[off >= 0]))


def _skew(values: "Floats") -> float:
    """Return how much farther the 90 % quantile lies from the median than the 10 % quantile, in standard errors.

    The logarithm of the ratio of both distances, which for normal values has one of about 2.05 / sqrt(n); by quantiles
    that a tenth of wild values does not move.
    """
    import numpy as np  # noqa: PLC0415

    low, middle, high = (float(q) for q in np.percentile(values, [10, 50, 90]))
    if len(values) < _FEW or not low < middle < high:
        return 0.0
    return math.log((high - middle) / (middle - low)) * math.sqrt(len(values)) / 2.05


def _powered(values: "Floats", power: float) -> "Floats":
    import numpy as np  # noqa: PLC0415

    return values if power == 1 else values**power if power else np.log(values)


def _finished(scale: Scale, values: "Floats", flags: list[Flag]) -> Scale:
    """Return the scale with the degrees of freedom its tails ask for."""
    import numpy as np  # noqa: PLC0415

    if values.size < _SHAPE:
        return replace(scale, flags=tuple(flags))
    q05, q25, q75, q95 = (float(q) for q in np.percentile(values, [5, 25, 75, 95]))
    middle = float(np.median(values))
    below = _tail(middle - q05, middle - q25, values.size / 2)
    above = _tail(q95 - middle, q75 - middle, values.size / 2)
    if scale.how != "double mad":
        # Both sides are alike, so the shorter tail speaks for both: wild values of one side must not excuse themselves.
        below = above = max(below, above)
    if min(below, above) < _MOST_NORMAL:
        like = f"as Student's t with {min(below, above):.1f} degrees of freedom"
        says = f"The middle of the values has long tails ({like}); that is allowed for."
        flags.append(Flag("long_tails", says, "Look whether values of several sources are mixed."))
    below, above = min(scale.df, below), min(scale.df_above, above)
    return replace(scale, df=below, df_above=above, flags=tuple(flags))


def _tail(far: float, near: float, n: float) -> float:
    """Return the degrees of freedom of the t distribution with this ratio of quantiles; many where it is normal."""
    if not near > 0:
        return _MOST_NORMAL
    ratio = far / near
    if ratio < _NORMAL_TAIL + 1.8 / math.sqrt(n):
        return _MOST_NORMAL
    return root(lambda df: ratio - t_quantile(0.95, df) / t_quantile(0.75, df), 0.5, 40.0, digits=1e-6)
