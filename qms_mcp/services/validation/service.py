"""Validation: each rule is one inspected statement, run as the caller; a rule that fails to run stops no other."""

import re
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from qms_mcp.auth.principal import Principal
from qms_mcp.errors import InvalidInputError, QmsError
from qms_mcp.services.validation.inference import Inferred, infer
from qms_mcp.services.validation.models import RuleResult, Validation, ValidationRule
from qms_mcp.services.validation.statements import Check, Target, check_of, table_of
from qms_mcp.services.validation.subject import Subject, find_table, read_subject

if TYPE_CHECKING:
    from qms_mcp.db.database import Database
    from qms_mcp.db.guard import Guard
    from qms_mcp.db.run_query import Page

_REFERENCES = re.compile(r"\s*(?P<table>.+?)\s*\((?P<columns>[^()]+)\)\s*", re.DOTALL)
_ALL_SECONDS = 60.0
_LONGEST_VALUE = 80
_LONGEST_RULE = 160


class DataValidation:
    """Checks rows against rules.

    Args:
        database: Where they are.
        guard: Decides what may run.
        timeout_ms: How long one rule may take.
    """

    def __init__(self, database: "Database", guard: "Guard", timeout_ms: int = 10_000) -> None:
        self._database = database
        self._guard = guard
        self._timeout_ms = timeout_ms

    async def validate(
        self, principal: Principal, table: str, rules: Sequence[ValidationRule] | None = None, *, samples: int = 5
    ) -> Validation:
        """Check the rows of a table that the caller sees; without rules, those the table implies.

        Raises:
            NotFoundError: There is no such table, or the caller may not see it.
            InvalidInputError: Several have this name, or there is no rule to check.
            NotAllowedError: The SQL tools may not read it.
        """
        subject = await read_subject(self._database, principal, table)
        wanted = [Inferred(rule, "") for rule in rules] if rules else infer(subject)
        if not wanted:
            raise InvalidInputError("Nothing says what the rows must be like.", hint="Send rules.")
        results: list[RuleResult] = []
        began = time.monotonic()
        for inferred in wanted:
            if time.monotonic() - began > _ALL_SECONDS:
                results.append(_error(inferred, f"not checked: all rules together took more than {_ALL_SECONDS:g} s"))
                continue
            results.append(await self._check(principal, subject, inferred, samples))
        passed = all(result.status == "passed" for result in results)
        return Validation(
            table=subject.relation.qualified,
            verdict="passed" if passed else "failed",
            results=tuple(results),
            notes=tuple(_notes(results, inferred=not rules)),
        )

    async def _check(self, principal: Principal, subject: Subject, inferred: Inferred, samples: int) -> RuleResult:
        try:
            target = await self._target(principal, inferred.rule)
            check = check_of(subject, inferred.rule, target)
            page = await self._run(principal, check.count, check.parameters, 1)
            checked, failing = (int(value) for value in page.rows[0])
            rows: list[dict[str, Any]] = []
            if failing and samples:
                rows = _samples(await self._run(principal, check.sample, check.parameters, samples))
        except QmsError as error:
            return _error(inferred, f"{error.message} {error.hint}".strip())
        return _result(inferred, check, checked, failing, rows)

    async def _target(self, principal: Principal, rule: ValidationRule) -> Target | None:
        if rule.kind != "foreign_key" or not rule.references:
            return None
        match = _REFERENCES.fullmatch(rule.references)
        if match is None:
            raise InvalidInputError(
                f"references {rule.references[:80]!r} names no table with columns.", hint="Write qms.parts(id)."
            )
        found = await find_table(self._database, principal, match["table"])
        columns = [name.strip().strip('"') for name in match["columns"].split(",")]
        return Target(found.qualified, table_of(found.schema, found.name), columns)

    async def _run(self, principal: Principal, statement: str, parameters: Sequence[Any], rows: int) -> "Page":
        from qms_mcp.db.parameters import bind  # noqa: PLC0415 - brings psycopg
        from qms_mcp.db.run_query import PageSize  # noqa: PLC0415 - the same
        from qms_mcp.services.sql.querying import Querying  # noqa: PLC0415 - the same

        querying = Querying(self._database, self._guard, self._timeout_ms)
        bound = bind(parameters)
        verdict = await querying.inspect(statement, bound)
        return await querying.run(principal, verdict, bound, PageSize(rows, bytes=8_000, cell=200))


def _samples(page: "Page") -> list[dict[str, Any]]:
    names = [name for name, _ in page.columns[1:]]
    return [
        {
            "key": dict(zip(names, row[1:], strict=True)),
            **({"value": value} if (value := _cut(row[0], _LONGEST_VALUE)) else {}),
        }
        for row in page.rows
    ]


def _cut(value: Any, longest: int) -> str | None:
    if value is None or value == "":
        return None
    text = str(value)
    return text if len(text) <= longest else f"{text[:longest]}…"


def _result(inferred: Inferred, check: Check, checked: int, failing: int, rows: list[dict[str, Any]]) -> RuleResult:
    return RuleResult(
        rule=_cut(" ".join(check.rule.split()), _LONGEST_RULE) or inferred.rule.kind,
        status="failed" if failing else "passed",
        inferred_from=inferred.because or None,
        checked=checked,
        failing=failing,
        share=round(failing / checked, 6) if checked and failing and inferred.rule.kind != "fresh" else None,
        samples=tuple(rows),
    )


def _error(inferred: Inferred, message: str) -> RuleResult:
    rule = inferred.rule
    words = f"{rule.kind} {', '.join(rule.columns) or rule.predicate or ''}".strip()
    return RuleResult(
        rule=_cut(" ".join(words.split()), _LONGEST_RULE) or rule.kind,
        status="error",
        inferred_from=inferred.because or None,
        error=message,
    )


def _notes(results: Sequence[RuleResult], *, inferred: bool) -> list[str]:
    notes: list[str] = []
    if inferred:
        notes.append("No rules were sent: these follow from constraints, comments, names and types.")
    if any(result.checked == 0 for result in results):
        notes.append("There are no rows to check for some rules: they pass because nothing fails them.")
    return notes
