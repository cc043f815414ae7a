"""A plan of PostgreSQL as a tree of steps, with what each step costs by itself."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, cast

_CALLS_IDENTITY = re.compile(r"\b(?:qms\.(?:current_\w+|has_role|may_write)|auth\.(?:uid|jwt|role))\(")
_CONDITIONS = ("Filter", "Index Cond", "Recheck Cond", "Join Filter", "Hash Cond", "Merge Cond", "One-Time Filter")
_PER_QUERY = {"InitPlan", "SubPlan"}


@dataclass(frozen=True)
class Step:
    """One node of a plan.

    Attributes:
        raw: The node as EXPLAIN (FORMAT JSON) wrote it.
        children: The nodes below.
        secured: Names under which row security is found in conditions, as `(InitPlan 1).col1`.
    """

    raw: Mapping[str, Any]
    children: tuple["Step", ...] = ()
    secured: tuple[str, ...] = field(default=(), repr=False)

    @property
    def kind(self) -> str:
        """What the node does: `Seq Scan`, `Hash Join`..."""
        return str(self.raw.get("Node Type", "?"))

    @property
    def table(self) -> str | None:
        """The table it reads, with its schema."""
        name = self.raw.get("Relation Name")
        schema = self.raw.get("Schema")
        return None if name is None else f"{schema}.{name}" if schema else str(name)

    @property
    def title(self) -> str:
        """The node in the words of EXPLAIN: what it does, on what, by which index."""
        index = self.raw.get("Index Name")
        on = self.table or self.raw.get("CTE Name") or self.raw.get("Function Name")
        title = f"{self.kind} using {index}" if index else self.kind
        return f"{title} on {on}" if on else title

    @property
    def rows(self) -> float:
        """Rows expected of one execution."""
        return self.number("Plan Rows") or 0.0

    @property
    def loops(self) -> float:
        """How often it ran; 1 when nothing was measured."""
        loops = self.number("Actual Loops")
        return 1.0 if loops is None else loops

    @property
    def is_aside(self) -> bool:
        """Whether it runs inside whichever step asks for it first, so that its time is counted there."""
        return self.raw.get("Parent Relationship") == "InitPlan"

    @property
    def actual_rows(self) -> float | None:
        """Rows measured per execution; None when not measured, or withheld."""
        return self.number("Actual Rows")

    @property
    def total_time(self) -> float | None:
        """Milliseconds in this node and all below, over all executions."""
        time = self.number("Actual Total Time")
        return None if time is None else time * self.loops

    @property
    def own_time(self) -> float | None:
        """Milliseconds in this node itself."""
        total = self.total_time
        below = sum(child.total_time or 0.0 for child in self.children if not child.is_aside)
        return None if total is None else max(0.0, total - below)

    @property
    def own_cost(self) -> float:
        """Estimated cost of this node itself."""
        below = sum(child.number("Total Cost") or 0.0 for child in self.children if not child.is_aside)
        return max(0.0, (self.number("Total Cost") or 0.0) - below)

    def number(self, key: str) -> float | None:
        """Return a number of the node; None when it has none, or it is withheld."""
        value = self.raw.get(key)
        return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None

    def text(self, key: str) -> str:
        """Return a text of the node, or an empty one."""
        value = self.raw.get(key)
        return (
            ", ".join(str(part) for part in cast("list[Any]", value)) if isinstance(value, list) else str(value or "")
        )

    def conditions(self) -> dict[str, str]:
        """Return its conditions by name."""
        return {key: self.text(key) for key in _CONDITIONS if self.raw.get(key)}

    def is_row_security(self, condition: str) -> bool:
        """Say whether a condition is one that row-level security adds."""
        return bool(_CALLS_IDENTITY.search(condition)) or any(name in condition for name in self.secured)

    @property
    def row_security(self) -> bool:
        """Whether one of its conditions keeps the rows of others away."""
        return any(self.is_row_security(condition) for condition in self.conditions().values())

    def walk(self) -> Iterator["Step"]:
        """Yield this node and all below, from the top."""
        yield self
        for child in self.children:
            yield from child.walk()


def read_plan(plan: Mapping[str, Any]) -> Step:
    """Return the tree for the value of `Plan`."""
    secured = tuple(_names_of_identity(plan))
    return _step(plan, secured)


def _step(node: Mapping[str, Any], secured: tuple[str, ...]) -> Step:
    children = tuple(_step(child, secured) for child in _children(node))
    return Step(node, children, secured)


def _children(node: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    return cast("list[Mapping[str, Any]]", node.get("Plans") or [])


def _names_of_identity(node: Mapping[str, Any]) -> Iterator[str]:
    """Yield how conditions refer to the parts of a plan that ask who is acting."""
    for child in _children(node):
        if child.get("Parent Relationship") in _PER_QUERY and _CALLS_IDENTITY.search(str(child.get("Output"))):
            name = str(child.get("Subplan Name", ""))
            yield f"({name.partition(' (')[0]}).col"
            if returned := re.search(r"returns (\$\d+)", name):
                yield returned[1]
        yield from _names_of_identity(child)
