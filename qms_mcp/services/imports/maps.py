"""Maps: which column of a file becomes which field of a record.

A map is data, a TOML or JSON file; some come along. A rule is the name of a column, or a table that says more: several
columns to try (`from`), a text around columns (`template`), a fixed `value`, the kind of value, words and what they
mean (`values`), what holds when numbers are large enough (`cases`), and what to take when nothing fits (`otherwise`).
"""

import json
import re
import tomllib
from difflib import get_close_matches
from importlib.resources import files
from pathlib import Path
from typing import Any, Literal, cast

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from qms_mcp.errors import InvalidInputError

COLUMN_OF_TEMPLATE = re.compile(r"\{([^{}]+)\}")
_LARGEST = 256 * 1024


class Case(BaseModel):
    """A value that holds when a column is a number above another, or is exactly a text."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    column: str
    above: float | None = None
    equals: str | None = None
    value: Any

    @model_validator(mode="after")
    def _one_test(self) -> "Case":
        if (self.above is None) == (self.equals is None):
            raise ValueError("a case has either `above` or `equals`")
        return self


class Rule(BaseModel):
    """Where a value comes from.

    Attributes:
        columns: Names to try, the first that is not empty counts. A path such as `device.0.lot_number` goes into
            objects and lists.
        template: Text with `{column}` or `{one column|another}` in it, instead of columns.
        value: A fixed value, instead of columns.
        kind: What the text is turned into.
        formats: How dates are written, as for strptime; ISO 8601 when none is named.
        values: What words become; case does not matter, and a word that becomes "" leaves the field out.
        cases: Tried first, in order.
        otherwise: Taken when there is nothing, or nothing fits. Without it an empty value leaves the field out, and a
            wrong one skips the row.
        longest: Cut after so many characters.
        required: A row without it is skipped.
        optional: The column need not be in the file.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)

    columns: tuple[str, ...] = Field(default=(), alias="from")
    template: str | None = None
    value: Any = None
    kind: Literal["text", "date", "time", "number", "integer", "boolean", "list"] = "text"
    formats: tuple[str, ...] = ()
    values: dict[str, Any] = {}
    cases: tuple[Case, ...] = ()
    otherwise: Any = None
    longest: int | None = Field(default=None, gt=0)
    required: bool = False
    optional: bool = False

    @field_validator("columns", mode="before")
    @classmethod
    def _as_columns(cls, given: Any) -> Any:
        return (given,) if isinstance(given, str) else given

    @model_validator(mode="after")
    def _one_source(self) -> "Rule":
        sources = [bool(self.columns), self.template is not None, self.value is not None]
        if sum(sources) != 1 and not (self.cases and not any(sources)):
            raise ValueError("a rule has one of `from`, `template` and `value`, or `cases`")
        return self

    def groups(self) -> list[tuple[str, ...]]:
        """Return the columns the rule reads; of each group one has to be in the file."""
        of_template = [tuple(found.split("|")) for found in COLUMN_OF_TEMPLATE.findall(self.template or "")]
        own = [self.columns] if self.columns else []
        return [*own, *of_template, *((case.column,) for case in self.cases)]

    def mentioned(self) -> str:
        """Return the columns in words."""
        return ", ".join(column for group in self.groups() for column in group)


class ImportMap(BaseModel):
    """A map.

    Attributes:
        category: The type of record a row becomes.
        external_id: The id the row has in its own system.
        system: What that system is called.
        delimiter: Between the values of a CSV file; found by itself when left out.
        fields: Rules by field of the record.
        metadata: Rules by name, for what has no field of its own.
        keep_row: Keep the whole row in `source`.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = ""
    description: str = ""
    category: str
    system: str = Field(min_length=1)
    external_id: Rule
    delimiter: str | None = Field(default=None, min_length=1, max_length=1)
    fields: dict[str, Rule]
    metadata: dict[str, Rule] = {}
    keep_row: bool = True

    @field_validator("external_id", mode="before")
    @classmethod
    def _short_id(cls, given: Any) -> Any:
        return _long(given)

    @field_validator("fields", "metadata", mode="before")
    @classmethod
    def _short_rules(cls, given: Any) -> Any:
        if not isinstance(given, dict):
            return given
        return {name: _long(rule) for name, rule in cast("dict[str, Any]", given).items()}

    @model_validator(mode="after")
    def _has_a_title(self) -> "ImportMap":
        if "title" not in self.fields:
            raise ValueError("fields.title is missing: every record needs a title")
        taken = {"external_id", "source", "metadata"} & set(self.fields)
        if taken:
            raise ValueError(f"{', '.join(sorted(taken))} is set by the import itself")
        return self

    def columns(self) -> list[tuple[str, tuple[str, ...]]]:
        """Return what has to be in the file: what it is for, and the columns of which one is enough."""
        rules = {"external_id": self.external_id, **self.fields, **self.metadata}
        return [(name, group) for name, rule in rules.items() if not rule.optional for group in rule.groups()]


def shipped_maps() -> dict[str, str]:
    """Return the text of each map that comes along, by name."""
    folder = files("qms_mcp.services.imports").joinpath("maps")
    found = (entry for entry in folder.iterdir() if entry.name.endswith(".toml"))
    return {entry.name.removesuffix(".toml"): entry.read_text(encoding="utf-8") for entry in found}


def load_map(named: str) -> ImportMap:
    """Return a map that comes along, by name, or the one in a file.

    Raises:
        InvalidInputError: There is none, or it can't be used.
    """
    shipped = shipped_maps()
    if named in shipped:
        return _parsed(shipped[named], named, json_text=False)
    path = Path(named)
    if not path.is_file():
        near = get_close_matches(named, shipped, n=1)
        hint = f"Did you mean {near[0]}?" if near else f"Maps: {', '.join(sorted(shipped))}, or a TOML or JSON file."
        raise InvalidInputError(f"There is no map {named!r}.", hint=hint)
    try:
        raw = path.read_bytes()
        text = raw.decode("utf-8-sig")
    except (OSError, UnicodeDecodeError):
        raise InvalidInputError(f"The map {path} can't be read as UTF-8 text.") from None
    if len(raw) > _LARGEST:
        raise InvalidInputError(f"{path} is too large for a map.", hint="Did you mix up the file and its map?")
    return _parsed(text, path.stem, json_text=path.suffix.lower() == ".json")


def _parsed(text: str, name: str, *, json_text: bool) -> ImportMap:
    try:
        document: Any = json.loads(text) if json_text else tomllib.loads(text)
    except ValueError as error:
        raise InvalidInputError(f"The map {name} is no {'JSON' if json_text else 'TOML'}: {error}.") from None
    try:
        found = ImportMap.model_validate(document)
    except ValidationError as error:
        raise InvalidInputError(f"The map {name} can't be used: {_first(error)}.", hint=_nearest_key(error)) from None
    return found if found.name else found.model_copy(update={"name": name})


def _first(error: ValidationError) -> str:
    problem = error.errors()[0]
    where = ".".join(str(part) for part in problem["loc"])
    what = problem["msg"].removeprefix("Value error, ")
    return f"{where}: {what}" if where else what


def _nearest_key(error: ValidationError) -> str:
    """Return what a key that does not exist was meant to be."""
    for problem in error.errors():
        if problem["type"] == "extra_forbidden":
            known = [*ImportMap.model_fields, *Rule.model_fields, "from", *Case.model_fields]
            near = get_close_matches(str(problem["loc"][-1]), known, n=1)
            if near:
                return f"Did you mean {near[0]}?"
    return "`qms-mcp import --show-map openfda_enforcement` prints one that works."


def _long(rule: Any) -> Any:
    return {"from": cast("Any", rule)} if isinstance(rule, (str, list)) else rule
