"""What a design is made of, and what comes of it."""

from typing import Literal, TypeAlias

from pydantic import BaseModel, ConfigDict, Field

from qms_mcp.services.answer import Answer

Kind: TypeAlias = Literal["one_to_many", "many_to_one", "many_to_many", "one_to_one"]


class _Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class EntityField(_Strict):
    """A property of an entity."""

    name: str
    type: str = Field(
        default="text", description="text, integer, decimal(p,s), money, boolean, date, timestamp, enum, vector(n)..."
    )
    required: bool = False
    unique: bool = False
    default: bool | int | float | str | None = None
    description: str = ""
    allowed: list[str] = []
    references: str | None = Field(default=None, description="Entity or schema.table")


class Relation(_Strict):
    """How an entity relates to another, seen from this one."""

    to: str = Field(description="Entity or schema.table")
    kind: Kind = "many_to_one"
    required: bool = False
    on: str | None = Field(default=None, description="Key column")


class Entity(_Strict):
    """A kind of thing that is kept, which becomes a table."""

    name: str
    description: str
    fields: list[EntityField] = []
    relations: list[Relation] = []
    append_only: bool = False


class Decision(Answer):
    """A choice of the design, and its reason."""

    what: str
    why: str


class SchemaDesign(Answer):
    """A migration, the reasons for what is in it, and a picture of it."""

    tables: list[str]
    script: str
    decisions: list[Decision]
    warnings: list[str]
    diagram: str = Field(description="Mermaid")
    next_step: str
