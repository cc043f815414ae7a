"""The rules a table implies: by its constraints, by what the comments on its columns say, by names and types."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from qms_mcp.services.validation.models import ValidationRule
from qms_mcp.services.validation.subject import ColumnFact, ConstraintFact, Subject

_NUMBER = r"-?\d+(?:\.\d+)?"
_FROM_TO = re.compile(rf"(?<![\w.-])({_NUMBER})\s*(?:to|\.\.|-|\u2013)\s*({_NUMBER})(?![\w-])")
_LISTED = re.compile(
    r"^(?:one of:?\s*)?([a-z][a-z0-9_]*(?:(?:, | or |, or )[a-z][a-z0-9_]*)+)[.:]?(?:\s|$)", re.IGNORECASE
)
_NEVER_NEGATIVE = re.compile(r"(^|_)(count|quantity|duration_ms|duration|age|size|attempts|tries|rounds)$")
_PAST = frozenset({"created_at", "updated_at", "closed_at", "completed_at", "finished_at", "decided_at", "applied_at"})
_PAIRS = (("valid_from", "valid_to"), ("start_time", "end_time"), ("started_at", "finished_at"),
          ("created_at", "closed_at"), ("created_at", "completed_at"), ("start_date", "end_date"))  # fmt: skip
_MOST = 40


@dataclass(frozen=True, slots=True)
class Inferred:
    """A rule nobody asked for, and why it is there."""

    rule: ValidationRule
    because: str


def infer(subject: Subject) -> list[Inferred]:
    """Return the rules a table implies; those the database only promises to check come first."""
    found = [*_from_constraints(subject), *_from_columns(subject), *_from_pairs(subject)]
    seen: set[str] = set()
    unique: list[Inferred] = []
    for inferred in found:
        key = inferred.rule.model_dump_json()
        if key not in seen:
            seen.add(key)
            unique.append(inferred)
    return unique[:_MOST]


def _from_constraints(subject: Subject) -> Iterator[Inferred]:
    readable = {column.name for column in subject.columns}
    for constraint in sorted(subject.constraints, key=lambda c: c.validated):
        if not set(constraint.columns) <= readable:
            continue
        because = f"constraint {constraint.name}" + ("" if constraint.validated else ", which is NOT VALID")
        rule = _rule_of(constraint)
        if rule is not None:
            yield Inferred(rule, because)


def _rule_of(constraint: ConstraintFact) -> ValidationRule | None:
    if constraint.kind == "c":
        return ValidationRule(kind="predicate", predicate=constraint.condition)
    if constraint.kind in {"p", "u"}:
        return ValidationRule(kind="unique", columns=constraint.columns)
    if constraint.kind == "f" and constraint.target_readable:
        references = f"{constraint.target}({', '.join(constraint.target_columns)})"
        return ValidationRule(kind="foreign_key", columns=constraint.columns, references=references)
    return None


def _from_columns(subject: Subject) -> Iterator[Inferred]:
    checked = {c.columns[0] for c in subject.constraints if c.kind == "c" and len(c.columns) == 1}
    for column in subject.columns:
        if not column.nullable:
            yield Inferred(ValidationRule(kind="not_null", columns=[column.name]), "column is NOT NULL")
        if column.name not in checked:
            yield from _from_comment(column)
        yield from _from_type(column)


def _from_comment(column: ColumnFact) -> Iterator[Inferred]:
    match = _FROM_TO.search(column.comment)
    if match and column.category == "N" and float(match[1]) < float(match[2]):
        rule = ValidationRule(kind="range", columns=[column.name], min=float(match[1]), max=float(match[2]))
        yield Inferred(rule, f"comment {match[0]!r}")
    listed = _LISTED.match(column.comment)
    open_ended = "..." in column.comment or "such as" in column.comment.lower()
    if listed and column.category in {"S", "E"} and not open_ended:
        values = re.split(r", or |, | or ", listed[1])
        if len(values) > 1:
            yield Inferred(
                ValidationRule(kind="in_set", columns=[column.name], values=list(values)), "values in the comment"
            )


def _from_type(column: ColumnFact) -> Iterator[Inferred]:
    name = column.name
    if column.type == "timestamp with time zone" and name in _PAST:
        yield Inferred(ValidationRule(kind="predicate", predicate=f"{_q(name)} <= now()"), "name: not in the future")
    if column.category == "N" and _NEVER_NEGATIVE.search(name):
        yield Inferred(ValidationRule(kind="range", columns=[name], min=0), "name: never negative")
    if column.category == "S" and not column.nullable:
        yield Inferred(
            ValidationRule(kind="predicate", predicate=f"btrim({_q(name)}::text) <> ''"), "required text: not blank"
        )
    if column.category == "S" and (name == "email" or name.endswith("_email")):
        yield Inferred(ValidationRule(kind="regex", columns=[name], pattern=r"[^@\s]+@[^@\s]+"), "name: an address")
    if column.type in {"double precision", "real"}:
        yield Inferred(ValidationRule(kind="predicate", predicate=f"{_q(name)} <> 'NaN'"), "type: a number")


def _from_pairs(subject: Subject) -> Iterator[Inferred]:
    types = {column.name: column.type for column in subject.columns}
    for first, second in _PAIRS:
        if first in types and types.get(second) == types[first]:
            rule = ValidationRule(kind="predicate", predicate=f"{_q(second)} >= {_q(first)}")
            yield Inferred(rule, f"names: {first} before {second}")


def _q(name: str) -> str:
    return 't."' + name.replace('"', '""') + '"'
