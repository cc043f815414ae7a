"""The procedures of the demo company: one that is effective, and a folder of files that came in."""

from datetime import datetime, timedelta
from importlib.resources import files
from pathlib import Path
from uuid import uuid5

from qms_mcp.demo.company import HALDEN
from qms_mcp.demo.records import Item

_FOLDER = files("qms_mcp.demo.procedures")
_AGE = timedelta(days=400)


def effective_procedure(today: datetime) -> Item:
    """Return version 1 of the procedure for complaints, effective for more than a year."""
    author, since = HALDEN.people[4], today - _AGE
    content = _FOLDER.joinpath("effective", "SOP-014-complaint-handling.md").read_text(encoding="utf-8")
    return Item(
        id=uuid5(HALDEN.organization_id, "SOP-014 v1"),
        title="Complaint handling",
        description="How complaints are taken in, assessed for reportability, investigated and answered.",
        category="document",
        status="effective",
        priority=0,
        owner_id=author.user_id,
        due_date=today + timedelta(days=330),
        metadata={},
        created_at=since - timedelta(days=20),
        updated_at=since,
        closed_at=None,
        details={
            "document_number": "SOP-014",
            "revision": 1,
            "document_type": "sop",
            "author_id": str(author.user_id),
            "change_summary": "First issue.",
            "content": content,
            "review_every_months": 24,
            "is_effective": True,
            "effective_from": since,
            "next_review_on": (since + timedelta(days=730)).date().isoformat(),
        },
        parts=[],
    )


def fill_inbox(home: Path) -> Path:
    """Put the files that came in where the server may read them, and return the folder."""
    inbox = home / "inbox"
    inbox.mkdir(mode=0o700, parents=True, exist_ok=True)
    for arrived in _FOLDER.joinpath("inbox").iterdir():
        (inbox / arrived.name).write_bytes(arrived.read_bytes())
    return inbox
