"""What is typed behind `qms-mcp call` becomes the arguments a tool takes."""

from typing import Any

import pytest

from qms_mcp.cli.call import filled
from qms_mcp.errors import InvalidInputError

TAKES: dict[str, Any] = {
    "agent": {"type": "string"},
    "dataset": {"anyOf": [{"type": "string"}, {"type": "null"}]},
    "method": {"enum": ["auto", "gepa"]},
    "kind": {"$ref": "#/$defs/Kind"},
    "days": {"type": "integer"},
    "tags": {"anyOf": [{"type": "array"}, {"type": "null"}]},
}


def test_text_stays_text_and_everything_else_is_json() -> None:
    given = ("agent=qa", "dataset=123", "method=gepa", "kind=7", "days=30", 'tags=["ä", "b=c"]')
    assert filled(given, TAKES) == {
        "agent": "qa", "dataset": "123", "method": "gepa", "kind": "7", "days": 30, "tags": ["ä", "b=c"],
    }  # fmt: skip
    assert filled(("agent=a=b", "tags=null"), TAKES) == {"agent": "a=b", "tags": None}
    assert filled(("agent=",), TAKES) == {"agent": ""}


@pytest.mark.parametrize(
    ("given", "said", "hint"),
    [
        ("agent", "no NAME=VALUE", "It takes agent, dataset"),
        ("weather=fine", "no NAME=VALUE", "It takes agent, dataset"),
        ("days=thirty", "days is not text", "5, true"),
    ],
)
def test_what_a_tool_does_not_take_is_refused_with_what_it_takes(given: str, said: str, hint: str) -> None:
    with pytest.raises(InvalidInputError, match=said) as refused:
        filled((given,), TAKES)
    assert refused.value.hint is not None
    assert hint in refused.value.hint
