"""Rules over the rows of a table, and what came of checking them."""

from typing import Any, Literal, TypeAlias

from pydantic import BaseModel, ConfigDict, Field

from qms_mcp.services.answer import Answer

RuleKind: TypeAlias = Literal["not_null", "unique", "foreign_key", "range", "regex", "in_set", "fresh", "predicate"]
Scalar: TypeAlias = int | float | str | bool


def _slim(schema: dict[str, Any]) -> None:
    """Keep of the schema what a model needs: names, types where they are one, and the few words."""
    schema.pop("title", None)
    schema.pop("description", None)
    for name, part in schema["properties"].items():
        kept = {key: part[key] for key in ("type", "enum", "description") if key in part}
        if "anyOf" in part and name not in {"min", "max"}:
            kept["type"] = part["anyOf"][0]["type"]
        if kept.get("type") == "array":
            kept["items"] = {} if name == "values" else {"type": "string"}
        schema["properties"][name] = kept


class ValidationRule(BaseModel):
    """A rule: its kind, and what that kind needs."""

    model_config = ConfigDict(frozen=True, extra="forbid", json_schema_extra=_slim)

    kind: RuleKind
    columns: list[str] = Field(default=[])
    references: str | None = Field(default=None, description="foreign_key: schema.table(column)")
    min: int | float | str | None = None
    max: int | float | str | None = None
    pattern: str | None = Field(default=None, description="regex of the whole value")
    values: list[Scalar] | None = Field(default=None, description="in_set")
    max_age_hours: float | None = Field(default=None, description="fresh: of the newest row")
    predicate: str | None = Field(default=None, description="SQL condition over t; NULL passes")


class RuleResult(Answer):
    """What came of one rule.

    Attributes:
        rule: The rule in words.
        status: Whether it holds; `error` when it could not be checked.
        inferred_from: Why it was checked though nobody asked for it.
        checked: How many rows it applies to.
        failing: How many of them fail.
        share: failing / checked.
        samples: Keys of failing rows, each with the value that fails.
        error: Why it could not be checked.
    """

    rule: str
    status: Literal["passed", "failed", "error"]
    inferred_from: str | None = None
    checked: int | None = None
    failing: int | None = None
    share: float | None = None
    samples: tuple[dict[str, Any], ...] = ()
    error: str | None = None


class Validation(Answer):
    """The verdict over all rules. A rule that can't be checked makes it failed."""

    table: str
    verdict: Literal["passed", "failed"]
    results: tuple[RuleResult, ...]
    notes: tuple[str, ...] = ()
