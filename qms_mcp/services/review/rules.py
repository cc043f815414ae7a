"""What a rule is, and the registry of them all.

A rule is a small function that looks at one statement, one routine or the whole text and yields the tokens it
objects to. Its decorator says how grave that is, why, and what to write instead.
"""

import importlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from typing import Literal, TypeAlias

from qms_mcp.services.review.code import Code, Spot
from qms_mcp.sqltext import Token
from qms_mcp.sqltext.routines import Routine

Severity: TypeAlias = Literal["error", "warning", "advice"]
SEVERITIES: tuple[Severity, ...] = ("error", "warning", "advice")
_MODULES = ("security", "policies", "querying", "conditions", "definitions", "routines", "plpgsql")

Hit: TypeAlias = "Token | tuple[Token, str]"
Check: TypeAlias = Callable[[Code], Iterator[tuple[Token, str]]]


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule.

    Attributes:
        id: Its name.
        severity: error: wrong or dangerous. warning: likely to be. advice: could be better.
        why: What is wrong with what it finds.
        fix: What to write instead.
        check: Yields the tokens it objects to, each with a name to tell it by, or nothing.
    """

    id: str
    severity: Severity
    why: str
    fix: str
    check: Check


_rules: dict[str, Rule] = {}


def _register(rule_id: str, severity: Severity, why: str, fix: str, check: Check) -> None:
    if rule_id in _rules:
        raise RuntimeError(f"two rules are called {rule_id}")
    _rules[rule_id] = Rule(rule_id, severity, why, fix, check)


def _with_detail(hits: "Iterable[Hit]") -> Iterator[tuple[Token, str]]:
    for hit in hits:
        yield (hit, "") if isinstance(hit, Token) else hit


SpotCheck: TypeAlias = "Callable[[Spot], Iterable[Hit]]"
RoutineCheck: TypeAlias = "Callable[[Routine, Code], Iterable[Hit]]"
CodeCheck: TypeAlias = "Callable[[Code], Iterable[Hit]]"


def on_statement(rule_id: str, severity: Severity, *, why: str, fix: str) -> "Callable[[SpotCheck], SpotCheck]":
    """Declare a rule that looks at each statement, at the top and inside of routines."""

    def declare(check: SpotCheck) -> SpotCheck:
        def over(code: Code) -> Iterator[tuple[Token, str]]:
            for spot in code.spots:
                yield from _with_detail(check(spot))

        _register(rule_id, severity, why, fix, over)
        return check

    return declare


def on_routine(rule_id: str, severity: Severity, *, why: str, fix: str) -> "Callable[[RoutineCheck], RoutineCheck]":
    """Declare a rule that looks at each function, procedure and DO block."""

    def declare(check: RoutineCheck) -> RoutineCheck:
        def over(code: Code) -> Iterator[tuple[Token, str]]:
            for routine in code.routines:
                yield from _with_detail(check(routine, code))

        _register(rule_id, severity, why, fix, over)
        return check

    return declare


def on_code(rule_id: str, severity: Severity, *, why: str, fix: str) -> "Callable[[CodeCheck], CodeCheck]":
    """Declare a rule that looks at the text as a whole."""

    def declare(check: CodeCheck) -> CodeCheck:
        def over(code: Code) -> Iterator[tuple[Token, str]]:
            yield from _with_detail(check(code))

        _register(rule_id, severity, why, fix, over)
        return check

    return declare


@cache
def all_rules() -> tuple[Rule, ...]:
    """Return every rule, the gravest first."""
    for module in _MODULES:
        importlib.import_module(f"qms_mcp.services.review.{module}")
    return tuple(sorted(_rules.values(), key=lambda rule: (SEVERITIES.index(rule.severity), rule.id)))
