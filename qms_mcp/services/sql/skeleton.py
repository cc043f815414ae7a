"""A statement to start from, made by rules alone."""

import re
from collections.abc import Sequence

from qms_mcp.services.sql.models import ValueHint
from qms_mcp.services.sql.relevance import Match

_COUNTS = re.compile(r"\b(?:how many|number of|count)\b", re.IGNORECASE)
_MOST_SHOWN = 8
# A table is joined when it fits nearly as well as the best one.
_JOINED_SHARE = 0.6


def skeleton(question: str, matches: Sequence[Match], paths: Sequence[str], values: Sequence[ValueHint]) -> str:
    """Return a SELECT over the best table, joined as far as foreign keys lead, narrowed by the values named."""
    if not matches:
        return ""
    best = matches[0].table
    near = {match.table.name for match in matches if match.score >= matches[0].score * _JOINED_SHARE}
    joined, on = _joined(best.name, [path for path in paths if _tables_in(path) <= near])
    conditions = [
        f"{hint.column} {_compared(hint.matched)}"
        for hint in values
        if hint.matched and hint.column.rpartition(".")[0] in {best.name, *joined}
    ]
    chosen = [f"{best.name}.{column}" for column in matches[0].columns[:_MOST_SHOWN]]
    shown = "count(*)" if _COUNTS.search(question) else ", ".join(chosen) or f"{best.name}.*"
    lines = [f"SELECT {shown}", f"FROM {best.name}", *on]
    lines += [f"{'WHERE' if number == 0 else '    AND'} {each}" for number, each in enumerate(conditions)]
    if shown != "count(*)":
        lines += [
            f"ORDER BY {best.name}.id" if any(c.name == "id" for c in best.columns) else "ORDER BY 1",
            "LIMIT 100",
        ]
    return "\n".join(lines)


def _joined(start: str, paths: Sequence[str]) -> tuple[list[str], list[str]]:
    """Return the tables that can be reached from `start` one after another, and their JOIN lines."""
    reached, lines, waiting = [start], list[str](), list(paths)
    moved = True
    while moved:
        moved = False
        for path in list(waiting):
            sides = _tables_in(path)
            new = [side for side in sides if side not in reached]
            if len(new) == 1 and len(sides) > 1:
                reached.append(new[0])
                lines.append(f"INNER JOIN {new[0]} ON {path}")
                waiting.remove(path)
                moved = True
    return reached[1:], lines


def _tables_in(path: str) -> set[str]:
    return {side.strip().rpartition(".")[0] for side in re.split(r" = | AND ", path)}


def _compared(values: Sequence[str]) -> str:
    quoted = ["'" + value.replace("'", "''") + "'" for value in values]
    return f"= {quoted[0]}" if len(quoted) == 1 else f"IN ({', '.join(quoted)})"
