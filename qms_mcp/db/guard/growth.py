"""How large a query becomes while it is planned.

PostgreSQL copies subqueries and WITH queries into the query around them, and each use of their columns becomes a copy
of the expression behind it. Two uses a level double it, so thirty short levels are more than any memory holds, and
while the planner copies it listens to no time limit. The analysed tree has everything to foresee that: the sizes are
multiplied here, and nothing is copied.

It errs upwards, by little: what PostgreSQL never opens (LIMIT, aggregates) counts as one where it is used.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TypeAlias

from qms_mcp.db.guard.tree import Node, Value
from qms_mcp.errors import LimitExceededError

MAX_NODES = 200_000
MAX_LEVELS = 100

# A table in a join costs the planner more than a node of an expression.
_RELATION = 25
_SUBQUERY, _JOIN, _VALUES, _WITH, _GROUP = 1, 2, 5, 6, 9
_MATERIALIZED, _NOT_MATERIALIZED = 1, 2
_OPAQUE = frozenset({"AGGREF", "WINDOWFUNC"})
_APART = frozenset({"cteList", "rtable", "targetList"})


@dataclass(slots=True)
class _Size:
    """What a query grows to.

    Attributes:
        nodes: All of it.
        columns: What one use of each column becomes.
        levels: How many queries are copied into it, one within the other.
    """

    nodes: int = 1
    columns: list[int] = field(default_factory=list[int])
    levels: int = 1


_OPENED: TypeAlias = dict[str, tuple[_Size, bool]]


@dataclass(slots=True)
class _Scope:
    """What the names in a query stand for: its range table by position, and its WITH queries by name."""

    tables: list[list[int]] = field(default_factory=list[list[int]])
    queries: _OPENED = field(default_factory=dict[str, "tuple[_Size, bool]"])


def check_growth(query: Value) -> None:
    """Refuse a query that grows too large, or whose WITH queries and subqueries lead too deep.

    Raises:
        LimitExceededError: It does.
    """
    if isinstance(query, Node):
        _query(query, [])


def _query(query: Node, outer: list[_Scope]) -> _Size:
    scope, size = _Scope(), _Size()
    scopes = [scope, *outer]
    for definition in query.items("cteList"):
        if isinstance(definition, Node):
            _with_query(definition, scopes, size)
    for entry in query.items("rtable"):
        scope.tables.append(_entry(entry, scopes, size) if isinstance(entry, Node) else [])
    for target in query.items("targetList"):
        size.nodes += _nodes(target, scopes, size)
        size.columns.append(_nodes(target, scopes, _Size(), opaque=True) - 1)
    rest = [value for name, value in query.fields.items() if name not in _APART]
    size.nodes += _nodes(rest, scopes, size)
    if query.fields.get("limitCount") is not None or query.fields.get("limitOffset") is not None:
        size.columns = [1] * len(size.columns)
    elif query.fields.get("setOperations") is not None:
        arms = [columns for columns in scope.tables if columns]
        size.columns = [max(column) for column in zip(*arms, strict=False)] or size.columns
    _check(size)
    return size


def _with_query(definition: Node, scopes: list[_Scope], size: _Size) -> None:
    body = definition.fields.get("ctequery")
    if not isinstance(body, Node):
        return
    inner = _query(body, scopes)
    how = definition.number("ctematerialized")
    copied = definition.fields.get("cterecursive") != "true" and (
        how == _NOT_MATERIALIZED or (how != _MATERIALIZED and definition.number("cterefcount") == 1)
    )
    if not copied:
        size.nodes += inner.nodes
    scopes[0].queries[str(definition.fields.get("ctename"))] = (inner, copied)


def _entry(entry: Node, scopes: list[_Scope], size: _Size) -> list[int]:
    """Count an entry of a range table and return what one use of each of its columns becomes."""
    size.nodes += _RELATION
    kind, inner = entry.number("rtekind"), entry.fields.get("subquery")
    if kind == _SUBQUERY and isinstance(inner, Node):
        return _within(_query(inner, scopes), size)
    if kind == _WITH:
        level = entry.number("ctelevelsup")
        known = scopes[level].queries if level < len(scopes) else {}
        found, copied = known.get(str(entry.fields.get("ctename")), (None, False))
        return _within(found, size) if found and copied else []
    if kind in {_JOIN, _GROUP}:
        return [_nodes(column, scopes, _Size()) for column in entry.items("joinaliasvars" if kind == _JOIN else
                                                                         "groupexprs")]  # fmt: skip
    if kind == _VALUES:
        rows = [
            [_nodes(value, scopes, _Size()) for value in row]
            for row in entry.items("values_lists")
            if isinstance(row, list)
        ]
        size.nodes += sum(map(sum, rows))
        return [max(column) for column in zip(*rows, strict=False)]
    size.nodes += _nodes([value for name, value in entry.fields.items() if name != "subquery"], scopes, size)
    return []


def _within(inner: _Size, size: _Size) -> list[int]:
    size.nodes += inner.nodes
    size.levels = max(size.levels, inner.levels + 1)
    _check(size)
    return inner.columns


def _nodes(value: Value, scopes: list[_Scope], size: _Size, *, opaque: bool = False) -> int:
    """Return the size of an expression once the columns in it are what they stand for.

    Args:
        value: The expression.
        scopes: The query it stands in, and those around it.
        size: Takes the levels of queries in it.
        opaque: Whether aggregates count as one: they stay where they are.
    """
    total = 0
    for node in _outer_nodes(value, opaque=opaque):
        if node.tag == "QUERY":
            inner = _query(node, scopes)
            total += inner.nodes
            size.levels = max(size.levels, inner.levels + 1)
        elif node.tag == "VAR":
            total += _used(node, scopes)
        else:
            total += 1
        if total > MAX_NODES:
            raise _too_large()
    return total


def _used(column: Node, scopes: list[_Scope]) -> int:
    level, table, place = column.number("varlevelsup"), column.number("varno"), column.number("varattno")
    tables = scopes[level].tables if level < len(scopes) else []
    columns = tables[table - 1] if 0 < table <= len(tables) else []
    if place == 0:
        return sum(columns) or 1
    return columns[place - 1] if 0 < place <= len(columns) else 1


def _outer_nodes(value: Value, *, opaque: bool) -> Iterator[Node]:
    """Yield the nodes of a value; queries, and aggregates if they are opaque, are yielded and not entered."""
    waiting: list[Value] = [value]
    while waiting:
        item = waiting.pop()
        if isinstance(item, list):
            waiting.extend(each for each in item if isinstance(each, (Node, list)))
        elif isinstance(item, Node):
            yield item
            if item.tag != "QUERY" and not (opaque and item.tag in _OPAQUE):
                waiting.extend(each for each in item.fields.values() if isinstance(each, (Node, list)))


def _check(size: _Size) -> None:
    if size.nodes > MAX_NODES:
        raise _too_large()
    if size.levels > MAX_LEVELS:
        raise LimitExceededError(
            f"Its subqueries and WITH queries lead more than {MAX_LEVELS} levels deep.",
            hint="Write AS MATERIALIZED behind the name of a WITH query, or use fewer.",
        )


def _too_large() -> LimitExceededError:
    return LimitExceededError(
        "Planning it would take too much: expressions and subqueries that are used several times multiply.",
        hint="Write WITH name AS MATERIALIZED (...) where a subquery's column is used more than once.",
    )
