"""The base of the values of the domain: frozen, and nothing in them that was not asked for."""

from pydantic import BaseModel, ConfigDict


class Frozen(BaseModel):
    """A value that does not change."""

    model_config = ConfigDict(frozen=True, extra="forbid")
