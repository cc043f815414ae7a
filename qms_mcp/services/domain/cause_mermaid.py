"""An analysis of causes as a Mermaid flowchart.

Statements come from people and are data: everything in a label that Mermaid, Markdown or HTML could take for its own
syntax is written as a numeric character code, so that no statement can end its label, open a directive or a tag.
"""

import re
import textwrap

from qms_mcp.services.domain.causes import DIMENSIONS, CauseNode, CauseTree

_UNSAFE = re.compile(r"[^\w .,:()/+='!?°µ…-]")
_WIDTH = 36
_LONGEST = 240
_FACET_NAMES = {"is": "Is", "is_not": "Is not", "distinction": "Distinction", "change": "Change"}
# The colours are those of Okabe and Ito; a root cause is also told by its words and its thick border.
_CLASSES = (
    "    classDef root stroke:#D55E00,stroke-width:4px",
    "    classDef problem stroke:#0072B2,stroke-width:3px",
)


def mermaid(tree: CauseTree) -> str:
    """Return the analysis as a flowchart."""
    direction = "TD" if tree.method in {"five_whys", "fault_tree"} else "LR"
    names = {node.key: f"n{place}" for place, node in enumerate(tree.walk())}
    lines = [f"flowchart {direction}"]
    lines += [f"    {names[node.key]}{_box(tree, node)}" for node in tree.walk()]
    lines += _between(tree, names) if tree.method in {"fishbone", "is_is_not"} else _links(tree, names)
    lines += _CLASSES
    lines.append(f"    class {names[tree.top.key]} problem")
    roots = ",".join(names[node.key] for node in tree.walk() if node.is_root_cause)
    return "\n".join([*lines, *([f"    class {roots} root"] if roots else [])])


def label(text: str) -> str:
    """Return a text as it may stand between the quotes of a Mermaid label."""
    words = " ".join(text.split())
    if len(words) > _LONGEST:
        words = f"{words[:_LONGEST]}…"
    return "<br/>".join(_UNSAFE.sub(_code, line) for line in textwrap.wrap(words, _WIDTH) or [""])


def _code(found: re.Match[str]) -> str:
    return f"#{ord(found[0])};"


def _box(tree: CauseTree, node: CauseNode) -> str:
    said = label(node.statement)
    if node.facet:
        said = f"{_FACET_NAMES[node.facet]}: {said}"
    if node.is_root_cause:
        said = f"Root cause: {said}"
    elif node.parent is None:
        said = f"Problem: {said}"
    if node.evidence:
        said = f"{said}<br/>Evidence: {label('; '.join(node.evidence))}"
    if node.gate:
        said = f"{said}<br/>({node.gate.upper()})"
        return f'{{{{"{said}"}}}}'
    basic = tree.method == "fault_tree" and not tree.children(node.key)
    return f'(["{said}"])' if basic else f'["{said}"]'


def _links(tree: CauseTree, names: dict[str, str]) -> list[str]:
    link = "-->|why?|" if tree.method == "five_whys" else "---"
    return [f"    {names[node.parent]} {link} {names[node.key]}" for node in tree.walk() if node.parent]


def _between(tree: CauseTree, names: dict[str, str]) -> list[str]:
    """Put the branches of the problem under what they have in common: a category, or a dimension."""
    shared = {
        node.key: (node.dimension or "") if tree.method == "is_is_not" else (node.category or "")
        for node in tree.children(tree.top.key)
    }
    order = [word for word in (*DIMENSIONS, *shared.values()) if word in shared.values()]
    groups = {word: f"g{place}" for place, word in enumerate(dict.fromkeys(order))}
    lines = [f'    {group}["{word.capitalize()}"]' for word, group in groups.items()]
    lines += [f"    {names[tree.top.key]} --- {group}" for group in groups.values()]
    lines += [f"    {groups[word]} --- {names[key]}" for key, word in shared.items()]
    finer = [node for node in tree.walk()[1:] if node.key not in shared]
    return lines + [f"    {names[node.parent]} --- {names[node.key]}" for node in finer if node.parent]
