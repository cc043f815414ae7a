"""A table as its tests see it: columns, constraints, policies, triggers and rights, from the catalogue."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from qms_mcp.db.queries import Query, query

if TYPE_CHECKING:
    from qms_mcp.db.transaction import Transaction

T = TypeVar("T")

_RELATION = query("sql_tests.relation")
_COLUMNS = query("sql_tests.columns")
_CONSTRAINTS = query("sql_tests.constraints")
_INDEXES = query("sql_tests.unique_indexes")
_POLICIES = query("sql_tests.policies")
_REFUSALS = query("sql_tests.refusals")
_PRIVILEGES = query("sql_tests.privileges")

ORGANIZATION = "organization_id"


@dataclass(frozen=True, slots=True)
class Column:
    """A column; `computed` means PostgreSQL makes its value, `labels` are those of an enumeration."""

    name: str
    type: str
    category: str
    nullable: bool
    computed: bool
    fallback: str | None
    labels: list[str]


@dataclass(frozen=True, slots=True)
class Constraint:
    """A constraint; kind as in pg_constraint: c check, p primary key, u unique, f foreign key."""

    name: str
    kind: str
    columns: list[str]
    condition: str
    target: int
    target_columns: list[str]
    deferred: bool


@dataclass(frozen=True, slots=True)
class UniqueIndex:
    """A unique index that is no constraint."""

    name: str
    columns: list[str]
    condition: str
    computed: bool


@dataclass(frozen=True, slots=True)
class Policy:
    """A policy; command as in pg_policy: r, a, w, d or *."""

    name: str
    command: str
    roles: list[str]
    using_expr: str
    check_expr: str

    def covers(self, role: str, command: str) -> bool:
        """Say whether it lets a role at a command."""
        return self.command in {command, "*"} and bool({role, "public"} & set(self.roles))


@dataclass(frozen=True, slots=True)
class Refusal:
    """A trigger that refuses changes, with the SQLSTATE it raises, or `error`."""

    name: str
    on_delete: bool
    on_update: bool
    on_truncate: bool
    state: str


@dataclass(frozen=True, slots=True)
class Rights:
    """What a role may do with the table."""

    role: str
    privileges: list[str]


@dataclass(frozen=True, slots=True)
class _RelationRow:
    oid: int
    schema: str
    name: str
    kind: str
    secured: bool
    forced: bool
    regulated: bool
    adding_roles: list[str]


@dataclass(frozen=True, slots=True)
class Table:
    """A table with all its tests have to know.

    Attributes:
        regulated: It belongs to the quality records: functions of the house decide over every row that is added.
    """

    oid: int
    schema: str
    name: str
    kind: str
    secured: bool
    forced: bool
    regulated: bool
    adding_roles: Sequence[str]
    columns: Sequence[Column]
    constraints: Sequence[Constraint]
    indexes: Sequence[UniqueIndex]
    policies: Sequence[Policy]
    refusals: Sequence[Refusal]
    rights: Sequence[Rights]

    @property
    def qualified(self) -> str:
        """Return the name as it stands in a statement, quoted where it needs to be."""
        return f"{ident(self.schema)}.{ident(self.name)}"

    @property
    def key(self) -> list[str]:
        """Return the columns of the primary key."""
        primary = self.of_kind("p")
        return primary[0].columns if primary else []

    @property
    def has_organization(self) -> bool:
        """Say whether its rows belong to organizations."""
        return any(column.name == ORGANIZATION for column in self.columns)

    def of_kind(self, kind: str) -> list[Constraint]:
        """Return the constraints of a kind."""
        return [constraint for constraint in self.constraints if constraint.kind == kind]

    def column(self, name: str) -> Column:
        """Return a column."""
        return next(column for column in self.columns if column.name == name)

    def may(self, role: str, privilege: str) -> bool:
        """Say whether a role has a right on the whole table."""
        return any(rights.role == role and privilege in rights.privileges for rights in self.rights)

    @property
    def adder(self) -> str | None:
        """Return the role that adds rows: the application where it may, else the first that a policy lets."""
        for role in self.adding_roles:
            if not self.secured or any(policy.covers(role, "a") for policy in self.policies):
                return role
        return None if self.secured or self.adding_roles else "owner"


_WORDS = frozenset({
    "all", "and", "any", "array", "as", "asc", "both", "case", "cast", "check", "column", "constraint", "create",
    "current_date", "current_user", "default", "desc", "distinct", "do", "else", "end", "except", "false", "fetch",
    "for", "foreign", "from", "grant", "group", "having", "in", "initially", "intersect", "into", "leading", "limit",
    "not", "null", "offset", "on", "only", "or", "order", "placing", "primary", "references", "returning", "select",
    "some", "symmetric", "table", "then", "to", "trailing", "true", "union", "unique", "user", "using", "variadic",
    "when", "where", "window", "with",
})  # fmt: skip


def ident(name: str) -> str:
    """Return an identifier, quoted where it needs to be."""
    plain = name.isascii() and name.replace("_", "a").isalnum() and name == name.lower() and not name[0].isdigit()
    return name if plain and name not in _WORDS else '"' + name.replace('"', '""') + '"'


def literal(text: str) -> str:
    """Return a text as a value in a statement."""
    quoted = text.replace("'", "''")
    return f"E'{quoted}'".replace("\\", "\\\\") if "\\" in text else f"'{quoted}'"


async def read_table(transaction: "Transaction", relation: int) -> Table:
    """Return a table by its oid."""
    params = {"relation": relation}

    async def rows(asked: Query, kind: type[T]) -> list[T]:
        return await transaction.fetch_all(asked, params, row=kind)

    head = (await rows(_RELATION, _RelationRow))[0]
    return Table(
        oid=head.oid,
        schema=head.schema,
        name=head.name,
        kind=head.kind,
        secured=head.secured,
        forced=head.forced,
        regulated=head.regulated,
        adding_roles=head.adding_roles,
        columns=await rows(_COLUMNS, Column),
        constraints=await rows(_CONSTRAINTS, Constraint),
        indexes=await rows(_INDEXES, UniqueIndex),
        policies=await rows(_POLICIES, Policy),
        refusals=await rows(_REFUSALS, Refusal),
        rights=await rows(_PRIVILEGES, Rights),
    )
