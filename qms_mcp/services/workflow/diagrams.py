"""A state machine as a Mermaid state diagram: who may take each step, what it needs, and which a person signs."""

import re
from collections.abc import Iterator
from typing import Any, cast


def state_diagram(body: dict[str, Any]) -> str:
    """Return the diagram; steps a person signs begin with `signed:` and the meaning of the signature."""
    lines = ["stateDiagram-v2"]
    for name, state in body["states"].items():
        lines.append(f"    {_id(name)} : {_plain(state.get('label') or name)}{_time(state)}")
    lines.append(f"    [*] --> {_id(body['initial'])}")
    for edge in body["transitions"]:
        lines += [f"    {_id(start)} --> {_id(edge['to'])} : {_words(edge)}" for start in edge["from"]]
    lines += [f"    {_id(name)} --> [*]" for name, state in body["states"].items() if state.get("final")]
    return "\n".join(lines)


def guard_words(edge: dict[str, Any]) -> Iterator[str]:
    """Yield what a step needs, in words."""
    requires: list[str] = edge.get("requires") or []
    guards: list[str | dict[str, Any]] = edge.get("guards") or []
    yield from (f"needs {field}" for field in requires)
    for guard in guards:
        if isinstance(guard, str):
            yield guard.replace("_", " ")
            continue
        options = [f"{name} {_listed(value)}" for name, value in guard.items() if name != "name"]
        yield " ".join([str(guard["name"]), *options]).replace("_", " ")


def _listed(value: Any) -> str:
    return ", ".join(map(str, cast("list[Any]", value))) if isinstance(value, list) else str(value)


def _words(edge: dict[str, Any]) -> str:
    signed = f"signed ({edge.get('meaning')}) - " if edge.get("person") else ""
    needs = ", ".join(guard_words(edge))
    words = f"{signed}{edge['name']} [{', '.join(edge['roles'])}]{' if ' + needs if needs else ''}"
    return _plain(words)


def _time(state: dict[str, Any]) -> str:
    days = state.get("due_days")
    return f" ({days} {state.get('days') or 'business'} days)" if days is not None else ""


def _id(name: str) -> str:
    return re.sub(r"\W", "_", name)


def _plain(text: str) -> str:
    """Return words without what a diagram would obey; a colon or a semicolon would end them."""
    return re.sub(r"[^\w \[\]().,/-]", " ", text)
