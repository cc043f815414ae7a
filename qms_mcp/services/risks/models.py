"""What is said of a risk, and what its ratings mean."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

from qms_mcp.services.records.models import Written

ControlKind = Literal["inherent_design", "protective", "information", "prevention", "detection"]


class Control(BaseModel):
    """A control of a risk."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    control_kind: ControlKind
    description: str


@dataclass(frozen=True, slots=True)
class RiskInput:
    """A risk to be assessed.

    Attributes:
        record: The risk item, when it exists already.
        fields: The method, the chain and more columns of the type, by name.
        ratings: severity, occurrence, detection (FMEA) or severity, probability (ISO 14971), and the residual ones.
        about: Numbers of records it is about.
    """

    record: str | None = None
    fields: Mapping[str, Any] = field(default_factory=dict[str, Any])
    ratings: Mapping[str, int] = field(default_factory=dict[str, int])
    controls: Sequence[Control] = ()
    about: Sequence[str] = ()


class RiskAssessed(Written):
    """A risk with its numbers; what a person who accepts or refuses it has to look at stands among the warnings.

    Attributes:
        rating: The ratings and what they mean, before and after the controls.
        numbers: rpn and action_priority, or acceptability; residual ones.
    """

    rating: str
    numbers: dict[str, int | str]
