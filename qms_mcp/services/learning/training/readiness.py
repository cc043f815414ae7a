"""Whether there is reason for a training, and material enough."""

from typing import TYPE_CHECKING

from qms_mcp.services.learning.training.models import Readiness, TrainingMode
from qms_mcp.services.learning.training.power import Needed, needed

if TYPE_CHECKING:
    from qms_mcp.services.learning.training.rows import FrozenDataset, Reasons

# What feedback should not fall below on average; it is also where the alert on it is shipped to open.
LOW_FEEDBACK = 0.6
LEAST_FEEDBACK = 20
LEAST_IMPROVEMENT = 0.05
# A side with fewer chooses by luck.
LEAST_A_SIDE = 3


def reason_in(reasons: "Reasons", threshold: float) -> str:
    """Return why a training is due; nothing when it is not."""
    if reasons.drift is not None and reasons.drift >= threshold:
        return f"drift of {reasons.metric} is {reasons.drift:.2f}, and {threshold:.2f} is the limit"
    low = reasons.average is not None and reasons.feedback >= LEAST_FEEDBACK and reasons.average < LOW_FEEDBACK
    if low:
        return f"feedback is {reasons.average:.2f} on average of {reasons.feedback}, below {LOW_FEEDBACK:.2f}"
    return ""


def wanted_improvement(reasons: "Reasons", quality: float) -> float:
    """Return what a better version should gain: what is lacking to the quality that is wanted, at least 0.05."""
    return max(LEAST_IMPROVEMENT, quality - reasons.average) if reasons.average is not None else LEAST_IMPROVEMENT


def readiness(
    reasons: "Reasons",
    dataset: "FrozenDataset",
    *,
    mode: TrainingMode,
    threshold: float,
    minimum: int,
    improvement: float,
) -> Readiness:
    """Return whether there is reason and material enough.

    Args:
        reasons: What speaks for it.
        dataset: What would be learned from.
        mode: Only by hand it needs no reason.
        threshold: Of drift.
        minimum: Samples that are enough whatever is to be seen.
        improvement: What is to be seen on the side that is held out.
    """
    need = needed(improvement, reasons.sd, reasons.scored)
    enough = dataset.n >= minimum or dataset.held_out >= need.n
    words = samples_in_words(dataset, minimum, need)
    missing = ""
    if mode != "manual" and not reason_in(reasons, threshold):
        missing = f"Nothing calls for it: {_calm(reasons, threshold)}."
    elif min(dataset.train, dataset.dev, dataset.held_out) < LEAST_A_SIDE:
        missing = (
            f"{dataset.label} has {dataset.train} items to learn from, {dataset.dev} to choose by and "
            f"{dataset.held_out} held out; each side needs {LEAST_A_SIDE}."
        )
    elif not enough:
        missing = f"There are too few samples: {words}"
    return Readiness(reasons.drift, reasons.average, dataset.n, dataset.held_out, words, missing)


def samples_in_words(dataset: "FrozenDataset", minimum: int, need: Needed) -> str:
    """Return how many samples there are, how many are wanted, and how many do."""
    wanted = f"{dataset.n} of {minimum} samples, {dataset.held_out} of them held out"
    do = "enough" if dataset.held_out >= need.n else "not enough"
    seen = f"to see +{need.improvement:.2f} with power {need.power:.1f} at sd {need.sd:.2f}"
    return f"{wanted}; {seen} it takes {need.n} held out: {do}."


def _calm(reasons: "Reasons", threshold: float) -> str:
    drift = "no drift was measured" if reasons.drift is None else f"drift {reasons.drift:.2f} of {threshold:.2f}"
    average = "no feedback" if reasons.average is None else f"feedback {reasons.average:.2f} on average"
    few = f" of {reasons.feedback} ({LEAST_FEEDBACK} are needed)" if 0 < reasons.feedback < LEAST_FEEDBACK else ""
    return f"{drift}, {average}{few}"
