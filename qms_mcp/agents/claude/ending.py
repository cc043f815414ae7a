"""What a round means for the run: it goes on, or ends in one of the clear states.

`completed` has an answer of the set shape. `partial` had to stop: it has the last answer it was asked for, or, when
there is none, a summary of what was done and no findings. `failed` has no answer, and that summary if anything was
done.
"""

from collections.abc import Sequence
from dataclasses import replace

from qms_mcp.agents.claude.answers import read_answer, so_far
from qms_mcp.agents.claude.prompting import cut_text, repair_text
from qms_mcp.agents.claude.replies import Reply
from qms_mcp.agents.claude.rounds import Round
from qms_mcp.agents.outputs import AgentOutput
from qms_mcp.agents.stopping import StopReason
from qms_mcp.agents.working import AgentResult, Usage

MOST_REPAIRS = 2
_NO_ANSWERS = ("refusal", "pause_turn")


def judged(one: Round) -> Round:
    """Return a round with the answer its reply gave, or what is wrong with it."""
    reply = one.reply
    if reply.received.stop_reason in _NO_ANSWERS:
        return one
    if reply.tool_uses and reply.wrap_up is None and not reply.is_cut:
        return one
    found = read_answer(reply.text)
    if isinstance(found, AgentOutput) and not (reply.is_cut and reply.tool_uses):
        return replace(one, output=found)
    if reply.is_cut:
        tokens = reply.received.usage.output
        return replace(one, note=cut_text(tokens), complaint=f"it was cut off at {tokens} tokens.")
    complaint = str(found)
    return replace(one, note=repair_text(complaint), complaint=complaint)


def end_of(rounds: Sequence[Round], tally: AgentResult) -> AgentResult | None:
    """Return how the run ends with its last round, or None when it goes on."""
    last = rounds[-1]
    wrap_up = last.reply.wrap_up
    if last.reply.received.stop_reason == "refusal":
        words = last.reply.text.strip() or last.reply.received.words or "it gave no reason."
        return replace(tally, status="failed", stop="refused", error=f"The model refused: {words}")
    if last.output is not None:
        if wrap_up is None:
            return replace(tally, status="completed", output=last.output)
        why = next((one.stopped for one in rounds if one.stopped), "")
        return replace(tally, status="partial", output=last.output, stop=wrap_up, error=why or _sentence(wrap_up))
    if last.complaint and sum(bool(one.complaint) for one in rounds) > MOST_REPAIRS:
        error = f"The answer did not fit its schema after {MOST_REPAIRS} repairs: {last.complaint}"
        return stopped(tally, wrap_up, error) if wrap_up else replace(tally, status="failed", error=error)
    return None


def stopped(tally: AgentResult, reason: StopReason, message: str) -> AgentResult:
    """Return the end of a run that had to stop without an answer."""
    status = "partial" if tally.turns else "failed"
    return replace(tally, status=status, stop=reason, error=message or _sentence(reason))


def tally(
    rounds: Sequence[Round], replies: Sequence[Reply], lost: Sequence[tuple[Usage, float]], model: str
) -> AgentResult:
    """Return what was done and used so far; of the findings, that there are none yet."""
    usage = Usage()
    for part in (*(reply.received.usage for reply in replies), *(tokens for tokens, _ in lost)):
        usage = usage.plus(part)
    made = [outcome for one in rounds for outcome in one.made]
    called = [f"{outcome.tool} ({outcome.label}{'' if outcome.ok else ', failed'})" for outcome in made]
    words = next((reply.text for reply in reversed(replies) if reply.text.strip()), "")
    return AgentResult(
        status="partial",
        output=so_far(words, called) if replies else None,
        model=replies[-1].received.model if replies else model,
        usage=usage,
        cost_usd=sum(reply.cost_usd for reply in replies) + sum(cost for _, cost in lost),
        turns=len(replies),
        tool_calls=len(made),
    )


def _sentence(reason: StopReason) -> str:
    return f"It had to stop: {reason.replace('_', ' ')}."
