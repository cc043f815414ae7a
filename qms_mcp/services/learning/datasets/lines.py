"""Cases written by hand, as lines of JSON.

    {"request": "Which CAPAs are overdue?", "expected": {"must_mention": ["CAPA-2026-0014"]}, "group": "monday"}

`expected` is a good answer (`{"answer": {...}}`) or criteria (`findings`, `must_mention`, `numbers`, `forbidden`,
`rubric`). Lines with the same `group` stay on the same side; without one a case is a conversation of its own. An
exported dataset can be brought in again: its first line and the sides it names are passed over.
"""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, cast

from pydantic import ValidationError

from qms_mcp.agents.outputs import AgentOutput
from qms_mcp.errors import InvalidInputError, LimitExceededError
from qms_mcp.services.learning.datasets.combining import asked_of
from qms_mcp.services.learning.datasets.hashing import canonical, sha256
from qms_mcp.services.learning.datasets.likeness import normal
from qms_mcp.services.learning.datasets.models import LONGEST, Draft
from qms_mcp.services.learning.datasets.slicing import slices_of

MOST_LINES, MOST_BYTES = 5_000, 20_000_000
_LONGEST_REQUEST = 8_000
_MOST_PROBLEMS = 10
_CRITERIA: Mapping[str, type] = {
    "findings": list, "must_mention": list, "numbers": list, "forbidden": list, "rubric": str,
}  # fmt: skip
_KNOWN = frozenset(
    ("request", "subject", "inputs", "expected", "group", "slices", "split", "score", "weight", "validated", "sha256")
)


def lines_of(file: Path) -> list[str]:
    """Return the lines of a file.

    Raises:
        LimitExceededError: It is too large.
        InvalidInputError: It is no text in UTF-8.
    """
    if file.stat().st_size > MOST_BYTES:
        raise LimitExceededError(
            f"At most {MOST_BYTES // 1_000_000} MB at once.", hint="Bring them in as several datasets."
        )
    try:
        return file.read_text(encoding="utf-8").split("\n")
    except UnicodeDecodeError as wrong:
        raise InvalidInputError(f"{file.name} is no text in UTF-8.") from wrong


def drafts_of_lines(lines: Iterable[str]) -> list[Draft]:
    """Return the cases of lines.

    Args:
        lines: Of JSON; empty ones are passed over.

    Raises:
        InvalidInputError: Lines can't be used; the message says which ones and why.
        LimitExceededError: There are too many.
    """
    drafts: list[Draft] = []
    problems: list[str] = []
    size = 0
    for number, line in enumerate(lines, 1):
        size += len(line.encode(errors="replace"))
        if len(drafts) >= MOST_LINES or size > MOST_BYTES:
            raise LimitExceededError(
                f"At most {MOST_LINES:,} cases and {MOST_BYTES // 1_000_000} MB at once.",
                hint="Bring them in as several datasets.",
            )
        if not line.strip():
            continue
        made = _draft(line.removeprefix("\ufeff"), number)
        if isinstance(made, str):
            problems.append(f"line {number}: {made}")
            if len(problems) >= _MOST_PROBLEMS:
                break
        elif made is not None:
            drafts.append(made)
    if problems:
        raise InvalidInputError(
            "; ".join(problems) + ".", hint="Nothing was brought in. Put these right and try again."
        )
    if not drafts:
        raise InvalidInputError("There is no case in it.", hint="One case a line, as JSON.")
    return drafts


def _draft(line: str, number: int) -> Draft | str | None:  # noqa: PLR0911 - each says what is wrong
    """Return a case, what is wrong with it, or None for the first line of an export."""
    if len(line) > 2 * LONGEST:
        return f"it is longer than {2 * LONGEST:,} characters"
    try:
        given = json.loads(line, parse_constant=_no_number)
    except (ValueError, RecursionError) as wrong:
        return f"it is no JSON ({wrong.msg if isinstance(wrong, json.JSONDecodeError) else wrong})"
    if not isinstance(given, dict):
        return "it is no object"
    parts = cast("dict[str, Any]", given)
    if number == 1 and "content_sha256" in parts and "request" not in parts:
        return None
    wrong = _problem(parts)
    asked = asked_of(parts)
    if wrong or asked is None:
        return wrong or "request is missing"
    request, subject, inputs = asked
    expected = _shaped(parts["expected"])
    if isinstance(expected, str):
        return expected
    answer = AgentOutput.model_validate(expected["answer"]) if "answer" in expected else None
    own = {str(by): str(name)[:100] for by, name in parts.get("slices", {}).items()}
    return Draft(
        group_key=str(parts.get("group") or sha256(normal(request))[:16])[:200],
        request=request,
        subject=subject,
        inputs=inputs,
        expected=expected,
        standing="relayed",
        score=None,
        is_validated=False,  # only a person at the review page validates
        slices={**slices_of(request, subject, answer, "", "good" if answer else "hard"), **own, "origin": "imported"},
    )


def _problem(parts: Mapping[str, Any]) -> str:  # noqa: PLR0911 - each says what is wrong
    unknown = sorted(set(parts) - _KNOWN)
    if unknown:
        return f"{unknown[0][:40]!r} is no part of a case"
    for name, kind in (("request", str), ("subject", str), ("inputs", dict), ("slices", dict)):
        if name in parts and not isinstance(parts[name], kind):
            return f"{name} is no {'text' if kind is str else 'object'}"
    if not isinstance(parts.get("request"), str) or not parts["request"].strip():
        return "request is missing"
    if len(parts["request"]) > _LONGEST_REQUEST:
        return f"request is longer than {_LONGEST_REQUEST:,} characters"
    if "expected" not in parts:
        return "expected is missing"
    if len(canonical(parts)) > LONGEST:
        return f"it is longer than {LONGEST:,} characters"
    return ""


def _shaped(expected: Any) -> dict[str, Any] | str:
    """Return what is expected in the one shape it is stored in, or what is wrong with it."""
    if not isinstance(expected, dict) or not expected:
        return "expected is no object, or empty"
    given = cast("dict[str, Any]", expected)
    if "summary" in given:
        given = {"answer": given}
    unknown = sorted(set(given) - set(_CRITERIA) - {"answer"})
    if unknown:
        return f"expected.{unknown[0][:40]} is not known"
    for name, kind in _CRITERIA.items():
        if name in given and not isinstance(given[name], kind):
            return f"expected.{name} is no {'text' if kind is str else 'list'}"
    shaped = {name: part for name, part in given.items() if part}
    if "answer" in shaped:
        try:
            shaped["answer"] = AgentOutput.model_validate(shaped["answer"]).model_dump(mode="json")
        except ValidationError as wrong:
            first = wrong.errors(include_url=False, include_input=False)[0]
            return f"expected.answer.{'.'.join(map(str, first['loc']))}: {first['msg']}"
    return shaped or "expected is empty"


def _no_number(name: str) -> None:
    message = f"{name} is no number"
    raise ValueError(message)
