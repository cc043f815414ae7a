"""d2* and what the average-and-range method makes of it: K1, K2, K3 of the AIAG manual (appendix C and GRR sheet).

d2*(m, g) is the mean of the average of g ranges of m values each, in the sense of squares: sqrt(d2(m)^2 + d3(m)^2 / g)
(Duncan, Quality Control and Industrial Statistics, table D3). K1 = 1/d2(trials), K2 = 1/d2*(operators, 1) and
K3 = 1/d2*(parts, 1), printed to four decimals for 2-3 trials, 2-3 operators and 2-10 parts; beyond that computed.
"""

import math
from typing import Final

from qms_mcp.statistics.spc.constants import exact_d2, exact_d3

_K1: Final = {2: 0.8862, 3: 0.5908}
_K2: Final = {2: 0.7071, 3: 0.5231}
_K3: Final = {
    2: 0.7071,
    3: 0.5231,
    4: 0.4467,
    5: 0.4030,
    6: 0.3742,
    7: 0.3534,
    8: 0.3375,
    9: 0.3249,
    10: 0.3146,
}
# Degrees of freedom of one range (AIAG appendix C, first row), for 2 to 20 values.
_DF_OF_RANGE: Final = (
    *(1.0, 2.0, 2.9, 3.8, 4.7, 5.5, 6.3, 7.0, 7.7, 8.3),
    *(9.0, 9.6, 10.2, 10.8, 11.3, 11.9, 12.4, 12.9, 13.4),
)


def d2_star(values: int, ranges: int = 1) -> float:
    """Return d2*, for the average of `ranges` ranges of `values` values each (at most 100)."""
    return math.sqrt(exact_d2(values) ** 2 + exact_d3(values) ** 2 / ranges)


def k1(trials: int) -> float:
    """Return K1: repeatability (sd) by the average range."""
    return _K1.get(trials) or 1.0 / exact_d2(trials)


def k2(operators: int) -> float:
    """Return K2: reproducibility (sd) by the range of the operators' averages."""
    return _K2.get(operators) or 1.0 / d2_star(operators)


def k3(parts: int) -> float:
    """Return K3: part variation (sd) by the range of the parts' averages."""
    return _K3.get(parts) or 1.0 / d2_star(parts)


def df_of_range(values: int) -> float | None:
    """Return the degrees of freedom of one range of 2 to 20 values as printed; None beyond."""
    return _DF_OF_RANGE[values - 2] if 2 <= values <= len(_DF_OF_RANGE) + 1 else None  # noqa: PLR2004 - of the table
