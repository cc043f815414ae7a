"""Cases out of a frozen dataset: one side of its split, always in the same order."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast
from uuid import UUID

from qms_mcp.db.queries import query
from qms_mcp.errors import InvalidInputError, NotFoundError
from qms_mcp.services.learning.evaluation.expecting import Expected, expected_of
from qms_mcp.services.learning.evaluation.models import MOST_CASES, Case, DatasetCases, Split

if TYPE_CHECKING:
    from collections.abc import Sequence

    from qms_mcp.auth.principal import Principal
    from qms_mcp.db.database import Database

_DATASET, _ITEMS = query("learning_evaluation.dataset"), query("learning_evaluation.items")
_LONGEST = 8_000


@dataclass(frozen=True, slots=True)
class _Frozen:
    id: UUID
    name: str
    agent: str
    version: int
    content_sha256: str


async def dataset_cases(
    database: "Database",
    principal: "Principal",
    agent: str,
    named: str,
    split: Split = "test",
    *,
    most: int = MOST_CASES,
) -> DatasetCases:
    """Return the cases of one side of a frozen dataset.

    Args:
        database: Where it is.
        principal: On whose behalf.
        agent: Whose dataset it has to be.
        named: An id, `name@3`, or a name for its newest version.
        split: Which side; `all` for the whole.
        most: Cases at most; of more, those with the smallest hashes, so that it is the same ones every time.

    Raises:
        NotFoundError: There is no such dataset.
        InvalidInputError: It is another agent's, or has no case on this side.
    """
    async with database.transaction(principal, read_only=True) as transaction:
        found = await transaction.fetch_one(_DATASET, {"named": named.strip()}, row=_Frozen)
        if found is None:
            raise NotFoundError(f"There is no dataset {named[:80]!r}.", hint="curate_dataset makes one.")
        items = await transaction.fetch_dicts(_ITEMS, {"dataset_version_id": found.id, "split": split})
    label = f"{found.name}@{found.version}"
    if found.agent != agent:
        raise InvalidInputError(f"{label} is of the agent {found.agent}, not of {agent}.", hint="Name one of its own.")
    if not items:
        raise InvalidInputError(f"{label} has no case on the side {split}.", hint="Freeze one with more items.")
    chosen = {str(one["id"]) for one in sorted(items, key=lambda one: one["item_sha256"])[:most]}
    taken = [one for one in items if str(one["id"]) in chosen]
    return DatasetCases(
        found.id,
        found.name,
        found.version,
        found.content_sha256,
        split,
        [case_of(one) for one in taken],
        left_out=len(items) - len(taken),
        validated=sum(bool(one["is_validated"]) for one in taken),
    )


def case_of(item: Mapping[str, Any]) -> Case:
    """Return a stored item as a case; the key is its hash, so it is the same for every version that is measured."""
    asked = item["input"]
    given: Mapping[str, Any] = cast("Mapping[str, Any]", asked) if isinstance(asked, Mapping) else {}
    request = given.get("request") or given.get("prompt")
    if not isinstance(request, str) or not request.strip():
        request = asked if isinstance(asked, str) else json.dumps(asked, ensure_ascii=False, sort_keys=True)
    inputs = given.get("inputs")
    return Case(
        key=str(item["item_sha256"])[:20],
        request=request[:_LONGEST],
        expected=expected_of(item["expected"]),
        subject=str(given.get("subject") or "")[:200],
        inputs=dict(cast("Mapping[str, Any]", inputs)) if isinstance(inputs, Mapping) else {},
        slices={by: str(name) for by, name in cast("Mapping[str, Any]", item["slices"]).items()},
        item_id=item["id"],
    )


def fingerprint(cases: "Sequence[Case]") -> str:
    """Return the hash of what is asked and expected in cases."""
    shapes = [
        {
            "key": case.key,
            "request": case.request,
            "subject": case.subject,
            "inputs": dict(case.inputs),
            "seconds": case.seconds,
            "expected": _shape(case.expected),
        }
        for case in cases
    ]
    return hashlib.sha256(json.dumps(shapes, sort_keys=True, ensure_ascii=False, default=str).encode()).hexdigest()


def _shape(expected: Expected) -> dict[str, Any]:
    findings = expected.findings
    return {
        "answer": dict(expected.answer),
        "findings": None
        if findings is None
        else [[one.subject, one.measure, one.value, one.statement, sorted(one.records)] for one in findings],
        "must_mention": expected.must_mention,
        "numbers": [[one.name, one.value, one.tolerance] for one in expected.numbers],
        "forbidden": expected.forbidden,
        "rubric": expected.rubric,
    }
