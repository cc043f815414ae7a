"""Finding causes: 5 Whys, fishbone, is/is-not and fault tree, each as one tree of nodes.

The top of the tree is the problem. A node says one thing, may carry evidence, and may be marked as a root cause, which
takes evidence: a claim nobody can check ends no investigation.

- five_whys: a chain; each answer is the question of the next.
- fishbone: the branches of the problem carry one of six categories, finer causes hang below.
- is_is_not: rows of a dimension (what, where, when, extent) and a facet (is, is_not, distinction, change).
- fault_tree: an event that has causes is an AND or an OR gate over two or more of them.
"""

from collections.abc import Sequence
from itertools import product
from typing import Literal, get_args

from qms_mcp.errors import InvalidInputError, LimitExceededError
from qms_mcp.services.domain.frozen import Frozen

Method = Literal["five_whys", "fishbone", "is_is_not", "fault_tree"]
CauseCategory = Literal["man", "machine", "material", "method", "measurement", "environment"]
Gate = Literal["and", "or"]
Dimension = Literal["what", "where", "when", "extent"]
Facet = Literal["is", "is_not", "distinction", "change"]

CATEGORIES: tuple[CauseCategory, ...] = get_args(CauseCategory)
DIMENSIONS: tuple[Dimension, ...] = get_args(Dimension)
FACETS: tuple[Facet, ...] = get_args(Facet)
METHOD_NAMES: dict[Method, str] = {
    "five_whys": "5 Whys",
    "fishbone": "Fishbone",
    "is_is_not": "Is / is not",
    "fault_tree": "Fault tree",
}

MOST_NODES = 100
MOST_EVIDENCE = 20
LONGEST_STATEMENT = 2_000
DEEPEST = {"five_whys": 10, "fishbone": 4, "is_is_not": 1, "fault_tree": 8}
_MOST_CUT_SETS = 200


class CauseNode(Frozen):
    """One statement of an analysis.

    Attributes:
        key: What other nodes call it.
        parent: The node it explains; None for the problem.
        evidence: References to what shows it: a record, a file, a measurement.
    """

    key: str
    parent: str | None = None
    statement: str
    category: CauseCategory | None = None
    gate: Gate | None = None
    dimension: Dimension | None = None
    facet: Facet | None = None
    evidence: tuple[str, ...] = ()
    is_root_cause: bool = False


class CauseTree:
    """A whole analysis; it exists only if it is sound.

    Args:
        method: Which of the four.
        nodes: In any order; siblings keep theirs.

    Raises:
        InvalidInputError: The nodes are no such analysis.
        LimitExceededError: It is too large.
    """

    def __init__(self, method: Method, nodes: Sequence[CauseNode]) -> None:
        if len(nodes) > MOST_NODES:
            raise LimitExceededError(f"{len(nodes)} nodes; an analysis has at most {MOST_NODES}.")
        self.method: Method = method
        self.nodes = tuple(nodes)
        self._by_key = {node.key: node for node in nodes}
        self._children: dict[str | None, list[CauseNode]] = {}
        for node in nodes:
            self._children.setdefault(node.parent, []).append(node)
        _check_shape(self)
        _check_statements(self)
        _CHECKS[method](self)

    @property
    def top(self) -> CauseNode:
        """The problem."""
        return self._children[None][0]

    @property
    def root_causes(self) -> tuple[CauseNode, ...]:
        """The nodes marked as root causes."""
        return tuple(node for node in self.nodes if node.is_root_cause)

    def children(self, key: str | None) -> tuple[CauseNode, ...]:
        """Return what explains a node."""
        return tuple(self._children.get(key, ()))

    def find(self, key: str) -> CauseNode | None:
        """Return the node with this key, if there is one."""
        return self._by_key.get(key)

    def depth(self, node: CauseNode) -> int:
        """Return how far a node is from the problem, which has depth 0."""
        steps = 0
        while node.parent is not None and steps <= len(self.nodes):
            node, steps = self._by_key[node.parent], steps + 1
        return steps

    def walk(self, node: CauseNode | None = None) -> list[CauseNode]:
        """Return a node and all below it, each before what explains it."""
        start = node or self.top
        return [start, *(below for child in self.children(start.key) for below in self.walk(child))]

    def category_of(self, node: CauseNode) -> CauseCategory | None:
        """Return the category of a node, or of the nearest above it that has one."""
        while node.category is None and node.parent is not None:
            node = self._by_key[node.parent]
        return node.category


def _refuse(message: str, hint: str = "") -> InvalidInputError:
    return InvalidInputError(message, hint=hint)


def shown(node: CauseNode) -> str:
    """Return how a message names a node."""
    text = " ".join(node.statement.split())
    return f"'{text[:60]}{'...' if len(text) > 60 else ''}'"  # noqa: PLR2004 - enough to recognize it


def _check_shape(tree: CauseTree) -> None:
    if len({node.key for node in tree.nodes}) != len(tree.nodes):
        raise _refuse("Two nodes have the same key.")
    tops = tree.children(None)
    if len(tops) != 1:
        raise _refuse(
            f"An analysis has one top node, the problem; here are {len(tops)}.",
            "Give every other node the key of the node it explains as its parent.",
        )
    for node in tree.nodes:
        if node.parent is not None and tree.find(node.parent) is None:
            raise _refuse(f"{shown(node)} names a parent that does not exist: {node.parent!r}.")
    reached = {node.key for node in tree.walk()}
    circle = next((node for node in tree.nodes if node.key not in reached), None)
    if circle is not None:
        raise _refuse(f"{shown(circle)} is not connected to the problem: its parents go in a circle.")
    deepest = DEEPEST[tree.method]
    too_deep = next((node for node in tree.nodes if tree.depth(node) > deepest), None)
    if too_deep is not None:
        raise _refuse(f"{shown(too_deep)} is deeper than the {deepest} levels of {METHOD_NAMES[tree.method]}.")


def _check_statements(tree: CauseTree) -> None:
    for node in tree.nodes:
        if not 1 <= len(node.statement.strip()) <= LONGEST_STATEMENT:
            raise _refuse(f"A statement has 1 to {LONGEST_STATEMENT} characters: node {node.key!r} does not.")
        if len(node.evidence) > MOST_EVIDENCE:
            raise _refuse(f"{shown(node)} has more than {MOST_EVIDENCE} pieces of evidence.")
        if not node.is_root_cause:
            continue
        if not any(reference.strip() for reference in node.evidence):
            raise _refuse(
                f"{shown(node)} is marked as a root cause without evidence.",
                "Name the record, file or measurement that shows it, or leave the mark out until there is one.",
            )
        if node.parent is None:
            raise _refuse("The problem itself can't be the root cause.", "Mark what explains it.")
        if tree.children(node.key):
            raise _refuse(
                f"{shown(node)} is marked as a root cause, yet it is explained further.",
                "Mark the last cause of that line.",
            )


def _check_five_whys(tree: CauseTree) -> None:
    for node in tree.nodes:
        if len(tree.children(node.key)) > 1:
            raise _refuse(
                f"5 Whys is a chain, but {shown(node)} has several answers.",
                "Use fault_tree or fishbone for causes side by side.",
            )


def _check_fishbone(tree: CauseTree) -> None:
    for branch in tree.children(tree.top.key):
        if branch.category is None:
            raise _refuse(
                f"{shown(branch)} needs a category: a branch of a fishbone is one of six.",
                ", ".join(CATEGORIES) + ".",
            )
    for node in tree.nodes:
        parent = tree.find(node.parent) if node.parent else None
        above = tree.category_of(parent) if parent else None
        if node.category and above and node.category != above:
            raise _refuse(f"{shown(node)} is {node.category} below a cause that is {above}.")


def _check_is_is_not(tree: CauseTree) -> None:
    for node in tree.children(tree.top.key):
        if node.dimension is None or node.facet is None:
            raise _refuse(
                f"{shown(node)} needs a dimension and a facet.",
                f"Dimensions: {', '.join(DIMENSIONS)}. Facets: {', '.join(FACETS)}.",
            )
        if node.is_root_cause and node.facet not in {"distinction", "change"}:
            raise _refuse(
                f"{shown(node)} describes the problem; it can't be the root cause.", "Mark a distinction or a change."
            )


def _check_fault_tree(tree: CauseTree) -> None:
    for node in tree.nodes:
        inputs = tree.children(node.key)
        if inputs and node.gate is None:
            raise _refuse(f"{shown(node)} has causes and needs a gate.", "and: all of them together; or: any of them.")
        if node.gate and len(inputs) < 2:  # noqa: PLR2004 - a gate combines
            raise _refuse(
                f"The {node.gate.upper()} gate of {shown(node)} has {len(inputs)} input.", "A gate needs two or more."
            )


_CHECKS = {
    "five_whys": _check_five_whys,
    "fishbone": _check_fishbone,
    "is_is_not": _check_is_is_not,
    "fault_tree": _check_fault_tree,
}


def cut_sets(tree: CauseTree) -> tuple[frozenset[str], ...]:
    """Return the minimal cut sets of a fault tree: which basic events together suffice for the top event.

    Raises:
        LimitExceededError: There are too many combinations.
    """
    found = _sets_of(tree, tree.top)
    return tuple(sorted(found, key=lambda cut: (len(cut), sorted(cut))))


def _sets_of(tree: CauseTree, node: CauseNode) -> set[frozenset[str]]:
    inputs = [_sets_of(tree, child) for child in tree.children(node.key)]
    if not inputs:
        return {frozenset({node.key})}
    if node.gate == "or":
        return _within_limit({cut for sets in inputs for cut in sets})
    joined = {frozenset[str]()}
    for sets in inputs:
        joined = _within_limit({one | other for one, other in product(joined, sets)})
    return joined


def _within_limit(sets: set[frozenset[str]]) -> set[frozenset[str]]:
    if len(sets) > _MOST_CUT_SETS:
        raise LimitExceededError(
            f"More than {_MOST_CUT_SETS} combinations of events lead to the top event.",
            hint="Look at a part of the tree, or join events that belong together.",
        )
    return {cut for cut in sets if not any(other < cut for other in sets)}
