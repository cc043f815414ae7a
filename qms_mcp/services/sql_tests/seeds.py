"""Rows of other tables that a row refers to, and how a row is written down."""

# ruff: noqa: S608 - what is written here is a script for people; names in it are quoted

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

from qms_mcp.services.sql_tests.candidates import PLACEHOLDER
from qms_mcp.services.sql_tests.facts import ORGANIZATION, Column, Constraint, Table, ident, literal
from qms_mcp.services.sql_tests.proofs import Become, Run, Step
from qms_mcp.services.sql_tests.rows import Ask, CannotMakeRowError, Row, RowMaker, Value

_PEOPLE = frozenset({("auth", "users"), ("qms", "people")})
# What no constraint says: a trigger knows the types of quality records.
_GIVEN = {("qms", "quality_items"): {"category": "'capa'"}}
_DEEPEST = 4
# A person who is in no row yet, for columns in which each person may stand once.
NEWCOMER = "current_setting('qms_test.newcomer')::uuid"

ReadTable: TypeAlias = Callable[[int], Awaitable[Table]]


def unique_keys(table: Table) -> list[list[str]]:
    """Return the columns of every key of a table."""
    return [c.columns for c in table.constraints if c.kind in {"p", "u"}] + [index.columns for index in table.indexes]


def newcomer_for(row: Row) -> list[Step]:
    """Return the step that makes the newcomer a row needs, if it needs one."""
    needs = any(value.sql == NEWCOMER for value in row.values())
    return [Run("SELECT set_config('qms_test.newcomer', pg_temp.newcomer()::text, true)")] if needs else []


def insert(table: Table, row: Row, who: str) -> str:
    """Return the INSERT of a row that `who` adds."""
    columns = ", ".join(ident(name) for name in row)
    values = ", ".join(acted(value.sql, who) for value in row.values())
    if not row:
        return f"INSERT INTO {table.qualified} DEFAULT VALUES"
    return f"INSERT INTO {table.qualified} ({columns}) VALUES ({values})"


def acted(expression: str, who: str) -> str:
    """Return an expression with its marks replaced by the ids of who acts."""
    filled = expression.replace("@organization@", f"pg_temp.organization({literal(who)})")
    return filled.replace("@person@", f"pg_temp.person({literal(who)})").replace("@who@", who)


def kept(name: str, kind: str) -> Value:
    """Return the value that a set-up keeps under a name for each of a and b."""
    trial = PLACEHOLDER if kind == "uuid" else "1"
    return Value(f"current_setting('qms_test.{name}_@who@')::{kind}", trial)


def keeping(table: Table, row: Row, name: str, who: str) -> tuple[list[Step], Row]:
    """Return the steps that add a row and keep its key, and the row with that key in it.

    Raises:
        CannotMakeRowError: The key of the table is not one column.
    """
    key = _single_key(table)
    setting = f"'qms_test.{name}_{who}'"
    if key.name not in row and key.type == "uuid" and not key.computed:
        row = {key.name: kept(name, "uuid"), **row}
        make = Run(f"SELECT set_config({setting}, gen_random_uuid()::text, true)")
        return [make, Run(insert(table, row, who))], row
    if key.name in row:
        value = acted(row[key.name].sql, who)
        make = Run(f"SELECT set_config({setting}, ({value})::text, true)")
        row = {**row, key.name: kept(name, key.type)}
        return [make, Run(insert(table, row, who))], row
    returning = f"WITH added AS ({insert(table, row, who)} RETURNING {ident(key.name)} AS key)"
    return [Run(f"{returning} SELECT set_config({setting}, key::text, true) FROM added")], row


def _single_key(table: Table) -> Column:
    if len(table.key) != 1:
        raise CannotMakeRowError(f"{table.qualified} has no key of one column")
    return table.column(table.key[0])


@dataclass
class Seeds:
    """Makes values for columns that refer to other tables, and collects the rows they need.

    Attributes:
        read: Reads a table.
        ask: Evaluates conditions.
        setup: The steps that add the rows.
    """

    read: ReadTable
    ask: Ask
    setup: list[Step] = field(default_factory=list[Step])
    _made: dict[int, str] = field(default_factory=dict[int, str])

    async def references(self, table: Table, depth: int = 0) -> dict[str, Value]:
        """Return values for the required columns of a table that refer to others.

        Raises:
            CannotMakeRowError: A row it needs can't be made up.
        """
        found = {name: Value(value, value) for name, value in _GIVEN.get((table.schema, table.name), {}).items()}
        for constraint in table.of_kind("f"):
            columns = [table.column(name) for name in constraint.columns]
            # A key of which one column is NULL refers to nothing.
            if any(c.nullable or c.fallback for c in columns):
                continue
            found.update(await self._reference(table, constraint, columns, depth))
        return found

    async def _reference(
        self, table: Table, constraint: Constraint, columns: Sequence[Column], depth: int
    ) -> dict[str, Value]:
        target = await self.read(constraint.target)
        if (target.schema, target.name) in _PEOPLE:
            taken = any(set(constraint.columns) & set(key) for key in unique_keys(table))
            value = Value(NEWCOMER, PLACEHOLDER) if taken else Value("@person@", PLACEHOLDER)
            return {column.name: value for column in columns}
        if (target.schema, target.name) == ("qms", "organizations"):
            return {column.name: Value("@organization@", PLACEHOLDER) for column in columns}
        found: dict[str, Value] = {}
        for column, wanted in zip(columns, constraint.target_columns, strict=True):
            if ORGANIZATION in {wanted, column.name}:
                found[column.name] = Value("@organization@", PLACEHOLDER)
            elif [wanted] == target.key:
                found[column.name] = kept(await self._parent(target, depth), column.type)
            else:
                raise CannotMakeRowError(f"{column.name} refers to {target.qualified}({wanted}), which is not its key")
        return found

    async def _parent(self, table: Table, depth: int) -> str:
        if table.oid in self._made:
            return self._made[table.oid]
        beyond = table.regulated and (table.schema, table.name) not in _GIVEN
        if depth >= _DEEPEST or table.adder is None or beyond:
            raise CannotMakeRowError(f"a row of {table.qualified} can't be added")
        row = await RowMaker(table, await self.references(table, depth + 1), self.ask).base()
        name = self._made[table.oid] = f"parent_{len(self._made) + 1}"
        for who in ("a", "b"):
            steps, _ = keeping(table, row, name, who)
            adding = Become("owner") if table.adder == "owner" else Become(who, table.adder)
            self.setup += [*newcomer_for(row), adding, *steps]
        self.setup.append(Become("owner"))
        return name
