"""What callers are told about a dataset."""

from collections.abc import Mapping
from typing import Any

from qms_mcp.services.learning.datasets.models import Curated, CuratedDataset, DatasetVersion


def curated_dataset(made: Curated) -> CuratedDataset:
    """Return what a curation came to, as a tool answers it."""
    report = made.report
    label = made.version.label if made.version else ""
    return CuratedDataset(
        headline=_headline(made),
        dataset=label,
        sha256=made.content_sha256,
        n=made.n,
        sides={side: part["n"] for side, part in report["sides"].items()},
        slices=report["slices"],
        left_out=report["left_out"],
        masked=report["masked"],
        notes=report["notes"],
    )


def told(version: DatasetVersion) -> Mapping[str, Any]:
    """Return a version as it is shown to people."""
    return {
        "dataset": version.label,
        "agent": version.model_name,
        "sha256": version.content_sha256,
        "n": version.n,
        "created_at": version.created_at.isoformat(),
        "created_by": str(version.created_by),
        "created_kind": version.created_kind,
        "spec": dict(version.spec),
        "report": dict(version.report),
    }


def _headline(made: Curated) -> str:
    sides = ", ".join(f"{part['n']} {side}" for side, part in made.report["sides"].items())
    if made.version is None:
        return f"{made.n} items would be frozen ({sides}); nothing was kept."
    if made.unchanged:
        return f"{made.version.label} is this already: {made.n} items ({sides})."
    return f"{made.version.label} is frozen: {made.n} items ({sides})."
