"""One-way analyses of variance of the NIST Statistical Reference Datasets, as scipy ships them for its own tests."""

from dataclasses import dataclass
from importlib import resources

import pytest

NAMES = ("AtmWtAg", "SiRstv", *(f"SmLs0{number}" for number in range(1, 10)))


@dataclass(frozen=True)
class Certified:
    """A data set and its certified values."""

    groups: list[str]
    values: list[float]
    f: float
    r_squared: float
    residual_sd: float
    between_ss: float
    within_ss: float


def certified(name: str) -> Certified:
    """Return a data set; the test is skipped where scipy came without them."""
    try:
        lines = (resources.files("scipy.stats.tests") / "data" / "nist_anova" / f"{name}.dat").read_text().splitlines()
    except (FileNotFoundError, ModuleNotFoundError):
        pytest.skip("scipy is here without its tests")
    head = lines[40:60]
    between, within = (next(line for line in head if line.startswith(word)).split() for word in ("Between", "Within"))
    share = next(line for line in head if "R-Squared" in line).split()[-1]
    after = [line for line in head if "Standard Deviation" in line or "Residual" in line]
    rows = [line.split() for line in lines[60:] if line.strip()]
    return Certified(
        [group for group, _ in rows],
        [float(value) for _, value in rows],
        float(between[-1]),
        float(share),
        float(after[-1].split()[-1]),
        float(between[-3]),
        float(within[-2]),
    )
