"""The indices: how often the spread of a process goes into the specification, and how near it comes to a limit.

    Cp  = (USL - LSL) / 6 sigma         Cpu = (USL - mean) / 3 sigma      Cpl = (mean - LSL) / 3 sigma
    Cpk = min(Cpu, Cpl)                 Cpm = (USL - LSL) / 6 tau         tau = sqrt(sigma^2 + (mean - target)^2)

Pp, Ppu, Ppl and Ppk are the same with the overall standard deviation. Sources: NIST e-Handbook 6.1.6; Montgomery,
chapter 8; ISO 22514-2; Cpm: Chan, Cheng and Spiring, JQT 20 (1988). With one limit, or a target that is not midway,
Cpm is min(USL - T, T - LSL) / 3 tau (their Cpm*).
"""

import math
from dataclasses import dataclass

from qms_mcp.statistics.capability.specification import Specification
from qms_mcp.statistics.intervals import Interval
from qms_mcp.statistics.quantiles import chi2_quantile, normal_quantile

_OFF_MIDDLE = 1e-9


@dataclass(frozen=True, slots=True)
class Indices:
    """Capability or performance indices; None where the specification does not allow one.

    Attributes:
        spread: Cp or Pp; needs both limits.
        nearest: Cpk or Ppk.
        upper: Cpu or Ppu.
        lower: Cpl or Ppl.
        target: Cpm; needs a target.
        target_nearest: Cpmk: Cpk with tau in the place of sigma.
    """

    spread: float | None
    nearest: float
    upper: float | None
    lower: float | None
    target: float | None = None
    target_nearest: float | None = None


def indices(mean: float, sigma: float, specification: Specification) -> Indices:
    """Return the indices of a process with this mean and sigma; sigma is positive."""
    upper = None if specification.usl is None else (specification.usl - mean) / (3.0 * sigma)
    lower = None if specification.lsl is None else (mean - specification.lsl) / (3.0 * sigma)
    width = specification.width
    nearest = min(side for side in (upper, lower) if side is not None)
    target = target_nearest = None
    if specification.target is not None:
        tau = math.hypot(sigma, mean - specification.target)
        target = _room(specification, specification.target) / (3.0 * tau)
        target_nearest = nearest * sigma / tau
    return Indices(None if width is None else width / (6.0 * sigma), nearest, upper, lower, target, target_nearest)


def off_middle(specification: Specification) -> bool:
    """Return whether the target is not midway between two limits."""
    if specification.width is None or specification.target is None:
        return False
    return abs(_room(specification, specification.target) - specification.width / 2) > _OFF_MIDDLE * specification.width


def _room(specification: Specification, at: float) -> float:
    """Return how far the nearest limit is from a place."""
    sides = [abs(limit - at) for limit in (specification.lsl, specification.usl) if limit is not None]
    return min(sides)


def spread_interval(index: float, df: float, level: float) -> Interval:
    """Return the interval of Cp or Pp from the chi-square distribution of the variance.

    Exact for Pp and pooled sigma; for other sigmas with the degrees of freedom they are worth. Source: NIST e-Handbook
    6.1.6; Montgomery, 8.3.4.
    """
    tail = (1.0 - level) / 2.0
    return Interval(
        index * math.sqrt(chi2_quantile(tail, df) / df), index * math.sqrt(chi2_quantile(1.0 - tail, df) / df)
    )


def nearest_interval(index: float, n: int, df: float, level: float) -> Interval:
    """Return the approximate interval of Cpk or Ppk, and of a one-sided index.

    Cpk -/+ z sqrt(1/(9n) + Cpk^2/(2 df)): Bissell, Applied Statistics 39 (1990); NIST e-Handbook 6.1.6.
    """
    half = normal_quantile(1.0 - (1.0 - level) / 2.0) * _bissell(index, n, df)
    return Interval(index - half, index + half)


def nearest_bound(index: float, n: int, df: float, level: float) -> float:
    """Return what Cpk or Ppk is at least, with this confidence (one-sided, by the same formula)."""
    return index - normal_quantile(level) * _bissell(index, n, df)


def target_interval(index: float, mean: float, sigma: float, target: float, n: int, level: float) -> Interval:
    """Return the approximate interval of Cpm: Boyles, JQT 23 (1991), a chi-square with n (1+x^2)^2 / (1+2x^2) df."""
    square = ((mean - target) / sigma) ** 2
    return spread_interval(index, n * (1.0 + square) ** 2 / (1.0 + 2.0 * square), level)


def _bissell(index: float, n: int, df: float) -> float:
    return math.sqrt(1.0 / (9.0 * n) + index * index / (2.0 * df))
