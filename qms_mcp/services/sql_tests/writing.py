"""The tests of a table: constraint by constraint, policy by policy, right by right."""

# ruff: noqa: S608 - what is written here is a script for people; names in it are quoted

from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import dataclass

from qms_mcp.services.sql_tests.candidates import candidates, unknown_reference
from qms_mcp.services.sql_tests.facts import ORGANIZATION, Constraint, Refusal, Table, ident, literal
from qms_mcp.services.sql_tests.proofs import Become, Proof, Run, Step, Verify
from qms_mcp.services.sql_tests.rows import Row, RowMaker, Value, mentioned_by_policy
from qms_mcp.services.sql_tests.seeds import insert, keeping, kept, newcomer_for

_READERS = ("qms_app", "qms_sql")
_ROLES = ("qms_app", "qms_sql", "qms_probe", "anon", "authenticated")
_RIGHTS = ("SELECT", "INSERT", "UPDATE", "DELETE", "TRUNCATE")


@dataclass(frozen=True)
class Writer:
    """Writes the tests of a table whose rows can be made up.

    Attributes:
        table: The table.
        base: A row it accepts.
        maker: Makes rows that break a CHECK.
    """

    table: Table
    base: Row
    maker: RowMaker

    @property
    def adder(self) -> str:
        """Return the role that adds rows."""
        return self.table.adder or "owner"

    async def proofs(self) -> AsyncIterator[Proof]:
        """Yield the tests."""
        yield Proof("a whole row is accepted", [*self._acting(), Run(insert(self.table, self.base, "a"))])
        for proof in self._required():
            yield proof
        for proof in self._defaults():
            yield proof
        for check in self.table.of_kind("c"):
            yield await self._check(check)
        async for proof in self._unique():
            yield proof
        for key in self.table.of_kind("f"):
            yield await self._foreign_key(key)
        for proof in [*self._isolation(), *self._confinement(), *self._refusals()]:
            yield proof

    def _acting(self, who: str = "a") -> list[Step]:
        """Return the steps after which somebody may add a row."""
        return [*newcomer_for(self.base), Become("owner") if self.adder == "owner" else Become(who, self.adder)]

    def _with(self, **values: Value) -> Row:
        return {**self.base, **values}

    def _added(self, who: str = "a") -> list[Step]:
        """Return the steps that add a row and keep its key, where it has one."""
        if len(self.table.key) != 1:
            return [*self._acting(who), Run(insert(self.table, self.base, who))]
        steps, _ = keeping(self.table, self.base, "row", who)
        return [*self._acting(who), *steps]

    @property
    def _its_key(self) -> str:
        """Return the condition that finds the row A added."""
        if len(self.table.key) != 1:
            return f"{ORGANIZATION} = pg_temp.organization('a')"
        key = self.table.column(self.table.key[0])
        return f"{ident(key.name)} = current_setting('qms_test.row_a')::{key.type}"

    def _required(self) -> Iterator[Proof]:
        guarded = mentioned_by_policy(self.table, self.adder)
        for column in self.table.columns:
            if not column.nullable and not column.computed:
                row = self._with(**{column.name: Value("NULL", "NULL")})
                state = "error" if column.name in guarded else "23502"
                yield Proof(f"{column.name} is required", [*self._acting(), Run(insert(self.table, row, "a"))], state)

    def _defaults(self) -> Iterator[Proof]:
        filled = [c for c in self.table.columns if c.fallback and not c.computed and c.name not in self.base]
        filled = [c for c in filled if c.name not in self.table.key]
        reader = next((role for role in (self.adder, "qms_app") if self._readable(role)), None)
        if not filled or len(self.table.key) != 1 or reader is None:
            return
        verified: list[Step] = []
        for column in filled:
            volatile = any(
                name in (column.fallback or "") for name in ("gen_random_uuid", "nextval", "clock_timestamp")
            )
            test = "IS NOT NULL" if volatile else f"IS NOT DISTINCT FROM ({column.fallback})"
            condition = f"(SELECT {ident(column.name)} {test} FROM {self.table.qualified} WHERE {self._its_key})"
            verified.append(Verify(condition, f"{column.name} is not what its default says"))
        yield Proof("left out, columns have their defaults", [*self._added(), Become("a", reader), *verified])

    async def _check(self, check: Constraint) -> Proof:
        name = f"{check.name} refuses what breaks it"
        if self.maker.fixes(check):
            return Proof(name, skip="a policy fixes the columns it is about")
        values = await self.maker.breaking(check, self.base)
        if values is None:
            return Proof(name, skip=f"no value was found that breaks {' '.join(check.condition.split())[:100]}")
        row = self._with(**values)
        return Proof(name, [*self._acting(), Run(insert(self.table, row, "a"))], "23514", check.name)

    async def _unique(self) -> AsyncIterator[Proof]:
        keys = [(c.name, c.columns, "") for c in self.table.constraints if c.kind in {"p", "u"}]
        keys += [(i.name, i.columns, i.condition) for i in self.table.indexes if not i.computed]
        for name, columns, condition in keys:
            title = f"{name} refuses a second row"
            row = await self._same_key(columns)
            if row is None or (condition and not _holds_by_default(condition, self.base)):
                yield Proof(title, skip="its key can't be made up twice")
                continue
            steps: list[Step] = [*self._acting(), *self._kept_key(columns)]
            yield Proof(title, [*steps, *[Run(insert(self.table, row, "a"))] * 2], "23505")

    def _kept_key(self, columns: Sequence[str]) -> list[Step]:
        made = [name for name in columns if name not in self.base and self.table.column(name).type == "uuid"]
        return [Run("SELECT set_config('qms_test.row_a', gen_random_uuid()::text, true)")] if made else []

    async def _same_key(self, columns: Sequence[str]) -> Row | None:
        values: Row = {}
        for name in columns:
            column = self.table.column(name)
            if name in self.base:
                values[name] = Value(self.base[name].stable, self.base[name].trial)
            elif column.computed or any(name in key.columns for key in self.table.of_kind("f")):
                return None
            elif column.type == "uuid":
                values[name] = kept("row", "uuid")
            else:
                options = candidates(column)
                if not options:
                    return None
                values[name] = Value(options[0], options[0])
        row = self._with(**values)
        return row if not await self.maker.broken(row) else None

    async def _foreign_key(self, key: Constraint) -> Proof:
        name = f"{key.name} refuses a reference to nothing"
        if set(key.columns) & mentioned_by_policy(self.table, self.adder):
            return Proof(name, skip="a policy refuses the row before the key is looked at")
        # Another key would refuse first what it shares with this one.
        shared = {column for other in self.table.of_kind("f") if other.name != key.name for column in other.columns}
        own = [column for column in key.columns if column not in shared | {ORGANIZATION}] or key.columns
        unknown = {
            column: Value(unknown_reference(self.table.column(column).type), "'00000000-0000-4000-8000-0000000000ff'")
            for column in own
        }
        row = self._with(**unknown)
        trial = {
            n: v if n not in unknown or self.table.column(n).type == "uuid" else Value("1", "1") for n, v in row.items()
        }
        if await self.maker.broken(trial):
            return Proof(name, skip="a CHECK refuses the row before the key is looked at")
        steps: list[Step] = [*self._acting(), Run(insert(self.table, row, "a"))]
        if key.deferred:
            steps.append(Run("SET CONSTRAINTS ALL IMMEDIATE"))
        return Proof(name, steps, "23503", key.name)

    def _readable(self, role: str) -> bool:
        reads = any(policy.covers(role, "r") for policy in self.table.policies)
        return self.table.may(role, "SELECT") and (reads or not self.table.secured)

    def _isolation(self) -> Iterator[Proof]:
        if not self.table.has_organization or not self.table.secured:
            return
        of_a = f"SELECT count(*) FROM {self.table.qualified} WHERE {ORGANIZATION} = pg_temp.organization('a')"
        for role in filter(self._readable, _READERS):
            sees = [("a", "> 0", "A does not see the own row")]
            sees += [("b", "= 0", "B sees rows of A"), ("nobody", "= 0", "without an identity rows of A are seen")]
            looks: list[Step] = []
            for who, test, message in sees:
                looks += [Become(who, role), Verify(f"({of_a}) {test}", message)]
            yield Proof(f"rows of A are seen by A only ({role})", [*self._added(), *looks])

    def _confinement(self) -> Iterator[Proof]:
        """Yield tests that the application can't write across organizations."""
        table = self.table
        if not table.has_organization or not table.secured:
            return
        if self.adder == "qms_app":
            planted = [
                *newcomer_for(self.base),
                Become("b"),
                Run(insert(table, self._with(organization_id=Value("pg_temp.organization('a')", "")), "b")),
            ]
            yield Proof("B can't add a row to A", planted, "42501")
            nobody = [Become("nobody"), Run(insert(table, self.base, "a"))]
            yield Proof("nobody adds a row without an identity", nobody, "42501")
            if any(
                "may_write()" in policy.check_expr or "may_keep_records()" in policy.check_expr
                for policy in table.policies
                if policy.covers("qms_app", "a")
            ):
                yield Proof("an auditor adds nothing", [Become("auditor"), Run(insert(table, self.base, "a"))], "42501")
        if table.may("qms_app", "UPDATE") and self._readable("qms_app"):
            update = f"UPDATE {table.qualified} SET {ORGANIZATION}"
            moving = Run(f"{update} = pg_temp.organization('b') WHERE {self._its_key}")
            yield Proof("a row of A can't be moved to B", [*self._added(), Become("a"), moving], "42501")
            reached = f"WITH reached AS ({update} = {ORGANIZATION} WHERE {self._its_key} RETURNING 1)"
            count = f"{reached} SELECT set_config('qms_test.reached', count(*)::text, true) FROM reached"
            verified = Verify("current_setting('qms_test.reached') = '0'", "B changed a row of A")
            yield Proof("B can't change a row of A", [*self._added(), Become("b"), Run(count), verified])

    def _refusals(self) -> Iterator[Proof]:
        for refusal in self.table.refusals:
            for verb, applies in (("UPDATE", refusal.on_update), ("DELETE", refusal.on_delete)):
                if applies:
                    yield self._refused(refusal, verb)

    def _refused(self, refusal: Refusal, verb: str) -> Proof:
        """Return a test in which a role gets every right and is refused all the same."""
        table = self.table
        give = [f"GRANT SELECT, UPDATE, DELETE ON {table.qualified} TO qms_app"]
        if table.secured:
            give.append(
                f"CREATE POLICY qms_test_everything ON {table.qualified} TO qms_app USING (true) WITH CHECK (true)"
            )
        column = ident(table.columns[0].name)
        change = (
            f"UPDATE {table.qualified} SET {column} = {column}"
            if verb == "UPDATE"
            else f"DELETE FROM {table.qualified}"
        )
        cleanup = [f"DROP POLICY qms_test_everything ON {table.qualified}"] if table.secured else []
        cleanup += [
            f"REVOKE {p} ON {table.qualified} FROM qms_app" for p in ("UPDATE", "DELETE") if not table.may("qms_app", p)
        ]
        steps: list[Step] = [*self._added(), Become("owner"), *map(Run, give), Become("a"), Run(change)]
        name = f"{refusal.name}: a role that may {verb} is refused all the same"
        return Proof(name, steps, refusal.state, cleanup=cleanup)


def _holds_by_default(condition: str, base: Row) -> bool:
    """Say whether an index condition is only that a column is NULL which the row leaves out."""
    word = condition.strip("()").split()
    return len(word) == 3 and [text.upper() for text in word[1:]] == ["IS", "NULL"] and word[0] not in base  # noqa: PLR2004


def structure(table: Table) -> Iterator[Proof]:
    """Yield the tests that need no row: protection, rights, and that nobody empties it."""
    name = literal(table.qualified)
    if table.secured:
        asked = f"(SELECT relrowsecurity AND {'relforcerowsecurity' if table.forced else 'true'} FROM pg_class"
        condition = f"{asked} WHERE oid = {name}::regclass)"
        words = "on and forced" if table.forced else "on"
        yield Proof(f"row-level security is {words}", [Verify(condition, f"row-level security is not {words}")])
    for role in _ROLES:
        rights = next((r.privileges for r in table.rights if r.role == role), None)
        if rights is None:
            continue
        held = " AND ".join(
            f"{'' if right in rights else 'NOT '}has_table_privilege({literal(role)}, {name}, {literal(right)})"
            for right in _RIGHTS
        )
        may = ", ".join(rights) or "nothing"
        yield Proof(f"{role} has the rights: {may}", [Verify(held, f"the rights of {role} are not exactly: {may}")])
    for refusal in table.refusals:
        if refusal.on_truncate:
            truncating = [Become("owner"), Run(f"TRUNCATE {table.qualified} CASCADE")]
            yield Proof(f"{refusal.name}: not even the owner can empty the table", truncating, refusal.state)
