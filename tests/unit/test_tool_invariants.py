"""What holds for every tool, also for those added later."""

import json
from typing import Any

import pytest

from qms_mcp.registry import TOOLSETS, ToolSpec, discover
from tests.support.readme import README, with_current_table
from tests.support.snapshots import FOLDER, listed_tools, rendered

SPECS = discover()
LISTED = listed_tools()
# What describes tables, rules, figures or a fan-out with its limits needs the words for it.
LARGEST = {
    "design_schema": 2_000, "record_root_cause": 1_900, "dispatch_agents": 1_900, "spc_chart": 1_800,
    "process_capability": 1_700, "calculate_metrics": 1_900, "quality_report": 1_900,
}  # fmt: skip
every_tool = pytest.mark.parametrize("spec", SPECS, ids=lambda spec: spec.name)


def size(listed: object) -> int:
    return len(json.dumps(listed, separators=(",", ":")).encode())


def test_the_whole_list_stays_short_enough_to_read() -> None:
    # A model reads the list before it does anything.
    assert size(list(LISTED.values())) <= 1_280 * len(LISTED)


@every_tool
def test_no_tool_takes_more_than_its_share_of_the_list(spec: ToolSpec) -> None:
    assert size(LISTED[spec.name]) <= LARGEST.get(spec.name, 1_600)


def test_every_tool_has_its_snapshot_and_no_other_is_left() -> None:
    assert {path.stem for path in FOLDER.glob("*.json")} == set(LISTED), "run `make snapshots`"


@every_tool
def test_the_snapshot_is_current(spec: ToolSpec) -> None:
    assert (FOLDER / f"{spec.name}.json").read_text(encoding="utf-8") == rendered(LISTED[spec.name]), "make snapshots"


@every_tool
def test_name_and_title(spec: ToolSpec) -> None:
    assert spec.name.replace("_", "").isalnum()
    assert spec.name.islower()
    assert len(spec.name) <= 37
    assert spec.title
    assert spec.toolset in TOOLSETS


@every_tool
def test_the_description_says_enough_and_not_too_much(spec: ToolSpec) -> None:
    assert 60 <= len(spec.description) <= 1_200
    assert spec.description.rstrip().endswith(".")
    assert 2 <= spec.description.count(". ") + 1 <= 9


@every_tool
def test_hints_are_set(spec: ToolSpec) -> None:
    hints = LISTED[spec.name]["annotations"]
    assert {"readOnlyHint", "openWorldHint", "title"} <= set(hints)
    # Of a tool that only reads, the others have no meaning.
    assert hints["readOnlyHint"] is not ("destructiveHint" in hints)
    assert hints["title"] == spec.title


@every_tool
def test_what_the_model_must_not_supply_is_not_in_the_schema(spec: ToolSpec) -> None:
    properties: dict[str, Any] = LISTED[spec.name]["inputSchema"].get("properties", {})
    assert "ctx" not in properties
    assert "principal" not in properties
    assert "organization_id" not in properties


@every_tool
def test_every_argument_is_described(spec: ToolSpec) -> None:
    for name, schema in LISTED[spec.name]["inputSchema"].get("properties", {}).items():
        assert schema.get("description"), f"{spec.name}({name}) has no description"


@every_tool
def test_a_tool_that_writes_asks_for_a_reason(spec: ToolSpec) -> None:
    properties = LISTED[spec.name]["inputSchema"].get("properties", {})
    assert spec.reads or "reason" in properties or "draft_id" in properties


@every_tool
def test_there_is_an_output_schema_and_it_is_small(spec: ToolSpec) -> None:
    schema = LISTED[spec.name].get("outputSchema")
    assert schema is not None
    assert schema["type"] == "object"
    assert schema["properties"]
    assert size(schema) <= 800


def test_the_table_of_the_readme_is_current() -> None:
    text = README.read_text(encoding="utf-8")
    assert "<!-- tools:begin -->" in text
    assert with_current_table(text) == text, "run `make readme`"
