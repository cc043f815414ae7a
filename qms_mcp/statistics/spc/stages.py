"""A chart as a whole: made stage by stage, each with limits of its own, perhaps with points left out.

Leaving out is never silent: `Chart.excluded` says which points, `Chart.rounds` what each round of an iteration left
out. A point left out stays on the chart and is held against the limits it did not help to make.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from qms_mcp.errors import InvalidInputError
from qms_mcp.statistics.spc.attributes import attributes
from qms_mcp.statistics.spc.individuals import individuals
from qms_mcp.statistics.spc.model import Chart, ChartKind, Made, Observations, Settings, Stage
from qms_mcp.statistics.spc.rare import between_counts, between_times
from qms_mcp.statistics.spc.subgroups import subgroups
from qms_mcp.statistics.spc.weighted import cusum, ewma

if TYPE_CHECKING:
    from qms_mcp.statistics.spc.rules import Mask

_MOST_ROUNDS: Final = 10
_MOST_LEFT_OUT: Final = 0.25


@dataclass(frozen=True, slots=True)
class Span:
    """The points of a stage.

    Attributes:
        name: What it is called.
        start: Its first point, 0-based.
        stop: Where the next begins.
    """

    name: str
    start: int
    stop: int


def spans(labels: Sequence[str]) -> tuple[Span, ...]:
    """Return the stages of a column of labels: each run of equal labels is one."""
    found, start = list[Span](), 0
    for at in range(1, len(labels) + 1):
        if at == len(labels) or labels[at] != labels[start]:
            found.append(Span(labels[start], start, at))
            start = at
    return tuple(found)


def control_chart(
    kind: ChartKind,
    observations: Observations,
    settings: Settings,
    stages: Sequence[Span] = (),
    *,
    excluded: Sequence[int] = (),
    iterate: bool = False,
) -> Chart:
    """Return a control chart.

    Args:
        kind: Which chart.
        observations: What was observed, in order.
        settings: How it is made.
        stages: Where limits begin anew; one stage if empty.
        excluded: Places (0-based) of points left out of the estimates.
        iterate: Whether points beyond the limits are left out and the limits made again, until none is beyond.

    Raises:
        InvalidInputError: The observations do not go with the chart, limits can't be made, a place to leave out is not
            there, or the iteration would leave out more than a quarter of the points.
    """
    parts = tuple(stages) or (Span("", 0, observations.points),)
    included = _included(observations, excluded)
    made = _made(kind, observations, settings, parts, included)
    rounds = list[tuple[int, ...]]()
    while iterate and len(rounds) < _MOST_ROUNDS:
        more = tuple(at for at in _beyond(made) if included is None or included[at])
        if not more:
            break
        rounds.append(more)
        included = _without(observations, included, more)
        _refuse_leaving_out_many(included)
        made = _made(kind, observations, settings, parts, included)
    left_out = sorted({*excluded, *(at for round_ in rounds for at in round_)})
    return Chart(kind, made, tuple(left_out), tuple(rounds))


def _made(
    kind: ChartKind, observations: Observations, settings: Settings, parts: Sequence[Span], included: "Mask | None"
) -> tuple[Stage, ...]:
    whole = replace(observations, included=included)
    found = list[Stage]()
    for part in parts:
        try:
            made = family(kind, whole.part(part.start, part.stop), settings)
        except InvalidInputError as error:
            if len(parts) == 1:
                raise
            raise InvalidInputError(f"Stage {part.name!r}: {error.message}", hint=error.hint) from error
        found.append(Stage(part.name, part.start, made.panels, made.estimate, made.flags))
    return tuple(found)


def family(kind: ChartKind, observations: Observations, settings: Settings) -> Made:
    """Return the panels of a chart of one stage."""
    if kind in ("X-bar/R", "X-bar/S"):
        return subgroups(observations, settings, "R" if kind == "X-bar/R" else "S")
    made = {"I-MR": individuals, "EWMA": ewma, "CUSUM": cusum, "g": between_counts, "t": between_times}
    if kind in made:
        return made[kind](observations, settings)
    return attributes(observations, settings, kind)  # type: ignore[arg-type] - what is left


def _included(observations: Observations, excluded: Sequence[int]) -> "Mask | None":
    wrong = [at + 1 for at in excluded if not 0 <= at < observations.points]
    if wrong:
        raise InvalidInputError(
            f"There is no point {wrong[0]} to leave out: there are {observations.points}.", hint="The first point is 1."
        )
    return _without(observations, observations.included, excluded) if excluded else observations.included


def _without(observations: Observations, included: "Mask | None", places: Sequence[int]) -> "Mask":
    made = observations.counted().copy() if included is None else included.copy()
    made[list(places)] = False
    return made


def _beyond(stages: Sequence[Stage]) -> list[int]:
    found = {
        int(at) + stage.start
        for stage in stages
        for panel in stage.panels
        for hits in panel.hits
        if hits.rule.pattern == "beyond" and panel.reach == 1  # a moving range does not say which point it was
        for at in hits.at
    }
    return sorted(found)


def _refuse_leaving_out_many(included: "Mask") -> None:
    out = int((~included).sum())
    if out > _MOST_LEFT_OUT * included.size:
        raise InvalidInputError(
            f"Leaving out points beyond the limits again and again would leave out {out} of {included.size}.",
            hint="The process is not one process: look for its causes, or chart it in stages.",
        )
