"""Running one reading statement: inspected, as the caller, a page at a time.

A cursor is the state of the paging itself: which statement it belongs to and how many rows were shown. Each page runs
the statement again and passes over those, so pages fit together exactly when the statement sorts by something unique;
a result says so when it does not sort at all.
"""

import base64
import binascii
import hashlib
import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from qms_mcp.db.guard.scan import Scan, scan
from qms_mcp.db.parameters import Parameter, bind
from qms_mcp.db.run_query import Page, PageSize, run_query
from qms_mcp.errors import InvalidInputError
from qms_mcp.services.sql.models import Column, QueryResult
from qms_mcp.services.sql.withholding import withhold

if TYPE_CHECKING:
    from qms_mcp.auth.principal import Principal
    from qms_mcp.db.database import Database
    from qms_mcp.db.guard import Guard, Verdict

_CELL = {False: 1_000, True: 20_000}
_FARTHEST = 10_000_000
_UNSORTED = (
    "The statement sorts nothing at its end, so pages may repeat or miss rows: add ORDER BY with a unique column, "
    "such as the primary key, as its last part."
)


class Querying:
    """Inspects and runs statements.

    Args:
        database: Where.
        guard: Decides what may run.
        timeout_ms: How long a statement may run.
    """

    def __init__(self, database: "Database", guard: "Guard", timeout_ms: int) -> None:
        self._database = database
        self._guard = guard
        self._timeout_ms = timeout_ms

    async def inspect(self, statement: str, parameters: Sequence[Parameter]) -> "Verdict":
        """Return the verdict on a statement; nothing of it runs.

        Raises:
            QmsError: It may not or can't run, and why.
        """
        types = [parameter.type for parameter in parameters]
        known = self._guard.recall(statement, parameter_types=types)
        if known is not None:
            return known
        _check_count(scan(statement), len(parameters))
        async with self._database.probe_transaction() as transaction:
            return await self._guard.inspect(transaction.connection, statement, parameter_types=types)

    async def run(
        self, principal: "Principal", verdict: "Verdict", parameters: Sequence[Parameter], size: PageSize, skip: int = 0
    ) -> Page:
        """Run an inspected statement and return one page."""
        return await run_query(
            self._database,
            principal,
            verdict,
            parameters,
            timeout_ms=self._timeout_ms,
            size=size,
            skip=skip,
            conceal=withhold if verdict.kind == "explain" else None,
        )

    async def execute(
        self,
        principal: "Principal",
        statement: str,
        parameters: Sequence[Any] = (),
        *,
        limit: int = 100,
        cursor: str | None = None,
        full: bool = False,
    ) -> QueryResult:
        """Inspect and run a statement and return one page of its rows.

        Raises:
            RefusedStatementError: It would do more than read.
            StatementError: PostgreSQL can't run it.
            InvalidInputError: The parameters or the cursor do not fit it.
            LimitExceededError: It takes too long, or is too large.
        """
        bound = bind(parameters)
        identity = _identity(statement, parameters)
        skip = _position(cursor, identity) if cursor else 0
        verdict = await self.inspect(statement, bound)
        page = await self.run(
            principal, verdict, bound, PageSize(limit, cell=_CELL[full or verdict.kind == "explain"]), skip
        )
        paged = page.more or skip
        sorts = verdict.kind in {"explain", "show"} or _sorts(scan(statement)) if paged else True
        return QueryResult(
            columns=[Column(name=name, type=kind) for name, kind in page.columns],
            rows=page.rows,
            returned=len(page.rows),
            more=page.more,
            next_cursor=_cursor(identity, skip + len(page.rows)) if page.more else None,
            cut=_cuts(page, full=full),
            notes=[] if sorts else [_UNSORTED],
        )


def _check_count(scanned: Scan, given: int) -> None:
    used = {int(scanned.text[t.start + 1 : t.end][:9]) for t in scanned.tokens if t.kind == "param"}
    highest = max(used, default=0)
    if highest != given or (used and min(used) == 0):
        uses = f"parameters up to ${highest}" if used else "no parameters"
        raise InvalidInputError(
            f"The statement uses {uses}, and {given} {'was' if given == 1 else 'were'} given.",
            hint="Give one value in `parameters` for each of $1, $2, ... in this order.",
        )


def _sorts(scanned: Scan) -> bool:
    """Say whether the statement ends with an ORDER BY of its own."""
    depth, found = 0, False
    for index in range(len(scanned.tokens)):
        word = scanned.word(index)
        if word in {"(", "["}:
            depth += 1
        elif word in {")", "]"}:
            depth -= 1
        elif depth == 0 and word == "by" and scanned.word(index - 1) == "order":
            found = True
        elif depth == 0 and word in {"union", "intersect", "except"}:
            found = False
    return found


def _identity(statement: str, parameters: Sequence[Any]) -> str:
    text = json.dumps([statement, list(parameters)], ensure_ascii=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:24]


def _cursor(identity: str, position: int) -> str:
    return base64.urlsafe_b64encode(f"{identity}.{position}".encode()).decode()


def _position(cursor: str, identity: str) -> int:
    try:
        belongs, _, position = base64.urlsafe_b64decode(cursor.encode()).decode().partition(".")
        skip = int(position)
    except (binascii.Error, ValueError) as broken:
        raise InvalidInputError(
            "This is no cursor.", hint="Send next_cursor of the page before, unchanged."
        ) from broken
    if belongs != identity:
        raise InvalidInputError(
            "The cursor belongs to another statement or other parameters.",
            hint="Send the statement and the parameters of the page before unchanged.",
        )
    if not 0 <= skip <= _FARTHEST:
        raise InvalidInputError(
            f"A cursor reaches at most {_FARTHEST:,} rows.", hint="Narrow the statement: WHERE id > the last one seen."
        )
    return skip


def _cuts(page: Page, *, full: bool) -> list[str]:
    cuts: list[str] = []
    if page.full:
        cuts.append(f"The page is full after {len(page.rows)} rows: go on with next_cursor, or select fewer columns.")
    for index, length in sorted(page.cut.items()):
        name = page.columns[index][0]
        more = "select" if full else "ask again with detail='full', or select"
        cuts.append(
            f"{name}: values are cut at {_CELL[full]:,} characters, the longest has {length:,}; "
            f"{more} substr({name}::text, {_CELL[full] + 1}, {_CELL[True]})."
        )
    return cuts
