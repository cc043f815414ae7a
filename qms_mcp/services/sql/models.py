"""What the SQL tools answer with."""

from typing import Any, Literal

from pydantic import Field, SerializerFunctionWrapHandler, model_serializer

from qms_mcp.services.answer import Answer


class Column(Answer):
    """A column of a result."""

    name: str
    type: str


class QueryResult(Answer):
    """A page of rows; names may repeat, so rows are arrays in the order of the columns."""

    columns: list[Column] = Field([])
    rows: list[list[Any]] = Field([])
    returned: int
    more: bool
    next_cursor: str | None = None
    cut: list[str] = Field([], description="What was shortened, and how to get the rest.")
    notes: list[str] = Field([])

    @model_serializer(mode="wrap")
    def _with_rows(self, serialize: SerializerFunctionWrapHandler) -> dict[str, Any]:
        kept = {"columns", "rows"}
        return {name: value for name, value in serialize(self).items() if name in kept or value not in (None, [])}


class Finding(Answer):
    """Something in a plan worth knowing."""

    kind: Literal["slow", "estimate", "scan", "spill", "loop", "row_security", "disabled", "parallel"]
    node: str
    says: str


class IndexProposal(Answer):
    """An index that may help; nobody has tried it."""

    statement: str
    why: str


class PlanReport(Answer):
    """A plan and its reading."""

    summary: str
    findings: list[Finding] = Field([])
    indexes: list[IndexProposal] = Field([], description="Hypothetical: not built, not measured.")
    plan: dict[str, Any]
    notes: list[str] = Field([])


class TableHint(Answer):
    """A table that fits a question."""

    table: str
    comment: str | None = None
    columns: list[str] = Field([], description="name type: comment.")
    because: str = ""


class ValueHint(Answer):
    """A value of a column that the question names."""

    column: str
    values: list[str] = Field([])
    matched: list[str] = Field([], description="Those the question names.")


class EarlierQuery(Answer):
    """A statement that ran before."""

    statement: str
    shared: list[str] = Field([])


class GeneratedSql(Answer):
    """What a question is about in this database, and a statement if there is one."""

    drafted_by: str = Field(description="The model that wrote the statement, or 'none': then sql is a skeleton.")
    sql: str = ""
    checked: bool = Field(default=False, description="Whether the guard and the planner accepted it.")
    explanation: str = ""
    tables: list[TableHint] = Field([])
    joins: list[str] = Field([])
    values: list[ValueHint] = Field([])
    earlier: list[EarlierQuery] = Field([])
    notes: list[str] = Field([])
