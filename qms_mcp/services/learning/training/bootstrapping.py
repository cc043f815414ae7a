"""Looking for good examples: which answers of the train side, shown to the agent, make it answer the dev side better.

Candidates are answers people or scorers found good, short enough to be shown, and unlike each other: from the best one
on, always the one that is least like those taken (word overlap). Tried are the first one, two, three of them, and a few
sets drawn with the seed. The idea is that of labelled and random few-shot search (O. Khattab et al., DSPy, ICLR 2024);
the search is kept small because each set costs one answer a case.
"""

import json
import random
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from pydantic import ValidationError

from qms_mcp.agents.definition import AgentDefinition
from qms_mcp.agents.outputs import AgentOutput
from qms_mcp.agents.versioning import Exemplar, revised
from qms_mcp.services.learning.asking import BudgetSpentError
from qms_mcp.services.learning.evaluation.models import Case
from qms_mcp.services.learning.judging.suspicion import speaks_to_grader
from qms_mcp.services.learning.training.trials import EPSILON, TrialFailedError, Trials

MOST_SHOWN = 3
_DRAWN_SETS = 2
_POOL = 8
_LONGEST_ANSWER, _LONGEST_REQUEST = 4_000, 1_500
_WORD = re.compile(r"\w{3,}")


@dataclass(frozen=True, slots=True)
class Bootstrapped:
    """The best set of examples.

    Attributes:
        definition: The version with it; the parent itself where no set is better.
        keys: Of the cases shown.
        score: Mean on the dev side.
        tried: How many sets.
        stopped: Why not all of them were; empty when all were.
    """

    definition: AgentDefinition
    keys: tuple[str, ...]
    score: float
    tried: int
    stopped: str = ""


def examples_of(cases: Sequence[Case], weights: Mapping[str, float] | None = None) -> list[tuple[Case, Exemplar]]:
    """Return what could be shown, the best and most different first.

    Args:
        cases: Of the train side.
        weights: How good each is known to be, by key; higher first.
    """
    usable = [(case, made) for case in cases if (made := _example(case)) is not None]
    usable.sort(key=lambda one: (-(weights or {}).get(one[0].key, 0.0), one[0].key))
    taken: list[tuple[Case, Exemplar]] = []
    while usable and len(taken) < _POOL:
        place = _least_alike(usable, taken)
        taken.append(usable.pop(place))
    return taken


async def bootstrap(
    trials: Trials, parent: AgentDefinition, pool: Sequence[tuple[Case, Exemplar]], dev: Sequence[Case], seed: int
) -> Bootstrapped:
    """Return the version with the best set of examples, of those the money was enough to try.

    Raises:
        BudgetSpentError: There is not even the money to measure the parent.
        TrialFailedError: It could not be measured.
    """
    best = Bootstrapped(parent, (), await trials.mean(parent, dev), 0)
    tried, stopped = 0, ""
    for places in _sets(len(pool), seed):
        chosen = [pool[place] for place in places]
        definition = revised(parent, exemplars=tuple(made for _, made in chosen))
        try:
            score = await trials.mean(definition, dev)
        except BudgetSpentError:
            stopped = "budget"
            break
        except TrialFailedError as failed:
            stopped = str(failed) or "trials"
            break
        tried += 1
        if score > best.score + EPSILON:
            best = Bootstrapped(definition, tuple(case.key for case, _ in chosen), score, tried)
    return replace(best, tried=tried, stopped=stopped)


def _sets(size: int, seed: int) -> list[tuple[int, ...]]:
    """Return which places of a pool to try together: growing from the front, then drawn."""
    sets = [tuple(range(count)) for count in range(1, min(MOST_SHOWN, size) + 1)]
    draw = random.Random(seed)  # noqa: S311 - no secret
    drawn = _DRAWN_SETS if size > MOST_SHOWN else 0
    sets += [tuple(sorted(draw.sample(range(size), MOST_SHOWN))) for _ in range(drawn)]
    return list(dict.fromkeys(sets))


def _example(case: Case) -> Exemplar | None:
    answer: Mapping[str, Any] = case.expected.answer
    try:
        output = AgentOutput.model_validate(dict(answer))
    except ValidationError:
        return None
    written = output.model_dump(mode="json")
    text = json.dumps(written, ensure_ascii=False)
    if not any(output.findings()) or len(text) > _LONGEST_ANSWER or len(case.request) > _LONGEST_REQUEST:
        return None
    if speaks_to_grader(f"{case.request}\n{text}"):
        return None
    return Exemplar(case.request, written)


def _least_alike(usable: Sequence[tuple[Case, Exemplar]], taken: Sequence[tuple[Case, Exemplar]]) -> int:
    """Return the place of the candidate that is least like those taken; the first of equals."""
    words = [_words(case) for case, _ in taken]
    likeness = [max((_overlap(_words(case), other) for other in words), default=0.0) for case, _ in usable]
    return min(range(len(usable)), key=lambda place: (likeness[place], place))


def _words(case: Case) -> frozenset[str]:
    return frozenset(_WORD.findall(f"{case.request} {case.subject}".casefold()))


def _overlap(one: frozenset[str], other: frozenset[str]) -> float:
    together = one | other
    return len(one & other) / len(together) if together else 1.0
