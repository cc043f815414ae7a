"""Moving records: at once where nobody has to sign, else as a request; the state machines and their change."""

from copy import deepcopy
from typing import Any

import pytest

from qms_mcp.auth.principal import Principal
from qms_mcp.db.database import Database
from qms_mcp.errors import ConflictError, InvalidInputError, NotAllowedError, NotFoundError
from qms_mcp.services.records.models import Written
from qms_mcp.services.records.service import Records
from qms_mcp.services.signing.service import Signing
from qms_mcp.services.workflow.service import Workflow, read_body
from tests.conftest import Tenants
from tests.integration.test_records import entries
from tests.support.people import person_with_password, sign

pytestmark = [pytest.mark.anyio, pytest.mark.shared_database]

BECAUSE = "everything it needs is there"
EVALUATED = {
    "title": "Castings Ltd",
    "supplied_scope": "Castings",
    "approval_basis": "audit of the site",
    "evaluated_on": "2026-11-02",
    "reevaluation_due_on": "2027-11-02",
}


@pytest.fixture
def workflow(database: Database) -> Workflow:
    return Workflow(database, Signing(database))


async def supplier(database: Database, principal: Principal, **fields: Any) -> Written:
    return await Records(database).writer.add(principal, "supplier", {**EVALUATED, **fields}, BECAUSE)


async def test_a_step_without_a_signature_is_taken_at_once(
    database: Database, tenants: Tenants, workflow: Workflow
) -> None:
    made = await supplier(database, tenants.ours)
    moved = await workflow.transition(tenants.ours, made.number, 1, "evaluated", BECAUSE)
    assert (moved.state, moved.version, moved.pending) == ("evaluated", 2, None)
    last = (await entries(database, tenants.ours, made.id))[-1]
    assert last["seq"] == moved.audit_seq
    assert last["reason"] == BECAUSE


async def test_a_step_can_be_named_by_its_name(database: Database, tenants: Tenants, workflow: Workflow) -> None:
    made = await supplier(database, tenants.ours)
    assert (await workflow.transition(tenants.ours, made.id, 1, "evaluate", BECAUSE)).state == "evaluated"


async def test_a_step_of_a_person_waits_and_is_taken_when_the_person_signs(
    database: Database, tenants: Tenants, workflow: Workflow
) -> None:
    person, password = await person_with_password(database, tenants.ours.organization_id, "northwind", "approver")
    made = await supplier(database, tenants.ours)
    moved = await workflow.transition(tenants.ours, made.number, 1, "evaluated", BECAUSE)
    asked = await workflow.transition(tenants.ours, made.number, moved.version, "approved", BECAUSE)
    assert asked.pending is not None
    assert (asked.state, asked.version) == ("evaluated", moved.version)
    assert "approver" in asked.pending.message
    assert "You can't do it" in asked.pending.message
    again = await workflow.transition(tenants.ours, made.number, moved.version, "approved", BECAUSE)
    assert again.pending is not None
    assert again.pending.approval_id == asked.pending.approval_id
    assert (await Records(database).get(tenants.ours, made.id)).state == "evaluated"
    await sign(database, asked.pending.approval_id, person, password)
    seen = await Records(database).get(tenants.ours, made.id)
    assert seen.state == "approved"
    assert seen.signatures[0].status == "valid"
    # A person stands behind it now.
    assert seen.drafted == ""


async def test_what_blocks_a_step_is_said_and_the_attempt_noted(
    database: Database, tenants: Tenants, workflow: Workflow
) -> None:
    made = await supplier(database, tenants.ours, supplied_scope=None)
    with pytest.raises(ConflictError, match="supplied scope is missing"):
        await workflow.transition(tenants.ours, made.number, 1, "evaluated", BECAUSE)
    last = (await entries(database, tenants.ours, made.id))[-1]
    assert (last["action"], last["metadata"]["to_state"]) == ("refused", "evaluated")
    assert "supplied scope" in last["metadata"]["why"]
    seen = await Records(database).get(tenants.ours, made.id)
    assert (seen.state, seen.version) == ("candidate", 1)


async def test_a_signed_step_that_is_blocked_asks_nobody(
    database: Database, tenants: Tenants, workflow: Workflow
) -> None:
    made = await supplier(database, tenants.ours, reevaluation_due_on=None)
    moved = await workflow.transition(tenants.ours, made.number, 1, "evaluated", BECAUSE)
    with pytest.raises(ConflictError, match="reevaluation due on is missing"):
        await workflow.transition(tenants.ours, made.number, moved.version, "approved", BECAUSE)
    assert (await Records(database).get(tenants.ours, made.id)).waiting == []


async def test_there_is_no_way_to_a_state_the_workflow_does_not_lead_to(
    database: Database, tenants: Tenants, workflow: Workflow
) -> None:
    made = await supplier(database, tenants.ours)
    with pytest.raises(ConflictError, match="can't go") as refused:
        await workflow.transition(tenants.ours, made.number, 1, "approved", BECAUSE)
    assert "evaluated" in refused.value.hint


async def test_a_stale_version_moves_nothing(database: Database, tenants: Tenants, workflow: Workflow) -> None:
    made = await supplier(database, tenants.ours)
    moved = await workflow.transition(tenants.ours, made.number, 1, "evaluated", BECAUSE)
    for to_state in ("approved", "candidate"):
        with pytest.raises(ConflictError, match="version 2 now, not 1"):
            await workflow.transition(tenants.ours, made.number, 1, to_state, BECAUSE)
    assert moved.version == 2


async def test_who_lacks_the_role_moves_nothing_and_it_is_noted(
    database: Database, tenants: Tenants, workflow: Workflow
) -> None:
    made = await supplier(database, tenants.ours)
    with pytest.raises(NotAllowedError):
        await workflow.transition(tenants.auditor, made.number, 1, "evaluated", BECAUSE)
    assert (await entries(database, tenants.ours, made.id))[-1]["action"] == "refused"


async def test_a_reason_that_says_nothing_moves_nothing(
    database: Database, tenants: Tenants, workflow: Workflow
) -> None:
    made = await supplier(database, tenants.ours)
    with pytest.raises(InvalidInputError, match="at least 10"):
        await workflow.transition(tenants.ours, made.number, 1, "evaluated", "ok")


async def test_every_type_has_a_workflow_that_can_be_drawn(tenants: Tenants, workflow: Workflow) -> None:
    with pytest.raises(NotFoundError) as refused:
        await workflow.definition(tenants.ours, "nothing")
    categories = refused.value.hint.removeprefix("Types: ").rstrip(".").split(", ")
    assert len(categories) == 15
    for category in categories:
        definition = await workflow.definition(tenants.ours, category)
        assert not definition.own
        drawn = (await workflow.diagram(tenants.ours, category)).splitlines()
        assert drawn[0] == "stateDiagram-v2"
        edges = [edge for edge in definition.body["transitions"] for _ in edge["from"]]
        signed = sum(bool(edge.get("person")) for edge in edges)
        assert sum(" : signed (" in line for line in drawn) == signed
        assert sum(" --> " in line and "[*]" not in line for line in drawn) == len(edges)
        assert await workflow.problems(tenants.ours, category, definition.body) == []


async def test_an_organization_cannot_take_a_guard_or_a_signature_out(tenants: Tenants, workflow: Workflow) -> None:
    shipped = (await workflow.definition(tenants.ours, "capa")).body
    weaker = deepcopy(shipped)
    for edge in weaker["transitions"]:
        edge["person"] = False
        edge["guards"] = []
    problems = await workflow.problems(tenants.ours, "capa", weaker)
    assert any("a person has to do it" in problem for problem in problems)
    assert any("has_root_cause_with_evidence" in problem for problem in problems)
    with pytest.raises(InvalidInputError, match="can't be used"):
        await workflow.propose(tenants.ours, "capa", weaker, "we trust our model entirely")


async def test_a_stricter_workflow_counts_once_another_person_approved_it(
    database: Database, tenants: Tenants, workflow: Workflow
) -> None:
    person, password = await person_with_password(database, tenants.ours.organization_id, "northwind", "qa_approver")
    body = deepcopy((await workflow.definition(tenants.ours, "supplier")).body)
    next(edge for edge in body["transitions"] if edge["name"] == "evaluate")["requires"].append("score")
    with pytest.raises(NotAllowedError):
        await workflow.propose(person, "supplier", body, "a score is what we compare suppliers by")
    proposal = await workflow.propose(tenants.ours, "supplier", body, "a score is what we compare suppliers by")
    assert not (await workflow.definition(tenants.ours, "supplier")).own
    await sign(database, proposal.approval_id, person, password)
    definition = await workflow.definition(tenants.ours, "supplier")
    assert (definition.own, definition.version) == (True, 2)
    assert not (await workflow.definition(tenants.theirs, "supplier")).own
    made = await supplier(database, tenants.ours)
    with pytest.raises(ConflictError, match="score is missing"):
        await workflow.transition(tenants.ours, made.number, 1, "evaluated", BECAUSE)


async def test_what_is_overdue_escalates_once(database: Database, tenants: Tenants, workflow: Workflow) -> None:
    made = await supplier(database, tenants.ours, due_date="2026-01-02T12:00:00Z")
    assert await workflow.escalate(tenants.ours) > 0
    assert await workflow.escalate(tenants.ours) == 0
    seen = await Records(database).get(tenants.ours, made.id)
    assert seen.clock.escalation_level
    assert seen.clock.overdue_days
    assert seen.version == 1
    # The clock did it, not the model of whoever started the server.
    trail = await entries(database, tenants.ours, made.id)
    assert {entry["actor_kind"] for entry in trail if entry["entity_type"] == "qms.escalations"} == {"system"}


def test_a_file_that_is_no_workflow_is_refused() -> None:
    for text in ("{", "[]", '{"states": {}}'):
        with pytest.raises(InvalidInputError):
            read_body(text)
    assert read_body('{"initial": "a", "states": {}, "transitions": []}')["initial"] == "a"
