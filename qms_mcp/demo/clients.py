"""What to paste into a client so that it starts this server."""

import json
import shlex
import sys
import sysconfig
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Launch:
    """How the server is started: a command with an absolute path, its arguments, its variables."""

    command: str
    arguments: tuple[str, ...]
    variables: Mapping[str, str]

    @classmethod
    def here(cls, variables: Mapping[str, str]) -> "Launch":
        """Return how this installation is started by somebody who knows nothing of its environment."""
        script = Path(sysconfig.get_path("scripts")) / "qms-mcp"
        if script.is_file():
            return cls(str(script), ("serve",), variables)
        return cls(sys.executable, ("-m", "qms_mcp", "serve"), variables)

    def as_json(self, **more: str) -> dict[str, object]:
        """Return the form that most clients agree on."""
        started: dict[str, object] = {**more, "command": self.command, "args": list(self.arguments)}
        return {**started, "env": dict(self.variables)} if self.variables else started


@dataclass(frozen=True, slots=True)
class Snippet:
    """A piece of configuration and where it goes."""

    client: str
    place: str
    text: str
    language: str = "json"


def snippets(launch: Launch) -> list[Snippet]:
    """Return what to paste, for each client."""
    return [
        Snippet(
            "Claude Desktop",
            "Settings > Developer > Edit Config (claude_desktop_config.json), then restart it",
            _json({"mcpServers": {"qms": launch.as_json()}}),
        ),
        Snippet("Claude Code", "in a terminal", _claude_code(launch), "bash"),
        Snippet("VS Code", ".vscode/mcp.json", _json({"servers": {"qms": launch.as_json(type="stdio")}})),
        Snippet("Cursor", "~/.cursor/mcp.json", _json({"mcpServers": {"qms": launch.as_json()}})),
        Snippet("Zed", "settings.json", _json({"context_servers": {"qms": launch.as_json(source="custom")}})),
    ]


def _claude_code(launch: Launch) -> str:
    variables = " ".join(f"--env {shlex.quote(f'{name}={value}')}" for name, value in launch.variables.items())
    command = shlex.join([launch.command, *launch.arguments])
    return f"claude mcp add qms {variables}{' ' if variables else ''}-- {command}"


def _json(value: object) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False)
