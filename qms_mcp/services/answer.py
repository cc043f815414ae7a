"""The base of what tools answer: frozen, and short on the wire.

A model reads every byte of an answer and of its schema, so fields that say nothing are left out, and the schema says
of a field only its type: it is there with that type, or it is not there.
"""

from typing import Any, cast

from pydantic import BaseModel, ConfigDict, SerializerFunctionWrapHandler, model_serializer


def _shortened(schema: dict[str, Any]) -> None:
    schema.pop("title", None)
    schema.pop("description", None)
    properties = cast("dict[str, dict[str, Any]]", schema.get("properties", {}))
    for name, part in properties.items():
        part.pop("title", None)
        part.pop("default", None)
        if name in schema.get("required", []):
            continue  # it travels even when it is null
        choices = [choice for choice in part.get("anyOf", []) if choice != {"type": "null"}]
        if len(choices) == 1:
            del part["anyOf"]
            part.update(choices[0])


class Answer(BaseModel):
    """Something a tool answers with; empty fields do not travel."""

    model_config = ConfigDict(frozen=True, json_schema_extra=_shortened)

    @model_serializer(mode="wrap")
    def _without_empty(self, serialize: SerializerFunctionWrapHandler) -> dict[str, Any]:
        fields = type(self).model_fields
        return {
            name: value
            for name, value in serialize(self).items()
            if (value is not None and value not in ("", [])) or (name in fields and fields[name].is_required())
        }
