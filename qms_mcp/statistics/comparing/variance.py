"""Whether groups vary alike: Levene's test from the median (Brown and Forsythe), which needs no normal distribution."""

from collections.abc import Sequence

from qms_mcp.errors import InvalidInputError
from qms_mcp.statistics.comparing.means import Outcome, anova
from qms_mcp.statistics.comparing.samples import Sample, sample_of


def brown_forsythe(samples: Sequence[Sample], *, around: str = "median") -> Outcome | None:
    """Return the test of equal variances; None where it can't be computed (too few values, no variation).

    An analysis of variance of the distances from the centre of each group: JASA 69 (1974); NIST e-Handbook 1.3.5.10.

    Args:
        samples: The groups; those with one value are left out.
        around: median (Brown-Forsythe) or mean (Levene 1960).
    """
    import numpy as np  # noqa: PLC0415

    distances = [
        np.abs(sample.deviations - (np.median(sample.deviations) if around == "median" else sample.centre))
        for sample in samples
        if sample.n > 1
    ]
    if len(distances) < 2:  # noqa: PLR2004
        return None
    try:
        table = anova([sample_of("", distance, distance, 0.0) for distance in distances])
    except InvalidInputError:
        return None
    name = "Brown-Forsythe" if around == "median" else "Levene"
    return Outcome(f"{name} (variances)", table.f, table.between_df, table.within_df, table.p)
