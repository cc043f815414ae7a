"""What is worth saying about a plan: fixed rules with fixed thresholds, so that one plan is read one way."""

from collections.abc import Iterator

from qms_mcp.services.sql.models import Finding
from qms_mcp.services.sql.plan_tree import Step

# A step is slow when a quarter of all is spent in it, and all is not next to nothing.
_SHARE, _LEAST_MS, _LEAST_COST, _MOST_SLOW = 0.25, 1.0, 100.0, 3
# An estimate is wrong when it is off by ten, and not about a handful of rows.
_OFF, _LEAST_ROWS = 10.0, 100.0
_MANY_LOOPS = 10_000.0


def read(root: Step) -> list[Finding]:
    """Return what is worth saying, the most important first."""
    return [
        *_slow(root),
        *(finding for step in root.walk() for finding in _of_step(step)),
        *_row_security(root),
    ]


def summary(root: Step, planning_ms: float | None, execution_ms: float | None) -> str:
    """Return the plan in a sentence."""
    costly = max(root.walk(), key=lambda step: (step.own_time or 0.0, step.own_cost))
    if execution_ms is not None:
        total = root.total_time or 0.0
        share = f", {(costly.own_time or 0) / total:.0%} of it in {costly.title}" if total >= _LEAST_MS else ""
        return f"Ran in {execution_ms:.3g} ms{share}; planning took {planning_ms or 0:.2g} ms."
    total = root.number("Total Cost") or 0.0
    share = f", {costly.own_cost / total:.0%} of it in {costly.title}" if total >= _LEAST_COST else ""
    return f"Estimated cost {total:.3g}{share}. Not run: analyze=true measures."


def _slow(root: Step) -> Iterator[Finding]:
    measured = root.total_time is not None
    total = (root.total_time if measured else root.number("Total Cost")) or 0.0
    if total < (_LEAST_MS if measured else _LEAST_COST):
        return
    own = [((step.own_time or 0.0) if measured else step.own_cost, step) for step in root.walk() if not step.is_aside]
    ranked = sorted(own, key=lambda pair: -pair[0])[:_MOST_SLOW]
    for spent, step in ranked:
        if spent / total >= _SHARE:
            what = (
                f"{spent:.3g} ms, {spent / total:.0%} of the time" if measured else f"{spent / total:.0%} of the cost"
            )
            yield Finding(kind="slow", node=step.title, says=f"Takes {what} by itself.")


def _of_step(step: Step) -> Iterator[Finding]:
    yield from _wrong_estimate(step)
    yield from _spill(step)
    yield from _many_loops(step)
    if step.raw.get("Disabled") is True:
        yield Finding(
            kind="disabled", node=step.title, says="A setting discourages this kind of step, and nothing else worked."
        )
    planned, launched = step.number("Workers Planned"), step.number("Workers Launched")
    if planned and launched is not None and launched < planned:
        yield Finding(
            kind="parallel", node=step.title, says=f"Only {launched:.0f} of {planned:.0f} parallel workers were free."
        )


def _wrong_estimate(step: Step) -> Iterator[Finding]:
    actual = step.actual_rows
    if actual is None or step.loops == 0:
        return
    expected, got = max(step.rows, 1.0), max(actual, 1.0)
    factor = max(expected, got) / min(expected, got)
    if factor >= _OFF and max(expected, got) * step.loops >= _LEAST_ROWS:
        yield Finding(
            kind="estimate",
            node=step.title,
            says=f"About {expected:.2g} rows were expected and {actual:.3g} came. Statistics may be old (ANALYZE), or "
            "its conditions depend on each other (CREATE STATISTICS).",
        )


def _spill(step: Step) -> Iterator[Finding]:
    if step.raw.get("Sort Space Type") == "Disk":
        size = step.number("Sort Space Used") or 0
        yield _spilled(step, f"Sorts on disk ({size:,.0f} kB)")
    elif (batches := step.number("Hash Batches") or 0) > 1:
        yield _spilled(step, f"The hash table is split into {batches:.0f} parts on disk")
    elif size := step.number("Disk Usage"):
        yield _spilled(step, f"Groups on disk ({size:,.0f} kB)")


def _spilled(step: Step, what: str) -> Finding:
    return Finding(
        kind="spill", node=step.title, says=f"{what}: work_mem is too small for it. Select fewer rows or columns first."
    )


def _many_loops(step: Step) -> Iterator[Finding]:
    if step.kind != "Nested Loop" or len(step.children) < 2:  # noqa: PLR2004 - an outer and an inner side
        return
    sides = [child for child in step.children if child.raw.get("Parent Relationship") in {"Outer", "Inner"}]
    if len(sides) != 2:  # noqa: PLR2004 - the same
        return
    outer, inner = sides
    measured = inner.number("Actual Loops")
    times = outer.rows if measured is None else measured
    if times >= _MANY_LOOPS:
        yield Finding(
            kind="loop",
            node=step.title,
            says=f"{inner.title} {'is expected to run' if measured is None else 'ran'} {times:,.0f} times, once "
            "for each row of the other side: a join on an indexed column, or fewer rows before it, would help.",
        )


def _row_security(root: Step) -> Iterator[Finding]:
    tables = sorted({step.table for step in root.walk() if step.table and step.row_security})
    if tables:
        yield Finding(
            kind="row_security",
            node=", ".join(tables),
            says="The condition on who is acting is row-level security, a part of every query.",
        )
