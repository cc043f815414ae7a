"""What a design is made of, and what comes of it."""

from typing import Annotated, Any, Literal, TypeAlias

from pydantic import BaseModel, ConfigDict, Field, WithJsonSchema

from qms_mcp.services.answer import Answer

Value: TypeAlias = Annotated[bool | int | float | str, WithJsonSchema({"type": ["boolean", "number", "string"]})]
Kind: TypeAlias = Literal["one_to_many", "many_to_one", "many_to_many", "one_to_one"]


def _shortened(schema: dict[str, Any]) -> None:
    """Leave out of a JSON schema what its names say already: every client pays for each byte of it."""
    schema.pop("title", None)
    schema.pop("description", None)
    for part in schema.get("properties", {}).values():
        part.pop("title", None)
        if not part.get("default", True):
            part.pop("default")
        if choices := [choice for choice in part.pop("anyOf", []) if choice != {"type": "null"}]:
            part.update(choices[0])


class _Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", json_schema_extra=_shortened)


class EntityField(_Strict):
    """A property of an entity."""

    name: str
    type: str = Field(
        default="text", description="text, integer, decimal(p,s), money, boolean, date, timestamp, enum, vector(n)..."
    )
    required: bool = False
    unique: bool = False
    default: Value | None = None
    description: str = ""
    allowed: list[str] = []
    references: str = Field(default="", description="Entity or schema.table")


class Relation(_Strict):
    """How an entity relates to another, seen from this one."""

    to: str = Field(description="Entity or schema.table")
    kind: Kind = "many_to_one"
    required: bool = False
    on: str = Field(default="", description="Key column")


class Entity(_Strict):
    """A kind of thing that is kept, which becomes a table."""

    name: str
    description: str
    fields: list[EntityField] = []
    relations: list[Relation] = []
    append_only: bool = False


class SchemaDesign(Answer):
    """A migration, the reasons for what is in it, and a picture of it."""

    tables: list[str]
    script: str
    decisions: dict[str, str]
    warnings: list[str]
    diagram: str
    next_step: str
