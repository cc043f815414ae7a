"""The 8D report of a CAPA: D0 to D8, filled from what the record holds and from nothing else.

A discipline without content says so instead of disappearing: a gap is what a reader of an 8D looks for. The report
cites the version it was made from, shows each signature with name, time and meaning, and says which texts a model
drafted. It is a view, not the record.
"""

from datetime import date
from typing import Literal

from qms_mcp.errors import QmsError
from qms_mcp.services.domain.cause_mermaid import mermaid
from qms_mcp.services.domain.cause_svg import svg
from qms_mcp.services.domain.causes import METHOD_NAMES, CauseNode, CauseTree, Method
from qms_mcp.services.domain.frozen import Frozen

ActionType = Literal["containment", "correction", "corrective", "preventive"]


class ReportedAction(Frozen):
    """An action as the report shows it."""

    action_type: ActionType
    description: str
    owner: str = ""
    due_on: date | None = None
    progress: str = ""
    completed_on: date | None = None
    evidence: str = ""
    accepted_by: str = ""


class ReportedSignature(Frozen):
    """A signature as the report shows it.

    Attributes:
        signed_at: Time and zone, as text.
        standing: Whether the content is still what was signed.
    """

    name: str
    meaning: str
    verdict: str
    signed_at: str
    standing: str


class CauseAnalysis(Frozen):
    """One analysis of causes."""

    method: Method
    nodes: tuple[CauseNode, ...]

    def tree(self) -> CauseTree:
        """Return it as a tree."""
        return CauseTree(self.method, self.nodes)


class CapaFile(Frozen):
    """What is known of a CAPA; everything but its name may be missing."""

    number: str
    version: int
    title: str
    state: str
    risk_class: str = ""
    owner: str = ""
    opened_on: date | None = None
    drafted_by_model: bool = False
    sources: tuple[str, ...] = ()
    screening: str = ""
    description: str = ""
    problem_statement: str = ""
    actions: tuple[ReportedAction, ...] = ()
    analyses: tuple[CauseAnalysis, ...] = ()
    root_cause_summary: str = ""
    root_cause_not_determined: str = ""
    similar_cases: str = ""
    criterion: str = ""
    verification_result: str = ""
    checks: tuple[str, ...] = ()
    verdict: str = ""
    links: tuple[str, ...] = ()
    signatures: tuple[ReportedSignature, ...] = ()


class Diagram(Frozen):
    """An analysis in both renderings."""

    title: str
    mermaid: str
    svg: str


class Discipline(Frozen):
    """One of D0 to D8: its lines, label and text, and its diagrams."""

    code: str
    title: str
    lines: tuple[tuple[str, str], ...]
    diagrams: tuple[Diagram, ...] = ()


class EightD(Frozen):
    """A whole report."""

    citation: str
    title: str
    state: str
    drafted_by_model: bool
    disciplines: tuple[Discipline, ...]
    signatures: tuple[ReportedSignature, ...]


def compose(capa: CapaFile) -> EightD:
    """Return the report of a CAPA."""
    return EightD(
        citation=f"{capa.number} v{capa.version}",
        title=capa.title,
        state=capa.state,
        drafted_by_model=capa.drafted_by_model,
        disciplines=(
            _discipline("D0", "Symptom and response", _symptom(capa)),
            _discipline("D1", "Team", _team(capa)),
            _discipline("D2", "Problem", (("Problem", capa.problem_statement), ("Risk class", capa.risk_class))),
            _discipline("D3", "Interim containment", _actions(capa, "containment", "correction")),
            _causes(capa),
            _discipline("D5", "Chosen corrective actions", (*_planned(capa), ("Criterion", capa.criterion))),
            _discipline("D6", "Implemented and validated", _validated(capa)),
            _discipline("D7", "Recurrence prevented", _prevented(capa)),
            _discipline("D8", "Closure", (("State", capa.state), ("Verdict", capa.verdict))),
        ),
        signatures=capa.signatures,
    )


def _discipline(code: str, title: str, lines: tuple[tuple[str, str], ...]) -> Discipline:
    return Discipline(code=code, title=title, lines=tuple((label, text) for label, text in lines if text.strip()))


def _symptom(capa: CapaFile) -> tuple[tuple[str, str], ...]:
    opened = f"{capa.opened_on:%Y-%m-%d}" if capa.opened_on else ""
    return (
        ("Symptom", capa.description),
        *(("Source", source) for source in capa.sources),
        ("Opened", opened),
        ("Why a CAPA", capa.screening),
    )


def _team(capa: CapaFile) -> tuple[tuple[str, str], ...]:
    owners = dict.fromkeys(action.owner for action in capa.actions if action.owner and action.owner != capa.owner)
    return (("CAPA owner", capa.owner), *(("Action owner", name) for name in owners))


def _actions(capa: CapaFile, *types: ActionType) -> tuple[tuple[str, str], ...]:
    return tuple(
        (action.action_type.capitalize(), _said(action)) for action in capa.actions if action.action_type in types
    )


def _said(action: ReportedAction) -> str:
    done = f"done {action.completed_on:%Y-%m-%d}" if action.completed_on else ""
    facts = (
        f"owner {action.owner}" if action.owner else "",
        f"due {action.due_on:%Y-%m-%d}" if action.due_on else "",
        done or (f"open, {action.progress}" if action.progress else "open"),
        f"evidence: {action.evidence}" if action.evidence else "",
        f"accepted by {action.accepted_by}" if action.accepted_by else "",
    )
    return f"{action.description} ({'; '.join(fact for fact in facts if fact)})"


def _causes(capa: CapaFile) -> Discipline:
    lines: list[tuple[str, str]] = []
    drawn: list[Diagram] = []
    for analysis in capa.analyses:
        lines += [
            ("Root cause", f"{node.statement} (evidence: {'; '.join(node.evidence)})")
            for node in analysis.nodes
            if node.is_root_cause
        ]
        name = METHOD_NAMES[analysis.method]
        try:
            tree = analysis.tree()
        except QmsError as error:  # written past the checks; the report shows what there is
            lines.append((name, f"can't be drawn: {error.message}"))
            lines += [("Statement", node.statement) for node in analysis.nodes if not node.is_root_cause]
        else:
            drawn.append(Diagram(title=name, mermaid=mermaid(tree), svg=svg(tree)))
    lines.append(("Summary", capa.root_cause_summary))
    lines.append(("Not determined, because", capa.root_cause_not_determined))
    made = _discipline("D4", "Root cause", tuple(lines))
    return made.model_copy(update={"diagrams": tuple(drawn)})


def _planned(capa: CapaFile) -> tuple[tuple[str, str], ...]:
    return tuple(
        ("Corrective", f"{action.description} (owner {action.owner or 'not named'})")
        for action in capa.actions
        if action.action_type == "corrective"
    )


def _validated(capa: CapaFile) -> tuple[tuple[str, str], ...]:
    done = tuple(
        ("Implemented", _said(action))
        for action in capa.actions
        if action.action_type == "corrective" and action.completed_on
    )
    return (*done, ("Verification", capa.verification_result), *(("Effectiveness", check) for check in capa.checks))


def _prevented(capa: CapaFile) -> tuple[tuple[str, str], ...]:
    return (
        *_actions(capa, "preventive"),
        ("Similar cases", capa.similar_cases),
        *(("Linked record", link) for link in capa.links),
    )
