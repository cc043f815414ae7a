"""How the demo looks: the question, the call, what came back, how long it took.

Answers are cut to what fits a screen, and what was cut is said. Without a terminal, or with `--plain`, the same lines
come without colour, so that they can be read in a log.
"""

import json
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, cast

from rich.console import Console, Group, RenderableType
from rich.markup import escape
from rich.padding import Padding
from rich.syntax import Syntax
from rich.table import Table
from rich.text import Text

from qms_mcp.demo.script import Step

_PREFIX = re.compile(r"^Error executing tool \w+: ")
_ROWS = 8
_COLUMNS = 6
_LINES = 14
_SCRIPT_LINES = 4
_LONG = 240
_CELL = 90
_INDENT = (0, 0, 0, 5)
_DEEPER = (0, 0, 0, 7)
_SQL = ("statement", "script", "reverse_script")
_SHOWN = {
    "list_tables": ("total", "objects", "next_cursor"),
    "describe_table": ("name", "row_level_security", "columns", "policies"),
    "generate_sql": ("drafted_by", "tables", "joins", "values", "sql"),
    "explain_query": ("summary", "findings", "indexes", "notes"),
    "design_schema": ("decisions", "script"),
    "create_migration": ("name", "state", "sha256", "report", "reverse"),
    "report_event": ("citation", "state", "similar"),
    "update_record": ("citation", "state"),
    "transition_record": ("citation", "state", "pending"),
    "assess_reportability": ("citation", "proposal", "path", "pending"),
    "disposition_nonconformance": ("citation", "pending"),
    "open_capa": ("citation", "state", "why"),
    "record_root_cause": ("citation", "root_causes", "diagram"),
    "plan_capa": ("citation", "actions", "missing"),
    "request_change": ("citation", "state", "missing"),
    "update_capa_action": ("citation", "action", "open_actions"),
    "trace_record": ("records", "diagram"),
    "ingest_document": ("counts", "files"),
    "search": ("mode", "total", "hits"),
    "diff_documents": ("summary", "changes"),
    "check_document": ("document", "against", "missing", "items"),
    "find_similar": ("summary", "cases"),
    "dispatch_agents": ("status", "note", "agents", "plan", "result"),
    "get_dispatch": ("status", "agents", "spend"),
    "cancel_dispatch": ("status", "note"),
    "list_dispatches": ("total", "items", "queue"),
    "check_rls": ("total_tables", "found", "findings", "method"),
}


class Screen:
    """Where the demo is shown.

    Args:
        plain: No colour and no moving parts.
    """

    def __init__(self, *, plain: bool) -> None:
        self.console = Console(
            no_color=plain or None, force_terminal=False if plain else None, highlight=False, soft_wrap=False
        )
        self.plain = plain or not self.console.is_terminal
        if self.plain:
            self.console = Console(no_color=True, force_terminal=False, highlight=False, width=110)

    def line(self, text: str = "", style: str = "") -> None:
        """Show a line of text."""
        self.console.print(Text(text, style=style))

    def title(self, text: str) -> None:
        """Begin a chapter."""
        self.console.print()
        self.console.rule(Text(text, style="bold"), align="left", style="dim")

    def asked(self, number: int, step: Step, arguments: Mapping[str, Any]) -> None:
        """Show what was asked and the call that answers it."""
        self.console.print()
        self.console.print(f"[bold cyan]{number:>3}[/]  [bold]{escape(step.asks)}[/]")
        short = {key: value for key, value in arguments.items() if key not in _SQL}
        shown = _cut(json.dumps(short, ensure_ascii=False, default=str)) if short else ""
        self.console.print(
            Padding(Text.assemble(("→ ", "cyan"), (step.tool, "bold"), f" {shown}"), _INDENT, expand=False)
        )
        for key in (key for key in arguments if key not in short):
            most = _LINES if key == "statement" else _SCRIPT_LINES
            self.console.print(Padding(self._code(str(arguments[key]), "sql", most), _DEEPER, expand=False))

    def came_back(self, answer: RenderableType, seconds: float, *, expected: bool, why: str = "") -> None:
        """Show an answer and whether it is the expected one."""
        mark = Text("✓ as expected" if expected else "✗ NOT AS EXPECTED", style="green" if expected else "bold red")
        taken = f"{seconds * 1000:,.0f} ms" if seconds < 1 else f"{seconds:,.1f} s"
        self.console.print(Padding(Text.assemble(("← ", "cyan"), f"{taken}  ", mark), _INDENT, expand=False))
        self.console.print(Padding(answer, _DEEPER, expand=False))
        if why:
            self.console.print(Padding(Text(why, style="italic dim"), _DEEPER, expand=False))

    def refusal(self, text: str) -> RenderableType:
        """Return a refusal as it is shown."""
        return Text(f"“{_cut(_PREFIX.sub('', text), 400)}”", style="yellow")

    def answer(self, tool: str, content: Mapping[str, Any]) -> RenderableType:
        """Return the answer of a tool as it is shown."""
        if tool == "check_rls":
            tables = cast("list[Mapping[str, Any]]", content.get("tables", []))
            rest = [part for key in _SHOWN[tool] if key in content for part in self._part(key, content[key])]
            return Group(_access(tables), *rest)
        if isinstance(content.get("rows"), list) and "columns" in content:
            return _result(content)
        wanted = _SHOWN.get(tool, tuple(content))
        parts = [part for key in wanted if key in content for part in self._part(key, content[key])]
        return Group(*parts) if parts else Text("(nothing)")

    def code(self, text: str, language: str) -> None:
        """Show text to copy, whole."""
        if self.plain:
            self.console.print(text, markup=False, soft_wrap=True)
        else:
            self.console.print(Syntax(text, language, theme="ansi_dark", background_color="default", word_wrap=False))

    def _part(self, key: str, value: Any) -> list[RenderableType]:
        label = key.replace("_", " ")
        if value in (None, [], {}, ""):
            return []
        if isinstance(value, str) and "\n" in value:
            return [Text(f"{label}:", style="dim"), self._code(value, "sql")]
        if isinstance(value, Mapping):
            inner = cast("Mapping[str, Any]", value)
            parts = [part for name, held in inner.items() for part in self._part(name, held)]
            return [Text(f"{label}:", style="dim"), Padding(Group(*parts), (0, 0, 0, 2))]
        if isinstance(value, list):
            return [Text(f"{label}:", style="dim"), _listed(cast("list[Any]", value))]
        return [Text.assemble((f"{label}: ", "dim"), _cut(str(value)))]

    def _code(self, text: str, language: str, most: int = _LINES) -> RenderableType:
        lines = text.strip("\n").split("\n")
        shown = "\n".join(lines[:most])
        left = len(lines) - most
        code: RenderableType = (
            Text(shown)
            if self.plain
            else Syntax(shown, language, theme="ansi_dark", background_color="default", word_wrap=True)
        )
        return Group(code, Text(f"… {left} more lines", style="dim")) if left > 0 else code


def _result(content: Mapping[str, Any]) -> RenderableType:
    columns = cast("list[Any]", content["columns"])
    names = [str(cast("Mapping[str, Any]", c)["name"] if isinstance(c, Mapping) else c) for c in columns]
    rows: list[Sequence[Any]] = []
    for row in cast("list[Any]", content["rows"]):
        named = isinstance(row, Mapping)
        rows.append(list(cast("Mapping[str, Any]", row).values()) if named else cast("list[Any]", row))
    return _table(names, rows)


def _access(reports: list[Mapping[str, Any]]) -> RenderableType:
    """Return who sees and changes what of each table, a line a table."""
    rows: list[list[str]] = []
    for report in reports:
        access = cast("Mapping[str, Any]", report.get("access", {}))
        rows.append([str(report["table"]), str(report["rls"]), "; ".join(f"{k}: {v}" for k, v in access.items())])
    return _table(("table", "rls", "who sees and changes what"), rows)


def _listed(values: list[Any]) -> RenderableType:
    if all(isinstance(value, Mapping) for value in values):
        rows = cast("list[Mapping[str, Any]]", values)
        names = list(dict.fromkeys(name for row in rows[:_ROWS] for name in row))[:_COLUMNS]
        return _table(names, [[row.get(name) for name in names] for row in rows])
    lines = [Text(f"• {_cut(str(value))}") for value in values[:_ROWS]]
    left = len(values) - _ROWS
    return Group(*lines, *([Text(f"… {left} more", style="dim")] if left > 0 else []))


def _table(names: Sequence[str], rows: Sequence[Sequence[Any]]) -> RenderableType:
    table = Table(box=None, pad_edge=False, header_style="dim", show_header=True)
    numeric = [isinstance(value, int | float) for value in rows[0]] if rows else []
    for position, name in enumerate(names):
        right = position < len(numeric) and numeric[position]
        table.add_column(name.replace("_", " "), justify="right" if right else "left", overflow="fold")
    for row in rows[:_ROWS]:
        cells = zip(names, row, strict=False)
        table.add_row(*(Text(_READABLE.get(name, _cell)(value)) for name, value in cells))
    left = len(rows) - _ROWS
    return Group(table, Text(f"… {left} more", style="dim")) if left > 0 else table


def _cell(value: Any) -> str:
    if value is None:
        return ""
    return _cut(value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str), _CELL)


def _size(value: Any) -> str:
    """Return a number of bytes as people say it."""
    return "" if value is None else f"{value / 1000:,.0f} kB" if value < 10**6 else f"{value / 10**6:,.1f} MB"


def _share(value: Any) -> str:
    return "" if value is None else f"{value:.1%}"


_READABLE: Mapping[str, Callable[[Any], str]] = {"bytes": _size, "share": _share}


def _cut(text: str, most: int = _LONG) -> str:
    line = " ".join(text.split())
    return line if len(line) <= most else f"{line[: most - 1]}…"
