"""Whether counts vary more, or less, than chance alone makes them.

The dispersion test (Cochran 1954): sum((d_i - n_i p)^2 / (n_i p (1 - p))) is about chi-squared with k - 1 degrees of
freedom when every point has the same p; of rates, sum((d_i - n_i u)^2 / (n_i u)). Because a shift makes it large too,
sigma_z (Laney), which looks from point to point only, has to agree.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from qms_mcp.statistics.spc.attributes import Counted, unit_sigma, variation_beyond_chance
from qms_mcp.statistics.spc.model import Settings

if TYPE_CHECKING:
    from qms_mcp.statistics.spc.rules import Mask

_SURE: Final = 0.01
_WIDE, _NARROW = 1.2, 0.8
_FEWEST: Final = 5


@dataclass(frozen=True, slots=True)
class Dispersion:
    """How counts vary.

    Attributes:
        ratio: Their variance against that of chance; 1 is chance alone.
        sigma_z: The same from point to point, as a ratio of standard deviations.
        p: How likely a ratio so far from 1, on its side, is by chance.
        verdict: `over`, `under` or nothing.
    """

    ratio: float
    sigma_z: float
    p: float
    verdict: str


def dispersion(counted: Counted, center: float, kept: "Mask", *, proportion: bool) -> Dispersion | None:
    """Return how counts vary; None when there are fewer than 5, or they do not vary."""
    import numpy as np  # noqa: PLC0415
    from scipy.special import gammainc, gammaincc  # noqa: PLC0415

    rates, sizes = counted.rates[kept], counted.sizes[kept]
    freedom = rates.size - 1
    if freedom + 1 < _FEWEST or center <= 0 or not np.ptp(rates):
        return None
    z = (rates - center) / unit_sigma(center, sizes, proportion=proportion)
    total = float((z * z).sum())
    sigma_z = variation_beyond_chance(counted, center, kept, Settings(), proportion=proportion)
    over = total > freedom
    p = float((gammaincc if over else gammainc)(freedom / 2, total / 2))
    wide, narrow = over and sigma_z > _WIDE, not over and sigma_z < _NARROW
    verdict = "" if p >= _SURE else "over" if wide else "under" if narrow else ""
    return Dispersion(total / freedom, sigma_z, p, verdict)
