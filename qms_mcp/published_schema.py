"""JSON schemas of tools, as short as they can be published.

A model reads the schemas of all tools before it does anything, so what tells it nothing is left out: titles pydantic
makes of names, defaults that only say "may be left out", limits on lengths nobody counts. What arrives and what is
sent is checked against the whole models all the same; only the words about them are fewer.

- Arguments: an optional one has its type and is not required; null is taken as well.
- Results: the names of the top level, with the type of all that is not text and without saying which are always there;
  what lies in a nested object is read off the object.
"""

from collections.abc import Mapping
from typing import Any, TypeAlias, cast

Schema: TypeAlias = dict[str, Any]
_DEFINITIONS = "#/$defs/"
_UNCOUNTED = frozenset({"minLength", "maxLength", "minItems", "maxItems", "additionalProperties"})
_EMPTY: tuple[Any, ...] = (None, "", [], {})


def published_input(schema: Schema) -> Schema:
    """Return the schema of a tool's arguments as it is published."""
    definitions = cast("Mapping[str, Schema]", schema.get("$defs", {}))
    shortened = _shortened(schema, {name: definitions[name] for name in _used_once(schema, definitions)})
    left = shortened.get("$defs", {})
    shortened["$defs"] = {name: part for name, part in left.items() if _references(shortened, name)}
    if not shortened["$defs"]:
        del shortened["$defs"]
    return shortened


def published_output(schema: Schema) -> Schema:
    """Return the schema of a tool's result as it is published: one level deep, texts by their names alone."""
    definitions = cast("Mapping[str, Schema]", schema.get("$defs", {}))
    properties = cast("Mapping[str, Schema]", schema.get("properties", {}))
    return {"type": "object", "properties": {name: _flat(part, definitions) for name, part in properties.items()}}


def _flat(part: Schema, definitions: Mapping[str, Schema]) -> Schema:
    """Return a property by its type, unless it is text, with the choices and the words it has."""
    part = {**_resolved(part, definitions), **{key: part[key] for key in ("description",) if key in part}}
    choices = cast("list[Schema]", part.get("anyOf") or part.get("oneOf") or [])
    kinds = [_resolved(choice, definitions).get("type") for choice in choices]
    flat: Schema = {key: part[key] for key in ("enum", "const", "description") if key in part}
    if "enum" in flat or "const" in flat:
        return flat
    if choices and all(isinstance(kind, str) for kind in kinds):
        distinct = sorted(set(cast("list[str]", kinds)))
        return {"type": distinct[0] if len(distinct) == 1 else distinct, **flat} if distinct != ["string"] else flat
    return {"type": part["type"], **flat} if part.get("type", "string") != "string" else flat


def _resolved(part: Schema, definitions: Mapping[str, Schema]) -> Schema:
    reference = part.get("$ref")
    if not isinstance(reference, str):
        return part
    # The docstring of a model is for programmers; a field says of itself what a caller needs.
    definition = definitions[reference.removeprefix(_DEFINITIONS)]
    return {key: value for key, value in definition.items() if key != "description"}


def _shortened(schema: Any, inline: Mapping[str, Schema]) -> Any:
    if isinstance(schema, list):
        return [_shortened(part, inline) for part in cast("list[Any]", schema)]
    if not isinstance(schema, dict):
        return schema
    part = _plain(cast("Schema", schema), inline)
    shortened: Schema = {}
    for key, value in part.items():
        if key in {"properties", "$defs"}:
            shortened[key] = {name: _shortened(inner, inline) for name, inner in value.items()}
        elif not _says_nothing(key, value):
            shortened[key] = value if key in {"enum", "const", "default", "examples"} else _shortened(value, inline)
    return shortened


def _plain(part: Schema, inline: Mapping[str, Schema]) -> Schema:
    """Return a part without its null, and with what it alone refers to in its place."""
    choices = cast("list[Schema]", part.get("anyOf", []))
    given = [choice for choice in choices if choice != {"type": "null"}]
    if len(given) == 1:
        part = {**given[0], **{key: value for key, value in part.items() if key != "anyOf"}}
    elif len(given) < len(choices):
        part = {**part, "anyOf": given}
    name = str(part.get("$ref", "")).removeprefix(_DEFINITIONS)
    if name in inline:
        part = {**inline[name], **{key: value for key, value in part.items() if key != "$ref"}}
    return part


def _says_nothing(key: str, value: Any) -> bool:
    if key in _UNCOUNTED:
        return not isinstance(value, Mapping)  # a schema for further properties does say something
    return (key == "title" and isinstance(value, str)) or (key == "default" and value in _EMPTY)


def _used_once(schema: Schema, definitions: Mapping[str, Schema]) -> list[str]:
    return [name for name in definitions if _references(schema, name) == 1 and not _references(definitions[name], name)]


def _references(schema: Any, name: str) -> int:
    """Return how often a definition is referred to, also inside other definitions."""
    if isinstance(schema, Mapping):
        held = cast("Mapping[str, Any]", schema)
        return (held.get("$ref") == _DEFINITIONS + name) + sum(_references(part, name) for part in held.values())
    return sum(_references(part, name) for part in cast("list[Any]", schema)) if isinstance(schema, list) else 0
