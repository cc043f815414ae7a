"""Categories: are their shares what they were?

Pearson's chi-square over the table of both samples. Categories too rare for it stand together; when even then less
than five are expected somewhere, its distribution is found by dealing the observations anew (Monte Carlo, seeded). The
effect is half the sum of the differences of the shares: the share of observations that are somewhere else now.
"""

from collections import Counter
from collections.abc import Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, cast

from qms_mcp.statistics.drift.model import Shift, too_few

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

METHOD = "chi-square"
LEAST = 30
_RARE = 5.0
_DEALS = 1_999
_MOST_SHOWN = 5


def shift_of_categories(
    reference: Sequence[str], current: Sequence[str], *, least: int = LEAST, seed: int = 0
) -> Shift:
    """Compare categories with those of a reference."""
    if (few := too_few(METHOD, reference, current, least)) is not None:
        return few
    table, names = _table(reference, current)
    shares = table / table.sum(axis=1, keepdims=True)
    distance = 0.5 * float(abs(shares[1] - shares[0]).sum())
    statistic, p, dealt = _tested(table, seed)
    moved = sorted(zip(names, shares[0], shares[1], strict=True), key=lambda one: -abs(one[2] - one[1]))
    v = (statistic / (table.sum() * max(1, min(table.shape) - 1))) ** 0.5
    return Shift(
        METHOD, len(reference), len(current), statistic=statistic, p=p, effect=distance, severity=distance,
        details=MappingProxyType({
            "cramers_v": float(v), "dealt": dealt,
            "moved": [[name, float(before), float(now)] for name, before, now in moved[:_MOST_SHOWN]],
        }),
    )  # fmt: skip


def _table(reference: Sequence[str], current: Sequence[str]) -> tuple["NDArray[np.float64]", list[str]]:
    """Return counts by sample and category; what is expected less than five times anywhere stands together."""
    import numpy as np  # noqa: PLC0415 - heavy

    before, now = Counter(reference), Counter(current)
    smaller = min(len(reference), len(current)) / (len(reference) + len(current))
    names = sorted(before.keys() | now.keys())
    common = [name for name in names if (before[name] + now[name]) * smaller >= _RARE]
    rare = [name for name in names if name not in common]
    columns = [(before[name], now[name]) for name in common]
    if rare:
        columns.append((sum(before[name] for name in rare), sum(now[name] for name in rare)))
        common = [*common, "others" if len(rare) > 1 else rare[0]]
    return np.asarray(columns, dtype=np.float64).T, common


def _tested(table: "NDArray[np.float64]", seed: int) -> tuple[float, float, bool]:
    """Return chi-square, its p, and whether that was found by dealing."""
    import numpy as np  # noqa: PLC0415 - heavy
    from scipy import stats  # noqa: PLC0415 - heavy

    if table.shape[1] < 2:  # noqa: PLR2004 - one category cannot move
        return 0.0, 1.0, False
    found: Any = cast("Any", stats).chi2_contingency(table, correction=False)
    if found.expected_freq.min() >= _RARE:
        return float(found.statistic), float(found.pvalue), False
    rng = np.random.default_rng(seed)
    dealt: Any = cast("Any", stats).random_table(table.sum(axis=1), table.sum(axis=0)).rvs(_DEALS, random_state=rng)
    beyond: Any = ((dealt - found.expected_freq) ** 2 / found.expected_freq).sum(axis=(1, 2)) >= found.statistic - 1e-9
    return float(found.statistic), float((1 + beyond.sum()) / (_DEALS + 1)), True
