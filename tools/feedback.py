"""Tools for what customers say."""

from typing import Annotated

from pydantic import Field

from qms_mcp.context import Ctx, caller, services
from qms_mcp.registry import tool
from qms_mcp.services.feedback_classes.models import FeedbackClasses

Text = Annotated[str, Field(max_length=20_000)]
Record = Annotated[str, Field(max_length=60)]


@tool(toolset="ml", title="Classify feedback", reads=True)
async def classify_feedback(
    ctx: Ctx,
    texts: Annotated[list[Text] | None, Field(max_length=200, description="What customers wrote, and/or")] = None,
    records: Annotated[list[Record] | None, Field(max_length=200, description="complaints: number or id.")] = None,
) -> FeedbackClasses:
    """Say what feedback is about, how it sounds, whether it speaks of harm, and who should see it next.

    Use it to sort a day's feedback, or before a complaint is recorded. A word of harm always makes a text safety,
    whatever else it says. Without an API key rules and a small classifier answer. An unknown record fails.
    """
    return await services(ctx).feedback_classes.classify(caller(ctx), texts or (), records or ())
