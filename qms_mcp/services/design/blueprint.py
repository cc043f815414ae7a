"""Tables as they will be, before any of it is text.

Entities become tables, relations become keys. A key to another table of the same organization always carries
organization_id, so that a record of one organization cannot point at one of another, whatever a policy says.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from qms_mcp.errors import InvalidInputError
from qms_mcp.services.design.models import Entity, EntityField, Relation
from qms_mcp.services.design.names import check_distinct, check_name, nearest, shortened, singular
from qms_mcp.services.design.types import ColumnType, column_type, default_sql, value_list

# Every table has these; a field of that name would be there twice.
_GIVEN = {
    "id": "Every table has a uuid key called id: leave the field out.",
    "organization_id": "Every table has organization_id: leave the field out.",
    "created_at": "Every table has created_at: leave the field out.",
    "updated_at": "Every table that may be changed has updated_at: leave the field out.",
}
_UUID = ColumnType("uuid", "uuid")


@dataclass(frozen=True, slots=True)
class ExistingTable:
    """A table of the database that a design may refer to.

    Attributes:
        name: Schema and name.
        key: The only column of its primary key; None when there is none or several.
        key_type: Type of that column.
        tenant: It has an organization_id.
        pair: (organization_id, key) is unique already.
        owned: The owner of this database may add an index to it.
    """

    name: str
    key: str | None
    key_type: str | None
    tenant: bool
    pair: bool
    owned: bool


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a planned table."""

    name: str
    type: ColumnType
    required: bool = False
    default: str | None = None
    check: str | None = None
    comment: str = ""


@dataclass(frozen=True, slots=True)
class Key:
    """A foreign key."""

    column: str
    target: str
    target_column: str
    with_organization: bool
    one_to_one: bool = False


@dataclass
class Table:
    """A planned table."""

    name: str
    comment: str
    append_only: bool = False
    columns: list[Column] = field(default_factory=list[Column])
    keys: list[Key] = field(default_factory=list[Key])
    unique: list[str] = field(default_factory=list[str])
    pairs: tuple[str, str] | None = None
    referenced: bool = False

    @property
    def plain_name(self) -> str:
        """The name without its schema."""
        return self.name.partition(".")[2]

    def add(self, column: Column) -> None:
        """Add a column.

        Raises:
            InvalidInputError: There is one of that name.
        """
        check_distinct([*(known.name for known in self.columns), column.name], f"column of {self.name}")
        self.columns.append(column)


class Blueprint:
    """All tables of a design, with the decisions taken on the way.

    Args:
        schema: Where the tables will be.
        entities: What is to be kept.
        existing: Tables of the database, by schema and name.
    """

    def __init__(self, schema: str, entities: Sequence[Entity], existing: Mapping[str, ExistingTable]) -> None:
        self.schema = check_name(schema, "schema")
        self.existing = existing
        self.decisions: dict[str, str] = {}
        self.warnings: list[str] = []
        self.widened: list[ExistingTable] = []
        check_distinct((check_name(entity.name, "table") for entity in entities), "entity")
        self.tables = {entity.name: self._table(entity) for entity in entities}
        for entity in entities:
            for one in entity.fields:
                self._field(self.tables[entity.name], one)
        for entity in entities:
            for relation in entity.relations:
                self._relation(self.tables[entity.name], relation)

    def decide(self, what: str, why: str) -> None:
        """Note a choice, once."""
        self.decisions.setdefault(what, why)

    def _table(self, entity: Entity) -> Table:
        name = f"{self.schema}.{entity.name}"
        if name in self.existing:
            raise InvalidInputError(
                f"There is a table {name} already.", hint="See describe_table, or take another name."
            )
        if not entity.description.strip():
            raise InvalidInputError(f"{entity.name} has no description.", hint="Say in a sentence what a row of it is.")
        return Table(name, entity.description.strip(), entity.append_only)

    def _field(self, table: Table, given: EntityField) -> None:
        if given.name in _GIVEN:
            raise InvalidInputError(f"{table.plain_name}.{given.name} is there already.", hint=_GIVEN[given.name])
        check_name(given.name, "column")
        if given.references:
            self._reference(table, given)
            return
        kind = column_type(given.type)
        if given.type.strip().lower() == "enum" and not given.allowed:
            raise InvalidInputError(f"The enum {given.name} has no allowed values.", hint="Give them in allowed.")
        if given.default is not None and given.allowed and str(given.default) not in given.allowed:
            raise InvalidInputError(
                f"The default {given.default!r} of {given.name} is not allowed.",
                hint=nearest(str(given.default), given.allowed),
            )
        check_distinct(given.allowed, f"allowed value of {given.name}")
        table.add(
            Column(
                given.name,
                kind,
                given.required,
                None if given.default is None else default_sql(given.default, kind),
                _check(given, kind),
                given.description.strip(),
            )
        )
        self._explain(table, given, kind)

    def _explain(self, table: Table, given: EntityField, kind: ColumnType) -> None:
        if kind.why:
            self.decide(f"{given.type} becomes {kind.sql}", kind.why)
        if not given.description:
            self.warnings.append(f"{table.name}.{given.name} has no description.")
        if given.unique:
            table.unique.append(given.name)
            self.decide(
                "unique means unique within the organization",
                "across organizations a refused value would tell one tenant what another has",
            )

    def _reference(self, table: Table, given: EntityField) -> None:
        kind = "one_to_one" if given.unique else "many_to_one"
        relation = Relation(to=given.references, kind=kind, required=given.required, on=given.name)
        if given.default is not None or given.allowed:
            raise InvalidInputError(
                f"{given.name} refers to a table: no default, no allowed values.", hint="Leave them out."
            )
        self._relation(table, relation, comment=given.description)

    def _relation(self, table: Table, relation: Relation, comment: str = "") -> None:
        if relation.kind == "many_to_many":
            self._link(table, relation)
            return
        if relation.kind == "one_to_many":
            child = self.tables.get(self._plain(relation.to))
            if child is None:
                self._target(relation.to)
                raise InvalidInputError(
                    f"one_to_many would add a column to {relation.to}, which exists already.",
                    hint="Turn it round (many_to_one in the new entity), or use many_to_many.",
                )
            self._key(child, table.name, relation, comment)
            return
        self._key(table, relation.to, relation, comment)

    def _plain(self, name: str) -> str:
        return name.removeprefix(f"{self.schema}.")

    def _target(self, name: str) -> Table | ExistingTable:
        if planned := self.tables.get(self._plain(name)):
            return planned
        for candidate in (name, f"{self.schema}.{name}"):
            if candidate in self.existing:
                return self.existing[candidate]
        raise InvalidInputError(
            f"There is no entity or table {name[:80]!r} to refer to.",
            hint=nearest(name, [*self.tables, *self.existing]),
        )

    def _key(self, table: Table, to: str, relation: Relation, comment: str = "", *, link: bool = False) -> None:
        target = self._target(to)
        name = target.name
        column = relation.on or f"{singular(name.partition('.')[2])}_id"
        check_name(column, "column")
        target_column, kind, with_organization = self._end(target)
        one = relation.kind == "one_to_one"
        table.add(
            Column(
                column, kind, relation.required or link, comment=comment or f"The {singular(name.partition('.')[2])}."
            )
        )
        table.keys.append(Key(column, name, target_column, with_organization, one))
        if one:
            table.unique.append(column)
            self.decide(f"{table.name}.{column} is unique", "one_to_one: at most one row may refer to the same record")

    def _end(self, target: Table | ExistingTable) -> tuple[str, ColumnType, bool]:
        if isinstance(target, Table):
            target.referenced = True
            self._decide_pairs()
            return "id", _UUID, True
        if target.key is None or target.key_type is None:
            raise InvalidInputError(
                f"{target.name} has no primary key of one column to refer to.", hint="Give it one first."
            )
        with_organization = target.tenant and (target.pair or target.owned)
        if with_organization:
            self._decide_pairs()
            if not target.pair and target not in self.widened:
                self.widened.append(target)
        elif target.tenant:
            self.warnings.append(
                f"{target.name} belongs to somebody else, so (organization_id, {target.key}) can't be made unique: "
                "the key refers to the id alone and does not stop a link to another organization's record."
            )
        return target.key, ColumnType(target.key_type, "other"), with_organization

    def _decide_pairs(self) -> None:
        self.decide(
            "foreign keys carry organization_id",
            "PostgreSQL checks keys past row-level security; with the pair, a record can't point into another "
            "organization",
        )

    def _link(self, table: Table, relation: Relation) -> None:
        target = self._target(relation.to)
        other = target.name.partition(".")[2]
        name = shortened(table.plain_name, other)
        if name in self.tables or f"{self.schema}.{name}" in self.existing:
            raise InvalidInputError(
                f"The link table {self.schema}.{name} is there already.",
                hint="State a many_to_many on one side only, or make the link an entity of its own.",
            )
        link = Table(f"{self.schema}.{name}", f"Which {other} belong to which {table.plain_name}.")
        self.tables[name] = link
        one = Relation(to=table.name, required=True)
        second = f"other_{singular(other)}_id" if target.name == table.name else ""
        self._key(link, table.name, one, link=True)
        self._key(link, target.name, Relation(to=target.name, required=True, on=relation.on or second), link=True)
        link.pairs = (link.keys[0].column, link.keys[1].column)
        self.decide(
            f"{link.name} links {table.plain_name} and {other}",
            "many_to_many needs a table; it has its own id, so that the audit trail can name a link",
        )


def _check(given: EntityField, kind: ColumnType) -> str | None:
    if given.allowed:
        return f"{given.name} IN ({value_list(given.allowed, kind)})"
    if kind.longest:
        return f"char_length({given.name}) <= {kind.longest}"
    return f"btrim({given.name}) <> ''" if given.required and kind.family == "text" else None
