"""Recording an analysis of causes.

New and changed statements are put together with those recorded, judged as a whole, and only then written.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal
from uuid import UUID

from qms_mcp.auth.principal import Principal
from qms_mcp.errors import InvalidInputError, NotFoundError
from qms_mcp.services.capas.models import CauseInput, RecordedCauses
from qms_mcp.services.capas.reading import hold_capa, read_causes
from qms_mcp.services.domain.cause_mermaid import mermaid
from qms_mcp.services.domain.cause_svg import svg
from qms_mcp.services.domain.causes import CauseNode, CauseTree, Method, cut_sets
from qms_mcp.services.records.writing import RecordWriter, Writing

if TYPE_CHECKING:
    from qms_mcp.db.database import Database

Rendering = Literal["mermaid", "svg"]
_CHANGED = ("statement", "category", "gate", "dimension", "facet", "evidence", "is_root_cause")
_PART = "root_causes"


@dataclass(frozen=True, slots=True)
class Analysis:
    """What to add to, or change in, the analysis of a method.

    Attributes:
        method: Which of the four.
        nodes: New statements, and recorded ones to change or withdraw.
        summary: The root cause in a sentence or two.
        not_determined: Why no root cause was found.
    """

    method: Method
    nodes: Sequence[CauseInput]
    summary: str | None = None
    not_determined: str | None = None


class CauseRecorder:
    """Records analyses of causes."""

    def __init__(self, database: "Database") -> None:
        self._writer = RecordWriter(database)

    async def record(
        self,
        principal: Principal,
        reference: str,
        analysis: Analysis,
        *,
        reason: str,
        version: int | None = None,
        render: Rendering = "mermaid",
    ) -> RecordedCauses:
        """Add to, or change, the analysis of a method.

        Args:
            principal: Who asks.
            reference: The CAPA.
            analysis: New statements, and recorded ones to change or withdraw.
            reason: Why, for the trail.
            version: The version the caller saw.
            render: How to draw the answer.

        Raises:
            InvalidInputError: The whole would be no sound analysis, or a root cause has no evidence.
            ConflictError: The CAPA changed meanwhile, or its state locks the analysis.
        """
        async with self._writer.open(principal, because=reason) as writing:
            capa = await hold_capa(writing.transaction, reference, version)
            rows = await read_causes(writing.transaction, capa.id)
            recorded = {row.node().key: row.node() for row in rows if row.method == analysis.method}
            tree = CauseTree(analysis.method, _merged(recorded, analysis.nodes))
            ids = await _write(writing, capa.id, tree, recorded, analysis.nodes)
            texts = {
                "root_cause_summary": analysis.summary,
                "root_cause_not_determined": analysis.not_determined,
            }
            given = {name: text for name, text in texts.items() if text is not None}
            if given:
                await writing.change(capa.id, None, given)
            written = await writing.written(capa.id)
        return RecordedCauses(
            **dict(written),
            root_causes=[node.statement for node in tree.root_causes],
            nodes=ids,
            diagram=svg(tree) if render == "svg" else mermaid(tree),
            cut_sets=_cut_sets(tree),
        )


def _merged(recorded: dict[str, CauseNode], given: Sequence[CauseInput]) -> list[CauseNode]:
    merged = dict(recorded)
    for entry in given:
        former = recorded.get(entry.key)
        if former is None:
            merged[entry.key] = _new(entry, merged)
        elif entry.withdraw:
            del merged[entry.key]
        else:
            if entry.parent not in {None, former.parent}:
                raise InvalidInputError(
                    "A recorded statement stays below the one it explains.",
                    hint="Withdraw it, with the reason, and add it anew.",
                )
            merged[entry.key] = former.model_copy(update=_given(entry))
    orphan = next((node for node in merged.values() if node.parent in set(recorded) - set(merged)), None)
    if orphan is not None:
        raise InvalidInputError("A withdrawn statement is still explained by others.", hint="Withdraw those too.")
    return list(merged.values())


def _new(entry: CauseInput, known: dict[str, CauseNode]) -> CauseNode:
    if entry.key in known:
        raise InvalidInputError(f"The key {entry.key!r} is used twice.")
    if entry.withdraw:
        raise NotFoundError(f"There is no recorded statement {entry.key!r} to withdraw.")
    if entry.statement is None:
        raise InvalidInputError(
            f"{entry.key!r} has no statement.", hint="To change a recorded node, give its id as the key."
        )
    return CauseNode(key=entry.key, parent=entry.parent, **_given(entry))


def _given(entry: CauseInput) -> dict[str, Any]:
    given = {name: getattr(entry, name) for name in _CHANGED if getattr(entry, name) is not None}
    if "evidence" in given:
        given["evidence"] = tuple(reference.strip() for reference in given["evidence"] if reference.strip())
    return given


async def _write(
    writing: Writing, capa_id: UUID, tree: CauseTree, recorded: dict[str, CauseNode], given: Sequence[CauseInput]
) -> dict[str, str]:
    for entry in given:
        if entry.withdraw:
            withdrawn = {"withdrawn_reason": entry.withdraw, "is_root_cause": False}
            await writing.change_part(_PART, UUID(entry.key), withdrawn)
    ids = {key: key for key in recorded}
    for ordinal, node in enumerate(tree.walk(), 1):
        if node.key not in recorded:
            placed = {"parent_id": ids[node.parent] if node.parent else None, "method": tree.method, "ordinal": ordinal}
            ids[node.key] = str(await writing.add_part(capa_id, _PART, {**_fields(node), **placed}))
        elif node != recorded[node.key]:
            await writing.change_part(_PART, UUID(node.key), _fields(node))
    return {key: node_id for key, node_id in ids.items() if tree.find(key)}


def _fields(node: CauseNode) -> dict[str, Any]:
    detail = {name: getattr(node, name) for name in ("gate", "dimension", "facet") if getattr(node, name)}
    return {
        "statement": node.statement,
        "detail": detail or None,
        "cause_category": node.category,
        "evidence": list(node.evidence),
        "is_root_cause": node.is_root_cause,
    }


def _cut_sets(tree: CauseTree) -> list[str]:
    if tree.method != "fault_tree":
        return []
    said = {node.key: node.statement for node in tree.nodes}
    return [" AND ".join(sorted(said[key] for key in cut)) for cut in cut_sets(tree)[:10]]
