"""Importing a file.

Rows go in batches, each a transaction: what was added before an interruption stays, and running the import again goes
on behind it. A batch the database refuses is taken apart, and each of its rows stands for itself.
"""

import hashlib
import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from difflib import get_close_matches
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from qms_mcp.auth.principal import Principal
from qms_mcp.db.queries import query
from qms_mcp.errors import InvalidInputError, NotAllowedError, QmsError, UnavailableError
from qms_mcp.services.imports.converting import RowError, at_path, external_id_of, fields_of
from qms_mcp.services.imports.maps import ImportMap
from qms_mcp.services.imports.models import Example, ImportReport
from qms_mcp.services.imports.reading import SourceRow, rows_of

if TYPE_CHECKING:
    from qms_mcp.db.database import Database

_FIELDS = query("imports.fields")
_CATEGORIES = query("imports.categories")
_KNOWN = query("imports.known")
_ADD = query("imports.add")
_NOTE = query("imports.note")
_BATCH = 100
# How many rows are looked at before a column counts as not there.
_LOOKED_AT = 100
_PIECE = 1024 * 1024


@dataclass(frozen=True, slots=True)
class _Prepared:
    line: int
    external_id: str
    fields: dict[str, Any]

    def example(self, detail: str) -> Example:
        return Example(line=self.line, external_id=self.external_id, detail=detail)


class _TrialEndedError(Exception):
    """Ends the transaction of a trial, so that nothing of it is kept."""


class Imports:
    """Adds the rows of a file as records.

    Args:
        database: Where to.
        principal: On whose behalf.
    """

    def __init__(self, database: "Database", principal: Principal) -> None:
        self._database = database
        self._principal = principal

    async def run(
        self,
        path: Path,
        map_: ImportMap,
        *,
        trial: bool = False,
        limit: int | None = None,
        at: Callable[[ImportReport], None] = lambda _report: None,
    ) -> ImportReport:
        """Import a file.

        Args:
            path: The file.
            map_: Which column becomes which field.
            trial: Do all of it and keep nothing.
            limit: Rows at most.
            at: Called after each batch.

        Raises:
            InvalidInputError: The map names a field or a column that does not exist, or the file can't be read.
            NotAllowedError: The caller may not write.
        """
        started = time.monotonic()
        await self._check_fields(map_)
        check_columns(path, map_)
        report = ImportReport(file=path.name, sha256=_sha256(path), map=map_.name, category=map_.category, trial=trial)
        seen: set[str] = set()
        rows = islice(rows_of(path, delimiter=map_.delimiter), limit)
        while batch := list(islice(rows, _BATCH)):
            report.read += len(batch)
            prepared = list(_prepared(batch, map_, path.name, seen, report))
            await self._add(prepared, map_, report)
            at(report)
        report.seconds = round(time.monotonic() - started, 3)
        if not trial:
            await self._note(report)
        return report

    async def _check_fields(self, map_: ImportMap) -> None:
        async with self._database.transaction(self._principal, read_only=True) as transaction:
            found = await transaction.fetch_dicts(_FIELDS, {"category": map_.category})
            categories = [row["category"] for row in await transaction.fetch_dicts(_CATEGORIES)]
        if not found:
            raise InvalidInputError(
                f"The map is for {map_.category!r}, which is no type of record.",
                hint=_nearest(map_.category, categories),
            )
        known: list[str] = found[0]["fields"]
        for name in map_.fields:
            if name not in known:
                raise InvalidInputError(
                    f"A {map_.category} has no field {name!r} that can be given.", hint=_nearest(name, known)
                )

    async def _add(self, rows: list[_Prepared], map_: ImportMap, report: ImportReport) -> None:
        if not rows:
            return
        try:
            await self._add_together(rows, map_, report)
        except (UnavailableError, NotAllowedError):
            raise
        except QmsError as error:
            if len(rows) == 1:
                detail = f"{error.message} {error.hint}".strip()
                report.skip(f"the database refused it: {_without_values(error.message)}", rows[0].example(detail))
                return
            # Half of them, and half of that: a batch with one bad row is not taken apart row by row.
            middle = len(rows) // 2
            await self._add(rows[:middle], map_, report)
            await self._add(rows[middle:], map_, report)

    async def _add_together(self, rows: list[_Prepared], map_: ImportMap, report: ImportReport) -> None:
        because = f"imported from {report.file} with the map {map_.name}"
        numbers: list[str] = []
        known: set[str] = set()
        try:
            async with self._database.transaction(self._principal, because=because) as transaction:
                ids = {"category": map_.category, "external_ids": [row.external_id for row in rows]}
                known = {row["external_id"] for row in await transaction.fetch_dicts(_KNOWN, ids)}
                fresh = [row.fields for row in rows if row.external_id not in known]
                if fresh:
                    params = {"category": map_.category, "rows": json.dumps(fresh, ensure_ascii=False)}
                    numbers = [row["number"] for row in await transaction.fetch_dicts(_ADD, params)]
                if report.trial:
                    _keep_nothing()
        except _TrialEndedError:
            pass
        report.there_already += len(known)
        report.added += len(numbers)
        if numbers and not report.trial:
            report.first, report.last = report.first or numbers[0], numbers[-1]

    async def _note(self, report: ImportReport) -> None:
        details = report.model_dump(include={"file", "sha256", "map", "category", "read", "added", "there_already"})
        details["skipped"] = {reason: one.count for reason, one in report.skipped.items()}
        async with self._database.transaction(
            self._principal, because="records are imported from a file"
        ) as transaction:
            await transaction.execute(_NOTE, {"details": json.dumps(details, ensure_ascii=False)})


def _keep_nothing() -> NoReturn:
    raise _TrialEndedError


def check_columns(path: Path, map_: ImportMap) -> None:
    """Refuse a map that names a column no row has.

    Raises:
        InvalidInputError: It does; the nearest name is in the hint.
    """
    rows = [row.values for row in islice(rows_of(path, delimiter=map_.delimiter), _LOOKED_AT)]
    readable = [values for values in rows if not isinstance(values, RowError)]
    if not readable:
        return
    names = sorted({name for values in readable for name in values})
    for field, group in map_.columns():
        # Of several columns to try, one is enough.
        if not any(_has(values, column) for values in readable for column in group):
            raise InvalidInputError(
                f"The map takes {field} from the column {group[0]!r}, which the file does not have.",
                hint=_nearest(group[0], names),
            )


def _has(values: dict[str, Any], column: str) -> bool:
    return column in values or at_path(values, column) is not None


def _prepared(
    batch: list[SourceRow], map_: ImportMap, file: str, seen: set[str], report: ImportReport
) -> Iterator[_Prepared]:
    for row in batch:
        external_id: str | None = None
        try:
            values = _values(row)
            external_id = external_id_of(values, map_)
            _note_once(external_id, seen)
            fields = fields_of(values, map_)
        except RowError as error:
            report.skip(error.reason, Example(line=row.line, external_id=external_id, detail=error.detail))
            continue
        source: dict[str, Any] = {"system": map_.system, "file": file, "line": row.line, "map": map_.name}
        if map_.keep_row:
            source["row"] = values
        yield _Prepared(row.line, external_id, {**fields, "external_id": external_id, "source": source})


def _values(row: SourceRow) -> dict[str, Any]:
    if isinstance(row.values, RowError):
        raise row.values
    return row.values


def _note_once(external_id: str, seen: set[str]) -> None:
    if external_id in seen:
        raise RowError("its id is in the file more than once")
    seen.add(external_id)


def _nearest(name: str, known: list[str]) -> str:
    near = get_close_matches(name.casefold(), known, n=1) or get_close_matches(name.rpartition(".")[2], known, n=1)
    return f"Did you mean {near[0]}?" if near else f"There are: {', '.join(known[:60])}."


def _without_values(message: str) -> str:
    """Return a message without what it quotes, so that rows with the same fault count together."""
    return message.partition('"')[0].rstrip(" :.") or message


def _sha256(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as source:
        while piece := source.read(_PIECE):
            digest.update(piece)
    return digest.hexdigest()
