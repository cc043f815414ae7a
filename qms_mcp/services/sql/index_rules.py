"""Which index might help a plan.

Only for a table that is read whole although few of its rows are wanted, and never for a small one: reading that whole
is the fastest there is. Columns compared with `=` come first (the one of row security at the front), then one that is
compared by range. Nobody has built or measured what is proposed.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from qms_mcp.services.sql.models import Finding, IndexProposal
from qms_mcp.services.sql.plan_tree import Step

_LEAST_ROWS, _LEAST_PAGES, _SELECTIVE = 5_000.0, 50, 0.1
_MOST_COLUMNS = 3
_CONDITION = re.compile(
    r"""(?:(?P<alias>"[^"]+"|[a-z_][\w$]*)\.)?(?P<column>"[^"]+"|[a-z_][\w$]*)(?:\)::[a-z ]+)?
        \s(?P<operator>=|<=?|>=?|~~\*?|@>|&&|\?)\s(?P<value>.{0,60})""",
    re.VERBOSE,
)
_EQUAL, _RANGE = {"="}, {"<", "<=", ">", ">="}


@dataclass(frozen=True, slots=True)
class TableFacts:
    """What the catalogue says of a table in the plan.

    Attributes:
        table: With its schema, as SQL spells it.
        rows: About how many it has, of all organizations: decides, is never shown.
        pages: How many pages of 8 kB.
        indexes: The columns of each index, in order.
    """

    table: str
    rows: float
    pages: int
    indexes: Sequence[Sequence[str]] = ()


def propose(root: Step, facts: Mapping[str, TableFacts]) -> tuple[list[Finding], list[IndexProposal]]:
    """Return the scans that read too much and the indexes that might help them."""
    findings: list[Finding] = []
    proposals: dict[str, IndexProposal] = {}
    for step in root.walk():
        known = facts.get(step.table or "")
        if known is None or not _reads_too_much(step, known):
            continue
        findings.append(
            Finding(
                kind="scan", node=step.title, says=f"Reads the whole table to keep few rows: {step.text('Filter')}."
            )
        )
        for proposal in _proposals(step, known):
            proposals.setdefault(proposal.statement, proposal)
    return findings, list(proposals.values())


def _reads_too_much(step: Step, known: TableFacts) -> bool:
    if step.kind not in {"Seq Scan", "Parallel Seq Scan"} or not step.raw.get("Filter"):
        return False
    if known.rows < _LEAST_ROWS or known.pages < _LEAST_PAGES:
        return False
    kept = step.rows if step.actual_rows is None else step.actual_rows
    return kept <= known.rows * _SELECTIVE


def _proposals(step: Step, known: TableFacts) -> Iterator[IndexProposal]:
    equal: list[str] = []
    ranged: list[str] = []
    for column, operator, value, secured in _conditions(step):
        if operator in _EQUAL and column not in equal:
            equal.insert(0, column) if secured else equal.append(column)
        elif operator in _RANGE and column not in ranged:
            ranged.append(column)
        elif operator in {"@>", "&&", "?"}:
            yield _index(known, f"USING gin ({column})", f"{column} {operator} can use a GIN index.")
        elif operator in {"~~", "~~*"} and value.startswith("'%"):
            yield _index(
                known, f"USING gin ({column} gin_trgm_ops)", f"A search inside {column} can use trigrams (pg_trgm)."
            )
    wanted = (equal + [column for column in ranged if column not in equal][:1])[:_MOST_COLUMNS]
    if wanted and not _has_index(known, wanted):
        yield _index(known, f"({', '.join(wanted)})", "The table is read whole for these conditions.")


def _conditions(step: Step) -> Iterator[tuple[str, str, str, bool]]:
    """Yield column, operator, value and whether it is row security, for each simple condition of a filter."""
    text = step.text("Filter")
    if " OR " in text:
        return  # one index serves no alternatives
    alias = str(step.raw.get("Alias", ""))
    for part in text.split(" AND "):
        match = _CONDITION.search(part.replace("(", " ", 1) if part.startswith("(") else part)
        if match and match["alias"] in {None, alias, f'"{alias}"'}:
            yield match["column"], match["operator"], match["value"], step.is_row_security(part)


def _has_index(known: TableFacts, wanted: Sequence[str]) -> bool:
    names = [column.strip('"') for column in wanted]
    return any(sorted(index[: len(names)]) == sorted(names) for index in known.indexes)


def _index(known: TableFacts, columns: str, why: str) -> IndexProposal:
    return IndexProposal(statement=f"CREATE INDEX ON {known.table} {columns};", why=why)
