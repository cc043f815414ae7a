"""`audit_preparation`: what an auditor will ask for, what there is, and what is missing."""

from typing import Annotated, Any

from mcp.server.mcpserver import MCPServer
from mcp.server.mcpserver.prompts.base import Message, UserMessage
from pydantic import Field

from qms_mcp.context import Ctx, caller, services
from qms_mcp.prompts.quality_messages import PEOPLE_DECIDE
from qms_mcp.protocol_errors import in_protocol_words
from qms_mcp.services.compliance.models import Coverage

_MOST = 100
_TASK = """\
Prepare an audit of {about}. The clauses with too old or no evidence stand in the message that follows.

1. Call get_compliance_matrix for the rest, page by page, and check_compliance for the clauses that matter most.
2. Sample like an auditor: for each of CAPA, complaints, nonconformances, changes, documents, training, suppliers and
   equipment that the scope touches, take the oldest open record, the latest closed one and one with high risk
   (list_records), and follow each with trace_record from event to effectiveness. Note steps without evidence, dates
   that do not fit, late ones, and actions closed by whoever did them.
3. Call verify_audit_trail, and get_audit_trail for two of the samples: who, when, why.
4. Look at my_work for what is overdue, and at findings of earlier audits (list_records): is each closed, and did its
   correction hold?
5. Where evidence exists and is not linked, propose link_evidence; where a clause does not apply, propose it with a
   justification. Do neither without the user's word.
6. When an internal audit is wanted, draft it with plan_audit: scope, criteria, an auditor who does not answer for
   the area.

Report: gaps first, by risk and then by clause (what was looked for, what there is, what to do, who could, by when);
then stale evidence; then what an auditor may ask in an interview and where the answer is; then what you did not look
at. Say evidence found, stale or missing; whether a requirement is met is not yours to say. A person who runs
`qms-mcp pack KEY --clause N --out FOLDER` gets the files to hand over.

"""


def install(server: MCPServer[Any]) -> None:
    """Add the prompt."""
    server.prompt(
        name="audit_preparation",
        title="Prepare an audit",
        description="Go through a framework like an auditor: gaps, samples followed end to end, what to link or fix.",
    )(audit_preparation)


async def audit_preparation(
    framework: Annotated[str, Field(description="Key or name, such as iso-13485.")],
    clause: Annotated[str, Field(description="A clause with those under it, such as 8.5; or all.")],
    ctx: Ctx,
) -> list[Message]:
    """Return what to do, and where the gaps are."""
    under = None if clause.strip().lower() in {"", "all", "*"} else clause
    with in_protocol_words():
        matrix = await services(ctx).compliance.matrix(caller(ctx), framework, clause=under, limit=_MOST)
    return [UserMessage(_TASK.format(about=matrix.about) + PEOPLE_DECIDE), UserMessage(_gaps(matrix))]


def _gaps(matrix: Coverage) -> str:
    counts = (
        f"{matrix.found} found, {matrix.stale} stale, {matrix.missing} missing, {matrix.not_applicable} not applicable"
    )
    lines = [f"{matrix.about}, clauses by evidence: {counts}."]
    lines += [
        f"- {row.clause}: {row.evidence}; {row.gap}" for row in matrix.clauses if row.evidence in {"stale", "missing"}
    ]
    return "\n".join(lines)
