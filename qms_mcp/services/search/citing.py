"""How what was found is cited: `SOP-014 v3 §5.2 p. 7`, `NC-2026-0003 v7`, or the title of a text without a number."""

from collections.abc import Mapping
from typing import Any

from qms_mcp.services.documents.sections import Section, place

_ABOVE = " > "


def cited(row: Mapping[str, Any], *, with_place: bool = True) -> str:
    """Return the citation of a row that has the columns of `search.find`."""
    label = labelled(row)
    if not with_place or row["content_type"] != "document":
        return label
    return " ".join(part for part in (label, placed(row)) if part)


def labelled(row: Mapping[str, Any]) -> str:
    """Return what a source is called: a version of a document, a record, or a text by its title."""
    if row.get("document_number"):
        return f"{row['document_number']} v{row['revision'] or 1}"
    if row.get("number"):
        return f"{row['number']} v{row['version']}"
    return f'{row["content_type"]} "{row["title"]}"'


def placed(row: Mapping[str, Any]) -> str:
    """Return where in a document a piece stands: `§5.2 p. 7`."""
    where = place(Section(0, 1 if row["section"] else 0, row["section"] or "", last_heading(row["heading"]), "", 0, 0))
    return " ".join(part for part in (where, f"p. {row['page']}" if row.get("page") else "") if part)


def last_heading(heading: str | None) -> str:
    """Return the title of the section itself."""
    return (heading or "").rsplit(_ABOVE, 1)[-1]
