"""The text of a migration: tables, comments, indexes, triggers, policies, in the order they can run."""

from collections.abc import Iterable

from qms_mcp.services.design.blueprint import Blueprint, Column, ExistingTable, Key, Table
from qms_mcp.services.design.names import literal, shortened
from qms_mcp.services.rls.templates import Rules, row_security_sql

_INDENT = "    "


def migration_sql(plan: Blueprint, *, new_schema: bool) -> str:
    """Return the whole script of a design."""
    tables = in_order(plan.tables.values())
    parts = [f"-- {plan.schema}: {', '.join(table.plain_name for table in tables)}."]
    if new_schema:
        parts.append(_schema_sql(plan.schema, tables))
    parts += [_widen_sql(target) for target in plan.widened]
    made: set[str] = set()
    late: list[str] = []
    for table in tables:
        made.add(table.name)
        planned = {f"{plan.schema}.{name}" for name in plan.tables}
        postponed = [key for key in table.keys if key.target in planned - made]
        parts.append(_table_sql(table, [key for key in table.keys if key not in postponed]))
        late += [_late_key_sql(table, key) for key in postponed]
    parts += late
    parts += [_protection_sql(table) for table in tables]
    return "\n\n".join(parts) + "\n"


def in_order(tables: Iterable[Table]) -> list[Table]:
    """Return the tables so that keys point backwards wherever that is possible."""
    by_name = {table.name: table for table in tables}
    done: dict[str, Table] = {}

    def visit(table: Table, path: tuple[str, ...]) -> None:
        if table.name in done or table.name in path:
            return
        for key in table.keys:
            if key.target in by_name:
                visit(by_name[key.target], (*path, table.name))
        done[table.name] = table

    for table in by_name.values():
        visit(table, ())
    return list(done.values())


def _schema_sql(schema: str, tables: list[Table]) -> str:
    subject = ", ".join(table.plain_name.replace("_", " ") for table in tables)
    return (
        f"CREATE SCHEMA {schema};\n"
        f"COMMENT ON SCHEMA {schema} IS {literal(f'Records of {subject}.')};\n"
        f"GRANT USAGE ON SCHEMA {schema} TO qms_app, qms_sql, qms_probe;"
    )


def _widen_sql(target: ExistingTable) -> str:
    index = shortened(target.name.partition(".")[2], "organization", "key")
    return (
        f"-- So that keys to {target.name} can carry the organization.\n"
        f"CREATE UNIQUE INDEX {index} ON {target.name} (organization_id, {target.key});"
    )


def _table_sql(table: Table, keys: list[Key]) -> str:
    lines = [
        "id uuid PRIMARY KEY DEFAULT gen_random_uuid()",
        "organization_id uuid NOT NULL REFERENCES qms.organizations (id)",
        *(_column_sql(column) for column in table.columns),
        "created_at timestamptz NOT NULL DEFAULT now()",
    ]
    if not table.append_only:
        lines.append("updated_at timestamptz NOT NULL DEFAULT now()")
    if table.referenced:
        lines.append("UNIQUE (organization_id, id)")
    lines += [f"UNIQUE (organization_id, {column})" for column in table.unique]
    if table.pairs:
        lines.append(f"UNIQUE (organization_id, {table.pairs[0]}, {table.pairs[1]})")
    lines += [_key_sql(key) for key in keys]
    body = ",\n".join(f"{_INDENT}{line}" for line in lines)
    return "\n".join([f"CREATE TABLE {table.name} (\n{body}\n);", *_comments(table), *_indexes(table)])


def _column_sql(column: Column) -> str:
    words = [column.name, column.type.sql]
    if column.required:
        words.append("NOT NULL")
    if column.default is not None:
        words.append(f"DEFAULT {column.default}")
    if column.check:
        words.append(f"CHECK ({column.check})")
    return " ".join(words)


def _key_sql(key: Key) -> str:
    if key.with_organization:
        return (
            f"FOREIGN KEY (organization_id, {key.column}) "
            f"REFERENCES {key.target} (organization_id, {key.target_column})"
        )
    return f"FOREIGN KEY ({key.column}) REFERENCES {key.target} ({key.target_column})"


def _late_key_sql(table: Table, key: Key) -> str:
    name = shortened(table.plain_name, key.column, "fkey")
    return f"-- Two tables point at each other.\nALTER TABLE {table.name} ADD CONSTRAINT {name} {_key_sql(key)};"


def _comments(table: Table) -> list[str]:
    return [
        f"COMMENT ON TABLE {table.name} IS {literal(table.comment)};",
        *(
            f"COMMENT ON COLUMN {table.name}.{column.name} IS {literal(column.comment)};"
            for column in table.columns
            if column.comment
        ),
    ]


def _indexes(table: Table) -> list[str]:
    made = [("created_at",)]
    for key in table.keys:
        if key.column in table.unique and key.with_organization:
            continue
        if table.pairs and key.column == table.pairs[0]:
            continue
        made.append((key.column,))
    made += [(column.name,) for column in table.columns if column.name in {"status", "state"}]
    alone = {key.column for key in table.keys if not key.with_organization}
    return [
        f"CREATE INDEX {shortened(table.plain_name, *columns, 'idx')} ON {table.name} "
        f"({', '.join(columns if columns[0] in alone else ('organization_id', *columns))});"
        for columns in made
    ]


def _protection_sql(table: Table) -> str:
    row = "FOR EACH ROW EXECUTE FUNCTION"
    statement = "FOR EACH STATEMENT EXECUTE FUNCTION"
    if table.append_only:
        triggers = [
            f"CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON {table.name}\n{row} qms.refuse_change();",
            f"CREATE TRIGGER append_only_truncate BEFORE TRUNCATE ON {table.name}\n{statement} qms.refuse_change();",
        ]
    else:
        triggers = [
            f"CREATE TRIGGER touch_updated_at BEFORE UPDATE ON {table.name}\n{row} qms.touch_updated_at();",
            f"CREATE TRIGGER never_deleted BEFORE DELETE ON {table.name}\n{row} qms.refuse_change();",
            f"CREATE TRIGGER never_truncated BEFORE TRUNCATE ON {table.name}\n{statement} qms.refuse_change();",
        ]
    triggers.append(f"CREATE TRIGGER record_change AFTER INSERT OR UPDATE ON {table.name}\n{row} qms.record_change();")
    return "\n".join([*triggers, row_security_sql(Rules(table.name, append_only=table.append_only))])
