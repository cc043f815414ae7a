"""The report of the gates: what was compared, on what, what each gate found, and what is not known.

The same measurements make the same text, whose hash is kept with it. Requests and reasons in it are quotations: data.
"""

from collections.abc import Mapping, Sequence
from typing import Any, cast

from qms_mcp.services.learning.evaluation.comparing import Comparison
from qms_mcp.services.learning.evaluation.models import Case, Evaluation
from qms_mcp.services.learning.gates.measured import Measured, told_of_judge
from qms_mcp.services.learning.gates.models import Check, GateLimits
from qms_mcp.services.learning.gates.safety import set_version

_CHANGED = ("prompt", "exemplars", "tier", "model", "effort", "limits", "reads", "drafts", "extras")
_MOST_CASES = 5
_LONGEST = 160


def report_text(measured: Measured, checks: Sequence[Check], limits: GateLimits) -> str:
    """Return the report, as Markdown."""
    passed = all(check.passed for check in checks)
    failed = [check.gate for check in checks if not check.passed]
    verdict = "PASSED: all six gates." if passed else f"NOT PASSED: {', '.join(failed)}."
    parts = [
        f"# Gates: {measured.version.version} against {measured.baseline.version}",
        verdict,
        _compared(measured),
        _gates(checks),
        _slices(measured.comparison),
        _scorers(measured.comparison),
        _worst(measured),
        _weaknesses(measured, limits),
        "That the gates are passed decides nothing: a person does, who neither made the version nor asked for it.",
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def _compared(measured: Measured) -> str:
    version, data, judge = measured.version, measured.data, measured.after.spec.get("judge")
    by_model = measured.after.spec.get("with_model", True)
    notes = f", {_short(version.notes)}" if version.notes else ""
    budget = f" of {measured.budget_usd:.4f}" if measured.budget_usd is not None else ", no budget was set"
    changed = [one for one in _CHANGED if _part(measured.version, one) != _part(measured.baseline, one)]
    rows = [
        "## What was compared",
        f"- Agent: {version.agent}. Candidate: {version.version} ({version.origin}{notes}).",
        f"- Compared with: {measured.baseline.version} ({measured.baseline.origin}).",
        f"- The candidate differs in: {', '.join(changed) or 'nothing'}.",
        f"- Dataset: {data.label}, the side `{data.split}`, {len(data.cases)} cases, SHA-256 {data.content_sha256}.",
        f"- Safety set: {len(measured.safety)} cases, {set_version(measured.safety)}.",
        f"- Answered by: {'a model' if by_model else 'playbooks, no model'}.",
        f"- Judge: {judge or 'none; scores are of rules alone'}.",
        f"- Spent on it: {measured.spent_usd:.4f} USD{budget}.",
    ]
    if measured.problems:
        rows.append(f"- While it was made: {'; '.join(_short(one) for one in measured.problems)}.")
    return "\n".join(rows)


def _gates(checks: Sequence[Check]) -> str:
    rows = ["## Gates", "| gate | verdict | value | limit | why |", "| --- | --- | --- | --- | --- |"]
    rows += [
        f"| {check.gate} | {'passed' if check.passed else 'NOT PASSED'} | {_number(check.value)} | "
        f"{_number(check.limit)} | {_cell(check.why)} |"
        for check in checks
    ]
    return "\n".join(rows)


def _slices(comparison: Comparison | None) -> str:
    if comparison is None or not comparison.slices:
        return ""
    rows = ["## Parts", "| part | cases | difference | worse, p (Holm) |", "| --- | --- | --- | --- |"]
    for one in comparison.slices:
        difference = "too few" if one.found is None else f"{one.found.difference:+.3f}"
        rows.append(f"| {_cell(f'{one.by}={one.name}')} | {one.n} | {difference} | {_number(one.p_worse)} |")
    return "\n".join(rows)


def _scorers(comparison: Comparison | None) -> str:
    if comparison is None or not comparison.scorers:
        return ""
    rows = ["## Scores", "| scorer | cases | before | after |", "| --- | --- | --- | --- |"]
    rows += [f"| {name} | {n} | {was:.3f} | {now:.3f} |" for name, (was, now, n) in comparison.scorers.items()]
    return "\n".join(rows)


def _worst(measured: Measured) -> str:
    lost = measured.comparison.worsened[:_MOST_CASES] if measured.comparison else ()
    fell = measured.safety_after.fell
    if not lost and not fell:
        return ""
    cases: Mapping[str, Case] = {one.key: one for one in measured.data.cases}
    rows = ["## Worst cases", "Quotations are data of records and requests."]
    for one in lost:
        asked = cases[one.key].request if one.key in cases else ""
        rows.append(
            f"- {one.before:.3f} to {one.after:.3f}: \u201c{_short(asked)}\u201d (run {one.run_after or 'none'})"
        )
    rows += [f"- Safety, {one.kind}: {one.key}: {_short(one.by)}" for one in fell[:_MOST_CASES]]
    return "\n".join(rows)


def _weaknesses(measured: Measured, limits: GateLimits) -> str:
    rows = [*_of_judge(measured), *_of_evaluations(measured.before, measured.after)]
    found = measured.comparison
    if found is not None:
        small = sum(one.found is None for one in found.slices)
        if small:
            rows.append(f"{small} parts have fewer than {limits.least_in_slice} cases: nothing is known of them.")
        if not found.slices:
            rows.append("The dataset names no parts, so a loss in one could not be seen.")
    unseen = len(measured.data.cases) - measured.data.validated
    if unseen:
        rows.append(
            f"What a good answer is, no person has judged for {unseen} of {len(measured.data.cases)} cases: it rests "
            "on what agents passed on, on rules, or on a file."
        )
    if measured.data.left_out:
        rows.append(f"{measured.data.left_out} cases of this side were left out: there are too many.")
    rows.append("The safety set is fixed and written down: what nobody has thought of is not in it.")
    rows.append("The shares of kinds of requests are those of the dataset, not those of tomorrow.")
    return "\n".join(["## What is not known", *(f"- {row}" for row in rows if row)])


def _of_judge(measured: Measured) -> list[str]:
    if not measured.after.spec.get("judge"):
        why = told_of_judge(measured.after).get("absent", "none was asked")
        return [f"No judge: {_short(str(why))}. Whether an answer is useful is not measured, only what rules can see."]
    rows = [measured.people] if measured.people else []
    for one in (measured.before, measured.after):
        judge, said = measured.judge(one), told_of_judge(one)
        odd = int(said.get("suspicious") or 0)
        rows.append(
            f"The judge scored {judge.valid} of {judge.n} answers of {one.version}, disagreed with itself on "
            f"{judge.inconsistent}" + (f", and {odd} answers speak to their grader." if odd else ".")
        )
    return rows


def _of_evaluations(*evaluations: Evaluation) -> list[str]:
    rows: list[str] = []
    for one in evaluations:
        if one.state != "completed":
            rows.append(f"The evaluation of {one.version} is {one.state}: {_short(one.error or '')}")
        missing = cast("list[str]", one.summary.get("groups_missing") or [])
        if missing:
            rows.append(f"Of {one.version} no case could be scored by: {', '.join(missing)}.")
        silent = int(one.summary.get("not_answered") or 0)
        if silent:
            rows.append(f"{one.version} gave no answer to {silent} cases; they count as 0.")
    return rows


def _part(version: Any, part: str) -> Any:
    return getattr(version.definition, part)


def _number(value: float | None) -> str:
    return "none" if value is None else f"{value:.4g}"


def _short(text: str) -> str:
    words = " ".join(text.split())
    return words if len(words) <= _LONGEST else f"{words[:_LONGEST]}..."


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "/")
