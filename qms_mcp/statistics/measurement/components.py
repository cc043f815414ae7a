"""Components of variance of a study, in the terms people use: per cent of what, and how many categories.

A component is a variance; its standard deviation times the study multiplier (6) is the "study variation". Contributions
(variances) add up to 100 %, study variations (standard deviations) do not.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias

from qms_mcp.errors import InvalidInputError
from qms_mcp.statistics.flags import Flag

Name: TypeAlias = Literal[
    "gauge_rr", "repeatability", "reproducibility", "operator", "operator_by_part", "part", "total"
]
ROUGHLY_ROOT_TWO = 1.41
_ENOUGH_CATEGORIES = 5
_GOOD, _BAD = 10.0, 30.0
_SPAN = 0.5


@dataclass(frozen=True, slots=True)
class Scale:
    """What variation is compared with.

    Attributes:
        multiplier: Standard deviations of a study variation: 6 (99.73 %), formerly 5.15 (99 %).
        tolerance: Width of the tolerance, upper less lower limit; None if not given.
        process_sd: Historical standard deviation of the process; None if not given.
    """

    multiplier: float = 6.0
    tolerance: float | None = None
    process_sd: float | None = None

    def __post_init__(self) -> None:
        """Refuse what can't be a scale.

        Raises:
            InvalidInputError: A value is not positive and finite.
        """
        for value, name in (
            (self.multiplier, "study multiplier"),
            (self.tolerance, "tolerance"),
            (self.process_sd, "process standard deviation"),
        ):
            if value is not None and not (0.0 < value < math.inf):
                raise InvalidInputError(
                    f"The {name} must be positive; given: {value:g}.", hint="The tolerance is upper less lower limit."
                )


@dataclass(frozen=True, slots=True)
class Component:
    """One source of variation.

    Attributes:
        variance: In squared units; never negative.
        sd: In the unit of the readings.
        study_variation: sd times the multiplier.
        contribution: Per cent of the total variance.
        of_study: Per cent of the total study variation (%GRR for the gauge).
        of_tolerance: Study variation as per cent of the tolerance (precision to tolerance).
        of_process: sd as per cent of the process standard deviation.
        low: Lower end of the interval of the variance; None where there is none.
        high: Upper end.
    """

    name: Name
    variance: float
    sd: float
    study_variation: float
    contribution: float
    of_study: float
    of_tolerance: float | None
    of_process: float | None
    low: float | None = None
    high: float | None = None


def components(
    variances: Mapping[Name, float], scale: Scale, intervals: Mapping[Name, tuple[float, float]]
) -> tuple[Component, ...]:
    """Return components from their variances; `total` has to be among them."""
    total = variances["total"]
    return tuple(_component(name, variance, total, scale, intervals.get(name)) for name, variance in variances.items())


def _component(
    name: Name, variance: float, total: float, scale: Scale, interval: tuple[float, float] | None
) -> Component:
    sd = math.sqrt(variance)
    return Component(
        name=name,
        variance=variance,
        sd=sd,
        study_variation=scale.multiplier * sd,
        contribution=100 * variance / total,
        of_study=100 * math.sqrt(variance / total),
        of_tolerance=None if scale.tolerance is None else 100 * scale.multiplier * sd / scale.tolerance,
        of_process=None if scale.process_sd is None else 100 * sd / scale.process_sd,
        low=None if interval is None else interval[0],
        high=None if interval is None else interval[1],
    )


def categories(part: float, gauge: float) -> float | None:
    """Return 1.41 PV/GRR, of which ndc is the whole part; None when the gauge shows no variation.

    Args:
        part: Variance of the parts.
        gauge: Variance of the gauge.
    """
    return None if gauge == 0 else ROUGHLY_ROOT_TWO * math.sqrt(part / gauge)


def judged(rows: tuple[Component, ...], ndc: int | None, scale: Scale) -> tuple[Flag, ...]:
    """Return what the AIAG manual has to say of a gauge with these components; guidance, not a verdict."""
    by_name = {row.name: row for row in rows}
    gauge, part = by_name["gauge_rr"], by_name["part"]
    return _bands(gauge) + _of_categories(ndc) + _of_parts(part, scale)


def _bands(gauge: Component) -> tuple[Flag, ...]:
    shown = {
        "the study variation": gauge.of_study,
        "the tolerance": gauge.of_tolerance,
        "the process": gauge.of_process,
    }
    worst = max(((value, name) for name, value in shown.items() if value is not None), default=(0.0, ""))
    if worst[0] <= _GOOD:
        return ()
    band = "between 10 and 30 %" if worst[0] <= _BAD else "above 30 %"
    advice = (
        "may be acceptable for some uses, by importance, cost and customer's agreement"
        if worst[0] <= _BAD
        else "is considered to need improvement"
    )
    return (
        Flag(
            "gauge_variation",
            f"Gauge R&R is {worst[0]:.1f} % of {worst[1]}, {band}: by the guidance of the AIAG manual that {advice}.",
            "It is guidance, not a limit: decide with what the measurement is used for.",
        ),
    )


def _of_categories(ndc: int | None) -> tuple[Flag, ...]:
    if ndc is None or ndc >= _ENOUGH_CATEGORIES:
        return ()
    return (
        Flag(
            "few_categories",
            f"The gauge tells {ndc} categories of these parts apart; the AIAG manual asks for 5 or more.",
            "Use it to sort good from bad at most, not to chart or to compute capability; or the parts are too alike.",
        ),
    )


def _of_parts(part: Component, scale: Scale) -> tuple[Flag, ...]:
    if part.variance == 0:
        return (
            Flag(
                "no_part_variation",
                "No variation between parts can be seen: every per cent of the study variation is about the gauge.",
                "Choose parts over the whole range of the process, or compare with the tolerance alone.",
            ),
        )
    if scale.process_sd is not None and part.sd < _SPAN * scale.process_sd:
        return (
            Flag(
                "parts_do_not_span",
                f"The parts vary with a standard deviation of {part.sd:.4g}, the process with {scale.process_sd:.4g}: "
                "they do not span it, so %GRR and ndc of the study look worse than they are for the process.",
                "Read the per cent of process, or choose parts over the whole range of the process.",
            ),
        )
    if scale.tolerance is not None and scale.multiplier * part.sd < 0.1 * scale.tolerance:
        return (
            Flag(
                "parts_do_not_span",
                f"The parts cover {scale.multiplier * part.sd:.4g} of a tolerance of {scale.tolerance:.4g}: %GRR and "
                "ndc are about these parts only.",
                "Read the per cent of tolerance, or choose parts over the whole range of the process.",
            ),
        )
    return ()
