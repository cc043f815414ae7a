"""Resources and prompts, found like tools: a module in `resources/` or `qms_mcp/prompts/` with an `install`."""

import importlib
import pkgutil
from typing import Any, Protocol, cast

from mcp.server.mcpserver import MCPServer

_PACKAGES = ("qms_mcp.resources", "qms_mcp.prompts")


class _Installs(Protocol):
    def install(self, server: MCPServer[Any]) -> None: ...


def install_resources(server: MCPServer[Any]) -> None:
    """Let every module of resources and prompts add what it has."""
    for name in _PACKAGES:
        package = importlib.import_module(name)
        for module_info in pkgutil.iter_modules(package.__path__, f"{name}."):
            module = importlib.import_module(module_info.name)
            if hasattr(module, "install"):
                cast("_Installs", module).install(server)
