"""Runs test scripts by the convention and tells what became of each test."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from qms_mcp.errors import InvalidInputError, NotFoundError
from qms_mcp.services.sql_tests.convention import Script, lent_tap, prelude, read_script

if TYPE_CHECKING:
    from qms_mcp.db.database import Database
    from qms_mcp.db.run_tests import Outcome

_MOST_BYTES = 1_000_000


@dataclass(frozen=True, slots=True)
class ScriptReport:
    """The outcomes of one script."""

    name: str
    outcomes: tuple["Outcome", ...]

    @property
    def failed(self) -> int:
        """Return how many tests failed."""
        return sum(outcome.state == "failed" for outcome in self.outcomes)


async def run_script(database: "Database", text: str, name: str) -> ScriptReport:
    """Run one test script; nothing of it stays in the database.

    Raises:
        InvalidInputError: The script breaks the convention.
        StatementError: The test organizations could not be made.
        UnavailableError: The database can't be reached.
    """
    from qms_mcp.db.run_tests import Case, run_tap, run_tests  # noqa: PLC0415 - brings psycopg

    script: Script = read_script(text, name)
    if script.tap:
        return ScriptReport(name, tuple(await run_tap(database, prelude(), lent_tap(), script.setup)))
    cases = [
        Case(
            name=block.name,
            line=block.line,
            statements=block.statements,
            expected_state=block.expect.state if block.expect else "",
            expected_part=block.expect.part if block.expect else "",
            skip=block.skip,
        )
        for block in script.tests
    ]
    return ScriptReport(name, tuple(await run_tests(database, prelude(), script.setup, cases)))


def scripts_of(arguments: Iterable[str]) -> list[Path]:
    """Return the scripts that files, folders and patterns name, each once, in their order.

    Raises:
        NotFoundError: One of them names nothing.
        InvalidInputError: A file is too large to be a test script.
    """
    found: dict[Path, None] = {}
    for argument in arguments:
        paths = _matching(argument)
        if not paths:
            raise NotFoundError(f"There is no test script {argument!r}.", hint="Name a file, a folder or a pattern.")
        found.update(dict.fromkeys(paths))
    for path in found:
        if path.stat().st_size > _MOST_BYTES:
            raise InvalidInputError(f"{path} is too large for a test script.", hint="Cut it into several files.")
    return list(found)


def _matching(argument: str) -> list[Path]:
    path = Path(argument)
    if path.is_dir():
        return sorted(path.rglob("*.sql"))
    if path.is_file():
        return [path]
    pattern = path.relative_to(path.anchor) if path.is_absolute() else path
    return sorted(match for match in Path(path.anchor or ".").glob(str(pattern)) if match.is_file())
