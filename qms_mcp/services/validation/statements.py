"""The SQL of a rule: one statement that counts, and one that names a few failing rows.

Names are quoted always, values are parameters. A custom predicate stands in it as it was written, which is why the
guard looks at the whole statement before it runs.
"""

# ruff: noqa: S608 - names are always quoted, values are parameters, and the guard looks at the whole

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from qms_mcp.errors import InvalidInputError
from qms_mcp.services.validation.models import ValidationRule
from qms_mcp.services.validation.subject import ColumnFact, Subject
from qms_mcp.sqltext import Token, tokenize

SAMPLES = 5
_MOST_SHOWN = 12


@dataclass(frozen=True, slots=True)
class Check:
    """What is asked about a rule.

    Attributes:
        rule: The rule in words.
        count: A statement that returns how many rows were checked and how many fail.
        sample: A statement that returns the keys of failing rows and their value.
        parameters: Values for `$1`... of both.
    """

    rule: str
    count: str
    sample: str
    parameters: Sequence[Any] = field(default_factory=list[Any])


def quoted(name: str) -> str:
    """Return a name in quotes, so that it can be nothing but a name."""
    return '"' + name.replace('"', '""') + '"'


def table_of(schema: str, name: str) -> str:
    """Return a table as it stands in a statement."""
    return f"{quoted(schema)}.{quoted(name)}"


@dataclass(frozen=True, slots=True)
class Target:
    """What a foreign key points at: the table for people, the table as SQL, and its columns."""

    shown: str
    table: str
    columns: Sequence[str]


def check_of(subject: Subject, rule: ValidationRule, target: Target | None = None) -> Check:
    """Return the statements of a rule.

    Args:
        subject: The table.
        rule: The rule.
        target: What a foreign key points at.

    Raises:
        InvalidInputError: Something the rule needs is missing or wrong.
    """
    if rule.kind == "predicate":
        return _predicate(subject, rule)
    columns = [subject.column(name) for name in rule.columns]
    if not columns:
        raise InvalidInputError(f"{rule.kind} needs columns.", hint='Send {"kind": ..., "columns": ["name"]}.')
    if rule.kind == "not_null":
        missing = " OR ".join(f"{_of(column)} IS NULL" for column in columns)
        return _by_row(subject, f"{_names(columns)} not null", missing, columns, [])
    if rule.kind == "unique":
        return _unique(subject, columns)
    if rule.kind == "foreign_key":
        return _foreign_key(subject, columns, target)
    if len(columns) > 1:
        raise InvalidInputError(f"{rule.kind} takes one column.", hint="Send a rule for each.")
    return _OF_ONE_COLUMN[rule.kind](subject, columns[0], rule)


def _names(columns: Sequence[ColumnFact]) -> str:
    return ", ".join(column.name for column in columns)


def _predicate(subject: Subject, rule: ValidationRule) -> Check:
    condition = _sound(rule.predicate)
    named = {token.name for token in tokenize(condition)}
    columns = [column for column in subject.columns if column.name in named]
    return _by_row(subject, condition, f"NOT (\n{condition}\n)", columns, [])


def _regex(subject: Subject, column: ColumnFact, rule: ValidationRule) -> Check:
    if not rule.pattern:
        raise InvalidInputError("regex needs a pattern.", hint='Send {"pattern": "..."}.')
    failing = f"{_of(column)}::text !~ ('^(?:' || $1::text || ')$')"
    return _by_row(subject, f"{column.name} matches {rule.pattern}", failing, [column], [rule.pattern])


def _in_set(subject: Subject, column: ColumnFact, rule: ValidationRule) -> Check:
    if not rule.values:
        raise InvalidInputError("in_set needs values.", hint='Send {"values": [...]}.')
    allowed = [value if isinstance(value, str) else _spelt(value) for value in rule.values]
    shown = ", ".join(allowed[:_MOST_SHOWN]) + (", ..." if len(allowed) > _MOST_SHOWN else "")
    failing = f"{_of(column)} <> ALL ($1::text[]::{column.type}[])"
    return _by_row(subject, f"{column.name} in ({shown})", failing, [column], [allowed])


def _of(column: ColumnFact) -> str:
    return f"t.{quoted(column.name)}"


def _spelt(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _by_row(
    subject: Subject, words: str, failing: str, columns: Sequence[ColumnFact], parameters: Sequence[Any]
) -> Check:
    source = table_of(subject.relation.schema, subject.relation.name)
    count = f"SELECT count(*) AS checked, count(*) FILTER (WHERE {failing}) AS failing FROM {source} AS t"
    sample = f"SELECT {_shown(subject, columns)} FROM {source} AS t WHERE {failing} LIMIT {SAMPLES}"
    return Check(words, count, sample, parameters)


def _shown(subject: Subject, columns: Sequence[ColumnFact]) -> str:
    """Return the select list of a sample: the value first, as text, then the key."""
    value = f"concat_ws(', ', {', '.join(f'left({_of(c)}::text, 120)' for c in columns)})" if columns else "NULL::text"
    key = ", ".join(f"left(t.{quoted(name)}::text, 120) AS {quoted(name)}" for name in subject.key)
    return f"{value} AS {quoted('value of the rule')}, {key}"


def _unique(subject: Subject, columns: Sequence[ColumnFact]) -> Check:
    source = table_of(subject.relation.schema, subject.relation.name)
    listed = ", ".join(map(_of, columns))
    whole = " AND ".join(f"{_of(column)} IS NOT NULL" for column in columns)
    groups = f"SELECT count(*) AS size FROM {source} AS t WHERE {whole} GROUP BY {listed}"
    count = (
        "SELECT coalesce(sum(g.size), 0)::bigint AS checked, "
        f"coalesce(sum(g.size) FILTER (WHERE g.size > 1), 0)::bigint AS failing FROM ({groups}) AS g"
    )
    counted = f"SELECT t.*, count(*) OVER (PARTITION BY {listed}) AS rows_alike FROM {source} AS t WHERE {whole}"
    alike = f"FROM ({counted}) AS t WHERE t.rows_alike > 1"
    sample = f"SELECT {_shown(subject, columns)} {alike} ORDER BY {listed} LIMIT {SAMPLES}"
    return Check(f"{_names(columns)} unique", count, sample)


def _foreign_key(subject: Subject, columns: Sequence[ColumnFact], target: Target | None) -> Check:
    names = _names(columns)
    if target is None or len(target.columns) != len(columns):
        raise InvalidInputError(
            f"foreign_key on {names} needs as many columns in references.", hint='Send "references": "qms.parts(id)".'
        )
    keys = target.columns
    matches = " AND ".join(f"r.{quoted(key)} = {_of(column)}" for key, column in zip(keys, columns, strict=True))
    whole = " AND ".join(f"{_of(column)} IS NOT NULL" for column in columns)
    failing = f"{whole} AND NOT EXISTS (SELECT 1 FROM {target.table} AS r WHERE {matches})"
    return _by_row(subject, f"{names} exists in {target.shown}({', '.join(keys)})", failing, columns, [])


def _range(subject: Subject, column: ColumnFact, rule: ValidationRule) -> Check:
    parts: list[str] = []
    parameters: list[str] = []
    for bound, sign in ((rule.min, "<"), (rule.max, ">")):
        if bound is not None:
            parameters.append(_spelt(bound))
            kind = "numeric" if column.category == "N" else column.type
            parts.append(f"{_of(column)} {sign} ${len(parameters)}::text::{kind}")
    if not parts:
        raise InvalidInputError("range needs min or max.", hint='Send {"min": 0, "max": 1}; both belong to the range.')
    lowest, highest = ("any" if bound is None else bound for bound in (rule.min, rule.max))
    words = f"{column.name} from {lowest} to {highest}"
    return _by_row(subject, words, " OR ".join(parts), [column], parameters)


def _fresh(subject: Subject, column: ColumnFact, rule: ValidationRule) -> Check:
    if rule.max_age_hours is None or rule.max_age_hours < 0:
        raise InvalidInputError("fresh needs max_age_hours.", hint='Send {"max_age_hours": 24}.')
    source = table_of(subject.relation.schema, subject.relation.name)
    newest = f"max({_of(column)})"
    late = f"coalesce({newest} < now() - make_interval(secs => $1::float8), true)"
    count = f"SELECT count(*) AS checked, ({late})::integer AS failing FROM {source} AS t"
    key = ", ".join(f"left(t.{quoted(name)}::text, 120) AS {quoted(name)}" for name in subject.key)
    sample = (
        f"SELECT t.{quoted(column.name)}::text AS {quoted('value of the rule')}, {key} FROM {source} AS t "
        f"WHERE $1::float8 IS NOT NULL AND {_of(column)} IS NOT NULL ORDER BY {_of(column)} DESC LIMIT 1"
    )
    words = f"newest {column.name} at most {rule.max_age_hours:g} h old"
    return Check(words, count, sample, [rule.max_age_hours * 3600])


_OF_ONE_COLUMN: dict[str, Callable[[Subject, ColumnFact, ValidationRule], Check]] = {
    "range": _range,
    "regex": _regex,
    "in_set": _in_set,
    "fresh": _fresh,
}


def _sound(predicate: str | None) -> str:
    """Return a predicate that can't leave its brackets; what it does is for the guard to judge.

    Raises:
        InvalidInputError: It is empty, unfinished, or closes more brackets than it opens.
    """
    if not predicate or not predicate.strip():
        raise InvalidInputError("predicate needs a condition.", hint='Send {"predicate": "closed_at >= opened_at"}.')
    depth = 0
    tokens: list[Token] = tokenize(predicate)
    for token in tokens:
        depth += (token.text in {"(", "["}) - (token.text in {")", "]"})
        if depth < 0 or token.text == ";" or token.kind == "param":
            break
    else:
        if depth == 0:
            return predicate
    raise InvalidInputError(
        "The predicate is not one whole condition.", hint="Balance its brackets; use no semicolon and no $1."
    )
