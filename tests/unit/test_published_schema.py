"""Schemas are published short, and say the same."""

from typing import Any, Literal

from mcp.server.mcpserver.tools import Tool
from pydantic import BaseModel, Field

from qms_mcp.published_schema import published_input, published_output
from qms_mcp.services.answer import Answer


class Cause(BaseModel):
    text: str
    because: "list[Cause]" = []


class Action(BaseModel):
    text: str = Field(max_length=200)
    kind: Literal["correction", "corrective"] = "corrective"


class Found(Answer):
    number: str
    state: Literal["open", "closed"]
    plan: Action | None = None
    causes: list[Cause] = Field(default_factory=list[Cause])
    limits: dict[str, float] = Field(default_factory=dict[str, float])
    owner: str | None = Field(description="null: nobody")


async def example(actions: list[Action], cause: Cause, note: str | None = None, limit: int = 5) -> Found:
    """Stand for a tool."""
    raise NotImplementedError(actions, cause, note, limit)


TOOL = Tool.from_function(example, structured_output=True)


def properties() -> dict[str, Any]:
    found: dict[str, Any] = published_input(TOOL.parameters)["properties"]
    return found


def test_an_optional_argument_has_its_type_and_is_not_required() -> None:
    assert properties()["note"] == {"type": "string"}
    assert published_input(TOOL.parameters)["required"] == ["actions", "cause"]


def test_null_is_taken_for_an_optional_argument_all_the_same() -> None:
    given: dict[str, Any] = {"actions": [], "cause": {"text": "wear"}, "note": None}
    assert TOOL.fn_metadata.validate_arguments(given)["note"] is None


def test_a_default_that_says_something_stays() -> None:
    assert properties()["limit"] == {"type": "integer", "default": 5}


def test_a_model_used_once_stands_where_it_is_used() -> None:
    action = properties()["actions"]["items"]
    assert action["properties"]["text"] == {"type": "string"}
    assert action["properties"]["kind"]["enum"] == ["correction", "corrective"]


def test_a_model_that_holds_itself_stays_a_definition() -> None:
    schema = published_input(TOOL.parameters)
    assert schema["properties"]["cause"] == {"$ref": "#/$defs/Cause"}
    assert set(schema["$defs"]) == {"Cause"}
    assert schema["$defs"]["Cause"]["properties"]["because"]["items"] == {"$ref": "#/$defs/Cause"}


def test_a_result_is_published_one_level_deep() -> None:
    schema = TOOL.fn_metadata.output_schema
    assert schema is not None
    assert published_output(schema) == {
        "type": "object",
        "properties": {
            "number": {},
            "state": {"enum": ["open", "closed"]},
            "plan": {"type": "object"},
            "causes": {"type": "array"},
            "limits": {"type": "object"},
            "owner": {"type": ["null", "string"], "description": "null: nobody"},
        },
    }
