"""A Claude Agent SDK session that works with qms-mcp over stdio.

    pip install claude-agent-sdk
    export ANTHROPIC_API_KEY=...
    python examples/agent_sdk_session.py "Prepare the weekly quality review"

The session may use the tools of qms-mcp and nothing else of this machine. Sub-agents that `dispatch_agents` sends run
in the server: with `--agents-think` the server gets the key too; without, they follow their playbooks and cost nothing.
"""

import argparse
import asyncio
import os
import shutil
import sys
import tempfile

from claude_agent_sdk import (
    AssistantMessage,
    ClaudeAgentOptions,
    ResultMessage,
    SystemMessage,
    TextBlock,
    ToolUseBlock,
    query,
)
from claude_agent_sdk.types import McpStdioServerConfig

PROMPT = """\
Prepare the weekly quality review: send agents with dispatch_agents, then tell me in ten lines what needs a decision,
with the numbers of the records.
"""
# What the server is told; the rest of the environment of a session may reach it too.
FOR_THE_SERVER = ("PATH", "HOME", "TMPDIR", "DATABASE_URL", "QMS_HOME", "QMS_ORGANIZATION", "QMS_ACCESS_TOKEN")
FOR_THINKING = ("ANTHROPIC_API_KEY", "ANTHROPIC_BASE_URL", "ANTHROPIC_AUTH_TOKEN")


def server(command: str | None, *, agents_think: bool) -> McpStdioServerConfig:
    """Return how the session starts qms-mcp."""
    found = command or shutil.which("qms-mcp")
    started = [found, "serve"] if found else [sys.executable, "-m", "qms_mcp", "serve"]
    environment = {name: os.environ[name] for name in FOR_THE_SERVER if os.environ.get(name)}
    # A server inherits what the session has. Empty counts as not set.
    environment |= {name: os.environ.get(name, "") if agents_think else "" for name in FOR_THINKING}
    return {"type": "stdio", "command": started[0], "args": started[1:], "env": environment}


def options(arguments: argparse.Namespace, folder: str) -> ClaudeAgentOptions:
    """Return a session that has the tools of qms-mcp and no others."""
    return ClaudeAgentOptions(
        mcp_servers={"qms": server(arguments.server, agents_think=arguments.agents_think)},
        strict_mcp_config=True,
        setting_sources=[],
        tools=[],
        allowed_tools=["mcp__qms"],
        model=arguments.model,
        max_turns=arguments.turns,
        cwd=folder,
        # A dispatch takes minutes when its agents think; its progress keeps the call alive.
        env={"MCP_TOOL_TIMEOUT": "1800000"},
    )


async def main() -> int:
    """Talk, and print what is said and called."""
    parser = argparse.ArgumentParser(description="A Claude Agent SDK session with qms-mcp.")
    parser.add_argument("prompt", nargs="?", default=PROMPT)
    parser.add_argument("--server", help="path of qms-mcp (default: the one on PATH, or the one of this Python)")
    parser.add_argument("--model", help="model of the session (default: that of the SDK)")
    parser.add_argument("--turns", type=int, default=30, help="replies at most")
    parser.add_argument("--agents-think", action="store_true", help="give the server the key, so that its agents think")
    arguments = parser.parse_args()

    failed = False
    with tempfile.TemporaryDirectory() as folder:
        async for message in query(prompt=arguments.prompt, options=options(arguments, folder)):
            if isinstance(message, SystemMessage) and message.subtype == "init":
                states = {one["name"]: one["status"] for one in message.data.get("mcp_servers", [])}
                print(f"servers: {states}", file=sys.stderr)
            elif isinstance(message, AssistantMessage):
                for block in message.content:
                    if isinstance(block, ToolUseBlock):
                        print(f"-> {block.name} {block.input}", file=sys.stderr)
                    elif isinstance(block, TextBlock):
                        print(block.text)
            elif isinstance(message, ResultMessage):
                failed = message.is_error
                cost = f", estimated {message.total_cost_usd:.4f} USD" if message.total_cost_usd else ""
                print(f"{message.num_turns} turns{cost}", file=sys.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
