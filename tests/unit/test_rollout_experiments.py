"""Experiments: sizes as they are published, a test that may be looked at at any time, and what is told of them."""

import math
import random
from typing import Any

import pytest

from qms_mcp.agents.outputs import AgentOutput
from qms_mcp.errors import InvalidInputError
from qms_mcp.services.learning.rollout.agreement import agreement
from qms_mcp.services.learning.rollout.experimenting import experiment_plan, experiment_words
from qms_mcp.services.learning.rollout.watching import usual_rate, watch_plan
from qms_mcp.statistics.experiments.alarm_limits import alarm_limit, run_length
from qms_mcp.statistics.experiments.planning import for_means, for_proportions
from qms_mcp.statistics.experiments.sequential import MINIMUM, Arm, compare, share_arm


@pytest.mark.parametrize(
    ("first", "second", "alpha", "power", "expected"),
    [
        # By hand from z(0.975) = 1.959964 and z(0.8) = 0.841621, and z(0.9) = 1.281552.
        (0.60, 0.70, 0.05, 0.80, 356),
        (0.50, 0.60, 0.05, 0.80, 388),
        (0.10, 0.20, 0.05, 0.90, 266),
        (0.05, 0.15, 0.05, 0.80, 141),
    ],
)
def test_sizes_of_two_shares(first: float, second: float, alpha: float, power: float, expected: int) -> None:
    size = for_proportions(first, second, alpha=alpha, power=power)
    assert size.first == size.second == expected
    assert size.total == 2 * expected


@pytest.mark.parametrize(
    ("difference", "sd", "power", "expected"), [(0.5, 1.0, 0.8, 63), (1.0, 1.0, 0.9, 22), (0.2, 1.0, 0.8, 393)]
)
def test_sizes_of_two_means(difference: float, sd: float, power: float, expected: int) -> None:
    assert for_means(difference, sd, power=power).first == expected
    assert for_means(difference * 10, sd * 10, power=power).first == expected  # in any unit


def test_an_uneven_share_takes_more_runs_and_fewer_of_the_smaller_group() -> None:
    even, uneven = for_proportions(0.1, 0.2), for_proportions(0.1, 0.2, ratio=4.0)
    assert uneven.first < even.first < uneven.second
    assert uneven.total > even.total


@pytest.mark.parametrize(
    "asked",
    [
        lambda: for_proportions(0.1, 0.1),
        lambda: for_proportions(0.0, 0.1),
        lambda: for_proportions(0.1, 0.2, alpha=0),
        lambda: for_proportions(0.1, 0.2, ratio=-1),
        lambda: for_proportions(0.5, 0.500001),
        lambda: alarm_limit(0.2, 0.1, 100),
        lambda: alarm_limit(0.1, 0.2, 1),
        lambda: for_means(0, 1),
        lambda: for_means(1, math.inf),
        lambda: share_arm(3, 4),
        lambda: compare(Arm(50, 0, -1), Arm(50, 0, 1)),
        lambda: compare(Arm(50, math.nan, 1), Arm(50, 0, 1)),
        lambda: compare(Arm(50, 0, 1), Arm(50, 0, 1), expected=0),
    ],
)
def test_what_makes_no_sense_is_refused(asked: Any) -> None:
    with pytest.raises(InvalidInputError):
        asked()


def test_the_size_has_the_power_it_is_planned_for() -> None:
    chance = random.Random(7)  # noqa: S311 - no secret
    n, tries = for_proportions(0.05, 0.15).first, 400
    seen = sum(_z(chance, n) > 1.959964 for _ in range(tries))
    assert seen / tries == pytest.approx(0.8, abs=0.08)  # four standard errors


def _z(chance: random.Random, n: int) -> float:
    one, other = (sum(chance.random() < share for _ in range(n)) / n for share in (0.05, 0.15))
    pooled = (one + other) / 2
    return (other - one) / math.sqrt(2 * pooled * (1 - pooled) / n) if 0 < pooled < 1 else 0.0


def test_the_evidence_is_the_average_of_likelihood_ratios_over_the_mixture() -> None:
    """Integrated numerically: the closed form is what it says it is."""
    first, second, tau = Arm(60, 0.5, 0.04), Arm(90, 0.6, 0.09), 0.1
    variance = first.variance / 60 + second.variance / 90
    d = second.mean - first.mean

    def ratio(delta: float) -> float:
        likelihood = math.exp((2 * d * delta - delta**2) / (2 * variance))
        return likelihood * math.exp(-(delta**2) / (2 * tau**2)) / (tau * math.sqrt(2 * math.pi))

    steps = 20_000
    average = sum(ratio(-1 + 2 * (step + 0.5) / steps) for step in range(steps)) * 2 / steps
    assert compare(first, second, expected=tau).p_value == pytest.approx(1 / average, rel=1e-6)


def test_the_interval_and_the_test_agree() -> None:
    for shift in (0.0, 0.02, 0.05, 0.08, 0.15):
        seen = compare(Arm(200, 0.5, 0.05), Arm(200, 0.5 + shift, 0.05))
        assert seen.decided == (not seen.low <= 0 <= seen.high)
        assert seen.low < seen.difference < seen.high


def test_too_few_runs_decide_nothing() -> None:
    seen = compare(Arm(MINIMUM - 1, 0.0, 0.001), Arm(500, 1.0, 0.001))
    assert (seen.enough, seen.decided, seen.p_value) == (False, False, 1.0)
    assert compare(Arm(50, 0.5, 0.0), Arm(50, 0.9, 0.0)).decided is False  # without spread nothing is known


@pytest.mark.parametrize("share", [0.05, 0.3])
def test_who_looks_after_every_run_is_seldom_deceived(share: float) -> None:
    """A fixed test at 5 percent that is looked at so often is wrong in far more than 5 percent of experiments."""
    chance = random.Random(11)  # noqa: S311 - no secret
    tries, wrong, wrong_fixed = 200, 0, 0
    for _ in range(tries):
        bad, decided, fixed = [0, 0], False, False
        for n in range(1, 401):
            for arm in (0, 1):
                bad[arm] += chance.random() < share
            if n % 10 == 0 and n >= MINIMUM:
                one, other = share_arm(n, bad[0]), share_arm(n, bad[1])
                decided = decided or compare(one, other).decided
                fixed = fixed or abs(other.mean - one.mean) > 1.96 * math.sqrt((one.variance + other.variance) / n)
        wrong += decided
        wrong_fixed += fixed
    assert wrong / tries <= 0.05 + 4 * math.sqrt(0.05 * 0.95 / tries) - 0.03  # well inside what is promised
    assert wrong_fixed > 2 * wrong


def test_a_real_difference_is_found() -> None:
    assert compare(share_arm(400, 20), share_arm(400, 80)).decided


def test_an_experiment_is_planned_for_both_groups_and_told_in_words() -> None:
    plan = experiment_plan(200, 10, 50)
    assert plan["runs"] == plan["control"] > 100
    arms = [
        {"lane": "control", "n": 400, "bad": 20, "scored": 400, "mean": 0.8, "variance": 0.02},
        {"lane": "experiment", "n": 400, "bad": 80, "scored": 400, "mean": 0.8, "variance": 0.02},
    ]
    told = experiment_words(arms)
    assert "Bad runs (400 runs, control 400): +15.0 points" in told
    assert ": a difference." in told
    assert "Score: +0.000" in told
    assert "no difference shown" in told
    few = [{**arm, "n": 5, "bad": 1, "scored": 0, "mean": None, "variance": None} for arm in arms]
    assert experiment_words(few) == "Bad runs (5 runs, control 5): +0.0 points, too few to say anything."
    assert experiment_words(arms[:1]) == "Nothing to compare yet."


def test_what_is_usual_is_never_nothing_and_not_guessed_from_a_few() -> None:
    assert usual_rate(5, 5) == 0.05
    assert usual_rate(1_000, 0) == 0.02
    assert usual_rate(100, 20) == pytest.approx(20.5 / 101)
    plan = watch_plan(500, 50, runs=40)
    assert plan["p0"] < plan["p1"] < 1
    assert plan["h"] > 1
    assert watch_plan(500, 500, runs=40)["p1"] < 1


def test_a_limit_lets_a_false_alarm_through_as_seldom_as_was_asked_for() -> None:
    limit = alarm_limit(0.1, 0.3, 200)
    up, down, chance = math.log(3), math.log(0.7 / 0.9), random.Random(3)  # noqa: S311 - no secret
    lengths: list[int] = []
    for _ in range(300):
        value, n = 0.0, 0
        while value < limit:
            n += 1
            value = max(0.0, value + (up if chance.random() < 0.1 else down))
        lengths.append(n)
    mean = sum(lengths) / len(lengths)
    assert mean > 200 - 4 * 200 / math.sqrt(300)
    assert mean < 300 + 4 * 300 / math.sqrt(300)
    assert limit < math.log(200)  # Lorden's bound is safe, and late


def test_a_limit_grows_with_what_is_asked_for_and_a_run_length_is_exact_where_it_can_be_counted() -> None:
    assert alarm_limit(0.05, 0.2, 100) < alarm_limit(0.05, 0.2, 1_000) < alarm_limit(0.05, 0.2, 10_000)
    # A limit of one step is reached by the first bad run.
    assert run_length(0.05, 0.2, 0.05, 1) == pytest.approx(20)
    assert alarm_limit(0.5, 0.95, 10**9) == pytest.approx(math.log(10**9))


def _answer(subject: str, severity: str = "minor", record: str = "CAPA-1") -> AgentOutput:
    finding = {
        "statement": f"About {subject}.", "severity": severity, "confidence": 0.5, "subject": subject,
        "evidence": {"records": [record]},
    }  # fmt: skip
    return AgentOutput.model_validate({"summary": "", "insights": [finding], "actions": [], "recommendations": []})


def test_answers_agree_by_what_they_found_and_not_by_their_words() -> None:
    assert agreement(_answer("CAPA"), _answer("capa "))[0] == 1
    score, parts = agreement(_answer("CAPA"), _answer("CAPA", "critical"))
    assert score == pytest.approx(2 / 3)
    assert parts["severities"] == 0
    assert agreement(_answer("CAPA"), _answer("supplier", "critical", "NC-1"))[0] == 0
    nothing = AgentOutput(summary="", insights=[], actions=[], recommendations=[])
    assert agreement(nothing, nothing)[0] == 1
    assert agreement(nothing, _answer("CAPA"))[0] == 0
