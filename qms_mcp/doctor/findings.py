"""What the doctor found."""

from dataclasses import dataclass
from typing import Literal, TypeAlias

State: TypeAlias = Literal["ok", "missing", "warning", "broken"]


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at.

    Attributes:
        state: `broken` is something needed that does not work; `warning` works and should be looked at; `missing` is
            optional.
        says: What was found.
        effect: What it turns off, or what to do.
    """

    part: str
    name: str
    state: State
    says: str
    effect: str = ""
