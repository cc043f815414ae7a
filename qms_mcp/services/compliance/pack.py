"""Inspection packs: the evidence for clauses as files a person can hand over.

A pack holds a page that needs nothing else, the matrix as a table, each cited record as JSON and as a page with its
signatures and its trail, and a manifest with the sha256 of every file and the head of the audit trail. Making one is
noted in the trail, with the hash of the manifest.
"""

import csv
import hashlib
import io
import json
import re
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

from qms_mcp import __version__
from qms_mcp.auth.principal import Principal
from qms_mcp.db.queries import query
from qms_mcp.errors import LimitExceededError, NotFoundError
from qms_mcp.services.compliance.finding import find_clause, find_framework
from qms_mcp.services.compliance.judging import judge_clause
from qms_mcp.services.compliance.models import ClauseCoverage, Evidence, Framework, MatrixRow
from qms_mcp.services.compliance.pack_pages import PackedRecord, index_page, record_page
from qms_mcp.services.compliance.service import gather

if TYPE_CHECKING:
    from qms_mcp.db.database import Database
    from qms_mcp.db.transaction import Transaction

_MATRIX = query("compliance.matrix")
_ORGANIZATION = query("compliance.organization")
_RECORDS = query("compliance.pack_records")
_SIGNATURES = query("compliance.pack_signatures")
_TRAIL = query("compliance.pack_trail")
_NOTE_EXPORT = query("compliance.note_export")
_OF_EACH_KIND = 200
_MOST_RECORDS = 1_000
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


@dataclass(frozen=True, slots=True)
class InspectionPack:
    """A pack that was made.

    Attributes:
        files: Content by path inside the folder.
    """

    about: str
    files: dict[str, bytes]
    clauses: int
    records: int
    manifest_sha256: str


@dataclass(frozen=True, slots=True)
class Origin:
    """Whose pack it is, when it was made, and where the trail stood."""

    name: str
    time_zone: str
    at: datetime
    seq: int | None
    row_hash: str | None


@dataclass(frozen=True, slots=True)
class _Contents:
    """What goes into a pack."""

    about: str
    framework: Framework
    clause: str | None
    origin: Origin
    rows: list[tuple[ClauseCoverage, list[Evidence]]]
    records: list[PackedRecord]


class InspectionPacks:
    """Makes packs."""

    def __init__(self, database: "Database") -> None:
        self._database = database

    async def make(self, principal: Principal, framework: str, *, clause: str | None, reason: str) -> InspectionPack:
        """Return a pack for a framework, or for a clause and those under it, and note it in the trail.

        Raises:
            LimitExceededError: It would cite too many records.
            NotFoundError: There is no such framework or clause.
        """
        async with self._database.transaction(principal, because=reason) as transaction:
            contents = await _contents(transaction, framework, clause)
            files = _files(contents)
            manifest = _manifest(contents, files)
            sha256 = hashlib.sha256(manifest).hexdigest()
            noted = {
                "pack": contents.about,
                "clauses": len(contents.rows),
                "records": len(contents.records),
                "manifest_sha256": sha256,
            }
            params = {"framework_id": contents.framework.id, "details": json.dumps(noted)}
            await transaction.execute(_NOTE_EXPORT, params)
        files["manifest.json"] = manifest
        return InspectionPack(contents.about, files, len(contents.rows), len(contents.records), sha256)


async def _contents(transaction: "Transaction", wanted: str, clause: str | None) -> _Contents:
    framework = await find_framework(transaction, wanted)
    under = (await find_clause(transaction, framework, clause)).number if clause else None
    clauses = await transaction.fetch_all(_MATRIX, {"framework_id": framework.id, "under": under}, row=MatrixRow)
    evidence = await gather(transaction, [one.id for one in clauses], most=_OF_EACH_KIND)
    cited = list(dict.fromkeys(one.record_id for found in evidence.values() for one in found if one.record_id))
    if len(cited) > _MOST_RECORDS:
        raise LimitExceededError(
            f"The pack would hold {len(cited):,} records; {_MOST_RECORDS:,} are allowed.", hint="Name a clause."
        )
    origin = await transaction.fetch_one(_ORGANIZATION, row=Origin)
    if origin is None:
        raise NotFoundError("There is no such organization.")
    rows = [(judge_clause(one, evidence.get(one.id, []), explain=True), evidence.get(one.id, [])) for one in clauses]
    about = f"{framework.name}{f', clause {under}' if under else ''}"
    return _Contents(about, framework, under, origin, rows, await _records(transaction, cited))


async def _records(transaction: "Transaction", record_ids: list[UUID]) -> list[PackedRecord]:
    params = {"record_ids": record_ids}
    signatures = _by_record(await transaction.fetch_dicts(_SIGNATURES, params))
    trail = _by_record(await transaction.fetch_dicts(_TRAIL, params))
    return [
        PackedRecord(
            path=f"records/{re.sub(r'[^A-Za-z0-9-]', '_', row['number'] or str(row['id']))}",
            fields=row,
            signatures=signatures.get(row["id"], []),
            trail=trail.get(row["id"], []),
        )
        for row in await transaction.fetch_dicts(_RECORDS, params)
    ]


def _by_record(rows: list[dict[str, Any]]) -> dict[UUID, list[dict[str, Any]]]:
    grouped: dict[UUID, list[dict[str, Any]]] = {}
    for row in rows:
        grouped.setdefault(row.pop("record_id"), []).append(row)
    return grouped


def _files(contents: _Contents) -> dict[str, bytes]:
    paths = {record.fields["id"]: f"{record.path}.html" for record in contents.records}
    origin = contents.origin
    made = f"{origin.name}, made {origin.at:%Y-%m-%d %H:%M} UTC with qms-mcp {__version__}"
    if origin.seq is not None:
        made += f"; the audit trail stood at entry {origin.seq}, {origin.row_hash}"
    files = {
        "index.html": index_page(contents.about, made, contents.rows, paths).encode(),
        "matrix.csv": _matrix_csv(contents.rows).encode(),
    }
    for record in contents.records:
        whole = {**record.fields, "signatures": record.signatures, "trail": record.trail}
        files[f"{record.path}.json"] = _json(whole)
        files[f"{record.path}.html"] = record_page(record, made).encode()
    return files


def _matrix_csv(rows: list[tuple[ClauseCoverage, list[Evidence]]]) -> str:
    target = io.StringIO()
    writer = csv.writer(target, lineterminator="\n")
    writer.writerow(["clause", "evidence", "source", "citation", "dated", "valid_until", "note", "gap"])
    for row, evidence in rows:
        for one in evidence or [None]:
            found = [one.source, one.citation, one.dated, one.valid_until, one.note] if one else [None] * 5
            writer.writerow([_cell(value) for value in (row.clause, row.evidence, *found, row.gap)])
    return target.getvalue()


def _cell(value: object) -> str:
    """Return a cell that no spreadsheet takes for a formula."""
    text = "" if value is None else str(value)
    return f"'{text}" if text.startswith(_FORMULA) else text


def _manifest(contents: _Contents, files: dict[str, bytes]) -> bytes:
    return _json(
        {
            "pack": contents.about,
            "framework": contents.framework.name,
            "clause": contents.clause,
            "organization": contents.origin.name,
            "made_at": contents.origin.at,
            "qms_mcp": __version__,
            "audit_trail": {"entry": contents.origin.seq, "row_hash": contents.origin.row_hash},
            "files": [
                {"path": path, "bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}
                for path, content in sorted(files.items())
            ],
        }
    )


def _json(value: object) -> bytes:
    return (json.dumps(value, ensure_ascii=False, indent=1, default=_plain) + "\n").encode()


def _plain(value: object) -> str:
    return value.isoformat() if isinstance(value, datetime) else str(value)
