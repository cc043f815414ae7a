"""Experiments: how many runs they are planned for, and what they have shown so far. Whatever that is, none promotes."""

from collections.abc import Mapping, Sequence
from math import inf
from typing import Any

from qms_mcp.services.learning.rollout.watching import usual_rate
from qms_mcp.statistics.experiments.planning import for_proportions
from qms_mcp.statistics.experiments.sequential import Arm, Sequential, compare, share_arm

_MATTERS = 0.1  # a share of bad runs that is so much higher has to be seen, and a score that is so much better
_ALPHA, _POWER = 0.05, 0.8
_LARGEST_SHARE = 95.0


def experiment_plan(n: int, bad: int, percent: float) -> dict[str, Any]:
    """Return the design of an experiment, for the plan of its roll-out.

    Args:
        n: Runs of the version people have now.
        bad: How many of them were bad.
        percent: Of requests that take part.
    """
    usual = usual_rate(n, bad)
    share = min(percent, _LARGEST_SHARE) / 100
    size = for_proportions(usual, min(usual + _MATTERS, 0.99), alpha=_ALPHA, power=_POWER, ratio=(1 - share) / share)
    return {
        "runs": size.first,
        "control": size.second,
        "smallest": _MATTERS,
        "usual": round(usual, 6),
        "alpha": _ALPHA,
        "power": _POWER,
        "source": "Fleiss, Levin, Paik (2003), two shares, two-sided",
    }


def experiment_words(arms: Sequence[Mapping[str, Any]]) -> str:
    """Return what an experiment has shown so far.

    Args:
        arms: Rows of `learning_rollout.arms`: runs, bad ones, and scores of each lane.
    """
    control = next((arm for arm in arms if arm["lane"] == "control"), None)
    treated = next((arm for arm in arms if arm["lane"] != "control"), None)
    if control is None or treated is None:
        return "Nothing to compare yet."
    bad = compare(share_arm(control["n"], control["bad"]), share_arm(treated["n"], treated["bad"]), expected=_MATTERS)
    parts = [_words("bad runs", bad, percent=True, n=(control["n"], treated["n"]))]
    if control["scored"] > 1 and treated["scored"] > 1:
        parts.append(_words("score", compare(_scored(control), _scored(treated), expected=_MATTERS), percent=False))
    return " ".join(parts)


def _scored(arm: Mapping[str, Any]) -> Arm:
    return Arm(arm["scored"], float(arm["mean"]), float(arm["variance"]))


def _words(what: str, seen: Sequential, *, percent: bool, n: tuple[int, int] | None = None) -> str:
    of = f" ({n[1]} runs, control {n[0]})" if n else ""
    unit, digits = (100.0, 1) if percent else (1.0, 3)
    difference = f"{seen.difference * unit:+.{digits}f}{' points' if percent else ''}"
    if seen.high == inf:
        return f"{what.capitalize()}{of}: {difference}, too few to say anything."
    interval = f"[{seen.low * unit:+.{digits}f}, {seen.high * unit:+.{digits}f}]"
    verdict = "a difference" if seen.decided else "no difference shown"
    return f"{what.capitalize()}{of}: {difference}, 95 % at any time {interval}, p {seen.p_value:.3g}: {verdict}."
