"""`sop_gap_check`: a controlled document against the clauses it is meant to cover."""

from typing import Annotated, Any

from mcp.server.mcpserver import MCPServer
from mcp.server.mcpserver.prompts.base import Message, UserMessage
from pydantic import Field

from qms_mcp.context import Ctx, caller, services
from qms_mcp.prompts.quality_messages import PEOPLE_DECIDE, introduced
from qms_mcp.protocol_errors import in_protocol_words

_TASK = """\
Check {number} against {framework}, clause by clause. The document and the clauses are in the messages that follow.

1. Call get_record for the document: its version, state, owner, next review, and its text. When the text is not in the
   record, ask the user for it and say which version it is.
2. Choose the clauses it should cover from its title and scope, and name those you leave out. Only numbers and titles
   are here, not the text of the standard: use what you know of the requirement in your own words, mark it as such, and
   point to the clause for the wording.
3. For each chosen clause write: what the requirement is about, what the document says (quote the line, with its
   section), and whether it says who, what, when, with which record. Use: addressed, partly addressed, not addressed.
4. Compare what it says with what is done: list_records and trace_record for the records it governs. A rule nobody
   follows is a gap too, and so is a practice no rule covers.
5. Look for steps without a role, times without a number, records without a place, references to documents that are
   superseded or do not exist (list_records), and words that leave it open, such as "as appropriate".

Report a table (clause, finding, quoted line, proposed wording), the most serious first, then what you could not check.
Draft no new version unless asked. When asked, request_change first, with the impact on training and on records; a
person approves the change, and later the document.

"""


def install(server: MCPServer[Any]) -> None:
    """Add the prompt."""
    server.prompt(
        name="sop_gap_check",
        title="Check a procedure for gaps",
        description="Compare a controlled document with the clauses of a framework and with what the records show.",
    )(sop_gap_check)


async def sop_gap_check(
    document: Annotated[str, Field(description="The document: DOC-2026-0003.")],
    framework: Annotated[str, Field(description="Key or name, such as iso-13485.")],
    ctx: Ctx,
) -> list[Message]:
    """Return what to do, with which document, and which clauses there are."""
    found, message = await introduced(ctx, document)
    with in_protocol_words():
        against, clauses = await services(ctx).compliance.clauses(caller(ctx), framework)
    listed = "\n".join(f"- {one.number} {one.title}" for one in clauses if one.kind == "requirement")
    task = _TASK.format(number=found.number, framework=against.name)
    return [UserMessage(task + PEOPLE_DECIDE), message, UserMessage(f"Clauses of {against.name}:\n{listed}")]
