"""Individual values and their moving ranges (I-MR, XmR).

Sigma is what varies from one value to the next: the average moving range / d2 (Montgomery, ch. 6.4; NIST e-Handbook
6.3.2.2; AIAG SPC 2nd ed.), the median moving range / 0.954 (Wheeler, Understanding Statistical Process Control), or,
for a process known to be stable, the standard deviation of all. A moving range across a gap is not formed; one that
touches a point left out is drawn and does not count.

    I:  centre +- 3 sigma        MR:  D3 MR-bar ... D4 MR-bar        (3.865 median MR for the median)
"""

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from qms_mcp.errors import InvalidInputError
from qms_mcp.statistics.spc.model import Estimate, Made, Observations, Panel, Settings
from qms_mcp.statistics.spc.rule_sets import applicable
from qms_mcp.statistics.spc.rules import Plotted, evaluate
from qms_mcp.statistics.spc.sums import mean, present, refuse_no_variation, refuse_too_few, standard_deviation

if TYPE_CHECKING:
    from qms_mcp.statistics.spc.rules import Mask, Values

_MEDIAN_HIGH: Final = 3.865  # D4 of the median moving range of two, as Wheeler prints it
_LONGEST_SPAN: Final = 25


def moving_ranges(values: "Values", span: int = 2) -> "Values":
    """Return the moving ranges of `span` values, each at the last of them; nan where there is none.

    Raises:
        InvalidInputError: The span is not 2 to 25.
    """
    import numpy as np  # noqa: PLC0415

    if not 2 <= span <= _LONGEST_SPAN:  # noqa: PLR2004 - a range needs two
        raise InvalidInputError(f"A moving range can't span {span} values.", hint="2 is usual; up to 25.")
    ranges = np.empty(values.shape)
    ranges[: span - 1] = np.nan
    if span == 2:  # noqa: PLR2004 - the usual one
        np.subtract(values[1:], values[:-1], out=ranges[1:])
        return np.abs(ranges, out=ranges)
    if values.size >= span:
        windows = np.lib.stride_tricks.sliding_window_view(values, span)
        ranges[span - 1 :] = windows.max(axis=1) - windows.min(axis=1)
    return ranges


def individuals(observations: Observations, settings: Settings) -> Made:
    """Return the panels I and MR.

    Raises:
        InvalidInputError: There are fewer than two values to estimate from, or they do not vary.
    """
    values = observations.values
    ranges = moving_ranges(values, settings.span)
    estimate = estimate_individuals(observations, settings, ranges)
    away = settings.limits_at * estimate.sigma
    high, low = estimate.center + away, estimate.center - away
    hits = evaluate(
        Plotted(values, estimate.center, low, high, estimate.sigma),
        applicable(settings.rules, "normal"),
    )
    main = Panel("I", values, estimate.center, low, high, estimate.sigma, hits)
    return Made((main, range_panel(ranges, estimate, settings)), estimate)


def range_panel(ranges: "Values", estimate: Estimate, settings: Settings) -> Panel:
    """Return the panel of moving ranges: centre and limits follow from sigma."""
    constants, span = settings.constants, settings.span
    if settings.sigma_method == "median_mr":
        center = constants.median_range() * estimate.sigma
        low, high = 0.0, _median_high(settings) * center
    else:
        center = constants.d2(span) * estimate.sigma
        part = constants.range_factors(span, settings.limits_at)
        low, high = part[0] * center, part[1] * center
    # Nothing can lie below a limit of 0.
    hits = evaluate(Plotted(ranges, center, low or None, high), applicable(settings.rules, "correlated"))
    return Panel("MR", ranges, center, low, high, None, hits, span)


def estimate_individuals(observations: Observations, settings: Settings, ranges: "Values") -> Estimate:
    """Return centre and sigma of individual values, as far as they are not known.

    Raises:
        InvalidInputError: There are fewer than two values to estimate from, or they do not vary.
    """
    known = settings.known
    if known.center is not None and known.sigma is not None:
        return Estimate(known.center, known.sigma, "known before", known=True)
    values, spread = _counted(observations, ranges, settings.span)
    center = mean(values)
    if center != center:  # noqa: PLR0124 - nan: a value is missing
        values, spread = _counted(replace(observations, included=observations.counted()), ranges, settings.span)
        center = mean(values)
    if known.sigma is None:
        refuse_too_few(values.size, "value")
    refuse_too_few(values.size + 1, "value")
    sigma, method = (known.sigma, "sigma given") if known.sigma is not None else _sigma(values, spread, settings)
    return Estimate(center if known.center is None else known.center, sigma, method)


def _sigma(values: "Values", spread: "Values", settings: Settings) -> tuple[float, str]:
    import numpy as np  # noqa: PLC0415

    constants, span = settings.constants, settings.span
    method = settings.sigma_method or "average_mr"
    if method == "sd":
        sigma, words = standard_deviation(values), "standard deviation of all values"
    elif not spread.size:
        raise InvalidInputError(
            f"There is no moving range of {span} values: gaps or points left out lie between all of them.",
            hint="Give sigma, or leave out fewer points.",
        )
    elif method == "median_mr":
        _refuse_longer_span(span)
        sigma, words = float(np.median(spread)) / constants.median_range(), "median moving range / 0.954"
    elif method == "average_mr":
        d2 = constants.d2(span)
        sigma, words = float(np.add.reduce(spread)) / spread.size / d2, f"average moving range of {span} / {d2:.6g}"
    else:
        raise InvalidInputError(
            f"{method} needs subgroups; these are individual values.", hint="average_mr, median_mr or sd."
        )
    refuse_no_variation(sigma, values.size, "value")
    return sigma, words


def _counted(observations: Observations, ranges: "Values", span: int) -> "tuple[Values, Values]":
    values, spread = observations.values, ranges[span - 1 :]
    if observations.included is None:
        return values, spread
    counted = observations.counted()
    return present(values, counted), present(spread, _all_of(counted, span))


def _all_of(counted: "Mask", span: int) -> "Mask":
    import numpy as np  # noqa: PLC0415

    if counted.size < span:
        return np.zeros(0, dtype=np.bool_)
    return np.logical_and.reduce(np.lib.stride_tricks.sliding_window_view(counted, span), axis=1)


def _median_high(settings: Settings) -> float:
    constants = settings.constants
    if constants.convention == "published" and settings.limits_at == 3:  # noqa: PLR2004 - of the table
        return _MEDIAN_HIGH
    return (constants.d2(2) + settings.limits_at * constants.d3(2)) / constants.median_range()


def _refuse_longer_span(span: int) -> None:
    if span != 2:  # noqa: PLR2004 - the only one its factor is known for
        raise InvalidInputError("The median moving range is used with a span of 2.", hint="Or take average_mr.")
