"""A row that every constraint and policy of a table accepts, and rows that break exactly one CHECK.

Which value satisfies a CHECK is not read from its text but asked of PostgreSQL: candidates are put into the
condition, in a read-only statement, and the first that makes it true (or false) is taken.
"""

# ruff: noqa: S608 - what is written here is a script for people; names in it are quoted

import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice, product
from typing import TypeAlias

from qms_mcp.errors import NotFoundError
from qms_mcp.services.sql_tests.candidates import PLACEHOLDER, candidates, changing
from qms_mcp.services.sql_tests.facts import ORGANIZATION, Column, Constraint, Table, ident
from qms_mcp.sqltext import tokenize

Ask: TypeAlias = Callable[[str], Awaitable["list[list[bool | None]] | None"]]

_FIXED_BY_CALL = re.compile(r"\((\w+) = \( SELECT ((?:\w+\.)*\w+\(\)) AS \w+\)\)")
_FIXED_BY_VALUE = re.compile(r"\((\w+) = ('(?:[^']|'')*')::[\w ]+\)")
_EQUALS = re.compile(r"^\((?P<column>\w+) = (?P<value>.+)\)$", re.DOTALL)
_MOST_TRIED = 400
_MOST_ALONE = 40


class CannotMakeRowError(NotFoundError):
    """No row could be made up that the table accepts."""


@dataclass(frozen=True, slots=True)
class Value:
    """A value for a column.

    Attributes:
        sql: As it stands in the INSERT; `@...@` marks what depends on who acts.
        trial: A value of the same kind, to try conditions with.
        reused: One that is the same at every use, for keys.
    """

    sql: str
    trial: str
    reused: str = ""

    @property
    def stable(self) -> str:
        """Return the value that is the same at every use."""
        return self.reused or self.sql


Row: TypeAlias = dict[str, Value]


def fixed_by_policy(table: Table, role: str) -> Row:
    """Return what the policies for adding rows demand of columns."""
    if not table.secured:
        return {}
    checks = [p.check_expr or p.using_expr for p in table.policies if p.covers(role, "a")]
    if len(checks) != 1:
        return {}
    found: Row = {}
    names = {column.name for column in table.columns}
    if " OR " in checks[0]:
        return {}
    for match in _FIXED_BY_CALL.finditer(checks[0]):
        found[match[1]] = Value(match[2], "'agent'" if "kind" in match[2] else PLACEHOLDER)
    for match in _FIXED_BY_VALUE.finditer(checks[0]):
        found[match[1]] = Value(match[2], match[2])
    return {name: value for name, value in found.items() if name in names}


def mentioned_by_policy(table: Table, role: str) -> set[str]:
    """Return the columns the policies for adding rows look at."""
    if not table.secured:
        return set()
    checks = [p.check_expr or p.using_expr for p in table.policies if p.covers(role, "a")]
    return {token.name for check in checks for token in tokenize(check) if token.name}


class RowMaker:
    """Makes rows of one table.

    Args:
        table: The table.
        references: Values for columns that refer to other tables.
        ask: Evaluates conditions.
    """

    def __init__(self, table: Table, references: Mapping[str, Value], ask: Ask) -> None:
        self._table = table
        self._references = references
        self._ask = ask
        self._checks = table.of_kind("c")
        self._fixed = fixed_by_policy(table, table.adder or "")

    async def base(self) -> Row:
        """Return the values of a row that is accepted: only of the columns that need one.

        Raises:
            CannotMakeRowError: No value satisfies a condition.
        """
        row: Row = {}
        for column in self._in_order(self._needed()):
            row[column.name] = await self._value(column, row)
        broken = await self.broken(row)
        if broken:
            raise CannotMakeRowError(f"no values were found that satisfy {', '.join(broken)}")
        return row

    async def broken(self, row: Row) -> list[str]:
        """Return the names of the CHECKs a row breaks, or that can't be evaluated."""
        names: list[str] = []
        for check in self._checks:
            answer = await self._try([check.condition], check.columns, [self._trials(check.columns, row)])
            if answer is None or answer[0][0] is False:
                names.append(check.name)
        return names

    async def breaking(self, check: Constraint, base: Row) -> Row | None:
        """Return values that, in place of those of `base`, break one CHECK and none that PostgreSQL looks at before."""
        before_it = [c.condition for c in self._checks if c.name < check.name]
        others = " AND ".join(f"(({condition}) IS NOT FALSE)" for condition in before_it) or "true"
        columns = [c.name for c in self._table.columns if c.name in self._used(others) | set(check.columns)]
        pools = [self._pool(name, check, base) for name in columns]
        combined = islice(product(*pools), _MOST_TRIED)
        tried = [self._rederived(dict(zip(columns, trials, strict=True)), check, base) for trials in combined]
        for start in range(0, len(tried), _MOST_ALONE):
            some = tried[start : start + _MOST_ALONE]
            answers = await self._try([check.condition, others], columns, some)
            for trials, answer in zip(some, answers or [], strict=False):
                if answer[0] is False and answer[1] is True:
                    before = self._trials(columns, base)
                    changed = [(n, t) for n, t, b in zip(columns, trials, before, strict=True) if t != b]
                    return {name: Value(trial, trial) for name, trial in changed}
        return None

    def fixes(self, check: Constraint) -> bool:
        """Say whether the policies leave no choice in the columns of a CHECK."""
        return set(check.columns) <= set(self._fixed) | {ORGANIZATION}

    def _rederived(self, trials: dict[str, str], check: Constraint, base: Row) -> list[str]:
        """Return trial values in which what other CHECKs derive from them follows them."""
        for other in self._checks:
            match = _EQUALS.match(other.condition)
            follows = match and match["column"] in trials and match["column"] not in check.columns
            if match and follows and self._used(match["value"]) & set(check.columns):
                row = {**base, **{name: Value(trial, trial) for name, trial in trials.items()}}
                trials = {**trials, match["column"]: self._with_values(match["value"], row)}
        return list(trials.values())

    def _needed(self) -> list[Column]:
        return [
            column
            for column in self._table.columns
            if not column.computed
            and (
                (not column.nullable and column.fallback is None)
                or column.name in self._fixed
                or column.name == ORGANIZATION
            )
        ]

    def _in_order(self, columns: Sequence[Column]) -> list[Column]:
        """Return columns so that what a CHECK derives from others comes after them."""
        waiting = {column.name: column for column in columns}
        ordered: list[Column] = []
        while waiting:
            free = [name for name in waiting if not self._inputs(name) & set(waiting) - {name}]
            ordered.extend(waiting.pop(name) for name in free or list(waiting)[:1])
        return ordered

    def _inputs(self, name: str) -> set[str]:
        """Return the columns from which a CHECK derives a column."""
        derivations = [match for check in self._checks if (match := _EQUALS.match(check.condition))]
        return {used for match in derivations if match["column"] == name for used in self._used(match["value"])}

    async def _value(self, column: Column, row: Row) -> Value:
        if column.name in self._references:
            return self._references[column.name]
        if column.name == ORGANIZATION:
            return Value("@organization@", PLACEHOLDER)
        if column.name in self._fixed:
            return self._fixed[column.name]
        known = set(row) | {c.name for c in self._table.columns} - {c.name for c in self._needed()} | {column.name}
        checks = [c for c in self._checks if column.name in c.columns and set(c.columns) <= known]
        return await self._satisfying(column, checks, row)

    async def _satisfying(self, column: Column, checks: Sequence[Constraint], row: Row) -> Value:
        whole = " AND ".join(f"({c.condition})" for c in checks)
        options = [Value(sql, trial, trial) for sql, trial in changing(column) if self._is_unique(column.name)]
        options += [Value(value, value) for value in self._derived(column, checks, row)]
        options += [Value(value, value) for value in candidates(column, whole)]
        if not options:
            raise CannotMakeRowError(f"no value of type {column.type} is known for {column.name}")
        if not checks:
            return options[0]
        columns = sorted({name for c in checks for name in c.columns})
        tried = [self._trials(columns, {**row, column.name: option}) for option in options]
        for option, answer in zip(options, await self._try([whole], columns, tried) or [], strict=False):
            if answer[0] is not False:
                return option
        raise CannotMakeRowError(f"no value was found for {column.name} that satisfies {whole[:120]}")

    def _derived(self, column: Column, checks: Sequence[Constraint], row: Row) -> list[str]:
        """Return what a CHECK says a column equals, with the values of the other columns in it."""
        found: list[str] = []
        for check in checks:
            match = _EQUALS.match(check.condition)
            if match and match["column"] == column.name and not match["value"].startswith(("ANY ", "ALL ")):
                found.append(self._with_values(match["value"], row))
        return found

    def _with_values(self, expression: str, row: Row) -> str:
        """Return an expression with the values of a row in place of its columns."""
        pieces: list[str] = []
        names = {column.name for column in self._table.columns}
        tokens = tokenize(expression)
        for token, after in zip(tokens, [*tokens[1:], None], strict=True):
            calls = after is not None and after.text == "("
            if token.name in names and not calls and (not pieces or pieces[-1] != "::"):
                value = row.get(token.name)
                default = self._table.column(token.name).fallback or "NULL"
                pieces.append(value.stable if value else default)
            else:
                pieces.append(token.text)
        return " ".join(pieces)

    def _is_unique(self, name: str) -> bool:
        return any(name in c.columns for c in self._table.constraints if c.kind in {"p", "u"}) or any(
            name in index.columns for index in self._table.indexes
        )

    def _pool(self, name: str, check: Constraint, base: Row) -> list[str]:
        own = self._trials([name], base)[0]
        if name not in check.columns or name in self._fixed or name == ORGANIZATION:
            return [own]
        column = self._table.column(name)
        nothing = ["NULL"] if column.nullable else []
        return list(dict.fromkeys([own, *candidates(column, check.condition), *nothing]))

    def _trials(self, columns: Sequence[str], row: Row) -> list[str]:
        return [row[name].trial if name in row else self._default_trial(self._table.column(name)) for name in columns]

    def _default_trial(self, column: Column) -> str:
        if column.fallback is None:
            return "NULL" if not column.computed else "1" if column.category == "N" else "NULL"
        if "gen_random_uuid" in column.fallback:
            return PLACEHOLDER
        return "1" if "nextval" in column.fallback else column.fallback

    def _used(self, condition: str) -> set[str]:
        names = {column.name for column in self._table.columns}
        return {token.name for token in tokenize(condition)} & names

    async def _try(
        self, conditions: Sequence[str], columns: Sequence[str], rows: Sequence[Sequence[str]]
    ) -> list[list[bool | None]] | None:
        """Return what conditions say about rows of trial values; None when PostgreSQL can't tell."""
        answers = await self._try_together(conditions, columns, rows)
        if answers is not None or len(rows) > _MOST_ALONE:
            return answers
        alone = [await self._try_together(conditions, columns, [row]) for row in rows]
        if not any(alone):
            return None
        return [answer[0] if answer else [False] * len(conditions) for answer in alone]

    async def _try_together(
        self, conditions: Sequence[str], columns: Sequence[str], rows: Sequence[Sequence[str]]
    ) -> list[list[bool | None]] | None:
        types = [self._table.column(name).type for name in columns]
        listed = ", ".join(
            f"({place}, {', '.join(f'CAST({v} AS {t})' for v, t in zip(row, types, strict=True))})"
            for place, row in enumerate(rows)
        )
        said = ", ".join(f"({condition}) AS said_{place}" for place, condition in enumerate(conditions))
        names = ", ".join(["trial_place", *map(ident, columns)])
        return await self._ask(
            f"SELECT {said} FROM (VALUES {listed}) AS {ident(self._table.name)} ({names}) ORDER BY trial_place"
        )
