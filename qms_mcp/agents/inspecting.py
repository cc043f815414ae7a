"""What playbooks are written with: questions to tools, and findings that cite them.

A playbook is a list of checks. Each asks tools through an `Inspection` and notes what follows from their answers by a
rule. A tool that fails becomes a finding ("could not be checked"), an answer of another shape does too, and when the
run has to stop, what was found so far is the answer, with the names of the checks that are missing.

What tools answer is data: nothing in it chooses which tool is called next, but for the names of records and tables,
which are looked up as such.
"""

import logging
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

from qms_mcp.agents.definition import Calls, Task
from qms_mcp.agents.outputs import SEVERITIES, AgentOutput, Evidence, Finding, Kind, Severity
from qms_mcp.agents.stopping import AgentStoppedError, StopReason
from qms_mcp.db.queries import query

_log = logging.getLogger(__name__)

# How sure a rule is: everything was counted; a pattern stands for a thing; a likeness suggests it.
COUNTED = 1.0
LIKELY = 0.8
SUGGESTED = 0.6

# After these nothing may be written any more, so there is nobody to answer.
LOST: frozenset[StopReason] = frozenset({"cancelled", "taken_over"})
_MOST_RECORDS = 20
_MOST_ROWS = 200


@dataclass(frozen=True, slots=True)
class Shown:
    """What a call showed.

    Attributes:
        label: How it is cited.
        content: Its structured content.
    """

    label: str
    content: Mapping[str, Any]

    def entries(self, name: str) -> list[dict[str, Any]]:
        """Return a list of objects of the answer; an empty one where it has none."""
        return [dict(cast("Mapping[str, Any]", entry)) for entry in self.content.get(name) or ()]

    def number(self, name: str) -> int:
        """Return a count of the answer; 0 where it has none."""
        return int(self.content.get(name) or 0)


@dataclass(frozen=True, slots=True)
class Table:
    """Rows a query gave.

    Attributes:
        label: How the call is cited.
        rows: By column.
        more: There are more of them.
    """

    label: str
    rows: Sequence[Mapping[str, Any]]
    more: bool

    def of(self, **wanted: Any) -> Mapping[str, Any]:
        """Return the first row with these values; an empty one where there is none."""
        none: dict[str, Any] = {}
        return next((row for row in self.rows if all(row[name] == value for name, value in wanted.items())), none)


class Inspection:
    """The notes of one playbook at work.

    Attributes:
        task: What it works on.
    """

    def __init__(self, calls: Calls, task: Task) -> None:
        self.task = task
        self._calls = calls
        self._found: dict[Kind, list[Finding]] = {"insight": [], "action": [], "recommendation": []}

    def may(self, tool: str) -> bool:
        """Whether a tool can be asked at all."""
        return self._calls.may(tool)

    async def ask(self, tool: str, about: str, /, **arguments: Any) -> Shown | None:
        """Return what a tool shows; None, and a note, when it failed, and None alone when it may not be asked.

        Args:
            tool: Which.
            about: What is checked, as a noun; the note names it.
            arguments: Of the tool.

        Raises:
            AgentStoppedError: The run may not go on.
        """
        if not self._calls.may(tool):
            return None
        answer = await self._calls.call(tool, **arguments)
        if answer.ok:
            return Shown(answer.label, answer.content)
        why = answer.error_code or "no reason given"
        self.unchecked(about, f"{tool} failed: {why}", call=answer.label)
        return None

    async def rows(self, name: str, about: str) -> Table | None:
        """Return the rows of a query of `sql/queries/playbooks.sql`, asked like any other through the tool.

        Raises:
            AgentStoppedError: The run may not go on.
        """
        statement = query(f"playbooks.{name}").text
        shown = await self.ask("execute_query", about, statement=statement, limit=_MOST_ROWS)
        if shown is None:
            return None
        columns = [column["name"] for column in shown.entries("columns")]
        rows = [dict(zip(columns, row, strict=True)) for row in shown.content["rows"]]
        return Table(shown.label, rows, bool(shown.content.get("more")))

    def insight(self, statement: str, *, call: str, severity: Severity = "info", **more: Any) -> None:
        """Note what is the case."""
        self._note("insight", statement, call, severity, **more)

    def action(self, statement: str, *, call: str, severity: Severity, **more: Any) -> None:
        """Note what somebody should do now."""
        self._note("action", statement, call, severity, **more)

    def recommend(self, statement: str, *, call: str, severity: Severity = "minor", **more: Any) -> None:
        """Note what should change."""
        self._note("recommendation", statement, call, severity, **more)

    def unchecked(self, about: str, why: str, *, call: str = "") -> None:
        """Note that something could not be checked."""
        self._note(
            "insight", f"Could not be checked: {about} ({why}).", call, "minor",
            subject=about, measure="check", value="not done",
        )  # fmt: skip

    def _note(  # noqa: PLR0913 - a finding has that many parts
        self,
        kind: Kind,
        statement: str,
        call: str | Iterable[str],
        severity: Severity,
        *,
        subject: str = "",
        measure: str = "",
        value: object = "",
        records: Iterable[str] = (),
        confidence: float = COUNTED,
    ) -> None:
        labels = [call] if isinstance(call, str) else list(call)
        finding = Finding(
            statement=cut(statement, 1_000),
            severity=severity,
            confidence=confidence,
            evidence=Evidence(calls=[label for label in labels if label], records=list(records)[:_MOST_RECORDS]),
            subject=cut(subject, 200),
            measure=cut(measure, 100),
            value=cut(str(value), 200),
        )
        self._found[kind].append(finding)

    def output(self, about: str, unfinished: str = "") -> AgentOutput:
        """Return everything noted, the gravest first, under a summary that counts it."""
        by_rank: dict[Kind, list[Finding]] = {kind: sorted(found, key=_rank) for kind, found in self._found.items()}
        return AgentOutput(
            summary=cut(f"{unfinished}{_summary(about, by_rank)}", 2_000),
            insights=by_rank["insight"],
            actions=by_rank["action"],
            recommendations=by_rank["recommendation"],
        )


@dataclass(frozen=True, slots=True)
class Check:
    """One step of a playbook.

    Attributes:
        about: What it looks at, as a noun.
        run: Asks tools and notes findings.
    """

    about: str
    run: Callable[[Inspection], Awaitable[None]]


def weight_of_late(overdue: int, open_: int) -> Severity:
    """Return how grave it is that so many of the open records are late: major from more than half on."""
    return "major" if 2 * overdue > open_ else "minor"


async def inspect(calls: Calls, task: Task, about: str, checks: Sequence[Check]) -> AgentOutput:
    """Run checks one after another and return what they noted.

    Raises:
        AgentStoppedError: The run was cancelled or taken over.
    """
    inspection = Inspection(calls, task)
    for place, check in enumerate(checks):
        try:
            await check.run(inspection)
        except AgentStoppedError as stopped:
            if stopped.reason in LOST:
                raise
            missing = ", ".join(left.about for left in checks[place:])
            inspection.unchecked(missing, f"the run had to stop: {stopped.reason}")
            return inspection.output(about, unfinished=f"Stopped early ({stopped.reason}). ")
        except (LookupError, TypeError, ValueError) as odd:
            # An answer that does not look as expected; the other checks still can be done.
            _log.warning("the check of %s could not read an answer", check.about, exc_info=odd)
            inspection.unchecked(check.about, f"an answer could not be read: {type(odd).__name__}")
    return inspection.output(about)


def cut(text: str, length: int) -> str:
    """Return a text that is no longer than `length`."""
    return text if len(text) <= length else text[: length - 1] + "…"


def number_of(citation: str) -> str:
    """Return the number in a citation: `CAPA-2026-0014` of `CAPA-2026-0014 v3`."""
    return citation.partition(" ")[0]


def some(names: Iterable[str], most: int = 5, *, of: int = 0) -> str:
    """Return the first few of some names, and how many more there are; `of` says it where not all are at hand."""
    every = list(names)
    shown = every[:most]
    rest = max(of, len(every)) - len(shown)
    return ", ".join(shown) + (f" and {rest} more" if rest else "")


def counted(count: int, noun: str, plural: str = "") -> str:
    """Return `1 record`, `3 records`."""
    return f"{count} {noun if count == 1 else plural or noun + 's'}"


def noun(category: str) -> str:
    """Return a type of record as people say it: `change request`, `CAPA`."""
    return category.upper() if category in {"capa", "scar"} else category.replace("_", " ")


def share(part: float, whole: float) -> str:
    """Return a share in percent; of nothing it is 0 %."""
    return f"{100 * part / whole:.0f} %" if whole else "0 %"


def _rank(finding: Finding) -> int:
    return SEVERITIES.index(finding.severity)


def _summary(about: str, found: Mapping[Kind, Sequence[Finding]]) -> str:
    everything = [finding for findings in found.values() for finding in findings]
    if not everything:
        return f"{about}: nothing was found."
    grave = [finding for finding in everything if finding.severity in {"critical", "major"}]
    counts = ", ".join(
        f"{number} {severity}"
        for severity in SEVERITIES
        if (number := sum(finding.severity == severity for finding in everything))
    )
    worst = " ".join(finding.statement for finding in sorted(grave, key=_rank)[:2])
    return f"{about}: {counted(len(everything), 'finding')} by rules ({counts}). {worst}".strip()
