"""Datasets in the database: feedback read, versions frozen in one transaction, items read again."""

import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, cast
from uuid import UUID

from qms_mcp.db.queries import query
from qms_mcp.errors import ConflictError
from qms_mcp.services.learning.datasets.models import LONGEST, DatasetItem, DatasetVersion, Frozen, Spec, TrainingRow

if TYPE_CHECKING:
    from qms_mcp.auth.principal import Principal
    from qms_mcp.db.database import Database
    from qms_mcp.db.transaction import Transaction

_FEEDBACK, _COUNT_FEEDBACK = query("learning_datasets.feedback"), query("learning_datasets.count_feedback")
_PEOPLE, _OF_NAME = query("learning_datasets.people"), query("learning_datasets.of_name")
_ADD, _ADD_VERSION = query("learning_datasets.add_dataset"), query("learning_datasets.add_version")
_ADD_GROUPS, _ADD_ITEMS = query("learning_datasets.add_groups"), query("learning_datasets.add_items")
_FIND, _OF_CONTENT, _ITEMS = (query(f"learning_datasets.{name}") for name in ("find", "of_content", "items"))
MOST_FEEDBACK = 100_000
_AT_ONCE = 500
_TRIES = 5


async def feedback(
    database: "Database", principal: "Principal", agent: str, spec: Spec
) -> tuple[list[TrainingRow], int, list[str]]:
    """Return the newest feedback on an agent, how much there is in all, and the names of people, as of one moment."""
    asked = {"agent": agent, "since": spec.since, "until": spec.until}
    async with database.transaction(principal, one_moment=True) as transaction:
        rows = await transaction.fetch_all(
            _FEEDBACK, {**asked, "longest": LONGEST, "max_rows": MOST_FEEDBACK}, row=TrainingRow
        )
        total = int((await transaction.fetch_dicts(_COUNT_FEEDBACK, asked))[0]["total"])
        return rows, total, await _names(transaction)


async def people(database: "Database", principal: "Principal") -> list[str]:
    """Return the names of the people of the organization."""
    async with database.transaction(principal, read_only=True) as transaction:
        return await _names(transaction)


async def freeze(
    database: "Database",
    principal: "Principal",
    agent: str,
    name: str,
    frozen: Frozen,
    spec: Mapping[str, Any],
    reason: str,
) -> tuple[DatasetVersion, bool]:
    """Keep a dataset under the next number of its name; return it, and whether it is new.

    Raises:
        ConflictError: The name is that of another agent's dataset.
        NotAllowedError: The caller only reads.
    """
    async with database.transaction(principal, because=reason) as transaction:
        dataset_id = await _dataset(transaction, agent, name)
        same = {"dataset_id": dataset_id, "content_sha256": frozen.content_sha256}
        made = {**same, "n": len(frozen.items), "spec": _json(spec), "report": _json(frozen.report)}
        for _ in range(_TRIES):
            found = await transaction.fetch_dicts(_OF_CONTENT, same)
            if found:
                return await find_in(transaction, str(found[0]["id"])), False
            added = await transaction.fetch_dicts(_ADD_VERSION, made)
            if added:
                await _fill(transaction, added[0]["id"], frozen)
                return await find_in(transaction, str(added[0]["id"])), True
    raise ConflictError(f"Others freeze versions of {name} all the time.", hint="Try again in a moment.")


async def _fill(transaction: "Transaction", version_id: UUID, frozen: Frozen) -> None:
    sides = {one.group_key: one.split for one in frozen.items}
    groups = [{"group_key": key, "split": side} for key, side in sorted(sides.items())]
    await transaction.execute(_ADD_GROUPS, {"dataset_version_id": version_id, "groups": _json(groups)})
    for start in range(0, len(frozen.items), _AT_ONCE):
        some = [_row(one) for one in frozen.items[start : start + _AT_ONCE]]
        await transaction.execute(_ADD_ITEMS, {"dataset_version_id": version_id, "items": _json(some)})


async def find(database: "Database", principal: "Principal", named: str) -> DatasetVersion | None:
    """Return a version by id, `name@3`, `sha256:…` or the newest of a name; None when there is none."""
    async with database.transaction(principal, read_only=True) as transaction:
        return await transaction.fetch_one(_FIND, {"named": named}, row=DatasetVersion)


async def find_in(transaction: "Transaction", named: str) -> DatasetVersion:
    """Return a version that is there."""
    found = await transaction.fetch_one(_FIND, {"named": named}, row=DatasetVersion)
    if found is None:
        raise ConflictError("The dataset has just been there and is not any more.")
    return found


async def items(
    database: "Database",
    principal: "Principal",
    dataset_version_id: UUID,
    split: str,
    *,
    after: int = 0,
    most: int = 1_000_000,
) -> list[DatasetItem]:
    """Return items of a version in their order."""
    asked = {"dataset_version_id": dataset_version_id, "split": split, "after": after, "max_rows": most}
    async with database.transaction(principal, read_only=True) as transaction:
        return [_item(row) for row in await transaction.fetch_dicts(_ITEMS, asked)]


async def _dataset(transaction: "Transaction", agent: str, name: str) -> UUID:
    found = await transaction.fetch_dicts(_OF_NAME, {"name": name})
    if not found:
        await transaction.execute(_ADD, {"agent": agent, "name": name})
        found = await transaction.fetch_dicts(_OF_NAME, {"name": name})
    if found[0]["model_name"] != agent:
        raise ConflictError(
            f"The dataset {name!r} is of the agent {found[0]['model_name']}.", hint="Choose another name."
        )
    return found[0]["id"]


async def _names(transaction: "Transaction") -> list[str]:
    return [str(row["name"]) for row in await transaction.fetch_dicts(_PEOPLE)]


def _row(item: DatasetItem) -> dict[str, Any]:
    asked: dict[str, Any] = {"request": item.request, "subject": item.subject, "inputs": dict(item.inputs)}
    return {
        "position": item.position,
        "group_key": item.group_key,
        "split": item.split,
        "input": {name: part for name, part in asked.items() if part},
        "expected": item.expected,
        "score": item.score,
        "weight": item.weight,
        "is_validated": item.is_validated,
        "slices": dict(item.slices),
        "item_sha256": item.item_sha256,
        "run_ids": [str(one) for one in item.run_ids],
        "feedback_ids": [str(one) for one in item.feedback_ids],
    }


def _item(row: Mapping[str, Any]) -> DatasetItem:
    asked = cast("Mapping[str, Any]", row["input"])
    return DatasetItem(
        id=row["id"],
        position=row["position"],
        group_key=row["group_key"],
        split=row["split"],
        request=asked["request"],
        subject=asked.get("subject", ""),
        inputs=asked.get("inputs", {}),
        expected=row["expected"],
        score=row["score"],
        weight=row["weight"],
        is_validated=row["is_validated"],
        slices=row["slices"],
        item_sha256=row["item_sha256"],
        run_ids=tuple(cast("Sequence[UUID]", row["run_ids"])),
        feedback_ids=tuple(cast("Sequence[UUID]", row["feedback_ids"])),
    )


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, allow_nan=False)
