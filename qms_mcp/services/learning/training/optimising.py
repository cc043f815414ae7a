"""Optimising the words of a version: the search of gepa, our runs, our model, our budget.

gepa (L. A. Agrawal et al., GEPA: Reflective Prompt Evolution Can Outperform Reinforcement Learning, 2025) keeps a pool
of candidates, has one answer a few cases of the train side, asks for better words with what went wrong, and takes the
new one up when it is better on those; each taken up is measured on the dev side. Here a candidate is the agent's own
part of its prompt. gepa runs in a thread; whatever it asks for is done in the event loop it was called from.

With the same dataset, seed and answers the search is the same. Every proposal is kept by the job, the useless ones too,
so a search that was interrupted goes over the same path again, without asking anybody twice.
"""

import random
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NoReturn, TypeAlias, cast

import anyio.from_thread
import anyio.to_thread

from qms_mcp.agents.definition import AgentDefinition
from qms_mcp.agents.versioning import revised
from qms_mcp.services.learning.asking import BudgetSpentError
from qms_mcp.services.learning.evaluation.models import Case, CaseResult
from qms_mcp.services.learning.training.proposals import own_part, whole_prompt
from qms_mcp.services.learning.training.reflecting import NO_CHANGE, Reflected, Shown
from qms_mcp.services.learning.training.trials import EPSILON, Sides, TrialFailedError, Trials

COMPONENT = "instructions"
_AT_A_TIME = 3
# So often in a row nothing usable came, or nothing better: it is not worth more money.
_MOST_USELESS, _MOST_WITHOUT = 4, 6
_MOST_ROUNDS = 40

Reflects: TypeAlias = Callable[[str, Sequence[Shown]], Awaitable[Reflected]]
Keeps: TypeAlias = Callable[[int, Reflected], Awaitable[None]]
Texts: TypeAlias = Callable[[Sequence[CaseResult]], Awaitable[Sequence[str]]]


@dataclass(frozen=True, slots=True)
class Optimised:
    """What the search came to.

    Attributes:
        definition: The best version on the dev side; the one it began with where none is better.
        score: Its mean there.
        proposals: How many were made.
        dropped: Those that could not be used, by why.
        stopped: `budget` or `optimiser` when it ended early; empty when it did not.
        why: Of that.
    """

    definition: AgentDefinition
    score: float
    proposals: int
    dropped: Mapping[str, int]
    stopped: str
    why: str


@dataclass(frozen=True, slots=True)
class Doing:
    """What the search has done for it.

    Attributes:
        reflect: Asks for better words.
        keep: Keeps a proposal with its number.
        kept: Proposals of before an interruption, by number.
        texts: Returns what was answered, for results.
    """

    reflect: Reflects
    keep: Keeps
    texts: Texts
    kept: Mapping[int, Reflected] = field(default_factory=dict[int, Reflected])


async def optimise(
    trials: Trials, start: AgentDefinition, sides: Sides, doing: Doing, *, seed: int, most_calls: int
) -> Optimised:
    """Search for better words.

    Args:
        trials: Has versions answer cases.
        start: The version to begin with.
        sides: Cases to learn from and to choose by.
        doing: What asks, keeps and reads.
        seed: Of the search.
        most_calls: How many cases may be answered.

    Raises:
        TrialFailedError: The version it begins with could not be measured.
        BudgetSpentError: There is not even the money for that.
    """
    before = await trials.mean(start, sides.dev)
    search = _Search(trials, start, sides, doing)
    state = random.getstate()
    try:
        await anyio.to_thread.run_sync(_run, search, seed, most_calls)
    finally:
        # The search has a generator of its own; that of the process is put back, whoever used it.
        random.setstate(state)
    if search.error is not None:
        raise search.error
    return search.result(before)


class _EndedError(BaseException):
    """Ends the search from inside; gepa goes on after an ordinary exception."""


class _Search:
    """The adapter gepa works with, and its proposer."""

    # Read by gepa: proposals are made by the function it is given.
    propose_new_texts = None

    def __init__(self, trials: Trials, start: AgentDefinition, sides: Sides, doing: Doing) -> None:
        self._trials = trials
        self._start = start
        self._sides = sides
        self._doing = doing
        self._seed_text = own_part(start.prompt)
        self._seen: dict[str, AgentDefinition] = {self._seed_text: start}
        self.proposals = 0
        self._useless = self._without = 0
        self._dropped: Counter[str] = Counter()
        self.stopped = self.why = ""
        self.error: BaseException | None = None

    @property
    def seed(self) -> dict[str, str]:
        """The candidate to begin with."""
        return {COMPONENT: self._seed_text}

    def result(self, before: float) -> Optimised:
        """Return the best of what was measured on the whole dev side; the earliest of equals."""
        best, score = self._start, before
        for definition in self._seen.values():
            mean = self._trials.mean_if_known(definition, self._sides.dev)
            if mean is not None and mean > score + EPSILON:
                best, score = definition, mean
        return Optimised(best, score, self.proposals, dict(self._dropped), self.stopped, self.why)

    # What gepa calls, in its thread ----------------------------------------------------------------------------------

    def evaluate(self, batch: list[Case], candidate: dict[str, str], capture_traces: bool = False) -> Any:
        """Have a candidate answer cases."""
        from gepa.core.adapter import EvaluationBatch  # noqa: PLC0415 - only when something is optimised

        definition = self._definition(candidate[COMPONENT])
        results = self._do(self._trials.results, definition, batch)
        trajectories = None
        if capture_traces:
            texts = self._do(self._doing.texts, results)
            trajectories = [
                Shown(case.request, text, one.score, {**one.details, **_noted(one)}, case.expected.answer)
                for case, text, one in zip(batch, texts, results, strict=True)
            ]
        return EvaluationBatch(
            outputs=[str(one.run_id) for one in results],
            scores=[one.score for one in results],
            trajectories=trajectories,
        )

    def make_reflective_dataset(self, candidate: dict[str, str], eval_batch: Any, components: list[str]) -> Any:
        """Return what the proposer is shown."""
        del candidate
        return {name: [{"shown": one} for one in eval_batch.trajectories] for name in components}

    def propose(
        self, candidate: dict[str, str], shown: Mapping[str, Sequence[Mapping[str, Any]]], components: list[str]
    ) -> dict[str, str]:
        """Return better words; nothing where there are none."""
        del components
        cases = [cast("Shown", one["shown"]) for one in shown[COMPONENT]]
        self.proposals += 1
        reflected = self._doing.kept.get(self.proposals)
        if reflected is None:
            reflected = self._do(self._doing.reflect, candidate[COMPONENT], cases)
            self._do(self._doing.keep, self.proposals, reflected)
        else:
            self._trials.spend.settle(0.0, reflected.cost_usd)
        if reflected.problem:
            self._useless += reflected.problem != NO_CHANGE
            self._dropped[reflected.problem.split(":", maxsplit=1)[0]] += 1
            return {}
        self._useless = 0
        return {COMPONENT: reflected.text}

    def should_stop(self, gepa_state: Any) -> bool:
        """Whether it is not worth going on."""
        del gepa_state
        if self._useless >= _MOST_USELESS:
            self.stopped, self.why = "optimiser", f"{self._useless} proposals in a row could not be used"
        return bool(self.stopped) or self.proposals >= _MOST_ROUNDS or self._without >= _MOST_WITHOUT

    def on_candidate_accepted(self, event: Any) -> None:
        """Note that something better was found."""
        del event
        self._without = 0

    def on_iteration_end(self, event: Any) -> None:
        """Note that a round has ended."""
        del event
        self._without += 1

    def log(self, message: str) -> None:
        """Say nothing: what counts is kept by the job."""

    # How it is done --------------------------------------------------------------------------------------------------

    def _definition(self, text: str) -> AgentDefinition:
        if text not in self._seen:
            self._seen[text] = revised(self._start, prompt=whole_prompt(text))
        return self._seen[text]

    def _do(self, work: Callable[..., Awaitable[Any]], *arguments: Any) -> Any:
        try:
            return anyio.from_thread.run(_awaited, work, arguments)
        except BudgetSpentError as spent:
            self._end("budget", spent.message)
        except TrialFailedError as failed:
            self._end("trials", str(failed))
        except BaseException as error:
            # Told on by whoever waits for the thread.
            self.error = error
            raise _EndedError from error

    def _end(self, stopped: str, why: str) -> NoReturn:
        self.stopped, self.why = stopped, why
        raise _EndedError


async def _awaited(work: Callable[..., Awaitable[Any]], arguments: tuple[Any, ...]) -> Any:
    return await work(*arguments)


def _run(search: _Search, seed: int, most_calls: int) -> None:
    """Run gepa; it ends by itself, by `_EndedError`, or not at all."""
    from gepa import api  # noqa: PLC0415 - only when something is optimised

    sides = search._sides  # noqa: SLF001  # pyright: ignore[reportPrivateUsage] - its own search
    try:
        cast("Any", api).optimize(
            seed_candidate=search.seed,
            trainset=list(sides.train),
            valset=list(sides.dev),
            adapter=search,
            custom_candidate_proposer=search.propose,
            reflection_minibatch_size=min(_AT_A_TIME, len(sides.train)),
            max_metric_calls=most_calls,
            stop_callbacks=[search.should_stop],
            callbacks=[search],
            logger=search,
            seed=seed,
            raise_on_exception=True,
            display_progress_bar=False,
        )
    except _EndedError:
        return


def _noted(result: CaseResult) -> dict[str, Any]:
    noted: dict[str, Any] = {"scores": dict(result.scores)}
    for name in ("error", "vetoed", "status"):
        if getattr(result, name):
            noted[name] = getattr(result, name)
    return noted
