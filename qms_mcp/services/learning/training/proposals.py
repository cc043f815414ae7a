"""What an optimiser writes, and the bounds it is kept within.

Only the agent's own part of a prompt is for it. What every agent is told about evidence, data and people is put behind
it again word for word, so no proposal can leave it out; tools are no text, so none can be added. Whatever else would
teach an agent to overstep is looked for by rule, and a proposal with it is dropped and counted.
"""

import re
from functools import cache
from importlib.resources import files

from qms_mcp.agents.definition import AgentDefinition
from qms_mcp.agents.roster import roster
from qms_mcp.services.learning.judging.suspicion import speaks_to_grader

SHORTEST, LONGEST = 80, 12_000
_NAMED_TOOL = re.compile(r"`([a-z]+(?:_[a-z0-9]+)+)`")
_NEVER_A_TOOL = re.compile(r"^(approve|sign|promote|roll_?back|delete|drop|grant|validate|close)_")
_RULES: tuple[tuple[str, re.Pattern[str]], ...] = (
    (
        "it speaks of an approval as given or as not needed",
        re.compile(
            r"\b(already|pre-?|has been|have been|was|were|is|are|been) ?"
            r"(approved|authori[sz]ed|signed|validated|cleared)"
            r"|\b(no|without|skip\w*|bypass\w*|ignor\w+|avoid\w*|waiv\w+) (an? |any |the |further |human )*"
            r"(approvals?|authori[sz]ations?|signatures?|reviews?|confirmations?|permissions?)\b"
            r"|\byou (may|can|should|must|are allowed to|are authori[sz]ed to) (now )?"
            r"(approve|sign|promote|close|decide)\b"
            r"|\bon behalf of\b"
        ),
    ),
    (
        "it takes back other instructions",
        re.compile(
            r"\b(ignore|disregard|forget|overrides?|supersedes?|replaces?)\b[^.\n]{0,40}"
            r"\b(instructions?|rules?|prompts?|guidelines?|sections?|limits?|safety|polic(y|ies)|below|above|following)\b"
            r"|\b(developer|debug|god|admin|jailbreak\w*|unrestricted) mode\b|\bsystem override\b"
            r"|\bdo(es)? not apply\b|\bno longer (applies|apply|bound)\b"
        ),
    ),
    (
        "it lets texts of records direct the agent",
        re.compile(
            r"\b(follow|obey|execute|carry out|comply with|do)\b[^.\n]{0,40}"
            r"\b(instructions?|commands?|orders?|requests?)\b"
            r"[^.\n]{0,40}\b(in|from|of|inside|within)\b[^.\n]{0,20}"
            r"\b(records?|documents?|results?|data|texts?|comments?|notes?|inputs?|descriptions?)\b"
        ),
    ),
    (
        "it does without evidence",
        re.compile(
            r"\b(without|no need (for|to)|do not|don't|never|skip|omit|invent\w*|make up|fabricat\w+)\b[^.\n]{0,20}"
            r"\b(evidence|cit(e|ing|ations?)|calling (a |any )?tools?|labels?)\b"
        ),
    ),
    ("it has an address in it", re.compile(r"https?://|\bwww\.|[\w.+-]+@[\w-]+\.\w{2,}|\b\d{1,3}(\.\d{1,3}){3}\b")),
    (
        "it names a record, so it was learned by heart",
        re.compile(r"\b[a-z]{2,6}-\d{4}-\d{4,6}\b|\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b"),
    ),
    ("it has marks in it that set data apart", re.compile(r"</?(request|result|inputs|example|system|instructions)\b")),
    ("it has a long run of signs that are no words", re.compile(r"\S{120,}")),
)
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f\u200b-\u200f\u202a-\u202e\u2060-\u2064\ufeff]")


@cache
def common_part() -> str:
    """Return what every agent is told, as shipped."""
    return files("qms_mcp.agents").joinpath("every_agent.md").read_text(encoding="utf-8").strip()


def own_part(prompt: str) -> str:
    """Return a prompt without what every agent is told."""
    text = prompt.strip()
    return text.removesuffix(common_part()).strip()


def whole_prompt(own: str) -> str:
    """Return an agent's own part with what every agent is told behind it, word for word."""
    return f"{own.strip()}\n\n{common_part()}\n"


def problem_of(own: str, parent: AgentDefinition) -> str:
    """Return why an own part can't be used, or nothing.

    Args:
        own: What the optimiser wrote.
        parent: The version it is to be better than.
    """
    text = own.strip()
    if len(text) < SHORTEST:
        return "it is empty or too short" if text else "it is empty"
    if len(text) > LONGEST:
        return f"it is longer than {LONGEST} characters"
    if _CONTROL.search(text):
        return "it has characters nobody sees"
    for problem, rule in _RULES:
        # What the version before says itself is no news.
        if any(found not in _found(rule, own_part(parent.prompt)) for found in _found(rule, text)):
            return problem
    if speaks_to_grader(text):
        return "it speaks to whoever grades it"
    tools = _foreign_tools(text, parent)
    return f"it names tools the agent does not have: {', '.join(tools)}" if tools else ""


def _found(rule: re.Pattern[str], text: str) -> set[str]:
    return {" ".join(found[0].split()) for found in rule.finditer(text.casefold())}


def _foreign_tools(text: str, parent: AgentDefinition) -> list[str]:
    own = {*parent.reads, *parent.drafts, *_NAMED_TOOL.findall(parent.prompt)}
    known = {tool for agent in roster().values() for tool in (*agent.reads, *agent.drafts)}
    named = set(_NAMED_TOOL.findall(text)) - own
    return sorted(one for one in named if one in known or _NEVER_A_TOOL.match(one))
