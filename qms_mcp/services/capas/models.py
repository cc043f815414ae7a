"""What callers give of a CAPA, and what they get back."""

from datetime import date
from typing import Annotated, Literal, TypeAlias

from pydantic import BaseModel, ConfigDict, Field

from qms_mcp.services.answer import Answer
from qms_mcp.services.domain.causes import CauseCategory, Dimension, Facet, Gate
from qms_mcp.services.domain.effectiveness import Comparator, Counted, Measure, Verdict
from qms_mcp.services.domain.eight_d import ActionType
from qms_mcp.services.records.models import Written

RiskClass: TypeAlias = Literal["low", "medium", "high", "critical"]


class Given(BaseModel):
    """Something a caller gives."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class CauseInput(Given):
    """A statement of an analysis, new or changed.

    Attributes:
        key: The caller's name for a new node, or the id of a recorded one.
        parent: What it explains; none for the problem.
        withdraw: Why a recorded node no longer holds.
    """

    key: Annotated[str, Field(min_length=1, max_length=60)]
    parent: Annotated[str | None, Field(max_length=60)] = None
    statement: Annotated[str | None, Field(max_length=2_000)] = None
    category: CauseCategory | None = None
    gate: Gate | None = None
    dimension: Dimension | None = None
    facet: Facet | None = None
    evidence: Annotated[list[str] | None, Field(max_length=20)] = None
    is_root_cause: bool | None = None
    withdraw: Annotated[str | None, Field(max_length=500)] = None


class PlannedAction(Given):
    """An action to plan; its owner is `me`, an e-mail address, a name or an id."""

    type: ActionType
    description: Annotated[str, Field(min_length=5, max_length=2_000)]
    owner: Annotated[str, Field(max_length=320)]
    due_on: date


class CriterionInput(Given):
    """A measurable criterion of effectiveness; see `Criterion`."""

    metric: Annotated[str, Field(max_length=500)]
    measure: Measure
    counted: Counted | None = None
    per: Counted | None = None
    statement: Annotated[str | None, Field(max_length=10_000)] = None
    baseline: float
    baseline_events: Annotated[int | None, Field(ge=0)] = None
    baseline_exposure: Annotated[float | None, Field(gt=0)] = None
    target: float
    comparator: Comparator = "<="
    window_start: date
    window_end: date
    minimum_sample: Annotated[int, Field(ge=1)]


class OpenedCapa(Written):
    """A new CAPA and why it is one.

    Attributes:
        why: What the risk screen found.
    """

    why: str


class RecordedCauses(Written):
    """An analysis after a write.

    Attributes:
        nodes: The id of each node, by the key it was given, or by its id.
        cut_sets: For a fault tree: which basic events together suffice.
    """

    root_causes: list[str] = Field([])
    nodes: dict[str, str]
    diagram: str
    cut_sets: list[str] = Field([])


class PlannedCapa(Written):
    """A CAPA after planning.

    Attributes:
        actions: Each with its number and id.
        missing: What still blocks the next steps.
    """

    actions: list[str] = Field([])
    missing: list[str] = Field([])


class UpdatedAction(Written):
    """A CAPA after an action moved.

    Attributes:
        extension: Number of the extension request, when a later date was asked for.
        open_actions: How many are not done.
    """

    action: str
    extension: str = ""
    open_actions: int


class EffectivenessReport(Answer):
    """The planned criterion on the data of its window.

    Attributes:
        n: What was seen: days, opportunities or units.
        query: What was counted, in words, or the statement.
        records: Citations of what was counted, at most twenty.
        kept: Id of the effectiveness check that keeps it.
        chance: How likely a result this good is if nothing had changed; information, not the verdict.
    """

    citation: str
    verdict: Verdict
    why: str
    value: float | None = None
    n: int
    events: int | None = None
    baseline: float
    target: str
    window: str
    query: str
    records: list[str] = Field([])
    chance: float | None = None
    method: str
    kept: str = ""
    note: str
