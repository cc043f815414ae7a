"""What the catalogue says about a function, a relation or a type, as rows of `sql/queries/guard.sql`."""

from dataclasses import dataclass

FIRST_USER_OID = 16_384  # below it is what PostgreSQL itself was born with


def words(text: str) -> frozenset[str]:
    """Return the words of a list that is easier to read as text."""
    return frozenset(text.split())


@dataclass(frozen=True, slots=True)
class FunctionFact:
    """A function, aggregate or window function.

    Attributes:
        operators: The operators it was asked for by, for messages.
        operator_ids: The OIDs of those.
        body: The analysed tree of a `BEGIN ATOMIC` or `RETURN` body.
        defaults: The trees of default arguments.
        parts: The functions an aggregate is made of.
        takes_raw: Whether an argument is of type cstring or internal.
    """

    oid: int
    schema: str
    name: str
    signature: str
    volatility: str
    security_definer: bool
    language: str
    kind: str
    extension: str | None
    source: str
    body: str | None
    defaults: str | None
    operators: str | None
    operator_ids: list[int]
    parts: list[int]
    takes_raw: bool

    @property
    def qualified(self) -> str:
        """The name with its schema."""
        return f"{self.schema}.{self.name}"

    @property
    def built_in(self) -> bool:
        """Whether PostgreSQL itself brought it."""
        return self.oid < FIRST_USER_OID


@dataclass(frozen=True, slots=True)
class RelationFact:
    """A table, view or anything else that has rows.

    Attributes:
        kind: `relkind`: r table, p partitioned, v view, m materialized view, f foreign table, S sequence.
        row_security: Whether row-level security is on.
        forced: Whether it also binds the owner of the table.
        owner_unbound: Whether the owner passes all row-level security (superuser, BYPASSRLS).
        invoker: Whether a view is read with the rights of who asks (`security_invoker`).
        protected_parent: A parent table with row-level security, when this partition has none itself.
        protected_child: A part of it with row-level security, when it has none itself.
        named_readers: Roles for which it has policies of their own, by OID.
        tenant_column: Whether it has a column `organization_id`.
        rewritten: Whether rules rewrite what is done to it.
        body: The tree of a view's query.
    """

    oid: int
    schema: str
    name: str
    kind: str
    owner: int
    row_security: bool
    forced: bool
    owner_unbound: bool
    invoker: bool
    protected_parent: str | None
    protected_child: str | None
    named_readers: list[int]
    tenant_column: bool
    rewritten: bool
    body: str | None

    @property
    def qualified(self) -> str:
        """The name with its schema."""
        return f"{self.schema}.{self.name}"


@dataclass(frozen=True, slots=True)
class CheckFact:
    """A check of a domain: an expression that runs whenever a value of the domain is made."""

    domain: int
    name: str
    body: str


@dataclass(frozen=True, slots=True)
class CastFact:
    """A cast to json that PostgreSQL applies by itself inside `to_json` and its kin."""

    function: int
    type: int
    source: str


@dataclass(frozen=True, slots=True)
class NameFact:
    """A type, or with `oid` 0 something that has columns, arguments or results of it."""

    oid: int
    name: str


@dataclass(frozen=True, slots=True)
class ParameterFact:
    """A type that was asked for, as PostgreSQL spells it; `name` is null when there is none of that name."""

    asked: str
    name: str | None
    pseudo: bool
