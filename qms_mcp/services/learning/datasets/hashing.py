"""The one form in which items are hashed and written, byte for byte."""

import hashlib
import json
from collections.abc import Iterable, Mapping
from typing import Any

from qms_mcp.services.learning.datasets.models import DatasetItem


def canonical(value: Any) -> str:
    """Return JSON with sorted names, no spaces, and letters as they are."""
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"), allow_nan=False)


def sha256(text: str) -> str:
    """Return the SHA-256 of a text in UTF-8, as hexadecimal digits."""
    return hashlib.sha256(text.encode()).hexdigest()


def item_sha256(asked: Mapping[str, Any], expected: Mapping[str, Any]) -> str:
    """Return the hash of what is asked and expected."""
    return sha256(canonical({"input": asked, "expected": expected}))


def line_of(item: DatasetItem) -> str:
    """Return an item as one line of an export; ids are not in it, as another database would give others."""
    parts: dict[str, Any] = {
        "request": item.request,
        "expected": item.expected,
        "group": item.group_key,
        "split": item.split,
        "score": item.score,
        "weight": item.weight,
        "validated": item.is_validated,
        "slices": dict(item.slices),
        "sha256": item.item_sha256,
    }
    parts |= {"subject": item.subject} if item.subject else {}
    parts |= {"inputs": dict(item.inputs)} if item.inputs else {}
    return canonical(parts)


def content_sha256(items: Iterable[DatasetItem]) -> str:
    """Return the hash of items in their order: that of the lines of their export, each with its line end."""
    whole = hashlib.sha256()
    for item in items:
        whole.update(line_of(item).encode())
        whole.update(b"\n")
    return whole.hexdigest()
