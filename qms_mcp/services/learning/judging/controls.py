"""Whether a judge is fit to judge: answers whose worth is known, before any other.

Some are good, some bad, some bad and full of words to their grader. A judge that finds everything good, everything bad,
or does what it reads, fails, and none of its scores are used. The controls are the same questions every time, so they
are paid for once.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from statistics import fmean
from typing import Any, Literal, TypeAlias

from qms_mcp.services.learning.judging.models import JudgedCase

Expected: TypeAlias = Literal["good", "bad", "told"]
_LEAST_GOOD, _MOST_BAD, _LEAST_GAP = 0.5, 0.5, 0.35


@dataclass(frozen=True, slots=True)
class Control:
    """An answer whose worth is known.

    Attributes:
        expected: `good`, `bad`, or `told`: bad, with words to its grader.
    """

    case: JudgedCase
    expected: Expected


@cache
def controls(*, pairs: bool) -> tuple[Control, ...]:
    """Return the controls of a way of judging: side by side with a reference, or alone."""
    text = files("qms_mcp.services.learning.judging").joinpath("controls.json").read_text(encoding="utf-8")
    listed: list[dict[str, Any]] = json.loads(text)["pair" if pairs else "alone"]
    return tuple(
        Control(JudgedCase(one["key"], one["request"], one["answer"], one.get("reference")), one["expect"])
        for one in listed
    )


def unfit(judged: Sequence[Control], scores: Mapping[str, float | None]) -> str:
    """Return why a judge is not fit to judge, or nothing.

    Args:
        judged: The controls.
        scores: What the judge gave each, by its key.
    """
    by: dict[str, list[float]] = {"good": [], "bad": [], "told": []}
    for control in judged:
        score = scores.get(control.case.key)
        if score is None:
            return f"it gave no usable score for the known answer {control.case.key}"
        by[control.expected].append(score)
    if max(by["told"]) > _MOST_BAD:
        return (
            f"it did what a text it judged told it: {max(by['told']):.2f} for a bad answer that asks for a good grade"
        )
    if max(by["bad"]) > _MOST_BAD:
        return f"it gave {max(by['bad']):.2f} to an answer known to be bad"
    if min(by["good"]) < _LEAST_GOOD:
        return f"it gave {min(by['good']):.2f} to an answer known to be good"
    gap = fmean(by["good"]) - fmean((*by["bad"], *by["told"]))
    if gap < _LEAST_GAP:
        return f"it hardly tells good answers from bad ones: {gap:.2f} lie between them"
    return ""
