"""The pages of an inspection pack: plain HTML that needs no network, runs no script and prints well.

Whatever comes out of records is escaped; only what is http or https becomes a link.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any, cast
from uuid import UUID

from qms_mcp.services.compliance.models import NOTE, ClauseCoverage, Evidence

_STYLE = """
body{font:14px/1.45 system-ui,sans-serif;margin:2rem auto;max-width:64rem;padding:0 1rem;color:#1a1a1a}
table{border-collapse:collapse;width:100%;margin:.5rem 0 1.5rem}
th,td{border:1px solid #bbb;padding:.3rem .5rem;text-align:left;vertical-align:top;overflow-wrap:anywhere}
th{background:#f0f0f0}h1{font-size:1.5rem}h2{font-size:1.15rem}
.found{color:#0a5}.stale{color:#a60}.missing,.content_changed,.broken{color:#b00;font-weight:600}.quiet{color:#555}
@media print{body{margin:0;max-width:none}tr{break-inside:avoid}a{color:inherit}}
"""
_POLICY = "default-src 'none'; style-src 'unsafe-inline'"


@dataclass(frozen=True, slots=True)
class PackedRecord:
    """A record with its signatures and its trail.

    Attributes:
        path: Inside the pack, without the ending.
    """

    path: str
    fields: dict[str, Any]
    signatures: list[dict[str, Any]]
    trail: list[dict[str, Any]]


def index_page(
    about: str,
    made: str,
    rows: Sequence[tuple[ClauseCoverage, Sequence[Evidence]]],
    paths: Mapping[UUID, str],
) -> str:
    """Return the first page: every clause with its evidence, linked to the records."""
    verdicts = [row.evidence for row, _ in rows]
    counts = ", ".join(f"{verdicts.count(one)} {one}" for one in dict.fromkeys(verdicts)) or "no clauses"
    body = [f"<p>Evidence: {escape(counts)}. {escape(NOTE)}</p>"]
    for row, evidence in rows:
        body.append(
            f'<h2>{escape(row.clause)}: <span class="{escape(row.evidence)}">{escape(row.evidence)}</span></h2>'
        )
        if row.gap:
            body.append(f"<p>{escape(row.gap)}</p>")
        body.append(f'<p class="quiet">Looked for: {escape(", ".join(row.looked_for) or "nothing")}</p>')
        if evidence:
            cells = (
                [_linked(one, paths), escape(one.note or ""), _day(one.dated), _day(one.valid_until)]
                for one in evidence
            )
            body.append(_table(("Evidence", "State or note", "Dated", "Valid until"), cells))
            body.append(_more(evidence))
    return _page(f"Inspection pack: {about}", made, body)


def record_page(record: PackedRecord, made: str) -> str:
    """Return a record with all its fields, its signatures and its trail."""
    fields = record.fields
    adopted = "" if fields["adopted"] else f" Drafted by: {fields['drafted_by_kind']}, not yet adopted by a person."
    what = f"{fields['category']}, version {fields['version']}, state {fields['status']}.{adopted}"
    body = [
        f"<p>{escape(what)}</p>",
        f'<p class="quiet">sha256 of the content: {escape(str(fields["sha256"]))}</p>',
        "<h2>Signatures</h2>",
        _signatures(record.signatures),
        "<h2>Content</h2>",
        _table(("Field", "Value"), ([escape(name), _value(value)] for name, value in _flat(fields["content"]))),
        "<h2>Audit trail</h2>",
        _table(
            ("Entry", "When (UTC)", "Who", "What", "Why", "Old and new", "Hash"),
            (_trail_cells(entry) for entry in record.trail),
        ),
    ]
    return _page(f"{fields['number']} {fields['title']}", made, body)


def _signatures(signatures: Sequence[dict[str, Any]]) -> str:
    if not signatures:
        return "<p>None.</p>"
    rows = (
        [
            escape(str(one["words"])),
            f"version {one['record_version']}",
            f'<span class="{escape(str(one["status"]))}">{escape(_status(one))}</span>',
        ]
        for one in signatures
    )
    return _table(("Signature", "Of", "Checked when the pack was made"), rows)


def _status(one: Mapping[str, Any]) -> str:
    if one["status"] == "content_changed":
        return "the content changed since: " + ", ".join(one["changed"] or [])
    return "valid: the record is what was signed" if one["status"] == "valid" else "broken: the signature was altered"


def _trail_cells(entry: Mapping[str, Any]) -> list[str]:
    changes = cast("dict[str, Any]", entry["changes"] or {})
    who = f"{entry['actor_name'] or 'the system'} ({entry['actor_kind']}) {entry['client'] or ''}"
    return [
        str(entry["seq"]),
        f"{entry['created_at']:%Y-%m-%d %H:%M:%S}",
        escape(who),
        escape(f"{entry['action']} {entry['entity_type']}"),
        escape(entry["reason"] or ""),
        "<br>".join(f"{escape(name)}: {_value(change)}" for name, change in changes.items()),
        escape(f"{entry['row_hash'][:16]}..."),
    ]


def _flat(content: Mapping[str, Any]) -> Iterable[tuple[str, Any]]:
    for name, value in content.items():
        if isinstance(value, dict) and name == "details":
            yield from cast("dict[str, Any]", value).items()
        elif value not in (None, "", [], {}):
            yield name, value


def _value(value: Any) -> str:
    if isinstance(value, str):
        return escape(value).replace("\n", "<br>")
    return escape(json.dumps(value, ensure_ascii=False, default=str))


def _linked(one: Evidence, paths: Mapping[UUID, str]) -> str:
    words = escape(one.citation)
    if one.record_id is not None and one.record_id in paths:
        return f'<a href="{escape(paths[one.record_id])}">{words}</a>'
    if one.citation.lower().startswith(("https://", "http://")):
        return f'<a href="{words}" rel="noreferrer">{words}</a>'
    return words


def _more(evidence: Sequence[Evidence]) -> str:
    totals = {(one.source, one.note): one.total for one in evidence if one.total > 1}
    shown = sum((one.source, one.note) in totals for one in evidence)
    if sum(totals.values()) <= shown:
        return ""
    return f"<p>Of these, the {shown} newest are in the pack; there are more.</p>"


def _day(value: object) -> str:
    return escape(str(value)) if value else ""


def _table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    head = "".join(f"<th>{escape(one)}</th>" for one in heads)
    body = "".join("<tr>" + "".join(f"<td>{cell}</td>" for cell in row) + "</tr>" for row in rows)
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def _page(title: str, made: str, body: Sequence[str]) -> str:
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">'
        f"<title>{escape(title)}</title><style>{_STYLE}</style></head><body>"
        f'<h1>{escape(title)}</h1><p class="quiet">{escape(made)}</p>{"".join(body)}</body></html>\n'
    )
