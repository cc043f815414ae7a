"""Which agents a request needs, and why; and why not the others.

Rules come first: requests of a usual kind have their agents; else each agent is scored by how many of its words the
request says. A request is only ever read for words: what it tells anybody to do changes nothing here. Where the rules
are unsure they say so, and the answer of a model may be taken in; it can choose between agents that there are, no more.
"""

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

from qms_mcp.agents.definition import AgentDefinition
from qms_mcp.agents.usual_requests import OTHER_WORDS, USUAL, UsualRequest

_READ = 8_000
_RECORD = re.compile(r"\b[A-Z]{2,6}-\d{4}-\d{4,6}\b")
_DOCUMENT = re.compile(r"\b(?:SOP|WI|FRM|POL|DOC|VS)-\d{3,6}\b")
_TABLE = re.compile(r"\b(?:qms|agents|ml_loop|search|public)\.[a-z_][a-z0-9_]*\b")
_HALF = 0.5
_USUAL_SCORE = 0.9
_NAMED_SCORE = 0.95
_ENOUGH = 0.5
_FALLBACK = ("data", "qa")


@dataclass(frozen=True, slots=True)
class Chosen:
    """An agent that is to work on the request."""

    agent: str
    reason: str
    score: float


@dataclass(frozen=True, slots=True)
class Alternative:
    """An agent that is not, and why."""

    agent: str
    reason: str
    score: float


@dataclass(frozen=True, slots=True)
class Choice:
    """What was chosen, between what, and why.

    Attributes:
        agents: The most important first.
        alternatives: The agents that were not chosen.
        subject: Record, document or table the request names first.
        kind: The usual kind of request it is, if it is one.
        confidence: How sure the rules (or the model) are.
        needs_model: The rules are unsure: a model should be asked, if there is one.
        by: `rules`, or the model that had its say.
    """

    agents: tuple[Chosen, ...]
    alternatives: tuple[Alternative, ...]
    subject: str
    kind: str
    confidence: float
    needs_model: bool
    by: str = "rules"

    @property
    def names(self) -> tuple[str, ...]:
        """The chosen agents."""
        return tuple(chosen.agent for chosen in self.agents)

    @property
    def rationale(self) -> str:
        """Why, in a sentence or two."""
        reasons = "; ".join(f"{chosen.agent}: {chosen.reason}" for chosen in self.agents)
        return f"By {self.by}{f', as {self.kind}' if self.kind else ''}: {reasons}."


def choose(
    request: str, roster: Mapping[str, AgentDefinition], *, at_most: int = 6, agent_runs: bool = False
) -> Choice:
    """Choose agents by rules.

    Args:
        request: What is asked, in words; only its beginning is read.
        roster: The agents there are.
        at_most: How many agents may be chosen.
        agent_runs: Whether agents have run in this organization, so that there is something to evaluate.
    """
    read = unicodedata.normalize("NFKC", request[:_READ])
    subject, is_record = _subject(read)
    text = read.casefold()
    usual = next((one for one in USUAL if one.pattern.search(text)), None)
    scores = {name: _score(name, definition, text) for name, definition in roster.items()}
    kind = usual.name if usual is not None else ""
    _raise_usual(scores, usual, agent_runs=agent_runs)
    if usual is None and is_record and not any(score >= _ENOUGH for score, _ in scores.values()):
        kind = "investigation"
        _raise_all(scores, ("qa", "data", "analytics"), f"The request names {subject}")
    return _choice(scores, subject=subject, kind=kind, at_most=at_most)


def with_answer(choice: Choice, names: Sequence[str], reason: str, *, model: str, at_most: int = 6) -> Choice:
    """Take in which agents a model names for the request.

    Agents the rules are sure of stay: a model that misses them is told by the text. Names of no agent are left out; an
    answer without any name of an agent changes nothing.
    """
    scored = {one.agent: one for one in (*choice.agents, *choice.alternatives)}
    named = [name for name in dict.fromkeys(names) if name in scored]
    if not named:
        return choice
    sure = [one for one in choice.agents if one.score >= _USUAL_SCORE]
    said = f"{model} names it: {reason.strip()[:200] or 'without a reason'}"
    added = [Chosen(name, said, scored[name].score) for name in named if name not in {one.agent for one in sure}]
    agents = tuple([*sure, *added][:at_most])
    taken = {one.agent for one in agents}
    others = tuple(
        Alternative(one.agent, one.reason if isinstance(one, Alternative) else f"{model} does not name it", one.score)
        for one in scored.values()
        if one.agent not in taken
    )
    confidence = max(choice.confidence, 0.8)
    return replace(choice, agents=agents, alternatives=others, confidence=confidence, needs_model=False, by=model)


def _subject(text: str) -> tuple[str, bool]:
    upper = text.upper()
    for pattern, where, is_record in ((_RECORD, upper, True), (_DOCUMENT, upper, False), (_TABLE, text.lower(), False)):
        match = pattern.search(where)
        if match is not None:
            return match.group(), is_record
    return "", False


@lru_cache(maxsize=1_024)
def _pattern(word: str) -> re.Pattern[str]:
    return re.compile(word)


def _score(name: str, definition: AgentDefinition, text: str) -> tuple[float, str]:
    words = (*definition.words, *OTHER_WORDS.get(name, ()))
    said = [match.group().strip() for word in words if (match := _pattern(word).search(text))]
    spoken = re.escape(name.replace("_", " ")).replace("\\ ", "[ _-]")
    if re.search(rf"\b{spoken}[ -]agent\b", text):
        return _NAMED_SCORE, f"The request names the {name} agent"
    if not said:
        return 0.0, "None of its words is in the request"
    told = ", ".join(f'"{word[:40]}"' for word in dict.fromkeys(said[:5]))
    return round(1 - _HALF ** len(set(said)), 3), f"The request says {told}"


def _raise_usual(scores: dict[str, tuple[float, str]], usual: UsualRequest | None, *, agent_runs: bool) -> None:
    if usual is None:
        return
    names = [agent for agent, when in usual.agents if when != "runs" or agent_runs]
    _raise_all(scores, names, f"It belongs to the usual request: {usual.name}")


def _raise_all(scores: dict[str, tuple[float, str]], names: Sequence[str], reason: str) -> None:
    for place, name in enumerate(names):
        score, said = scores.get(name, (0.0, ""))
        if name in scores and score < _NAMED_SCORE:
            told = f"{reason}. {said}" if score else reason
            scores[name] = (round(_USUAL_SCORE + (len(names) - place) * 0.005, 3), told)


def _choice(scores: Mapping[str, tuple[float, str]], *, subject: str, kind: str, at_most: int) -> Choice:
    places = {name: place for place, name in enumerate(scores)}
    order = sorted(scores, key=lambda name: (-scores[name][0], places[name]))
    best = scores[order[0]][0] if order else 0.0
    # An agent with a single word beside one with many is noise; beside a usual request it is a wish of its own.
    least = _ENOUGH if best < _USUAL_SCORE else _ENOUGH + 0.1
    wanted = [name for name in order if scores[name][0] >= least]
    reasons = {name: scores[name][1] for name in scores}
    if not wanted:
        wanted = [name for name in _FALLBACK if name in scores] or order[:1]
        reasons.update(dict.fromkeys(wanted, "The request says nothing that points to any agent; it looks widest"))
    chosen = wanted[:at_most]
    if len(wanted) > at_most:
        reasons.update(dict.fromkeys(wanted[at_most:], f"There are {at_most} agents at most, and others fit better"))
    confidence = round(min(0.95, best), 3) if best else 0.2
    return Choice(
        agents=tuple(Chosen(name, reasons[name], scores[name][0]) for name in chosen),
        alternatives=tuple(Alternative(name, reasons[name], scores[name][0]) for name in order if name not in chosen),
        subject=subject,
        kind=kind,
        confidence=confidence,
        needs_model=best <= _ENOUGH,
    )
