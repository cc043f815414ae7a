"""What the tools about events take and answer."""

from decimal import Decimal
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, WithJsonSchema

from qms_mcp.services.domain.decision_path import Outcome
from qms_mcp.services.domain.dispositions import Disposition
from qms_mcp.services.records.models import Written

Quantity = Annotated[Decimal, WithJsonSchema({"type": "number"}), Field(gt=0)]


class ProposedDisposition(BaseModel):
    """What shall become of a part of the affected quantity."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    disposition: Disposition
    quantity: Quantity
    justification: str = ""


class Reported(Written):
    """A reported event.

    Attributes:
        similar: Up to three earlier records of the same type, with what they have in common with it.
    """

    similar: list[str] = Field(default_factory=list[str])


class DispositionProposed(Written):
    """Dispositions as they were proposed.

    Attributes:
        quantities: How much is affected, dispositioned and remains.
        blocked: Why the material review board can't be asked yet.
    """

    quantities: str
    blocked: list[str] = Field(default_factory=list[str])


class Assessed(Written):
    """A walk through a decision tree.

    Attributes:
        proposal: What the answers lead to; a person decides.
        path: Each question with its answer and section.
        report_due_on: The earliest day a report is, or could be, due.
        ask: What is still open.
        blocked: Why the person can't be asked yet.
    """

    proposal: Outcome
    path: list[str]
    report_due_on: str | None = None
    ask: list[str] = Field(default_factory=list[str])
    blocked: list[str] = Field(default_factory=list[str])
