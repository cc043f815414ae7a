"""Where the numbers of an analysis come from, as a caller names it; it is kept with the calculation."""

from typing import Any, Literal, TypeAlias

from pydantic import ConfigDict, Field, model_validator

from qms_mcp.services.analysis.method import Options

PictureChoice: TypeAlias = Literal["png", "svg", "none"]
SOURCE_WORDS = (
    "One of: sql (SELECT, with parameters for $1...); records (a record type, since, until, states); columns "
    "{name: [values]}; csv (text with a header); document (SOP-014 v3) with table (1...). units {column: unit}."
)


def _short(schema: dict[str, Any]) -> None:
    """Leave the fields to `SOURCE_WORDS`: nine tools take a source, and a model reads the list of them all."""
    schema.clear()
    schema["type"] = "object"


class Source(Options):
    """Exactly one of `sql`, `records`, `columns`, `csv` and `document`.

    Attributes:
        sql: One reading statement; the guard of execute_query looks at it.
        parameters: Values for $1, $2, ...
        records: A type of record (`nonconformance`): a row a record, with its base and its own fields.
        since: Records reported on this day or later (ISO 8601).
        until: Records reported on this day or earlier.
        states: Records in these states only.
        columns: A table sent along, by column.
        csv: A table sent along as text; comma, semicolon or tab.
        document: A document that holds a table.
        table: Which of its tables, from 1.
        units: Units of columns; they are kept and shown, never converted.
    """

    model_config = ConfigDict(json_schema_extra=_short)

    sql: str | None = None
    parameters: list[Any] = Field(default=[])
    records: str | None = None
    since: str | None = None
    until: str | None = None
    states: list[str] = Field(default=[])
    columns: dict[str, list[Any]] | None = None
    csv: str | None = None
    document: str | None = None
    table: int | None = None
    units: dict[str, str] = Field(default={})

    @model_validator(mode="after")
    def _one(self) -> "Source":
        given = [name for name in ("sql", "records", "columns", "csv", "document") if getattr(self, name) is not None]
        if len(given) != 1:
            raise ValueError(f"give exactly one of sql, records, columns, csv and document; given: {given or 'none'}")
        return self
