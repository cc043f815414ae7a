"""Versions of an agent as content: written out whole, read back, and narrowed.

The content of a version is canonical JSON of everything that shapes what the agent does. Its name is the agent's and
the beginning of the content's SHA-256, so the same content is the same version wherever it was made, and a stored
version can be checked against its name. What a version may do is never more than the shipped agent may: tools are those
both name, limits the smaller of the two.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    from qms_mcp.agents.definition import AgentDefinition, Limits, Tier


@dataclass(frozen=True, slots=True)
class Exemplar:
    """A request and the answer a version is shown as a good one.

    Attributes:
        request: What was asked.
        answer: As `AgentOutput` writes it.
    """

    request: str
    answer: Mapping[str, Any]


def canonical(content: Mapping[str, Any]) -> str:
    """Return JSON that is the same for the same content: keys in order, no white space, no escapes."""
    return json.dumps(content, sort_keys=True, ensure_ascii=False, separators=(",", ":"), allow_nan=False)


def revised(definition: "AgentDefinition", **changes: Any) -> "AgentDefinition":
    """Return another version of an agent.

    Args:
        definition: The version it comes from.
        changes: Any of `prompt`, `exemplars`, `tier`, `model`, `effort`, `limits`, `reads`, `drafts`, `extras`.

    Raises:
        TypeError: Something else is to be changed.
        ValueError: It would have tools the one before does not have.
    """
    if changes.keys() - _CHANGEABLE:
        raise TypeError(f"not of a version: {sorted(changes.keys() - _CHANGEABLE)}")
    for tools in ("reads", "drafts"):
        if set(changes.get(tools, ())) - set(getattr(definition, tools)):
            raise ValueError("a version has no tools the agent does not have")
    return replace(definition, **changes, stored_as="")


def definition_from(content: Mapping[str, Any], shipped: "AgentDefinition") -> "AgentDefinition":
    """Return the agent a stored version describes.

    Args:
        content: Of the version.
        shipped: The agent of that name as it is shipped: nothing goes beyond it.
    """
    limits = cast("Mapping[str, int]", content["limits"])
    return replace(
        shipped,
        prompt=str(content["prompt"]),
        exemplars=tuple(Exemplar(one["request"], one["answer"]) for one in content.get("exemplars", ())),
        tier=cast("Tier", content["tier"]),
        model=content.get("model"),
        effort=content.get("effort"),
        limits=_narrowed(limits, shipped.limits),
        reads=tuple(tool for tool in content["reads"] if tool in shipped.reads),
        drafts=tuple(tool for tool in content["drafts"] if tool in shipped.drafts),
        extras=MappingProxyType(dict(content.get("extras", {}))),
        stored_as=canonical(content),
    )


def _narrowed(limits: Mapping[str, int], shipped: "Limits") -> "Limits":
    own = {field.name: int(limits.get(field.name, getattr(shipped, field.name))) for field in fields(shipped)}
    return replace(shipped, **{name: min(value, getattr(shipped, name)) for name, value in own.items()})


_CHANGEABLE = {"prompt", "exemplars", "tier", "model", "effort", "limits", "reads", "drafts", "extras"}
