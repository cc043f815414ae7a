"""A design as a Mermaid entity-relationship diagram."""

import re

from qms_mcp.services.design.blueprint import Blueprint, Key, Table


def mermaid(plan: Blueprint) -> str:
    """Return the diagram: keys as lines, own columns in boxes."""
    lines = ["erDiagram"]
    for table in plan.tables.values():
        lines += [_line(table, key) for key in table.keys]
    for table in plan.tables.values():
        lines += [f"    {table.plain_name} {{", *_box(table), "    }"]
    return "\n".join(lines)


def _line(table: Table, key: Key) -> str:
    required = next(column.required for column in table.columns if column.name == key.column)
    parent = "||" if required else "|o"
    child = "o|" if key.one_to_one else "o{"
    return f"    {_node(key.target)} {parent}--{child} {table.plain_name} : {key.column}"


def _node(table: str) -> str:
    return table.partition(".")[2]


def _box(table: Table) -> list[str]:
    keys = {key.column for key in table.keys}
    rows = ["        uuid id PK", "        uuid organization_id FK"]
    for column in table.columns:
        marks = [mark for mark, set_ in (("FK", column.name in keys), ("UK", column.name in table.unique)) if set_]
        kind = re.sub(r"[^a-z0-9_]+", "_", column.type.sql).strip("_")
        rows.append(f"        {kind} {column.name} {', '.join(marks)}".rstrip())
    return rows
