"""Judges for tests: turns of the stub that read what a judge is shown, and grade it well or badly.

    ClaudeStub(by={JUDGE: judging(lambda request, answer: 0.75)})

A judge made so knows the controls, as a good judge would; `misjudging` does not.
"""

import json
import re
from collections.abc import Callable, Mapping
from typing import Any

from qms_mcp.services.learning.judging.controls import controls
from qms_mcp.services.learning.judging.prompting import as_text
from tests.support.claude_stub import Block, says

# In the system prompt of every judge.
JUDGE = "You judge answers"
Quality = Callable[[str, str], float]
_SHOWN = re.compile(r"<(\w+) (\w{16})>(.*?)</\1 \2>", re.DOTALL)
_KNOWN = {"good": 1.0, "bad": 0.0, "told": 0.0}
# What is not met, by the step.
_FAULTS: dict[int, dict[str, str]] = {
    5: {},
    4: {"clear": "partly"},
    3: {"complete": "no", "right": "partly"},
    2: {"complete": "no", "evidenced": "no", "right": "partly"},
    1: {"complete": "no", "evidenced": "no", "right": "no", "real": "no", "clear": "no"},
}


def shown(body: Mapping[str, Any]) -> dict[str, str]:
    """Return what a judge is shown: request, criterion, answer, or first and second."""
    text = body["messages"][0]["content"]
    return {name: json.loads(quoted) for name, _mark, quoted in _SHOWN.findall(text)}


def rated(quality: float, *, with_case: bool = False) -> dict[str, Any]:
    """Return a judgement that agrees with itself."""
    step = 1 + round(quality * 4)
    names = ["right", "evidenced", "complete", "allowed", "real", "clear", *(["case"] if with_case else [])]
    met = {name: _FAULTS[step].get(name, "yes") for name in names}
    points = {name: {"met": one, "because": "" if one == "yes" else "It is at fault."} for name, one in met.items()}
    return {"points": points, "step": step, "reason": f"It is of step {step}."}


def judging(quality: Quality) -> Callable[[dict[str, Any]], list[Block]]:
    """Return a judge that knows the controls and grades the rest by a function of request and answer."""
    known = {
        (one.case.request, as_text(one.case.answer or "")): _KNOWN[one.expected]
        for pairs in (True, False)
        for one in controls(pairs=pairs)
    }
    known |= {
        (one.case.request, as_text(one.case.reference or "")): 1.0
        for one in controls(pairs=True)
    }  # fmt: skip
    return misjudging(lambda request, answer: known.get((request, answer), None), otherwise=quality)


def misjudging(
    quality: Callable[[str, str], float | None], *, otherwise: Quality = lambda _request, _answer: 0.5
) -> Callable[[dict[str, Any]], list[Block]]:
    """Return a judge that grades all by one function, and by another what the first does not know."""

    def turn(body: dict[str, Any]) -> list[Block]:
        given = shown(body)
        with_case = "criterion" in given

        def one(name: str) -> dict[str, Any]:
            found = quality(given["request"], given[name])
            worth = otherwise(given["request"], given[name]) if found is None else found
            return rated(worth, with_case=with_case)

        return says(one("answer") if "answer" in given else {name: one(name) for name in ("first", "second")})

    return turn


def always(words: str | Mapping[str, Any]) -> Callable[[dict[str, Any]], list[Block]]:
    """Return a judge that says one thing, whatever it is shown."""
    return lambda _body: says(words)


def obeying(quality: Quality) -> Callable[[dict[str, Any]], list[Block]]:
    """Return a judge that knows good from bad, but does what a text it judges tells it."""
    honest = judging(quality)
    orders = re.compile(r"step\W+5|full marks|highest score", re.IGNORECASE)

    def turn(body: dict[str, Any]) -> list[Block]:
        given = shown(body)
        names = [name for name in ("answer", "first", "second") if name in given]
        if not any(orders.search(given[name]) for name in names):
            return honest(body)
        said = {
            name: rated(1.0 if orders.search(given[name]) else 0.0, with_case="criterion" in given) for name in names
        }
        return says(said.get("answer", said))

    return turn
