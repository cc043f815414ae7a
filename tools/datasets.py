"""Datasets: what feedback teaches, frozen."""

from datetime import UTC, datetime, timedelta
from typing import Annotated, Literal

from pydantic import Field

from qms_mcp.context import Ctx, caller, services
from qms_mcp.registry import tool
from qms_mcp.services.learning.datasets.models import CuratedDataset
from qms_mcp.services.learning.datasets.telling import curated_dataset

Reason = Annotated[str, Field(min_length=10, max_length=2_000, description="Why; kept with the dataset.")]


@tool(toolset="ml", title="Curate a dataset", repeats=True)
async def curate_dataset(
    ctx: Ctx,
    agent: Annotated[str, Field(description="Whose answers.")],
    reason: Reason,
    name: Annotated[str, Field(max_length=100, description="Default: <agent>-feedback.")] = "",
    quality_threshold: Annotated[float | None, Field(ge=0, le=1, description="Score of a good answer.")] = None,
    validated: Annotated[Literal["only", "weighted"], Field(description="only: what people validated.")] = "weighted",
    days: Annotated[int | None, Field(ge=1, le=3650, description="Feedback of the last days; all if left out.")] = None,
    dry_run: Annotated[bool, Field(description="Keep nothing.")] = False,
) -> CuratedDataset:
    """Freeze answers with good feedback, and what people missed in poor ones, as an immutable dataset.

    It is masked, without copies, and split so that no conversation is on two sides. The same feedback gives the same
    version again. Fails when there is too little feedback, or when it is from fewer than 3 conversations.
    """
    since = None if days is None else datetime.now(UTC) - timedelta(days=days)
    made = await services(ctx).learning.datasets.curate(
        caller(ctx), agent.strip(), name.strip() or None, reason=reason, quality_threshold=quality_threshold,
        validated=validated, since=since, dry_run=dry_run,
    )  # fmt: skip
    return curated_dataset(made)
