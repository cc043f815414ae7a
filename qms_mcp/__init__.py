"""qms-mcp: an MCP server through which Claude works inside a quality management system."""

from pathlib import Path

__version__ = "0.1.0"

_PACKAGE = Path(__file__).parent
if not (_PACKAGE / "tools" / "__init__.py").is_file():
    # In a checkout the folders tools/, resources/ and sql/ lie beside the package; in a wheel, inside it.
    __path__.append(str(_PACKAGE.parent))
