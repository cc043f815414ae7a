"""Tasks that wait for one another: cycles, waves, the longest way, and the schedule of a list.

The schedule is the one the dispatcher follows: whenever a place is free, the ready task with the first priority starts,
among equals the one that stands first. Its length is what a run is measured against.
"""

import heapq
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

Needs = Mapping[str, Sequence[str]]


@dataclass(frozen=True, slots=True)
class Schedule:
    """When each task starts and ends, in seconds from the start."""

    starts: Mapping[str, float]
    ends: Mapping[str, float]

    @property
    def makespan(self) -> float:
        """When the last task ends."""
        return max(self.ends.values(), default=0.0)


def list_schedule(
    durations: Mapping[str, float], needs: Needs, at_once: int, priorities: Mapping[str, int] | None = None
) -> Schedule:
    """Return the schedule of tasks with known durations, in the order of `durations`."""
    places = {key: place for place, key in enumerate(durations)}
    waiting = {key: set(needs.get(key, ())) for key in durations}
    rank = {key: ((priorities or {}).get(key, 5), places[key]) for key in durations}
    ready = [(rank[key], key) for key, open_needs in waiting.items() if not open_needs]
    heapq.heapify(ready)
    running: list[tuple[float, int, str]] = []
    starts: dict[str, float] = {}
    ends: dict[str, float] = {}
    now = 0.0
    while ready or running:
        while ready and len(running) < at_once:
            _, key = heapq.heappop(ready)
            starts[key] = now
            heapq.heappush(running, (now + durations[key], places[key], key))
        now, _, done = heapq.heappop(running)
        ends[done] = now
        for key, open_needs in waiting.items():
            if done in open_needs:
                open_needs.discard(done)
                if not open_needs:
                    heapq.heappush(ready, (rank[key], key))
    return Schedule(starts, ends)


def ideal_makespan(durations: Mapping[str, float], needs: Needs, at_once: int) -> float:
    """Return how long tasks take on the schedule of the list, without any overhead."""
    return list_schedule(durations, needs, at_once).makespan


def cycle(needs: Needs) -> tuple[str, ...]:
    """Return a circle of tasks that wait for one another, its first repeated at its end; empty if there is none."""
    done: set[str] = set()
    for begin in needs:
        way: list[str] = []
        stack: list[tuple[str, int]] = [(begin, 0)]
        while stack:
            key, place = stack.pop()
            if place == 0:
                if key in done:
                    continue
                way.append(key)
            waits = needs.get(key, ())
            if place == len(waits):
                done.add(key)
                way.pop()
                continue
            stack.append((key, place + 1))
            following = waits[place]
            if following in way:
                return (*way[way.index(following) :], following)
            stack.append((following, 0))
    return ()


def waves(needs: Needs) -> tuple[tuple[str, ...], ...]:
    """Return tasks by how many stand before them on the longest way; there must be no circle."""
    depths: dict[str, int] = {}
    remaining = dict(needs)
    while remaining:
        now = [key for key, waits in remaining.items() if all(wait in depths for wait in waits)]
        for key in now:
            depths[key] = 1 + max((depths[wait] for wait in needs[key]), default=0)
            del remaining[key]
    deepest = max(depths.values(), default=0)
    return tuple(tuple(key for key in needs if depths[key] == depth) for depth in range(1, deepest + 1))


def critical_path(durations: Mapping[str, float], needs: Needs) -> tuple[str, ...]:
    """Return the way through the tasks that takes longest, were there places for all."""
    ends: dict[str, float] = {}
    before: dict[str, str | None] = {}
    for key in (key for wave in waves(needs) for key in wave):
        latest = max(needs[key], key=lambda wait: ends[wait], default=None)
        before[key] = latest
        ends[key] = durations[key] + (ends[latest] if latest is not None else 0.0)
    last = max(ends, key=lambda key: ends[key], default=None)
    way: list[str] = []
    while last is not None:
        way.append(last)
        last = before[last]
    return tuple(reversed(way))
