"""Rules over the rows of a table, and what came of checking them."""

from typing import Any, Literal, TypeAlias

from pydantic import BaseModel, ConfigDict, Field

from qms_mcp.services.answer import Answer

RuleKind: TypeAlias = Literal[
    "not_null", "unique", "foreign_key", "range", "regex", "in_set", "fresh", "predicate"
]
Scalar: TypeAlias = int | float | str | bool


class ValidationRule(BaseModel):
    """A rule: its kind, and what that kind needs."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: RuleKind
    columns: list[str] = Field(default=[], max_length=16)
    references: str | None = Field(default=None, description="foreign_key: schema.table(column, ...).")
    min: int | float | str | None = None
    max: int | float | str | None = None
    pattern: str | None = Field(default=None, description="regex the whole value must match.")
    values: list[Scalar] | None = Field(default=None, description="in_set: allowed values.")
    max_age_hours: float | None = Field(default=None, description="fresh: age of the newest row.")
    predicate: str | None = Field(default=None, description="SQL condition over t; NULL passes.")


class FailingRow(Answer):
    """A row that fails, by its key, and the value that does."""

    key: dict[str, Any]
    value: str | None = None


class RuleResult(Answer):
    """What came of one rule."""

    rule: str
    status: Literal["passed", "failed", "error"]
    inferred_from: str | None = None
    checked: int | None = None
    failing: int | None = None
    share: float | None = Field(default=None, description="failing / checked.")
    samples: list[FailingRow] = []
    error: str | None = None


class Validation(Answer):
    """The verdict over all rules. A rule that can't be checked makes it failed."""

    table: str
    verdict: Literal["passed", "failed"]
    results: list[RuleResult]
    notes: list[str] = []
