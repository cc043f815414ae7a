"""A description as a page of Markdown, for people and for clients that attach resources."""

from collections.abc import Iterable

from qms_mcp.services.catalogue.models import Column, TableDescription


def table_page(table: TableDescription) -> str:
    """Return a description as Markdown."""
    parts = [f"# {table.name}", _facts(table)]
    if table.comment:
        parts.append(table.comment)
    parts += [
        "## Columns",
        "\n".join(["| column | type | null | default | comment |", "| - | - | - | - | - |", *_rows(table.columns)]),
        *_section("Constraints", table.constraints),
        *_section("Referenced by", table.referenced_by),
        *_section("Indexes", table.indexes),
        *_section("Triggers", table.triggers),
        *_section("Policies", table.policies),
        *_section("Partitions", table.partitions),
    ]
    if table.definition:
        parts += ["## Definition", f"```sql\n{table.definition}\n```"]
    parts += _section("Notes", table.notes, code=False)
    return "\n\n".join(parts) + "\n"


def cell(text: object) -> str:
    """Return text that fits into a cell of a table."""
    return " ".join(str(text).split()).replace("|", "\\|")


def _facts(table: TableDescription) -> str:
    facts = [table.kind, f"row-level security {table.row_level_security}"]
    if table.rows is not None:
        facts.append(f"{table.rows} rows of your organization")
    if table.partitioning:
        facts.append(table.partitioning)
    return ", ".join(facts) + "."


def _rows(columns: Iterable[Column]) -> Iterable[str]:
    for column in columns:
        filled = column.generated or column.default or ""
        null = "yes" if column.nullable else "no"
        cells = (column.name, column.type, null, filled, column.comment or "")
        yield f"| {' | '.join(map(cell, cells))} |"


def _section(title: str, lines: Iterable[str], *, code: bool = True) -> list[str]:
    shown = [f"- `{line}`" if code and "`" not in line else f"- {line}" for line in map(_one_line, lines)]
    return [f"## {title}", "\n".join(shown)] if shown else []


def _one_line(text: str) -> str:
    return " ".join(text.split())
