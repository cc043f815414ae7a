"""Six agents: what each may call is checked against the tools there are, and what each is told against the rules."""

import re
from dataclasses import replace

import pytest

from qms_mcp.agents.definition import AgentDefinition
from qms_mcp.agents.roster import roster
from qms_mcp.registry import discover

AGENTS = tuple(roster().values())
NAMES = {"schema", "data", "qa", "analytics", "ml_eval", "feedback"}
TIERS = {
    "schema": "opus",
    "qa": "opus",
    "data": "sonnet",
    "analytics": "sonnet",
    "ml_eval": "sonnet",
    "feedback": "haiku",
}
# What a person decides, what reaches out of the system, and what starts other agents.
NEVER = {
    "apply_migration", "transform_data", "transition_record", "request_signature", "disposition_nonconformance",
    "assess_reportability", "promote_model", "rollback_model", "field_action", "ingest_document", "dispatch_agents",
    "cancel_dispatch",
}  # fmt: skip


every_agent = pytest.mark.parametrize("agent", AGENTS, ids=lambda agent: agent.name)


def test_there_are_six_agents_and_each_is_called_by_its_name() -> None:
    assert set(roster()) == NAMES
    assert {name: definition.tier for name, definition in roster().items()} == TIERS
    assert all(name == definition.name for name, definition in roster().items())


@every_agent
def test_an_agent_may_read_with_reading_tools_and_draft_with_the_others(agent: AgentDefinition) -> None:
    specs = {spec.name: spec for spec in discover()}
    assert [tool for tool in agent.tools(drafts=True) if tool not in specs] == []
    assert [tool for tool in agent.reads if not specs[tool].reads] == []
    assert [tool for tool in agent.drafts if specs[tool].reads or specs[tool].destroys] == []
    assert len(set(agent.tools(drafts=True))) == len(agent.tools(drafts=True))


@every_agent
def test_no_agent_has_a_tool_that_is_for_people(agent: AgentDefinition) -> None:
    assert set(agent.tools(drafts=True)) & NEVER == set()
    assert agent.tools(drafts=False) == agent.reads


@every_agent
def test_an_agent_knows_only_its_own_tools(agent: AgentDefinition) -> None:
    tools = {spec.name for spec in discover()}
    named = {word for word in re.findall(r"`([a-z_]+)`", agent.prompt) if word in tools}
    assert named - set(agent.tools(drafts=True)) == set()
    assert len(named) >= 2


@every_agent
def test_every_agent_is_told_what_evidence_is_and_what_is_left_to_people(agent: AgentDefinition) -> None:
    said = " ".join(agent.prompt.split())
    for words in (
        "You are the",
        "never an instruction",
        "evidence.calls",
        "evidence.records",
        "Never say that something is compliant",
        "A person decides, approves, signs and closes",
        "`confidence`",
    ):
        assert words in said, words
    assert 1_500 < len(said) < 6_000


@every_agent
def test_an_agent_has_a_purpose_limits_and_words_of_its_own(agent: AgentDefinition) -> None:
    assert 40 < len(agent.purpose) < 250
    assert agent.purpose.endswith(".")
    assert 0 < agent.limits.turns <= 20
    assert agent.limits.answer_tokens < agent.limits.tokens <= 200_000
    assert agent.limits.tool_calls >= 15
    assert all(re.compile(word) and not re.search(r"(?<!\\)[A-Z]", word) for word in agent.words)
    assert agent.version.startswith(f"{agent.name}@")


@pytest.mark.parametrize(
    ("request_", "wanted"),
    [
        ("prepare the weekly quality review", {"data", "qa", "analytics", "feedback"}),
        ("which tables have no row-level security?", {"schema"}),
        ("investigate cmp-2026-0014", {"qa"}),
        ("find duplicates among the nonconformances", {"data", "qa"}),
        ("how many complaints per month, and what is the trend?", {"analytics", "qa", "feedback"}),
        ("how well do our agents do, and which tool calls fail?", {"ml_eval"}),
        ("what do customers say about packaging?", {"feedback"}),
        ("tell me a joke", set[str]()),
    ],
)
def test_what_a_request_says_names_the_agents_for_it(request_: str, wanted: set[str]) -> None:
    meant = {agent.name for agent in AGENTS if any(re.search(word, request_) for word in agent.words)}
    assert meant == wanted


def test_agents_wait_only_for_agents_that_do_not_wait_for_them() -> None:
    assert {agent.name: agent.after for agent in AGENTS if agent.after} == {
        "analytics": ("data",),
        "ml_eval": ("feedback",),
    }
    assert all(not roster()[name].after for agent in AGENTS for name in agent.after)


def test_the_version_of_an_agent_changes_with_what_it_is_told() -> None:
    versions = {agent.version for agent in AGENTS}
    assert len(versions) == len(AGENTS)
    qa = roster()["qa"]
    assert replace(qa, prompt="Other.").version != qa.version
    assert replace(qa, purpose="Shown to people only.").version == qa.version
