"""The base of what tools answer: frozen, and short on the wire.

A model reads every byte of an answer, so fields that say nothing are left out, and the schema carries no titles that
only repeat the names.
"""

from typing import Any

from pydantic import BaseModel, ConfigDict, SerializerFunctionWrapHandler, model_serializer


def _untitled(schema: dict[str, Any]) -> None:
    schema.pop("title", None)
    for part in schema.get("properties", {}).values():
        part.pop("title", None)


class Answer(BaseModel):
    """Something a tool answers with; empty fields do not travel."""

    model_config = ConfigDict(frozen=True, json_schema_extra=_untitled)

    @model_serializer(mode="wrap")
    def _without_empty(self, serialize: SerializerFunctionWrapHandler) -> dict[str, Any]:
        return {name: value for name, value in serialize(self).items() if value is not None and value not in ("", [])}
