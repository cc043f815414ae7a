"""A tiny frozen dataset, and a stand-in that answers it well only when its prompt tells it to."""

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID, uuid4

from qms_mcp.agents.versioning import revised
from qms_mcp.auth.principal import Principal
from qms_mcp.services.learning.versions import VersionRow, Versions, shipped_agent
from tests.support.agent_world import answers, finding, read, replies, use
from tests.support.claude_stub import FixedTurn, says
from tests.support.dispatching import Rows

SENTENCE = "Count the overdue CAPAs before you answer."
ROLE = "measured"
_ASKED = re.compile(r"line (\d+)")


def answering(body: dict[str, Any]) -> FixedTurn:
    """Answer as a model that does what its prompt says: without the sentence it does not count."""
    counts = SENTENCE in json.dumps(body["system"])
    if not replies(body) and counts:
        return [use("list_records", category="capa", show="overdue", limit=1)]
    asked = _ASKED.search(json.dumps(body["messages"][0]))
    line = int(asked[1]) if asked else 0
    if not counts:
        return says({"summary": "It looks fine.", "insights": [], "actions": [], "recommendations": []})
    value = line if line % 5 else 99  # it is not always right
    labels = [one.label for one in read(body) if one.ok]
    found = finding(
        f"Line {line} has {value} overdue CAPAs.", *labels, subject="CAPA", measure="overdue", value=f"{value}"
    )
    return answers(found, summary=f"On line {line} {value} CAPAs are overdue.")


def item(line: int, **expected: Any) -> dict[str, Any]:
    """Return an item of the dataset."""
    wanted = {"findings": [{"subject": "CAPA", "measure": "overdue", "value": str(line)}], "must_mention": ["overdue"]}
    return {
        "input": {"request": f"How many CAPAs are overdue on line {line}? [role {ROLE}]"},
        "expected": {**wanted, **expected},
        "slices": {"shift": "early" if line % 2 else "late"},
    }


def frozen(
    rows: Rows, principal: Principal, items: Sequence[Mapping[str, Any]], *, agent: str = "qa", split: str = "test"
) -> UUID:
    """Put a frozen dataset into the tables and return its id."""
    version, dataset = uuid4(), uuid4()
    who = {"org": principal.organization_id, "user": principal.user_id}
    rows.execute(
        "INSERT INTO ml_loop.datasets (id, organization_id, model_name, name, created_by) "
        "VALUES (%(id)s, %(org)s, %(agent)s, %(name)s, %(user)s)",
        id=dataset, agent=agent, name=f"set-{dataset.hex[:8]}", **who,
    )  # fmt: skip
    rows.execute(
        "INSERT INTO ml_loop.dataset_versions (id, organization_id, dataset_id, version, content_sha256, n, spec, "
        "created_by, created_kind) VALUES (%(id)s, %(org)s, %(dataset)s, 1, %(sha)s, %(n)s, '{}', %(user)s, 'agent')",
        id=version, dataset=dataset, sha=_sha(items), n=len(items), **who,
    )  # fmt: skip
    rows.execute(
        "INSERT INTO ml_loop.dataset_groups (organization_id, dataset_version_id, group_key, split) "
        "VALUES (%(org)s, %(version)s, 'g', %(split)s)",
        version=version, split=split, org=principal.organization_id,
    )  # fmt: skip
    for at, one in enumerate(items):
        rows.execute(
            "INSERT INTO ml_loop.dataset_items (organization_id, dataset_version_id, position, group_key, split, "
            "input, expected, slices, item_sha256) VALUES (%(org)s, %(version)s, %(at)s, 'g', %(split)s, "
            "%(input)s, %(expected)s, %(slices)s, %(sha)s)",
            org=principal.organization_id, version=version, at=at + 1, split=split, input=json.dumps(one["input"]),
            expected=json.dumps(one["expected"]), slices=json.dumps(one["slices"]), sha=_sha([one, at]),
        )  # fmt: skip
    return version


async def two_versions(versions: Versions, principal: Principal, agent: str = "qa") -> tuple[VersionRow, VersionRow]:
    """Return a weak version of an agent, and one whose prompt has the sentence."""
    shipped = shipped_agent(agent)
    weak = revised(shipped, prompt=f"{shipped.prompt}\nBe brief.")
    better = revised(shipped, prompt=f"{shipped.prompt}\n{SENTENCE}")
    return (
        await versions.register(principal, weak, origin="written"),
        await versions.register(principal, better, origin="written"),
    )


def _sha(value: Any) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()
