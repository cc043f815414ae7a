"""The factors of control charts: as printed, as computed, and how far the two are apart."""

import math

import capstat_core.constants as reference
import pytest

from qms_mcp.errors import InvalidInputError
from qms_mcp.statistics.spc.constants import EXACT, PUBLISHED, exact_c4, exact_d2, exact_d3

SIZES = range(2, 26)


@pytest.mark.parametrize("n", SIZES)
def test_exact_factors_agree_with_another_implementation(n: int) -> None:
    assert EXACT.d2(n) == pytest.approx(reference.d2(n), abs=1e-11)
    assert EXACT.c4(n) == pytest.approx(reference.c4(n), abs=1e-13)


@pytest.mark.parametrize("n", [2, 5, 10])
def test_the_spread_of_the_range_agrees_with_another_implementation(n: int) -> None:
    assert EXACT.d3(n) == pytest.approx(reference.d3(n), abs=1e-9)


def test_what_is_known_in_closed_form_is_met() -> None:
    assert exact_d2(2) == pytest.approx(2 / math.sqrt(math.pi), abs=1e-14)
    assert exact_d2(3) == pytest.approx(3 / math.sqrt(math.pi), abs=1e-14)
    assert exact_d3(2) == pytest.approx(math.sqrt(2 - 4 / math.pi), abs=5e-12)
    assert exact_c4(2) == pytest.approx(math.sqrt(2 / math.pi), abs=1e-15)


@pytest.mark.parametrize("n", SIZES)
def test_printed_factors_are_the_exact_ones_but_for_rounding(n: int) -> None:
    # Tables were rounded from rounded factors, so their last digit may be off by one.
    pairs = [
        (PUBLISHED.d2(n), EXACT.d2(n)),
        (PUBLISHED.d3(n), EXACT.d3(n)),
        (PUBLISHED.mean_factor_range(n), EXACT.mean_factor_range(n)),
        (PUBLISHED.mean_factor_sd(n), EXACT.mean_factor_sd(n)),
        *zip(PUBLISHED.range_factors(n), EXACT.range_factors(n), strict=True),
        *zip(PUBLISHED.sd_factors(n), EXACT.sd_factors(n), strict=True),
    ]
    assert all(abs(printed - exact) < 7.5e-4 for printed, exact in pairs)
    assert abs(PUBLISHED.c4(n) - EXACT.c4(n)) <= 5.1e-5


def test_printed_factors_of_five_are_those_of_the_tables() -> None:
    # AIAG SPC 2nd ed. appendix E; Montgomery appendix VI.
    assert (PUBLISHED.d2(5), PUBLISHED.d3(5), PUBLISHED.c4(5)) == (2.326, 0.864, 0.94)
    assert (PUBLISHED.mean_factor_range(5), PUBLISHED.mean_factor_sd(5)) == (0.577, 1.427)
    assert (PUBLISHED.range_factors(5), PUBLISHED.sd_factors(5)) == ((0, 2.114), (0, 2.089))
    assert (PUBLISHED.range_of_known_sigma(5), PUBLISHED.sd_of_known_sigma(5)) == ((0, 4.918), (0, 1.964))


def test_other_limits_than_three_sigma_are_computed_from_the_factors() -> None:
    assert PUBLISHED.mean_factor_range(5, 2) == pytest.approx(2 / (2.326 * math.sqrt(5)))
    assert PUBLISHED.range_factors(5, 2) == pytest.approx((1 - 2 * 0.864 / 2.326, 1 + 2 * 0.864 / 2.326))


def test_factors_beyond_the_tables_are_computed() -> None:
    assert PUBLISHED.c4(40) == EXACT.c4(40)
    assert PUBLISHED.d2(40) == EXACT.d2(40) == pytest.approx(4.322, abs=5e-4)


def test_a_subgroup_of_one_and_a_range_of_too_many_are_refused() -> None:
    with pytest.raises(InvalidInputError, match="no spread"):
        EXACT.c4(1)
    with pytest.raises(InvalidInputError, match="uses two of them"):
        EXACT.d2(101)
