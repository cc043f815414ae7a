"""What the catalogue answers with.

Keys, indexes, triggers, policies and the like are given as PostgreSQL writes them: one line a model knows how to read
says more than an object of eight fields.
"""

from typing import Any, Literal, TypeAlias

from pydantic import Field

from qms_mcp.services.answer import Answer

Kind: TypeAlias = Literal[
    "relation", "table", "view", "materialized_view", "function", "policy", "extension", "schema", "all"
]


class SchemaObject(Answer):
    """One thing in the database."""

    kind: str
    name: str
    comment: str | None = None
    summary: str | None = None
    rows: str | None = None
    bytes: int | None = None


class SchemaObjects(Answer):
    """A page of things in the database."""

    total: int
    objects: list[SchemaObject]
    next_cursor: str | None = None
    notes: list[str] = Field(default_factory=list)


class Column(Answer):
    """A column of a table or a view."""

    name: str
    type: str
    nullable: bool
    default: str | None = None
    generated: str | None = None
    comment: str | None = None


class TableDescription(Answer):
    """All there is to know of a table or a view."""

    name: str
    kind: str
    comment: str | None = None
    rows: str | None = None
    bytes: int | None = None
    row_level_security: Literal["off", "on", "forced"]
    columns: list[Column]
    primary_key: list[str] = Field(default_factory=list)
    constraints: list[str] = Field(default_factory=list)
    referenced_by: list[str] = Field(default_factory=list)
    indexes: list[str] = Field(default_factory=list)
    triggers: list[str] = Field(default_factory=list)
    policies: list[str] = Field(default_factory=list)
    partitioning: str | None = None
    partitions: list[str] = Field(default_factory=list)
    definition: str | None = None
    samples: list[dict[str, Any]] = Field(default_factory=list[dict[str, Any]])
    notes: list[str] = Field(default_factory=list)
