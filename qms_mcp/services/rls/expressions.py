"""Policies as PostgreSQL prints them: which calls are made once per row.

A call inside a sub-select that reads no table is computed once per statement; anywhere else it is made for every row.
"""

import re

_CALL = re.compile(
    r"(?<![\w.])(?:qms\.(?:current_\w+|has_role|may_write)|auth\.(?:uid|jwt|role|email)|current_setting)(?=\()"
)


def calls_per_row(expression: str) -> list[str]:
    """Return the calls of an expression that are made for every row, each once."""
    found = [
        expression[match.start() : _closing(expression, match.end()) + 1]
        for match in _CALL.finditer(expression)
        if not _once(expression, match.start())
    ]
    return list(dict.fromkeys(found))


def wrapped(expression: str) -> str:
    """Return the expression with each such call in a sub-select of its own."""
    for call in calls_per_row(expression):
        expression = re.sub(
            rf"(?<![\w.])(?<!SELECT ){re.escape(call)}", lambda match: f"(SELECT {match[0]})", expression
        )
    return expression


def _closing(text: str, opening: int) -> int:
    depth = 0
    for position in range(opening, len(text)):
        depth += {"(": 1, ")": -1}.get(text[position], 0)
        if depth == 0:
            return position
    return len(text) - 1


def _once(text: str, position: int) -> bool:
    """Whether the place is inside a sub-select without a FROM."""
    depth = 0
    for start in range(position - 1, -1, -1):
        if text[start] == ")":
            depth += 1
        elif text[start] == "(":
            if depth:
                depth -= 1
            elif re.match(r"\(\s*SELECT\b", text[start:]):
                return not _reads_a_table(text[start + 1 : _closing(text, start)])
    return False


def _reads_a_table(select: str) -> bool:
    depth = 0
    for match in re.finditer(r"[()]|\bFROM\b", select):
        if match[0] == "FROM" and depth == 0:
            return True
        depth += {"(": 1, ")": -1}.get(match[0], 0)
    return False
