"""An analysis of causes as an image: a chain, a fishbone, a table or an indented fault tree."""

from itertools import pairwise

from qms_mcp.services.domain.causes import (
    CATEGORIES,
    DIMENSIONS,
    FACETS,
    METHOD_NAMES,
    CauseNode,
    CauseTree,
    Gate,
)
from qms_mcp.services.domain.svg import LINE, WIDTH, Block, Kind, box, image, line

_EDGE, _PAD, _GAP = 16, 10, 26
_BONE_WIDTH, _HEAD_WIDTH = 190, 158
_INDENT, _GATE = 34, 30
_SLANT = 14

Drawing = tuple[list[str], float]


def svg(tree: CauseTree) -> str:
    """Return the analysis as a self-contained SVG."""
    body, height = {
        "five_whys": _chain,
        "fishbone": _fishbone,
        "is_is_not": _table,
        "fault_tree": _indented,
    }[tree.method](tree)
    roots = "; ".join(node.statement for node in tree.root_causes) or "none is marked yet"
    return image(
        body,
        height,
        title=f"{METHOD_NAMES[tree.method]}: {tree.top.statement}",
        description=f"{len(tree.nodes)} statements. Root cause: {roots}.",
    )


def _kind(node: CauseNode) -> Kind:
    if node.is_root_cause:
        return "root"
    return "problem" if node.parent is None else "plain"


def _block(node: CauseNode, width: float, heading: str = "") -> Block:
    title = " - ".join(part for part in (heading, "ROOT CAUSE" if node.is_root_cause else "") if part)
    evidence = f"Evidence: {'; '.join(node.evidence)}" if node.evidence else ""
    return Block([(title, "strong"), (node.statement, ""), (evidence, "small")], width)


def _chain(tree: CauseTree) -> Drawing:
    body: list[str] = []
    y = float(_EDGE)
    width = WIDTH - 2 * _EDGE
    chain = tree.walk()
    for place, node in enumerate(chain):
        block = _block(node, width - 2 * _PAD, f"Why {place}" if place else "Problem")
        height = block.height + 2 * _PAD
        body += [box(_EDGE, y, width, height, _kind(node)), *block.draw(_EDGE + _PAD, y + _PAD)]
        y += height
        if place < len(chain) - 1:
            body.append(line((WIDTH / 2, y), (WIDTH / 2, y + _GAP - 2), arrow=True))
            y += _GAP
    return body, y + _EDGE


def _fishbone(tree: CauseTree) -> Drawing:
    """Draw three bones above the spine and three below, the causes of a category in its bone."""
    bones = [(name, _bone(tree, name)) for name in CATEGORIES]
    above, below = bones[:3], bones[3:]
    spine = _EDGE + max(block.height for _, block in above) + LINE + _GAP
    body = [line((_EDGE, spine), (WIDTH - _EDGE - _HEAD_WIDTH, spine), style="spine")]
    for place, (_, block) in enumerate(above):
        x = _EDGE + place * (_BONE_WIDTH + _SLANT)
        y = spine - _GAP - block.height
        body.append(line((x, y), (x, spine - _GAP), (x + _SLANT + _BONE_WIDTH / 4, spine)))
        body += block.draw(x + _PAD, y)
    for place, (_, block) in enumerate(below):
        x = _EDGE + place * (_BONE_WIDTH + _SLANT)
        y = spine + _GAP
        body.append(line((x, y + block.height), (x, y), (x + _SLANT + _BONE_WIDTH / 4, spine)))
        body += block.draw(x + _PAD, y)
    head = _block(tree.top, _HEAD_WIDTH - 2 * _PAD, "Problem")
    height = head.height + 2 * _PAD
    top = max(float(_EDGE), spine - height / 2)
    body += [
        box(WIDTH - _EDGE - _HEAD_WIDTH, top, _HEAD_WIDTH, height, "problem"),
        *head.draw(WIDTH - _EDGE - _HEAD_WIDTH + _PAD, top + _PAD),
    ]
    lowest = spine + _GAP + max(block.height for _, block in below)
    return body, max(lowest, top + height) + _EDGE


def _bone(tree: CauseTree, category: str) -> Block:
    parts: list[tuple[str, str]] = [(category.capitalize(), "strong")]
    branches = [node for node in tree.children(tree.top.key) if node.category == category]
    if not branches:
        parts.append(("nothing found", "small"))
    for branch in branches:
        for node in tree.walk(branch):
            mark = "◦ " * (tree.depth(node) - 1) or "• "
            parts.append((f"{mark}{'ROOT CAUSE: ' if node.is_root_cause else ''}{node.statement}", _weight(node)))
            parts.append((f"Evidence: {'; '.join(node.evidence)}" if node.evidence else "", "small"))
    return Block(parts, _BONE_WIDTH - _PAD)


def _weight(node: CauseNode) -> str:
    return "strong" if node.is_root_cause else ""


def _table(tree: CauseTree) -> Drawing:
    head = _block(tree.top, WIDTH - 2 * _EDGE - 2 * _PAD, "Problem")
    body = [
        box(_EDGE, _EDGE, WIDTH - 2 * _EDGE, head.height + 2 * _PAD, "problem"),
        *head.draw(_EDGE + _PAD, _EDGE + _PAD),
    ]
    first = 72
    column = (WIDTH - 2 * _EDGE - first) / len(FACETS)
    edges = [_EDGE, *(_EDGE + first + place * column for place in range(len(FACETS) + 1))]
    y = _EDGE + head.height + 2 * _PAD + _GAP
    rows: list[list[Block]] = [_titles(first, column)]
    rows += [_row(tree, dimension, first, column) for dimension in DIMENSIONS]
    top = y
    for row in rows:
        height = max(block.height for block in row) + 2 * _PAD
        body.append(line((_EDGE, y), (WIDTH - _EDGE, y)))
        for (left, _), block in zip(pairwise(edges), row, strict=True):
            body += block.draw(left + _PAD, y + _PAD)
        y += height
    body.append(line((_EDGE, y), (WIDTH - _EDGE, y)))
    body += [line((x, top), (x, y)) for x in edges]
    return body, y + _EDGE


def _titles(first: float, column: float) -> list[Block]:
    names = ("Is", "Is not", "Distinction", "Change")
    return [Block([], first), *(Block([(name, "strong")], column - 2 * _PAD) for name in names)]


def _row(tree: CauseTree, dimension: str, first: float, column: float) -> list[Block]:
    cells = [Block([(dimension.capitalize(), "strong")], first - _PAD)]
    for facet in FACETS:
        parts: list[tuple[str, str]] = []
        for node in tree.children(tree.top.key):
            if (node.dimension, node.facet) == (dimension, facet):
                parts.append(("ROOT CAUSE" if node.is_root_cause else "", "strong"))
                parts.append((node.statement, ""))
                parts.append((f"Evidence: {'; '.join(node.evidence)}" if node.evidence else "", "small"))
        cells.append(Block(parts, column - 2 * _PAD))
    return cells


def _indented(tree: CauseTree) -> Drawing:
    """Draw a fault tree from the top event down, each level further in: it stays legible however wide it is."""
    body: list[str] = []
    y = float(_EDGE)
    middles: dict[str, tuple[float, float]] = {}
    for node in tree.walk():
        depth = tree.depth(node)
        x = _EDGE + depth * _INDENT
        heading = "" if depth else "Top event"
        if depth and not tree.children(node.key):
            heading = "Basic event"
        inside = x + _PAD + (_GATE + _PAD if node.gate else 0)
        block = _block(node, WIDTH - _EDGE - _PAD - inside, heading)
        height = max(block.height, _GATE if node.gate else 0) + 2 * _PAD
        middle = y + height / 2
        if node.parent is not None:
            parent_x, parent_bottom = middles[node.parent]
            body.append(line((parent_x, parent_bottom), (parent_x, middle), (x, middle)))
        body += [box(x, y, WIDTH - _EDGE - x, height, _kind(node)), *block.draw(inside, y + _PAD)]
        if node.gate:
            body += _gate(x + _PAD, middle - _GATE / 2, node.gate)
        middles[node.key] = (x + _INDENT / 2, y + height)
        y += height + _PAD
    return body, y + _EDGE - _PAD


def _gate(x: float, y: float, gate: Gate) -> list[str]:
    """Draw the sign of a gate, with its name inside: flat for AND, hollow below for OR."""
    foot = y + _GATE
    base = f"L{x:g},{foot:g}" if gate == "and" else f"Q{x + _GATE / 2:g},{foot - 9:g} {x:g},{foot:g}"
    path = (
        f"M{x:g},{foot:g} L{x:g},{y + 14:g} C{x:g},{y - 4:g} {x + _GATE:g},{y - 4:g} {x + _GATE:g},{y + 14:g} "
        f"L{x + _GATE:g},{foot:g} {base} Z"
    )
    word = gate.upper()
    centre = x + _GATE / 2
    return [
        f'<path class="gate" d="{path}"/>',
        f'<text class="small" text-anchor="middle" x="{centre:g}" y="{y + 19:g}">{word}</text>',
    ]
