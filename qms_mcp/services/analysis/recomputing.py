"""Whether a number is still the same when it is computed again, and if not, why."""

import math
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, cast

from pydantic import Field

from qms_mcp.services.answer import Answer

if TYPE_CHECKING:
    from qms_mcp.services.analysis.evaluating import Evaluated
    from qms_mcp.services.analysis.keeping import Kept
    from qms_mcp.services.analysis.method import AnyMethod

_MOST_SHOWN = 20
_LONGEST = 120
_SAME_TO = 1e-9


class Recomputed(Answer):
    """What computing again gave.

    Attributes:
        same: Every number and word is as it was (numbers to nine digits).
        why: Why not; or why it is the same although something changed.
        differences: Place, before, now; at most 20 of them.
    """

    same: bool
    headline: str
    why: list[str] = Field(default_factory=list[str])
    differences: list[list[Any]] = Field(default_factory=list[list[Any]])
    differing: int = 0
    was: dict[str, Any]
    now: dict[str, Any]


def compared(row: Mapping[str, Any], kept: "Kept", evaluated: "Evaluated", method: "AnyMethod") -> Recomputed:
    """Return how a kept calculation and its repetition compare."""
    differing = list(_differences("", row["answer"], kept.answer))
    same, identical = not differing, row["answer_sha256"] == kept.answer_sha256
    why = list(_reasons(row, evaluated, method))
    if not same and not why:
        why = ["Neither the data nor the method nor the software changed: the method is not deterministic. Report it."]
    headline = (
        f"The same{'' if identical else ' to nine digits'}: {kept.answer['headline']}"
        if same
        else f"Not the same: {len(differing)} values differ. {why[0]}"
    )
    return Recomputed(
        same=same,
        headline=headline,
        why=why,
        differences=[[place, _short(before), _short(now)] for place, before, now in differing[:_MOST_SHOWN]],
        differing=len(differing),
        was=_facts(row["id"], row["created_at"], row["n"], row["input_rows"], row["input_sha256"]),
        now=_facts(kept.id, kept.at, evaluated.computed.n, evaluated.rows, evaluated.input_sha256),
    )


def _facts(calculation: Any, at: Any, n: int, rows: int, digest: str) -> dict[str, Any]:
    moment = at.isoformat(timespec="seconds")
    return {"calculation": str(calculation), "at": moment, "n": n, "rows": rows, "input_sha256": digest}


def _reasons(row: Mapping[str, Any], evaluated: "Evaluated", method: "AnyMethod") -> Iterator[str]:
    from qms_mcp.services.analysis.keeping import software  # noqa: PLC0415 - it keeps what this compares

    if row["input_sha256"] != evaluated.input_sha256:
        counts = f"{row['input_rows']:,} rows then, {evaluated.rows:,} now"
        same_count = row["input_rows"] == evaluated.rows
        yield f"The data changed: {counts}{', with other values' if same_count else ''}."
    if row["method_version"] != method.version:
        yield f"The method changed: {method.name} {row['method_version']} then, {method.version} now."
    for name, now in software().items():
        then = row["software"].get(name)
        if then != now:
            yield f"{name} {then or 'unknown'} then, {now} now."


def _differences(place: str, before: Any, now: Any) -> Iterator[tuple[str, Any, Any]]:
    if isinstance(before, dict) and isinstance(now, dict):
        was, became = cast("dict[str, Any]", before), cast("dict[str, Any]", now)
        for name in [*was, *(key for key in became if key not in was)]:
            yield from _differences(f"{place}.{name}".lstrip("."), was.get(name), became.get(name))
        return
    if isinstance(before, list) and isinstance(now, list):
        ones, others = cast("list[Any]", before), cast("list[Any]", now)
        if len(ones) == len(others):
            for at, (one, other) in enumerate(zip(ones, others, strict=True)):
                yield from _differences(f"{place}[{at}]", one, other)
            return
    if not _alike(before, now):
        yield place, before, now


def _alike(before: Any, now: Any) -> bool:
    if isinstance(before, int | float) and isinstance(now, int | float):
        return math.isclose(before, now, rel_tol=_SAME_TO, abs_tol=0)
    return bool(before == now)


def _short(value: Any) -> Any:
    text = str(value)
    return value if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"
