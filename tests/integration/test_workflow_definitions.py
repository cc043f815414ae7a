"""The shipped state machines as they are: complete, without problems, and every decision a person's."""

from collections.abc import Generator
from typing import Any

import psycopg
import pytest

from qms_mcp.db.embedded import EmbeddedPostgres
from tests.support.site import Site, Team, superuser_of_a_copy

_CATEGORIES = (
    "audit",
    "capa",
    "change_request",
    "complaint",
    "deviation",
    "document",
    "equipment",
    "extension_request",
    "field_action",
    "finding",
    "nonconformance",
    "risk",
    "scar",
    "supplier",
    "training",
)
_DECISIONS = {"closed", "cancelled", "reopened", "rejected", "waived", "residual_accepted", "obsolete", "retired"}


@pytest.fixture(scope="module")
def connection(embedded: EmbeddedPostgres, template: str) -> Generator[psycopg.Connection]:
    with superuser_of_a_copy(embedded, template) as opened:
        yield opened


@pytest.fixture
def team(connection: psycopg.Connection) -> Team:
    return Team.on(connection)


def _body(site: Site, category: str) -> dict[str, Any]:
    rows = site.run("SELECT d.body FROM qms.workflow_definitions AS d WHERE d.category = %s", category)
    assert len(rows) == 1
    return rows[0]["body"]


def test_every_record_type_has_a_workflow_without_problems(team: Team) -> None:
    rows = team.site.run(
        "SELECT t.category, qms.workflow_problems(t.category, d.body) AS problems FROM qms.record_types AS t "
        "LEFT JOIN qms.workflow_definitions AS d ON t.category = d.category AND d.version = 1 ORDER BY t.category"
    )
    assert {row["category"]: row["problems"] for row in rows} == {category: [] for category in _CATEGORIES}


@pytest.mark.parametrize("category", _CATEGORIES)
def test_decisions_are_a_persons(team: Team, category: str) -> None:
    body = _body(team.site, category)
    for edge in body["transitions"]:
        decides = edge["to"] in _DECISIONS or edge["name"] in {"approve", "reject", "disposition", "decide", "close"}
        assert edge.get("person", False) or not decides, edge["name"]


@pytest.mark.parametrize("category", _CATEGORIES)
def test_every_state_can_be_reached_and_left_and_final_ones_lock(team: Team, category: str) -> None:
    body = _body(team.site, category)
    reached = {body["initial"]}
    for _ in body["states"]:
        reached |= {edge["to"] for edge in body["transitions"] if reached & set(edge["from"])}
    assert reached == set(body["states"])
    left = {state for edge in body["transitions"] for state in edge["from"]}
    for name, state in body["states"].items():
        if state.get("final"):
            assert state["locked"] == ["*"]
        else:
            assert name in left
            assert state["escalate"]


@pytest.mark.parametrize("category", _CATEGORIES)
def test_what_a_workflow_names_exists(team: Team, category: str) -> None:
    table = team.site.run("SELECT t.table_name FROM qms.record_types AS t WHERE t.category = %s", category)[0][
        "table_name"
    ]
    columns = {
        row["name"]
        for row in team.site.run(
            "SELECT a.attname AS name FROM pg_attribute AS a "
            "WHERE a.attrelid IN ('qms.quality_items'::regclass, %s::regclass) AND a.attnum > 0",
            f"qms.{table}",
        )
    }
    parts = {row["name"] for row in team.site.run("SELECT p.table_name AS name FROM qms.record_parts AS p")}
    body = _body(team.site, category)
    for edge in body["transitions"]:
        assert set(edge.get("requires", [])) <= columns, edge["name"]
    for state in body["states"].values():
        named = {name.split(".")[0] for name in [*state.get("locked", []), *state.get("open", [])]}
        assert named <= columns | parts | {"*"}, state["label"]


def test_every_step_of_a_person_says_what_the_signature_means(team: Team) -> None:
    for category in _CATEGORIES:
        for edge in _body(team.site, category)["transitions"]:
            assert bool(edge.get("meaning")) == bool(edge.get("person")), edge["name"]
