"""The review: every rule over the text, and PostgreSQL's own opinion on the queries in it."""

import re
from collections import defaultdict
from collections.abc import Iterator
from typing import TYPE_CHECKING, Literal, TypeAlias

from qms_mcp.errors import InvalidInputError, LimitExceededError, QmsError, RefusedStatementError, StatementError
from qms_mcp.services.review.code import Code
from qms_mcp.services.review.models import Finding, Review
from qms_mcp.services.review.reading import common_tables
from qms_mcp.services.review.rules import SEVERITIES, Rule, Severity, all_rules
from qms_mcp.sqltext import Statement, Token

if TYPE_CHECKING:
    from qms_mcp.db.database import Database
    from qms_mcp.db.guard import Guard

CodeKind: TypeAlias = Literal["auto", "query", "function", "migration"]

_MOST_FINDINGS = 100
_MOST_LINES = 10
_MOST_ASKED = 25
_READS = frozenset({"select", "with", "values", "table"})
_PLACEHOLDER = re.compile(r"%\(\w+\)s|(?<![:\w]):[a-z_]\w*")
_SQLSTATE = re.compile(r"^PostgreSQL could not run it \(SQLSTATE (\w+)\): ")
# Whether a script can be repeated is a question for migrations only.
_ONLY_MIGRATIONS = frozenset({"create-not-repeatable", "drop-not-repeatable"})


class CodeReview:
    """Reviews SQL and PL/pgSQL.

    Args:
        database: Its schema is what queries are checked against.
        guard: Has PostgreSQL resolve a query without running it.
    """

    def __init__(self, database: "Database", guard: "Guard") -> None:
        self._database = database
        self._guard = guard

    async def review(self, text: str, kind: CodeKind = "auto") -> Review:
        """Return what is to be said about a text; nothing of it runs.

        Raises:
            InvalidInputError: It holds no statement.
            LimitExceededError: It is too long.
        """
        try:
            code = Code.read(text)
        except InvalidInputError as broken:
            return _review([_unreadable(broken)], [])
        if not code.statements:
            raise InvalidInputError("There is no statement to review.", hint="Send SQL or PL/pgSQL as text.")
        findings = list(findings_of(code, kind))
        asked, notes = await self._ask(code)
        return _review([*asked, *findings], notes)

    async def _ask(self, code: Code) -> tuple[list[Finding], list[str]]:
        """Have PostgreSQL resolve the names of the queries at the top of the text."""
        made = _made(code)
        queries = [s for s in code.statements if s.words[0] in _READS and not _PLACEHOLDER.search(_bare(s))]
        found: list[Finding] = []
        checked = 0
        for statement in queries[:_MOST_ASKED]:
            if made & {token.name for token in statement.tokens}:
                continue
            try:
                finding = await self._resolve(statement)
            except QmsError as unavailable:
                return found, [f"PostgreSQL was not asked: {unavailable.message}"]
            checked += 1
            if finding is not None:
                found.append(finding)
        notes = [f"PostgreSQL itself resolved {checked} of {len(queries)} queries."] if queries else []
        return found, notes

    async def _resolve(self, statement: Statement) -> Finding | None:
        numbers = [int(token.text[1:]) for token in statement.tokens if token.kind == "param"]
        types = ["unknown"] * max(numbers, default=0)
        try:
            async with self._database.probe_transaction() as probe:
                await self._guard.inspect(probe.connection, statement.text, parameter_types=types)
        except StatementError as wrong:
            message = _SQLSTATE.sub("", wrong.message)
            return Finding(severity="error", rule="postgres", line=statement.line, message=message, fix=wrong.hint)
        except RefusedStatementError as refused:
            message = f"It reads, but execute_query would refuse it: {refused.message}"
            return Finding(severity="advice", rule="not-read-only", line=statement.line, message=message)
        except (InvalidInputError, LimitExceededError):
            return None
        return None


def findings_of(code: Code, kind: CodeKind = "auto") -> Iterator[Finding]:
    """Yield what the rules find, each rule once with all its lines."""
    scripts = kind == "migration" or (
        kind == "auto" and any(s.words[0] in {"create", "alter"} for s in code.statements)
    )
    for rule in all_rules():
        if rule.id in _ONLY_MIGRATIONS and not scripts:
            continue
        grouped: dict[str, list[Token]] = defaultdict(list)
        for token, detail in rule.check(code):
            grouped[detail].append(token)
        yield from _told(rule, grouped)


def _told(rule: Rule, grouped: dict[str, list[Token]]) -> Iterator[Finding]:
    for detail, tokens in grouped.items():
        lines = sorted({token.line for token in tokens})
        yield Finding(
            severity=rule.severity,
            rule=rule.id,
            line=lines[0],
            message=f"{detail}: {rule.why}" if detail else rule.why,
            fix=rule.fix,
            also_in_lines=tuple(lines[1 : _MOST_LINES + 1]),
        )


def _unreadable(broken: InvalidInputError) -> Finding:
    line = re.search(r"line (\d+)", broken.message)
    return Finding(
        severity="error",
        rule="syntax",
        line=int(line[1]) if line else 1,
        message=broken.message,
        fix=broken.hint,
    )


def _made(code: Code) -> set[str]:
    """Return the names this text itself makes: the database does not know them yet."""
    made: set[str] = set()
    for statement in code.statements:
        if statement.words[0] in {"create", "alter", "drop"}:
            made |= {token.name for token in statement.tokens[1:8] if token.name and token.name not in _COMMON}
            made -= common_tables(statement)
    return made


_COMMON = frozenset({
    "table", "view", "function", "or", "replace", "if", "not", "exists", "qms", "public", "agents", "ml_loop", "index",
    "on", "id", "uuid", "text", "as", "select", "from", "primary", "key", "policy", "trigger", "materialized", "schema",
    "add", "column", "only", "organization_id", "integer", "unique", "null", "for", "to", "temp", "temporary",
})  # fmt: skip


def _bare(statement: Statement) -> str:
    """Return a statement without its strings: a colon in one is no placeholder."""
    return " ".join(token.text for token in statement.tokens if token.kind not in {"string", "dollar"})


def _review(findings: list[Finding], notes: list[str]) -> Review:
    ranked = sorted(findings, key=lambda finding: (SEVERITIES.index(finding.severity), finding.line, finding.rule))
    counts: dict[Severity, int] = {severity: sum(f.severity == severity for f in ranked) for severity in SEVERITIES}
    if len(ranked) > _MOST_FINDINGS:
        notes = [*notes, f"{len(ranked) - _MOST_FINDINGS} findings of the least weight are left out."]
    verdict = (
        "errors" if counts["error"] else "warnings" if counts["warning"] else "advice" if counts["advice"] else "clean"
    )
    return Review(
        verdict=verdict,
        findings=tuple(ranked[:_MOST_FINDINGS]),
        errors=counts["error"],
        warnings=counts["warning"],
        advice=counts["advice"],
        notes=tuple(notes),
    )
