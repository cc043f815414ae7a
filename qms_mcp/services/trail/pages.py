"""The trail as a page for people: self-contained, without a script, and made for printing.

Every text of an entry is escaped: what somebody wrote into a record never becomes part of the page.
"""

import json
from html import escape
from typing import Any

from qms_mcp.services.trail.entries import ExportRow, differences, record_of, versions_of, who

_STYLE = """
body{font:13px/1.45 system-ui,sans-serif;margin:2rem auto;max-width:75rem;padding:0 1rem;color:#1a1a1a}
h1{font-size:1.4rem;margin:0}
.about{color:#555;margin:.3rem 0 1.5rem}
article{border-top:1px solid #bbb;padding:.6rem 0;break-inside:avoid}
.line{display:flex;flex-wrap:wrap;gap:.2rem 1rem}
.seq{font-weight:600;min-width:4rem}
.muted{color:#666}
table{border-collapse:collapse;width:100%;margin:.4rem 0}
th,td{border:1px solid #ddd;padding:.2rem .4rem;text-align:left;vertical-align:top;overflow-wrap:anywhere}
th{background:#f4f4f4;font-weight:600;width:12rem}
td.old{color:#8a1f11;width:44%}td.new{color:#14532d}
pre,td{white-space:pre-wrap;font-family:inherit}
.hash{font:11px ui-monospace,monospace;color:#777;overflow-wrap:anywhere}
@media print{body{margin:0;max-width:none;font-size:10px}}
"""
_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>{title}</title><style>{style}</style></head><body>
<h1>{title}</h1>
<p class="about">{what}. Times in UTC, then in {zone}. Made {made}.<br>
Each entry shows its hash; the JSONL export holds what is needed to recompute them.</p>
"""


def beginning(organization: str, zone: str, what: str, made: str) -> str:
    """Return the head of the page."""
    title = f"Audit trail of {organization}"
    return _PAGE.format(
        title=escape(title), style=_STYLE, what=escape(what[:1].upper() + what[1:]), zone=escape(zone), made=made
    )


def entry(row: ExportRow) -> str:
    """Return one entry."""
    return (
        f'<article id="entry-{row.seq}"><div class="line"><span class="seq">{row.seq}</span>'
        f"<span>{row.created_at:%Y-%m-%d %H:%M:%S} UTC</span>"
        f'<span class="muted">{escape(row.at_site)} {escape(row.zone)}</span>'
        f"<strong>{escape(_actor(row))}</strong>"
        f"<span>{escape(row.action)} {escape(record_of(row) or row.entity_type)}</span>"
        f'<span class="muted">{escape(_circumstances(row))}</span></div>'
        f"{_reason(row)}{_changes(row)}{_details(row)}"
        f'<div class="hash">{row.row_hash}</div></article>\n'
    )


def end(entries: int, last: int | None, head: str | None) -> str:
    """Return the end of the page."""
    closing = f"{entries} entries." if last is None else f"{entries} entries; the last is {last} with the hash {head}."
    return f'<p class="about">{escape(closing)}</p></body></html>\n'


def _actor(row: ExportRow) -> str:
    return f"an agent for {row.on_behalf_of or who(row)}" if row.actor_kind == "agent" else who(row)


def _circumstances(row: ExportRow) -> str:
    parts = [
        row.entity_type if row.number else "",
        f"through {row.client}" if row.client else "",
        f"call {row.tool_call_id}" if row.tool_call_id else "",
        versions_of(row) or "",
    ]
    return ", ".join(part for part in parts if part)


def _reason(row: ExportRow) -> str:
    return f"<div>Reason: {escape(row.reason)}</div>" if row.reason else ""


def _changes(row: ExportRow) -> str:
    lines = [
        f'<tr><th>{escape(name)}</th><td class="old">{_words(was)}</td><td class="new">{_words(now)}</td></tr>'
        for name, was, now in differences(row.changes)
    ]
    if not lines:
        return ""
    return f"<table><tr><th>Field</th><th>Before</th><th>After</th></tr>{''.join(lines)}</table>"


def _details(row: ExportRow) -> str:
    if not row.metadata:
        return ""
    lines = [f"<tr><th>{escape(name)}</th><td>{_words(value)}</td></tr>" for name, value in row.metadata.items()]
    return f"<table>{''.join(lines)}</table>"


def _words(value: Any) -> str:
    if value is None:
        return ""
    return escape(value if isinstance(value, str) else json.dumps(value, ensure_ascii=False))
