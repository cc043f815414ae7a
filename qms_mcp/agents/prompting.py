"""Prompts: what one agent is told, and then what every agent is told.

They are files, so that a change of a word is seen in review; the version of an agent is a hash of the text.
"""

from functools import cache
from importlib.resources import files

from qms_mcp.agents.definition import AgentName


@cache
def prompt_of(agent: AgentName) -> str:
    """Return the system prompt of an agent."""
    folder = files("qms_mcp.agents")
    own = folder.joinpath(agent, "prompt.md").read_text(encoding="utf-8")
    common = folder.joinpath("every_agent.md").read_text(encoding="utf-8")
    return f"{own.strip()}\n\n{common.strip()}\n"
