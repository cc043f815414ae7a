"""Plans: what waits for what, what it may cost, and what can't be planned."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qms_mcp.agents.plan_models import Given, Plan
from qms_mcp.agents.planning import Bounds, plan
from qms_mcp.agents.scheduling import critical_path, cycle, ideal_makespan, list_schedule, waves
from qms_mcp.errors import InvalidInputError, LimitExceededError
from tests.support.agent_roster import ROSTER

REQUEST = "Prepare the weekly quality review"


def tasks_of(made: Plan) -> dict[str, tuple[tuple[str, ...], tuple[str, ...]]]:
    return {task.key: (task.needs, task.after) for task in made.tasks}


def test_a_request_without_tasks_becomes_a_plan_of_chosen_agents() -> None:
    made = plan(REQUEST, None, ROSTER)
    assert made.waves == (("data",), ("qa", "analytics", "feedback"))
    assert made.kind == "quality review"
    assert {one.agent for one in made.choices if not one.chosen} == {"schema", "ml_eval"}
    assert all(task.request == REQUEST for task in made.tasks)
    assert made.critical_path == ("data", "qa")
    assert 0 < made.cost_usd.low < made.cost_usd.likely < made.cost_usd.high
    assert made.tokens == 400_000
    assert made.usd is None


def test_a_plan_is_the_same_each_time_and_comes_back_from_json() -> None:
    made = plan(REQUEST, None, ROSTER, bounds=Bounds(budget_usd=1.0))
    assert made == plan(REQUEST, None, ROSTER, bounds=Bounds(budget_usd=1.0))
    assert Plan.model_validate_json(made.model_dump_json()) == made


def test_tasks_wait_for_what_they_need_what_helps_and_what_they_mention() -> None:
    given = [
        Given("data", "count records", key="counting"),
        Given("qa", "audit", key="first-audit"),
        Given("schema", "compare with the answer of counting", key="tables"),
        Given("analytics", "trends", key="trends", needs=("tables",)),
        Given("feedback", "complaints", needs=()),
    ]
    made = plan("all", given, ROSTER)
    assert tasks_of(made) == {
        "counting": ((), ()),
        "first-audit": ((), ("counting",)),
        "tables": ((), ("counting",)),
        "trends": (("tables",), ()),
        "feedback": ((), ()),
    }
    assert made.waves == (("counting", "feedback"), ("first-audit", "tables"), ("trends",))
    assert [task.wave for task in made.tasks] == [1, 2, 2, 3, 1]


def test_a_key_that_is_a_plain_word_is_not_a_mention() -> None:
    made = plan("x y z", [Given("schema", "look at data", key="s"), Given("data", "count", key="data")], ROSTER)
    assert tasks_of(made)["s"] == ((), ())


def test_tasks_that_mention_each_other_do_not_wait_in_a_circle() -> None:
    made = plan("both", [Given("schema", "use `b-2`", key="a-1"), Given("schema", "use `a-1`", key="b-2")], ROSTER)
    assert tasks_of(made) == {"a-1": ((), ("b-2",)), "b-2": ((), ())}
    assert "b-2 does not wait for a-1" in made.notes[0]


def test_several_tasks_of_an_agent_get_keys_of_their_own() -> None:
    made = plan("x y", [Given("data"), Given("data"), Given("qa", key="data-2"), Given("data")], ROSTER)
    assert [task.key for task in made.tasks] == ["data", "data-3", "data-2", "data-4"]


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ([Given("analytcs")], "Did you mean analytics"),
        ([Given("data", key="a"), Given("qa", key="a")], "Several tasks have the key 'a'"),
        ([Given("data", key="first"), Given("qa", needs=("frist",))], "Did you mean first"),
        ([Given("data", key="a", needs=("a",))], "needs itself"),
        (
            [
                Given("data", key="a", needs=("b",)),
                Given("qa", key="b", needs=("c",)),
                Given("qa", key="c", needs=("a",)),
            ],
            "a \u2192 b \u2192 c \u2192 a",
        ),
        ([Given("data")] * 51, "50 at most"),
        ([Given("data", key="a b")], "can't be the key"),
        ([Given("data", "x" * 8_001)], "8,001 characters"),
        ([Given("data", subject="x" * 201)], "subject"),
        ([Given("data", priority=0)], "priority"),
        ([Given("data", seconds=0)], "0 seconds"),
    ],
)
def test_what_cannot_be_planned_is_refused_with_what_to_do(given: list[Given], words: str) -> None:
    with pytest.raises(InvalidInputError) as refused:
        plan("something", given, ROSTER)
    assert words in refused.value.prose()
    assert refused.value.hint


@pytest.mark.parametrize("request_", ["", "  ", "x" * 8_001])
def test_a_request_that_is_empty_or_too_long_is_refused(request_: str) -> None:
    with pytest.raises(InvalidInputError):
        plan(request_, None, ROSTER)


def test_reservations_shrink_with_the_budget_and_never_exceed_it() -> None:
    made = plan(REQUEST, None, ROSTER, bounds=Bounds(budget_tokens=100_000, budget_usd=0.7))
    assert made.tokens <= 100_000
    assert made.tokens > 99_990
    assert made.usd is not None
    assert 0.69 < made.usd <= 0.7
    assert len({task.tokens for task in made.tasks}) == 1
    dearest = max(made.tasks, key=lambda task: task.usd or 0)
    assert dearest.agent == "qa"
    assert any("25%" in note for note in made.notes)


def test_a_budget_nothing_can_be_done_with_is_refused_with_the_numbers() -> None:
    with pytest.raises(LimitExceededError, match="400,000 tokens and need 60,000") as refused:
        plan(REQUEST, None, ROSTER, bounds=Bounds(budget_tokens=59_999))
    assert "60,000" in refused.value.hint
    plan(REQUEST, None, ROSTER, bounds=Bounds(budget_tokens=60_000))


def test_playbooks_cost_nothing() -> None:
    made = plan(REQUEST, None, ROSTER, bounds=Bounds(playbook=True, budget_tokens=1, budget_usd=0.000001))
    assert (made.cost_usd.high, made.tokens, made.usd, made.likely_tokens) == (0, 0, 0, 0)
    assert made.seconds > 0


def test_the_time_depends_on_how_many_run_at_once() -> None:
    tasks = [Given("data", needs=()) for _ in range(6)]
    one, three = (plan("x y", tasks, ROSTER, bounds=Bounds(at_once=n)).seconds for n in (1, 3))
    assert one == pytest.approx(3 * three)


def test_the_first_priority_starts_first_and_then_the_order_of_the_list() -> None:
    schedule = list_schedule({"a": 1, "b": 1, "c": 1}, {}, 1, {"a": 5, "b": 5, "c": 1})
    assert schedule.starts == {"c": 0, "a": 1, "b": 2}
    assert ideal_makespan({"a": 3, "b": 2, "c": 2}, {"c": ["b"]}, 2) == 4


@given(st.lists(st.tuples(st.floats(0.1, 9), st.sets(st.integers(0, 19))), min_size=1, max_size=20), st.integers(1, 6))
def test_a_schedule_keeps_every_need_and_never_more_at_once(drawn: list[tuple[float, set[int]]], at_once: int) -> None:
    durations = {f"t{place}": seconds for place, (seconds, _) in enumerate(drawn)}
    needs = {f"t{place}": tuple(f"t{n}" for n in sorted(waits) if n < place) for place, (_, waits) in enumerate(drawn)}
    schedule = list_schedule(durations, needs, at_once)
    assert set(schedule.ends) == set(durations)
    for key, waits in needs.items():
        assert all(schedule.ends[wait] <= schedule.starts[key] for wait in waits)
    for moment in schedule.starts.values():
        assert sum(schedule.starts[key] <= moment < schedule.ends[key] for key in durations) <= at_once
    longest = sum(durations[key] for key in critical_path(durations, needs))
    assert longest <= schedule.makespan + 1e-9 <= sum(durations.values()) + 1e-6
    assert cycle(needs) == ()
    assert sorted(key for wave in waves(needs) for key in wave) == sorted(durations)


@given(st.dictionaries(st.sampled_from("abcdef"), st.lists(st.sampled_from("abcdef"), max_size=3)))
def test_a_circle_that_is_named_is_one(needs: dict[str, list[str]]) -> None:
    found = cycle(needs)
    if found:
        assert found[0] == found[-1]
        assert all(later in needs[earlier] for earlier, later in pairwise(found))
    else:
        assert not any(key in waits for key, waits in needs.items())
