"""Ratings of risks: the action priority table cell by cell, the matrix, and what controls change."""

from itertools import pairwise, product

import pytest
from pydantic import ValidationError

from qms_mcp.errors import InvalidInputError
from qms_mcp.services.domain.risk import (
    DEFAULT_MATRIX,
    REGIONS,
    RiskMatrix,
    action_priority,
    rate,
    residual_risk,
    risk_priority_number,
)

SCALE = range(1, 11)
URGENCY = {"L": 0, "M": 1, "H": 2}
BAND = {
    "severity": {"9-10": (9, 10), "7-8": (7, 8), "4-6": (4, 5, 6), "2-3": (2, 3), "1": (1,)},
    "occurrence": {"8-10": (8, 9, 10), "6-7": (6, 7), "4-5": (4, 5), "2-3": (2, 3), "1": (1,)},
    "detection": {"7-10": (7, 8, 9, 10), "5-6": (5, 6), "2-4": (2, 3, 4), "1": (1,)},
}
# The handbook's table, written out by range: severity, occurrence, and detection 7-10, 5-6, 2-4, 1.
PUBLISHED = """
9-10 8-10 H H H H
9-10 6-7  H H H H
9-10 4-5  H H H M
9-10 2-3  H M L L
9-10 1    L L L L
7-8  8-10 H H H H
7-8  6-7  H H H M
7-8  4-5  H M M M
7-8  2-3  M M L L
7-8  1    L L L L
4-6  8-10 H H M M
4-6  6-7  M M M L
4-6  4-5  M L L L
4-6  2-3  L L L L
4-6  1    L L L L
2-3  8-10 M M L L
2-3  6-7  L L L L
2-3  4-5  L L L L
2-3  2-3  L L L L
2-3  1    L L L L
1    8-10 L L L L
1    6-7  L L L L
1    4-5  L L L L
1    2-3  L L L L
1    1    L L L L
"""


def test_each_of_the_thousand_ratings_has_the_priority_of_its_range() -> None:
    seen = 0
    for line in PUBLISHED.split("\n"):
        if not line:
            continue
        severity, occurrence, *letters = line.split()
        for detection, letter in zip(BAND["detection"], letters, strict=True):
            for s, o, d in product(
                BAND["severity"][severity], BAND["occurrence"][occurrence], BAND["detection"][detection]
            ):
                assert action_priority(s, o, d) == letter, (s, o, d)
                seen += 1
    assert seen == 1000


def test_no_priority_gets_less_urgent_when_a_rating_gets_worse() -> None:
    for one, other in product(SCALE, SCALE):
        for low, high in pairwise(SCALE):
            for better, worse in (
                ((low, one, other), (high, one, other)),
                ((one, low, other), (one, high, other)),
                ((one, other, low), (one, other, high)),
            ):
                assert URGENCY[action_priority(*better)] <= URGENCY[action_priority(*worse)], (better, worse)


def test_severity_counts_before_the_product() -> None:
    dangerous, annoying = rate(10, 2, 7), rate(3, 7, 7)
    assert dangerous.rpn < annoying.rpn
    assert (dangerous.action_priority, annoying.action_priority) == ("H", "L")


@pytest.mark.parametrize("rating", [(0, 1, 1), (1, 11, 1), (1, 1, -3)])
def test_a_rating_outside_one_to_ten_is_refused(rating: tuple[int, int, int]) -> None:
    with pytest.raises(InvalidInputError, match="from 1 to 10"):
        risk_priority_number(*rating)
    with pytest.raises(InvalidInputError, match="from 1 to 10"):
        action_priority(*rating)


def test_the_default_matrix_has_all_regions_and_is_worst_in_its_corner() -> None:
    cells = {DEFAULT_MATRIX.region(s, p) for s, p in product(range(1, 6), range(1, 6))}
    assert cells == set(REGIONS)
    assert DEFAULT_MATRIX.region(5, 5) == "unacceptable"
    assert DEFAULT_MATRIX.region(1, 1) == "acceptable"
    assert DEFAULT_MATRIX.words(3, 2) == "serious (3) x remote (2): acceptable"
    with pytest.raises(InvalidInputError) as refused:
        DEFAULT_MATRIX.region(6, 1)
    assert "5 catastrophic" in refused.value.hint


@pytest.mark.parametrize(
    "regions",
    [
        (("acceptable", "unacceptable"), ("unacceptable", "acceptable")),
        (("unacceptable", "unacceptable"), ("acceptable", "unacceptable")),
        (("acceptable", "acceptable"),),
        (("acceptable",), ("acceptable",)),
    ],
)
def test_a_matrix_that_gets_better_where_it_gets_worse_is_refused(regions: tuple[tuple[str, ...], ...]) -> None:
    with pytest.raises(ValidationError):
        RiskMatrix.model_validate({"severities": ("a", "b"), "probabilities": ("x", "y"), "regions": regions})


def test_residual_risk_says_what_the_person_who_accepts_it_has_to_look_at() -> None:
    verified = residual_risk((4, 4), (4, 1), controls_verified=True)
    assert (verified.before, verified.after, verified.reduced) == ("unacceptable", "acceptable", True)
    assert verified.notes == ("Look at new hazards that the controls bring.",)

    claimed = residual_risk((5, 5), (3, 5))
    assert claimed.after == "unacceptable"
    text = " ".join(claimed.notes)
    assert "lower severity is rare" in text
    assert "not both verified" in text
    assert "benefit-risk" in text
    assert not residual_risk((2, 2), (2, 2)).reduced
    assert not residual_risk((2, 4), (3, 1)).reduced
